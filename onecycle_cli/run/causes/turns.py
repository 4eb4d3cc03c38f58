"""The run's cycle turned elsewhere: another pct_start, or another length."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from onecycle_cli.policy.settings import MOST_STEPS
from onecycle_cli.run.causes.hypothesis import Case, Hypothesis, follows
from onecycle_cli.run.causes.numbers import shown
from onecycle_cli.run.causes.solving import roundest, solve_linear
from onecycle_cli.run.series import values_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.run.series import Samples

Number = TypeVar("Number", int, float)

MOST_MICRO_BATCHES = 64
"""The most micro-batches in a step that are tried."""

LOOKED_AT = 64
"""Rows on which candidates are weighed."""

ASKED = 4
"""Rows that are asked for candidates."""

LONGEST = 4096
"""How many times longer than the plan, or the log, a cycle may have been."""

CLOSE = 1e-7
"""How close to a solution a curve counts as straight, as a share of the solution."""


def micro_batches_counted(case: Case) -> Iterator[Hypothesis]:
    """Suppose that total_steps was k times as large, as when it counts micro-batches under accumulation."""
    total = case.schedule.total_steps
    some = _few(case)
    best = _best(some, _multiples(total), _with_length(case))
    schedule = case.variant(total_steps=best) if best else None
    if best is None or schedule is None:
        return
    times, crossed = best // total, (int(case.whole.steps.max()) + 1) / best
    yield Hypothesis(
        "no-accumulation",
        f"the run's cycle has {best:,} steps, {times} times the plan's {total:,}, of which the log crosses "
        f"{100 * crossed:.1f} %",
        f"total_steps counted micro-batches, or all processes' batches: divide it by {times}, as the scheduler is "
        f"stepped once in {times} batches",
        follows(case, schedule),
    )


def _multiples(total: int) -> list[int]:
    return [total * times for times in range(2, MOST_MICRO_BATCHES + 1) if total * times <= MOST_STEPS]


def wrong_total_steps(case: Case) -> Iterator[Hypothesis]:
    """Suppose another length, read off a few rows: a longer cycle has risen, and has fallen, less at any step."""
    total, pct, some = case.schedule.total_steps, case.schedule.plan.pct_start, _few(case)
    candidates: set[int] = set()
    for step, rate in _asked(some):
        turn = max(int((step + 1) / pct) if pct else 0, step + 1)
        longest = min(LONGEST * max(total, step + 1), MOST_STEPS)
        at = partial(_rate_of_length, case, step)
        for between in ((step + 1, turn), (turn, longest)):
            found = round(_bisect(at, between, rate))
            candidates.update((found - 1, found, found + 1))
    build = _with_length(case)
    best = _best(some, sorted(length for length in candidates if length > 0 and length != total), build)
    schedule = case.variant(total_steps=best) if best else None
    if best is None or schedule is None:
        return
    yield Hypothesis(
        "wrong-total_steps",
        f"the run's total_steps was {best:,}, the plan says {total:,} ({case.schedule.plan.length.sum})",
        f"set total_steps to {total:,} in the run, or to {best:,} in the plan, whichever is the number of optimizer "
        "steps",
        follows(case, schedule),
    )


def wrong_pct_start(case: Case) -> Iterator[Hypothesis]:
    """Suppose another pct_start: at any step the rate falls with it where it lies ahead, and rises where behind."""
    total, planned, some = case.schedule.total_steps, case.schedule.plan.pct_start, _few(case)
    top = 0.5 if case.schedule.plan.three_phase else 1.0
    candidates = []
    for step, rate in _asked(some):
        turn = min((step + 1) / total, top)
        at = partial(_rate_of_pct, case, step)
        candidates += [_bisect(at, between, rate) for between in ((0.0, turn), (turn, top))]
    best = _best(some, candidates, _with_pct(case))
    if best is None or not 0 <= best <= 1:
        return
    implied = _refined(case, some, best)
    schedule = case.variant(pct_start=implied)
    if schedule is None or implied == planned:
        return
    yield Hypothesis(
        "wrong-pct_start",
        f"the run's pct_start was {shown(implied)}, the plan says {shown(planned)}: the peak came near step "
        f"{implied * total:,.0f} instead of {planned * total:,.0f}",
        f"set pct_start to {shown(planned)} in the run, or to {shown(implied)} in the plan",
        follows(case, schedule),
    )


def _refined(case: Case, some: Samples, near: float) -> float:
    """Find the roundest pct_start that a few rows agree with, else the one that all of the sample points to."""

    def hits(pct: float) -> bool:
        schedule = case.variant(pct_start=pct)
        return schedule is not None and bool(
            (some.agrees(follows(case, schedule)(some)) | ~some.present)[:, some.rates].all()
        )

    rounded = roundest(near, lambda pct: len(repr(pct)) <= 8 and 0 <= pct <= 1 and hits(pct))
    if rounded != near:
        return rounded
    for _ in range(3):
        found = solve_linear(case.sample, case.sample.rates, _with_pct(case), near, near * CLOSE)
        if found is None:
            break
        near = found.roundest()
    return near


def _with_pct(case: Case) -> Callable[[float], Schedule | None]:
    return lambda pct: case.variant(pct_start=pct)


def _with_length(case: Case) -> Callable[[int], Schedule | None]:
    return lambda length: case.variant(total_steps=length)


def _few(case: Case) -> Samples:
    """Pick rows of the sample in which a learning rate was logged."""
    import numpy as np

    known = np.flatnonzero(np.isfinite(case.sample.values[:, case.sample.rates[0]]))
    return case.sample.take(known[np.unique(np.linspace(0, known.size - 1, LOOKED_AT).astype(np.int64))])


def _asked(some: Samples) -> list[tuple[int, float]]:
    """Give step and rate of rows on the slopes, where a rate says most; of any where none is there."""
    import numpy as np

    rates = some.values[:, some.rates[0]]
    low, high = float(rates.min()), float(rates.max())
    slopes = np.flatnonzero((rates > low + 0.1 * (high - low)) & (rates < high - 0.1 * (high - low)) & (some.steps > 0))
    chosen = slopes if slopes.size else np.arange(len(rates))
    picked = chosen[np.unique(np.linspace(0, chosen.size - 1, ASKED).astype(np.int64))]
    return [(int(some.steps[at]), float(rates[at])) for at in picked if some.steps[at] >= 0]


def _rate_of_pct(case: Case, step: int, pct: float) -> float:
    return _rate(case.variant(pct_start=pct), step, case.sample.tracks[case.sample.rates[0]].group)


def _rate_of_length(case: Case, step: int, length: float) -> float:
    return _rate(case.variant(total_steps=round(length)), step, case.sample.tracks[case.sample.rates[0]].group)


def _rate(schedule: Schedule | None, step: int, group: int) -> float:
    if schedule is None:
        return math.nan
    try:
        return schedule.lr(min(step, schedule.total_steps - 1), group)
    except ArithmeticError:
        return math.nan


def _bisect(rate: Callable[[float], float], between: tuple[float, float], target: float) -> float:
    """Find where a function that only rises or only falls meets a value, as closely as 40 halvings come."""
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


def _best(some: Samples, candidates: Sequence[Number], build: Callable[[Number], Schedule | None]) -> Number | None:
    """Choose the candidate whose schedule comes closest to the logged rates, on the whole."""
    import numpy as np

    column = some.rates[0]
    rates = some.values[:, column]
    best, nearest = None, math.inf
    for candidate in candidates:
        schedule = build(candidate)
        if schedule is None:
            continue
        held = np.minimum(some.steps, schedule.total_steps)
        gaps = np.abs(values_at(schedule, some.tracks[column], held) - rates)
        distance = float(np.nan_to_num(gaps, nan=np.abs(rates).max()).mean())
        if distance < nearest:
            best, nearest = candidate, distance
    return best
