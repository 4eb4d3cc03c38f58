"""Logs as one list per column: `{"lr": [...], "loss": [...]}`, as JSON or as Python prints a dict.

Tests of learning-rate ranges are kept like this: the history of torch-lr-finder, the results of Lightning's `lr_find`,
the `lrs` and `losses` of fastai's recorder.
"""

from __future__ import annotations

import json
import re
from array import array
from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs.cells import value_of_json
from onecycle_cli.run.logs.columns import find_epoch, find_step
from onecycle_cli.run.logs.documents import LARGEST_VALUE, JsonText, reading
from onecycle_cli.run.logs.format import Format, Reader, encoding_of
from onecycle_cli.run.logs.log import NotYetError
from onecycle_cli.run.logs.named_values import NamedValues

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onecycle_cli.run.logs.format import Head
    from onecycle_cli.run.logs.log import Log

NUMBER = r"(?:[-+]?[\d.]|[-+]?(?:nan|inf)|null\b|none\b|[a-z][\w.]*\()"
"""How a number begins: in JSON, or as Python, PyTorch and NumPy print it."""

LIST = re.compile(
    rf"""(["'])([^"'\n]{{1,200}})\1\s*:\s*(?:[a-z][\w.]*\(\s*)?\[\s*{NUMBER}(?:[^\],]*,){{2}}[^\]]*""", re.IGNORECASE
)
SCALAR = re.compile(r"""["']([^"'\n]{1,200})["']\s*:\s*["']?[\d.]""")
BY_ROW = re.compile(r'\{\s*"[^"\n]{1,200}"\s*:\s*\{\s*"0"\s*:')
"""A list of several numbers with its name; a number with its name; and the start of an object of objects by row, which
is how pandas writes a table by default."""

PRINTED = re.compile(r"\{\s*'")
"""How a printed dict starts."""

_NESTED = re.compile(r"[A-Za-z_][\w.]*\(|,\s*[a-z_]+=(?:'[^']*'|<[^>]*>|[\w.]+)(?=[,)])|\)|(?<=\d\.)(?=[\s,\]e])")
_WORD = re.compile(r"(?<![\w'])([-+]?)(nan|inf|None|True|False)\b(?!')")
_WORDS = {"nan": "NaN", "inf": "Infinity", "None": "null", "True": "true", "False": "false"}


class ListsReader(Reader):
    """Reads an object that has one list of numbers per column."""

    @classmethod
    def recognizes(cls, head: Head) -> bool | None:
        """Return whether this is one object, and several of its values, or a very long one, are lists of numbers."""
        if not head.text.startswith("{"):
            return False
        first = next(iter(head.lines), None)
        if first is None:
            return None if not head.complete else False
        if _is_object(first) and any(line.strip() for line in head.lines[1:]):
            return False  # one of many objects
        if BY_ROW.match(head.text):
            return True
        scalars = SCALAR.findall(head.text)
        if find_step(scalars) or find_epoch(scalars):
            return False  # it counts one step: a row, whose lists hold a value per parameter group
        found = LIST.finditer(head.text)
        names = {match[2] for match, _ in zip(found, range(2), strict=False)}
        if len(names) == 1 and head.complete:
            return "]" not in head.text
        return len(names) > 1 or (None if not head.complete else False)

    def read(self, chunks: Iterable[bytes]) -> Log:
        """Return the log in a whole document.

        Raises:
            NotYetError: it is not valid, or has no lists of numbers.
        """
        with reading(self.path):
            lists = _lists(JsonText(_as_json(chunks, self.path)))
        if not lists:
            raise NotYetError(f"{self.path} has no lists of numbers", "check that this is the right file")
        counter = find_step(list(lists)) or find_epoch(list(lists))
        values = NamedValues()
        for name, numbers in lists.items():
            steps = lists[counter][: len(numbers)] if counter else array("d", range(len(numbers)))
            values.add_all(1, name, steps, numbers[: len(steps)])
        self.columns = self.choose(values.names)
        lengths = {name: len(lists[name]) for name in self.columns.values}
        notes = []
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"{name} has {length:,}" for name, length in lengths.items())
            notes = [f"the lists are not of one length: {listed}"]
        values.add_to(self.builder, self.columns)
        return self.build(tuple(notes))


def _is_object(line: str) -> bool:
    """Return whether a line is a whole JSON object."""
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _lists(text: JsonText) -> dict[str, array[float]]:
    """Return the lists of numbers in an object, by their names; other values are passed over."""
    found: dict[str, array[float]] = {}
    for name in text.members():
        numbers, are_numbers = array("d"), True
        for items in _pieces(text):
            try:
                numbers.extend(map(value_of_json, items))
            except ValueError:
                are_numbers = False
        if are_numbers and numbers:
            found[name.strip()] = numbers
    text.end()
    return found


def _pieces(text: JsonText) -> Iterator[list[object]]:
    """Take the next value; yield its items, many at once, where it is a list or an object."""
    if text.peek() == "[":
        yield from text.numbers()
    elif text.peek() == "{":
        for _ in text.members():
            yield [text.value()]
    else:
        text.value()


def _as_json(chunks: Iterable[bytes], path: str) -> Iterable[bytes]:
    """Return the chunks of a document as JSON: what Python printed is rewritten, tensors and arrays as lists.

    Raises:
        OnecycleError: a printed dict is too large to be held in memory.
    """
    chunks = iter(chunks)
    data = next(chunks, b"")
    if not PRINTED.match(data.decode(encoding_of(data), "replace").lstrip()[:1000]):
        yield data
        yield from chunks
        return
    pieces, size = [data], len(data)
    for chunk in chunks:
        pieces.append(chunk)
        size += len(chunk)
        if size > LARGEST_VALUE:
            raise OnecycleError(
                f"{path} is a printed dict of more than {LARGEST_VALUE // 2**20} MiB", "save it as JSON"
            )
    text = b"".join(pieces).decode(encoding_of(data), "replace")
    text = _NESTED.sub(lambda found: "" if found[0] else "0", text)
    text = _WORD.sub(lambda found: ("-" if found[1] == "-" and found[2] == "inf" else "") + _WORDS[found[2]], text)
    yield text.replace('"', "\\u0022").replace("'", '"').encode()


FORMATS = (Format("lists", ListsReader),)
