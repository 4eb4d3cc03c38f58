"""The chart of a check: the plan as a wide pale road, the logged values as a line on it, and where the two part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.formatting import printable
from onecycle_cli.render.check_report import compared_values, outcome
from onecycle_cli.render.figure.chart import Band, Chart, Moment, Panel, Stroke, evaluate
from onecycle_cli.render.figure.style import LINES, OTHER_PHASE, WRONG
from onecycle_cli.render.picture import DRAWABLE, MOST_STEPS, Curve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.render.figure.chart import Line
    from onecycle_cli.run.verdict import Verdict

ROAD = {"linewidth": 5.0, "alpha": 0.35, "zorder": 2, "label": "planned"}
"""The style of a planned curve: wide enough, in points, to be seen below a line that follows it."""

LOGGED = {"linewidth": 1.4, "markersize": 3, "zorder": 3, "label": "logged"}
RING = {"linestyle": "none", "marker": "o", "markersize": 7, "markerfacecolor": "none", "markeredgecolor": WRONG}

FEW = 120
"""Logged points that are still marked one by one."""


def check_curves(found: Verdict, momentum_word: str) -> list[Curve]:
    """Return the planned curves that a log was compared with."""
    schedule = found.series.schedule
    groups = dict.fromkeys(track.group for track in found.series.tracks)
    return [Curve(schedule.groups[group], schedule, group, momentum_word) for group in groups]


def check_chart(found: Verdict, plan: str, momentum_word: str) -> Chart:
    """Return a log over its plan, which is called `plan`."""
    lines = evaluate(check_curves(found, momentum_word), "step")
    panels = [_panel(found, lines, "lr", "learning rate"), _panel(found, lines, "momentum", momentum_word)]
    title, details = _title(found, plan)
    return Chart(
        title,
        details,
        tuple(panel for panel in panels if panel is not None),
        bands=_missing(found),
        moment=_divergence(found),
        steps_per_epoch=found.series.schedule.steps_per_epoch,
    )


def _title(found: Verdict, plan: str) -> tuple[str, str]:
    """Return the verdict and its cause, and the details below."""
    cause = found.cause
    if found.verdict == "ok":
        return outcome(found, plan), compared_values(found)
    came = found.verdict if found.first_divergence is None else outcome(found, plan)
    return f"{came}: {printable(cause.slug)}", printable(cause.summary)


def _panel(found: Verdict, lines: Sequence[Line], field: str, name: str) -> Panel | None:
    """Return the planned and logged curves of a field; no panel for a momentum that is not logged."""
    columns = [column for column, track in enumerate(found.series.tracks) if track.field == field]
    alone = len(lines) == len(columns) == 1
    logged = [stroke for column in columns for stroke in _logged(found, column, lines, alone=alone)]
    if not logged and field == "momentum":
        return None
    planned = [stroke for line in lines for stroke in _planned(line, field, alone=alone, several=len(lines) > 1)]
    return Panel((name,), (*planned, *logged, *_ring(found, field)))


def _planned(line: Line, field: str, *, alone: bool, several: bool) -> Iterator[Stroke]:
    entry = "planned" if alone else f"planned {_group(line.label)}"
    for part in line.parts:
        values = part.lr if field == "lr" else part.momentum
        if values is not None:
            style = ROAD | {"color": line.look.colour if several else LINES}
            yield Stroke(part.x, values, style, None if part.done else entry)


def _logged(found: Verdict, column: int, lines: Sequence[Line], *, alone: bool) -> Iterator[Stroke]:
    """Yield a logged column in the log's order, thinned; values that no axis can hold are left out."""
    series, track = found.series, found.series.tracks[column]
    values = series.values[:, column]
    kept = np.flatnonzero(np.abs(values) <= DRAWABLE[1])  # not where the value is NaN
    if not kept.size:
        return
    rows = kept[rows_to_draw(values[kept])]
    x, y = _connected(series.steps[rows].astype(np.float64), values[rows])
    line = next(line for line in lines if line.curve.group == track.group)
    style = LOGGED | {"color": line.look.colour, "marker": "o" if len(rows) <= FEW else None}
    entry = "logged" if alone else f"logged {_group(printable(track.label.removeprefix('lr_')))}"
    yield Stroke(x, y, style, entry)


def _connected(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Break a line wherever the log goes back: nothing was trained in between."""
    back = np.flatnonzero(np.diff(x) < 0) + 1
    return np.insert(x, back, np.nan), np.insert(y, back, np.nan)


def rows_to_draw(values: FloatArray) -> NDArray[np.int64]:
    """Choose rows that draw like all of them: of each small part of the log its ends, and its extreme values."""
    rows = len(values)
    if rows <= MOST_STEPS:
        return np.arange(rows, dtype=np.int64)
    part = np.arange(rows, dtype=np.int64) * (MOST_STEPS // 2) // rows
    begins = np.searchsorted(part, np.arange(part[-1] + 1))
    ends = np.append(begins[1:], rows) - 1
    by_value = np.lexsort((values, part))  # sorted inside each part, the parts in their order
    return np.unique(np.concatenate([begins, ends, by_value[begins], by_value[ends]]))


def _group(name: str) -> str:
    return f"group {name}" if name.isdecimal() else name


def _missing(found: Verdict) -> tuple[Band, ...]:
    """Return the part of the cycle that the log does not reach."""
    missing = found.first_missing_step
    if missing is None:
        return ()
    return (Band("not in the log", missing - 1, found.series.schedule.total_steps - 1, *OTHER_PHASE),)


def _divergence(found: Verdict) -> Moment | None:
    first = found.first_divergence
    if first is None:
        return None
    text = f"first divergence: step {first.step:,}, {printable(first.field)}"
    return Moment(float(first.step + found.offset), text, WRONG)


def _ring(found: Verdict, field: str) -> Iterator[Stroke]:
    """Yield a ring around the first value that is not the planned one."""
    first = found.first_divergence
    if first is not None and found.series.tracks[first.column].field == field and abs(first.logged) <= DRAWABLE[1]:
        x, y = np.array([first.step + found.offset], np.float64), np.array([first.logged])
        yield Stroke(x, y, RING | {"zorder": 4})
