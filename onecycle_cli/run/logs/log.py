"""What a run logged, as values: one row per logged step, one column per parameter group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from onecycle_cli.errors import OnecycleError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_STEPS = 2**53
"""Every step below it is the same number as int64 and as float64."""

Row = tuple[float, Sequence[float]]
"""A row's step, and its values in the order of `Columns.values`; NaN where it has none."""

Texts = tuple[tuple[str, ...], ...]
"""Of each column, some of its numbers as they were written; nothing where they were not written as text."""


CUT_OFF = "the last line does not end: if the run was killed while writing it, its last number may be cut off"


class NotYetError(OnecycleError):
    """The log has no rows yet; a file that is still written may get some."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that could not be read.

    Attributes:
        line: its line in the file, 1-based.
        why: the reason, without the line.
    """

    line: int
    why: str


@dataclass(frozen=True, slots=True)
class Log:
    """The rows of a log that hold a learning rate (or a momentum), in the order of the file.

    Attributes:
        path: the file, or `<stdin>`.
        format: the name of its format in `onecycle_cli.run.logs.FORMATS`.
        steps: the step of each row as it was logged, int64, shape (rows,). Steps may start late, repeat and skip.
        values: the learning rate of each group and then, if one is logged, its momentum (beta1), float64, shape (rows,
            groups) or (rows, 2 * groups); NaN where a row has none.
        groups: the groups' names as the log has them, in its order; a single unnamed group is "".
        others: how many of the last groups are columns that only may be learning rates.
        lr_columns: the columns with the learning rates, by their full names.
        step_column: the column with the steps; None where the rows are numbered.
        counts: what `steps` holds: steps, whole epochs where no column counts steps, or the rows' numbers from 0.
        epochs: the epoch of each row as it was logged, float64, shape (rows,); NaN where a row has none. None where no
            column counts epochs.
        texts: for each column of `values`, how some of its numbers were written; empty where no numbers were texts.
        loss: the loss of each row, float64, shape (rows,); NaN where a row has none. None where it was not asked for.
        loss_column: the column with the losses, by its full name; empty where they were not asked for.
        bad_rows: rows that were skipped.
        notes: choices of the reader that the user may not expect, one sentence each.
    """

    path: str
    format: str
    steps: NDArray[np.int64]
    values: NDArray[np.float64]
    groups: tuple[str, ...]
    others: int = 0
    lr_columns: tuple[str, ...] = ()
    step_column: str | None = None
    counts: Literal["step", "epoch", "row"] = "step"
    epochs: NDArray[np.float64] | None = None
    texts: Texts = ()
    loss: NDArray[np.float64] | None = None
    loss_column: str = ""
    bad_rows: tuple[BadRow, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def torn(self) -> bool:
        """Whether the last line does not end."""
        return CUT_OFF in self.notes

    def without_last_row(self) -> Log:
        """Return the log without its last row."""
        epochs, loss = (None if each is None else each[:-1] for each in (self.epochs, self.loss))
        return replace(self, steps=self.steps[:-1], values=self.values[:-1], epochs=epochs, loss=loss)

    @property
    def lr(self) -> NDArray[np.float64]:
        """The learning rates, shape (rows, groups)."""
        return self.values[:, : len(self.groups)]

    @property
    def momentum(self) -> NDArray[np.float64] | None:
        """The momenta, shape (rows, groups); None where none is logged."""
        groups = len(self.groups)
        return self.values[:, groups:] if self.values.shape[1] > groups else None


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a file are read.

    Attributes:
        format: the name of the file's format.
        step: the column with the step; None where no column counts, so that the row's number is its step, from 0.
        lr: the columns with learning rates, one per parameter group.
        momentum: the momentum column of each group, None where it has none; empty where no momentum is logged.
        groups: the groups' names.
        others: how many of the last learning rates are of other names than the first ones, so that they may be
            something else.
        counts_epochs: the step column holds epochs.
        epoch: the column with the epoch, where it is not the step column; None where there is none.
        loss: the column with the loss; None where it is not asked for.
        notes: what the user should know about the choice.
        values: the columns whose numbers a row holds, in the row's order: learning rates, momenta, the loss, the epoch.
        measured: how many of `values` are learning rates and momenta.
        wanted: how many of `values` are these or the loss; a row has at least one of them.
        optional: those of `values` that are missing where they are not numbers, and make no bad row.
    """

    format: str
    step: str | None
    lr: tuple[str, ...]
    momentum: tuple[str | None, ...]
    groups: tuple[str, ...]
    others: int = 0
    counts_epochs: bool = False
    epoch: str | None = None
    loss: str | None = None
    notes: tuple[str, ...] = ()
    values: tuple[str, ...] = field(init=False)
    measured: int = field(init=False)
    wanted: int = field(init=False)
    optional: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Set the columns whose numbers a row holds."""
        measured = (*self.lr, *filter(None, self.momentum))
        object.__setattr__(self, "values", (*measured, *filter(None, [self.loss, self.epoch])))
        object.__setattr__(self, "measured", len(measured))
        object.__setattr__(self, "wanted", len(measured) + (self.loss is not None))
        sure = len(self.lr) - self.others
        needed = {*self.lr[:sure], *self.momentum[:sure], self.loss}
        object.__setattr__(self, "optional", frozenset(self.values) - needed)

    def is_row(self, values: Sequence[float]) -> bool:
        """Return whether a row has a learning rate, a momentum or a loss."""
        return any(value == value for value in values[: self.wanted])  # not NaN; faster than math.isnan

    def are_steps(self, numbers: NDArray[np.float64]) -> bool:
        """Return whether all numbers are valid steps, or epochs where the column counts epochs."""
        inside = (numbers >= 0) & (numbers < MOST_STEPS)
        return bool(inside.all() and (self.counts_epochs or (numbers == numbers // 1).all()))

    def check_step(self, step: float) -> float:
        """Return a step, or an epoch where the column counts epochs, if it is valid.

        Raises:
            ValueError: it is missing, negative, too large to be counted exactly, or a fractional step.
        """
        if 0 <= step < MOST_STEPS and (step == int(step) or self.counts_epochs):
            return step
        noun = "epoch" if self.counts_epochs else "step"
        raise ValueError(f"no {noun} in this row" if math.isnan(step) else f"invalid {noun} {step:.17g}")
