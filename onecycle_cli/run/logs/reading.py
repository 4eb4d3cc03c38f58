"""Reading a log that is finished, whatever its format."""

from __future__ import annotations

import os
from types import MappingProxyType
from typing import IO, TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs import documents
from onecycle_cli.run.logs.choosing import check_wanted
from onecycle_cli.run.logs.events import files_in, read_events
from onecycle_cli.run.logs.gathering import Gathering
from onecycle_cli.run.logs.growing import Growing
from onecycle_cli.run.logs.kinds import kind_of
from onecycle_cli.run.logs.lines import CHUNK, encoding_of
from onecycle_cli.run.logs.objects import ObjectReader
from onecycle_cli.run.logs.rows import NotYetError
from onecycle_cli.run.logs.sources import STDIN, opened, readable, shown_as

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onecycle_cli.run.logs.log import Log

BY_NAME: Mapping[str, Sequence[str]] = MappingProxyType({})
"""No columns of the user's own: they are known by their names."""

LARGEST_DOCUMENT = 2**28
"""Bytes of a JSON document, which must be held whole; JSON Lines and CSV have no such limit."""


def read_log(path: str, columns: Mapping[str, Sequence[str]] = BY_NAME) -> Log:
    """Read a log.

    Args:
        path: a file, `-` for standard input, or a folder with TensorBoard's event files.
        columns: the user's own names of columns, by `step`, `lr` and `momentum`; several learning rates are several
            parameter groups, in this order.

    Raises:
        OnecycleError: the file cannot be read, holds no learning rate, lacks a named column, or too many of its rows
            are bad.
    """
    check_wanted(columns)
    shown = shown_as(path)
    if path != STDIN and os.path.isdir(path):  # noqa: PTH112 - a Path cannot hold every name a user may type
        with readable(path):
            return read_events(path, files_in(path), columns)
    with opened(path) as stream:
        head = stream.read(CHUNK)
        kind = kind_of(shown, head, ended=len(head) < CHUNK)
        if kind == "document" or (kind is None and len(head) == CHUNK and _opens_an_object(head)):
            return _document(shown, head + stream.read(LARGEST_DOCUMENT), columns)
        if kind is None and len(head) < CHUNK:
            raise NotYetError(f"{shown} is empty", "check that this is the file meant")
        if kind != "events":
            return _lines(shown, kind or "table", head, stream, columns)
    if path == STDIN:
        raise OnecycleError("event files are not read from standard input", "name the file, or its folder")
    return read_events(path, [path], columns)


def _opens_an_object(head: bytes) -> bool:
    return head.decode(encoding_of(head), "replace").lstrip().startswith("{")


def _lines(path: str, kind: str, head: bytes, stream: IO[bytes], columns: Mapping[str, Sequence[str]]) -> Log:
    growing = Growing(path, kind, columns)
    while head:
        growing.feed(head)
        head = stream.read(CHUNK)
    growing.end()
    log = growing.log()
    if log is None:
        raise NotYetError(f"{path} holds no rows", "check that this is the file meant")
    return log


def _document(path: str, data: bytes, columns: Mapping[str, Sequence[str]]) -> Log:
    if len(data) > LARGEST_DOCUMENT:
        message = f"{path} is a JSON document of more than {LARGEST_DOCUMENT // 2**20} MiB"
        raise OnecycleError(message, "save the log as JSON Lines, an object a line")
    entries = documents.entries(path, data.decode(encoding_of(data), "replace"))
    if not entries:
        raise NotYetError(f"the list of logged values in {path} is empty", "check that the run has logged something")
    reader, gathering = ObjectReader(path, columns), Gathering(path)
    gathering.take(reader.rows_of(entries))
    gathering.take(reader.end())
    if reader.columns is None:
        raise NotYetError(f"{path} holds no rows", "check that this is the file meant")
    return gathering.log(reader.columns)
