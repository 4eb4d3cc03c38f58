"""The chart of a page: lines in SVG that stretch with the page, and around them words in HTML that do not.

The curves are drawn for a linear and for a logarithmic axis; the page's style shows one of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.formatting import printable, shorten
from onecycle_cli.render.page.markup import Markup, element
from onecycle_cli.render.page.traces import thinned, unbroken_parts
from onecycle_cli.render.picture import DEEPEST, count_unit, even_ticks, tick_labels, value_ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.render.page.traces import Trace

SIDE = 1000
"""Units of the drawing in both directions: about one pixel across, a third of one upwards."""

FINE = 0.7
"""How far a line may lie from the values it stands for, in those units: less than half a pixel."""

MOST_STAIRS = 40
"""A cycle of at most so many steps is drawn as stairs: a straight line would show rates between its steps."""

MOST_TICKS, FEW_TICKS, MOST_ACROSS = 7, 5, 6
"""Ticks of the learning rate, of the momentum, and of the steps."""

COLOURS, DASHES = 8, 3
"""Colours and dashes in the style. Only the first curve is solid, so that it shows through those that cover it."""

HEADROOM = 0.2
"""Room above the highest learning rate for the names of the phases and of the peak, as a share of its axis."""

NARROWEST_NAME = 0.12
"""The share of the width that a phase needs for its name."""

OUTSIDE = 0.02
"""How far outside the axis a value is drawn that is not on it, such as 0 on a logarithmic one."""

NOTE_EDGE = 0.25
"""The share of the width at both sides where words about a point stand beside it, not above its middle."""

LINEAR, LOG = "linear", "log"


@dataclass(frozen=True, slots=True)
class Axis:
    """A vertical axis: its range, the highest value on it, how many ticks it has, and whether it is logarithmic."""

    low: float
    high: float
    highest: float
    most: int
    log: bool = False

    def share(self, values: FloatArray) -> FloatArray:
        """Return how high values are, from 0 at the bottom to 1 at the top; those far outside just outside."""
        low, high = self.low, self.high
        if self.log:
            low, high, values = math.log10(low), math.log10(high), np.log10(np.maximum(values, self.low * 0.5))
        return np.clip((values - low) / (high - low), -OUTSIDE, 1 + OUTSIDE)

    def ticks(self) -> list[tuple[float, str]]:
        """Return the ticks with their labels, from the bottom, each as a share of the height."""
        ticks, labels = value_ticks(self.low, self.highest, self.most, log=self.log)
        shares = self.share(np.array(ticks, np.float64)).tolist()
        return [(share, label) for share, label in zip(shares, labels, strict=True) if -1e-9 <= share <= 1 + 1e-9]


@dataclass(frozen=True, slots=True)
class Mark:
    """The first logged value that is not the planned one: its step, its value, and of what it is."""

    step: int
    value: float
    field: str
    trace: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What is drawn.

    Attributes:
        steps: the steps at which the chart can be read; logs may go on after all plans.
        traces: the lines; those that were logged come after all that were planned.
        phases: names with first and last step, if all plans have the same phases.
        steps_per_epoch: steps of an epoch, if all plans have the same.
        note: words at a place of the learning rate: step, value and text.
        marks: where logs leave their plan.
    """

    steps: NDArray[np.int64]
    traces: tuple[Trace, ...]
    phases: tuple[tuple[str, int, int], ...] = ()
    steps_per_epoch: int | None = None
    note: tuple[int, float, str] | None = None
    marks: tuple[Mark, ...] = ()

    @property
    def total_steps(self) -> int:
        """The steps from the first to the last one shown."""
        return int(self.steps[-1]) + 1

    @property
    def is_stairs(self) -> bool:
        """Whether the curves are stairs."""
        return self.total_steps <= MOST_STAIRS

    @property
    def across(self) -> tuple[float, float]:
        """The steps at the left and at the right end."""
        last = self.total_steps - 1
        return (-0.5, last + 0.5) if self.is_stairs else (0.0, float(last))

    def x(self, steps: FloatArray) -> FloatArray:
        """Return how far to the right steps are, as shares of the width."""
        low, high = self.across
        return (steps - low) / (high - low)

    def axis(self, field: str, *, log: bool = False) -> Axis:
        """Return the vertical axis that holds all values of a field that it can hold."""
        found = [values for trace in self.traces if (values := trace.values(field)) is not None]
        values = np.concatenate(found)
        values = values[np.isfinite(values)]
        low, high = float(values.min()), float(values.max())
        if log:
            positive = values[values > 0]
            low = max(float(positive.min()), high * DEEPEST) if positive.size else high / 10
            room = max(high / low, 1.05)
            return Axis(low / room**0.04, high * room ** (HEADROOM * 1.04), high, MOST_TICKS, log=True)
        if field == "lr":
            low = min(low, 0.0)
            return Axis(low, high + HEADROOM * (high - low), high, MOST_TICKS)
        room = 0.12 * (high - low) or 0.1 * abs(high) or 1.0
        return Axis(low - room, high + room, high + room, FEW_TICKS)


def chart_markup(chart: Chart, caption: str) -> Markup:
    """Return the chart: learning rate above, momentum below where there is one, steps and epochs along the bottom."""
    panels = [_panel(chart, "lr", "learning rate")]
    cycled = [trace for trace in chart.traces if trace.momentum is not None]
    if cycled:
        panels.append(_panel(chart, "momentum", " / ".join(dict.fromkeys(trace.momentum_word for trace in cycled))))
    return element("div", *panels, *_across(chart), class_="oc-chart", role="img", aria_label=caption)


def look(number: int) -> str:
    """Return the classes that give a curve its colour and dashes, by its number."""
    return f"oc-c{number % COLOURS}" + (f" oc-d{(number - 1) % DASHES + 1}" if number else "")


def _panel(chart: Chart, field: str, name: str) -> Markup:
    axes = {LINEAR: chart.axis(field)}
    if field == "lr":
        axes[LOG] = chart.axis(field, log=True)
    scales, grids, lines = [], [], []
    for kind, axis in axes.items():
        shown = f"oc-{kind}" if len(axes) > 1 else "oc-both"
        ticks = axis.ticks()
        labels = [element("span", text, style=f"top:{_percent(1 - share)}") for share, text in ticks]
        scales.append(element("div", *labels, class_=f"oc-scale {shown}"))
        rules = "".join(f"M0 {_at(1 - share)}h{SIDE}" for share, _ in ticks)
        grids.append(element("path", d=rules, class_=f"oc-grid {shown}"))
        lines += _lines(chart, field, axis, shown)
    bands = _bands(chart)
    size = f"0 0 {SIDE} {SIDE}"
    drawing = element("svg", *bands, *grids, *lines, viewBox=size, preserveAspectRatio="none", aria_hidden="true")
    words = [*_names(chart), *_note(chart, axes)] if field == "lr" else []
    area = element("div", drawing, *words, **_data(axes), class_="oc-area")
    head = element("div", name, class_="oc-name")
    return element("div", head, *scales, area, class_=f"oc-panel oc-{field}")


def _data(axes: dict[str, Axis]) -> dict[str, object]:
    """Return the ranges of the axes as attributes, from which the page's script finds the height of a value."""
    return {f"data_{kind}": f"{axis.low!r} {axis.high!r}" for kind, axis in axes.items()}


def _lines(chart: Chart, field: str, axis: Axis, shown: str) -> list[Markup]:
    found = []
    has_logs = any(trace.is_log for trace in chart.traces)
    for number, trace in enumerate(chart.traces):
        values = trace.values(field)
        if values is None:
            continue
        steps, heights = trace.steps.astype(np.float64), 1 - axis.share(values)
        kind = "oc-logged" if trace.is_log else "oc-road" if has_logs else "oc-planned"
        classes = f"oc-line {kind} {look(number)} {shown}"
        done, ahead = (trace.steps <= trace.begin, trace.steps >= trace.begin) if trace.begin else (None, slice(None))
        if done is not None:
            path = _path(chart, steps[done], heights[done])
            found.append(element("path", d=path, class_=f"{classes} oc-done", data_trace=number))
        path = _path(chart, steps[ahead], heights[ahead])
        found.append(element("path", d=path, class_=classes, data_trace=number))
    for mark in chart.marks:
        if mark.field == field:
            y = 1 - axis.share(np.array([mark.value]))
            path = _path(chart, np.array([float(mark.step)]), y, dot=True)
            found.append(element("path", d=path, class_=f"oc-ring {shown}", data_trace=mark.trace))
            found.append(element("path", d=path, class_=f"oc-hole {shown}", data_trace=mark.trace))
    return found


def _path(chart: Chart, steps: FloatArray, heights: FloatArray, *, dot: bool = False) -> str:
    """Return the path of a line; a single point is a line without length, which round ends make a dot."""
    parts = []
    for xs, ys in unbroken_parts(steps, heights):
        if chart.is_stairs and not dot:
            edges = chart.x(np.column_stack([xs - 0.5, xs + 0.5]).ravel())
            points = list(zip(edges.tolist(), np.repeat(ys, 2).tolist(), strict=True))
        else:
            x = chart.x(xs)
            kept = thinned(x * SIDE, ys * SIDE, FINE)
            points = list(zip(x[kept].tolist(), ys[kept].tolist(), strict=True))
        line = "L".join(f"{_at(x)} {_at(y)}" for x, y in points)
        parts.append(f"M{line}" + ("h0" if len(points) == 1 else ""))
    return "".join(parts)


def _bands(chart: Chart) -> list[Markup]:
    """Return every second phase as a shaded band."""
    found = []
    for number, (_, first, last) in enumerate(chart.phases):
        begin, end = _band(chart, first, last)
        if number % 2 == 0 and end > begin:
            found.append(element("rect", x=_at(begin), y=0, width=_at(end - begin), height=SIDE, class_="oc-band"))
    return found


def _band(chart: Chart, first: int, last: int) -> tuple[float, float]:
    half = 0.5 if chart.is_stairs else 0.0
    begin, end = chart.x(np.array([first - half, last + half])).tolist()
    return begin, end


def _names(chart: Chart) -> list[Markup]:
    """Return the phases' names, where there is room."""
    found = []
    for name, first, last in chart.phases:
        begin, end = _band(chart, first, last)
        if end - begin >= NARROWEST_NAME:
            place = f"left:{_percent(begin)};width:{_percent(end - begin)}"
            found.append(element("span", name, class_="oc-phase", style=place))
    return found


def _note(chart: Chart, axes: dict[str, Axis]) -> list[Markup]:
    if chart.note is None:
        return []
    step, value, text = chart.note
    [x] = chart.x(np.array([float(step)])).tolist()
    found = []
    for kind, axis in axes.items():
        [share] = axis.share(np.array([value])).tolist()
        side = "oc-begin" if x < NOTE_EDGE else "oc-end" if x > 1 - NOTE_EDGE else ""
        place = f"left:{_percent(x)};top:{_percent(1 - share)}"
        found.append(element("span", text, class_=f"oc-note oc-{kind} {side}".strip(), style=place))
    return found


def _across(chart: Chart) -> list[Markup]:
    """Return the axis of steps, and that of epochs where they are known."""
    last = chart.total_steps - 1
    unit, word = count_unit(float(last))
    ticks = even_ticks(0.0, last / unit, MOST_ACROSS, whole=unit == 1)
    name = f"step ({word})" if word else "step"
    rows = [_ruler(chart, name, [tick * unit for tick in ticks], tick_labels(ticks))]
    per_epoch = chart.steps_per_epoch
    if per_epoch and last / per_epoch >= 1:
        ticks = even_ticks(0.0, last / per_epoch, MOST_ACROSS, whole=True)
        rows.append(_ruler(chart, "epoch", [tick * per_epoch for tick in ticks], tick_labels(ticks)))
    return rows


def _ruler(chart: Chart, name: str, steps: Sequence[float], labels: Sequence[str]) -> Markup:
    places = chart.x(np.array(steps, np.float64)).tolist()
    shown = [
        element("span", label, style=f"left:{_percent(place)}")
        for place, label in zip(places, labels, strict=True)
        if 0 <= place <= 1.005  # an epoch ends with the step after its last one
    ]
    return element(
        "div", element("span", name, class_="oc-unit"), element("div", *shown, class_="oc-ticks"), class_="oc-ruler"
    )


def swatch(number: int, *, is_log: bool, has_logs: bool) -> Markup:
    """Return a short piece of a curve's line, for a legend."""
    kind = "oc-logged" if is_log else "oc-road" if has_logs else "oc-planned"
    line = element("path", d="M2 5h28", class_=f"oc-line {kind} {look(number)}")
    return element("svg", line, viewBox="0 0 32 10", width=32, height=10, class_="oc-swatch", aria_hidden="true")


def _at(share: float) -> str:
    return f"{SIDE * share:.1f}".removesuffix(".0")


def _percent(share: float) -> str:
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + "%"


def short_name(label: str) -> str:
    """Return a curve's name in one line, cut where it is very long."""
    return shorten(printable(label) or "unnamed", 80)
