"""What the length and pct_start together leave of the phases."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from onecycle_cli.findings.notes import PEAK_NEVER_REACHED, PEAK_OFF_GRID
from onecycle_cli.findings.practice import LATE_PEAK
from onecycle_cli.formatting import count
from onecycle_cli.policy.checks.groups import groups_agree
from onecycle_cli.policy.conventions import convention_of
from onecycle_cli.policy.length import find_length
from onecycle_cli.policy.plan import make_plan
from onecycle_cli.policy.schedule import Schedule
from onecycle_cli.policy.settings import MOST_STEPS
from onecycle_cli.policy.summary import peak_is_reached, summarize, warmup_steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.settings import Settings

LATE = 0.9
"""pct_start from which on hardly anything anneals."""


def check_shape(settings: Settings) -> Iterator[Finding]:
    """Judge pct_start by itself, and what the convention makes of it and the length."""
    convention, length = convention_of(settings), find_length(settings)
    pct = convention.defaults.pct_start if settings.pct_start is None else settings.pct_start
    if not 0 <= pct <= 1:
        return
    if pct >= LATE and not (settings.three_phase and pct > 0.5):
        crash = f"; {convention.framework} raises ZeroDivisionError if the scheduler is stepped after the last batch"
        yield LATE_PEAK.finding(
            f"pct_start is {pct!r}: {100 * pct:.4g} % of the cycle warms up, {100 * (1 - pct):.4g} % anneals"
            + (crash if pct == 1 and convention.raises_past_end else ""),
            "set pct_start to 0.3, as the frameworks do, unless you mean it",
            "pct_start",
        )
    if length is not None and length.total_steps <= MOST_STEPS and groups_agree(settings):
        for finding in convention.check(make_plan(settings, length)):
            yield replace(finding, setting=_place(settings, finding.setting))


def _place(settings: Settings, setting: str | None) -> str:
    """Name the setting to point at: the one meant or, where that is a default, the first of these that was given."""
    order = (setting, "max_lr") if setting == "max_momentum" else (setting, "total_steps", "epochs")
    return next((each for each in order if each and getattr(settings, each) is not None), "total_steps")


def check_steps(settings: Settings) -> Iterator[Finding]:
    """Say where the steps of a sound plan miss the peak."""
    length = find_length(settings)
    if length is None:
        return
    plan = make_plan(settings, length)
    schedule = Schedule(plan)
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
            _place(settings, "pct_start"),
        )
    else:
        yield PEAK_NEVER_REACHED.finding(
            f"max_lr is never reached: {reached} ({count(warmup_steps(schedule), 'step')} in the warm-up)",
            "nothing to mend if it is meant",
            "max_lr",
        )
