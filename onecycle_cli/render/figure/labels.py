"""Words in a panel: measured before they are drawn, and placed clear of every curve and of each other.

All lengths are inches, counted from the figure's lower left corner.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.font_manager import FontProperties

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.render.figure.chart import Band, Moment, Panel
    from onecycle_cli.render.figure.layout import Ground, Page

GAP = 0.07
"""Between a point and its words."""

CLEAR = 0.03
"""The least distance of words from a curve, from other words and from the axes' edge."""

RINGS = 6
"""How often words look for a place farther off, half a line each time; beyond that it is unclear what they name."""

SPACE = 0.08
"""Between two names along the top."""

BESIDE = 0.06
"""Between a vertical line and its words."""

FAR = 0.2
"""The distance between a point and its words from which a thin line connects them."""


class Ruler:
    """Measures text as the figure will draw it."""

    def __init__(self, renderer: Any, dpi: float) -> None:
        """Take the renderer that will draw, and its dots per inch."""
        self._renderer, self._dpi = renderer, dpi
        self._fonts: dict[tuple[float, bool], FontProperties] = {}

    def width(self, text: str, points: float, *, bold: bool = False) -> float:
        """Return a line's width."""
        from matplotlib.font_manager import FontProperties

        font = self._fonts.get((points, bold))
        if font is None:
            font = FontProperties(size=points, weight="bold" if bold else "normal")
            self._fonts[points, bold] = font
        width: float = self._renderer.get_text_width_height_descent(text, font, ismath=False)[0]
        return width / self._dpi

    def fit(self, text: str, points: float, room: float, *, bold: bool = False) -> str:
        """Return the text, or its two ends with an ellipsis between them, so that it fits into the room."""
        if self.width(text, points, bold=bold) <= room:
            return text
        kept, over = 0, len(text)
        while over - kept > 1:
            half = (kept + over) // 2
            fits = self.width(_shortened(text, half), points, bold=bold) <= room
            kept, over = (half, over) if fits else (kept, half)
        return _shortened(text, kept)


def _shortened(text: str, length: int) -> str:
    tail = length // 3
    return text[: length - tail].rstrip() + "…" + (text[-tail:].lstrip() if tail else "")


def line_height(points: float) -> float:
    """Return the height that a line of text takes."""
    return points * 1.2 / 72


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle."""

    left: float
    bottom: float
    right: float
    top: float

    @property
    def width(self) -> float:
        """From left to right."""
        return self.right - self.left

    def overlaps(self, other: Box) -> bool:
        """Return whether the two come closer than they should."""
        apart = (
            self.right + CLEAR <= other.left
            or other.right + CLEAR <= self.left
            or self.top + CLEAR <= other.bottom
            or other.top + CLEAR <= self.bottom
        )
        return not apart

    def within(self, margin: float) -> Box:
        """Return the box without a margin on each side."""
        return Box(self.left + margin, self.bottom + margin, self.right - margin, self.top - margin)

    def holds(self, other: Box) -> bool:
        """Return whether the other lies inside."""
        across = self.left <= other.left and other.right <= self.right
        return across and self.bottom <= other.bottom and other.top <= self.top


@dataclass(frozen=True, slots=True)
class Polyline:
    """A drawn curve: its height at each of many places, from left to right."""

    x: FloatArray
    y: FloatArray

    def crosses(self, box: Box) -> bool:
        """Return whether the curve runs through the box: it is connected, so its range there decides."""
        left, right = max(box.left - CLEAR, self.x[0]), min(box.right + CLEAR, self.x[-1])
        if left > right:
            return False
        inner = self.y[np.searchsorted(self.x, left) : np.searchsorted(self.x, right)]
        heights = np.concatenate([np.interp([left, right], self.x, self.y), inner])
        return bool(heights.min() < box.top + CLEAR and heights.max() > box.bottom - CLEAR)


@dataclass(frozen=True, slots=True)
class Words:
    """A line of small text in its box."""

    box: Box
    text: str
    colour: Any


@dataclass(frozen=True, slots=True)
class Leader:
    """A thin line from a point to its words."""

    start: tuple[float, float]
    end: tuple[float, float]
    colour: Any


def name_bands(page: Page, ground: Ground, bands: Sequence[Band]) -> list[Words]:
    """Name each band along the top of the panel, with an arrow where it is narrower than its name."""
    area, points, found = ground.box, page.small, list[Words]()
    height, after = line_height(points), area.left
    for band in bands:
        begin, end = ground.across(band.begin), ground.across(band.end)
        text, width = band.name, page.ruler.width(band.name, points)
        start = (begin + end - width) / 2
        if width > end - begin:
            on_the_left = begin + end < area.left + area.right
            text = f"← {band.name}" if on_the_left else f"{band.name} →"
            width = page.ruler.width(text, points)
            start = end + SPACE / 2 if on_the_left else begin - SPACE / 2 - width
        start = max(start, after)
        box = Box(start, area.top - SPACE / 2 - height, start + width, area.top - SPACE / 2)
        if area.holds(box):
            found.append(Words(box, text, band.ink))
            after = box.right + SPACE
    return found


def name_moment(page: Page, ground: Ground, moment: Moment) -> Words:
    """Write a moment's words beside its line, on the side where there is more room."""
    at, points = ground.across(moment.x), page.small
    width, height = page.ruler.width(moment.text, points), line_height(points)
    right = at - ground.box.left < ground.box.right - at
    left = at + BESIDE if right else at - BESIDE - width
    top = ground.box.top - BESIDE
    return Words(Box(left, top - height, left + width, top), moment.text, moment.colour)


def place_notes(page: Page, ground: Ground, panel: Panel, taken: Sequence[Words]) -> tuple[list[Words], list[Leader]]:
    """Write each note where there is room for it, connected to its point where that is far."""
    if not panel.notes:
        return [], []
    curves = [ground.polyline(stroke.x, stroke.y) for stroke in panel.strokes]
    area = ground.box.within(CLEAR)
    boxes, placed, leaders = [words.box for words in taken], list[Words](), list[Leader]()
    for note in panel.notes:
        spot = ground.polyline(np.array([note.x]), np.array([note.y]))
        point = float(spot.x[0]), float(spot.y[0])
        size = (page.ruler.width(note.text, page.small), line_height(page.small))
        for box in _around(point, size, area):
            free = not any(box.overlaps(other) for other in boxes)
            if free and area.holds(box) and not any(curve.crosses(box) for curve in curves):
                break
        else:
            continue
        boxes.append(box)
        placed.append(Words(box, note.text, note.ink))
        near = box.within(-CLEAR / 2)
        end = min(max(point[0], near.left), near.right), min(max(point[1], near.bottom), near.top)
        if math.dist(point, end) > FAR:
            leaders.append(Leader(point, end, note.colour))
    return placed, leaders


def _around(point: tuple[float, float], size: tuple[float, float], area: Box) -> Iterator[Box]:
    """Yield places around a point, near ones first: above it, beside it, below it."""
    (x, y), (width, height) = point, size
    for ring in range(RINGS):
        gap = GAP + ring * height / 2
        shifted = [min(max(x - width * part, area.left), area.right - width) for part in (0.5, 0.2, 0.8, 0, 1)]
        beside = [x + gap, x - gap - width]
        spots = [(left, y + gap) for left in shifted]
        spots += [(left, y - height / 2) for left in beside]
        spots += [(left, y - gap - height) for left in shifted]
        spots += [(left, bottom) for left in beside for bottom in (y + gap, y - gap - height)]
        for left, bottom in spots:
            yield Box(left, bottom, left + width, bottom + height)
