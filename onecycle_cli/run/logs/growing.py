"""A log in lines, taken in as it comes: all at once, or as a run writes it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from onecycle_cli.run.logs.gathering import Gathering
from onecycle_cli.run.logs.lines import Lines
from onecycle_cli.run.logs.objects import ObjectReader
from onecycle_cli.run.logs.table import TableReader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onecycle_cli.run.logs.log import Log
    from onecycle_cli.run.logs.rows import Reader

CUT_OFF = "the last line does not end: if the run was killed while writing it, its last number may be cut off"


class Growing:
    """The rows of a table or of JSON Lines so far."""

    def __init__(self, path: str, kind: str, wanted: Mapping[str, Sequence[str]]) -> None:
        """Begin before the first byte."""
        self._lines = Lines()
        self._reader: Reader = TableReader(path, wanted) if kind == "table" else ObjectReader(path, wanted)
        self._gathering = Gathering(path)
        self._notes: tuple[str, ...] = ()

    def feed(self, data: bytes) -> bool:
        """Take further bytes, cut anywhere; tell whether they completed a row.

        Raises:
            OnecycleError: the columns are not there, or too many rows are bad.
        """
        before = len(self._gathering)
        self._gathering.take(self._reader.rows(self._lines.feed(data)))
        return len(self._gathering) > before

    def end(self) -> None:
        """Take what waited for more: a last line without its end.

        Raises:
            OnecycleError: the columns are not there, or too many rows are bad.
        """
        last = list(self._lines.feed(b"", ended=True))
        before = len(self._gathering)
        self._gathering.take(self._reader.rows(last))
        if last and len(self._gathering) > before and isinstance(self._reader, TableReader):
            self._notes = (CUT_OFF,)
        self._gathering.take(self._reader.end())

    def log(self) -> Log | None:
        """Give the rows so far as a log; None as long as the columns are not known.

        Raises:
            OnecycleError: too many rows are bad, or there is none.
        """
        if self._reader.columns is None:
            return None
        log = self._gathering.log(self._reader.columns)
        return replace(log, notes=log.notes + self._notes)
