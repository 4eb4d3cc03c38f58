"""The steps a curve is drawn at, and where its ticks stand."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onecycle_cli import OneCycle, OnecycleError, Schedule
from onecycle_cli.policy.summary import edge_steps, summarize
from onecycle_cli.render.picture import (
    Curve,
    check_drawable,
    count_unit,
    even_ticks,
    log_ticks,
    steps_to_draw,
    tick_labels,
    x_divisor,
)


def schedule(total_steps: int, pct_start: float = 0.3, **more: object) -> Schedule:
    settings = {"max_lr": 0.1, "total_steps": total_steps, "pct_start": pct_start, **more}
    return OneCycle.from_values(settings).schedule()


@pytest.mark.parametrize("total_steps", [1, 2, 7, 999, 2000])
def test_few_steps_are_all_drawn(total_steps: int) -> None:
    steps = steps_to_draw(schedule(total_steps))
    assert steps.dtype == np.int64
    assert steps.tolist() == list(range(total_steps))


@given(
    total_steps=st.integers(2001, 2**53),
    pct_start=st.floats(0.0001, 0.4999),
    three_phase=st.booleans(),
)
def test_many_steps_are_thinned_but_no_edge_is_lost(total_steps: int, pct_start: float, three_phase: bool) -> None:
    whole = schedule(total_steps, pct_start, three_phase=three_phase)
    steps = steps_to_draw(whole)
    assert 2000 <= len(steps) <= 2010
    assert bool(np.all(np.diff(steps) > 0))
    assert {0, total_steps - 1, summarize(whole, 0).peak_step, *edge_steps(whole)} <= set(steps.tolist())
    assert int(np.diff(steps).max()) <= total_steps // 1999 + 1


def test_a_resumed_run_is_drawn_from_where_it_goes_on() -> None:
    resumed = schedule(10**6, last_epoch=499_999)
    assert steps_to_draw(resumed)[0] == 500_000
    behind = steps_to_draw(resumed, 0, 500_000)
    assert (behind[0], behind[-1]) == (0, 500_000)


def test_horizontal_values() -> None:
    run = OneCycle(max_lr=0.1, epochs=4, steps_per_epoch=50).schedule()
    steps = np.array([0, 25, 199])
    assert (steps / x_divisor(run, "step")).tolist() == [0, 25, 199]
    assert (steps / x_divisor(run, "epoch")).tolist() == [0, 0.5, 3.98]
    assert (steps / x_divisor(run, "percent")).tolist() == [0, 12.5, 99.5]
    with pytest.raises(OnecycleError, match="steps_per_epoch"):
        x_divisor(schedule(200), "epoch")


@pytest.mark.parametrize("max_lr", [5e-324, 1.7e308])
def test_rates_that_no_axis_holds_are_refused(max_lr: float) -> None:
    run = Curve("run", OneCycle(max_lr=max_lr, total_steps=100, div_factor=1.0).schedule())
    with pytest.raises(OnecycleError, match="cannot be drawn"):
        check_drawable([run])
    check_drawable([Curve("run", schedule(100))])


@pytest.mark.parametrize(
    ("low", "high", "most", "ticks"),
    [
        (0, 0.1, 6, [0, 0.02, 0.04, 0.06, 0.08, 0.1]),
        (0.85, 0.95, 4, [0.85, 0.9, 0.95]),
        (0, 999, 3, [0, 500]),
        (0, 3e-7, 4, [0, 1e-7, 2e-7, 3e-7]),
        (3, 3, 5, [3]),
    ],
)
def test_even_ticks(low: float, high: float, most: int, ticks: list[float]) -> None:
    assert even_ticks(low, high, most) == ticks


@given(st.floats(1e-12, 1e12), st.floats(1.0001, 1e9), st.integers(2, 12))
def test_ticks_lie_within_and_are_few(low: float, factor: float, most: int) -> None:
    high = low * factor
    for ticks in (even_ticks(low, high, most), log_ticks(low, high, most)):
        assert 1 <= len(ticks) <= most
        assert all(a < b for a, b in pairwise(ticks))
        assert all(low * (1 - 1e-6) <= tick <= high * (1 + 1e-6) for tick in ticks)


def test_whole_ticks_have_no_fractions() -> None:
    assert even_ticks(0, 3, 10, whole=True) == [0, 1, 2, 3]


def test_log_ticks() -> None:
    assert log_ticks(4e-7, 0.1, 7) == [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1]
    assert log_ticks(0.005, 0.1, 7) == [0.005, 0.01, 0.02, 0.05, 0.1]


@pytest.mark.parametrize(
    ("ticks", "labels"),
    [
        ([0.0, 0.05, 0.1], ["0.00", "0.05", "0.10"]),
        ([0.0, 10000.0, 20000.0], ["0", "10,000", "20,000"]),
        ([0.0, 0.0001, 0.0002], ["0.0000", "0.0001", "0.0002"]),
        ([0.0, 5e-5, 0.0001, 0.00015], ["0.00000", "0.00005", "0.00010", "0.00015"]),
        ([0.0, 1e-5, 2e-5], ["0", "1e-05", "2e-05"]),
        ([8e-5, 9e-5, 1e-4, 1.1e-4], ["8e-05", "9e-05", "1e-04", "1.1e-04"]),
    ],
)
def test_tick_labels(ticks: list[float], labels: list[str]) -> None:
    assert tick_labels(ticks) == labels


def test_a_logarithmic_axis_has_one_form() -> None:
    assert tick_labels([0.01, 0.02, 0.1], log=True) == ["0.01", "0.02", "0.1"]
    assert tick_labels([5e-5, 1e-4, 0.1], log=True) == ["5e-05", "1e-04", "1e-01"]


@pytest.mark.parametrize(
    ("highest", "unit"),
    [(9_999_999, (1, "")), (10**7, (10**6, "millions")), (10**12, (10**9, "billions"))],
)
def test_long_axes_count_in_larger_units(highest: int, unit: tuple[int, str]) -> None:
    assert count_unit(highest) == unit
