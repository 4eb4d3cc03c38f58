"""Rows that an epoch has a part in: a row per epoch, a step that starts over in each, or a fraction of an epoch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.policy.settings import MOST_STEPS
from onecycle_cli.run import micro_batches
from onecycle_cli.run.reading import AFTER, BEFORE_OPTIMIZER, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.policy.settings import Settings
    from onecycle_cli.run.logs.log import Log

    Steps = NDArray[np.int64]

MOST_IN_MEANS = 2 * 10**6
"""Steps over which the means of epochs are taken at most, all epochs together."""

MOST_TEXTS_OFF = 0.5
"""Steps by which a fractional epoch, as it was rounded, may be off its step, for the step to be known."""


def epoch_length(schedule: Schedule, epochs: Steps) -> int | None:
    """Return the steps of an epoch, if the plan has them and its length counts steps, not epochs."""
    known = schedule.steps_per_epoch
    return known if known and schedule.total_steps >= known * max(int(epochs.max()), 1) else None


def of_epochs(epochs: Steps, length: int | None) -> Iterator[Reading]:
    """Yield rows that are an epoch each: its last step, what is left after it, its first step, or its mean."""
    if not length:
        return
    from_one, clock = int(epochs.min()) > 0, epochs * length
    row = Reading("epoch", epochs, clock)

    def shows(offset: int, what: str, *, after: bool = False, span: int = 1) -> Reading:
        note = f"a row is an epoch of {length:,} steps and shows {what}"
        return replace(row, offset=offset, note=note, after=after, span=span)

    last, left, first = (
        "its last step's values",
        "the values after its last scheduler.step()",
        "its first step's values",
    )
    counted = " (epochs are counted from 1)" if from_one else ""
    if from_one:
        yield shows(-1, last + counted)
        yield shows(0, left + counted, after=True)
        yield shows(-length, first + counted)
    yield shows(length - 1, last)
    yield shows(length, left, after=True)
    yield shows(0, first)
    if length * epochs.size <= MOST_IN_MEANS:
        for offset in (-1, 0) if from_one else ():
            yield shows(offset, f"its mean{counted}", after=offset == 0, span=length)
        for offset in (length - 1, length):
            yield shows(offset, "its mean", after=offset == length, span=length)


def means_of_epochs(log: Log, schedule: Schedule) -> Iterator[Reading]:
    """Yield rows at the last step of each epoch that show its mean, as Lightning logs with `on_epoch=True`.

    The steps show where epochs end: each is one before, or at, a multiple of an epoch's length.
    """
    steps = log.steps
    apart = np.diff(steps)
    if log.counts != "step" or not apart.size or (apart <= 0).any():
        return
    length = schedule.steps_per_epoch or int(np.gcd.reduce(apart))
    if length < 2 or length * steps.size > MOST_IN_MEANS:
        return
    for behind in (1, 0):
        if not ((steps + behind) % length).any():
            note = f"a row is an epoch of {length:,} steps and shows its mean"
            row = Reading("epoch", steps, steps, behind - 1, note, span=length)
            yield row
            yield replace(row, offset=behind, after=True)


def counts_within_epochs(log: Log) -> bool:
    """Return whether a log's steps start over in each epoch."""
    epochs = log.epochs
    if log.counts != "step" or epochs is None or np.isnan(epochs).any() or not (epochs == np.floor(epochs)).all():
        return False
    falls, rises = np.diff(log.steps) < 0, np.diff(epochs) > 0
    # A resumed run repeats steps, but not those of an earlier epoch under a later one.
    some = falls.sum() > 0 and (falls & rises).sum() * 2 > rises.sum()
    return bool(some and (falls & ~rises).sum() <= falls.sum() // 4)


def within_epochs(log: Log, settings: Settings, schedule: Schedule) -> Iterator[Reading]:
    """Yield rows whose step starts over in each epoch: the schedule's is epoch × steps per epoch + step."""
    epochs = log.epochs
    if epochs is None or not counts_within_epochs(log):
        return
    whole = epochs.astype(np.int64)
    longest, lowest, base = int(log.steps.max()), int(log.steps.min()), min(int(whole.min()), 1)
    for first in dict.fromkeys((base, 0)):
        yield from micro_batches.within_epochs(log, settings, schedule, whole - first)
    shared, rest = divmod(schedule.total_steps, int(whole.max()) - base + 1)
    lengths = [schedule.steps_per_epoch] if schedule.steps_per_epoch else []
    lengths += [] if lengths else [shared, longest + 1, longest] if rest == 0 else [longest + 1, longest]
    for length in dict.fromkeys(lengths):
        if length < longest:
            continue
        counted = (whole - base) * length + log.steps
        note = f"a row's step is its epoch × {length:,} + {log.step_column}"
        row = Reading("step", counted, counted, note=note)
        for by in (0, -1) if lowest else (0,):
            yield replace(row, offset=by)
        yield replace(row, offset=1, note=f"{note}, {AFTER}; {BEFORE_OPTIMIZER}", after=True)
        if base:
            yield from (replace(row, offset=length + by) for by in (0, -1))


def fractions(log: Log, schedule: Schedule) -> Iterator[Reading]:
    """Yield rows that are known by a fraction of an epoch alone."""
    epochs = log.epochs
    if log.counts != "row" or epochs is None or np.isnan(epochs).any() or (epochs == np.floor(epochs)).all():
        return
    total, last = schedule.total_steps, float(epochs.max())
    known, ends = schedule.steps_per_epoch, (np.ceil(last), np.floor(last) + 1, last)
    lengths = [float(known)] if known else [float(total / end) for end in ends if end]
    for length in dict.fromkeys(lengths):
        exact = epochs * length
        if not exact.max() < MOST_STEPS:  # of epochs as short as 5e-324 even the length is infinite
            continue
        clock = np.round(exact).astype(np.int64)
        if np.abs(exact - clock).max() >= MOST_TEXTS_OFF * 0.5:
            clock = _evenly(exact)
        row = Reading("epoch", clock, clock, note=f"a row's step is its epoch × {length:,g}")
        yield row
        yield replace(row, offset=-1, note=f"{row.note} - 1")
        yield replace(row, offset=1, note=f"{row.note}, {AFTER}", after=True)


def _evenly(exact: NDArray[np.float64]) -> Steps:
    """Return whole steps near to epochs that were rounded, if the rows follow each other at one distance."""
    distance = max(round(float(np.median(np.diff(exact)))), 1) if exact.size > 1 else 1
    rows = np.arange(exact.size, dtype=np.int64) * distance
    steps: Steps = rows + round(float(np.median(exact - rows)))
    return steps
