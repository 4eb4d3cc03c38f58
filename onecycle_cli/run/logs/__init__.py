"""Logs as trainers write them, read into one shape: CSV, JSON, JSON Lines and TensorBoard's event files.

The format of a file is recognized by its content, never by its name. To add one, write a module with a `Reader` and a
`Format`, and add the format to `FORMATS`.
"""

from __future__ import annotations

import os
from dataclasses import replace
from itertools import chain, islice
from types import MappingProxyType
from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs import (
    clearml,
    documents,
    lists,
    long_format,
    mlflow,
    objects,
    tables,
    tensorboard,
    text_logs,
    wandb,
)
from onecycle_cli.run.logs.columns import check_wanted, choose_columns
from onecycle_cli.run.logs.format import CHUNK, LONGEST_HEAD, Format, Head, Reader
from onecycle_cli.run.logs.log import NotYetError
from onecycle_cli.run.logs.log_files import STDIN, chunks_of, opened, readable, shown_as, split_member
from onecycle_cli.run.logs.run_folder import logs_in, note_on, nothing_in
from onecycle_cli.run.logs.text_logs import TextReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from onecycle_cli.run.logs.log import Columns, Log

MODULES = (tensorboard, wandb, mlflow, clearml, lists, long_format, text_logs, objects, documents, tables)

FORMATS: tuple[Format, ...] = tuple(format_ for module in MODULES for format_ in module.FORMATS)
"""Every format, in the order their readers are asked; any text could be a table."""


MOST_TRIED = 10
"""Logs of a run that are tried, where the best ones cannot be read."""


def read_log(
    path: str, columns: Mapping[str, Sequence[str]] = MappingProxyType({}), patterns: Sequence[str] = ()
) -> Log:
    """Return the log in a file.

    Args:
        path: a file, `-` for standard input, or a run's folder, of which the newest log is read.
        columns: the user's own names of columns, by `step`, `lr`, `momentum` and `loss`; several learning rates are
            several parameter groups, in this order. Without them the columns are known by their names. A loss is read
            where the key is given, with or without a name.
        patterns: where the numbers are in the lines of a text log. Without them its format is recognized.

    Raises:
        NotYetError: the log has no rows yet; a subclass of OnecycleError.
        OnecycleError: the file cannot be read, has no learning rate, lacks a named column, or too many of its rows
            are bad.
    """
    check_wanted(columns)
    if patterns:
        by_pattern = text_reader(path, columns, patterns)
        with opened(path) as stream:
            return by_pattern.read(chunks_of(stream, path))
    if path != STDIN and os.path.isdir(path):  # noqa: PTH112 - a Path cannot hold every name a user may type
        with readable(path):
            return read_folder(path, columns)
    with opened(split_member(path)[0]) as stream:
        chunks = chunks_of(stream, path)
        first = list(islice(chunks, LONGEST_HEAD // CHUNK))
        reader = recognize(path, Head(b"".join(first), complete=True))
        if reader is None:
            raise NotYetError(f"{shown_as(path)} is empty", "check that this is the right file")
        return new_reader(reader, path, columns).read(chain(first, chunks))


def read_folder(folder: str, columns: Mapping[str, Sequence[str]]) -> Log:
    """Return the log in a folder: of the newest run in it, the best one that can be read.

    Raises:
        NotYetError: the log has no rows yet.
        OnecycleError: there is no log in the folder, or the newest run's cannot be read.
    """
    found = logs_in(folder)
    if not found and (own := folder_reader(folder)) is not None:
        return new_reader(own, folder, columns).read(())
    found = found or logs_in(folder, any_name=True)
    failures: list[OnecycleError] = []
    for log in [log for log in found if log.run == found[0].run][:MOST_TRIED]:
        path = str(log.path)
        reader = folder_reader(path) if log.path.is_dir() else None
        if reader is None and log.path.is_dir():  # its files have the names of a log's, but are still empty
            failures.append(nothing_in(path))
            continue
        try:
            read = new_reader(reader, path, columns).read(()) if reader is not None else read_log(path, columns)
        except OnecycleError as error:
            failures.append(error)
        else:
            return replace(read, notes=(*note_on(log, found, folder), *read.notes))
    raise failures[0] if failures else nothing_in(folder)


def folder_reader(folder: str) -> type[Reader] | None:
    """Return the class that reads a folder as one log."""
    return next((reader for reader in _readers() if reader.recognizes_folder(folder)), None)


def recognize(path: str, head: Head) -> type[Reader] | None:
    """Return the class that reads a file with this beginning; None where more of the file is needed, or it is blank.

    Raises:
        OnecycleError: no format has such files.
    """
    for reader in _readers():
        answer = reader.recognizes(head)
        if answer:
            return reader
        if answer is None and not head.complete:
            return None
    if head.is_text:
        return None
    what, hint = head.foreign or ("neither text nor an event file of TensorBoard", "check that this is the right file")
    raise OnecycleError(f"{shown_as(path)} is {what}", hint)


def new_reader(reader: type[Reader], path: str, columns: Mapping[str, Sequence[str]]) -> Reader:
    """Return a reader for one file, which chooses its columns by the formats it serves."""
    return reader(shown_as(path), _chooser(reader, path, columns))


def text_reader(path: str, columns: Mapping[str, Sequence[str]], patterns: Sequence[str]) -> TextReader:
    """Return a reader for a text log whose numbers are at the placeholders of patterns.

    Raises:
        OnecycleError: a pattern is invalid.
    """
    return TextReader(shown_as(path), _chooser(TextReader, path, columns), patterns)


def _chooser(
    reader: type[Reader], path: str, columns: Mapping[str, Sequence[str]]
) -> Callable[[Sequence[str]], Columns]:
    formats = [format_ for format_ in FORMATS if format_.reader is reader]
    return lambda names: choose_columns(shown_as(path), names, columns, formats)


def _readers() -> Iterable[type[Reader]]:
    return dict.fromkeys(format_.reader for format_ in FORMATS)
