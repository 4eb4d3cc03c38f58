"""Every recorded value of every framework, met to the last bit by the scalar and by the array path."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from onecycle_cli import OneCycle
from onecycle_cli.policy.conventions import CONVENTIONS

from .conftest import DATA


def recorded_cases() -> list[Any]:
    cases = []
    for path in sorted((DATA / "golden").glob("*.json")):
        for case in json.loads(path.read_text())["cases"]:
            convention = case["settings"].get("convention", path.stem)
            cases.append(pytest.param(convention, case, id=f"{convention}-{case['name']}"))
    return cases


@pytest.mark.parametrize(("convention", "case"), recorded_cases())
def test_every_row_is_met(convention: str, case: dict[str, Any]) -> None:
    settings = OneCycle(**{**case["settings"], "convention": convention})
    schedule = settings.schedule()
    steps = [row[0] for row in case["rows"]]
    for group in range(len(schedule.groups)):
        column = 1 + 2 * group
        rates = [float.fromhex(row[column]) for row in case["rows"]]
        assert [schedule.lr(step, group) for step in steps] == rates
        assert schedule.lr(np.array(steps), group).tolist() == rates
        if settings.cycle_momentum is False:
            # What the recording has there is the optimizer's own momentum, which the scheduler left alone.
            assert schedule.momentum(0, group) is None
            continue
        momenta = [None if row[column + 1] is None else float.fromhex(row[column + 1]) for row in case["rows"]]
        assert [schedule.momentum(step, group) for step in steps] == momenta
        in_array = schedule.momentum(np.array(steps), group)
        assert (in_array is None and set(momenta) == {None}) or (in_array is not None and in_array.tolist() == momenta)


def test_every_convention_has_recorded_values() -> None:
    assert {case.values[0] for case in recorded_cases()} == set(CONVENTIONS)
