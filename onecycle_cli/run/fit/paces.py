"""Logs of a scheduler that does not move once per step: the same logs by the scheduler's own count.

What moved it is found as `check` finds it, once the settings are known.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.run.fit.evidence import FEWEST_ROWS
from onecycle_cli.run.reading import OFFSETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from onecycle_cli.run.logs.log import Log

TIMES = (2, 3, 4, 5, 6, 8, 16)
"""How many times per step a scheduler may be stepped: as many processes, or micro-batches."""


def in_blocks(log: Log) -> Log | None:
    """Return one row for each value that repeats, as where a scheduler is stepped once per epoch; None if few do."""
    moved, before = _moved(log), _moved(before_the_end(log))
    if 2 * before.sum() > before.size or moved.sum() < FEWEST_ROWS:
        return None
    first = np.concatenate([[0], np.flatnonzero(moved) + 1])
    return _rows(log, first, np.arange(first.size))


def before_the_end(log: Log) -> Log:
    """Return a log without the rows that repeat its last value, where the scheduler may stand at its end."""
    moved = _moved(log)
    last = int(np.flatnonzero(moved).max(initial=0)) + 1
    kept = np.arange(last)
    return _rows(log, kept, log.steps[kept])


def several_times(log: Log) -> Iterator[Log]:
    """Yield a log with so many of the scheduler's steps for each of its own, as it may count them."""
    for times in TIMES:
        for offset in OFFSETS:
            steps = (log.steps + offset) * times
            if steps.min() >= 0:
                yield replace(log, steps=steps)


def _moved(log: Log) -> NDArray[np.bool_]:
    """Return for each row but the first whether a learning rate is another than before."""
    moved: NDArray[np.bool_] = (np.diff(log.lr, axis=0) != 0).any(axis=1)
    return moved


def _rows(log: Log, rows: NDArray[np.intp], steps: NDArray[np.int64]) -> Log:
    return replace(log, steps=steps, values=log.values[rows], epochs=None, counts="step")
