"""The numbers a figure shows, read once from the schedules: lines, and the phases' edges."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from onecycle_cli.formatting import printable, short
from onecycle_cli.policy.summary import summarize
from onecycle_cli.render.figure.style import Look, looks
from onecycle_cli.render.sampling import steps_to_draw, x_divisor, x_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.render.sampling import Across, Curve


MOST_ANNOTATED = 3
"""Curves whose peaks are written down; more would be a crowd, and the legend tells them."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of a curve: places on the horizontal axis, learning rates, and momenta where they are cycled."""

    x: FloatArray
    lr: FloatArray
    momentum: FloatArray | None


@dataclass(frozen=True, slots=True)
class Line:
    """A curve ready to be drawn; `behind` is the part that a resumed run has behind it."""

    curve: Curve
    label: str
    look: Look
    ahead: Stretch
    behind: Stretch | None

    @property
    def stretches(self) -> list[Stretch]:
        """Give the parts there are."""
        return [self.ahead] if self.behind is None else [self.behind, self.ahead]


@dataclass(frozen=True, slots=True)
class Span:
    """A phase's name and its edges on the horizontal axis."""

    name: str
    begin: float
    end: float


def read_lines(curves: Sequence[Curve], across: Across) -> list[Line]:
    """Evaluate every curve where it is drawn."""
    found = []
    for curve, look in zip(curves, looks(len(curves)), strict=True):
        first = min(curve.schedule.first_step, curve.schedule.total_steps - 1)
        ahead = _stretch(curve, across, first, curve.schedule.total_steps - 1)
        behind = _stretch(curve, across, 0, first) if first else None
        found.append(Line(curve, printable(curve.label) or "unnamed", look, ahead, behind))
    return found


def _stretch(curve: Curve, across: Across, first: int, last: int) -> Stretch:
    steps = steps_to_draw(curve.schedule, first, last)
    schedule = curve.schedule
    lr, momentum = schedule.lr(steps, curve.group), schedule.momentum(steps, curve.group)
    return Stretch(x_values(steps, schedule, across), lr, momentum)


def shared_spans(curves: Sequence[Curve], across: Across) -> list[Span]:
    """Give the phases where all curves have the same ones, else none; nor where there is but one step."""
    each = [_spans(schedule, across) for schedule in {id(at.schedule): at.schedule for at in curves}.values()]
    shared = all(spans == each[0] for spans in each)
    return [span for span in each[0] if span.end > span.begin] if shared else []


def _spans(schedule: Schedule, across: Across) -> list[Span]:
    """Cut where a phase's ramps begin, which may be between two steps."""
    phases, divisor = schedule.phases, x_divisor(schedule, across)
    cuts = [0.0]
    for before, phase in pairwise(phases):
        cuts.append(min(max(phase.lr[0].edge, before.last_step), phase.first_step))
    cuts.append(schedule.total_steps - 1)
    return [
        Span(phase.name, begin / divisor, end / divisor)
        for phase, (begin, end) in zip(phases, pairwise(cuts), strict=True)
    ]


def headlines(lines: Sequence[Line]) -> tuple[str, str]:
    """Make the default title: the curves' names, and a second line with the numbers that they share."""
    schedules = [line.curve.schedule for line in lines]
    peaks = [line.curve.schedule.plan.groups[line.curve.group].max_lr for line in lines]
    totals = [schedule.total_steps for schedule in schedules]
    numbers = [_range(totals, "{:,}") + (" step" if max(totals) == 1 else " steps")]
    epochs = [each.total_steps / each.steps_per_epoch for each in schedules if each.steps_per_epoch]
    if len(epochs) == len(lines):
        numbers.append(_range(epochs, "{:,.4g}") + (" epoch" if max(epochs) == 1 else " epochs"))
    numbers.append("max_lr " + _range(peaks, "{:.4g}"))
    plans = [schedule.plan for schedule in schedules]
    if len({plan.pct_start for plan in plans}) == 1:
        numbers.append(f"pct_start {plans[0].pct_start:g}")
    if len({plan.anneal_strategy for plan in plans}) == 1:
        numbers.append(plans[0].anneal_strategy)
    names = list(dict.fromkeys(printable(line.curve.plan or line.label) for line in lines))
    title = ", ".join(names) if len(names) <= 4 else f"{len(names)} schedules"
    return title, " · ".join(numbers)


def _range(values: Sequence[float], form: str) -> str:
    ends = dict.fromkeys(form.format(value) for value in (min(values), max(values)))
    return " to ".join(ends)


def legend_entries(lines: Sequence[Line]) -> list[str]:
    """Say each curve's name and peak."""
    peaks = [summarize(line.curve.schedule, line.curve.group).peak_lr for line in lines]
    return [f"{line.label} (peak {short(peak)})" for line, peak in zip(lines, peaks, strict=True)]
