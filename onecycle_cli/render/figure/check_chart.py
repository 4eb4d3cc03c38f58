"""The chart of a check: the plan is a wide pale road, logged values are lines on it, and rings are where they part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from onecycle_cli.formatting import printable
from onecycle_cli.render.check_report import compared_values, noun, outcome
from onecycle_cli.render.checks_report import summary
from onecycle_cli.render.figure.chart import Band, Chart, Moment, Panel, Stroke, evaluate, rows_to_draw
from onecycle_cli.render.figure.style import LINES, OTHER_PHASE, WRONG, looks
from onecycle_cli.render.picture import DRAWABLE, Curve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onecycle_cli.render.figure.chart import Line
    from onecycle_cli.run import Verdict

ROAD = {"linewidth": 5.0, "alpha": 0.35, "zorder": 2, "label": "planned"}
"""The style of a planned curve: wide enough, in points, to be seen below a line that follows it."""

LOGGED = {"linewidth": 1.4, "markersize": 3, "zorder": 3, "label": "logged"}
RING = {
    "linestyle": "none",
    "marker": "o",
    "markersize": 7,
    "markerfacecolor": "none",
    "markeredgecolor": WRONG,
    "zorder": 4,
}
"""A ring around the first value that is not the planned one."""

FEW = 120
"""Logged points that are still marked one by one."""


def check_curves(found: Sequence[Verdict], momentum_word: str) -> list[Curve]:
    """Return the planned curves that logs were compared with."""
    schedule = found[0].series.schedule
    groups = dict.fromkeys(track.group for verdict in found for track in verdict.series.tracks)
    return [Curve(schedule.groups[group], schedule, group, momentum_word) for group in groups]


def check_chart(found: Verdict, plan: str, momentum_word: str) -> Chart:
    """Return a log over its plan, which is called `plan`."""
    panels = _panels([("", found)], momentum_word)
    cause, first, schedule = found.cause, found.first_divergence, found.series.schedule
    title = outcome(found, plan) if found.verdict == "ok" or first is not None else found.verdict
    details = compared_values(found)
    if found.verdict != "ok":
        title, details = f"{title}: {printable(cause.slug)}", printable(cause.summary)
    missing, moment = tuple[Band, ...](), None
    if found.first_missing_step is not None:
        begin, end = found.first_missing_step - 1, schedule.total_steps - 1
        missing = (Band("not in the log", begin, end, *OTHER_PHASE),)
    if first is not None:
        text = f"first divergence: {noun(found)} {first.step:,}, {printable(first.field)}"
        moment = Moment(float(first.plan_step), text, WRONG)
    return Chart(title, details, panels, bands=missing, moment=moment, steps_per_epoch=schedule.steps_per_epoch)


def overlaid_chart(found: Sequence[tuple[str, Verdict]], plan: str, momentum_word: str) -> Chart:
    """Return several logs, each with its name, over one plan."""
    verdicts = [verdict for _, verdict in found]
    wrong = [f"{printable(name)}: {verdict.cause.slug}" for name, verdict in found if verdict.verdict != "ok"]
    panels = _panels(found, momentum_word)
    details = " · ".join(wrong) or compared_values(verdicts[0])
    return Chart(
        summary([verdict.verdict for verdict in verdicts], plan),
        details,
        panels,
        steps_per_epoch=verdicts[0].series.schedule.steps_per_epoch,
    )


def _panels(found: Sequence[tuple[str, Verdict]], momentum_word: str) -> tuple[Panel, ...]:
    lines = evaluate(check_curves([verdict for _, verdict in found], momentum_word), "step")
    panels = [_panel(found, lines, "lr", "learning rate"), _panel(found, lines, "momentum", momentum_word)]
    return tuple(panel for panel in panels if panel is not None)


def _panel(found: Sequence[tuple[str, Verdict]], lines: Sequence[Line], field: str, name: str) -> Panel | None:
    """Return the planned and logged curves of a field; no panel for a momentum that is not logged."""
    several = len(found) > 1
    columns = [(log, verdict, column) for log, verdict in found for column in _columns(verdict, field)]
    alone = len(lines) == 1 and (several or len(columns) == 1)
    colours = {log: colour for (log, _), (colour, _) in zip(found, looks(len(found)), strict=True)}
    logged: list[Stroke] = []
    for log, verdict, column in columns:
        track = verdict.series.tracks[column]
        line = next(line for line in lines if line.curve.group == track.group)
        group = "" if alone else _group_name(printable(track.label.removeprefix("lr_")))
        entry = f"{printable(log) or 'logged'} {group}".rstrip()
        logged += _logged(verdict, column, colours[log] if several else line.colour, entry, 1 if several else FEW)
    if not logged and field == "momentum":
        return None
    planned = []
    for line in lines:
        entry = "planned" if alone else f"planned {_group_name(line.label)}"
        style = ROAD | {"color": LINES if several or len(lines) == 1 else line.colour}
        for part in line.parts:
            values = part.lr if field == "lr" else part.momentum
            if values is not None:
                planned.append(Stroke(part.x, values, style, None if part.done else entry))
    rings = [ring for _, verdict in found for ring in _ring(verdict, field)]
    return Panel((name,), (*planned, *logged, *rings))


def _columns(found: Verdict, field: str) -> list[int]:
    return [column for column, track in enumerate(found.series.tracks) if track.field == field]


def _ring(found: Verdict, field: str) -> Iterator[Stroke]:
    first = found.first_divergence
    if first is not None and found.series.tracks[first.column].field == field and abs(first.logged) <= DRAWABLE[1]:
        yield Stroke(np.array([first.plan_step], np.float64), np.array([first.logged]), RING)


def _logged(found: Verdict, column: int, colour: Any, entry: str, marked: int) -> Iterator[Stroke]:
    """Yield a logged column in the log's order, thinned; values that no axis can hold are left out.

    Up to `marked` rows are marked one by one.
    """
    values = found.series.values[:, column]
    kept = np.flatnonzero(np.abs(values) <= DRAWABLE[1])  # not where the value is NaN
    if not kept.size:
        return
    rows = kept[rows_to_draw(values[kept])]
    x, y = found.series.steps[rows].astype(np.float64), values[rows]
    back = np.flatnonzero(np.diff(x) < 0) + 1  # where the log goes back, the line breaks: nothing was trained between
    style = LOGGED | {"color": colour, "marker": "o" if len(rows) <= marked else None}
    yield Stroke(np.insert(x, back, np.nan), np.insert(y, back, np.nan), style, entry)


def _group_name(name: str) -> str:
    return f"group {name}" if name.isdecimal() else name
