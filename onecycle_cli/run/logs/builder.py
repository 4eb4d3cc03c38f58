"""Rows of a log, collected while it is read."""

from __future__ import annotations

import math
from array import array
from itertools import count
from typing import TYPE_CHECKING, Literal

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs.cells import text_of
from onecycle_cli.run.logs.log import MOST_STEPS, BadRow, Log, NotYetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.run.logs.log import Columns, Row, Texts

FEW_BAD_ROWS = 3
"""Bad rows that are skipped in a log of any length: a crash tears one line, and the resumed run appends to it."""

MOST_BAD_SHARE = 0.1
"""With a larger share of bad rows the columns are probably the wrong ones, and a verdict would be chance."""

MOST_BAD_ROWS = 100
"""With more bad rows reading stops: nobody reads a longer list."""

SURELY_SEVERAL = 3
"""Rows of one step that are rows of several: a step may be logged once more."""

SAMPLED_ROWS = 1024
"""The first rows, whose texts are all kept. Of the rows up to twice as many, every second one's are, and so on."""


class LogBuilder:
    """Collects rows in flat arrays of eight bytes per number, and builds the log from them.

    Attributes:
        bad_rows: the rows that could not be read.
    """

    def __init__(self, path: str) -> None:
        """Start without rows; `path` is the file's name in messages and in the log."""
        self.path = path
        self._steps = array("d")
        self._values = array("d")
        self._samples = sampled_rows()
        self._next_sample = next(self._samples)
        self._texts: list[list[str]] = []
        self.bad_rows: list[BadRow] = []

    def __len__(self) -> int:
        """Return the number of good rows."""
        return len(self._steps)

    @property
    def wants_texts(self) -> bool:
        """Whether the numbers of the next row should be `Written`, if they are read from text."""
        return len(self._steps) == self._next_sample

    def add(self, rows: Iterable[Row | BadRow]) -> None:
        """Add rows.

        Raises:
            OnecycleError: more than MOST_BAD_ROWS rows are bad.
        """
        add_step, add_values = self._steps.append, self._values.extend
        for row in rows:
            if isinstance(row, BadRow):
                self.bad_rows.append(row)
                if len(self.bad_rows) > MOST_BAD_ROWS:
                    raise self._too_many(f"more than {MOST_BAD_ROWS} rows")
                continue
            step, values = row
            if self.wants_texts:
                self._add_texts(list(map(text_of, values)))
            add_step(step)
            add_values(values)

    def add_block(
        self, steps: NDArray[np.float64], values: NDArray[np.float64], texts: Callable[[int], Sequence[str]]
    ) -> None:
        """Add good rows at once.

        Args:
            steps: their steps.
            values: their values, shape (rows, columns), in the order of `Columns.values`.
            texts: returns how the values of one of these rows were written; "" for one that is missing.
        """
        first = len(self)
        self.add_columns(steps, values)
        while self._next_sample < len(self):
            self._add_texts(texts(self._next_sample - first))

    def add_columns(
        self, steps: NDArray[np.float64], values: NDArray[np.float64], texts: Sequence[Sequence[str]] = ()
    ) -> None:
        """Add good rows whose texts are given by column, as many as should be kept."""
        import numpy as np

        if steps.size:  # without a copy of what may be millions of rows
            self._steps.frombytes(np.ascontiguousarray(steps).data.cast("B"))
            self._values.frombytes(np.ascontiguousarray(values).data.cast("B"))
        self._texts = [list(column) for column in texts] or self._texts

    def _add_texts(self, texts: Sequence[str]) -> None:
        self._texts = self._texts or [[] for _ in texts]
        for column, text in zip(self._texts, texts, strict=True):
            if text:
                column.append(text)
        self._next_sample = next(self._samples)

    def build(self, columns: Columns, notes: tuple[str, ...] = (), *, grows: bool = False) -> Log:
        """Return the rows added so far as a log.

        Args:
            columns: what the rows hold.
            notes: more notes for the user.
            grows: whether more rows will be added. Otherwise the log takes the memory over.

        Raises:
            NotYetError: no row was added.
            OnecycleError: too many of the rows are bad.
        """
        import numpy as np

        bad, good = len(self.bad_rows), len(self)
        if bad > FEW_BAD_ROWS and bad > MOST_BAD_SHARE * (bad + good):
            raise self._too_many(f"{bad} of {bad + good} rows")
        if not good:
            hint = "check that the run logged it, or name another column: --column lr=NAME"
            nothing = NotYetError(f"no row of {self.path} has a learning rate", hint)
            raise self._too_many("none of the rows", can="can") if bad else nothing
        # An array that is viewed cannot grow.
        steps, flat = (self._steps[:], self._values[:]) if grows else (self._steps, self._values)
        values = np.frombuffer(flat, dtype=np.float64).reshape(good, -1)
        measured, texts = _measured(columns, values, [tuple(column) for column in self._texts])
        whole, counts, step_notes = _whole_steps(columns, np.frombuffer(steps, dtype=np.float64))
        epochs = None
        if columns.epoch is not None:
            epochs = values[:, columns.wanted]
            epochs = np.where((epochs >= 0) & (epochs < MOST_STEPS), epochs, np.nan)
        return Log(
            path=self.path,
            format=columns.format,
            steps=whole,
            values=measured,
            groups=columns.groups,
            others=columns.others,
            lr_columns=tuple(name.strip() for name in columns.lr),
            step_column=columns.step,
            counts=counts,
            epochs=np.frombuffer(steps, dtype=np.float64) if columns.counts_epochs else epochs,
            texts=texts,
            loss=values[:, columns.measured] if columns.loss is not None else None,
            loss_column=(columns.loss or "").strip(),
            bad_rows=tuple(self.bad_rows),
            notes=(*columns.notes, *step_notes, *notes),
        )

    def _too_many(self, rows: str, can: str = "cannot") -> OnecycleError:
        first = "; ".join(f"line {row.line}: {row.why}" for row in self.bad_rows[:3])
        return OnecycleError(
            f"{rows} of {self.path} {can} be read: {first}",
            "correct these lines, or name the columns with --column step=NAME and --column lr=NAME",
        )


def _measured(
    columns: Columns, values: NDArray[np.float64], texts: Sequence[tuple[str, ...]]
) -> tuple[NDArray[np.float64], Texts]:
    """Return the learning rates and momenta, NaN where a group has no momentum, and how some were written."""
    import numpy as np

    if None not in columns.momentum:
        return values[:, : columns.measured], tuple(texts[: columns.measured])
    groups = len(columns.groups)
    at = iter(range(groups, columns.measured))
    places = [*range(groups), *(None if name is None else next(at) for name in columns.momentum)]
    table = np.column_stack([np.full(len(values), math.nan) if at is None else values[:, at] for at in places])
    return table, tuple(() if at is None or not texts else texts[at] for at in places)


def _whole_steps(
    columns: Columns, steps: NDArray[np.float64]
) -> tuple[NDArray[np.int64], Literal["step", "epoch", "row"], tuple[str, ...]]:
    """Return the steps, what they count, and notes; rows are numbered where epochs do not count them one by one."""
    import numpy as np

    if not columns.counts_epochs:
        if columns.step is not None and len(steps) >= SURELY_SEVERAL and (steps == steps[0]).all():
            note = f"column {columns.step} is {steps[0]:g} in every row: the rows are numbered from 0"
            return np.arange(len(steps), dtype=np.int64), "row", (note,)
        return steps.astype(np.int64), "row" if columns.step is None else "step", ()
    several_per_epoch = 2 * int((np.diff(steps) == 0).sum()) > len(steps) - 1
    if several_per_epoch or not (steps == np.floor(steps)).all():
        numbered = "" if (steps != np.floor(steps)).any() else ": the rows are numbered from 0"
        note = f"column {columns.step} does not count the rows one by one{numbered}"
        return np.arange(len(steps), dtype=np.int64), "row", (note,)
    return steps.astype(np.int64), "epoch", (f"no column counts steps: the epochs in column {columns.step} are used",)


def sampled_rows() -> Iterator[int]:
    """Yield the numbers of the rows whose texts are kept."""
    yield from range(SAMPLED_ROWS)
    for doublings in count(1):
        yield from range(SAMPLED_ROWS << (doublings - 1), SAMPLED_ROWS << doublings, 1 << doublings)
