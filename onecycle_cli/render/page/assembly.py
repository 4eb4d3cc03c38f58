"""From plans and checked logs to the chart that shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import short
from onecycle_cli.policy.summary import summarize
from onecycle_cli.render.page.panels import Chart, Mark
from onecycle_cli.render.page.traces import logged_traces, planned_trace, shared_steps, steps_each, with_steps_after
from onecycle_cli.render.picture import DRAWABLE, check_drawable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.render.picture import Curve
    from onecycle_cli.run import Verdict

MOST_GROUPS = 12
"""Parameter groups of a plan that are drawn; more cannot be distinguished."""

MOST_CURVES = 24
"""Curves in a chart, so that a page stays small."""


def assemble(plans: Sequence[Sequence[Curve]], logs: Sequence[tuple[str, Verdict]] = ()) -> Chart:
    """Return the chart of plans, each with its curves, and of logs that were compared with the first of them.

    Raises:
        OnecycleError: a learning rate cannot be drawn, or there are too many curves.
    """
    shown = [curves[:MOST_GROUPS] for curves in plans]
    number = sum(map(len, shown)) + sum(len(found.series.rates) for _, found in logs)
    if number > MOST_CURVES:
        message = f"a page shows at most {MOST_CURVES} curves, and these plans and logs have {number}"
        raise OnecycleError(message, "leave some of them out")
    for curves in shown:
        check_drawable(curves)
    schedules = [curves[0].schedule for curves in shown]
    most = steps_each(number)
    steps = with_steps_after(shared_steps(schedules, most), [found.series.steps for _, found in logs], most)
    traces = [planned_trace(curve, plan, steps) for plan, curves in enumerate(shown) for curve in curves]
    marks = []
    for name, found in logs:
        if (mark := _mark(found, len(traces))) is not None:
            marks.append(mark)
        traces += logged_traces(name, found, shown[0][0].momentum_word, most)
    phases = {tuple((phase.name, phase.first_step, phase.last_step) for phase in each.phases) for each in schedules}
    rhythms = {each.steps_per_epoch for each in schedules}
    return Chart(
        steps=steps,
        traces=tuple(traces),
        phases=phases.pop() if len(phases) == 1 else (),
        steps_per_epoch=rhythms.pop() if len(rhythms) == 1 else None,
        note=_peak(schedules[0]) if number == 1 else None,
        marks=tuple(marks),
    )


def _mark(found: Verdict, before: int) -> Mark | None:
    """Return where a log first leaves its plan, if it can be drawn; so many lines come before those of the log."""
    first, series = found.first_divergence, found.series
    if first is None or not abs(first.logged) <= DRAWABLE[1]:  # not where it is NaN
        return None
    own = [column for column in series.rates if series.tracks[column].group == first.group]
    column = first.column if first.column in own else own[0]
    return Mark(first.plan_step, first.logged, series.tracks[first.column].field, before + series.rates.index(column))


def _peak(schedule: Schedule) -> tuple[int, float, str]:
    found = summarize(schedule, 0)
    return found.peak_step, found.peak_lr, f"peak {short(found.peak_lr)} at step {found.peak_step:,}"
