"""The axes of a drawing in the terminal: values beside it, steps below it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.formatting import short
from onecycle_cli.render.picture import AXIS_NAMES, DEEPEST, NEAR, count_unit, even_ticks, log_ticks, tick_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.render.picture import Across
    from onecycle_cli.render.terminal.canvas import Canvas

MOST_LABELS = 6


@dataclass(frozen=True, slots=True)
class Range:
    """The values that a panel spans, and labels by the values they stand at."""

    low: float
    high: float
    log: bool
    labels: dict[float, str]

    def dot(self, value: float, height: int) -> int:
        """Say in which of `height` dots, counted from the foot, a value lies."""
        low, high = self.low, self.high
        if self.log:
            value, low, high = (math.log(max(each, self.low)) for each in (value, low, high))
        part = (value - low) / (high - low) if high > low else 0.5
        return min(height - 1, max(0, round(part * (height - 1))))


def find_range(values: Sequence[float], rows: int, *, log: bool) -> Range:
    """Span values with a panel of so many rows, and label round values between them."""
    low, high = min(values), max(values)
    log = log and high > 0
    if log:
        low = min(value for value in values if value >= high * DEEPEST)
    most, near = max(2, min(MOST_LABELS, (rows + 1) // 2)), NEAR * (high - low)
    if low == high:
        ticks = [low]
    elif log:
        ticks = log_ticks(low, high, most)
    else:
        ticks = even_ticks(low - near, high + near, most)
    if len(ticks) < 2 and low < high:
        ticks = [low, high]
    words = [short(tick) for tick in ticks] if log else tick_labels(ticks)
    return Range(low, high, log, dict(zip(ticks, words, strict=True)))


def vertical(canvas: Canvas, scale: Range, gutter: int, *, unicode: bool, colour: bool) -> list[str]:
    """Give a panel's lines with the vertical axis before them; without it where the gutter is 0."""
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
    """Give the horizontal axis, its labels, and a line that says what it counts."""
    room = width - gutter
    unit, word = count_unit(end) if across == "step" else (1, "")
    ticks = _fitting(end / unit, room, whole=across == "step" and unit == 1)
    corner, line, tick = ("└", "─", "┬") if unicode else ("+", "-", "+")
    rule, words = [line] * room, [" "] * room
    for column, label in ticks:
        rule[column] = tick
        start = _start(column, label, room)
        words[start : start + len(label)] = label
    name = f"{AXIS_NAMES[across]} ({word})" if word else AXIS_NAMES[across]
    edge = " " * (gutter - 1) + corner if gutter else ""
    return [
        edge + "".join(rule),
        " " * gutter + "".join(words).rstrip(),
        " " * (gutter + max(0, (room - len(name)) // 2)) + name[:room],
    ]


def _fitting(end: float, room: int, *, whole: bool) -> list[tuple[int, str]]:
    """Place as many labels as stand apart; give each with its column."""
    found: list[tuple[int, str]] = []
    for most in range(max(2, min(10, room // 6)), 0, -1):
        ticks = even_ticks(0.0, end * (1 + 0.5 / room), most, whole=whole) if most > 1 else [0.0]
        columns = [min(room - 1, round(tick / end * (room - 1))) if end else 0 for tick in ticks]
        found = list(zip(columns, tick_labels(ticks), strict=True))
        starts = [_start(column, label, room) for column, label in found]
        ends = [start + len(label) for start, (_, label) in zip(starts, found, strict=True)]
        if all(stop + 2 <= start for stop, start in zip(ends, starts[1:], strict=False)):
            break
    return found


def _start(column: int, label: str, room: int) -> int:
    """Say where a label begins that is centred under its column, within the room."""
    return max(0, min(column - len(label) // 2, room - len(label)))
