"""What every reader gives: rows of numbers under chosen columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from onecycle_cli.errors import OnecycleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onecycle_cli.run.logs.lines import Line
    from onecycle_cli.run.logs.log import BadRow

Row = tuple[int, float, Sequence[float]]
"""A row's line, its step, and its values: the learning rates, then the momenta where some are logged."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a log are read, and what its format is.

    Attributes:
        format: as in `Log`.
        step: the column that counts; None where none does, so that the row's number counts, from 0.
        lr: the columns of learning rates, one a parameter group.
        momentum: a column for each of them, None where it has none; empty where no momentum is logged.
        groups: the groups' names.
        counts_epochs: the step column holds epochs.
        notes: what the user should know about the choice.
    """

    format: str
    step: str | None
    lr: tuple[str, ...]
    momentum: tuple[str | None, ...]
    groups: tuple[str, ...]
    counts_epochs: bool = False
    notes: tuple[str, ...] = ()

    @property
    def values(self) -> tuple[str, ...]:
        """The columns whose numbers a row holds, in its order."""
        return (*self.lr, *filter(None, self.momentum))


class NotYetError(OnecycleError):
    """There is nothing to read; a file that still grows may bring it."""


class Reader(Protocol):
    """Reads lines into rows, one at a time; takes the lines in as many portions as they come in."""

    columns: Columns | None
    """None as long as the lines so far do not tell."""

    def rows(self, lines: Iterable[Line]) -> Iterator[Row | BadRow]:
        """Give the rows of further lines that hold a learning rate or a momentum, and the bad ones."""
        ...

    def end(self) -> Iterator[Row | BadRow]:
        """Give what was held back until the end of the file.

        Raises:
            OnecycleError: there are no columns to read.
        """
        ...
