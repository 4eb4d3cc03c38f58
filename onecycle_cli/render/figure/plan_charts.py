"""The charts of plans: their curves, and how they differ from the first of them."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from onecycle_cli.formatting import count, join_words, printable, short
from onecycle_cli.policy.summary import summarize
from onecycle_cli.render.figure.chart import Band, Chart, Line, Name, Note, Panel, Stroke, evaluate, stairs
from onecycle_cli.render.figure.style import readable
from onecycle_cli.render.picture import momentum_name, place_name, x_divisor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.render.figure.style import Style
    from onecycle_cli.render.picture import Across, Curve

MOST_NAMED = 8
"""Curves whose names are written beside them; more would be a crowd, and have a legend."""

FAINT = 0.35
"""The opacity of what a resumed run has behind it."""


def plan_chart(curves: Sequence[Curve], across: Across, style: Style, *, log: bool, momentum: bool) -> Chart:
    """Return learning rates above, and momenta below where they are cycled and wanted."""
    lines = evaluate(curves, across, style)
    rates, names = _rate_panel(lines, across, style, log=log)
    panels = [rates]
    if momentum and any(curve.schedule.cycles_momentum for curve in curves):
        strokes = [stroke for at, line in enumerate(lines) for stroke in _strokes(line, at, momentum=True)]
        panels.append(Panel(_momentum_names(curves), tuple(strokes), captions=_without_momentum(lines)))
    rhythms = {curve.schedule.steps_per_epoch for curve in curves}
    epochs = rhythms.pop() if across == "step" and len(rhythms) == 1 else None
    return Chart(
        titles(lines),
        " · ".join(details(lines, across)),
        tuple(panels),
        across,
        shared_phases(curves, across, style),
        steps_per_epoch=epochs,
        curve_names=names,
    )


def comparison_chart(curves: Sequence[Curve], answer: str, across: Across, style: Style, *, log: bool) -> Chart:
    """Return learning rates, and below them how far each is above or below the first; the answer is its title."""
    lines = evaluate(curves, across, style)
    rates, names = _rate_panel(lines, across, style, log=log)
    apart = [stroke for at, line in enumerate(lines) for stroke in _difference(lines[0], line, at - 1, across)]
    under = f"difference from {lines[0].label}"
    below = Panel((under, "difference"), tuple(apart), level=0.0)
    candidates = (printable(answer),) if answer else titles(lines)
    return Chart(
        candidates,
        " · ".join(details(lines, across)),
        (rates, below),
        across,
        shared_phases(curves, across, style),
        curve_names=names,
    )


def _rate_panel(lines: Sequence[Line], across: Across, style: Style, *, log: bool) -> tuple[Panel, tuple[Name, ...]]:
    """Return the panel of learning rates, and the names of several curves."""
    alone = len(lines) == 1
    labels = [None] if alone else _labels(lines, across)
    strokes, names = list[Stroke](), list[Name]()
    for at, (line, label) in enumerate(zip(lines, labels, strict=True)):
        own = tuple(_strokes(line, at, legend=label))
        strokes += own
        if label is not None and len(lines) <= MOST_NAMED:
            summary = summarize(line.curve.schedule, line.curve.group)
            x = summary.peak_step / x_divisor(line.curve.schedule, across)
            ink = readable(line.colour, style)
            names.append(Name(label, x, summary.peak_lr, line.colour, ink, own))
    notes = _notes(lines[0], across, style) if alone else []
    return Panel(("learning rate", "lr"), tuple(strokes), tuple(notes), log), tuple(names)


def _labels(lines: Sequence[Line], across: Across) -> list[str]:
    """Return the names of curves, with the peak and its place if these are not the same for all."""
    found = [summarize(line.curve.schedule, line.curve.group) for line in lines]
    peaks = [short(summary.peak_lr) for summary in found]
    places = [
        place_name(summary.peak_step, line.curve.schedule, across) for summary, line in zip(found, lines, strict=True)
    ]
    labels = []
    for line, peak, place in zip(lines, peaks, places, strict=True):
        words = [line.label]
        shown = peak if len(set(peaks)) > 1 and f"max_lr {peak}" not in line.label else ""
        where = f"at {place}" if len(set(places)) > 1 else ""
        if shown or where:
            words.append(" ".join(filter(None, ["peak", shown, where])))
        labels.append(", ".join(words))
    return labels


def _strokes(line: Line, order: int, *, momentum: bool = False, legend: str | None = None) -> list[Stroke]:
    """Return a curve's strokes: faint where a resumed run has them behind it, a dot where there is one step only."""
    found = []
    for part in line.parts:
        values = part.momentum if momentum else part.lr
        if values is not None:
            look = _line_style(line, part.x, order) | ({"alpha": FAINT} if part.done else {})
            found.append(Stroke(part.x, values, look, None if part.done else legend))
    return found


def _line_style(line: Line, x: FloatArray, order: int) -> dict[str, Any]:
    """Return the style of a curve, drawn over those that come before it in order."""
    return {
        **line.look,
        **stairs(line.curve.schedule.total_steps),
        "marker": "o" if len(x) == 1 else None,
        "label": line.label,
        "zorder": 3 + order / 1000,
    }


def _notes(line: Line, across: Across, style: Style) -> list[Note]:
    """Name a single curve's ends, its peak and where a run resumes; one note per step."""
    schedule, group = line.curve.schedule, line.curve.group
    words = {summarize(schedule, group).peak_step: ["peak"]}
    if 0 < schedule.first_step < schedule.total_steps:
        words.setdefault(schedule.first_step, []).append("resume")
    words.setdefault(0, []).insert(0, "initial")
    words.setdefault(schedule.total_steps - 1, []).append("final")
    found = []
    for step, names in words.items():
        value = schedule.lr(step, group)
        where = f" at {place_name(step, schedule, across)}" if {"peak", "resume"} & set(names) else ""
        text = f"{join_words(names)} {short(value)}{where}"
        found.append(Note(step / x_divisor(schedule, across), value, text, line.colour, style.ink))
    return found


def _difference(reference: Line, line: Line, order: int, across: Across) -> list[Stroke]:
    """Return how far a curve is from the reference, where both are trained.

    Where steps of the two are at different places, the curves are taken to be straight between two steps.
    """
    if line is reference:
        return []
    one, two = reference.parts[-1], line.parts[-1]
    begin, end = max(one.x[0], two.x[0]), min(one.x[-1], two.x[-1])
    if begin > end:
        return []
    x = np.union1d(one.x, two.x)
    x = x[(begin <= x) & (x <= end)]
    schedules = [each.curve.schedule for each in (reference, line)]
    divisors = {x_divisor(schedule, across) for schedule in schedules}
    if len(divisors) == 1:
        steps = np.rint(x * divisors.pop()).astype(np.int64)
        values = [schedules[at].lr(steps, each.curve.group) for at, each in enumerate((reference, line))]
    else:
        values = [np.interp(x, part.x, part.lr) for part in (one, two)]
    return [Stroke(x, values[1] - values[0], _line_style(line, x, order))]


def _momentum_names(curves: Sequence[Curve]) -> tuple[str, ...]:
    """Return names of the axis of momenta, the shortest last."""
    full = momentum_name(curves)
    return (full, "momentum", "mom.") if "/" in full else (full, full[:3] + ".")


def _without_momentum(lines: Sequence[Line]) -> tuple[str, ...]:
    """Return a caption that says which plans do not cycle momentum, from the longest to the shortest."""
    lines = [line for line in lines if not line.curve.is_reference]
    without = [line.label for line in lines if not line.curve.schedule.cycles_momentum]
    if not without:
        return ()
    number = f"{len(without)} of {len(lines)} plans do not cycle momentum"
    return f"momentum is not cycled: {', '.join(without)}", number, f"{len(without)} without"


def shared_phases(curves: Sequence[Curve], across: Across, style: Style) -> tuple[Band, ...]:
    """Return the phases where all curves have the same ones, else none; nor where the cycle has one step only."""
    schedules = {id(curve.schedule): curve.schedule for curve in curves}.values()
    first, *others = (_phases(schedule, across, style) for schedule in schedules)
    return tuple(band for band in first if band.end > band.begin) if all(found == first for found in others) else ()


def _phases(schedule: Schedule, across: Across, style: Style) -> list[Band]:
    """Cut where a phase's ramps begin, which may be between two steps."""
    phases, divisor = schedule.phases, x_divisor(schedule, across)
    cuts = [0.0]
    for before, phase in pairwise(phases):
        cuts.append(min(max(phase.lr[0].edge, before.last_step), phase.first_step))
    cuts.append(schedule.total_steps - 1)
    return [
        Band(phase.name, begin / divisor, end / divisor, *style.phase(phase.name))
        for phase, (begin, end) in zip(phases, pairwise(cuts), strict=True)
    ]


def titles(lines: Sequence[Line]) -> tuple[str, ...]:
    """Return default titles: the plans' names, what differs between them, or how many there are; then references."""
    beside = [line.label for line in lines if line.curve.is_reference]
    if beside:
        found = titles([line for line in lines if not line.curve.is_reference])
        return tuple(f"{title} beside {join_words(beside)}" for title in found) + found[-1:]
    plans = list(dict.fromkeys(printable(line.curve.plan or line.label) for line in lines))
    labels = list(dict.fromkeys(line.label for line in lines))
    if len(lines) == 1 or len(plans) == 1:
        return tuple(plans)
    first, last = min(plans), max(plans)  # what these two begin with, all begin with
    common = next((at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), 0)
    shared = re.match(r"(.+)[-_/]", first[:common])
    number = count(len({(line.curve.plan or line.label, id(line.curve.schedule)) for line in lines}), "plan")
    return ", ".join(plans), ", ".join(labels), f"{shared[1]}: {number}" if shared else number


def details(lines: Sequence[Line], across: Across) -> list[str]:
    """Return the numbers that the plans' curves share, or their ranges."""
    lines = [line for line in lines if not line.curve.is_reference]
    schedules = [line.curve.schedule for line in lines]
    peaks = [line.curve.schedule.plan.groups[line.curve.group].max_lr for line in lines]
    totals = [schedule.total_steps for schedule in schedules]
    numbers = [_range(totals, "{:,}") + (" step" if max(totals) == 1 else " steps")]
    epochs = [schedule.total_steps / schedule.steps_per_epoch for schedule in schedules if schedule.steps_per_epoch]
    if len(epochs) == len(lines):
        numbers.append(_range(epochs, "{:,.4g}") + (" epoch" if max(epochs) == 1 else " epochs"))
    numbers.append("max_lr " + _range(peaks, "{:.4g}"))
    plans = [schedule.plan for schedule in schedules]
    if len({plan.pct_start for plan in plans}) == 1:
        numbers.append(f"pct_start {plans[0].pct_start:g}")
    if len({plan.anneal_strategy for plan in plans}) == 1:
        numbers.append(plans[0].anneal_strategy)
    if len(lines) > 1:
        places = {
            place_name(summarize(schedule, line.curve.group).peak_step, schedule, across)
            for schedule, line in zip(schedules, lines, strict=True)
        }
        numbers += [f"peak at {place}" for place in places if len(places) == 1]
    return numbers


def _range(values: Sequence[float], form: str) -> str:
    return " to ".join(dict.fromkeys(form.format(value) for value in (min(values), max(values))))
