"""Every recorded value of every framework, met by the scalar and by the array path as nearly as `cos` allows.

With the `cos` that the values were recorded with, that is to the last bit: see `exactness`.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from onecycle_cli import OneCycle
from onecycle_cli.policy.conventions import CONVENTIONS

from .conftest import DATA
from .exactness import as_recorded
from .logged_runs import RUNS_OF_PAPERS, log_of_paper, plan_of_paper

pytestmark = pytest.mark.numeric


def recorded_cases() -> list[Any]:
    cases = []
    for path in sorted((DATA / "golden").glob("*.json")):
        recording = json.loads(path.read_text())
        for case in recording["cases"]:
            convention = case["settings"].get("convention", path.stem)
            name = f"{convention}-{case['name']}"
            cases.append(pytest.param(convention, case, recording["cos"]["fingerprint"], id=name))
    return cases


@pytest.mark.parametrize(("convention", "case", "recorded_with"), recorded_cases())
def test_every_row_is_met(convention: str, case: dict[str, Any], recorded_with: str) -> None:
    settings = OneCycle(**{**case["settings"], "convention": convention})
    schedule = settings.schedule(strict=False)
    steps = [row[0] for row in case["rows"]]
    array = np.array(steps)
    for group in range(len(schedule.groups)):
        column = 1 + 2 * group
        rates = as_recorded([float.fromhex(row[column]) for row in case["rows"]], recorded_with)
        assert [schedule.lr(step, group) for step in steps] == rates
        assert schedule.lr(array, group).tolist() == rates
        # Where the scheduler leaves momentum alone, the recording has the optimizer's own.
        cycled = settings.cycle_momentum is not False
        recorded = [float.fromhex(row[column + 1]) if cycled and row[column + 1] else None for row in case["rows"]]
        momenta = as_recorded(recorded, recorded_with)
        assert [schedule.momentum(step, group) for step in steps] == momenta
        in_array = schedule.momentum(array, group)
        assert ([None] * len(steps) if in_array is None else in_array.tolist()) == momenta


def test_every_convention_has_recorded_values() -> None:
    logged = {"smith", "mmengine"}  # by the papers' logs below, and by being PyTorch's arithmetic
    assert {case.values[0] for case in recorded_cases()} == set(CONVENTIONS) - logged


def test_mmengine_is_pytorch() -> None:
    settings: dict[str, Any] = {"max_lr": 0.02, "total_steps": 200, "pct_start": 0.4}
    steps = np.arange(200)
    theirs = OneCycle(**settings, convention="mmengine").schedule()
    assert theirs.lr(steps).tolist() == OneCycle(**settings).schedule().lr(steps).tolist()
    assert theirs.momentum(0) is None


@pytest.mark.parametrize("name", RUNS_OF_PAPERS)
def test_the_papers_runs_are_met_to_the_digits_of_their_logs(name: str) -> None:
    schedule, log = OneCycle(**plan_of_paper(name)).schedule(), log_of_paper(name)
    rates, momenta = schedule.lr(log.steps), schedule.momentum(log.steps)
    assert rates == pytest.approx(log.lr[:, 0], rel=5e-5)
    assert rates.tolist() == [schedule.lr(step) for step in log.steps.tolist()]
    one_by_one = [schedule.momentum(step) for step in log.steps.tolist()]
    logged = [None] * len(log.steps) if log.momentum is None else log.momentum[:, 0].tolist()
    assert one_by_one == [value if value is None else pytest.approx(value, abs=6e-7) for value in logged]
    assert one_by_one == ([None] * len(log.steps) if momenta is None else momenta.tolist())
