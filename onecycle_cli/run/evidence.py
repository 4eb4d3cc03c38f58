"""A log's rows laid beside a plan: what was logged, at which of the schedule's steps, and how near counts as equal."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from onecycle_cli.run.precision import EXACT, Precision, precision_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.policy.conventions.base import Convention
    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.run.logs.log import Log
    from onecycle_cli.run.tracks import Track

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

ULPS = 4 * 2.0**-52
"""What float64 arithmetic in another order, or another machine's cosine, may differ by, as a share of the peak."""

SINGLE_ULPS = 8 * 2.0**-24
"""The same for frameworks that compute in float32."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Rows of a log under one offset.

    Attributes:
        schedule: what was planned.
        tracks: what the columns of `values` are.
        rows: each row's index in the log.
        logged_steps: the steps as they were logged.
        offset: what is added to them to get the schedule's steps.
        values: what was logged, one column a track; NaN where nothing was.
        limits: how far from each value the planned one may lie.
        relative: how far it may lie besides, relative to the planned value, where the user said so.
    """

    schedule: Schedule
    tracks: tuple[Track, ...]
    rows: NDArray[np.int64]
    logged_steps: NDArray[np.int64]
    offset: int
    values: Floats
    limits: Floats
    relative: float

    @property
    def steps(self) -> NDArray[np.int64]:
        """The schedule's step of each row."""
        return self.logged_steps + self.offset

    @property
    def present(self) -> Flags:
        """Where a value was logged."""
        import numpy as np

        return ~np.isnan(self.values)

    @property
    def rates(self) -> list[int]:
        """The columns that hold learning rates."""
        return [at for at, track in enumerate(self.tracks) if track.field == "lr"]

    def under(self, offset: int) -> Evidence:
        """Lay the rows beside the plan another way."""
        return replace(self, offset=offset)

    def take(self, rows: NDArray[np.int64]) -> Evidence:
        """Keep some rows, by their place here."""
        return replace(
            self,
            rows=self.rows[rows],
            logged_steps=self.logged_steps[rows],
            values=self.values[rows],
            limits=self.limits[rows],
        )

    def agrees(self, predicted: Floats) -> Flags:
        """Say of each value whether it is the predicted one; False where either is missing."""
        import numpy as np

        with np.errstate(invalid="ignore"):
            near = np.abs(self.values - predicted) <= self.limits + self.relative * np.abs(predicted)
        return np.asarray(near & self.present)

    def predicted(self, steps: NDArray[np.int64], schedule: Schedule | None = None) -> Floats:
        """Give what a schedule, the planned one or another, has at each row's step."""
        import numpy as np

        source = schedule or self.schedule
        return np.column_stack([values_at(source, track, steps) for track in self.tracks])


def gather(
    schedule: Schedule, log: Log, tracks: tuple[Track, ...], tolerance: float | None, convention: Convention
) -> tuple[Evidence, Precision]:
    """Lay a log beside a plan as it was logged, and tell how precisely its learning rates were written."""
    import numpy as np

    values = np.column_stack([track.values(log) for track in tracks])
    fields = np.array([track.field for track in tracks])
    written = precision_of(values[:, fields == "lr"])
    limits = np.empty_like(values)
    for field in ("lr", "momentum"):
        here = fields == field
        precision = written if field == "lr" else precision_of(values[:, here], written)
        limits[:, here] = precision.limits(values[:, here]) if tolerance is None else 0.0
    single = tolerance is None and in_single(convention, written)
    limits += (SINGLE_ULPS if single else ULPS) * np.array(
        [_scale(schedule, track, values[:, at]) for at, track in enumerate(tracks)]
    )
    rows = np.arange(len(log.steps), dtype=np.int64)
    return Evidence(schedule, tracks, rows, log.steps, 0, values, limits, tolerance or 0.0), written


def in_single(convention: Convention, written: Precision) -> bool:
    """Say whether a log's values were computed in float32, as far as the convention and their digits tell."""
    return convention.float32 and written is not EXACT


def values_at(schedule: Schedule, track: Track, steps: NDArray[np.int64]) -> Floats:
    """Give a schedule's values at any steps: NaN outside, and the rebound at step total_steps.

    After the last step of a run PyTorch's scheduler sets one more value, of a step that is not in the cycle.
    """
    import numpy as np

    total = schedule.total_steps
    inside = np.clip(steps, 0, total - 1)
    found = schedule.lr(inside, track.group) if track.field == "lr" else schedule.momentum(inside, track.group)
    if found is None:
        return np.full(steps.shape, math.nan)
    values = np.where((steps < 0) | (steps > total), math.nan, found)
    past = steps == total
    if past.any():
        values[past] = rebound(schedule, track)
    return values


def rebound(schedule: Schedule, track: Track) -> float:
    """Give the value that the last phase's formula has one step after the cycle."""
    phase = schedule.phases[-1]
    ramp = (phase.lr if track.field == "lr" else phase.momentum)[track.group]
    try:
        return ramp.at(float(schedule.total_steps), math.cos)
    except (ArithmeticError, ValueError):
        return math.nan


def _scale(schedule: Schedule, track: Track, values: Floats) -> float:
    """Give the size of a track's largest values, which the rounding of its arithmetic follows."""
    import numpy as np

    group = schedule.plan.groups[track.group]
    planned = [group.max_lr] if track.field == "lr" else [group.max_momentum, group.base_momentum]
    logged = values[np.isfinite(values)]
    return float(max(*map(abs, planned), np.abs(logged).max(initial=0.0)))
