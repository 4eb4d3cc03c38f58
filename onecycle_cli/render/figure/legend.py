"""A legend that has every curve: beside the panels or below them, wherever it leaves them more room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.render.figure.layout import Page

PAD = 0.14
HANDLE = 2.8
"""The length of a legend's line, in letters' heights."""

ROW = 1.36
"""The height of a row, in letters' heights."""

MOST_BESIDE = 0.4
"""The largest share of the figure's width for a legend beside the panels."""

MOST_BELOW = 0.5
"""The largest share of the figure's height for a legend below the panels."""

GROWS_FROM = 0.15
"""The share of the height from which a figure without a size of its own grows with its legend."""

MOST_COLUMNS = 5
SMALLEST = 4.0
"""The smallest letters of a legend, in points."""

SMALLER = 0.85
"""How much smaller letters may be to have a column more."""

LEFT_OUT = "{:,} more between them: give a larger size"


@dataclass(frozen=True, slots=True)
class Legend:
    """A legend that fits the page.

    Attributes:
        shown: the numbers of the entries that are shown.
        entries: their words.
        columns: how many columns they have.
        width: its width, with the space beside it.
        height: its height, with the space above it.
        points: the size of its letters.
        beside: whether it is at the right of the panels, not below.
        left_out: how many entries there is no room for.
    """

    shown: list[int]
    entries: list[str]
    columns: int
    width: float
    height: float
    points: float
    beside: bool
    left_out: int = 0


def fit_legend(page: Page, entries: Sequence[str], used: float) -> Legend:
    """Fit a legend to a page whose title takes a part of its height."""
    points = page.small
    if _columns(page, entries, points * SMALLER) > _columns(page, entries, points) < len(entries) / 4:
        points *= SMALLER
    while True:
        found = [_beside(page, entries, used, points), _below(page, entries, points)]
        usable = [legend for legend in found if legend is not None]
        if usable or points <= SMALLEST:
            break
        points = max(SMALLEST, points * 0.9)
    if not usable:
        return _some(page, entries, points)
    # What is left for the panels, with the axes' words in any case.
    inches = page.height - used
    return max(
        usable, key=lambda it: (page.width - it.width) * inches if it.beside else page.width * (inches - it.height)
    )


def extra_height(page: Page, entries: Sequence[str]) -> float:
    """Return by how much a figure without a size of its own should grow to hold its legend."""
    if not entries or _beside(page, entries, 0.8, page.small):
        return 0.0
    columns = _columns(page, entries, page.small)
    height = -(-len(entries) // columns) * page.small / 72 * ROW
    return max(0.0, height - page.height * GROWS_FROM)


def _handle(points: float) -> float:
    return points / 72 * (HANDLE + 2.8)


def _widest(page: Page, entries: Sequence[str], points: float) -> float:
    """Return the widest entry's width; the widest is among those with the most characters."""
    return max(page.ruler.width(entry, points) for entry in sorted(entries, key=len)[-20:]) + _handle(points)


def _columns(page: Page, entries: Sequence[str], points: float) -> int:
    """Return into how many columns entries of this size fit."""
    room = page.width - 2 * PAD + points / 36
    return max(1, min(len(entries), MOST_COLUMNS, int(room / _widest(page, entries, points))))


def _beside(page: Page, entries: Sequence[str], used: float, points: float) -> Legend | None:
    width, height = _widest(page, entries, points), len(entries) * points / 72 * ROW
    if width > page.width * MOST_BESIDE or height > page.height - used - 2 * PAD or len(entries) < 3:
        return None
    return Legend(list(range(len(entries))), list(entries), 1, width + PAD / 2, height, points, beside=True)


def _below(page: Page, entries: Sequence[str], points: float) -> Legend | None:
    columns = _columns(page, entries, points)
    height = -(-len(entries) // columns) * points / 72 * ROW
    if height > page.height * MOST_BELOW:
        return None
    fitted = _distinct(page, entries, points, page.width - 2 * PAD - _handle(points))
    return Legend(list(range(len(entries))), fitted, columns, page.width, height + PAD / 2, points, beside=False)


def _distinct(page: Page, entries: Sequence[str], points: float, room: float) -> list[str]:
    """Return entries that fit: their beginnings, or their ends where the beginnings are the same."""
    fitted = [page.ruler.fit(entry, points, room) for entry in entries]
    if len(set(fitted)) == len(set(entries)):
        return fitted
    turned = [page.ruler.fit(entry[::-1], points, room)[::-1] for entry in entries]
    return turned if len(set(turned)) > len(set(fitted)) else fitted


def _some(page: Page, entries: Sequence[str], points: float) -> Legend:
    """Return a legend of evenly spread entries, and how many others there are."""
    row = points / 72 * ROW
    columns, rows = _columns(page, entries, points), max(1, int(page.height * MOST_BELOW / row))
    number, most = len(entries), max(3, rows * columns)
    shown = [at * (number - 1) // (most - 2) for at in range(most - 1)]
    left_out = number - len(shown)
    words = [*(entries[at] for at in shown), LEFT_OUT.format(left_out)]
    fitted = _distinct(page, words, points, page.width - 2 * PAD - _handle(points))
    return Legend(shown, fitted, columns, page.width, rows * row + PAD / 2, points, beside=False, left_out=left_out)
