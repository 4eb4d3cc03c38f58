"""The chart of a range test: the loss over the learning rate, what each rule takes, and where the loss diverges."""

from __future__ import annotations

from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import format_number, join_words, short
from onecycle_cli.render.figure.chart import Band, Chart, Moment, Note, Panel, Stroke, rows_to_draw
from onecycle_cli.render.figure.style import looks
from onecycle_cli.render.picture import DRAWABLE
from onecycle_cli.render.range_report import ABOVE, heading, losses, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.render.figure.style import Style
    from onecycle_cli.run.range_test import RangeTest, Reading

LOGGED = {"linewidth": 0.9, "alpha": 0.45, "zorder": 2}
"""The style of raw losses, behind the smoothed ones."""

USUAL = 0.98
"""The share of the raw losses before the lowest smoothed one that the axis is fitted to, apart from spikes."""

NEAR = 0.01
"""The part of the axis within which rates have one note."""


def range_chart(test: RangeTest, name: str, style: Style) -> Chart:
    """Return the chart of a test whose log is called `name`.

    Raises:
        OnecycleError: the losses are too large for an axis.
    """
    points, (look, *_) = test.points, looks(1, style)
    top = _top(test)
    if not abs(top) <= DRAWABLE[1]:
        raise OnecycleError(f"losses of {top:g} cannot be drawn", f"draw losses up to {DRAWABLE[1]:g}")
    x = np.log10(points.lr)
    strokes = [_stroke(x, test.smoothed, look | {"zorder": 3}, "smoothed" if test.is_raw else None)]
    if test.is_raw:
        strokes.append(replace(_stroke(x, points.loss, look | LOGGED, "logged"), behind=True))
    limit = next((one for one in test.readings if one.is_limit and one.lr is not None), None)
    moment = None
    if limit is not None and limit.lr is not None:
        place = float(np.log10(limit.lr))
        moment = Moment(place, f"{limit.rule} {short(limit.lr)}", style.wrong, at_foot=True)
        if place > x[-1]:  # no loss is finite there: nothing is drawn, but the axis reaches so far
            strokes.append(Stroke(np.array([place]), test.smoothed.min(keepdims=True), {"linestyle": "none"}))
    panel = Panel(("loss",), tuple(strokes), tuple(_notes(test, x, top, look["color"], style)), top=top)
    said = span(test)
    title = f"{said[:1].upper()}{said[1:]}" if said else "No rule gives a rate"
    if not test.fell:
        title = "The loss never falls by more than its noise"
    titles = tuple(dict.fromkeys((title, title.partition(";")[0])))
    return Chart(titles, f"{heading(test, name)} · {losses(test)}", (panel,), "lr", _band(test, style), moment)


def _top(test: RangeTest) -> float:
    """Return the highest loss that the axis is fitted to: those of the end, where it explodes, run out of the panel."""
    before = slice(0, max(int(test.smoothed.argmin()) + 1, 2))
    low, high = float(test.smoothed.min()), float(test.smoothed[before].max())
    if test.is_raw:
        high = max(high, float(np.quantile(test.points.loss[before], USUAL)))
        low = min(low, float(test.points.loss[before].min()))
    return high + ABOVE * (high - low)


def _stroke(x: FloatArray, y: FloatArray, look: dict[str, object], legend: str | None) -> Stroke:
    rows = rows_to_draw(y)
    return Stroke(x[rows], y[rows], look, legend)


def _notes(test: RangeTest, x: FloatArray, top: float, colour: object, style: Style) -> Iterator[Note]:
    """Yield a note for each rate that rules take; for rates that are nearly the same only one."""
    near = NEAR * float(x[-1] - x[0])

    def place(reading: Reading) -> float:
        return float(np.log10(reading.lr or 1.0))

    found: list[list[Reading]] = []
    for reading in test.suggestions:
        if found and place(reading) - place(found[-1][0]) <= near:
            found[-1].append(reading)
        else:
            found.append([reading])
    for readings in found:
        words = [
            f"{join_words([one.rule for one in same])} {rate}"
            for rate, group in groupby(readings, key=lambda one: format_number(one.lr or 0.0, 3))
            for same in [list(group)]
        ]
        at = place(readings[0])
        yield Note(at, min(top, float(np.interp(at, x, test.smoothed))), ", ".join(words), colour, style.ink)


def _band(test: RangeTest, style: Style) -> tuple[Band, ...]:
    rates = [float(np.log10(reading.lr or 1.0)) for reading in test.suggestions]
    return (Band("what the rules take", rates[0], rates[-1], *style.phase("anneal")),) if len(rates) > 1 else ()
