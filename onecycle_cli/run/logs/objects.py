"""JSON objects as rows: one per line (JSON Lines), or the entries of a list in a JSON document."""

from __future__ import annotations

import json
import math
import re
from contextlib import suppress
from typing import TYPE_CHECKING, TypeGuard

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs.cells import Written, items_of, value_of_json
from onecycle_cli.run.logs.columns import find_epoch, find_step
from onecycle_cli.run.logs.format import FIRST_LINES, LONGEST_LINE, Format, LineReader, Reader, encoding_of
from onecycle_cli.run.logs.log import BadRow, NotYetError
from onecycle_cli.run.logs.tables import is_wandb_history

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    from onecycle_cli.run.logs.columns import Names
    from onecycle_cli.run.logs.format import Head, Line
    from onecycle_cli.run.logs.log import Columns, Log, Row

    Entry = tuple[int, dict[str, object]]
    """The line an object starts on, and its values, flat."""

HISTORY = "log_history"
"""The key of the list of logged objects in the trainer_state.json of transformers."""

LARGEST_DOCUMENT = 2**28
"""Bytes of a JSON document, which must be held in memory; JSON Lines and CSV have no such limit."""

SAMPLE = 200
"""Objects looked at before the columns are chosen: the groups of one step may be spread over several objects."""

MOST_KEYS = 10_000
"""Keys that are collected; a log with more of them makes up its keys, and they would fill the memory."""

MOST_ITEMS = 64
"""Items of a list inside an object that are read; a longer one does not hold learning rates."""

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
            numbers = [value_of_json(values.get(name)) for name in columns.values[: columns.measured]]
            if not columns.is_row(numbers):
                return None
            if columns.epoch is not None:
                numbers.append(_epoch(values.get(columns.epoch)))
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

    def rows(self, lines: Iterable[Line]) -> Iterator[Row | BadRow]:
        """Return the rows of further lines."""
        builder = self.builder
        entries = (parsed(line, text, written=builder.wants_texts) for line, text in lines if text.strip())
        return self.rows_of(entries)


class JsonDocumentReader(ObjectReader):
    """Reads a JSON document: a list of objects, or the trainer_state.json of transformers."""

    @classmethod
    def recognizes(cls, head: Head) -> bool | None:
        """Return whether the text starts as a list or an object."""
        return head.text.startswith(("[", "{"))

    def read(self, chunks: Iterable[bytes]) -> Log:
        """Return the log in a whole document."""
        self.builder.add(self.rows_of(self._entries(self._text(chunks))))
        self.builder.add(self.remaining_rows())
        return self.build()

    def _text(self, chunks: Iterable[bytes]) -> str:
        data = bytearray()
        for chunk in chunks:
            data += chunk
            if len(data) > LARGEST_DOCUMENT:
                message = f"{self.path} is a JSON document of more than {LARGEST_DOCUMENT // 2**20} MiB"
                raise OnecycleError(message, "save the log as JSON Lines, with one object per line")
        return data.decode(encoding_of(bytes(data[:2])), "replace")

    def _entries(self, text: str) -> Iterator[Entry | BadRow]:
        """Return the logged objects, each with the line it starts on."""
        line, counted = 1, 0
        try:
            for at, value in logged_values(text):
                line += text.count("\n", counted, at)
                counted = at
                yield entry_of(line, value)
        except (ValueError, RecursionError) as error:
            hint = "check that it was written to the end, and that this is the right file"
            raise NotYetError(f"{self.path} is not valid JSON: {str(error)[:120]}", hint) from None
        if not counted:  # no value starts at the document's first character
            message = f"the list of logged values in {self.path} is empty"
            raise NotYetError(message, "check that the run has logged something")


def logged_values(text: str) -> Iterator[tuple[int, object]]:
    """Yield the logged values in a JSON document, each with its position.

    They are the items of the document's list or of its HISTORY, or else the document itself. They are decoded one at a
    time, because a million of them would take several times the memory of the text.

    A comma before a closing bracket is allowed.

    Raises:
        ValueError: it is not valid JSON.
        RecursionError: it is nested too deeply.
    """
    at = _token(text, 0)
    if text[at : at + 1] == "[":
        at = yield from _items(text, at)
    else:
        start, others, has_history = at + 1, {}, False
        at = _token(text, start)
        while text[at : at + 1] != "}":
            key, at = _DECODE(text, at)
            at = _token(text, _token(text, at, ":"))
            if key == HISTORY and text[at : at + 1] == "[":
                has_history = True
                at = yield from _items(text, at)
            else:
                others[str(key)], at = _DECODE(text, at)
            at = _after_value(text, at, "}")
        if not has_history:
            yield start, others
        at += 1
    if _token(text, at) < len(text):
        raise json.JSONDecodeError("Extra data", text, at)


def _items(text: str, at: int) -> Generator[tuple[int, object], None, int]:
    """Yield the items of the list that starts at a position, each with its own; return the position after the list."""
    at = _token(text, at + 1)
    while text[at : at + 1] != "]":
        value, end = _DECODE(text, at)
        yield at, value
        at = _after_value(text, end, "]")
    return at + 1


_DECODE = json.JSONDecoder().raw_decode
_SPACE = re.compile(r"[ \t\n\r]*")


def _token(text: str, at: int, expected: str = "") -> int:
    """Return the position of the next token, or the position after it where one is expected."""
    space = _SPACE.match(text, at)
    at = space.end() if space else at
    if expected and not text.startswith(expected, at):
        raise json.JSONDecodeError(f"Expecting {expected!r}", text, at)
    return at + len(expected)


def _after_value(text: str, at: int, close: str) -> int:
    """Return the position of the next value after a comma, or of the closing bracket."""
    at = _token(text, at)
    return at if text.startswith(close, at) else _token(text, _token(text, at, ","))


def parsed(line: int, text: str, *, written: bool) -> Entry | BadRow:
    """Return the object in a line; `written`: its numbers with their texts."""
    import orjson

    if len(text) > LONGEST_LINE:
        return BadRow(line, f"longer than {LONGEST_LINE:,} characters")
    try:
        if written:
            return entry_of(line, json.loads(text, parse_float=Written))
        try:
            value = orjson.loads(text)  # four times as fast as json
        except ValueError:
            value = json.loads(text)  # it also reads the NaN and Infinity that Python writes
        return entry_of(line, value)
    except (ValueError, RecursionError) as error:
        return BadRow(line, f"not valid JSON: {str(error)[:80]}")


def entry_of(line: int, value: object) -> Entry | BadRow:
    """Return an object's values flat: those inside other values are called by their path, with slashes."""
    if not isinstance(value, dict):
        return BadRow(line, "not a JSON object")
    if any(type(inner) in (dict, list) or _is_list(inner) for inner in value.values()):
        return line, dict(_flat("", value))
    return line, value


def _flat(path: str, value: object, depth: int = 0) -> Iterator[tuple[str, object]]:
    if depth > DEEPEST:
        return
    if isinstance(value, dict):
        inside: Iterable[tuple[object, object]] = value.items()
    elif isinstance(value, list):
        inside = enumerate(value[:MOST_ITEMS])
    elif _is_list(value) and len(items := items_of(value)) > 1:
        inside = enumerate(items[:MOST_ITEMS])
    else:
        yield path, value
        return
    for key, inner in inside:
        yield from _flat(f"{path}/{key}" if path else str(key), inner, depth + 1)


def _is_list(value: object) -> TypeGuard[str]:
    """Return whether a value may be a printed list, tensor or array."""
    return type(value) is str and value.endswith(("]", ")"))


def _epoch(value: object) -> float:
    """Return an epoch; NaN where it is not a number."""
    try:
        return value_of_json(value)
    except ValueError:
        return math.nan


def _is_mmengine(names: Names) -> bool:
    return "iter" in names.keys and not names.keys.isdisjoint({"data_time", "base_lr", "time"})


FORMATS = tuple(
    format_
    for reader in (JsonLinesReader, JsonDocumentReader)
    for format_ in (
        Format("mmengine", reader, _is_mmengine),
        Format("transformers", reader, lambda names: {"learning_rate", "step", "epoch"} <= names.keys),
        Format("wandb", reader, is_wandb_history),
        Format("jsonl", reader),
    )
)
