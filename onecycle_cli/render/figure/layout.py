"""Where everything in a figure goes, computed before anything is drawn: matplotlib's own layouts draw twice.

All lengths are inches, counted from the figure's lower left corner.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.render.figure.labels import Box, Polyline, line_height, name_bands, name_moment, place_notes
from onecycle_cli.render.figure.style import INK, SOFT
from onecycle_cli.render.picture import (
    AXIS_NAMES,
    DEEPEST,
    count_unit,
    even_ticks,
    tick_labels,
    value_ticks,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.render.figure.chart import Chart, Panel
    from onecycle_cli.render.figure.labels import Leader, Ruler, Words
    from onecycle_cli.render.picture import Across

PAD = 0.14
TICK = 7 / 72
"""A tick, and the space to its label."""

BETWEEN = 0.17
"""Between two panels."""

SHARE = 0.66
"""The first panel's share of the panels' height."""

MARGIN = 0.015
"""Of the horizontal axis, free at both of its ends."""

MOST_TICKS = 11
ROOMY = 2.6
"""The height from which there is room for a line of details and an axis of epochs."""

HANDLE = 2.8
"""The length of a legend's line, in letters' heights."""

MOST_OF_LEGEND = 0.25
"""The legend's largest share of the figure's height."""

MOST_COLUMNS = 5
LEFT_OUT = "{:,} more between them"


@dataclass(frozen=True, slots=True)
class Page:
    """The size of a figure, the ruler that measures its words, and the sizes of its letters in points."""

    width: float
    height: float
    ruler: Ruler
    text: float
    small: float
    title: float


@dataclass(frozen=True, slots=True)
class Reach:
    """The horizontal axis: where values begin and end, and what it counts."""

    first: float
    last: float
    across: Across

    @property
    def limits(self) -> tuple[float, float]:
        """The axis' ends, a little beyond the values."""
        margin = (self.last - self.first) * MARGIN or 0.5
        return self.first - margin, self.last + margin


@dataclass(frozen=True, slots=True)
class Scale:
    """The range of a vertical axis, and the ticks inside the part that holds values."""

    low: float
    high: float
    ticks: list[float]
    labels: list[str]
    log: bool

    def height(self, values: FloatArray) -> FloatArray:
        """Return how high up the axis values are: 0 at its foot, 1 at its top."""
        if not self.log:
            return (values - self.low) / (self.high - self.low)
        return np.log(np.maximum(values, self.low) / self.low) / math.log(self.high / self.low)


@dataclass(frozen=True, slots=True)
class Ground:
    """A panel as a place on the page: its box, its axes, and the name of the vertical one."""

    box: Box
    reach: Reach
    scale: Scale
    name: str

    def across(self, x: float) -> float:
        """Return the place of a value of the horizontal axis."""
        low, high = self.reach.limits
        return self.box.left + (x - low) / (high - low) * (self.box.right - self.box.left)

    def polyline(self, x: FloatArray, values: FloatArray) -> Polyline:
        """Return where a curve runs on the page."""
        low, high = self.reach.limits
        return Polyline(
            self.box.left + (x - low) / (high - low) * (self.box.right - self.box.left),
            self.box.bottom + self.scale.height(values) * (self.box.top - self.box.bottom),
        )


@dataclass(frozen=True, slots=True)
class Ticks:
    """Ticks of a horizontal axis, their labels, and the axis' name."""

    places: list[float]
    labels: list[str]
    name: str


@dataclass(frozen=True, slots=True)
class Legend:
    """A legend that fits the page: which entries it shows, how, in how many columns, and how many it leaves out."""

    shown: list[int]
    entries: list[str]
    columns: int
    height: float
    left_out: int


@dataclass(frozen=True, slots=True)
class Layout:
    """Everything that is drawn beside the strokes themselves, and where."""

    page: Page
    title: list[tuple[str, float, float, bool, str]]
    grounds: list[Ground]
    ticks: Ticks
    epochs: Ticks | None
    legend: Legend | None
    words: list[Words]
    leaders: list[Leader]


def lay_out(chart: Chart, page: Page) -> Layout:
    """Lay a chart out on a page."""
    roomy = page.height > ROOMY
    title, used = _title(page, chart.title, chart.details if roomy else "")
    legend = _legend(page, chart.legend) if chart.legend else None
    per_epoch = chart.steps_per_epoch if roomy else None
    grounds = _grounds(page, chart, used, legend.height if legend else 0.0, epochs=per_epoch is not None)
    lead = grounds[0]
    words = name_bands(page, lead, chart.bands)
    words += [name_moment(page, lead, chart.moment)] if chart.moment else []
    notes, leaders = place_notes(page, lead, chart.panels[0], words)
    # A very long axis counts in millions of steps or more, and says so.
    unit, word = count_unit(lead.reach.last) if chart.across == "step" else (1, "")
    name = AXIS_NAMES[chart.across]
    places, labels = _fitting_ticks(page, lead.reach, unit, lead.box.width)
    ticks, epochs = Ticks(places, labels, f"{name} ({word})" if word else name), None
    if per_epoch is not None:
        places, labels = _fitting_ticks(page, Reach(0.0, lead.reach.last / per_epoch, "epoch"), 1, lead.box.width)
        epochs = Ticks([tick * per_epoch for tick in places], labels, "epoch")
    return Layout(page, title, grounds, ticks, epochs, legend, [*words, *notes], leaders)


def _title(page: Page, title: str, details: str) -> tuple[list[tuple[str, float, float, bool, str]], float]:
    """Return the lines of the title with their tops, and the height that they take."""
    room, used, found = page.width - 2 * PAD, PAD, []
    rows = [(line, page.title, True, INK) for line in title.splitlines() if line.strip()]
    rows += [(details, page.small, False, SOFT)] if details else []
    for text, points, bold, colour in rows:
        fitted = page.ruler.fit(text, points, room, bold=bold)
        found.append((fitted, page.height - used, points, bold, colour))
        used += line_height(points) * 1.1
    return found, used


def _legend(page: Page, entries: Sequence[str]) -> Legend:
    """Fit a legend to the page; where there are too many entries, evenly spread ones are shown."""
    points = page.small
    handle = points / 72 * (HANDLE + 2.8)
    room = page.width - 2 * PAD
    row = points / 72 * 1.36
    rows = max(2, int(page.height * MOST_OF_LEGEND / row))
    longest = [*sorted(entries, key=len)[-20:], LEFT_OUT.format(len(entries))]
    widest = max(page.ruler.width(entry, points) for entry in longest[: len(entries)]) + handle
    columns = max(1, min(len(entries), MOST_COLUMNS, int((room + points / 36) / widest)))
    number, most = len(entries), rows * columns
    shown = list(range(number))
    if number > most:
        shown = [at * (number - 1) // (most - 2) for at in range(most - 1)]
    used = min(rows, -(-number // columns))
    fitted = [page.ruler.fit(entries[at], points, room - handle) for at in shown]
    return Legend(shown, fitted, columns, used * row + PAD / 2, number - len(shown))


def _grounds(page: Page, chart: Chart, used: float, legend: float, *, epochs: bool) -> list[Ground]:
    """Share the height between title, panels, their axes and the legend, and fit the axes to what they show."""
    words = line_height(page.small) + TICK
    foot = PAD / 2 + legend + line_height(page.text) + words
    top = page.height - used - (words + PAD / 4 if epochs else PAD / 2)
    heights, scales = [(foot, top)], []
    if len(chart.panels) > 1:
        middle = foot + (top - foot - BETWEEN) * (1 - SHARE)
        heights = [(middle + BETWEEN, top), (foot, middle)]
        most = int((middle - foot) / line_height(page.small) / 1.8)
        scales = [_scale(chart.panels[1], max(2, min(4, most)), 0.12, 0.12)]
    scales = [_first_scale(page, chart, heights[0]), *scales]
    widest = max(page.ruler.width(label, page.small) for scale in scales for label in scale.labels)
    left = PAD + line_height(page.text) + 1.4 * TICK + widest
    x = np.concatenate([stroke.x for panel in chart.panels for stroke in panel.strokes])
    reach = Reach(min(0.0, float(np.nanmin(x))), float(np.nanmax(x)), chart.across)
    found = []
    for panel, (foot, top), scale in zip(chart.panels, heights, scales, strict=True):
        fitting = [name for name in panel.names if page.ruler.width(name, page.text) < top - foot]
        name = next(iter(fitting), "")
        found.append(Ground(Box(left, foot, page.width - 1.5 * PAD, top), reach, scale, name))
    return found


def _first_scale(page: Page, chart: Chart, height: tuple[float, float]) -> Scale:
    """Fit the first panel's axis.

    There is room above the curves for words along the top and the peak's note, and below for the ends' notes, which
    are there if a single curve is annotated.
    """
    panel = chart.panels[0]
    inches, row = height[1] - height[0], line_height(page.small)
    above = row * (bool(chart.bands or chart.moment) + bool(panel.notes)) + 0.18
    below = row + 0.16 if panel.notes and not chart.legend else 0.12
    free = min(1, 0.55 * inches / (above + below))
    head, foot = above * free / inches, below * free / inches
    most = int(inches * (1 - head - foot) / row / 1.5)
    return _scale(panel, max(2, min(7, most)), head, foot)


def _scale(panel: Panel, most_ticks: int, head: float, foot: float) -> Scale:
    """Fit an axis to a panel, leaving the fractions `head` and `foot` of it free above and below the values."""
    levels = [] if panel.level is None else [np.array([panel.level])]
    values = np.concatenate([*(stroke.y for stroke in panel.strokes), *levels])
    values = values[~np.isnan(values)]
    low, high = float(values.min()), float(values.max())
    if panel.log and high > 0:
        low = float(values[values >= high * DEEPEST].min())
        if low == high:
            low, high = low / 2, high * 2
        factor = (high / low) ** (1 / (1 - head - foot))
        ticks, labels = value_ticks(low, high, most_ticks, log=True)
        return Scale(low / factor**foot, high * factor**head, ticks, labels, log=True)
    if low > 0 and low < high / 2:
        low = 0.0
    if low == high:
        low, high = low - (abs(low) or 1.0) / 10, high + (abs(high) or 1.0) / 10
    span = (high - low) / (1 - head - foot)
    return Scale(low - foot * span, high + head * span, *value_ticks(low, high, most_ticks, log=False), log=False)


def _fitting_ticks(page: Page, reach: Reach, unit: float, room: float) -> tuple[list[float], list[str]]:
    """Place as many ticks as there is room for, where one unit of the labels is `unit` of the axis."""
    low, high = reach.first / unit, reach.limits[1] / unit
    for most in range(MOST_TICKS, 1, -1):
        ticks = even_ticks(low, high, most, whole=reach.across == "step" and unit == 1)
        labels = tick_labels(ticks)
        if len(ticks) * page.ruler.width(max(labels, key=len), page.small) * 1.4 <= room:
            break
    return [tick * unit for tick in ticks], labels
