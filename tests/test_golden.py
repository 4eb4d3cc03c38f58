"""Every recorded value of every framework, met by the scalar and by the array path as nearly as `cos` allows.

With the `cos` that the values were recorded with, that is to the last bit: see `exactness`.
"""

from __future__ import annotations

import csv
import json
from typing import Any

import numpy as np
import pytest

from onecycle_cli import OneCycle
from onecycle_cli.policy.conventions import CONVENTIONS

from .conftest import DATA
from .exactness import as_recorded

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


RUNS: dict[str, Any] = json.loads((DATA / "golden" / "smith" / "runs.json").read_text())["runs"]


@pytest.mark.parametrize("name", sorted(RUNS))
def test_the_papers_runs_are_met_to_the_digits_of_their_logs(name: str) -> None:
    run = RUNS[name]
    settings: dict[str, Any] = {
        "max_lr": float(run["max_lr"]),
        "div_factor": run["max_lr"] / run["base_lr"],
        "stepsize": run["stepsize"],
        "total_steps": run["max_iter"],
        "convention": "smith",
    }
    if "cyclical_momentum" in run:
        settings |= {"base_momentum": run["cyclical_momentum"][0], "max_momentum": run["momentum"]}
    else:
        settings |= {"cycle_momentum": False, "final_div_factor": 1.0}  # the triangle of figure 1a
    schedule = OneCycle(**settings).schedule()
    with (DATA / "golden" / "smith" / f"{name}.csv").open() as stream:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(stream)]
    steps = np.array([int(row["step"]) for row in rows])
    assert schedule.lr(steps).tolist() == [schedule.lr(step) for step in steps.tolist()]
    assert schedule.lr(steps) == pytest.approx([row["lr"] for row in rows], rel=5e-5)
    momenta = schedule.momentum(steps)
    if momenta is not None:
        assert momenta == pytest.approx([row["momentum"] for row in rows], abs=6e-7)
        assert momenta.tolist() == [schedule.momentum(step) for step in steps.tolist()]
