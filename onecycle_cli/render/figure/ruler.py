"""Measuring text before it is drawn, so that the page can be laid out by hand. All lengths are inches."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from matplotlib.font_manager import FontProperties


class Ruler:
    """Measures text as the figure will draw it, in inches."""

    def __init__(self, renderer: Any, dpi: float) -> None:
        """Take the renderer that will draw, and its dots per inch."""
        self._renderer, self._dpi = renderer, dpi
        self._fonts: dict[tuple[float, bool], FontProperties] = {}

    def width(self, text: str, points: float, *, bold: bool = False) -> float:
        """Measure a line's width."""
        from matplotlib.font_manager import FontProperties

        font = self._fonts.get((points, bold))
        if font is None:
            font = FontProperties(size=points, weight="bold" if bold else "normal")
            self._fonts[points, bold] = font
        width: float = self._renderer.get_text_width_height_descent(text, font, ismath=False)[0]
        return width / self._dpi

    def fit(self, text: str, points: float, room: float, *, bold: bool = False) -> str:
        """Give the text, or its two ends with an ellipsis between them, so that it fits into the room."""
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
    """Give the height in inches that a line of text takes."""
    return points * 1.2 / 72
