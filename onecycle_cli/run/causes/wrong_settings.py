"""A setting of the run was another than the plan's: a rate, a factor, a momentum, pct_start or the length.

Learning rates and momenta depend linearly on rates, factors (by their inverse) and momenta, so each logged value says
where such a number must lie. pct_start and the length are bisected on a few rows: with either, the rate at a given
step only rises or only falls.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from onecycle_cli.formatting import format_number
from onecycle_cli.policy.settings import MOST_STEPS
from onecycle_cli.run.causes.hypothesis import Case, Hypothesis
from onecycle_cli.run.precision import roundest
from onecycle_cli.run.series import values_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from onecycle_cli.policy.plan import Group
    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.run.series import Samples

Number = TypeVar("Number", int, float)

PASSES = 3
"""How often a solution is refined from where the last one was: far from it, rounding blurs the slope."""

MOST_VALUES = 400
"""Logged values, those that limit it most first, that narrow a number down."""

LEAST_EFFECT = 1e-13
"""The share of a value that a setting must move, to be read off it: below, float64 rounding (1e-16) shows."""

CLOSE = 1e-7
"""Distance from a solution, as a share of it, within which the curve is taken for a straight line.

The error of curvature is its square, 1e-14; the error of rounding 1e-16 / 1e-7 = 1e-9 of the slope.
"""

MOST_MICRO_BATCHES = 64
"""The most micro-batches per step that are tried."""

TRIAL_ROWS = 64
"""Rows on which candidates are compared."""

ASKED_ROWS = 4
"""Rows that suggest candidates."""

LONGEST = 4096
"""How many times longer than the plan, or the log, a cycle may have been."""

TYPED_CHARACTERS = 8
"""Characters of a pct_start that someone may have typed, such as 0.123456; longer ones are computed, and solved for."""


# --- Rates, factors and momenta --------------------------------------------------------------------------------------


def wrong_max_lr(case: Case) -> Iterator[Hypothesis]:
    """Suppose another peak, in each parameter group by itself."""
    yield from _wrong_in_groups(case, "max_lr", "lr")


def wrong_momentum(case: Case) -> Iterator[Hypothesis]:
    """Suppose another base_momentum or max_momentum."""
    if case.schedule.cycles_momentum:
        yield from _wrong_in_groups(case, "base_momentum", "momentum")
        yield from _wrong_in_groups(case, "max_momentum", "momentum")


def wrong_div_factor(case: Case) -> Iterator[Hypothesis]:
    """Suppose another div_factor."""
    yield from _wrong_factor(case, "div_factor")


def wrong_final(case: Case) -> Iterator[Hypothesis]:
    """Suppose another final_div_factor, or another final_lr where the plan has that."""
    plan = case.schedule.plan
    if plan.final_lr is None:
        yield from _wrong_factor(case, "final_div_factor")
        return
    # A planned final rate of 0 gives no scale to start from; rates end around 1e-6.
    found = _solve(case, case.sample.rates, lambda value: case.variant(final_lr=value), plan.final_lr or 1e-6)
    if found and found.high > 0:
        yield from _wrong(case, "final_lr", found.roundest(), plan.final_lr)


def _wrong_factor(case: Case, setting: str) -> Iterator[Hypothesis]:
    def build(inverse: float) -> Schedule | None:
        return case.variant(**{setting: 1 / inverse}) if inverse > 0 else None

    planned: float = getattr(case.schedule.plan, setting)
    found = _solve(case, case.sample.rates, build, 1 / planned)
    if found and found.low > 0:
        factor = Interval(1 / found.high, 1 / found.low).roundest()
        yield from _wrong(case, setting, factor, planned)


def _wrong_in_groups(case: Case, setting: str, field: str) -> Iterator[Hypothesis]:
    """Solve for a number that each group has for itself; groups that the log does not show keep theirs."""
    groups = case.schedule.plan.groups
    planned: list[float] = [getattr(group, setting) for group in groups]
    implied = list(planned)
    for at in range(len(groups)):
        columns = [
            column for column, track in enumerate(case.sample.tracks) if (track.group, track.field) == (at, field)
        ]
        if not columns:
            continue
        found = _solve(case, columns, partial(_with_group, case, setting, at), planned[at] or 0.5)
        if found and not found.low <= planned[at] <= found.high:
            implied[at] = found.roundest()
    if implied != planned:
        changed = tuple(_changed(group, setting, value) for group, value in zip(groups, implied, strict=True))
        one = len(groups) == 1
        yield from _wrong(
            case, setting, implied[0] if one else implied, planned[0] if one else planned, {"groups": changed}
        )


def _with_group(case: Case, setting: str, at: int, value: float) -> Schedule | None:
    groups = case.schedule.plan.groups
    return case.variant(groups=(*groups[:at], _changed(groups[at], setting, value), *groups[at + 1 :]))


def _changed(group: Group, setting: str, value: float) -> Group:
    changes: dict[str, Any] = {setting: value}
    return dataclasses.replace(group, **changes)


def _wrong(
    case: Case, setting: str, implied: Any, planned: Any, changes: dict[str, Any] | None = None
) -> Iterator[Hypothesis]:
    schedule = case.variant(**(changes or {setting: implied}))
    if schedule is not None:
        yield Hypothesis(
            f"wrong-{setting}",
            f"the run's {setting} was {_shown(implied)}, the plan says {_shown(planned)}{_ratio(implied, planned)}",
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
        return f": {format_number(ratio)} times as much"
    return f": 1 / {format_number(1 / ratio)} of it" if ratio <= 0.5 else ""


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a setting's value must lie, for the schedule to have the logged values."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """The value in the middle."""
        return (self.low + self.high) / 2

    def roundest(self) -> float:
        """Return the number with the fewest digits."""
        return roundest(self.middle, lambda value: self.low <= value <= self.high)


def _solve(case: Case, columns: list[int], build: Callable[[float], Schedule | None], near: float) -> Interval | None:
    """Solve for a number, and again from the solution."""
    found = None
    for _ in range(PASSES):
        better = _solve_linear(case.sample, columns, build, near, near)
        if better is None or not better.middle > 0:
            break
        found, near = better, better.middle
    return found


def _solve_linear(
    samples: Samples, columns: list[int], build: Callable[[float], Schedule | None], near: float, step: float
) -> Interval | None:
    """Solve for a number that the values depend on linearly, or nearly so close to `near`.

    Each logged value, being known to its limit, says where the number must lie; the answer is where they agree.
    """
    one, other = build(near), build(near + step)
    if one is None or other is None:
        return None
    here, there = (samples.predicted(schedule, samples.steps)[:, columns] for schedule in (one, other))
    values = samples.values[:, columns]
    with np.errstate(all="ignore"):
        slopes = (there - here) / step
        limits = samples.limits[:, columns] + samples.relative * np.abs(values)
        centres, widths = near + (values - here) / slopes, limits / np.abs(slopes)
        usable = np.isfinite(centres) & (np.abs(there - here) > LEAST_EFFECT * np.abs(here))
    if not usable.any():
        return None
    order = np.argsort(widths[usable])[:MOST_VALUES]
    return _common(centres[usable][order].tolist(), widths[usable][order].tolist())


def _common(centres: list[float], widths: list[float]) -> Interval:
    """Intersect intervals, the narrowest first, without those that contradict what is known by then."""
    low, high = centres[0] - widths[0], centres[0] + widths[0]
    for centre, width in zip(centres, widths, strict=True):
        if centre - width <= high and centre + width >= low:
            low, high = max(low, centre - width), min(high, centre + width)
    return Interval(low, high)


# --- Length and pct_start --------------------------------------------------------------------------------------------


def micro_batches_counted(case: Case) -> Iterator[Hypothesis]:
    """Suppose that total_steps was k times as large, as when it counts micro-batches under accumulation."""
    total = case.schedule.total_steps
    lengths = [total * times for times in range(2, MOST_MICRO_BATCHES + 1) if total * times <= MOST_STEPS]
    best = _nearest(case, case.some_rows(TRIAL_ROWS), lengths, "total_steps")
    schedule = case.variant(total_steps=best) if best else None
    if best is None or schedule is None:
        return
    times, crossed = best // total, (int(case.whole.steps.max()) + 1) / best
    yield Hypothesis(
        "no-accumulation",
        f"the run's cycle has {best:,} steps, {times} times the plan's {total:,}, of which the log covers "
        f"{100 * crossed:.1f} %",
        f"total_steps counted micro-batches, or all processes' batches: divide it by {times}, as the scheduler is "
        f"stepped once in {times} batches",
        case.follows(schedule),
    )


def wrong_total_steps(case: Case) -> Iterator[Hypothesis]:
    """Suppose another length: the longer the cycle, the less it has risen, and fallen, at any step."""
    total, pct, some = case.schedule.total_steps, case.schedule.plan.pct_start, case.some_rows(TRIAL_ROWS)

    def ranges(step: int) -> tuple[float, float, float]:
        turn = max(int((step + 1) / pct) if pct else 0, step + 1)
        return step + 1, turn, min(LONGEST * max(total, step + 1), MOST_STEPS)

    found = {round(length) + by for length in _suggested(case, some, "total_steps", ranges) for by in (-1, 0, 1)}
    lengths = sorted(length for length in found if length > 0 and length != total)
    best = _nearest(case, some, lengths, "total_steps")
    schedule = case.variant(total_steps=best) if best else None
    if best is None or schedule is None:
        return
    yield Hypothesis(
        "wrong-total_steps",
        f"the run's total_steps was {best:,}, the plan says {total:,} ({case.schedule.plan.length.sum})",
        f"set total_steps to {total:,} in the run, or to {best:,} in the plan, by the number of optimizer steps",
        case.follows(schedule),
    )


def wrong_pct_start(case: Case) -> Iterator[Hypothesis]:
    """Suppose another pct_start: the larger it is, the lower a rate before the peak and the higher one after it."""
    total, planned, some = case.schedule.total_steps, case.schedule.plan.pct_start, case.some_rows(TRIAL_ROWS)
    top = 0.5 if case.schedule.plan.three_phase else 1.0
    suggested = _suggested(case, some, "pct_start", lambda step: (0.0, min((step + 1) / total, top), top))
    best = _nearest(case, some, suggested, "pct_start")
    if best is None or not 0 <= best <= 1:
        return
    implied = _refined_pct(case, some, best)
    schedule = case.variant(pct_start=implied)
    if schedule is None or implied == planned:
        return
    yield Hypothesis(
        "wrong-pct_start",
        f"the run's pct_start was {_shown(implied)}, the plan says {_shown(planned)}: the peak came near step "
        f"{implied * total:,.0f} instead of {planned * total:,.0f}",
        f"set pct_start to {_shown(planned)} in the run, or to {_shown(implied)} in the plan",
        case.follows(schedule),
    )


def _refined_pct(case: Case, some: Samples, near: float) -> float:
    """Find the roundest pct_start that a few rows agree with, else the one that all of the sample points to."""

    def hits(pct: float) -> bool:
        if len(repr(pct)) > TYPED_CHARACTERS or not 0 <= pct <= 1:
            return False
        schedule = case.variant(pct_start=pct)
        return schedule is not None and bool(
            (some.agrees(case.follows(schedule)(some)) | ~some.present)[:, some.rates].all()
        )

    rounded = roundest(near, hits)
    if rounded != near:
        return rounded
    for _ in range(PASSES):
        found = _solve_linear(
            case.sample, case.sample.rates, lambda pct: case.variant(pct_start=pct), near, near * CLOSE
        )
        if found is None:
            break
        near = found.roundest()
    return near


def _slopes(some: Samples) -> list[tuple[int, float]]:
    """Return step and rate of rows on the slopes, where a rate says most; of any where there is none."""
    rates = some.values[:, some.rates[0]]
    low, high = float(rates.min()), float(rates.max())
    slopes = np.flatnonzero((rates > low + 0.1 * (high - low)) & (rates < high - 0.1 * (high - low)) & (some.steps > 0))
    chosen = slopes if slopes.size else np.arange(len(rates))
    picked = chosen[np.unique(np.linspace(0, chosen.size - 1, ASKED_ROWS).astype(np.int64))]
    return [(int(some.steps[at]), float(rates[at])) for at in picked if some.steps[at] >= 0]


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
