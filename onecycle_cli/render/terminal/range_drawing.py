"""A range test in the terminal: the loss over the learning rate, and above it the signs of what the rules take."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from onecycle_cli.render.lines import cut
from onecycle_cli.render.picture import log_ticks, tick_labels
from onecycle_cli.render.range_report import ABOVE
from onecycle_cli.render.terminal import FEWEST_ROWS, NARROWEST, plain
from onecycle_cli.render.terminal.canvas import Canvas, Stroke, axis, connect, find_range, fit, vertical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onecycle_cli.run.range_test import RangeTest

MOST_SIGN_ROWS = 3
"""Rows for signs that are at one place."""


def draw_range(
    test: RangeTest, signs: Mapping[str, str], width: int, height: int, *, unicode: bool, colour: bool
) -> str:
    """Return the smoothed losses drawn as text, with the sign of each rule above the rate that it takes.

    Args:
        test: the test.
        signs: one character for each rule that takes a rate.
        width: the most columns of a line.
        height: the rows to fill; more are used only where fewer would show nothing.
        unicode: whether the terminal shows braille and lines, not only ASCII.
        colour: whether to use the terminal's colours.
    """
    smoothed = test.smoothed
    before = smoothed[: max(int(smoothed.argmin()) + 1, 2)]
    low, high = float(smoothed.min()), float(before.max())
    top = high + ABOVE * (high - low)
    rows = max(FEWEST_ROWS, height - 4)
    scale = find_range([low, top], rows, log=False)
    gutter = max(map(len, scale.labels.values())) + 2
    gutter = gutter if width - gutter >= NARROWEST else 0
    canvas = Canvas(max(1, width - gutter), rows, braille=unicode)
    first, last = (math.log10(test.points.lr[at]) for at in (0, -1))

    def column(rate: float, columns: int) -> int:
        return min(columns - 1, max(0, round((math.log10(rate) - first) / (last - first) * (columns - 1))))

    bars: list[tuple[int, int] | None] = [None] * canvas.width
    for rate, loss in zip(test.points.lr.tolist(), smoothed.tolist(), strict=True):
        x, y = column(rate, canvas.width), scale.dot(min(loss, top), canvas.height)
        bar = bars[x]
        bars[x] = (y, y) if bar is None else (min(y, bar[0]), max(y, bar[1]))
    _fill_gaps(bars)
    for x, bar in enumerate(connect(bars)):
        if bar is not None:
            canvas.bar(x, *bar, Stroke(0))
    places = [(column(reading.lr, canvas.columns), signs[reading.rule]) for reading in test.readings if reading.lr]
    lines = [cut(" " * gutter + line, width, "") for line in _sign_rows(places, canvas.columns)]
    lines += (
        [cut(" " * gutter + plain(test.points.loss_column, unicode=unicode), width, "")]
        if height > 2 * FEWEST_ROWS
        else []
    )
    lines += vertical(canvas, scale, gutter, unicode=unicode, colour=colour)
    ticks = fit(
        canvas.columns,
        lambda most: [
            (column(tick, canvas.columns), label)
            for ticks in [log_ticks(10**first, 10**last, most)]
            for tick, label in zip(ticks, tick_labels(ticks, log=True), strict=True)
        ],
    )
    lines += axis(ticks, "learning rate", width, gutter, unicode=unicode)
    return "".join(f"{line}\n" for line in lines)


def _fill_gaps(bars: list[tuple[int, int] | None]) -> None:
    """Draw straight lines across columns between two values: a test has fewer rows than a terminal has dots."""
    known = [x for x, bar in enumerate(bars) if bar is not None]
    for begin, end in pairwise(known):
        one, two = bars[begin], bars[end]
        if one is None or two is None:
            continue
        for x in range(begin + 1, end):
            y = round(one[1] + (two[0] - one[1]) * (x - begin) / (end - begin))
            bars[x] = (y, y)


def _sign_rows(places: list[tuple[int, str]], columns: int) -> list[str]:
    """Return lines with signs at their columns, the lowest line first filled."""
    rows: list[list[str]] = []
    for place, sign in places:
        row = next((row for row in rows if row[place] == " "), None)
        if row is None and len(rows) < MOST_SIGN_ROWS:
            rows.append(row := [" "] * columns)
        if row is not None:
            row[place] = sign
    return ["".join(row).rstrip() for row in reversed(rows)]
