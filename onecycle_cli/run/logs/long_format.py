"""Long format: one value per row, its name in one column and the number in another.

MLflow saves a chart's data as such a table, and Comet's API returns such objects.
"""

from __future__ import annotations

import csv
import json
from contextlib import suppress
from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs.builder import LogBuilder
from onecycle_cli.run.logs.cells import value_of_json
from onecycle_cli.run.logs.columns import find_epoch, find_lr, find_step
from onecycle_cli.run.logs.documents import JsonDocumentReader
from onecycle_cli.run.logs.format import Format, LineReader, Reader
from onecycle_cli.run.logs.log import BadRow, NotYetError
from onecycle_cli.run.logs.named_values import NamedValues
from onecycle_cli.run.logs.objects import JsonLinesReader
from onecycle_cli.run.logs.records import Records, cells_of
from onecycle_cli.run.logs.tables import DELIMITERS, is_chart, metrics_of_chart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from onecycle_cli.run.logs.format import Head, Line
    from onecycle_cli.run.logs.log import Columns, Log, Row
    from onecycle_cli.run.logs.objects import Entry

NAMES = ("name", "key", "metric", "metric_name", "metricname", "tag", "variable")
VALUES = ("value", "metric_value", "metricvalue")
RUNS = ("run_id", "run_uuid", "run", "run_name", "dir_name", "experiment")
"""What the columns of a long table are called, in lower case."""


class Fields:
    """The columns of a long table.

    Attributes:
        name, value: the columns with a value's name and with the value; None where there is none.
        step, epoch, run: the columns with what else is known of it.
        are_long: whether this is a long table.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        """Take the names of the columns."""
        known = {column.strip(): column for column in reversed(columns)}
        keys = {name.casefold(): column for name, column in known.items()}
        self.name, self.value, self.run = (
            next((keys[word] for word in words if word in keys), None) for words in (NAMES, VALUES, RUNS)
        )
        self.step, self.epoch = known.get(find_step(list(known)) or ""), known.get(find_epoch(list(known)) or "")
        self.are_long = None not in (self.name, self.value) and not find_lr(list(known))[1]


class LongReader(Reader):
    """Joins values that were logged one by one into rows."""

    def __init__(self, path: str, choose: Callable[[Sequence[str]], Columns]) -> None:
        """Start before the first value; the arguments are those of `Reader`."""
        super().__init__(path, choose)
        self._runs: dict[str, NamedValues] = {}
        self._fields: Fields | None = None
        self._count = 0

    @property
    def rows_read(self) -> int:
        """How many values were read."""
        return self._count

    def rows_of(self, entries: Iterable[Entry | BadRow]) -> Iterator[Row | BadRow]:
        """Take the values of further objects; return the bad rows."""
        for entry in entries:
            if isinstance(entry, BadRow):
                yield entry
            else:
                self._take(*entry)

    def _take(self, line: int, entry: Mapping[str, object]) -> None:
        fields = self._fields = self._fields or Fields(list(entry))
        values = self._runs.setdefault(str(entry.get(fields.run or "", "")), NamedValues())
        name = str(entry.get(fields.name or "", "")).strip()
        try:
            counter = fields.step or fields.epoch
            step = value_of_json(entry.get(counter)) if counter is not None else None
            value = value_of_json(entry.get(fields.value or ""))
        except ValueError as error:
            values.add_bad(BadRow(line, f"{name}: {error}"), name)
            return
        self._count += 1
        values.add(line, name, step, value)
        if fields.epoch not in (None, counter) and step is not None:
            with suppress(ValueError):
                values.add_once(line, fields.epoch, step, value_of_json(entry.get(fields.epoch)))

    def remaining_rows(self) -> Iterator[Row | BadRow]:
        """Return nothing: the rows are made when all values are known."""
        return iter(())

    def build(self, notes: tuple[str, ...] = (), *, grows: bool = False) -> Log:
        """Return the values read so far as a log.

        Raises:
            NotYetError: no value was read, or more are to come and none is a learning rate yet.
            OnecycleError: no value is a learning rate, or too many are bad.
        """
        if not self._count:
            raise NotYetError(f"{self.path} has no rows", "check that this is the right file")
        values = next(iter(self._runs.values())) if len(self._runs) == 1 else NamedValues.of_runs(self._runs)
        counters = [self._fields.step, self._fields.epoch] if self._fields else []
        try:
            columns = self.choose(list(dict.fromkeys([*values.names, *filter(None, counters)])))
        except OnecycleError as error:
            raise (NotYetError(error.message, error.hint) if grows else error) from None
        builder = LogBuilder(self.path)
        builder.add(self.builder.bad_rows)
        values.add_to(builder, columns, grows=grows)
        return builder.build(columns, notes)


class LongTableReader(LongReader, LineReader):
    """Reads a long table; the first line names the columns."""

    _records: Records | None = None

    @classmethod
    def recognizes(cls, head: Head) -> bool | None:
        """Return whether the first line names the columns of a long table; None before it is complete."""
        if not head.is_text or head.text.startswith(("{", "[")):
            return False
        header = next((line for line in head.lines if line.strip() and not line.startswith("#")), None)
        return None if header is None and not head.complete else Fields(_cells(header or "")).are_long

    def rows(self, lines: Iterable[Line]) -> Iterator[Row | BadRow]:
        """Take the values of further lines; return the bad rows."""
        lines = iter(lines)
        if self._records is None:
            header = next((text for _, text in lines if text.strip() and not text.startswith("#")), None)
            if header is None:
                return
            self._records = Records(max(DELIMITERS, key=header.count))
            self._names = _cells(header)
        for record in self._records.cut(lines):
            if isinstance(record, BadRow):
                yield record
            elif len(record[1]) == len(self._names):
                self._take(record[0], dict(zip(self._names, record[1], strict=True)))
            elif record[1] != [""]:
                yield BadRow(record[0], f"{len(record[1])} cells, but the header has {len(self._names)}")


class LongLinesReader(LongReader, JsonLinesReader):
    """Reads JSON Lines with a value each."""

    @classmethod
    def recognizes(cls, head: Head) -> bool | None:
        """Return whether the first object holds a name and a value."""
        answer = super().recognizes(head)
        return _is_long(head.text) if answer else answer


class LongDocumentReader(LongReader, JsonDocumentReader):
    """Reads a JSON document that lists values."""

    @classmethod
    def recognizes(cls, head: Head) -> bool | None:
        """Return whether the text is a list, and its first object holds a name and a value."""
        return head.text.startswith("[") and _is_long(head.text)


def _cells(line: str) -> list[str]:
    """Return the cells of a header; nothing where it is not valid CSV."""
    with suppress(csv.Error):
        return cells_of(line, max(DELIMITERS, key=line.count))
    return []


def _is_long(text: str) -> bool:
    """Return whether the first object in a text holds a name and a value."""
    try:
        first, _ = json.JSONDecoder().raw_decode(text, text.find("{"))
    except (ValueError, RecursionError):
        return False
    return Fields(list(first)).are_long


FORMATS = tuple(
    format_
    for reader in (LongTableReader, LongLinesReader, LongDocumentReader)
    for format_ in (Format("long", reader, is_chart, metrics=metrics_of_chart), Format("long", reader))
)
