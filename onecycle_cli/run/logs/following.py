"""Following a log that a run still writes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, TYPE_CHECKING

from onecycle_cli.run.logs.choosing import check_wanted
from onecycle_cli.run.logs.growing import Growing
from onecycle_cli.run.logs.kinds import kind_of
from onecycle_cli.run.logs.lines import CHUNK
from onecycle_cli.run.logs.reading import read_log
from onecycle_cli.run.logs.rows import NotYetError
from onecycle_cli.run.logs.sources import STDIN, opened, readable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from onecycle_cli.run.logs.log import Log

REMEMBERED = 64
"""Bytes before the place reached that must still be the same: otherwise the file was written anew."""


def follow_log(path: str, columns: Mapping[str, Sequence[str]], wait: Callable[[], bool]) -> Iterator[Log]:
    """Give a log as far as it is written, again each time that rows have been added.

    A line counts from its end on. A file that is not there yet is waited for; one that was cut short or replaced is
    read from its beginning. A JSON document, and TensorBoard's event files, are read anew when they change.

    Args:
        path: a file, a folder with event files, or `-` for standard input, which is followed to its end.
        columns: as for `read_log`.
        wait: called when there is nothing new; it sleeps, and says whether to go on.

    Raises:
        OnecycleError: as for `read_log`, where more lines cannot mend it.
    """
    check_wanted(columns)
    if path == STDIN:
        yield from _follow_pipe(columns)
        return
    followed = _Followed(path, columns)
    while True:
        log = followed.news()
        if log is not None:
            yield log
        if not wait():
            return


def _follow_pipe(columns: Mapping[str, Sequence[str]]) -> Iterator[Log]:
    with opened(STDIN) as stream:
        portions = iter(lambda: _some(stream), b"")
        followed = _Portions("<stdin>", columns)
        for data in portions:
            if followed.feed(data) and (log := followed.log()) is not None:
                yield log


def _some(stream: IO[bytes]) -> bytes:
    """Read what is there, waiting only where nothing is."""
    read1 = getattr(stream, "read1", stream.read)
    data: bytes = read1(CHUNK)
    return data


class _Portions:
    """A log in lines that comes in portions; of another kind it takes nothing."""

    def __init__(self, path: str, columns: Mapping[str, Sequence[str]]) -> None:
        self.kind: str | None = None
        self._path = path
        self._columns = columns
        self._head = b""
        self._growing: Growing | None = None

    @property
    def in_lines(self) -> bool:
        """Whether the file grows line by line, as far as is known."""
        return self.kind in (None, "table", "objects")

    def feed(self, data: bytes) -> bool:
        """Take further bytes; tell whether they completed a row."""
        if self._growing is None:
            self._head += data
            self.kind = kind_of(self._path, self._head, ended=False)
            if self.kind is None or not self.in_lines:
                return False
            self._growing = Growing(self._path, self.kind, self._columns)
            data, self._head = self._head, b""
        return self._growing.feed(data)

    def log(self) -> Log | None:
        """Give the rows so far."""
        try:
            return self._growing.log() if self._growing is not None else None
        except NotYetError:
            return None


class _Followed:
    """A file that is looked at again and again."""

    def __init__(self, path: str, columns: Mapping[str, Sequence[str]]) -> None:
        self._path = path
        self._columns = columns
        self._stamp: object = None
        self._start_over()

    def _start_over(self) -> None:
        self._at = 0
        self._before = b""
        self._portions = _Portions(self._path, self._columns)

    def news(self) -> Log | None:
        """Give the log if rows have been added since the last look."""
        with readable(self._path):
            try:
                stamp = _stamp(self._path)
            except FileNotFoundError:
                return None
        changed, self._stamp = stamp != self._stamp, stamp
        if not changed:
            return None
        if os.path.isdir(self._path):  # noqa: PTH112 - a Path cannot hold every name a user may type
            return self._anew()
        with readable(self._path), open(self._path, "rb") as stream:  # noqa: PTH123 - as above
            return self._added(stream)

    def _added(self, stream: IO[bytes]) -> Log | None:
        """Read what was added since the last look."""
        stream.seek(self._at - len(self._before))
        if stream.read(len(self._before)) != self._before:
            self._start_over()
            stream.seek(0)
        added = False
        while data := stream.read(CHUNK):
            self._at += len(data)
            self._before = (self._before + data)[-REMEMBERED:]
            added |= self._portions.feed(data)
            if not self._portions.in_lines:
                self._start_over()
                return self._anew()
        return self._portions.log() if added else None

    def _anew(self) -> Log | None:
        """Read all of it again; None where it is only half there."""
        try:
            return read_log(self._path, self._columns)
        except NotYetError:
            return None


def _stamp(path: str) -> object:
    """Give what changes when a file, or a file in a folder, is written to."""
    paths = [Path(path), *(sorted(Path(path).iterdir()) if os.path.isdir(path) else ())]  # noqa: PTH112 - as above
    return [
        (str(each), status.st_ino, status.st_size, status.st_mtime_ns) for each in paths for status in [each.stat()]
    ]
