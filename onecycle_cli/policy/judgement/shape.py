"""What the length and pct_start together leave of the phases."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from onecycle_cli.findings.length import EMPTY_PHASE, NO_ROOM_TO_ANNIHILATE, WARMUP_OF_ONE
from onecycle_cli.findings.notes import PEAK_NEVER_REACHED, PEAK_OFF_GRID
from onecycle_cli.findings.practice import LATE_PEAK, NO_WARMUP
from onecycle_cli.policy.conventions import convention_of
from onecycle_cli.policy.length import count, find_length
from onecycle_cli.policy.plan import make_plan
from onecycle_cli.policy.schedule import Schedule
from onecycle_cli.policy.settings import MOST_STEPS
from onecycle_cli.policy.summary import peak_is_reached, summarize, warmup_steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.settings import Settings


def judge_shape(settings: Settings) -> Iterator[Finding]:
    """Judge the phases by the sum pct_start × total_steps, on which they all hang."""
    defaults = convention_of(settings).DEFAULTS
    pct = defaults.pct_start if settings.pct_start is None else settings.pct_start
    three_phase = defaults.three_phase if settings.three_phase is None else settings.three_phase
    if not 0 <= pct <= 1:
        return
    if three_phase and pct > 0.5:
        yield NO_ROOM_TO_ANNIHILATE.finding(
            f"three_phase with pct_start {pct!r}: the warm-up and its mirror image take 2 × {pct!r} = {2 * pct:.4g} "
            "of the cycle, and nothing is left to annihilate",
            "set pct_start to 0.5 or less",
            "pct_start",
        )
    elif pct >= 0.9:
        crash = "; PyTorch raises ZeroDivisionError if the scheduler is stepped after the last batch"
        yield LATE_PEAK.finding(
            f"pct_start is {pct!r}: {100 * pct:.4g} % of the cycle warms up, {100 * (1 - pct):.4g} % anneals"
            + (crash if pct == 1 and convention_of(settings).NAME == "torch" else ""),
            "set pct_start to 0.3, as the frameworks do, unless you mean it",
            "pct_start",
        )
    length = find_length(settings)
    if length is not None and length.total_steps <= MOST_STEPS:
        yield from _judge_warmup(settings, pct, length.total_steps, three_phase=three_phase)


def _judge_warmup(settings: Settings, pct: float, total: int, *, three_phase: bool) -> Iterator[Finding]:
    place = _place(settings)
    rise = pct * total
    words = f"pct_start × total_steps = {pct!r} × {total:,} = {rise:.6g}"
    if rise == 1:
        yield WARMUP_OF_ONE.finding(f"{words} exactly: a warm-up of length 0", _longer_warmup(total), place)
    elif three_phase and pct <= 0.5 and _whole_steps_between(rise - 1, 2 * pct * total - 2) <= 0:
        yield EMPTY_PHASE.finding(
            f"{words}: the anneal phase, from step {rise - 1:.4g} to {2 * pct * total - 2:.4g}, holds no step",
            _longer_warmup(total),
            place,
        )
    elif rise < 1 and not three_phase:
        yield NO_WARMUP.finding(
            f"{words}, below 1: no warm-up, no step comes before the peak", _longer_warmup(total), place
        )


def _whole_steps_between(start: float, end: float) -> int:
    return math.floor(end) - math.floor(max(start, -1.0))


def _longer_warmup(total: int) -> str:
    if total < 4:
        return "set total_steps to the number of optimizer updates, not of epochs"
    least = math.ceil(2000 / total) / 1000 if total <= 2000 else float(f"{2.01 / total:.2e}")
    return f"set pct_start to {least!r} or more"


def _place(settings: Settings) -> str:
    """Name the setting to point at: the first of these that was given."""
    order = ("pct_start", "total_steps", "epochs")
    return next((each for each in order if getattr(settings, each) is not None), "total_steps")


def judge_steps(settings: Settings) -> Iterator[Finding]:
    """Say where the steps of a sound plan miss the peak."""
    convention, length = convention_of(settings), find_length(settings)
    if length is None:
        return
    plan = make_plan(settings, convention.DEFAULTS, length)
    schedule = Schedule(plan, convention.phases(plan))
    if peak_is_reached(schedule):
        return
    peak, highest = plan.groups[0].max_lr, summarize(schedule, 0)
    rise = plan.pct_start * plan.total_steps
    reached = f"the highest learning rate, at step {highest.peak_step:,}, is {highest.peak_lr!r} of {peak!r}"
    hint = "nothing to mend; a whole product puts the peak on a step"
    if rise > 1 and not rise.is_integer():
        yield PEAK_OFF_GRID.finding(
            f"pct_start × total_steps = {rise:.10g} is not whole, so the peak falls between two steps; {reached}",
            hint,
            _place(settings),
        )
    else:
        yield PEAK_NEVER_REACHED.finding(
            f"max_lr is never reached: {reached} ({count(warmup_steps(schedule), 'step')} in the warm-up)",
            "nothing to mend if it is meant",
            "max_lr",
        )
