"""JSON objects as rows, and JSON Lines, which has one per line."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, TypeGuard

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs.cells import Written, items_of, text_of, value_of_json
from onecycle_cli.run.logs.columns import find_epoch, find_step
from onecycle_cli.run.logs.format import FIRST_LINES, LONGEST_LINE, Format, LineReader, Reader
from onecycle_cli.run.logs.log import BadRow
from onecycle_cli.run.logs.records import JSON_NUMBERS
from onecycle_cli.run.logs.tables import is_wandb_history

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from onecycle_cli.run.logs.columns import Names
    from onecycle_cli.run.logs.format import Head, Line
    from onecycle_cli.run.logs.log import Columns, Row

    Entry = tuple[int, dict[str, object]]
    """The line an object starts on, and its values, flat."""

HISTORY = "log_history"
"""The key of the list of logged objects in the trainer_state.json of transformers."""

SAMPLE = 200
"""Objects looked at before the columns are chosen: the groups of one step may be spread over several objects."""

MOST_KEYS = 10_000
"""Keys that are collected; a log with more of them makes up its keys, and they would fill the memory."""

MOST_ITEMS = 64
"""Items of a list inside an object that are read; a longer one does not hold learning rates."""

SMALL_BLOCK = 20
"""Lines that are read one by one, since setting up a block takes longer than reading them."""

DEEPEST = 12
"""Levels inside an object that are read."""


class ObjectReader(Reader):
    """Turns JSON objects into rows, once enough of them are seen to choose the columns.

    Objects without a learning rate may come between; keys of a config at the beginning do not count as columns.
    """

    def __init__(self, path: str, choose: Callable[[Sequence[str]], Columns]) -> None:
        """Start before the first object; the arguments are those of `Reader`."""
        super().__init__(path, choose)
        self._waiting: list[Entry | BadRow] = []
        self._keys: dict[str, None] = {}
        self._have_counter = False
        self._count = 0

    def rows_of(self, entries: Iterable[Entry | BadRow]) -> Iterator[Row | BadRow]:
        """Return the rows of further objects."""
        for entry in entries:
            if self.columns is not None:
                if (row := self._row(entry)) is not None:
                    yield row
                continue
            self._waiting.append(entry)
            if not isinstance(entry, BadRow):
                self._add_keys(entry[1])
            if len(self._waiting) >= SAMPLE:
                try:
                    yield from self.remaining_rows()
                except OnecycleError:  # without a learning rate in a full sample, none of its objects is a row
                    self._count += len(self._waiting)
                    yield from (entry for entry in self._waiting if isinstance(entry, BadRow))
                    self._waiting = []
        if self.columns is None and self._have_counter:
            with suppress(OnecycleError):  # what is missing may still come
                yield from self.remaining_rows()

    def add_objects(self, values: Sequence[object], written: Callable[[int], object] = lambda _: None) -> bool:
        """Add the rows of objects at once, if what is read of them are numbers.

        This takes a third of the time that adding them one by one takes. Returns False for any other objects.

        Args:
            values: the objects.
            written: returns one of the objects with numbers that know their texts; by default nothing does.
        """
        import numpy as np

        columns = self.columns
        if columns is None or not values or set(map(type, values)) != {dict}:
            return False
        entries = [entry_of(0, value) for value in values]
        objects = [entry[1] for entry in entries if not isinstance(entry, BadRow)]
        picked = [[entry.get(name) for entry in objects] for name in columns.values]
        steps: list[object] = list(range(self._count, self._count + len(values)))
        has_step = np.ones(len(values), dtype=bool)
        if columns.step is not None:
            steps = [entry.get(columns.step) for entry in objects]
            has_step = np.array([columns.step in entry for entry in objects])
        if not set(map(type, chain(steps, *picked))) <= JSON_NUMBERS:
            return False
        numbers = np.array([steps, *picked], dtype=np.float64).T
        kept = np.flatnonzero(has_step & ~np.isnan(numbers[:, 1 : 1 + columns.wanted]).all(axis=1))
        if not columns.are_steps(numbers[kept, 0]):
            return False

        def texts(row: int) -> list[str]:
            entry = entry_of(0, written(int(kept[row])))
            found = {} if isinstance(entry, BadRow) else entry[1]
            return [text_of(found.get(name)) for name in columns.values]

        self.builder.add_block(numbers[kept, 0], numbers[kept, 1:], texts)
        self._count += len(values)
        return True

    def remaining_rows(self) -> Iterator[Row | BadRow]:
        """Return the rows that waited for the columns.

        Raises:
            OnecycleError: no object has a learning rate, or a column that the user named is missing.
        """
        if self.columns is not None:
            return
        bad = next((entry for entry in self._waiting if isinstance(entry, BadRow)), None)
        if bad is not None and not self._keys:
            message = f"{self.path} has no JSON object: line {bad.line}: {bad.why}"
            raise OnecycleError(message, "check that this is the right file")
        self.columns = self.choose(list(self._keys))
        waiting, self._waiting = self._waiting, []
        yield from filter(None, map(self._row, waiting))

    def _add_keys(self, values: Mapping[str, object]) -> None:
        """Collect the keys; those of objects with a counter replace those of a config before them."""
        has_counter = find_step(list(values)) is not None or find_epoch(list(values)) is not None
        if has_counter and not self._have_counter:
            self._have_counter = True
            self._keys = {}
        if has_counter == self._have_counter and len(self._keys) < MOST_KEYS:
            self._keys.update(dict.fromkeys(values))

    def _row(self, entry: Entry | BadRow) -> Row | BadRow | None:
        """Return an object's row; None where it has none of the values."""
        number, self._count = self._count, self._count + 1
        columns = self.columns
        if isinstance(entry, BadRow) or columns is None:
            return entry if isinstance(entry, BadRow) else None
        line, values = entry
        if columns.step is not None and columns.step not in values:
            return None
        try:
            optional = columns.optional
            numbers = [
                _optional(values.get(name)) if name in optional else value_of_json(values.get(name))
                for name in columns.values
            ]
            if not columns.is_row(numbers):
                return None
            step = number if columns.step is None else value_of_json(values[columns.step])
            return columns.check_step(step), numbers
        except ValueError as error:
            return BadRow(line, str(error))


class JsonLinesReader(ObjectReader, LineReader):
    """Reads JSON Lines."""

    shows_torn_lines = True

    @classmethod
    def recognizes(cls, head: Head) -> bool | None:
        """Return whether one of the first lines is an object by itself, and not a whole document."""
        if not head.text.startswith("{"):
            return False
        for line in head.lines:
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict):
                return not isinstance(value.get(HISTORY), list)
        is_document = head.complete or head.text.count("\n") >= FIRST_LINES or f'"{HISTORY}"' in head.text
        return False if is_document else None

    def add(self, lines: Iterable[Line]) -> None:
        """Add the rows of further lines to the builder, at once where that is possible."""
        lines = list(lines)
        if not self._add_block([text for _, text in lines]):
            super().add(lines)

    def _add_block(self, texts: Sequence[str]) -> bool:
        """Add the rows of lines, if each is an object; return whether they were added."""
        import orjson

        if self.columns is None or len(texts) < SMALL_BLOCK or max(map(len, texts)) > LONGEST_LINE:
            return False
        try:
            values = orjson.loads(f"[{','.join(texts)}]")
        except ValueError:
            return False
        return len(values) == len(texts) and self.add_objects(values, lambda at: _with_texts(texts[at]))

    def rows(self, lines: Iterable[Line]) -> Iterator[Row | BadRow]:
        """Return the rows of further lines."""
        builder = self.builder
        entries = (parsed(line, text, written=builder.wants_texts) for line, text in lines if text.strip())
        return self.rows_of(entries)


def parsed(line: int, text: str, *, written: bool) -> Entry | BadRow:
    """Return the object in a line; `written`: its numbers with their texts."""
    import orjson

    if len(text) > LONGEST_LINE:
        return BadRow(line, f"longer than {LONGEST_LINE:,} characters")
    try:
        if written:
            return entry_of(line, _with_texts(text))
        try:
            value = orjson.loads(text)  # four times as fast as json
        except ValueError:
            value = json.loads(text)  # it also reads the NaN and Infinity that Python writes
        return entry_of(line, value)
    except (ValueError, RecursionError) as error:
        return BadRow(line, f"not valid JSON: {str(error)[:80]}")


def _with_texts(text: str) -> object:
    """Return the value in a line, its numbers with their texts."""
    return json.loads(text, parse_float=Written)


def entry_of(line: int, value: object) -> Entry | BadRow:
    """Return an object's values flat: those inside other values are called by their path, with slashes."""
    if not isinstance(value, dict):
        return BadRow(line, "not a JSON object")
    types = set(map(type, value.values()))
    if types <= JSON_NUMBERS or (types.isdisjoint((dict, list)) and not any(map(_is_list, value.values()))):
        return line, value
    flat: dict[str, object] = {}
    _flatten(value.items(), "", flat)
    return line, flat


def _flatten(inside: Iterable[tuple[object, object]], path: str, flat: dict[str, object], depth: int = 0) -> None:
    """Collect the values inside a value by their paths."""
    for key, value in inside:
        name = f"{path}{key}"
        kind = type(value)
        if kind is float or kind is int:
            flat[name] = value
        elif depth == DEEPEST:
            continue
        elif isinstance(value, dict):
            _flatten(value.items(), f"{name}/", flat, depth + 1)
        elif isinstance(value, list):
            _flatten(enumerate(value[:MOST_ITEMS]), f"{name}/", flat, depth + 1)
        elif _is_list(value) and len(items := items_of(value)) > 1:
            _flatten(enumerate(items[:MOST_ITEMS]), f"{name}/", flat, depth + 1)
        else:
            flat[name] = value


def _is_list(value: object) -> TypeGuard[str]:
    """Return whether a value may be a printed list, tensor or array."""
    return type(value) is str and value.endswith(("]", ")"))


def _optional(value: object) -> float:
    """Return a value that need not be a number; NaN where it is none."""
    try:
        return value_of_json(value)
    except ValueError:
        return math.nan


def _is_mmengine(names: Names) -> bool:
    return "iter" in names.keys and not names.keys.isdisjoint({"data_time", "base_lr", "time"})


def formats_of(reader: type[Reader]) -> tuple[Format, ...]:
    """Return the formats of logs that are objects, for one way to write these into a file."""
    return (
        Format("mmengine", reader, _is_mmengine),
        Format("transformers", reader, lambda names: {"learning_rate", "step", "epoch"} <= names.keys),
        Format("wandb", reader, is_wandb_history),
        Format("jsonl", reader),
    )


FORMATS = formats_of(JsonLinesReader)
