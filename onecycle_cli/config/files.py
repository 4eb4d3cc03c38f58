"""The files that a command reads, and their text."""

from __future__ import annotations

import codecs
import os
import re
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.findings.config_rules import NOT_TEXT, TOO_MUCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from onecycle_cli.findings import Finding

STDIN = "-"
STDIN_NAME = "<stdin>"
LARGEST = 4 * 2**20
LARGEST_NOTEBOOK = 32 * 2**20
"""Bytes of a notebook, with its pictures."""

PYTHON, JSON, NOTEBOOK = ".py", ".json", ".ipynb"
YAML = (".yaml", ".yml")
RARE = (PYTHON, JSON, NOTEBOOK)
"""Endings of files that are rarely configs: in folders only those that mention a one-cycle schedule are read."""

_ONE_CYCLE = re.compile("one_?cycle")
_MARKS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be", codecs.BOM_UTF8: "utf-8"}
"""The byte-order marks, and the encodings that follow them."""

SAVE_AS = "save the file as UTF-8; check that this is the right file"


@dataclass(frozen=True, slots=True)
class Source:
    """A file's text.

    Attributes:
        path: the file, as it is shown.
        named: whether the user named the file itself, not just its folder.
        text: its text, without a byte-order mark; empty if it is too large.
        finding: why the text cannot be used.
        encoding: the encoding of its text.
        mark: its byte-order mark.
    """

    path: str
    named: bool
    text: str
    finding: Finding | None = None
    encoding: str = "utf-8"
    mark: bytes = b""

    def encoded(self, text: str) -> bytes:
        """Return another text as the file has its own."""
        return self.mark + text.encode(self.encoding)


def read_source(path: str, *, named: bool = True) -> Source:
    """Read a file, or standard input for `-`.

    Raises:
        OnecycleError: the file is missing or cannot be read.
    """
    if path == STDIN and sys.stdin is None:
        raise OnecycleError("cannot read standard input: it is closed", "name a file")
    largest = LARGEST_NOTEBOOK if path.lower().endswith(NOTEBOOK) else LARGEST
    try:
        if path == STDIN:
            data = sys.stdin.buffer.read(largest + 1)
        else:
            with open(path, "rb") as stream:  # noqa: PTH123 - as a Path the empty name is the current folder
                data = stream.read(largest + 1)
    except OSError as error:
        raise _cannot_read(path, error) from None
    except ValueError:
        raise OnecycleError(f"cannot read {path!r}: invalid file name", "check the path") from None
    shown = STDIN_NAME if path == STDIN else path
    if len(data) > largest:
        message = f"larger than {largest // 2**20} MiB: too large for a config"
        return Source(shown, named, "", TOO_MUCH.finding(message, "check that this is the right file"))
    return _decode(shown, data, named=named)


def find_sources(
    paths: Sequence[str],
    unreadable: Callable[[OnecycleError], object],
    exclude: Sequence[str] = (),
    is_wanted: Callable[[Source], bool] | None = None,
    exclude_from: str = "",
) -> Iterator[Source]:
    """Read every file named, and every config below every folder named, each once, in a stable order.

    In folders, YAML files are read, and Python files, notebooks and JSON files that mention a one-cycle schedule, or
    that are wanted for another reason. Hidden files, links to folders, and what is not a regular file are skipped. A
    pattern of `exclude` matches a path from its end (`old/*.yaml`), or a folder in it; paths are taken relative to
    `exclude_from`, if it is given. The error of what cannot be read goes to `unreadable`.
    """
    for pattern in exclude:
        if not pattern.strip("/").strip("."):
            raise OnecycleError(f"cannot exclude {pattern!r}", "give a name or a pattern, such as 'old/*.yaml'")
    found: dict[str, tuple[str, bool]] = {}
    for given in paths:
        is_folder = given != STDIN and os.path.isdir(given)  # noqa: PTH112 - a Path cannot hold every name a user may type
        for path in _configs_below(given, unreadable) if is_folder else [given]:
            if exclude and path != STDIN and _is_excluded(path, exclude, exclude_from):
                continue
            key = path
            with suppress(ValueError):  # an invalid file name, which is reported where it is read
                key = path if path == STDIN else os.path.realpath(path)
            first, named_before = found.get(key, (path, False))
            found[key] = (first, named_before or not is_folder)
    for path, named in found.values():
        try:
            source = read_source(path, named=named)
        except OnecycleError as error:
            unreadable(error)
            continue
        is_rare = path.lower().endswith(RARE)
        if named or not is_rare or mentions_one_cycle(source.text) or (is_wanted is not None and is_wanted(source)):
            yield source


def mentions_one_cycle(text: str) -> bool:
    """Return whether a text names a one-cycle schedule."""
    small = text.lower()
    return "cycle" in small and _ONE_CYCLE.search(small) is not None  # the first test is far quicker


def _is_excluded(path: str, patterns: Sequence[str], folder: str) -> bool:
    whole = PurePath(path)
    if folder and path:
        with suppress(ValueError):  # on another drive of Windows
            whole = PurePath(os.path.relpath(path, folder))
    return any(part.match(pattern.rstrip("/")) for pattern in patterns for part in (whole, *whole.parents))


def _configs_below(folder: str, unreadable: Callable[[OnecycleError], object]) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        unreadable(_cannot_read(str(error.filename), error))

    for parent, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(parent, name)
            # A broken link is reported as unreadable; a pipe or a device could block.
            if (
                name.lower().endswith((*YAML, *RARE))
                and not name.startswith(".")
                and (path.is_file() or not path.exists())
            ):
                yield str(path)


def _decode(path: str, data: bytes, *, named: bool) -> Source:
    mark = next((mark for mark in _MARKS if data.startswith(mark)), b"")
    encoding, data = _MARKS.get(mark, "utf-8"), data.removeprefix(mark)
    try:
        return Source(path, named, data.decode(encoding), encoding=encoding, mark=mark)
    except UnicodeDecodeError as error:
        finding, bad = NOT_TEXT.finding("not UTF-16", SAVE_AS), error
    if encoding == "utf-8":
        before = bad.object[: bad.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        message = f"not UTF-8: byte 0x{bad.object[bad.start]:02X} in line {line}, column {column}"
        finding = replace(NOT_TEXT.finding(message, SAVE_AS), line=line, column=column)
    return Source(path, named, data.decode(encoding, "replace"), finding)


def _cannot_read(path: str, error: OSError) -> OnecycleError:
    if isinstance(error, FileNotFoundError):
        return OnecycleError(f"no such file: {path or repr(path)}", "check the path, or write one with `onecycle init`")
    if isinstance(error, IsADirectoryError):
        return OnecycleError(f"{path} is a folder", "name a file in it; `onecycle validate` accepts folders")
    return OnecycleError(f"cannot read {path}: {error.strerror or error}", "check the path and its permissions")
