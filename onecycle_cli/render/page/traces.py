"""The curves of a page: planned and logged values at the steps where they are known, few enough for a small file."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.policy.summary import edge_steps, summarize
from onecycle_cli.render.picture import DRAWABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.render.picture import Curve
    from onecycle_cli.run import Verdict

MOST_VALUES = 3600
"""Values of all curves together: at most about 60 bytes each, in the lines and as texts, for noise on both axes."""

MOST_STEPS, FEWEST_STEPS = 600, 120
"""Steps of one curve. A chart is about 800 pixels wide."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One line of the chart.

    Attributes:
        label: its name.
        steps: the plan's steps at which its values are known, rising for a plan, in the log's order for a log.
        lr: learning rates; NaN where none was logged.
        momentum: momenta, or None where there are none.
        momentum_word: what its optimizer calls momentum.
        begin: the first step still ahead; a resumed run has those before it behind it.
        plan: the number of its plan.
        is_log: whether it was logged, not planned.
    """

    label: str
    steps: NDArray[np.int64]
    lr: FloatArray
    momentum: FloatArray | None
    momentum_word: str
    begin: int
    plan: int
    is_log: bool

    def values(self, field: str) -> FloatArray | None:
        """Return the learning rates or the momenta."""
        return self.lr if field == "lr" else self.momentum


def steps_each(curves: int) -> int:
    """Return how many steps each of so many curves may have."""
    return min(max(MOST_VALUES // max(curves, 1), FEWEST_STEPS), MOST_STEPS)


def shared_steps(schedules: Iterable[Schedule], most: int) -> NDArray[np.int64]:
    """Return the steps at which all plans of a page are evaluated: all of them if they are few, else even ones.

    The edges of phases, where every extreme value is, the peaks, and where a run resumes are always among them.
    """
    schedules = list(schedules)
    end = max(schedule.total_steps for schedule in schedules)
    if end <= most:
        return np.arange(end, dtype=np.int64)
    steps = set(np.linspace(0, end - 1, most).astype(np.int64).tolist())
    for schedule in schedules:
        steps.update(edge_steps(schedule))
        steps.update(summarize(schedule, group).peak_step for group in range(min(len(schedule.groups), most)))
        steps.add(min(schedule.first_step, schedule.total_steps - 1))
    return np.array(sorted(steps), dtype=np.int64)


def with_steps_after(steps: NDArray[np.int64], logged: Iterable[NDArray[np.int64]], most: int) -> NDArray[np.int64]:
    """Return the page's steps with those of logs that go on after all plans, up to the plans' length once more."""
    end = int(steps[-1]) + 1
    last = min(max((int(own.max()) for own in logged if own.size), default=0), 2 * end - 1)
    if last < end:
        return steps
    after = np.linspace(end, last, min(last - end + 1, most)).astype(np.int64)
    return np.concatenate([steps, np.unique(after)])


def planned_trace(curve: Curve, plan: int, steps: NDArray[np.int64]) -> Trace:
    """Return a planned curve at those of the page's steps that it has."""
    schedule = curve.schedule
    own = steps[steps < schedule.total_steps]
    begin = min(schedule.first_step, schedule.total_steps - 1)
    return Trace(
        curve.label,
        own,
        schedule.lr(own, curve.group),
        schedule.momentum(own, curve.group),
        curve.momentum_word,
        begin,
        plan,
        is_log=False,
    )


def thinned(x: FloatArray, y: FloatArray, tolerance: float) -> NDArray[np.int64]:
    """Choose points of a line so that no other point is further above or below it than `tolerance`.

    The algorithm of Ramer, Douglas and Peucker, for a line whose x never falls.
    """
    last = len(x) - 1
    kept, open_parts = {0, last}, [(0, last)]
    while open_parts:
        begin, end = open_parts.pop()
        if end - begin < 2:
            continue
        run = x[end] - x[begin]
        slope = (y[end] - y[begin]) / run if run else 0.0
        between = slice(begin + 1, end)
        gaps = np.abs(y[between] - y[begin] - slope * (x[between] - x[begin]))
        widest = int(gaps.argmax())
        if gaps[widest] > tolerance:
            middle = begin + 1 + widest
            kept.add(middle)
            open_parts += [(begin, middle), (middle, end)]
    return np.array(sorted(kept), dtype=np.int64)


def unbroken_parts(x: FloatArray, y: FloatArray) -> list[tuple[FloatArray, FloatArray]]:
    """Return the parts of a line without its missing values: a part ends where a log goes back to earlier steps."""
    known = np.isfinite(y)
    x, y = x[known], y[known]
    edges = [0, *(np.flatnonzero(np.diff(x) < 0) + 1).tolist(), len(x)]
    return [(x[begin:end], y[begin:end]) for begin, end in pairwise(edges) if end > begin]


def rows_to_keep(values: FloatArray, most: int) -> NDArray[np.int64]:
    """Choose at most so many rows of a log: of each small part of it the ends and the extreme values."""
    if len(values) <= most:
        return np.arange(len(values), dtype=np.int64)
    kept = set[int]()
    edges = np.linspace(0, len(values), most // 4 + 1).astype(np.int64).tolist()
    for begin, end in pairwise(edges):
        part = values[begin:end]
        kept.update((begin, end - 1))
        if np.isfinite(part).any():
            kept.update((begin + int(np.nanargmin(part)), begin + int(np.nanargmax(part))))
    return np.array(sorted(kept), dtype=np.int64)


def logged_traces(name: str, found: Verdict, momentum_word: str, most: int) -> Iterator[Trace]:
    """Yield the lines of a log, one for each of its columns of learning rates, with the momentum beside it."""
    series = found.series
    columns = series.rates
    groups = [series.tracks[column].group for column in columns]
    momenta = [at for at, track in enumerate(series.tracks) if track.field == "momentum"]
    for column, group in zip(columns, groups, strict=True):
        rates = _drawable(series.values[:, column])
        rows = rows_to_keep(rates, most)
        beside = [at for at in momenta if series.tracks[at].group == group]
        place = [other for other in columns if series.tracks[other].group == group].index(column)
        own = series.schedule.groups[group] if len(set(groups)) == len(groups) else series.tracks[column].label
        yield Trace(
            name if len(columns) == 1 else f"{name}: {own}",
            series.steps[rows],
            rates[rows],
            _drawable(series.values[rows, beside[place]]) if place < len(beside) else None,
            momentum_word,
            0,
            0,
            is_log=True,
        )


def _drawable(values: FloatArray) -> FloatArray:
    """Return values with NaN for those that no axis can hold."""
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(values) <= DRAWABLE[1], values, np.nan)
