"""A schedule in a few numbers: its key values, its area, and the sample of its steps where there are too many."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from onecycle_cli.policy.onecycle import OneCycle
from onecycle_cli.policy.summary import (
    CHUNK,
    MOST_SUMMED,
    SAMPLED,
    area,
    peak_is_reached,
    steps_between,
    summarize,
    warmup_steps,
)


def plan(**values: Any) -> OneCycle:
    return OneCycle(**{"max_lr": 0.1, "total_steps": 1000, **values})


# --- Key values -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("momenta", "turn", "rises"),
    [
        ({}, 0.85, False),
        ({"base_momentum": 0.95, "max_momentum": 0.85}, 0.95, True),
        ({"base_momentum": 0.9, "max_momentum": 0.9}, 0.9, False),
    ],
)
def test_momentum_turns_at_the_peak(momenta: dict[str, float], turn: float, rises: bool) -> None:
    found = summarize(plan(**momenta).schedule(), 0)
    assert (found.turning_momentum, found.momentum_rises) == (turn, rises)
    ends = momenta.get("max_momentum", 0.95)
    assert (found.initial_momentum, found.final_momentum) == (ends, ends)


def test_without_momentum_there_is_none_of_it() -> None:
    found = summarize(plan(cycle_momentum=False, base_momentum=0.99).schedule(), 0)
    assert (found.initial_momentum, found.lowest_momentum, found.highest_momentum, found.final_momentum) == (None,) * 4
    assert not found.momentum_rises
    assert found.turning_momentum is None


def test_of_the_second_group() -> None:
    schedule = plan(max_lr=(0.1, 0.2), groups=("body", "head"), base_momentum=(0.8, 0.7)).schedule()
    found = summarize(schedule, 1)
    assert (found.name, found.peak_lr, found.peak_step) == ("head", 0.2, 299)
    assert found.initial_lr == pytest.approx(0.008, rel=1e-14)
    assert found.lowest_momentum == 0.7
    assert found.final_lr == 0.2 / 25 / 1e4


@pytest.mark.parametrize(
    ("settings", "reached", "steps"),
    [
        ({}, True, 300),
        ({"pct_start": 0.2}, True, 200),
        ({"pct_start": 0.3003}, False, 300),
        ({"pct_start": 0.0005}, False, 0),
        ({"convention": "fastai", "pct_start": 0.25}, True, 250),
        ({"convention": "smith", "stepsize": 450}, True, 451),
    ],
)
def test_whether_a_step_has_the_peak_and_what_comes_before(settings: Any, reached: bool, steps: int) -> None:
    schedule = plan(**settings).schedule()
    assert (peak_is_reached(schedule), warmup_steps(schedule)) == (reached, steps)


# --- Steps ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "stop", "groups"), [(0, 1000, 1), (7, 1000, 3), (0, 3 * CHUNK, 2), (5, 2 * CHUNK + 5, 1)]
)
def test_all_steps_come_in_order_and_in_chunks(first: int, stop: int, groups: int) -> None:
    parts = list(steps_between(first, stop, [300], groups))
    assert np.concatenate(parts).tolist() == list(range(first, stop))
    assert all(part.dtype == np.int64 and len(part) <= CHUNK for part in parts)


@pytest.mark.parametrize(("steps", "groups", "parts"), [(1000, 1, 1), (500, 2, 1), (0, 1, 0)])
def test_as_many_as_allowed_are_not_sampled(steps: int, groups: int, parts: int) -> None:
    assert len(list(steps_between(0, steps, [], groups, most=1000))) == parts
    sampled = next(steps_between(0, 10**9, [], groups, most=10**9 * groups - 1))
    assert len(sampled) < 10**6


@pytest.mark.parametrize(("groups", "spread"), [(1, SAMPLED), (4, SAMPLED // 4), (1000, 1000)])
def test_a_sample_is_even_and_complete_at_both_ends_and_beside_the_edges(groups: int, spread: int) -> None:
    first, stop, edges = 100, 10**9, [0, 333_333_333, 10**9 - 1, 10**9]
    (sampled,) = steps_between(first, stop, edges, groups)
    assert sampled.dtype == np.int64
    assert (sampled[0], sampled[-1]) == (first, stop - 1)
    assert np.all(np.diff(sampled) >= 1)
    assert sampled[:CHUNK].tolist() == list(range(first, first + CHUNK))
    assert sampled[-CHUNK:].tolist() == list(range(stop - CHUNK, stop))
    assert {333_333_332, 333_333_333, 333_333_334} <= set(sampled.tolist())
    assert len(sampled) == pytest.approx(2 * CHUNK + spread, abs=2 * CHUNK * spread / (stop - first) + 10)
    assert np.diff(sampled).max() <= (stop - first) / (spread - 1) + 1


def test_a_sample_of_few_steps_is_all_of_them() -> None:
    (sampled,) = steps_between(50, 1050, [300], most=10)
    assert sampled.tolist() == list(range(50, 1050))


# --- Area -------------------------------------------------------------------------------------------------------------


def test_the_area_is_the_sum_of_the_steps() -> None:
    schedule = plan(max_lr=(0.1, 0.2)).schedule()
    for group in (0, 1):
        wanted = math.fsum(schedule.lr(step, group) for step in range(1000))
        assert area(schedule, group) == pytest.approx(wanted, rel=1e-14)
    assert area(schedule) == area(schedule, 0)


@pytest.mark.parametrize("total", [MOST_SUMMED, 10**9])
@pytest.mark.parametrize("strategy", ["cos", "linear"])
def test_the_area_of_a_long_cycle_is_that_of_its_curve(total: int, strategy: Any) -> None:
    """Each phase's mean is halfway between its ends, for a straight line and for half a cosine wave."""
    schedule = plan(max_lr=(0.1, 1.0), total_steps=total, anneal_strategy=strategy).schedule()
    mean = (0.04 + 1.0) / 2 * 0.3 + (1.0 + 4e-6) / 2 * 0.7
    assert area(schedule, 1) == pytest.approx(mean * total, rel=2 / total + 1e-8)
    assert area(schedule, 1) == pytest.approx(10 * area(schedule), rel=1e-12)


def test_the_area_of_a_sample_has_both_ends() -> None:
    """A flat line shows it exactly: the sample's straight lines miss half a step at each end."""
    schedule = plan(max_lr=0.5, total_steps=10 * MOST_SUMMED, div_factor=1.0, final_div_factor=1.0).schedule()
    assert area(schedule) == 5.0 * MOST_SUMMED
