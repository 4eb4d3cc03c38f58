"""Where everything in a figure goes, computed before anything is drawn: matplotlib's own layouts draw twice.

All lengths are inches, counted from the figure's lower left corner.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from onecycle_cli.render.figure.labels import Box, Words, line_height, name_bands, name_moment
from onecycle_cli.render.figure.legend import Legend, fit_legend
from onecycle_cli.render.figure.placement import Item, Placement, anchors, look_alike
from onecycle_cli.render.picture import (
    AXIS_NAMES,
    DEEPEST,
    count_unit,
    even_ticks,
    log_ticks,
    tick_labels,
    value_ticks,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.render.figure.chart import Chart, Name, Panel
    from onecycle_cli.render.figure.labels import Leader, Ruler
    from onecycle_cli.render.figure.placement import Trace
    from onecycle_cli.render.figure.style import Style
    from onecycle_cli.render.picture import Horizontal

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

MOST_TITLE_LINES = 2
SMALLEST_TITLE = 0.85
"""How small a title may become, as a part of its usual size, before it is wrapped."""

LOWEST_CAPTIONED = 4
"""The height of the lowest panel that has a caption, in rows."""

MOST_ORDERS = 4
"""In how many orders curves' names are placed, at most."""

NAMED = ((1, 1), (2, 2), (1, 4), (2, 6))
"""How curves' names are tried: on how many lines each, and with how many rows above the curves."""

SMALLEST_NAME = 0.7
"""How small the name of a vertical axis may become, as a part of its usual size, before a shorter one is used."""


@dataclass(frozen=True, slots=True)
class Page:
    """The size of a figure, its style, the ruler that measures its words, and the sizes of its letters in points."""

    style: Style
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
    across: Horizontal

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
    """A panel as a place on the page: its box, its axes, and the name of the vertical one with its size in points."""

    box: Box
    reach: Reach
    scale: Scale
    name: str
    points: float

    def across(self, x: float) -> float:
        """Return the place of a value of the horizontal axis."""
        low, high = self.reach.limits
        return self.box.left + (x - low) / (high - low) * (self.box.right - self.box.left)

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Return the place of a point of a curve."""
        places = self.trace(np.array([x]), np.array([y]))
        return float(places[0][0]), float(places[1][0])

    def trace(self, x: FloatArray, values: FloatArray) -> Trace:
        """Return where a curve runs on the page."""
        low, high = self.reach.limits
        return (
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
class Layout:
    """Everything that is drawn beside the strokes themselves, and where.

    `dots` are points of curves that have words beside them, with their colours.
    """

    page: Page
    title: list[tuple[str, float, float, bool, str]]
    grounds: list[Ground]
    ticks: Ticks
    epochs: Ticks | None
    legend: Legend | None
    words: list[Words]
    leaders: list[Leader]
    dots: list[tuple[float, float, Any]]


def lay_out(chart: Chart, page: Page) -> Layout:
    """Lay a chart out on a page: with names beside the curves if they all fit, else with a legend."""
    roomy = page.height > ROOMY
    title, used = _title(page, chart.titles, chart.details if roomy else "")
    per_epoch = chart.steps_per_epoch if roomy else None
    found = None
    legend = None
    for lines, rows in NAMED if chart.curve_names else ():
        grounds = _grounds(page, chart, used, None, epochs=per_epoch is not None, rows=rows)
        found = _named(page, chart, grounds[0], lines)
        if found is not None:
            break
    else:
        legend = fit_legend(page, chart.legend, used) if chart.legend else None
        grounds = _grounds(page, chart, used, legend, epochs=per_epoch is not None)
        found = _noted(page, chart, grounds[0])
    words, leaders, dots = found
    words += [
        caption
        for panel, ground in zip(chart.panels, grounds, strict=True)
        for caption in _caption(page, panel, ground)
    ]
    lead = grounds[0]
    # A very long axis counts in millions of steps or more, and says so.
    unit, word = count_unit(lead.reach.last) if chart.across == "step" else (1, "")
    name = AXIS_NAMES[chart.across]
    places, labels = _fitting_ticks(page, lead.reach, unit, lead.box.width)
    ticks, epochs = Ticks(places, labels, f"{name} ({word})" if word else name), None
    if per_epoch is not None:
        places, labels = _fitting_ticks(page, Reach(0.0, lead.reach.last / per_epoch, "epoch"), 1, lead.box.width)
        epochs = Ticks([tick * per_epoch for tick in places], labels, "epoch")
    return Layout(page, title, grounds, ticks, epochs, legend, words, leaders, dots)


Beside: TypeAlias = "tuple[list[Words], list[Leader], list[tuple[float, float, Any]]]"
"""The words in the first panel, the lines that lead to them, and the dots that they name."""


def _along_the_top(page: Page, chart: Chart, lead: Ground) -> list[Words]:
    words = name_bands(page, lead, chart.bands)
    return words + ([name_moment(page, lead, chart.moment)] if chart.moment else [])


def _noted(page: Page, chart: Chart, lead: Ground) -> Beside:
    """Write the notes beside their points, those for which there is room."""
    words, panel = _along_the_top(page, chart, lead), chart.panels[0]
    if not panel.notes:
        return words, [], []
    traces = [lead.trace(*stroke.outline()) for stroke in panel.strokes]
    items = [
        Item(((note.text, note.ink),), (lead.point(note.x, note.y),), note.colour, tuple(traces))
        for note in panel.notes
    ]
    placement = Placement(page, lead, items, traces, [each.box for each in words])
    notes, leaders, failed = placement.place(range(len(items)))
    front = [trace for trace, stroke in zip(traces, panel.strokes, strict=True) if not stroke.behind]
    if failed and len(front) < len(traces):
        rest = [replace(items[at], own=tuple(front)) for at in failed]
        over = Placement(page, lead, rest, front, [each.box for each in (*words, *notes)]).place(range(len(rest)))
        notes, leaders = [*notes, *over[0]], [*leaders, *over[1]]
    dots = [(note.x, max(note.y, lead.scale.low), note.colour) for note in panel.notes]
    return [*words, *notes], leaders, dots


def _named(page: Page, chart: Chart, lead: Ground, most_lines: int) -> Beside | None:
    """Write the curves' names beside them, each on one line or two; None if there is no room for one of them."""
    words = _along_the_top(page, chart, lead)
    traced: dict[int, Trace] = {}
    for stroke in chart.panels[0].strokes:
        traced[id(stroke)] = lead.trace(*stroke.outline())
    groups: list[tuple[list[Name], list[Trace]]] = []
    for name in chart.curve_names:
        own = [traced[id(stroke)] for stroke in name.strokes]
        same = next((group for group in groups if look_alike(group[1], own)), None)
        if same is None:
            groups.append(([name], own))
        else:
            same[0].append(name)
            traced |= {id(stroke): same[1][-1] for stroke in name.strokes}
    items = []
    for names, own in groups:
        several = most_lines > 1 and len(names) == 1
        lines = tuple((text, name.ink) for name in names for text in _lines(name.text, several=several))
        first = lead.point(names[0].x, names[0].y)
        items.append(Item(lines, anchors(own, first), names[0].colour, tuple(own)))
    # Curves with high peaks have the fewest places: they come first, the outer ones before those between them, and
    # before all others what found none.
    middle = sum(item.points[0][0] for item in items) / len(items)
    items.sort(key=lambda item: (-round(item.points[0][1], 1), -abs(item.points[0][0] - middle)))
    curves = list({id(trace[0]): trace for trace in traced.values()}.values())
    placement = Placement(page, lead, items, curves, [each.box for each in words])
    order = list(range(len(items)))
    for _ in range(MOST_ORDERS):
        placed, leaders, failed = placement.place(order)
        if not failed:
            dots = [(name.x, name.y, name.colour) for name in chart.curve_names if name.y >= lead.scale.low]
            return [*words, *placed], leaders, dots
        if failed[0] == order[0]:
            return None
        order.remove(failed[0])
        order.insert(0, failed[0])
    return None


def _lines(text: str, *, several: bool) -> list[str]:
    """Return a curve's name, and what it says of the peak below it."""
    name, comma, peak = text.rpartition(", ")
    return [name + comma.rstrip(), peak] if several and comma else [text]


def _caption(page: Page, panel: Panel, ground: Ground) -> list[Words]:
    """Write a panel's caption above its curves, where the scale leaves room for it."""
    room = ground.box.width - 2 * PAD
    if ground.box.top - ground.box.bottom < LOWEST_CAPTIONED * line_height(page.small):
        return []
    for text in panel.captions:
        width = page.ruler.width(text, page.small)
        if width <= room:
            top, left = ground.box.top - PAD / 4, ground.box.left + PAD / 2
            box = Box(left, top - line_height(page.small), left + width, top)
            return [Words(box, text, page.style.soft)]
    return []


def _title(page: Page, titles: Sequence[str], details: str) -> tuple[list[tuple[str, float, float, bool, str]], float]:
    """Return the lines of the title with their tops, and the height that they take."""
    room, used, found = page.width - 2 * PAD, PAD, []

    def fits(title: str) -> bool:
        return all(page.ruler.width(line, page.title, bold=True) <= room for line in title.splitlines())

    title = next(filter(fits, titles), titles[-1])
    rows = list[tuple[str, float, bool, str]]()
    for given in filter(str.strip, title.splitlines()):
        share = room / max(room, page.ruler.width(given, page.title, bold=True))
        points = page.title * (share if share >= SMALLEST_TITLE else 1)
        lines = page.ruler.wrap(given, points, room * 1.001, MOST_TITLE_LINES, bold=True)
        rows += [(line, points, True, page.style.ink) for line in lines]
    if details:
        lines = page.ruler.wrap(details, page.small, room, MOST_TITLE_LINES)
        rows += [(line, page.small, False, page.style.soft) for line in lines]
    for text, points, bold, colour in rows:
        found.append((text, page.height - used, points, bold, colour))
        used += line_height(points) * 1.1
    return found, used


def _grounds(
    page: Page, chart: Chart, used: float, legend: Legend | None, *, epochs: bool, rows: int = 0
) -> list[Ground]:
    """Share the height between title, panels, their axes and the legend, and fit the axes to what they show."""
    words = line_height(page.small) + TICK
    below = legend.height if legend and not legend.beside else 0.0
    foot = PAD / 2 + below + line_height(page.text) + words
    top = page.height - used - (words + PAD / 4 if epochs else PAD / 2)
    heights, scales = [(foot, top)], []
    if len(chart.panels) > 1:
        middle = foot + (top - foot - BETWEEN) * (1 - SHARE)
        heights = [(middle + BETWEEN, top), (foot, middle)]
        inches = middle - foot
        row = line_height(page.small)
        head = 0.12 + (min(0.35, 1.1 * row / inches) if chart.panels[1].captions else 0)
        most = int(inches * (0.88 - head) / row / 1.35)
        scales = [_scale(chart.panels[1], max(2, min(4, most)), head, 0.12)]
    scales = [_first_scale(page, chart, heights[0], rows=rows), *scales]
    widest = max(page.ruler.width(label, page.small) for scale in scales for label in scale.labels)
    left = PAD + line_height(page.text) + 1.4 * TICK + widest
    right = page.width - 1.5 * PAD - (legend.width if legend and legend.beside else 0.0)
    x = np.concatenate([stroke.x for panel in chart.panels for stroke in panel.strokes])
    first = float(np.nanmin(x))
    reach = Reach(first if chart.across == "lr" else min(0.0, first), float(np.nanmax(x)), chart.across)
    found = []
    for panel, (foot, top), scale in zip(chart.panels, heights, scales, strict=True):
        name, points = _axis_name(page, panel.names, top - foot)
        found.append(Ground(Box(left, foot, right, top), reach, scale, name, points))
    return found


def _axis_name(page: Page, names: Sequence[str], room: float) -> tuple[str, float]:
    """Return the first name of a vertical axis that fits, a little smaller if need be, and its size in points."""
    for name in names:
        points = page.text * min(1.0, room / page.ruler.width(name, page.text))
        if points >= page.text * SMALLEST_NAME:
            return name, points
    return "", page.text


def _first_scale(page: Page, chart: Chart, height: tuple[float, float], *, rows: int) -> Scale:
    """Fit the first panel's axis.

    There is room above the curves for words along the top and a note or `rows` of curves' names, and below for the
    notes of a single curve's ends.
    """
    panel = chart.panels[0]
    inches, row = height[1] - height[0], line_height(page.small)
    above = row * (bool(chart.bands or chart.moment) + (bool(panel.notes) or rows)) + 0.18
    below = row + 0.16 if panel.notes or rows > 1 else 0.12
    free = min(1, 0.55 * inches / (above + below))
    head, foot = above * free / inches, below * free / inches
    most = int(inches * (1 - head - foot) / row / 1.5)
    return _scale(panel, max(2, min(7, most)), head, foot)


def _scale(panel: Panel, most_ticks: int, head: float, foot: float) -> Scale:
    """Fit an axis to a panel, leaving the fractions `head` and `foot` of it free above and below the values."""
    levels = [] if panel.level is None else [np.array([panel.level])]
    values = np.concatenate([*(stroke.y for stroke in panel.strokes), *levels])
    values = values[~np.isnan(values)]
    if panel.top is not None:
        values = values[values <= panel.top]
    low, high = float(values.min()), float(values.max())
    if panel.log and high > 0:
        low = float(values[values >= high * DEEPEST].min())
        if low == high:
            low, high = low / 2, high * 2
        factor = (high / low) ** (1 / (1 - head - foot))
        ticks, labels = value_ticks(low, high, most_ticks, log=True)
        return Scale(low / factor**foot, high * factor**head, ticks, labels, log=True)
    if low > 0 and low < high / 2 and panel.top is None:
        low = 0.0
    if low == high:
        low, high = low - (abs(low) or 1.0) / 10, high + (abs(high) or 1.0) / 10
    span = (high - low) / (1 - head - foot)
    return Scale(low - foot * span, high + head * span, *value_ticks(low, high, most_ticks, log=False), log=False)


def _fitting_ticks(page: Page, reach: Reach, unit: float, room: float) -> tuple[list[float], list[str]]:
    """Place as many ticks as there is room for, where one unit of the labels is `unit` of the axis."""
    low, high = reach.first / unit, reach.limits[1] / unit
    for most in range(MOST_TICKS, 1, -1):
        if reach.across == "lr":
            rates = log_ticks(10**low, 10**high, most)
            ticks, labels = [math.log10(rate) for rate in rates], tick_labels(rates, log=True)
        else:
            ticks = even_ticks(low, high, most, whole=reach.across == "step" and unit == 1)
            labels = tick_labels(ticks)
        if len(ticks) * page.ruler.width(max(labels, key=len), page.small) * 1.4 <= room:
            break
    return [tick * unit for tick in ticks], labels
