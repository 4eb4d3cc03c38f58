"""Rows that count micro-batches: several make a step, and fewer the last one of an epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.formatting import count
from onecycle_cli.policy.plan import epoch_from_data
from onecycle_cli.run.reading import AFTER, BEFORE_OPTIMIZER, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.policy.settings import Settings
    from onecycle_cli.run.logs.log import Log

    Steps = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Accumulation:
    """How micro-batches make steps.

    Attributes:
        times: how many make a step.
        batches: how many an epoch has, after the last of which a step is made of what there is; None where they are
            counted through.
    """

    times: int
    batches: int | None = None

    @property
    def steps_per_epoch(self) -> int:
        """The steps that an epoch's micro-batches make."""
        return -(-(self.batches or 0) // self.times)

    def step_of(self, counted: Steps) -> Steps:
        """Return the step that each micro-batch is of, both counted from 0."""
        if self.batches is None:
            return counted // self.times
        epochs, within = counted // self.batches, counted % self.batches
        steps: Steps = epochs * self.steps_per_epoch + within // self.times
        return steps

    def __str__(self) -> str:
        """Say it."""
        rest = 0 if self.batches is None else self.batches % self.times
        if self.batches is None or not rest:
            return f"{self.times:,} to a step"
        return f"{self.times:,} to a step, {rest:,} to the last of an epoch's {count(self.steps_per_epoch, 'step')}"


def uneven(settings: Settings, schedule: Schedule, last: int) -> Accumulation | None:
    """Return how an epoch's micro-batches make steps, where its last step has fewer; None where that is not known.

    The plan's data says how many an epoch has, or else the log's last number, if it is of a whole number of epochs.
    """
    times, epochs = settings.gradient_accumulation or 1, schedule.epochs
    if times == 1 or not (per_epoch := schedule.steps_per_epoch):
        return None
    data = epoch_from_data(settings)
    known = [data.batches] if data is not None else [rows // epochs for rows in (last + 1, last) if rows % epochs == 0]
    for batches in known:
        found = Accumulation(times, batches)
        if batches % times and found.steps_per_epoch == per_epoch:
            return found
    return None


def within_epochs(log: Log, settings: Settings, schedule: Schedule, epochs: Steps) -> Iterator[Reading]:
    """Yield rows whose micro-batch starts over in each epoch; `epochs` are counted from 0."""
    times, longest, first = settings.gradient_accumulation or 1, int(log.steps.max()), int(log.steps.min())
    data = epoch_from_data(settings)
    for batches in [data.batches] if data is not None else [longest + 1, longest]:
        found = Accumulation(times, batches)
        if times == 1 or batches < longest or found.steps_per_epoch != schedule.steps_per_epoch:
            continue
        counted = epochs * batches + log.steps
        note = f"a row's micro-batch is its epoch × {batches:,} + {log.step_column}, {found}"
        for by in (0, -1) if first else (0,):
            yield Reading("microbatch", counted, found.step_of(counted + by), note=note)
        later = f"{note}, {AFTER}; {BEFORE_OPTIMIZER}"
        yield Reading("microbatch", counted, found.step_of(counted + 1), note=later, after=True)
