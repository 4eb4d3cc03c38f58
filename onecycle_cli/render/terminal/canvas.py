"""A drawing made of characters: a grid of braille dots, or of one mark for each curve, and the axes around it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from onecycle_cli.render.picture import AXIS_NAMES, DEEPEST, count_unit, even_ticks, tick_labels, value_ticks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from onecycle_cli.render.picture import Across

BRAILLE = 0x2800
DOTS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""The bits of a braille character's dots: the left column from its foot up, then the right one."""

MARKS = "*+ox#@%&=~ABCDEFGHIJKLMNOPQRSTUVWXYZ"
COLOURS = (36, 33, 35, 32, 31, 34)
"""The curves' terminal colours, in their order, and as MARKS again from the first where there are more curves."""


PAST = "."
EVERY = 4
"""How the steps are drawn that a resumed run has done: with this mark, or as every so manyth dot."""


class Stroke(NamedTuple):
    """What is drawn in a cell: a curve by its number, and whether these steps are done."""

    curve: int
    past: bool = False


class Canvas:
    """A grid of dots, counted from its lower left corner, that remembers which curves cross each character."""

    def __init__(self, columns: int, rows: int, *, braille: bool) -> None:
        """Make an empty grid of so many characters."""
        self.columns, self.rows = columns, rows
        self._across, self._up = (2, 4) if braille else (1, 1)
        self.width, self.height = columns * self._across, rows * self._up
        self._braille = braille
        self._dots: dict[tuple[int, int], int] = {}
        self._strokes: dict[tuple[int, int], list[Stroke]] = {}

    def bar(self, x: int, low: int, high: int, stroke: Stroke) -> None:
        """Set the dots of one column from `low` to `high`; some of them for steps that are done."""
        for y in range(low, high + 1):
            if stroke.past and self._braille and (x if low == high else y) % EVERY:
                continue
            cell = (self.row(y), x // self._across)
            dot = DOTS[x % 2][y % 4] if self._braille else 1
            self._dots[cell] = self._dots.get(cell, 0) | dot
            crossing = self._strokes.setdefault(cell, [])
            if stroke not in crossing:
                crossing.append(stroke)

    def row(self, y: int) -> int:
        """Return the row of characters, counted from the top, in which a dot is."""
        return self.rows - 1 - y // self._up

    def lines(self, *, colour: bool) -> list[str]:
        """Return the rows of characters from the top, without spaces at their ends."""
        drawn = []
        for row in range(self.rows):
            cells = [self._cell(row, column) for column in range(self.columns)]
            while cells and cells[-1][1] is None:
                cells.pop()
            runs = groupby(cells, key=lambda cell: cell[1] if colour else None)
            drawn.append("".join(painted("".join(character for character, _ in run), stroke) for stroke, run in runs))
        return drawn

    def _cell(self, row: int, column: int) -> tuple[str, Stroke | None]:
        """Return a character and what it shows; where several curves cross, they take turns along the row."""
        crossing = self._strokes.get((row, column))
        if not crossing:
            return " ", None
        stroke = crossing[column % len(crossing)]
        return chr(BRAILLE + self._dots[row, column]) if self._braille else mark(stroke), stroke


def mark(stroke: Stroke) -> str:
    """Return the character that a curve is drawn with without colour."""
    return PAST if stroke.past else MARKS[stroke.curve % len(MARKS)]


def painted(text: str, stroke: Stroke | None) -> str:
    """Return text in a curve's colour, dim for steps that are done."""
    if stroke is None:
        return text
    dim = "2;" if stroke.past else ""
    return f"\033[{dim}{COLOURS[stroke.curve % len(COLOURS)]}m{text}\033[0m"


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


MOST_LABELS = 6


@dataclass(frozen=True, slots=True)
class Range:
    """The values that a panel spans, and labels by their values."""

    low: float
    high: float
    log: bool
    labels: dict[float, str]

    def dot(self, value: float, height: int) -> int:
        """Return in which of `height` dots, counted from the foot, a value is."""
        low, high = self.low, self.high
        if self.log:
            value, low, high = (math.log(max(number, self.low)) for number in (value, low, high))
        part = (value - low) / (high - low) if high > low else 0.5
        return min(height - 1, max(0, round(part * (height - 1))))


def find_range(values: Sequence[float], rows: int, *, log: bool) -> Range:
    """Return the range of a panel of so many rows, with labels at round values."""
    low, high = min(values), max(values)
    log = log and high > 0
    if log:
        low = min(value for value in values if value >= high * DEEPEST)
    ticks, labels = value_ticks(low, high, max(2, min(MOST_LABELS, (rows + 1) // 2)), log=log and low < high)
    if len(ticks) < 2 and low < high:
        ticks = [low, high]
        labels = tick_labels(ticks, log=log)
    return Range(low, high, log, dict(zip(ticks, labels, strict=True)))


def vertical(canvas: Canvas, scale: Range, gutter: int, *, unicode: bool, colour: bool) -> list[str]:
    """Return a panel's lines with the vertical axis before them; without it where the gutter is 0."""
    drawn = canvas.lines(colour=colour)
    if not gutter:
        return drawn
    labels = {canvas.row(scale.dot(tick, canvas.height)): word for tick, word in scale.labels.items()}
    tick, bar = ("┤", "│") if unicode else ("+", "|")
    return [
        f"{labels.get(row, ''):>{gutter - 2}} {tick if row in labels else bar}{line}".rstrip()
        for row, line in enumerate(drawn)
    ]


def horizontal(end: float, across: Across, width: int, gutter: int, *, unicode: bool) -> list[str]:
    """Return the horizontal axis, its labels, and a line with its name."""
    room = width - gutter
    unit, word = count_unit(end) if across == "step" else (1, "")
    last = end / unit

    def place(most: int) -> list[tuple[int, str]]:
        whole = across == "step" and unit == 1
        ticks = even_ticks(0.0, last * (1 + 0.5 / room), most, whole=whole) if most > 1 else [0.0]
        columns = [min(room - 1, round(tick / last * (room - 1))) if last else 0 for tick in ticks]
        return list(zip(columns, tick_labels(ticks), strict=True))

    name = f"{AXIS_NAMES[across]} ({word})" if word else AXIS_NAMES[across]
    return axis(fit(room, place), name, width, gutter, unicode=unicode)


def axis(ticks: Sequence[tuple[int, str]], name: str, width: int, gutter: int, *, unicode: bool) -> list[str]:
    """Return a horizontal axis with labels at columns, and a line with its name."""
    room = width - gutter
    corner, line, tick = ("└", "─", "┬") if unicode else ("+", "-", "+")
    rule, words = [line] * room, [" "] * room
    for column, label in ticks:
        rule[column] = tick
        start = _start(column, label, room)
        words[start : start + len(label)] = label
    edge = " " * (gutter - 1) + corner if gutter else ""
    return [
        edge + "".join(rule),
        " " * gutter + "".join(words).rstrip(),
        " " * (gutter + max(0, (room - len(name)) // 2)) + name[:room],
    ]


def fit(room: int, place: Callable[[int], list[tuple[int, str]]]) -> list[tuple[int, str]]:
    """Return as many labels as do not touch, each with its column: `place` returns at most so many."""
    found: list[tuple[int, str]] = []
    for most in range(max(2, min(10, room // 6)), 0, -1):
        found = place(most)
        starts = [_start(column, label, room) for column, label in found]
        ends = [start + len(label) for start, (_, label) in zip(starts, found, strict=True)]
        if all(stop + 2 <= start for stop, start in zip(ends, starts[1:], strict=False)):
            break
    return found


def _start(column: int, label: str, room: int) -> int:
    """Return where a label begins that is centred under its column, within the room."""
    return max(0, min(column - len(label) // 2, room - len(label)))
