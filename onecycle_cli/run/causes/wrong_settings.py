"""A setting of the run was another than the plan's: a rate, a factor, a momentum, pct_start or the length.

Rates, factors and momenta are solved for from the plan's. pct_start and the length are bisected on a few rows before:
with either, the rate at a given step only rises or only falls.
"""

from __future__ import annotations

import dataclasses
import math
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from onecycle_cli.formatting import format_number
from onecycle_cli.policy.settings import MOST_STEPS
from onecycle_cli.run.causes.hypothesis import Case, Hypothesis
from onecycle_cli.run.precision import thinned
from onecycle_cli.run.series import values_at
from onecycle_cli.run.solver import solve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.run.series import Samples

Number = TypeVar("Number", int, float)

SMALLEST = 1e-30
"""What a value may be off by at least: all of a column may be 0."""

MOST_MICRO_BATCHES = 64
"""The most micro-batches per step that are tried."""

TRIAL_ROWS = 64
"""Rows on which candidates are compared."""

ASKED_ROWS = 4
"""Rows that suggest candidates."""

LONGEST = 4096
"""How many times longer than the plan, or the log, a cycle may have been."""

FRACTIONS = {"2": "half", "3": "a third", "4": "a quarter", "10": "a tenth"}
"""Ratios that have a word."""


# --- Rates, factors and momenta --------------------------------------------------------------------------------------


def wrong_max_lr(case: Case) -> Iterator[Hypothesis]:
    """Suppose another peak, in each parameter group by itself."""
    yield from _wrong_in_groups(case, "max_lr")


def wrong_momentum(case: Case) -> Iterator[Hypothesis]:
    """Suppose another base_momentum or max_momentum."""
    if case.schedule.cycles_momentum and any(track.field == "momentum" for track in case.sample.tracks):
        yield from _wrong_in_groups(case, "base_momentum")
        yield from _wrong_in_groups(case, "max_momentum")


def wrong_div_factor(case: Case) -> Iterator[Hypothesis]:
    """Suppose another div_factor."""
    yield from _wrong_number(case, "div_factor", power=-1)


def wrong_final(case: Case) -> Iterator[Hypothesis]:
    """Suppose another final_div_factor, or another final_lr where the plan has that."""
    if case.schedule.plan.final_lr is None:
        yield from _wrong_number(case, "final_div_factor", power=-1)
    else:
        yield from _wrong_number(case, "final_lr")


def _wrong_number(case: Case, setting: str, power: int = 1) -> Iterator[Hypothesis]:
    planned: float = getattr(case.schedule.plan, setting)
    # A planned final rate of 0 gives no scale to start from; rates end around 1e-6.
    start = [planned or 1e-6]
    (implied,) = _solved(case, lambda numbers: case.variant(**{setting: numbers[0]}), start, [planned], power)
    yield from _wrong(case, setting, implied, planned, {setting: implied})


def _wrong_in_groups(case: Case, setting: str) -> Iterator[Hypothesis]:
    """Solve for a number that each group has for itself; groups that the log does not show keep theirs."""
    groups = case.schedule.plan.groups
    planned: list[float] = [getattr(group, setting) for group in groups]

    def changed(numbers: list[float]) -> dict[str, Any]:
        changes: list[dict[str, Any]] = [{setting: number} for number in numbers]
        return {
            "groups": tuple(dataclasses.replace(group, **change) for group, change in zip(groups, changes, strict=True))
        }

    start = [number or 0.5 for number in planned]
    implied = _solved(case, lambda numbers: case.variant(**changed(numbers)), start, planned)
    one = len(groups) == 1
    yield from _wrong(case, setting, implied[0] if one else implied, planned[0] if one else planned, changed(implied))


def _solved(
    case: Case,
    build: Callable[[list[float]], Schedule | None],
    start: list[float],
    planned: list[float],
    power: int = 1,
) -> list[float]:
    """Solve for numbers with which most of the sample agrees."""
    sample = case.sample
    limits = np.maximum(sample.limits + sample.relative * np.abs(sample.values), SMALLEST)
    return solve(sample, build, start, limits, case.agreeing, planned, power)


def _wrong(
    case: Case, setting: str, implied: Any, planned: Any, changes: dict[str, Any], effect: str = ""
) -> Iterator[Hypothesis]:
    schedule = case.variant(**changes)
    if schedule is not None and implied != planned:
        yield Hypothesis(
            f"wrong-{setting}",
            f"the run's {setting} was {_shown(implied)}, the plan says {_shown(planned)}"
            f"{effect or _ratio(implied, planned)}",
            f"set {setting} to {_shown(planned)} in the run, or to {_shown(implied)} in the plan",
            case.follows(schedule),
        )


def _shown(value: Any) -> str:
    """Write a setting's value, or a list of them."""
    return f"[{', '.join(map(_shown, value))}]" if isinstance(value, list) else format_number(value, 10)


def _ratio(implied: Any, planned: Any) -> str:
    if isinstance(planned, list) or not planned or not implied:
        return ""
    ratio = implied / planned
    if ratio >= 2:
        times = format_number(ratio)
        return f": {'twice' if times == '2' else f'{times} times'} as much"
    if not 0 < ratio <= 0.5:
        return ""
    part = format_number(1 / ratio)
    return f": {FRACTIONS.get(part, f'1/{part}')} of it"


# --- Length and pct_start --------------------------------------------------------------------------------------------


def micro_batches_counted(case: Case) -> Iterator[Hypothesis]:
    """Suppose that total_steps was k times as large, as when it counts micro-batches under accumulation."""
    total = case.schedule.total_steps
    lengths = [total * times for times in range(2, MOST_MICRO_BATCHES + 1) if total * times <= MOST_STEPS]
    length = _nearest(case, case.some_rows(TRIAL_ROWS), lengths, "total_steps")
    schedule = case.variant(total_steps=length) if length else None
    if length is None or schedule is None:
        return
    times, crossed = length // total, (int(case.whole.steps.max()) + 1) / length
    yield Hypothesis(
        "no-accumulation",
        f"the run's cycle has {length:,} steps, {times} times the plan's {total:,}, of which the log covers "
        f"{100 * crossed:.1f} %",
        f"total_steps counts micro-batches or the batches of all processes: divide it by {times}",
        case.follows(schedule),
    )


def wrong_total_steps(case: Case) -> Iterator[Hypothesis]:
    """Suppose another length: the longer the cycle, the less it has risen, and fallen, at any step."""
    total, pct, some = case.schedule.total_steps, case.schedule.plan.pct_start, case.some_rows(TRIAL_ROWS)

    def ranges(step: int) -> tuple[float, float, float]:
        last = min(LONGEST * max(total, step + 1), MOST_STEPS)
        turn = min(max((step + 1) / pct if pct else 0.0, step + 1), last)
        return step + 1, turn, last

    found = {round(length) + by for length in _suggested(case, some, "total_steps", ranges) for by in (-1, 0, 1)}
    length = _nearest(case, some, sorted(found - {total}), "total_steps")
    schedule = case.variant(total_steps=length) if length else None
    if length is None or schedule is None:
        return
    yield Hypothesis(
        "wrong-total_steps",
        f"the run's total_steps was {length:,}, the plan says {total:,} ({case.schedule.plan.length.sum})",
        f"set total_steps to the number of optimizer steps: {total:,} in the run, or {length:,} in the plan",
        case.follows(schedule),
    )


def wrong_pct_start(case: Case) -> Iterator[Hypothesis]:
    """Suppose another pct_start: the larger it is, the lower a rate before the peak and the higher one after it."""
    total, planned, some = case.schedule.total_steps, case.schedule.plan.pct_start, case.some_rows(TRIAL_ROWS)
    top = 0.5 if case.schedule.plan.three_phase else 1.0
    suggested = _suggested(case, some, "pct_start", lambda step: (0.0, min((step + 1) / total, top), top))
    best = _nearest(case, some, suggested, "pct_start")
    if best is None:
        return

    def build(numbers: list[float]) -> Schedule | None:
        return case.variant(pct_start=numbers[0]) if 0 <= numbers[0] <= top else None

    (implied,) = _solved(case, build, [best], [planned])
    effect = f": the peak came near step {implied * total:,.0f} instead of {planned * total:,.0f}"
    yield from _wrong(case, "pct_start", implied, planned, {"pct_start": implied}, effect)


def _slopes(some: Samples) -> list[tuple[int, float]]:
    """Return step and rate of rows on the slopes, where a rate says most; of any where there is none."""
    rates = some.values[:, some.rates[0]]
    low, high = float(rates.min()), float(rates.max())
    slopes = np.flatnonzero((rates > low + 0.1 * (high - low)) & (rates < high - 0.1 * (high - low)) & (some.steps > 0))
    chosen = slopes if slopes.size else np.arange(len(rates))
    return [(int(some.steps[at]), float(rates[at])) for at in thinned(chosen, ASKED_ROWS) if some.steps[at] >= 0]


def _suggested(
    case: Case, some: Samples, setting: str, ranges: Callable[[int], tuple[float, float, float]]
) -> list[float]:
    """Read a setting off rows on the slopes; `ranges` has the bounds of the two ranges that a step allows."""
    found = []
    for step, rate in _slopes(some):
        first, turn, last = ranges(step)
        at = partial(_rate, case, setting, step)
        found += [_bisect(at, between, rate) for between in ((first, turn), (turn, last))]
    return found


def _rate(case: Case, setting: str, step: int, value: float) -> float:
    """Return the rate at a step with another value of a setting; NaN where there is none."""
    schedule = case.variant(**{setting: round(value) if setting == "total_steps" else value})
    if schedule is None:
        return math.nan
    try:
        return schedule.lr(min(step, schedule.total_steps - 1), case.sample.tracks[case.sample.rates[0]].group)
    except ArithmeticError:
        return math.nan


def _bisect(rate: Callable[[float], float], between: tuple[float, float], target: float) -> float:
    """Find where a function that only rises or only falls meets a value; 40 halvings leave 1e-12 of the range."""
    low, high = between
    span = high - low
    rises = rate(high - span / 1000) > rate(low + span / 1000)
    for _ in range(40):
        middle = (low + high) / 2
        if (rate(middle) < target) == rises:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _nearest(case: Case, some: Samples, candidates: Sequence[Number], setting: str) -> Number | None:
    """Choose the value of a setting whose schedule comes closest to the logged rates, on average."""
    column = some.rates[0]
    rates = some.values[:, column]
    best, least = None, math.inf
    for candidate in candidates:
        schedule = case.variant(**{setting: candidate})
        if schedule is None:
            continue
        held = np.minimum(some.steps, schedule.total_steps)
        gaps = np.abs(values_at(schedule, some.tracks[column], held) - rates)
        distance = float(np.nan_to_num(gaps, nan=np.abs(rates).max()).mean())
        if distance < least:
            best, least = candidate, distance
    return best
