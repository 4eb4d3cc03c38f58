"""Logs whose rows do not count steps by themselves: the same logs by the schedule's steps, as far as they show these.

They count within each epoch, or by fractions of an epoch. How long an epoch is follows from the log alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.policy.settings import MOST_STEPS
from onecycle_cli.run.epoch_rows import counts_within_epochs
from onecycle_cli.run.precision import written_digits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from onecycle_cli.run.logs.log import Log

    Floats = NDArray[np.float64]

NEARBY = (0, -1, 1, -2, 2)
"""Steps by which the estimate of an epoch's length may be off."""

STEEP = 0.25
"""The share of the steepest slope from which on a place shows how many steps it has."""

LONGEST_EPOCH = 20_000
"""Steps per epoch up to which fractions of an epoch are looked at."""

SURE = 0.25
"""Steps by which a fraction of an epoch, as it was rounded, may be off a whole step, for that to say anything."""


def by_steps(log: Log) -> Iterator[tuple[Log, int]]:
    """Yield a log by the schedule's steps, with the steps of an epoch; nothing where its rows count steps anyway."""
    if counts_within_epochs(log):
        yield from _within_epochs(log)
    elif counts_fractions(log):
        yield from _fractions(log)


def counts_fractions(log: Log) -> bool:
    """Return whether nothing but fractions of an epoch counts a log's rows."""
    epochs = log.epochs
    if log.counts != "row" or epochs is None or np.isnan(epochs).any():
        return False
    return bool((epochs != np.floor(epochs)).any() and (np.diff(epochs) >= 0).all())


def _within_epochs(log: Log) -> Iterator[tuple[Log, int]]:
    """Yield the lengths of an epoch with which the learning rate goes on smoothly from one epoch to the next."""
    epochs = log.epochs if log.epochs is not None else np.zeros(0)
    whole = epochs.astype(np.int64)
    whole -= min(int(whole.min()), 1)
    first, longest = int(log.steps.min()), int(log.steps.max())
    shortest = max(longest if first else longest + 1, 1)
    estimate = max(_length_of_epoch(log, whole), shortest)
    for by in NEARBY:
        if estimate + by >= shortest and int(whole.max()) * (estimate + by) < MOST_STEPS:
            steps = whole * (estimate + by) + log.steps
            yield replace(log, steps=steps, epochs=None), estimate + by


def _length_of_epoch(log: Log, epochs: NDArray[np.int64]) -> int:
    """Estimate how many steps are between the last row of an epoch and the first of the next, by the slope there."""
    steps, rates = log.steps.astype(np.float64), log.lr[:, 0]
    ends = np.flatnonzero(np.diff(epochs) == 1)
    ends = ends[(ends > 0) & (ends + 2 < steps.size)]
    before = (rates[ends] - rates[ends - 1]) / (steps[ends] - steps[ends - 1])
    after = (rates[ends + 2] - rates[ends + 1]) / (steps[ends + 2] - steps[ends + 1])
    slopes = (before + after) / 2
    lengths = (rates[ends + 1] - rates[ends]) / slopes + steps[ends] - steps[ends + 1]
    usable = np.isfinite(lengths) & (before * after > 0)
    if not usable.any():
        return 0
    steep = usable & (np.abs(slopes) >= STEEP * np.abs(slopes[usable]).max())
    return round(float(np.median(lengths[steep])))


def _fractions(log: Log) -> Iterator[tuple[Log, int]]:
    """Yield the shortest epoch of which all fractions are whole steps."""
    epochs = log.epochs if log.epochs is not None else np.zeros(0)
    places = max(written_digits(value)[1] for value in epochs.tolist())
    rounding = 0.5 * 10.0**-places if places < 10 else 0.0
    for length in range(1, LONGEST_EPOCH + 1):
        exact = epochs * length
        allowed = rounding * length + 1e-6
        if allowed >= SURE:
            return
        steps = np.round(exact)
        if np.abs(exact - steps).max() <= allowed:
            yield replace(log, steps=steps.astype(np.int64), epochs=None, counts="step"), length
            return
