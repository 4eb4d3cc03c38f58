"""The curve in the terminal: braille dots where they can be shown, plain ASCII where not, never wider than asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.render.picture import check_drawable, momentum_name, x_divisor
from onecycle_cli.render.terminal.axes import Range, find_range, horizontal, vertical
from onecycle_cli.render.terminal.canvas import Canvas, connect
from onecycle_cli.render.terminal.words import cut, head, legend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.render.picture import Across, Curve

NARROWEST = 8
"""Columns that a curve needs at the least; narrower terminals get no labels beside it."""

FEWEST_ROWS = 3
"""Rows of a panel; where there are not twice as many, momentum is left out."""

SAMPLES = 100
"""Columns in which values are looked up to span an axis."""


@dataclass(frozen=True, slots=True)
class Place:
    """What is drawn where: the curves, the end of the horizontal axis and what it counts, and the kind of dots."""

    curves: Sequence[Curve]
    end: float
    across: Across
    braille: bool

    def steps(self, curve: Curve, width: int) -> list[tuple[int, int]]:
        """Give each column of dots with the step it shows, and the edges of phases with the columns they are in."""
        divisor = x_divisor(curve.schedule, self.across)
        last = curve.schedule.total_steps - 1
        first = min(curve.schedule.first_step, last)
        apart = self.end * divisor / max(1, width - 1)
        shown = [(column, round(column * apart)) for column in range(width)]
        edges = {step for phase in curve.schedule.phases for step in (phase.first_step, phase.last_step)}
        if apart:
            shown += [(min(width - 1, round(step / apart)), step) for step in edges | {first}]
        return [(column, step) for column, step in shown if first <= step <= last]


def draw_terminal(
    curves: Sequence[Curve],
    width: int,
    height: int,
    *,
    log: bool = False,
    x: Across = "step",
    momentum: bool = True,
    unicode: bool = True,
    colour: bool = False,
) -> str:
    """Draw curves as text.

    Args:
        curves: what is drawn; several are told apart by colours or, without these, by characters.
        width: the columns that no line is longer than.
        height: the rows to fill; more are used only where fewer would show nothing.
        log: whether the learning rate's axis is logarithmic.
        x: what the horizontal axis counts.
        momentum: whether momentum is drawn below, where it is cycled and there is room.
        unicode: whether the terminal shows braille and lines, not only ASCII.
        colour: whether to use the terminal's colours.

    Returns:
        Lines of text, the last one ended too.

    Raises:
        OnecycleError: the rates are none that can be drawn, or epochs are wanted and not known.
    """
    check_drawable(curves)
    width = max(1, width)
    ends = [(curve.schedule.total_steps - 1) / x_divisor(curve.schedule, x) for curve in curves]
    place = Place(curves, max(ends), x, unicode and (colour or len(curves) == 1))
    if len(curves) == 1:
        words = head(curves[0], width, unicode=unicode)
    else:
        words = legend(curves, width, max(2, height // 3), unicode=unicode, colour=colour)
    cycled = momentum and any(curve.schedule.cycles_momentum for curve in curves)
    rates, momenta = _share(height - len(words) - 3, two=cycled)
    ranges = [find_range(_values(place, momentum=False), rates, log=log)]
    ranges += [find_range(_values(place, momentum=True), momenta, log=False)] if momenta else []
    gutter = max(len(label) for each in ranges for label in each.labels.values()) + 2
    gutter = gutter if width - gutter >= NARROWEST else 0

    lines = list(words)
    for at, (rows, each) in enumerate(zip((rates, momenta), ranges, strict=False)):
        canvas = _plot(place, Canvas(width - gutter, rows, braille=place.braille), each, momentum=bool(at))
        if rates > FEWEST_ROWS:
            name = momentum_name(curves) if at else "learning rate"
            lines.append(cut(" " * gutter + name, width, ""))
        lines += vertical(canvas, each, gutter, unicode=unicode, colour=colour)
    lines += horizontal(place.end, x, width, gutter, unicode=unicode)
    return "".join(f"{line}\n" for line in lines)


def _share(rows: int, *, two: bool) -> tuple[int, int]:
    """Share the rows between the learning rate and momentum; each panel has a row with its name if there is room."""
    if not two or rows < 2 * FEWEST_ROWS + 3:
        return (rows - 1 if rows > FEWEST_ROWS + 1 else max(2, min(FEWEST_ROWS, rows))), 0
    momentum = max(FEWEST_ROWS, (rows - 2) // 3)
    return rows - 2 - momentum, momentum


def _values(place: Place, *, momentum: bool) -> list[float]:
    """Give enough values to span an axis with: those at every phase's edges are among them, so the extremes are."""
    found = []
    for curve in place.curves:
        for _, step in place.steps(curve, SAMPLES):
            value = _value(curve, step, momentum=momentum)
            if value is not None:
                found.append(value)
    return found


def _value(curve: Curve, step: int, *, momentum: bool) -> float | None:
    if momentum:
        return curve.schedule.momentum(step, curve.group)
    return curve.schedule.lr(step, curve.group)


def _plot(place: Place, canvas: Canvas, scale: Range, *, momentum: bool) -> Canvas:
    """Draw every curve, each column at steps that the run takes, neighbouring columns connected."""
    for number, curve in enumerate(place.curves):
        bars: list[tuple[int, int] | None] = [None] * canvas.width
        for column, step in place.steps(curve, canvas.width):
            value = _value(curve, step, momentum=momentum)
            if value is None:
                continue
            y, bar = scale.dot(value, canvas.height), bars[column]
            bars[column] = (y, y) if bar is None else (min(y, bar[0]), max(y, bar[1]))
        for column, bar in enumerate(connect(bars)):
            if bar is not None:
                canvas.bar(column, *bar, number)
    return canvas
