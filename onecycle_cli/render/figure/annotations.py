"""Placing words beside points of a curve: inside the axes, clear of every curve and of each other.

All lengths are inches from the figure's lower left corner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.formatting import join_words, short
from onecycle_cli.policy.summary import summarize

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.render.sampling import Curve

GAP = 0.07
"""Between a point and its words, and at the least between words and a curve."""

CLEAR = 0.03
"""The least distance of words from a curve, from other words and from the axes' edge."""

RINGS = 6
"""How often words look for a place farther off, half a line each time; beyond that they would name nothing."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle."""

    left: float
    bottom: float
    right: float
    top: float

    def overlaps(self, other: Box) -> bool:
        """Say whether the two come closer than they should."""
        apart = (
            self.right + CLEAR <= other.left
            or other.right + CLEAR <= self.left
            or self.top + CLEAR <= other.bottom
            or other.top + CLEAR <= self.bottom
        )
        return not apart

    def within(self, margin: float) -> Box:
        """Give the box without a margin on each side."""
        return Box(self.left + margin, self.bottom + margin, self.right - margin, self.top - margin)

    def holds(self, other: Box) -> bool:
        """Say whether the other lies inside."""
        across = self.left <= other.left and other.right <= self.right
        return across and self.bottom <= other.bottom and other.top <= self.top


@dataclass(frozen=True, slots=True)
class Path:
    """A drawn curve: its height at each of many places, from left to right."""

    x: FloatArray
    y: FloatArray

    def crosses(self, box: Box) -> bool:
        """Say whether the curve runs through the box; it is connected, so its range there tells."""
        import numpy as np

        left, right = max(box.left - CLEAR, self.x[0]), min(box.right + CLEAR, self.x[-1])
        if left > right:
            return False
        inner = self.y[np.searchsorted(self.x, left) : np.searchsorted(self.x, right)]
        ends = np.interp([left, right], self.x, self.y)
        low, high = min([*ends, *inner[:1]]), max([*ends, *inner[:1]])
        if inner.size:
            low, high = min(low, inner.min()), max(high, inner.max())
        return bool(low < box.top + CLEAR and high > box.bottom - CLEAR)


@dataclass(frozen=True, slots=True)
class Note:
    """What is said of one step of a curve."""

    step: int
    value: float
    text: str


def notes(curve: Curve, *, only_peak: bool) -> list[Note]:
    """Say a curve's initial, peak and final learning rate, and that at which a run resumes; one note a step."""
    summary = summarize(curve.schedule, curve.group)
    said = {summary.peak_step: ["peak"]}
    if not only_peak:
        resumed = curve.schedule.first_step
        if 0 < resumed < curve.schedule.total_steps:
            said.setdefault(resumed, []).append("resume")
        said.setdefault(0, []).insert(0, "initial")
        said.setdefault(curve.schedule.total_steps - 1, []).append("final")
    found = []
    for step, words in said.items():
        value = curve.schedule.lr(step, curve.group)
        where = f" at step {step:,}" if {"peak", "resume"} & set(words) else ""
        found.append(Note(step, value, f"{join_words(words)} {short(value)}{where}"))
    return found


def place(
    point: tuple[float, float],
    size: tuple[float, float],
    area: Box,
    taken: Sequence[Box],
    paths: Sequence[Path],
) -> Box | None:
    """Find the nearest place for words of a size beside a point; None where there is none close enough."""
    for box in _around(point, size, area):
        free = not any(box.overlaps(other) for other in taken)
        if free and area.holds(box) and not any(path.crosses(box) for path in paths):
            return box
    return None


def _around(point: tuple[float, float], size: tuple[float, float], area: Box) -> Iterator[Box]:
    """Give places around a point, near ones first: above it, beside it, below it."""
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
