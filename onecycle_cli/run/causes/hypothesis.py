"""A cause before it is believed: what it predicts, and how well that fits."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from onecycle_cli.policy.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.policy.onecycle import OneCycle
    from onecycle_cli.run.series import Samples, Series

    Floats = NDArray[np.float64]

THINNED = 1500
"""Rows, spread over the log, on which hypotheses are tried before they are held against all."""

BESIDE = 200
"""Rows at either end of the log, and around the first that is wrong, that are tried besides."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A cause that is put to the test: `predict` gives the values that it would have left in any rows of the log."""

    slug: str
    summary: str
    advice: str
    predict: Callable[[Samples], Floats]


@dataclass(frozen=True, slots=True)
class Fit:
    """The share of all values that a hypothesis explains, and of those that are not as planned."""

    of_all: float
    of_wrong: float

    @property
    def perfect(self) -> bool:
        """Whether it explains everything, but for a value in a thousand."""
        return self.of_all >= 0.999 and self.of_wrong >= 0.99

    @property
    def good(self) -> bool:
        """Whether it explains so much that nothing else is likely."""
        return self.of_all >= 0.95 and self.of_wrong >= 0.9


@dataclass(frozen=True)
class Case:
    """A log that is not as planned, under one offset: all of it, and a thinned sample of it."""

    settings: OneCycle
    alignment: Series

    @property
    def whole(self) -> Series:
        """All rows."""
        return self.alignment

    @cached_property
    def sample_rows(self) -> NDArray[np.int64]:
        """The rows of the sample."""
        import numpy as np

        size, first = len(self.whole.rows), self.alignment.prefix
        known = np.flatnonzero(np.isfinite(self.whole.values[:, self.whole.rates[0]]))
        picked = np.concatenate(
            [
                np.linspace(0, size - 1, THINNED).astype(np.int64),
                known[np.linspace(0, known.size - 1, THINNED).astype(np.int64)],
                np.arange(BESIDE),
                np.arange(first - 2, first + BESIDE),
                np.arange(size - BESIDE, size),
            ]
        )
        return np.unique(np.clip(picked, 0, size - 1))

    @cached_property
    def sample(self) -> Samples:
        """The sample."""
        return self.whole.take(self.sample_rows)

    @cached_property
    def planned(self) -> Floats:
        """What was planned for the sample's rows."""
        return self.alignment.planned[self.sample_rows]

    @property
    def schedule(self) -> Schedule:
        """What was planned."""
        return self.whole.schedule

    @property
    def first_wrong(self) -> int:
        """The first row that is not as planned."""
        return self.alignment.prefix

    def variant(self, **changes: Any) -> Schedule | None:
        """Make the plan's schedule with other numbers; None where there is no such schedule."""
        plan = self.schedule.plan
        if "total_steps" in changes:
            changes["length"] = dataclasses.replace(plan.length, total_steps=changes.pop("total_steps"))
        plan = dataclasses.replace(plan, **changes)
        try:
            schedule = Schedule(plan)
        except (ArithmeticError, ValueError):
            return None
        return schedule if schedule.phases else None

    def fit(self, hypothesis: Hypothesis, *, whole: bool = False) -> Fit:
        """Hold a hypothesis against the sample, or against all rows."""
        evidence = self.whole if whole else self.sample
        wrong = self.alignment.wrong if whole else self.alignment.wrong[self.sample_rows]
        agrees = evidence.agrees(hypothesis.predict(evidence))
        known = max(int(evidence.present.sum()), 1)
        return Fit(int(agrees.sum()) / known, int((agrees & wrong).sum()) / max(int(wrong.sum()), 1))


def follows(case: Case, schedule: Schedule) -> Callable[[Samples], Floats]:
    """Predict that the run followed another schedule, its own momentum standing still where that cycles none.

    A run that is longer than this other schedule holds what the scheduler was left with.
    """

    def predict(evidence: Samples) -> Floats:
        import numpy as np

        shorter = schedule.total_steps < case.schedule.total_steps
        steps = np.minimum(evidence.steps, schedule.total_steps) if shorter else evidence.steps
        values = evidence.predicted(schedule, steps)
        for at, track in enumerate(evidence.tracks):
            if track.field == "momentum" and not schedule.cycles_momentum:
                values[:, at] = first_value(evidence.values[:, at])
        return values

    return predict


def first_value(values: Floats) -> float:
    """Give the first of a column's values that was logged."""
    import numpy as np

    return float(values[int(np.argmin(np.isnan(values)))])
