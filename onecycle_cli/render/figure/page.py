"""The figure's page: margins, title and legend, laid out by hand because matplotlib's own layouts draw twice.

All lengths are inches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.render.figure.ruler import line_height
from onecycle_cli.render.figure.style import INK, SOFT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from onecycle_cli.render.figure.ruler import Ruler

PAD = 0.14
HANDLE = 2.8  # the length of a legend's line, in letters' heights
MOST_OF_LEGEND = 0.25  # of the figure's height
MOST_COLUMNS = 5
LEFT_OUT = "{:,} more between them"


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of letters, in points."""

    text: float

    @classmethod
    def of(cls, width: float, height: float) -> Sizes:
        """Choose sizes that suit a figure: 10 points at 9 × 5.5 inches, and more slowly smaller than it."""
        return cls(10 * min(max(min(width / 9, height / 5.5), 0.3), 2.5) ** 0.5)

    @property
    def small(self) -> float:
        """Give the size of ticks, notes and legends."""
        return self.text * 0.9

    @property
    def title(self) -> float:
        """Give the size of the title."""
        return self.text * 1.25


@dataclass(frozen=True, slots=True)
class Page:
    """A figure to draw on, the ruler that measures its words, and the sizes of its letters."""

    figure: Figure
    ruler: Ruler
    sizes: Sizes

    @property
    def width(self) -> float:
        """Give the page's width."""
        return float(self.figure.get_figwidth())

    @property
    def height(self) -> float:
        """Give the page's height."""
        return float(self.figure.get_figheight())


def write_title(page: Page, title: str, details: str) -> float:
    """Write the title, and a line of details below it; give the height that they take."""
    room, used = page.width - 2 * PAD, PAD
    rows = [(each, page.sizes.title, True, INK) for each in title.splitlines() if each.strip()]
    rows += [(details, page.sizes.small, False, SOFT)] if details else []
    for text, points, bold, colour in rows:
        page.figure.text(
            PAD / page.width,
            1 - used / page.height,
            page.ruler.fit(text, points, room, bold=bold),
            fontsize=points,
            fontweight="bold" if bold else "normal",
            color=colour,
            va="top",
        )
        used += line_height(points) * 1.1
    return used


@dataclass(frozen=True, slots=True)
class Legend:
    """A legend that fits the page: which curves it names, how, in how many columns, and how many it leaves out."""

    shown: list[int]
    entries: list[str]
    columns: int
    height: float
    left_out: int


def plan_legend(page: Page, entries: Sequence[str]) -> Legend:
    """Fit a legend to the page; where there are too many entries, ones spread evenly stand for all."""
    points = page.sizes.small
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
    named = [page.ruler.fit(entries[at], points, room - handle) for at in shown]
    return Legend(shown, named, columns, used * row + PAD / 2, number - len(shown))


def write_legend(page: Page, legend: Legend, handles: Sequence[Line2D]) -> None:
    """Write the legend along the foot of the page."""
    from matplotlib.lines import Line2D

    keys, entries = [handles[at] for at in legend.shown], list(legend.entries)
    if legend.left_out:
        keys.append(Line2D([], [], linestyle="none"))
        entries.append(LEFT_OUT.format(legend.left_out))
    drawn = page.figure.legend(
        handles=keys,
        labels=[str(at) for at in range(len(keys))],
        loc="lower left",
        bbox_to_anchor=(PAD / page.width, PAD / 2 / page.height),
        ncols=legend.columns,
        fontsize=page.sizes.small,
        handlelength=HANDLE,
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        labelspacing=0.25,
    )
    # Written afterwards, because matplotlib leaves out labels that begin with an underscore.
    for text, entry in zip(drawn.get_texts(), entries, strict=True):
        text.set_text(entry)
