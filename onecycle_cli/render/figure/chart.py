"""What a figure shows, as values: panels of strokes, bands, notes, and a moment. No place on the page is known yet.

The charts of plans and of their comparison are made here, that of a check in `check_chart`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from onecycle_cli.formatting import count, join_words, printable, short
from onecycle_cli.policy.summary import summarize
from onecycle_cli.render.figure.style import INK, OTHER_PHASE, PHASES, looks
from onecycle_cli.render.picture import MOST_STEPS, Curve, momentum_name, steps_to_draw, x_divisor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.render.picture import Across

MOST_ANNOTATED = 3
"""Curves whose peaks are annotated; more would be a crowd, and the legend has them."""

FAINT = 0.35
"""The opacity of what a resumed run has behind it."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """One line or marker: its points, and its style in the terms of matplotlib's Line2D.

    `legend` is its entry in the legend, if it has one. NaN breaks a line.
    """

    x: FloatArray
    y: FloatArray
    style: dict[str, Any]
    legend: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Words about one point of a curve: `colour` is the curve's, `ink` that of the words."""

    x: float
    y: float
    text: str
    colour: Any
    ink: Any


@dataclass(frozen=True, slots=True)
class Band:
    """A shaded stretch of the horizontal axis, with its name."""

    name: str
    begin: float
    end: float
    shade: str
    ink: str


@dataclass(frozen=True, slots=True)
class Moment:
    """One place on the horizontal axis that all panels mark with a vertical line, with words beside it."""

    x: float
    text: str
    colour: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Attributes:
        names: names of the vertical axis; the first that fits is shown.
        strokes: what is drawn, and what the axis is fitted to.
        notes: words about points of the strokes.
        log: whether the axis is logarithmic.
        level: the value at which a horizontal line is drawn.
    """

    names: tuple[str, ...]
    strokes: tuple[Stroke, ...]
    notes: tuple[Note, ...] = ()
    log: bool = False
    level: float | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """A whole figure.

    Attributes:
        title: its title, on several lines if it has them.
        details: a smaller line below the title.
        panels: one above the other, over the same steps.
        across: what the horizontal axis counts.
        bands: stretches of it, such as phases.
        moment: one place on it.
        steps_per_epoch: where given, an axis of epochs is drawn along the top.
    """

    title: str
    details: str
    panels: tuple[Panel, ...]
    across: Across = "step"
    bands: tuple[Band, ...] = ()
    moment: Moment | None = None
    steps_per_epoch: int | None = None

    @property
    def legend(self) -> list[str]:
        """The entries of the legend, in the order of the first panel's strokes."""
        return [stroke.legend for stroke in self.panels[0].strokes if stroke.legend is not None]


@dataclass(frozen=True, slots=True)
class Line:
    """A curve evaluated where it is drawn, in one part, or in two where a resumed run has steps behind it."""

    curve: Curve
    colour: Any
    dashes: Any
    parts: tuple[Part, ...]

    @property
    def label(self) -> str:
        """The curve's name."""
        return printable(self.curve.label) or "unnamed"


@dataclass(frozen=True, slots=True)
class Part:
    """Places on the horizontal axis, learning rates, and momenta where they are cycled; `done` is behind the run."""

    x: FloatArray
    lr: FloatArray
    momentum: FloatArray | None
    done: bool


def plan_chart(curves: Sequence[Curve], across: Across, *, log: bool, momentum: bool) -> Chart:
    """Return learning rates above, and momenta below where they are cycled and wanted."""
    lines = evaluate(curves, across)
    title, details = headlines(lines)
    panels = [_rate_panel(lines, across, legend=len(lines) > 1, log=log)]
    if momentum and any(curve.schedule.cycles_momentum for curve in curves):
        strokes = [stroke for at, line in enumerate(lines) for stroke in _strokes(line, at, momentum=True)]
        panels.append(Panel((momentum_name(curves),), tuple(strokes)))
    rhythms = {curve.schedule.steps_per_epoch for curve in curves}
    epochs = rhythms.pop() if across == "step" and len(rhythms) == 1 else None
    return Chart(title, details, tuple(panels), across, shared_phases(curves, across), steps_per_epoch=epochs)


def comparison_chart(curves: Sequence[Curve]) -> Chart:
    """Return learning rates over steps, and below them how far each is above or below the first."""
    lines = evaluate(curves, "step")
    title, details = headlines(lines)
    apart = [stroke for at, line in enumerate(lines) for stroke in _difference(lines[0], line, at - 1)]
    panels = (_rate_panel(lines, "step", legend=True), Panel(("difference",), tuple(apart), level=0.0))
    details += f" · below: difference from {lines[0].label}"
    return Chart(title, details, panels, bands=shared_phases(curves, "step"))


def evaluate(curves: Sequence[Curve], across: Across) -> list[Line]:
    """Evaluate every curve where it is drawn."""
    found = []
    for curve, (colour, dashes) in zip(curves, looks(len(curves)), strict=True):
        last = curve.schedule.total_steps - 1
        first = min(curve.schedule.first_step, last)
        behind = (_part(curve, across, 0, first, done=True),) if first else ()
        found.append(Line(curve, colour, dashes, (*behind, _part(curve, across, first, last, done=False))))
    return found


def _part(curve: Curve, across: Across, first: int, last: int, *, done: bool) -> Part:
    schedule = curve.schedule
    steps = steps_to_draw(schedule, first, last)
    return Part(
        steps / x_divisor(schedule, across),
        schedule.lr(steps, curve.group),
        schedule.momentum(steps, curve.group),
        done,
    )


def _rate_panel(lines: Sequence[Line], across: Across, *, legend: bool, log: bool = False) -> Panel:
    strokes = [stroke for at, line in enumerate(lines) for stroke in _strokes(line, at, legend=legend)]
    noted = lines if len(lines) <= MOST_ANNOTATED else ()
    notes = [note for line in noted for note in _notes(line, across, alone=len(lines) == 1)]
    return Panel(("learning rate", "lr"), tuple(strokes), tuple(notes), log)


def _strokes(line: Line, order: int, *, momentum: bool = False, legend: bool = False) -> list[Stroke]:
    """Return a curve's strokes: faint where a resumed run has them behind it, a dot where there is one step only."""
    found, entry = [], None
    if legend:
        entry = f"{line.label} (peak {short(summarize(line.curve.schedule, line.curve.group).peak_lr)})"
    for part in line.parts:
        values = part.momentum if momentum else part.lr
        if values is not None:
            style = _line_style(line, part.x, order) | ({"alpha": FAINT} if part.done else {})
            found.append(Stroke(part.x, values, style, None if part.done else entry))
    return found


def _line_style(line: Line, x: FloatArray, order: int) -> dict[str, Any]:
    """Return the style of a curve, drawn over those that come before it in order."""
    return {
        "color": line.colour,
        "linestyle": line.dashes,
        "marker": "o" if len(x) == 1 else None,
        "label": line.label,
        "zorder": 3 + order / 1000,
    }


def _notes(line: Line, across: Across, *, alone: bool) -> list[Note]:
    """Name a curve's peak, and if it is alone its ends and where a run resumes; one note per step."""
    schedule, group = line.curve.schedule, line.curve.group
    words = {summarize(schedule, group).peak_step: ["peak"]}
    if alone:
        if 0 < schedule.first_step < schedule.total_steps:
            words.setdefault(schedule.first_step, []).append("resume")
        words.setdefault(0, []).insert(0, "initial")
        words.setdefault(schedule.total_steps - 1, []).append("final")
    found = []
    for step, names in words.items():
        value = schedule.lr(step, group)
        where = f" at step {step:,}" if {"peak", "resume"} & set(names) else ""
        text = f"{join_words(names)} {short(value)}{where}"
        x = step / x_divisor(schedule, across)
        found.append(Note(x, value, text, line.colour, INK if alone else line.colour))
    return found


def _difference(reference: Line, line: Line, order: int) -> list[Stroke]:
    """Return how far a curve is from the reference, over the steps that both have."""
    if line is reference:
        return []
    one, two = reference.curve, line.curve
    begin = max(one.schedule.first_step, two.schedule.first_step)
    end = min(one.schedule.total_steps, two.schedule.total_steps) - 1
    if begin > end:
        return []
    steps = np.union1d(steps_to_draw(one.schedule, begin, end), steps_to_draw(two.schedule, begin, end))
    x, gap = steps.astype(np.float64), two.schedule.lr(steps, two.group) - one.schedule.lr(steps, one.group)
    return [Stroke(x, gap, _line_style(line, x, order))]


def shared_phases(curves: Sequence[Curve], across: Across) -> tuple[Band, ...]:
    """Return the phases where all curves have the same ones, else none; nor where the cycle has one step only."""
    schedules = {id(curve.schedule): curve.schedule for curve in curves}.values()
    first, *others = (_phases(schedule, across) for schedule in schedules)
    return tuple(band for band in first if band.end > band.begin) if all(found == first for found in others) else ()


def _phases(schedule: Schedule, across: Across) -> list[Band]:
    """Cut where a phase's ramps begin, which may be between two steps."""
    phases, divisor = schedule.phases, x_divisor(schedule, across)
    cuts = [0.0]
    for before, phase in pairwise(phases):
        cuts.append(min(max(phase.lr[0].edge, before.last_step), phase.first_step))
    cuts.append(schedule.total_steps - 1)
    return [
        Band(phase.name, begin / divisor, end / divisor, *PHASES.get(phase.name, OTHER_PHASE))
        for phase, (begin, end) in zip(phases, pairwise(cuts), strict=True)
    ]


def headlines(lines: Sequence[Line]) -> tuple[str, str]:
    """Return the default title, the curves' names, and the details below it, the numbers that they share."""
    schedules = [line.curve.schedule for line in lines]
    peaks = [line.curve.schedule.plan.groups[line.curve.group].max_lr for line in lines]
    totals = [schedule.total_steps for schedule in schedules]
    numbers = [_range(totals, "{:,}") + (" step" if max(totals) == 1 else " steps")]
    epochs = [schedule.total_steps / schedule.steps_per_epoch for schedule in schedules if schedule.steps_per_epoch]
    if len(epochs) == len(lines):
        numbers.append(_range(epochs, "{:,.4g}") + (" epoch" if max(epochs) == 1 else " epochs"))
    numbers.append("max_lr " + _range(peaks, "{:.4g}"))
    plans = [schedule.plan for schedule in schedules]
    if len({plan.pct_start for plan in plans}) == 1:
        numbers.append(f"pct_start {plans[0].pct_start:g}")
    if len({plan.anneal_strategy for plan in plans}) == 1:
        numbers.append(plans[0].anneal_strategy)
    names = list(dict.fromkeys(printable(line.curve.plan or line.label) for line in lines))
    title = ", ".join(names) if len(names) <= 4 else count(len(names), "schedule")
    return title, " · ".join(numbers)


def _range(values: Sequence[float], form: str) -> str:
    return " to ".join(dict.fromkeys(form.format(value) for value in (min(values), max(values))))


def rows_to_draw(values: FloatArray) -> NDArray[np.int64]:
    """Choose rows that draw like all of them: of each small part of the log its ends, and its extreme values."""
    rows = len(values)
    if rows <= MOST_STEPS:
        return np.arange(rows, dtype=np.int64)
    part = np.arange(rows, dtype=np.int64) * (MOST_STEPS // 2) // rows
    begins = np.searchsorted(part, np.arange(part[-1] + 1))
    ends = np.append(begins[1:], rows) - 1
    by_value = np.lexsort((values, part))  # sorted inside each part, the parts in their order
    return np.unique(np.concatenate([begins, ends, by_value[begins], by_value[ends]]))
