"""Words in a panel, measured before they are drawn; those beside curves are placed by `placement`.

All lengths are inches, counted from the figure's lower left corner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.font_manager import FontProperties

    from onecycle_cli.render.figure.chart import Band, Moment
    from onecycle_cli.render.figure.layout import Ground, Page

SPACE = 0.08
"""Between two names along the top."""

LOWEST_NAMED = 4
"""The height of the lowest panel in which bands are named, in rows."""

BESIDE = 0.06
"""Between a vertical line and its words."""


class Ruler:
    """Measures text as the figure will draw it."""

    def __init__(self, renderer: Any, dpi: float) -> None:
        """Take the renderer that will draw, and its dots per inch."""
        self._renderer, self._dpi = renderer, dpi
        self._fonts: dict[tuple[float, bool], FontProperties] = {}
        self._widths: dict[tuple[str, float, bool], float] = {}

    def width(self, text: str, points: float, *, bold: bool = False) -> float:
        """Return a line's width."""
        from matplotlib.font_manager import FontProperties

        known = self._widths.get((text, points, bold))
        if known is not None:
            return known
        font = self._fonts.get((points, bold))
        if font is None:
            font = FontProperties(size=points, weight="bold" if bold else "normal")
            self._fonts[points, bold] = font
        width: float = self._renderer.get_text_width_height_descent(text, font, ismath=False)[0]
        self._widths[text, points, bold] = width / self._dpi
        return width / self._dpi

    def fit(self, text: str, points: float, room: float, *, bold: bool = False) -> str:
        """Return the text, or as much of its beginning as fits into the room, with an ellipsis."""
        if self.width(text, points, bold=bold) <= room:
            return text
        kept, over = 0, len(text)
        while over - kept > 1:
            half = (kept + over) // 2
            fits = self.width(text[:half].rstrip() + "…", points, bold=bold) <= room
            kept, over = (half, over) if fits else (kept, half)
        return text[:kept].rstrip() + "…"

    def wrap(self, text: str, points: float, room: float, most: int, *, bold: bool = False) -> list[str]:
        """Return the text on at most so many lines, broken at spaces or, where there are none, after a separator."""
        lines, rest = list[str](), text
        while rest and len(lines) < most - 1 and self.width(rest, points, bold=bold) > room:
            # Bisection: no break is farther to the right than the first character that does not fit.
            kept, over = 0, len(rest)
            while over - kept > 1:
                half = (kept + over) // 2
                kept, over = (half, over) if self.width(rest[:half], points, bold=bold) <= room else (kept, half)
            at = rest.rfind(" ", 1, kept + 1)
            if at < 1:
                at = max(rest.rfind(separator, 1, kept) for separator in "-_/.,:") + 1
            at = at if at >= 1 else max(kept, 1)
            lines.append(rest[:at].rstrip())
            rest = rest[at:].lstrip()
        return [*lines, self.fit(rest, points, room, bold=bold)] if rest else lines


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

    def within(self, margin: float) -> Box:
        """Return the box without a margin on each side."""
        return Box(self.left + margin, self.bottom + margin, self.right - margin, self.top - margin)

    def holds(self, other: Box) -> bool:
        """Return whether the other lies inside."""
        across = self.left <= other.left and other.right <= self.right
        return across and self.bottom <= other.bottom and other.top <= self.top


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
    if area.top - area.bottom < LOWEST_NAMED * height:
        return []
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
    top = ground.box.bottom + BESIDE + height if moment.at_foot else ground.box.top - BESIDE
    return Words(Box(left, top - height, left + width, top), moment.text, moment.colour)
