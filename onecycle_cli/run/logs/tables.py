"""Tables: CSV, with commas, semicolons or tabs, below a header that names the columns."""

from __future__ import annotations

import csv
import math
import re
from functools import partial
from itertools import chain, compress
from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs.columns import find_lr, first_of_pair, stripped, value_of_text
from onecycle_cli.run.logs.format import LONGEST_LINE, Format, LineReader
from onecycle_cli.run.logs.log import BadRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from onecycle_cli.run.logs.columns import Names
    from onecycle_cli.run.logs.format import Head, Line
    from onecycle_cli.run.logs.log import Columns, Row

    Record = tuple[int, list[str]]
    """The line a record starts on, and its cells."""

DELIMITERS = ",;\t"

LONGEST_RECORD = 50
"""Lines after which an open quote is taken to be never closed: only its own line is lost then."""


class TableReader(LineReader):
    """Reads a table; the first line that is neither blank nor a comment names the columns."""

    _rows = 0

    @classmethod
    def recognizes(cls, head: Head) -> bool | None:
        """Return whether this is text; None before its first line is complete."""
        return bool(head.lines and head.lines[0]) or None if head.is_text else False

    def add(self, lines: Iterable[Line]) -> None:
        """Add the rows of further lines to the builder: all at once where they are plain numbers, else one by one."""
        lines = list(lines)
        if self.columns is None or self._records.waiting or not self._add_block(lines, self.columns):
            super().add(lines)

    def _add_block(self, lines: Sequence[Line], columns: Columns) -> bool:
        """Add lines that all have the header's number of cells, if each that is read is a number or empty.

        This takes a third of the time that reading them one by one takes. Returns False for any other lines.
        """
        cells = self._records.block(lines, len(self._names))
        if cells is None:
            return False
        picked = [cells[place :: len(self._names)] for place in self._places]
        try:
            steps, *values = ([float(cell or "nan") for cell in column] for column in picked)
        except ValueError:
            return False
        if self._step is None:
            steps = [float(row) for row in range(self._rows, self._rows + len(lines))]
        numbers: Iterable[int] = range(lines[0][0], lines[0][0] + len(lines))
        if any(map(math.isnan, map(sum, values))):  # a sum is NaN if one of its terms is
            kept = [not all(map(math.isnan, row)) for row in zip(*values, strict=True)]
            numbers = compress(numbers, kept)
            steps, *values = (list(compress(column, kept)) for column in (steps, *values))
        if "_" in "".join(chain(*picked)) or (steps and not columns.are_steps(steps)):
            return False
        self.builder.add_block(numbers, steps, values)
        self._rows += len(lines)
        return True

    def rows(self, lines: Iterable[Line]) -> Iterator[Row | BadRow]:
        """Return the rows of further lines.

        Raises:
            OnecycleError: the header names no learning rate, or lacks a column that the user named.
        """
        lines = iter(lines)
        if self.columns is None:
            header = next((text for _, text in lines if text.strip() and not text.startswith("#")), None)
            if header is None:
                return
            delimiter = max(DELIMITERS, key=header.count)
            try:
                names = cells_of(header[:LONGEST_LINE], delimiter)
            except csv.Error as error:
                message = f"the header of {self.path} is not valid CSV: {error}"
                raise OnecycleError(message, "check that this is the right file") from None
            columns = self.choose(names)
            self._records = Records(delimiter)
            self._lay_out(names, columns)
            self.columns = columns
        yield from self._read(self._records.cut(lines))

    def remaining_rows(self) -> Iterator[Row | BadRow]:
        """Return what an open quote held back."""
        if self.columns is not None:
            yield from self._read(self._records.end())

    def _lay_out(self, names: Sequence[str], columns: Columns) -> None:
        """Set each column's place, and how its cells are read."""
        self._names = names
        self._cells = [(_cell_reader(name, self._records.delimiter), names.index(name)) for name in columns.values]
        self._step = names.index(columns.step) if columns.step is not None else None
        places = [place for _, place in self._cells]
        self._places = [self._step if self._step is not None else places[0], *places]
        self._check = columns.check_step

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
                columns = self.columns
                if columns is not None and {*columns.values, columns.step} - {None} <= set(cells):
                    self._lay_out(cells, columns)  # a resumed run wrote its header here, maybe in another order
                    continue
                yield BadRow(line, str(error))
            else:
                if row is not None:
                    yield row
            self._rows += 1

    def _row(self, line: int, cells: list[str]) -> Row | None:
        """Return a row; None where it has none of the values.

        Raises:
            ValueError: the row is bad. The step may be anything where the row has no values.
        """
        width = len(self._names)
        # A delimiter at the end of each line makes empty cells past the header's.
        if len(cells) != width and (len(cells) < width or "".join(cells[width:]).strip()):
            raise ValueError(f"{len(cells)} cells, but the header has {width}")
        values = []
        for read, place in self._cells:
            try:
                values.append(read(cells[place]))
            except ValueError as error:
                raise ValueError(f"{self._names[place].strip()}: {error}") from None
        for value in values:
            if value == value:  # not NaN; faster than math.isnan
                return line, self._rows if self._step is None else self._check(value_of_text(cells[self._step])), values
        return None


def _cell_reader(name: str, delimiter: str) -> Callable[[str], float]:
    """Return the function that reads the cells of a column."""
    if name.strip().casefold().endswith("betas"):
        return lambda cell: value_of_text(first_of_pair(cell))
    if delimiter == ";":
        return partial(value_of_text, decimal_comma=True)
    return value_of_text


class Records:
    """Cuts lines into records. A quoted cell may hold the delimiter, quotes and ends of line."""

    def __init__(self, delimiter: str) -> None:
        """Start between two records."""
        self.delimiter = delimiter
        self.waiting: list[Line] = []  # the lines since an open quote

    def block(self, lines: Sequence[Line], width: int) -> list[str] | None:
        """Return the cells of all lines in one list; None unless each line is a record of so many cells.

        The first cell of each line starts with its end of line, which numbers may.
        """
        texts = [text for _, text in lines]
        text = "\n" + f"{self.delimiter}\n".join(texts)
        if not texts or '"' in text or max(map(len, texts)) > LONGEST_LINE:
            return None
        cells = text.split(self.delimiter)
        whole = len(cells) == width * len(lines) and "".join(cells[::width]).count("\n") == len(lines)
        return cells if whole else None

    def cut(self, lines: Iterable[Line]) -> Iterator[Record | BadRow]:
        """Return the records of further lines; one with an open quote waits for the next lines."""
        delimiter = self.delimiter
        for number, text in lines:
            if not self.waiting and len(text) > LONGEST_LINE:
                yield BadRow(number, f"longer than {LONGEST_LINE:,} characters")
            elif self.waiting or '"' in text:
                yield from self._quoted((number, text))
            else:  # without a quote, the csv module does no more than this
                yield number, text.removesuffix("\r").split(delimiter)

    def end(self) -> Iterator[Record | BadRow]:
        """Return what an open quote holds back at the end of the file."""
        while self.waiting:
            yield from self._give_up()

    def _quoted(self, line: Line) -> Iterator[Record | BadRow]:
        """Return the record that the line with a quote, or behind an open one, ends; nothing where it ends none."""
        self.waiting.append(line)
        number, found = self.waiting[0][0], None
        if '"' in line[1]:
            try:
                found = cells_of("\n".join(text for _, text in self.waiting), self.delimiter)
            except csv.Error as error:
                if len(self.waiting) == 1 and not isinstance(error, OpenQuoteError):
                    self.waiting = []
                    yield BadRow(number, str(error))
        if found is not None:
            self.waiting = []
            yield number, found
        elif len(self.waiting) > LONGEST_RECORD:
            yield from self._give_up()

    def _give_up(self) -> Iterator[Record | BadRow]:
        """Drop the line with the open quote, and read the lines behind it again."""
        (number, _), *behind = self.waiting
        self.waiting = []
        yield BadRow(number, "a quote is never closed")
        yield from self.cut(behind)


class OpenQuoteError(csv.Error):
    """The text ends inside a quoted cell."""


def cells_of(text: str, delimiter: str) -> list[str]:
    """Return the cells of one record.

    Raises:
        OpenQuoteError: a quote is open at the end.
        csv.Error: it is not valid CSV.
    """
    text = text.removesuffix("\r")
    if '"' not in text:
        return text.split(delimiter)
    try:
        return next(csv.reader([text], delimiter=delimiter, skipinitialspace=True, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise OpenQuoteError from None
        # Quotes inside a cell that starts without one are ordinary characters to most writers.
        return next(csv.reader([text], delimiter=delimiter, skipinitialspace=True), [])


def metrics_of_chart(names: Sequence[str]) -> dict[str, str]:
    """Return the columns of a W&B chart by metric, and its axis by its own name.

    The columns are called `run - metric`, with `run - metric__MIN` and `__MAX` beside each.

    Raises:
        OnecycleError: several runs have a learning rate.
    """
    split = {name: name.rpartition(" - ") for name in names if not name.strip().endswith(("__MIN", "__MAX"))}
    metrics = {name: (run.strip(), metric.strip()) for name, (run, between, metric) in split.items() if between}
    runs = {name: run for name, (run, metric) in metrics.items() if find_lr([metric])[1]}
    if len(set(runs.values())) > 1:
        listed = ", ".join(sorted(set(runs.values())))
        raise OnecycleError(f"the chart holds several runs: {listed}", f"name one: --column 'lr={next(iter(runs))}'")
    axes = {name.strip(): name for name in split if name not in metrics}
    return axes | {metric: name for name, (_, metric) in metrics.items()}


def _is_chart(names: Names) -> bool:
    return any(" - " in name and not name.strip().endswith(("__MIN", "__MAX")) for name in names.written)


def _is_ultralytics(names: Names) -> bool:
    return names.counts_epochs and any(re.fullmatch(r"lr/pg\d+", key) for key in names.keys)


def is_wandb_history(names: Names) -> bool:
    """Return whether these are the columns of a W&B run's history."""
    return "_step" in names.keys and not names.keys.isdisjoint({"_runtime", "_timestamp"})


FORMATS = (
    Format("wandb", TableReader, _is_chart, metrics=metrics_of_chart),
    Format("tensorboard", TableReader, lambda names: names.keys == {"wall time", "step", "value"}, lr="value"),
    Format("lightning", TableReader, lambda names: find_lr(list(stripped(names.written)))[0] == "monitor"),
    Format("ultralytics", TableReader, _is_ultralytics),
    Format("keras", TableReader, lambda names: names.counts_epochs),
    Format("wandb", TableReader, is_wandb_history),
    Format("csv", TableReader),
)
