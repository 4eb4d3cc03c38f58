"""The log as the fit sees it: one value a step, in the order of the steps, thinned where there are very many."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from onecycle_cli.run.fitting.precision import find_precision

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.run.fitting.precision import Precision
    from onecycle_cli.run.logs.log import Log

COARSE_ROWS = 120

SMALLEST = 1e-30
"""What a value may be off by where all of its column are 0."""

MOST_ROWS = 1500
"""Rows that a schedule is fitted to; whatever is found is then held against all rows."""


@dataclass(frozen=True, slots=True)
class Column:
    """One quantity of one parameter group: its values, and the weight of each, 1 / what it may be off by.

    A weight of 0 stands for a value that is not there.
    """

    values: FloatArray
    weights: FloatArray

    def rows(self, chosen: NDArray[np.intp]) -> Column:
        """Give some of the rows."""
        return Column(self.values[chosen], self.weights[chosen])

    def misfit(self, found: FloatArray) -> float:
        """Give the largest difference from found values, in units of what is allowed."""
        import numpy as np

        return float(np.max(np.abs(found - self.values) * self.weights, initial=0.0))


@dataclass(frozen=True, slots=True)
class Evidence:
    """A log's rows, sorted by step, one a step: the last that was logged for it.

    Attributes:
        steps: logged steps, as float64.
        lr: one column a parameter group.
        momentum: one column a parameter group; empty where none is logged, or where it is held.
        first: the first logged step.
        last: the last logged step.
        peak: the logged step with the highest learning rate.
        gap: logged steps are so far apart, as a rule.
        precision: how precisely the log was written.
    """

    steps: FloatArray
    lr: tuple[Column, ...]
    momentum: tuple[Column, ...]
    first: int
    last: int
    peak: int
    gap: int
    precision: Precision

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, learning rates first."""
        return (*self.lr, *self.momentum)

    def coarse(self) -> Evidence:
        """Give few rows, and the first group's columns alone, to find out roughly where a curve turns."""
        import numpy as np

        chosen = np.unique(np.linspace(0, self.steps.size - 1, COARSE_ROWS).astype(np.intp))
        few = [tuple(each.rows(chosen) for each in columns[:1]) for columns in (self.lr, self.momentum)]
        return replace(self, steps=self.steps[chosen], lr=few[0], momentum=few[1])


def gather(log: Log, precision: Precision | None = None, *, momentum: bool = True) -> Evidence:
    """Sort, thin and weigh the rows of a log; with a precision in place of the one that its values show."""
    import numpy as np

    precision = precision or find_precision(log.lr[np.isfinite(log.lr)])
    whole = last_of_each_step(log)
    lead = np.nanargmax(np.nanmax(np.abs(log.lr), axis=0))
    peak = int(np.nanargmax(log.lr[whole, lead]))
    order = whole[_thinned(whole.size, peak)]
    follows = momentum and log.momentum is not None and moves(log.momentum)
    moving = log.momentum if follows else None
    return Evidence(
        steps=log.steps[order].astype(np.float64),
        lr=_columns(log.lr[order], precision),
        momentum=() if moving is None else _columns(moving[order], precision),
        first=int(log.steps.min()),
        last=int(log.steps.max()),
        peak=int(log.steps[whole[peak]]),
        gap=int(np.median(np.diff(log.steps[whole]))) if whole.size > 1 else 1,
        precision=precision,
    )


def last_of_each_step(log: Log) -> NDArray[np.intp]:
    """Give the rows in the order of their steps, of rows of the same step the last one that has a learning rate."""
    import numpy as np

    there = np.flatnonzero(np.isfinite(log.lr).any(axis=1))
    order = there[np.argsort(log.steps[there], kind="stable")]
    steps = log.steps[order]
    chosen: NDArray[np.intp] = order[np.append(steps[1:] != steps[:-1], np.True_)]
    return chosen


def moves(momentum: FloatArray) -> bool:
    """Say whether a momentum changes by more than rounding does."""
    import numpy as np

    if np.isnan(momentum).all(axis=0).any():
        return False
    return bool((np.nanmax(momentum, axis=0) - np.nanmin(momentum, axis=0)).max() > 1e-7)


def _columns(values: FloatArray, precision: Precision) -> tuple[Column, ...]:
    import numpy as np

    found = []
    for column in values.T:
        there = np.isfinite(column)
        limit = np.maximum(precision.allowed(column), SMALLEST)
        found.append(Column(np.where(there, column, 0.0), np.where(there, 1 / limit, 0.0)))
    return tuple(found)


def _thinned(rows: int, peak: int) -> NDArray[np.intp]:
    """Choose rows evenly, and densely at both ends and around the peak."""
    import numpy as np

    if rows <= MOST_ROWS:
        return np.arange(rows)
    share = MOST_ROWS // 5
    even = np.linspace(0, rows - 1, 2 * share).astype(np.intp)
    ends = (np.arange(share // 2), np.arange(rows - share, rows), np.arange(peak - share, peak + share))
    chosen = np.unique(np.concatenate([even, *ends]))
    return chosen[(chosen >= 0) & (chosen < rows)]
