"""A drawing made of characters: braille dots, two by four in each, or one mark for each curve."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

BRAILLE = 0x2800
DOTS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""The bits of a braille character's dots: the left and the right column, each from its foot up."""

MARKS = "*+ox#@%&=~ABCDEFGHIJKLMNOPQRSTUVWXYZ"
COLOURS = (36, 33, 35, 32, 31, 34)
"""Curves' marks and terminal colours, in their order; beyond them they begin again."""


class Canvas:
    """A grid of dots, counted from its lower left corner, that remembers which curves cross each character."""

    def __init__(self, columns: int, rows: int, *, braille: bool) -> None:
        """Make an empty grid of so many characters."""
        self.columns, self.rows = columns, rows
        self._across, self._up = (2, 4) if braille else (1, 1)
        self.width, self.height = columns * self._across, rows * self._up
        self._braille = braille
        self._dots: dict[tuple[int, int], int] = {}
        self._curves: dict[tuple[int, int], list[int]] = {}

    def bar(self, x: int, low: int, high: int, curve: int) -> None:
        """Set the dots of one column from `low` to `high` for a curve."""
        for y in range(low, high + 1):
            cell = (self.row(y), x // self._across)
            dot = DOTS[x % 2][y % 4] if self._braille else 1
            self._dots[cell] = self._dots.get(cell, 0) | dot
            crossing = self._curves.setdefault(cell, [])
            if curve not in crossing:
                crossing.append(curve)

    def row(self, y: int) -> int:
        """Say in which row of characters, counted from the top, a dot is."""
        return self.rows - 1 - y // self._up

    def lines(self, *, colour: bool) -> list[str]:
        """Give the rows of characters from the top, without spaces at their ends."""
        return [self._line(row, colour=colour) for row in range(self.rows)]

    def _line(self, row: int, *, colour: bool) -> str:
        cells = [self._cell(row, column) for column in range(self.columns)]
        while cells and cells[-1][1] is None:
            cells.pop()
        if not colour:
            return "".join(character for character, _ in cells)
        return "".join(
            painted("".join(character for character, _ in run), curve)
            for curve, run in groupby(cells, key=lambda cell: cell[1])
        )

    def _cell(self, row: int, column: int) -> tuple[str, int | None]:
        """Give a character and the curve it stands for; where several cross, they take turns along the row."""
        crossing = self._curves.get((row, column))
        if not crossing:
            return " ", None
        curve = crossing[column % len(crossing)]
        return chr(BRAILLE + self._dots[row, column]) if self._braille else mark(curve), curve


def mark(curve: int) -> str:
    """Give the character that a curve is drawn with where there is no colour."""
    return MARKS[curve % len(MARKS)]


def painted(text: str, curve: int | None) -> str:
    """Write text in a curve's colour."""
    return text if curve is None else f"\033[{COLOURS[curve % len(COLOURS)]}m{text}\033[0m"


def connect(bars: Sequence[tuple[int, int] | None]) -> list[tuple[int, int] | None]:
    """Lengthen the bars of neighbouring columns towards each other until they touch."""
    joined = list(bars)
    for at in range(1, len(joined)):
        before, here = joined[at - 1], joined[at]
        if before is None or here is None:
            continue
        if here[0] > before[1] + 1:
            middle = (before[1] + here[0]) // 2
            joined[at - 1], joined[at] = (before[0], middle), (middle + 1, here[1])
        elif here[1] < before[0] - 1:
            middle = (here[1] + before[0]) // 2
            joined[at - 1], joined[at] = (middle + 1, before[1]), (here[0], middle)
    return joined
