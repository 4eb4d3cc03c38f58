"""JSON documents: the trainer_state.json of transformers, or a list of objects."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs.objects import entry_of
from onecycle_cli.run.logs.rows import NotYetError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.run.logs.log import BadRow
    from onecycle_cli.run.logs.objects import Entry

HISTORY = "log_history"

_VALUE = re.compile(r"[^\s,]")


def entries(path: str, text: str) -> list[Entry | BadRow]:
    """Give the entries of a document's list of logged objects.

    Raises:
        NotYetError: it is no JSON.
        OnecycleError: there is no such list.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        hint = "check that it was written to the end, and that this is the file meant"
        raise NotYetError(f"{path} is no JSON: {str(error)[:120]}", hint) from None
    if isinstance(document, list):
        return _numbered(text, text.index("["), document)
    history = document.get(HISTORY) if isinstance(document, dict) else None
    if isinstance(history, list):
        begins = re.search(rf'"{HISTORY}"\s*:\s*(?=\[)', text)
        return _numbered(text, begins.end() if begins else 0, history)
    if isinstance(document, dict):
        return [entry_of(1, document)]
    raise OnecycleError(f"{path} holds no list of logged values", f"check that this is the file meant, with {HISTORY}")


def _numbered(text: str, begins: int, values: list[object]) -> list[Entry | BadRow]:
    """Give a list's entries, each with the line it begins on."""
    lines = list(_lines(text, begins))
    if len(lines) != len(values):  # a key of that name inside a text misled us
        lines = [1] * len(values)
    return [entry_of(line, value) for line, value in zip(lines, values, strict=True)]


def _lines(text: str, begins: int) -> Iterator[int]:
    """Give the line of each value in the list that begins at a place in a JSON text."""
    decode = json.JSONDecoder().raw_decode
    line, counted, at = 1, 0, begins + 1
    while True:
        value = _VALUE.search(text, at)
        if value is None or value[0] == "]":
            return
        at = value.start()
        line += text.count("\n", counted, at)
        counted = at
        yield line
        try:
            _, at = decode(text, at)
        except (ValueError, RecursionError):
            return
