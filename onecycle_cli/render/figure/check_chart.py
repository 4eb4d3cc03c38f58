"""The chart of a check: the plan is a wide pale road, logged values are lines on it, and rings are where they part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from onecycle_cli.formatting import count, printable
from onecycle_cli.render.check_report import compared_values, noun, outcome
from onecycle_cli.render.figure.chart import Band, Chart, Moment, Panel, Stroke, evaluate, rows_to_draw
from onecycle_cli.render.figure.style import looks
from onecycle_cli.render.picture import DRAWABLE, Curve

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onecycle_cli.render.figure.chart import Line
    from onecycle_cli.render.figure.style import Style
    from onecycle_cli.run import Verdict

ROAD = {"linewidth": 5.0, "alpha": 0.35, "zorder": 2, "label": "planned"}
"""The style of a planned curve: wide enough, in points, to be seen below a line that follows it."""

LOGGED = {"linewidth": 1.4, "markersize": 3, "zorder": 3, "label": "logged"}
RING = {
    "linestyle": "none",
    "marker": "o",
    "markersize": 7,
    "markerfacecolor": "none",
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


def check_chart(logs: Sequence[tuple[str, Verdict]], plan: str, momentum_word: str, style: Style) -> Chart:
    """Return a log, with its name, over its plan, which is called `plan`."""
    [(log, found)] = logs
    panels = _panels(logs, momentum_word, style)
    first, schedule = found.first_divergence, found.series.schedule
    title, details = _sentences(printable(log) or "the log", found, printable(plan))
    missing, moment = tuple[Band, ...](), None
    if found.first_missing_step is not None:
        begin, end = found.first_missing_step - 1, schedule.total_steps - 1
        missing = (Band("not in the log", begin, end, *style.other_phase),)
    if first is not None:
        text = f"first divergence: {noun(found)} {first.step:,}, {printable(first.field)}"
        moment = Moment(float(first.plan_step), text, style.wrong)
    return Chart((title,), details, panels, bands=missing, moment=moment, steps_per_epoch=schedule.steps_per_epoch)


def _sentences(log: str, found: Verdict, name: str) -> tuple[str, str]:
    """Return what happened, and the details; the two name log and plan."""
    cause, compared = printable(found.cause.summary), compared_values(found)
    first, plan = found.first_divergence, f"the plan {name}".rstrip()
    if first is None:
        _, _, followed = outcome(found, name).partition(": ")
        return f"{log}: {followed}", compared if found.verdict == "ok" else cause
    if found.cause.slug == "unknown":
        return f"{log} diverges from {plan} at {noun(found)} {first.step:,}", cause
    return cause[:1].upper() + cause[1:], f"{log} against {plan}: it {_end(found)} · {compared}"


def _end(found: Verdict) -> str:
    """Return how a log ends, as the rest of a sentence about it."""
    first, missing = found.first_divergence, found.first_missing_step
    if first is not None:
        return f"diverges at {noun(found)} {first.step:,}"
    return "followed the plan" if missing is None else f"ends before step {missing:,}"


def overlaid_chart(found: Sequence[tuple[str, Verdict]], plan: str, momentum_word: str, style: Style) -> Chart:
    """Return several logs, each with its name, over one plan."""
    verdicts = [verdict for _, verdict in found]
    wrong = [f"{printable(name)} {_end(verdict)}" for name, verdict in found if verdict.verdict != "ok"]
    right = len(found) - len(wrong)
    share = count(len(found), "log") if not wrong else f"{right or 'none'} of {count(len(found), 'log')}"
    return Chart(
        (f"{share[:1].upper()}{share[1:]} followed the plan {printable(plan)}".rstrip(),),
        " · ".join(wrong) or compared_values(verdicts[0]),
        _panels(found, momentum_word, style),
        steps_per_epoch=verdicts[0].series.schedule.steps_per_epoch,
    )


def _panels(found: Sequence[tuple[str, Verdict]], momentum_word: str, style: Style) -> tuple[Panel, ...]:
    lines = evaluate(check_curves([verdict for _, verdict in found], momentum_word), "step", style)
    panels = [_panel(found, lines, "lr", "learning rate", style)]
    panels += [_panel(found, lines, "momentum", momentum_word, style)]
    return tuple(panel for panel in panels if panel is not None)


def _panel(
    found: Sequence[tuple[str, Verdict]], lines: Sequence[Line], field: str, name: str, style: Style
) -> Panel | None:
    """Return the planned and logged curves of a field; no panel for a momentum that is not logged."""
    several = len(found) > 1
    columns = [(log, verdict, column) for log, verdict in found for column in _columns(verdict, field)]
    alone = len(lines) == 1 and (several or len(columns) == 1)
    shown = {log: look for (log, _), look in zip(found, looks(len(found), style), strict=True)}
    logged: list[Stroke] = []
    for log, verdict, column in columns:
        track = verdict.series.tracks[column]
        line = next(line for line in lines if line.curve.group == track.group)
        group = "" if alone else _group_name(printable(track.label.removeprefix("lr_")))
        entry = f"{(printable(log) if several else '') or 'logged'} {group}".rstrip()
        look = shown[log] if several else {key: line.look[key] for key in ("color", "linestyle")}
        logged += _logged(verdict, column, LOGGED | look, entry, 1 if several else FEW)
    if not logged and field == "momentum":
        return None
    planned = []
    for line in lines:
        entry = "planned" if alone else f"planned {_group_name(line.label)}"
        road = ROAD | {"color": style.lines if several or len(lines) == 1 else line.colour}
        for part in line.parts:
            values = part.lr if field == "lr" else part.momentum
            if values is not None:
                planned.append(Stroke(part.x, values, road, None if part.done else entry))
    rings = [ring for _, verdict in found for ring in _ring(verdict, field, style)]
    return Panel((name, f"{name[:3]}." if field == "momentum" else "lr"), (*planned, *logged, *rings))


def _columns(found: Verdict, field: str) -> list[int]:
    return [column for column, track in enumerate(found.series.tracks) if track.field == field]


def _ring(found: Verdict, field: str, style: Style) -> Iterator[Stroke]:
    first = found.first_divergence
    if first is not None and found.series.tracks[first.column].field == field and abs(first.logged) <= DRAWABLE[1]:
        yield Stroke(
            np.array([first.plan_step], np.float64), np.array([first.logged]), RING | {"markeredgecolor": style.wrong}
        )


def _logged(found: Verdict, column: int, look: dict[str, Any], entry: str, marked: int) -> Iterator[Stroke]:
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
    marker = {"marker": "o" if len(rows) <= marked else None}
    yield Stroke(np.insert(x, back, np.nan), np.insert(y, back, np.nan), look | marker, entry)


def _group_name(name: str) -> str:
    return f"group {name}" if name.isdecimal() else name
