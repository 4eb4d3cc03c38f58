"""Rows gathered into compact arrays, and how many bad ones are put up with."""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs.log import BadRow, Log
from onecycle_cli.run.logs.rows import NotYetError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.run.logs.rows import Columns, Row

FEW_BAD_ROWS = 3
"""So many bad rows are skipped in the shortest log: a crash tears a line, the resumed run appends to it."""

MOST_BAD_SHARE = 0.1
"""Above this share of bad rows the columns are not what they were taken for, and a verdict would rest on chance."""

MOST_BAD_ROWS = 100
"""Above this number reading stops: the list would no longer be read by anyone, and the file is to be mended."""


class Gathering:
    """The rows of a log so far: numbers in arrays, eight bytes each."""

    def __init__(self, path: str) -> None:
        """Begin without rows; `path` is what messages and the log call the file."""
        self.path = path
        self._steps = array("d")
        self._lines = array("q")
        self._values = array("d")
        self._bad: list[BadRow] = []

    def __len__(self) -> int:
        """Count the good rows."""
        return len(self._steps)

    def take(self, rows: Iterable[Row | BadRow]) -> None:
        """Take rows in.

        Raises:
            OnecycleError: far too many are bad.
        """
        add_step, add_line, add_values = self._steps.append, self._lines.append, self._values.extend
        for row in rows:
            if isinstance(row, BadRow):
                self._bad.append(row)
                if len(self._bad) > MOST_BAD_ROWS:
                    raise self._too_many(f"more than {MOST_BAD_ROWS}")
                continue
            line, step, values = row
            add_line(line)
            add_step(step)
            add_values(values)

    def log(self, columns: Columns) -> Log:
        """Give the rows so far as a log.

        Raises:
            OnecycleError: too many of the rows are bad, or there is none.
        """
        import numpy as np

        self._check()
        groups = len(columns.groups)
        values = np.array(self._values, dtype=np.float64).reshape(len(self), -1)
        steps, notes = self._counted(columns)
        return Log(
            path=self.path,
            format=columns.format,
            steps=steps,
            lr=np.ascontiguousarray(values[:, :groups]),
            momentum=_spread(values[:, groups:], columns) if columns.momentum else None,
            groups=columns.groups,
            lines=np.array(self._lines, dtype=np.int64),
            bad_rows=tuple(self._bad),
            notes=columns.notes + notes,
        )

    def _counted(self, columns: Columns) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        """Give the steps; where a column of epochs cannot be a count of steps, number the rows."""
        import numpy as np

        steps = np.array(self._steps, dtype=np.float64)
        if not columns.counts_epochs:
            return steps.astype(np.int64), ()
        several_an_epoch = 2 * int((np.diff(steps) == 0).sum()) > len(steps) - 1
        if several_an_epoch or not (steps == np.floor(steps)).all():
            note = f"column {columns.step} does not count the rows one by one: the rows are numbered from 0"
            return np.arange(len(steps), dtype=np.int64), (note,)
        return steps.astype(np.int64), (f"no column counts steps: the epochs in column {columns.step} are taken",)

    def _check(self) -> None:
        bad = len(self._bad)
        if bad > FEW_BAD_ROWS and bad > MOST_BAD_SHARE * (bad + len(self)):
            raise self._too_many(f"{bad} of {bad + len(self)}")
        if not len(self):
            if bad:
                raise self._too_many("all")
            hint = "check that the run logged it, or name another column: --column lr=NAME"
            raise NotYetError(f"no row of {self.path} holds a learning rate", hint)

    def _too_many(self, count: str) -> OnecycleError:
        first = "; ".join(f"line {row.line}: {row.why}" for row in self._bad[:3])
        return OnecycleError(
            f"{count} rows of {self.path} cannot be read: {first}",
            "mend these lines, or name the columns with --column step=NAME and --column lr=NAME",
        )


def _spread(values: NDArray[np.float64], columns: Columns) -> NDArray[np.float64]:
    """Put each logged momentum under its group; a group without one has NaN."""
    import numpy as np

    momentum = np.full((len(values), len(columns.groups)), math.nan)
    momentum[:, [group for group, name in enumerate(columns.momentum) if name is not None]] = values
    return momentum
