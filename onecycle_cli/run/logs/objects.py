"""JSON objects as rows: a line each (JSON Lines), or the entries of a list."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs.choosing import choose
from onecycle_cli.run.logs.lines import LONGEST_LINE
from onecycle_cli.run.logs.log import BadRow
from onecycle_cli.run.logs.naming import find_epoch, find_step
from onecycle_cli.run.logs.numbers import check_epoch, check_step, value_of_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from onecycle_cli.run.logs.lines import Line
    from onecycle_cli.run.logs.rows import Columns, Row

    Entry = tuple[int, dict[str, object]]
    """The line an object begins on, and its values, flat."""

SAMPLE = 200
"""Objects looked at before the columns are chosen: the groups of one step may stand in several objects."""

MOST_KEYS = 10_000
MOST_ITEMS = 64
"""Of a list inside an object: more are no learning rates."""

DEEPEST = 12
"""Levels inside an object below which nothing is looked for."""


class ObjectReader:
    """Reads JSON Lines; objects that hold no learning rate may stand between."""

    def __init__(self, path: str, wanted: Mapping[str, Sequence[str]]) -> None:
        """Begin before the first object."""
        self.columns: Columns | None = None
        self._path = path
        self._wanted = wanted
        self._sample: list[Entry | BadRow] = []
        self._keys: dict[str, None] = {}
        self._counting = False
        self._names: tuple[str, ...] = ()
        self._rows = 0

    def rows(self, lines: Iterable[Line]) -> Iterator[Row | BadRow]:
        """Give the rows of further lines."""
        yield from self.rows_of(parse(number, text) for number, text in lines if text.strip())
        if self.columns is None and self._counting and self._try_to_choose():
            yield from self._held_back()

    def rows_of(self, entries: Iterable[Entry | BadRow]) -> Iterator[Row | BadRow]:
        """Give the rows of further objects."""
        for entry in entries:
            if self.columns is not None:
                if (row := self._row(entry)) is not None:
                    yield row
                continue
            self._sample.append(entry)
            if not isinstance(entry, BadRow):
                self._remember(entry[1])
            if len(self._sample) >= SAMPLE:
                if self._try_to_choose():
                    yield from self._held_back()
                else:  # none of these is a row; what they are called may still be named in a message
                    self._rows += len(self._sample)
                    yield from (each for each in self._sample if isinstance(each, BadRow))
                    self._sample = []

    def end(self) -> Iterator[Row | BadRow]:
        """Give what was held back.

        Raises:
            OnecycleError: no object holds a learning rate, or what the user named.
        """
        if self.columns is None:
            bad = next((each for each in self._sample if isinstance(each, BadRow)), None)
            if bad is not None and not self._keys:
                message = f"{self._path} holds no JSON object: line {bad.line}: {bad.why}"
                raise OnecycleError(message, "check that this is the file meant")
            self.columns = choose(self._path, list(self._keys), self._wanted, "jsonl")
            yield from self._held_back()

    def _remember(self, values: Mapping[str, object]) -> None:
        """Remember the keys; those of objects that count something push aside those of a config line before."""
        counting = find_step(list(values)) is not None or find_epoch(list(values)) is not None
        if counting and not self._counting:
            self._counting = True
            self._keys = {}
        if counting == self._counting and len(self._keys) < MOST_KEYS:
            self._keys.update(dict.fromkeys(values))

    def _try_to_choose(self) -> bool:
        try:
            self.columns = choose(self._path, list(self._keys), self._wanted, "jsonl")
        except OnecycleError:  # what is missing may still come; `end` says so if it does not
            return False
        return True

    def _held_back(self) -> Iterator[Row | BadRow]:
        sample, self._sample = self._sample, []
        self._names = self.columns.values if self.columns is not None else ()
        yield from filter(None, map(self._row, sample))

    def _row(self, entry: Entry | BadRow) -> Row | BadRow | None:
        """Read an object; None where it has none of the values."""
        number, self._rows = self._rows, self._rows + 1
        if isinstance(entry, BadRow) or self.columns is None:
            return entry if isinstance(entry, BadRow) else None
        line, values = entry
        columns = self.columns
        if columns.step is not None and columns.step not in values:
            return None
        try:
            numbers = [value_of_json(values.get(name)) for name in self._names]
            if all(map(math.isnan, numbers)):
                return None
            step = number if columns.step is None else value_of_json(values[columns.step])
            return line, (check_epoch if columns.counts_epochs else check_step)(step), numbers
        except ValueError as error:
            return BadRow(line, str(error))


def parse(line: int, text: str) -> Entry | BadRow:
    """Read a line's object."""
    if len(text) > LONGEST_LINE:
        return BadRow(line, f"longer than {LONGEST_LINE:,} characters")
    try:
        return entry_of(line, _value_of(text))
    except (ValueError, RecursionError) as error:
        return BadRow(line, f"no JSON: {str(error)[:80]}")


def _value_of(text: str) -> object:
    """Read JSON, and the NaN and Infinity that Python writes."""
    import orjson

    try:
        return orjson.loads(text)  # four times as quick
    except ValueError:
        return json.loads(text)


def entry_of(line: int, value: object) -> Entry | BadRow:
    """Give an object flat: what lies deeper is called by its path, with slashes."""
    if not isinstance(value, dict):
        return BadRow(line, "no JSON object")
    if any(type(inner) in (dict, list) for inner in value.values()):
        return line, dict(_flat("", value))
    return line, value


def _flat(path: str, value: object, depth: int = 0) -> Iterator[tuple[str, object]]:
    if depth > DEEPEST:
        return
    if isinstance(value, dict):
        inside: Iterable[tuple[object, object]] = value.items()
    elif isinstance(value, list):
        inside = enumerate(value[:MOST_ITEMS])
    else:
        yield path, value
        return
    for key, inner in inside:
        yield from _flat(f"{path}/{key}" if path else str(key), inner, depth + 1)
