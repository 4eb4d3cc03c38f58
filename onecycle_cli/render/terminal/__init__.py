"""Curves in the terminal: braille dots if it shows them, else plain ASCII, never wider than asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.formatting import printable, short
from onecycle_cli.policy.summary import summarize
from onecycle_cli.render.lines import cells, cut
from onecycle_cli.render.picture import check_drawable, momentum_name, x_divisor
from onecycle_cli.render.terminal.canvas import (
    Canvas,
    Range,
    Stroke,
    connect,
    find_range,
    horizontal,
    mark,
    painted,
    vertical,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.render.picture import Across, Curve

NARROWEST = 8
"""The fewest columns of a curve; narrower terminals get no labels beside it."""

FEWEST_ROWS = 3
"""The fewest rows of a panel; where there are not twice as many, momentum is left out."""

SAMPLES = 100
"""Columns in which values are looked up to find the range of an axis."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn: the curves, the end of the horizontal axis and what it counts, and the kind of dots."""

    curves: Sequence[Curve]
    end: float
    across: Across
    braille: bool

    def steps(self, curve: Curve, width: int) -> list[tuple[int, int]]:
        """Return each column of dots with the step it shows, and the edges of phases with the columns they are in."""
        divisor = x_divisor(curve.schedule, self.across)
        last = curve.schedule.total_steps - 1
        apart = self.end * divisor / max(1, width - 1)
        shown = [(column, round(column * apart)) for column in range(width)]
        edges = {step for phase in curve.schedule.phases for step in (phase.first_step, phase.last_step)}
        if apart:
            shown += [(min(width - 1, round(step / apart)), step) for step in edges | {first_ahead(curve)}]
        return [(column, step) for column, step in shown if step <= last]


def first_ahead(curve: Curve) -> int:
    """Return the first step that a curve's run has yet to take: those before it are its past."""
    return min(curve.schedule.first_step, curve.schedule.total_steps - 1)


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
    title: bool = True,
) -> str:
    """Return curves drawn as text; of a resumed run, the steps that are done are dotted, and dim in colour.

    Args:
        curves: what is drawn; several differ in colour or, without colours, in their characters.
        width: the most columns of a line.
        height: the rows to fill; more are used only where fewer would show nothing.
        log: whether the learning rate's axis is logarithmic.
        x: what the horizontal axis counts.
        momentum: whether momentum is drawn below, where it is cycled and there is room.
        unicode: whether the terminal shows braille and lines, not only ASCII.
        colour: whether to use the terminal's colours.
        title: whether a single curve has its name and numbers above it; several have their legend in any case.

    Returns:
        Lines of text, the last one ended too.

    Raises:
        OnecycleError: the rates cannot be drawn, or epochs are wanted and not known.
    """
    check_drawable(curves)
    width = max(1, width)
    ends = [(curve.schedule.total_steps - 1) / x_divisor(curve.schedule, x) for curve in curves]
    drawing = Drawing(curves, max(ends), x, unicode and (colour or len(curves) == 1))
    if len(curves) == 1:
        words = head(curves[0], width, unicode=unicode) if title else []
    else:
        words = legend(curves, width, max(2, height // 3), unicode=unicode, colour=colour)
    cycled = momentum and any(curve.schedule.cycles_momentum for curve in curves)
    rates, momenta = _share(height - len(words) - 3, two=cycled)
    ranges = [find_range(_values(drawing, momentum=False), rates, log=log)]
    ranges += [find_range(_values(drawing, momentum=True), momenta, log=False)] if momenta else []
    gutter = max(len(label) for scale in ranges for label in scale.labels.values()) + 2
    gutter = gutter if width - gutter >= NARROWEST else 0

    lines = list(words)
    for at, (rows, scale) in enumerate(zip((rates, momenta), ranges, strict=False)):
        canvas = _plot(drawing, Canvas(width - gutter, rows, braille=drawing.braille), scale, momentum=bool(at))
        if rates > FEWEST_ROWS:
            name = momentum_name(curves) if at else "learning rate"
            lines.append(cut(" " * gutter + name, width, ""))
        lines += vertical(canvas, scale, gutter, unicode=unicode, colour=colour)
    lines += horizontal(drawing.end, x, width, gutter, unicode=unicode)
    return "".join(f"{line}\n" for line in lines)


def _share(rows: int, *, two: bool) -> tuple[int, int]:
    """Return the rows of the learning rate and of momentum; each panel has one more with its name if there is room."""
    if not two or rows < 2 * FEWEST_ROWS + 3:
        return (rows - 1 if rows > FEWEST_ROWS + 1 else max(2, min(FEWEST_ROWS, rows))), 0
    momentum = max(FEWEST_ROWS, (rows - 2) // 3)
    return rows - 2 - momentum, momentum


def _values(drawing: Drawing, *, momentum: bool) -> list[float]:
    """Return values that span an axis: those at every phase's edges are among them, so the extremes are."""
    shown = [(curve, step) for curve in drawing.curves for _, step in drawing.steps(curve, SAMPLES)]
    values = [_value(curve, step, momentum=momentum) for curve, step in shown]
    return [value for value in values if value is not None]


def _value(curve: Curve, step: int, *, momentum: bool) -> float | None:
    return curve.schedule.momentum(step, curve.group) if momentum else curve.schedule.lr(step, curve.group)


def _plot(drawing: Drawing, canvas: Canvas, scale: Range, *, momentum: bool) -> Canvas:
    """Draw every curve at steps of the run, and connect neighbouring columns."""
    for number, curve in enumerate(drawing.curves):
        bars: list[tuple[int, int] | None] = [None] * canvas.width
        ahead = canvas.width
        for column, step in drawing.steps(curve, canvas.width):
            value = _value(curve, step, momentum=momentum)
            if value is None:
                continue
            y, bar = scale.dot(value, canvas.height), bars[column]
            bars[column] = (y, y) if bar is None else (min(y, bar[0]), max(y, bar[1]))
            if step >= first_ahead(curve):
                ahead = min(ahead, column)
        for column, bar in enumerate(connect(bars)):
            if bar is not None:
                canvas.bar(column, *bar, Stroke(number, past=column < ahead))
    return canvas


def plain(text: str, *, unicode: bool) -> str:
    """Return a name that is safe to print, in ASCII where nothing else can be shown."""
    safe = printable(text)
    return safe if unicode else safe.encode("ascii", "replace").decode("ascii")


def facts(curve: Curve) -> list[str]:
    """Return a curve's key numbers, the peak first because the end may be cut off."""
    summary = summarize(curve.schedule, curve.group)
    done = " (done)" if summary.peak_step < curve.schedule.first_step else ""
    found = [f"peak {short(summary.peak_lr)} at step {summary.peak_step:,}{done},"]
    if curve.schedule.first_step:
        found.append(f"resumes at step {curve.schedule.first_step:,},")
    return [*found, f"initial {short(summary.initial_lr)},", f"final {short(summary.final_lr)}"]


def head(curve: Curve, width: int, *, unicode: bool) -> list[str]:
    """Return the title of a single curve: its name and its numbers, on as many lines as they need."""
    ellipsis = "…" if unicode else "..."
    pieces = [f"{plain(curve.label, unicode=unicode)}:", *facts(curve)]
    lines = [cut(pieces[0], width, ellipsis)]
    for piece in pieces[1:]:
        longer = f"{lines[-1]} {piece}"
        if cells(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(cut(piece, width, ellipsis))
    return lines


def legend(curves: Sequence[Curve], width: int, most: int, *, unicode: bool, colour: bool) -> list[str]:
    """Return one line per curve: how it is drawn, its name, and as many of its numbers as fit."""
    ellipsis = "…" if unicode else "..."
    shown = curves if len(curves) <= most else curves[: most - 1]
    lines = []
    for at, curve in enumerate(shown):
        key = "━━" if unicode and colour else mark(Stroke(at))
        words = " ".join([f"{plain(curve.label, unicode=unicode)}:", *facts(curve)])
        rest = cut(words, max(0, width - len(key) - 1), ellipsis)
        lines.append(f"{painted(key, Stroke(at)) if colour else key} {rest}".rstrip() if width > 3 else key[:width])
    if len(shown) < len(curves):
        lines.append(cut(f"and {len(curves) - len(shown):,} more", width, ellipsis))
    return lines
