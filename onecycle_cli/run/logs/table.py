"""Tables: CSV, with commas, semicolons or tabs, below a line of names."""

from __future__ import annotations

import csv
import math
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs.choosing import choose
from onecycle_cli.run.logs.delimited import DELIMITERS, Records, cells_of
from onecycle_cli.run.logs.lines import LONGEST_LINE
from onecycle_cli.run.logs.log import BadRow
from onecycle_cli.run.logs.numbers import check_epoch, check_step, first_of_pair, value_of_text
from onecycle_cli.run.logs.rows import NotYetError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from onecycle_cli.run.logs.delimited import Record
    from onecycle_cli.run.logs.lines import Line
    from onecycle_cli.run.logs.rows import Columns, Row


class TableReader:
    """Reads a table; the first line that is neither blank nor a comment names the columns."""

    def __init__(self, path: str, wanted: Mapping[str, Sequence[str]]) -> None:
        """Begin before the header."""
        self.columns: Columns | None = None
        self._path = path
        self._wanted = wanted
        self._rows = 0

    def rows(self, lines: Iterable[Line]) -> Iterator[Row | BadRow]:
        """Give the rows of further lines.

        Raises:
            OnecycleError: the header names no learning rate, or not what the user named.
        """
        lines = iter(lines)
        if self.columns is None:
            self._read_header(lines)
        if self.columns is not None:
            yield from self._read(self._records.cut(lines))

    def end(self) -> Iterator[Row | BadRow]:
        """Give what an open quote held back.

        Raises:
            OnecycleError: there was no header.
        """
        if self.columns is None:
            raise NotYetError(f"{self._path} is empty", "check that this is the file meant")
        yield from self._read(self._records.end())

    def _read_header(self, lines: Iterator[Line]) -> None:
        for _, text in lines:
            if text.strip() and not text.startswith("#"):
                break
        else:
            return
        delimiter, names = _names(self._path, text)
        columns = choose(self._path, names, self._wanted, "csv")
        self._records = Records(delimiter)
        self._lay_out(names, columns)
        self.columns = columns

    def _lay_out(self, names: Sequence[str], columns: Columns) -> None:
        """Note where each column stands, and how its cells are read."""
        self._names = names
        self._cells = [(_reader(name, self._records.delimiter), names.index(name)) for name in columns.values]
        self._step = names.index(columns.step) if columns.step is not None else None
        places = [place for _, place in self._cells]
        self._pick = itemgetter(self._step if self._step is not None else places[0], *places)
        self._check = check_epoch if columns.counts_epochs else check_step

    def _read(self, records: Iterable[Record | BadRow]) -> Iterator[Row | BadRow]:
        for record in records:
            if isinstance(record, BadRow):
                self._rows += 1
                yield record
                continue
            line, cells = record
            if len(cells) == 1 and not cells[0].strip():
                continue
            try:
                row = self._row(line, cells)
            except ValueError as error:
                if self._is_header(cells):
                    continue
                yield BadRow(line, str(error))
            else:
                if row is not None:
                    yield row
            self._rows += 1

    def _row(self, line: int, cells: list[str]) -> Row | None:
        """Read a row; None where it has none of the values.

        Raises:
            ValueError: the row is bad.
        """
        if len(cells) != len(self._names):
            cells = self._without_the_end(cells)
        picked = self._pick(cells)
        # Most rows hold plain numbers alone; reading these at once takes half the time.
        if "" not in picked and "_" not in "".join(picked):
            try:
                step, *values = map(float, picked)
            except ValueError:
                step, values = self._step_and_values(cells)
        else:
            step, values = self._step_and_values(cells)
        for value in values:
            if value == value:  # not NaN; quicker than asking math
                return line, self._rows if self._step is None else self._check(step), values
        return None

    def _step_and_values(self, cells: list[str]) -> tuple[float, list[float]]:
        """Read the cells one by one.

        Raises:
            ValueError: one is no number; a step is not asked for where the row has no values.
        """
        try:
            values = [read(cells[place]) for read, place in self._cells]
        except ValueError:
            raise ValueError(self._culprit(cells)) from None
        if self._step is None or all(map(math.isnan, values)):
            return math.nan, values
        return value_of_text(cells[self._step]), values

    def _without_the_end(self, cells: list[str]) -> list[str]:
        """Drop empty cells past the header's, which a delimiter at the end of each line makes."""
        width = len(self._names)
        if len(cells) > width and not "".join(cells[width:]).strip():
            return cells[:width]
        raise ValueError(f"{len(cells)} cells, where the header has {width}")

    def _culprit(self, cells: list[str]) -> str:
        """Say which cell cannot be read."""
        for read, place in self._cells:
            try:
                read(cells[place])
            except ValueError as error:
                return f"{self._names[place].strip()}: {error}"
        return "cannot be read"

    def _is_header(self, cells: list[str]) -> bool:
        """Tell whether a resumed run wrote its header into the same file; another one moves the columns."""
        columns = self.columns
        if columns is None:
            return False
        wanted = {*columns.lr, *columns.momentum, columns.step} - {None}
        if not wanted <= set(cells):
            return False
        self._lay_out(cells, columns)
        return True


def _names(path: str, header: str) -> tuple[str, list[str]]:
    """Give the header's delimiter, the one that parts most, and its names."""
    delimiter = max(DELIMITERS, key=header.count)
    try:
        return delimiter, cells_of(header[:LONGEST_LINE], delimiter)
    except csv.Error as error:
        raise OnecycleError(f"the header of {path} is no CSV: {error}", "check that this is the file meant") from None


def _reader(name: str, delimiter: str) -> Callable[[str], float]:
    """Give what reads the cells of a column."""
    if name.strip().casefold().endswith("betas"):
        return lambda cell: value_of_text(first_of_pair(cell))
    if delimiter == ";":
        return partial(value_of_text, decimal_comma=True)
    return value_of_text
