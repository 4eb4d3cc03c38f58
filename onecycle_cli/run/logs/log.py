"""What a run logged, as values: one row a logged step, one column a parameter group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be read: its line in the file (1-based), and why."""

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Log:
    """The rows of a log that hold a learning rate (or a momentum), in the order of the file.

    Attributes:
        path: the file, or `<stdin>`.
        format: how it was recognised: lightning, transformers, tensorboard, tensorboard-events, wandb, mmengine,
            keras, ultralytics, csv or jsonl.
        steps: the step of each row as it was logged, int64, shape (rows,). It may begin late, repeat and jump.
        lr: learning rates, float64, shape (rows, groups); NaN where a row has none.
        momentum: momenta (beta1), float64, shape (rows, groups); NaN where a row has none. None where none is logged.
        groups: the groups' names as the log has them, in its order; a single unnamed group is "".
        lines: the line of each row in the file, 1-based, int64, shape (rows,).
        bad_rows: rows that were skipped.
        notes: what the reader chose that the user may not expect, a sentence each.
    """

    path: str
    format: str
    steps: NDArray[np.int64]
    lr: NDArray[np.float64]
    momentum: NDArray[np.float64] | None
    groups: tuple[str, ...]
    lines: NDArray[np.int64]
    bad_rows: tuple[BadRow, ...] = ()
    notes: tuple[str, ...] = ()
