"""What a run logged, as values: one row per logged step, one column per parameter group."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

FEW_BAD_ROWS = 3
"""Bad rows that are skipped in a log of any length: a crash tears one line, and the resumed run appends to it."""

MOST_BAD_SHARE = 0.1
"""With a larger share of bad rows the columns are probably the wrong ones, and a verdict would be chance."""

MOST_BAD_ROWS = 100
"""With more bad rows reading stops: nobody reads a longer list."""

MOST_STEPS = 2**53
"""Every step below it is the same number as int64 and as float64."""

Row = tuple[int, float, Sequence[float]]
"""A row's line in the file, its step, and its values in the order of `Columns.values`; NaN where it has none."""


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
        lr: learning rates, float64, shape (rows, groups); NaN where a row has none.
        momentum: momenta (beta1), float64, shape (rows, groups); NaN where a row has none. None where none is logged.
        groups: the groups' names as the log has them, in its order; a single unnamed group is "".
        lines: the line of each row in the file, 1-based, int64, shape (rows,).
        bad_rows: rows that were skipped.
        notes: choices of the reader that the user may not expect, one sentence each.
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


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a file are read.

    Attributes:
        format: the name of the file's format.
        step: the column with the step; None where no column counts, so that the row's number is its step, from 0.
        lr: the columns with learning rates, one per parameter group.
        momentum: the momentum column of each group, None where it has none; empty where no momentum is logged.
        groups: the groups' names.
        counts_epochs: the step column holds epochs.
        notes: what the user should know about the choice.
        values: the columns whose numbers a row holds, in the row's order: the learning rates, then the momenta.
    """

    format: str
    step: str | None
    lr: tuple[str, ...]
    momentum: tuple[str | None, ...]
    groups: tuple[str, ...]
    counts_epochs: bool = False
    notes: tuple[str, ...] = ()
    values: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Set the columns whose numbers a row holds."""
        object.__setattr__(self, "values", (*self.lr, *filter(None, self.momentum)))

    def are_steps(self, numbers: Sequence[float]) -> bool:
        """Return whether all numbers are valid steps, or epochs where the column counts epochs."""
        whole = self.counts_epochs or all(map(float.is_integer, numbers))
        return whole and not any(map(math.isnan, numbers)) and min(numbers) >= 0 and max(numbers) < MOST_STEPS

    def check_step(self, step: float) -> float:
        """Return a step, or an epoch where the column counts epochs, if it is valid.

        Raises:
            ValueError: it is missing, negative, too large to be counted exactly, or a fractional step.
        """
        if 0 <= step < MOST_STEPS and (step == int(step) or self.counts_epochs):
            return step
        noun = "epoch" if self.counts_epochs else "step"
        raise ValueError(f"no {noun} in this row" if math.isnan(step) else f"invalid {noun} {step:.17g}")


class LogBuilder:
    """Collects rows in flat arrays of eight bytes per number, and builds the log from them."""

    def __init__(self, path: str) -> None:
        """Start without rows; `path` is the file's name in messages and in the log."""
        self.path = path
        self._steps = array("d")
        self._lines = array("q")
        self._values = array("d")
        self._bad: list[BadRow] = []

    def __len__(self) -> int:
        """Return the number of good rows."""
        return len(self._steps)

    def add(self, rows: Iterable[Row | BadRow]) -> None:
        """Add rows.

        Raises:
            OnecycleError: more than MOST_BAD_ROWS rows are bad.
        """
        add_step, add_line, add_values = self._steps.append, self._lines.append, self._values.extend
        for row in rows:
            if isinstance(row, BadRow):
                self._bad.append(row)
                if len(self._bad) > MOST_BAD_ROWS:
                    raise self._too_many(f"more than {MOST_BAD_ROWS} rows")
                continue
            line, step, values = row
            add_line(line)
            add_step(step)
            add_values(values)

    def add_block(self, lines: Iterable[int], steps: Sequence[float], values: Sequence[Sequence[float]]) -> None:
        """Add good rows, given as columns: their lines, steps, and values in the order of `Columns.values`."""
        flat = array("d", bytes(8 * len(steps) * len(values)))
        for at, column in enumerate(values):
            flat[at :: len(values)] = array("d", column)
        self._values += flat
        self._steps.extend(steps)
        self._lines.extend(lines)

    def build(self, columns: Columns, notes: tuple[str, ...] = ()) -> Log:
        """Return the rows added so far as a log.

        Raises:
            NotYetError: no row was added.
            OnecycleError: too many of the rows are bad.
        """
        import numpy as np

        bad, good, groups = len(self._bad), len(self), len(columns.groups)
        if bad > FEW_BAD_ROWS and bad > MOST_BAD_SHARE * (bad + good):
            raise self._too_many(f"{bad} of {bad + good} rows")
        if not good:
            hint = "check that the run logged it, or name another column: --column lr=NAME"
            nothing = NotYetError(f"no row of {self.path} has a learning rate", hint)
            raise self._too_many("none of the rows", can="can") if bad else nothing
        # A view, to save memory; it must not outlive this call, for a viewed array cannot grow.
        values = np.frombuffer(self._values, dtype=np.float64).reshape(good, -1)
        momentum = None
        if columns.momentum:  # NaN for a group without one
            momentum = np.full((good, groups), math.nan)
            momentum[:, [group for group, name in enumerate(columns.momentum) if name is not None]] = values[:, groups:]
        steps, step_notes = self._whole_steps(columns)
        return Log(
            path=self.path,
            format=columns.format,
            steps=steps,
            lr=values[:, :groups].copy(),
            momentum=momentum,
            groups=columns.groups,
            lines=np.array(self._lines, dtype=np.int64),
            bad_rows=tuple(self._bad),
            notes=(*columns.notes, *step_notes, *notes),
        )

    def _whole_steps(self, columns: Columns) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """Return the steps, and a note; rows are numbered where an epoch column does not count them one by one."""
        import numpy as np

        steps = np.frombuffer(self._steps, dtype=np.float64)
        if not columns.counts_epochs:
            return steps.astype(np.int64), ()
        several_per_epoch = 2 * int((np.diff(steps) == 0).sum()) > len(steps) - 1
        if several_per_epoch or not (steps == np.floor(steps)).all():
            note = f"column {columns.step} does not count the rows one by one: the rows are numbered from 0"
            return np.arange(len(steps), dtype=np.int64), (note,)
        return steps.astype(np.int64), (f"no column counts steps: the epochs in column {columns.step} are used",)

    def _too_many(self, rows: str, can: str = "cannot") -> OnecycleError:
        first = "; ".join(f"line {row.line}: {row.why}" for row in self._bad[:3])
        return OnecycleError(
            f"{rows} of {self.path} {can} be read: {first}",
            "correct these lines, or name the columns with --column step=NAME and --column lr=NAME",
        )


def rows_by_step(values: Iterable[tuple[int, float, str, float]], columns: Columns) -> Iterator[Row | BadRow]:
    """Join values that were logged one by one into rows.

    A row ends where the step changes, where a name comes again, and with the last value.

    Args:
        values: the line, step, name and value of each, in the order of the file. A reader that gets the file piece by
            piece must not begin a new call within a row.
        columns: the names that are read; others are skipped.
    """
    places = {name: at for at, name in enumerate(columns.values)}
    row: list[float] = []
    first_line, current = 0, -1.0
    for line, step, name, value in values:
        at = places.get(name)
        if at is None:
            continue
        if not row or step != current or not math.isnan(row[at]):
            yield from _checked_row(first_line, current, row, columns)
            row, first_line, current = [math.nan] * len(places), line, step
        row[at] = value
    yield from _checked_row(first_line, current, row, columns)


def _checked_row(line: int, step: float, values: list[float], columns: Columns) -> Iterator[Row | BadRow]:
    if all(map(math.isnan, values)):
        return
    try:
        yield line, columns.check_step(step), values
    except ValueError as error:
        yield BadRow(line, str(error))
