"""A schedule as rows: the contract of names, windows, and rows one by one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onecycle_cli import OneCycle, OnecycleError, Schedule, StepError
from onecycle_cli.render.step_table import chunks, columns, make_columns, table_rows, window

from .strategies import sound_settings


def schedule_of(**settings: Any) -> Schedule:
    return OneCycle(**{"max_lr": 0.1, "total_steps": 100} | settings).schedule(strict=False)


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, "step lr momentum"),
        ({"cycle_momentum": False}, "step lr"),
        ({"convention": "r-torch", "cycle_momentum": False}, "step lr"),
        ({"steps_per_epoch": 10}, "step epoch lr momentum"),
        ({"total_steps": None, "epochs": 2, "dataset_size": 100, "batch_size": 10}, "step epoch lr momentum"),
        ({"max_lr": (0.1, 0.2)}, "step lr_0 momentum_0 lr_1 momentum_1"),
        ({"max_lr": (0.1, 0.2), "cycle_momentum": False}, "step lr_0 lr_1"),
        ({"groups": 2, "steps_per_epoch": 10}, "step epoch lr_0 momentum_0 lr_1 momentum_1"),
        ({"groups": ("body", "head")}, "step lr_body momentum_body lr_head momentum_head"),
        ({"groups": ("body",)}, "step lr momentum"),
    ],
)
def test_the_names_of_columns(settings: dict[str, Any], names: str) -> None:
    assert columns(schedule_of(**settings)) == tuple(names.split())


def test_rows_are_plain_numbers_of_the_steps_asked_for() -> None:
    schedule = schedule_of(max_lr=(0.1, 0.2), steps_per_epoch=30)
    rows = list(table_rows(schedule, [99, 0, 30]))
    assert [row["step"] for row in rows] == [99, 0, 30]
    assert [row["epoch"] for row in rows] == [3, 0, 1]
    assert [row["lr_1"] for row in rows] == [schedule.lr(step, 1) for step in (99, 0, 30)]
    assert [row["momentum_0"] for row in rows] == [schedule.momentum(step) for step in (99, 0, 30)]
    for row in rows:
        assert tuple(row) == columns(schedule)
        assert {name: type(value) for name, value in row.items()} == {
            name: int if name in ("step", "epoch") else float for name in row
        }


def test_rows_outside_the_cycle_are_refused() -> None:
    with pytest.raises(StepError):
        list(table_rows(schedule_of(), [100]))


def test_the_whole_cycle_is_the_default_window() -> None:
    assert window(schedule_of()) == range(0, 100, 1)
    assert window(schedule_of(last_epoch=39)) == range(40, 100, 1)
    assert window(schedule_of(last_epoch=39), 0) == range(0, 100, 1)


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"first": -1}, "--from -1 is outside"),
        ({"first": 100}, "--from 100 is outside"),
        ({"stop": 0}, "--to 0 is outside"),
        ({"stop": -5}, "--to -5 is outside"),
        ({"stop": 101}, "--to 101 is outside"),
        ({"first": 50, "stop": 50}, "no step"),
        ({"first": 51, "stop": 50}, "no step"),
        ({"every": 0}, "every 0"),
        ({"every": -1}, "every -1"),
    ],
)
def test_windows_without_sense_are_refused(chosen: dict[str, int], said: str) -> None:
    with pytest.raises(OnecycleError, match=said) as caught:
        window(schedule_of(), **chosen)
    assert caught.value.exit_code == 2
    assert caught.value.hint


def test_a_window_of_what_is_behind_a_resumed_run_says_so() -> None:
    with pytest.raises(OnecycleError, match="--from 40 --to 40 contains no steps"):
        window(schedule_of(last_epoch=39), stop=40)


@pytest.mark.parametrize("every", [100, 101, 2**63, 10**30])
def test_a_stride_beyond_the_window_gives_its_first_step(every: int) -> None:
    chosen = window(schedule_of(), 3, every=every)
    assert (chosen.start, chosen.stop, chosen.step) == (3, 100, 97)
    ((steps, *_),) = chunks(make_columns(schedule_of()), chosen, 10)
    assert steps.tolist() == [3]


@given(sound_settings(), st.data())
def test_any_window_equals_the_same_slice_of_the_whole(settings: dict[str, Any], data: st.DataObject) -> None:
    schedule = OneCycle(**settings, steps_per_epoch=7).schedule(strict=False)
    first = data.draw(st.integers(0, schedule.total_steps - 1))
    stop = data.draw(st.integers(first + 1, schedule.total_steps))
    chosen = window(schedule, first, stop, data.draw(st.integers(1, 500)))
    pieces = list(chunks(make_columns(schedule), chosen, data.draw(st.integers(1, 50))))
    whole = list(table_rows(schedule, range(schedule.total_steps)))[first : stop : chosen.step]
    assert sum(len(piece[0]) for piece in pieces) == len(chosen) == len(whole)
    for at, name in enumerate(columns(schedule)):
        values = np.concatenate([piece[at] for piece in pieces])
        assert values.dtype == (np.int64 if name in ("step", "epoch") else np.float64)
        assert values.tolist() == [row[name] for row in whole]


def test_the_longest_cycle_has_rows_at_its_end() -> None:
    schedule = schedule_of(total_steps=2**53)
    ((steps, rates, _),) = chunks(make_columns(schedule), window(schedule, 2**53 - 2), 10)
    assert steps.tolist() == [2**53 - 2, 2**53 - 1]
    assert rates[-1] == schedule.lr(2**53 - 1)


def test_what_is_not_finite_is_refused() -> None:
    schedule = schedule_of(max_lr=1e308, div_factor=1e-10)
    assert math.isinf(schedule.lr(0))
    with pytest.raises(OnecycleError, match="lr at step 0 is inf"):
        list(table_rows(schedule, [0]))
    with pytest.raises(OnecycleError, match="lr at step 0 is inf"):
        list(chunks(make_columns(schedule), window(schedule), 10))
