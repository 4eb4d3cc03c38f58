"""A cause before it is accepted: what it predicts, how well that fits, and a schedule with other numbers."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from onecycle_cli.policy.schedule import Schedule, schedule_of
from onecycle_cli.policy.settings import MOST_STEPS
from onecycle_cli.run.precision import thinned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from onecycle_cli.policy.onecycle import OneCycle
    from onecycle_cli.run.series import Floats, Samples, Series, Steps

SPREAD_ROWS = 1500
"""Rows, spread over the log, on which hypotheses are tried before they are compared with all."""

PERFECT = 0.999
"""The share of values from which a cause explains everything: one in a thousand may be a reader's or writer's slip."""

EDGE_ROWS = 200
"""Rows at either end of the log, and around the first that is wrong, that are tried besides."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A cause that is put to the test.

    Attributes:
        slug: its name.
        summary: what happened, in a sentence.
        advice: what to change.
        predict: returns the values that it would have left in any rows of the log.
        is_local: whether it takes what happened from the wrong rows alone; any value is somewhere on the curve, so it
            needs several.
    """

    slug: str
    summary: str
    advice: str
    predict: Callable[[Samples], Floats]
    is_local: bool = False

    @property
    def kind(self) -> str:
        """Its name without numbers."""
        return self.slug.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Fit:
    """The share of all values that a hypothesis explains, and of those that are not as planned."""

    of_all: float
    of_wrong: float

    @property
    def perfect(self) -> bool:
        """Whether it explains everything."""
        return self.of_all >= PERFECT and self.of_wrong >= 0.99

    @property
    def good(self) -> bool:
        """Whether it explains so much that another cause is unlikely; a second mistake may hide in the rest."""
        return self.of_all >= 0.95 and self.of_wrong >= 0.9


@dataclass(frozen=True)
class Case:
    """A log that is not as planned, under one offset: all of it, and a thinned sample of it."""

    settings: OneCycle
    whole: Series

    @cached_property
    def sample_rows(self) -> NDArray[np.int64]:
        """The rows of the sample."""
        size, first = len(self.whole.values), self.first_wrong
        picked = np.concatenate(
            [
                thinned(np.arange(size), SPREAD_ROWS),
                thinned(rows_with_rate(self.whole), SPREAD_ROWS),
                np.arange(EDGE_ROWS),
                np.arange(first - 2, first + EDGE_ROWS),
                np.arange(size - EDGE_ROWS, size),
            ]
        )
        return np.unique(np.clip(picked, 0, size - 1))

    @cached_property
    def sample(self) -> Samples:
        """The sample."""
        return self.whole.take(self.sample_rows)

    @property
    def schedule(self) -> Schedule:
        """What was planned."""
        return self.whole.schedule

    @property
    def first_wrong(self) -> int:
        """The first row that is not as planned."""
        return self.whole.prefix

    @cached_property
    def wrong_rows(self) -> NDArray[np.int64]:
        """The rows that are not as planned."""
        return np.flatnonzero(self.whole.wrong.any(axis=1))

    def some_rows(self, count: int, first: int = 0) -> Samples:
        """Return so many rows of the sample, and its first ones, that have the first learning rate."""
        known = rows_with_rate(self.sample)
        return self.sample.take(np.union1d(known[:first], thinned(known, count)))

    def variant(self, **changes: Any) -> Schedule | None:
        """Return the plan's schedule with other numbers; None where there is no such schedule, as of too many steps."""
        plan = self.schedule.plan
        if "total_steps" in changes:
            if plan.then and "then" not in changes:
                return None  # its segments count from the run's first step, and end it
            if changes["total_steps"] > MOST_STEPS:
                return None
            changes["length"] = dataclasses.replace(plan.length, total_steps=changes.pop("total_steps"))
        return schedule_of(dataclasses.replace(plan, **changes))

    def agreeing(self, schedule: Schedule) -> int:
        """Return how many of the sample's values a schedule has."""
        return int(self.sample.agrees(self.follows(schedule)(self.sample)).sum())

    def fit(self, hypothesis: Hypothesis, *, whole: bool = False) -> Fit:
        """Compare a hypothesis with the sample, or with all rows."""
        known, all_wrong, agreed, agreed_wrong = 0, 0, 0, 0
        for at, rows in self.whole.pieces() if whole else [(self.sample_rows, self.sample)]:
            agrees, wrong = rows.agrees(hypothesis.predict(rows)), self.whole.wrong[at]
            known, all_wrong = known + int(rows.present.sum()), all_wrong + int(wrong.sum())
            agreed, agreed_wrong = agreed + int(agrees.sum()), agreed_wrong + int((agrees & wrong).sum())
        return Fit(agreed / max(known, 1), agreed_wrong / max(all_wrong, 1))

    def follows(self, schedule: Schedule) -> Callable[[Samples], Floats]:
        """Predict that the run followed another schedule, with a constant momentum where that cycles none.

        A run that is longer than this other schedule keeps what the scheduler was left with.
        """

        def predict(rows: Samples) -> Floats:
            shorter = schedule.total_steps < self.schedule.total_steps
            steps = np.minimum(rows.steps, schedule.total_steps) if shorter else rows.steps
            values = rows.predicted(schedule, steps)
            for at, track in enumerate(rows.tracks):
                if track.field == "momentum" and not schedule.cycles_momentum:
                    values[:, at] = first_value(self.whole.values[:, at])
            return values

        return predict


def at_other_steps(
    case: Case,
    slug: str,
    summary: str,
    advice: str,
    clock: Callable[[Samples], Steps],
    schedule: Schedule | None = None,
    *,
    is_local: bool = False,
) -> Iterator[Hypothesis]:
    """Yield a cause by which rows have other steps of the plan's schedule, or of another, than planned.

    What is left after the end is either the value that PyTorch's scheduler sets once more, or the last of the cycle.
    """
    steps_of = case.schedule if schedule is None else schedule

    def predict(rows: Samples, last: int) -> Floats:
        return rows.predicted(steps_of, np.minimum(clock(rows), last))

    for last in (steps_of.total_steps, steps_of.total_steps - 1):
        yield Hypothesis(slug, summary, advice, partial(predict, last=last), is_local)


def rows_with_rate(samples: Samples) -> NDArray[np.int64]:
    """Return the rows that have the first learning rate."""
    return np.flatnonzero(samples.present[:, samples.rates[0]])


def first_value(values: Floats) -> float:
    """Return the first of a column's values that was logged."""
    return float(values[int(np.argmin(np.isnan(values)))])


def steps_with(schedule: Schedule, group: int, rates: Floats) -> Steps:
    """Find, in every phase, the step whose learning rate is nearest to each of some values.

    Within a phase a learning rate only rises or only falls, so it is bisected.

    Returns:
        Steps, one row per value, one column per phase.
    """
    found = []
    for phase in schedule.phases:
        low = np.full(rates.shape, phase.first_step, dtype=np.int64)
        high = np.full(rates.shape, phase.last_step, dtype=np.int64)
        ends = schedule.lr(np.array([phase.first_step, phase.last_step]), group)
        rises = bool(ends[1] > ends[0])
        while (high - low > 1).any():
            middle = (low + high) // 2
            before = (schedule.lr(middle, group) < rates) == rises
            low, high = np.where(before, middle, low), np.where(before, high, middle)
        gaps = [np.abs(schedule.lr(edge, group) - rates) for edge in (low, high)]
        found.append(np.where(gaps[0] <= gaps[1], low, high))
    return np.column_stack(found)
