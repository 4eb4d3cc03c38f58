"""JSON documents: a list of objects, or an object with such a list, read piece by piece."""

from __future__ import annotations

import codecs
import json
import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs.builder import SAMPLED_ROWS
from onecycle_cli.run.logs.cells import Written
from onecycle_cli.run.logs.format import encoding_of
from onecycle_cli.run.logs.log import NotYetError
from onecycle_cli.run.logs.objects import HISTORY, ObjectReader, entry_of, formats_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onecycle_cli.run.logs.format import Head
    from onecycle_cli.run.logs.log import BadRow, Log
    from onecycle_cli.run.logs.objects import Entry

LARGEST_VALUE = 2**27
"""Characters of a value inside a document, which must be held in memory. One logged object has a few hundred."""

SMALL_TEXT = 2**18
"""Characters below which more of the file is read before items are decoded at once."""

MOST_BRACES = 1000
"""Braces that are looked at, from the end of the text, to find the beginning of an item."""

TRIES = 4
"""Those behind a comma that are tried: they may be inside an item."""

LONGEST_SPACE = 100
"""Characters of white space before an item, at most; an item behind more of it is read alone."""


class JsonDocumentReader(ObjectReader):
    """Reads a JSON document: a list of objects, or the trainer_state.json of transformers."""

    _found = False

    @classmethod
    def recognizes(cls, head: Head) -> bool | None:
        """Return whether the text starts as a list or an object."""
        return head.text.startswith(("[", "{"))

    def read(self, chunks: Iterable[bytes]) -> Log:
        """Return the log in a whole document."""
        self.builder.add(self.rows_of(self._entries(JsonText(chunks))))
        self.builder.add(self.remaining_rows())
        return self.build()

    def _entries(self, text: JsonText) -> Iterator[Entry | BadRow]:
        """Yield the logged objects, each with the line it starts on, except those that are added many at once.

        They are the items of the document's list or of its HISTORY, or else the document itself.

        Raises:
            NotYetError: it is not valid JSON, or holds nothing.
            OnecycleError: a value is too large.
        """
        with reading(self.path):
            if text.peek() == "[":
                yield from self._items(text)
            else:
                yield from self._items_of_history(text)
            text.end()
        if not self._found:
            message = f"the list of logged values in {self.path} is empty"
            raise NotYetError(message, "check that the run has logged something")

    def _items_of_history(self, text: JsonText) -> Iterator[Entry | BadRow]:
        others: dict[str, object] = {}
        history = False
        for key in text.members():
            if key == HISTORY and text.peek() == "[":
                history = True
                yield from self._items(text)
            else:
                others[key] = text.value()
        if not history:
            self._found = True
            yield entry_of(1, others)

    def _items(self, text: JsonText) -> Iterator[Entry | BadRow]:
        singly = 0  # up to this position the items must be read one by one
        for _ in text.items():
            self._found = True
            if len(self.builder) >= SAMPLED_ROWS and text.position >= singly:
                values, singly = text.values_ahead()
                if self.add_objects(values):
                    text.skip_to(singly)
                    continue
            line = text.line
            yield entry_of(line, text.value())


@contextmanager
def reading(path: str) -> Iterator[None]:
    """Turn an error in a JSON text into a message.

    Raises:
        NotYetError: it is not valid, perhaps since it is still written.
        OnecycleError: a value is too large.
    """
    try:
        yield
    except TooLargeError:
        message = f"a value in {path} has more than {LARGEST_VALUE // 2**20} MiB"
        raise OnecycleError(message, "save the log as JSON Lines, with one object per line") from None
    except (ValueError, RecursionError) as error:
        hint = "check that it was written to the end, and that this is the right file"
        # The interpreter's own words for it differ, and the last ones contain the size of its stack.
        why = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)[:120]
        raise NotYetError(f"{path} is not valid JSON: {why}", hint) from None


class TooLargeError(ValueError):
    """A value has more than LARGEST_VALUE characters."""


class JsonText:
    """A JSON text, of which a part is in memory: the one that holds the next value."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        """Start before the first value."""
        self._chunks = iter(chunks)
        self._decoder: codecs.IncrementalDecoder | None = None
        self._text = ""
        self._at = 0
        self._dropped = 0
        self._line, self._counted = 1, 0

    @property
    def position(self) -> int:
        """The characters before the next token."""
        return self._dropped + self._at

    @property
    def line(self) -> int:
        """The line of the next token, 1-based."""
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def peek(self) -> str:
        """Go to the next token and return its first character; "" at the end of the text."""
        while True:
            space = _SPACE.match(self._text, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._text) or not self._read_more():
                return self._text[self._at : self._at + 1]

    def end(self) -> None:
        """Check that nothing follows.

        Raises:
            ValueError: something does.
        """
        if self.peek():
            raise ValueError(f"Extra data in line {self.line}")

    def items(self) -> Iterator[None]:
        """Stop at each item of a list; the caller takes one or more. A comma before the closing bracket is allowed.

        Raises:
            ValueError: it is not valid JSON.
        """
        self._expect("[")
        while self.peek() != "]":
            yield
            self._end_value("]")
        self._at += 1

    def members(self) -> Iterator[str]:
        """Yield each key of an object; the caller takes its value.

        Raises:
            ValueError: it is not valid JSON.
        """
        self._expect("{")
        while self.peek() != "}":
            key = self.value()
            self._expect(":")
            yield str(key)
            self._end_value("}")
        self._at += 1

    def value(self) -> Any:
        """Take the next value, its numbers with their texts.

        Raises:
            ValueError: it is not valid JSON, or too large.
            RecursionError: it is nested too deeply.
        """
        self.peek()
        while True:
            try:
                value, end = _DECODE(self._text, self._at)
            except json.JSONDecodeError as error:
                # What is cut off is an open string, or wrong within its last word; -Infinity is the longest.
                cut_off = error.msg.startswith("Unterminated") or error.pos > len(self._text) - len("-Infinity")
                if cut_off and self._read_more():
                    continue
                self._at = error.pos
                raise ValueError(f"{error.msg} in line {self.line}") from None
            behind = self._text[end : end + 3]
            if len(behind) == 3 or behind.strip(".eE+-") or not self._read_more():  # a number may go on, as 1 in 1.5e-3
                self._at = end
                return value

    def numbers(self) -> Iterator[list[object]]:
        """Take the items of a list, which should be numbers, many at once.

        Raises:
            ValueError: it is not valid JSON.
        """
        self._expect("[")
        while self.peek() != "]":
            if len(self._text) - self._at < SMALL_TEXT:
                self._read_more()
            close = self._text.find("]", self._at)
            end = close if close >= 0 else self._text.rfind(",", self._at)
            items = _list_of(f"[{self._text[self._at : max(end, self._at)]}]")
            if items:
                self._at = end
            yield items or [self.value()]
            self._end_value("]")
        self._at += 1

    def values_ahead(self) -> tuple[list[Any], int]:
        """Return the whole items of a list that are in memory, without taking them, and the position behind them.

        Nothing is returned where they cannot be decoded at once; then the position is that of the last character read.
        """
        import orjson

        if len(self._text) - self._at < SMALL_TEXT:
            self._read_more()
        text, begin, tries = self._text, len(self._text), 0
        for _ in range(MOST_BRACES):
            begin = text.rfind("{", self._at + 1, begin)
            space = max(begin - LONGEST_SPACE, self._at)
            before = text[space : max(begin, 0)].rstrip()
            if begin < 0 or tries == TRIES:
                break
            if before.endswith(","):
                tries += 1
                comma = space + len(before) - 1
                with suppress(ValueError):
                    return orjson.loads(f"[{text[self._at : comma]}]"), self._dropped + comma
        return [], self._dropped + len(text)

    def skip_to(self, position: int) -> None:
        """Go to a position that is in memory."""
        self._at = position - self._dropped

    def _expect(self, token: str) -> None:
        if self.peek() != token:
            raise ValueError(f"Expecting {token!r} in line {self.line}")
        self._at += 1

    def _end_value(self, close: str) -> None:
        """Go behind a comma, or to the closing bracket."""
        if self.peek() != close:
            self._expect(",")

    def _read_more(self) -> bool:
        """Read on, twice as much each time while a value is not complete; return whether there was anything."""
        parts, more = [self._text[self._at :]], 0
        while more <= len(parts[0]) and (chunk := next(self._chunks, None)) is not None:
            if self._decoder is None:
                self._decoder = codecs.getincrementaldecoder(encoding_of(chunk))("replace")
            parts.append(self._decoder.decode(chunk))
            more += len(parts[-1])
        if more + len(parts[0]) > LARGEST_VALUE:
            raise TooLargeError
        self._line, self._counted = self.line, 0
        self._dropped += self._at
        self._text, self._at = "".join(parts), 0
        return more > 0


def _list_of(text: str) -> list[object]:
    """Return the items of a list; nothing where it is not valid JSON."""
    import orjson

    for loads in (orjson.loads, json.loads):  # the second one also reads NaN and Infinity
        with suppress(ValueError, RecursionError):
            found: list[object] = loads(text)
            return found
    return []


_DECODE = json.JSONDecoder(parse_float=Written).raw_decode
_SPACE = re.compile(r"[ \t\n\r]*")

FORMATS = formats_of(JsonDocumentReader)
