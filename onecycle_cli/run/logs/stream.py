"""Logs that a run still writes: their rows as they come, and a check of them until it is decided."""

from __future__ import annotations

import math
import os
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs import folder_reader, new_reader, read_log, recognize, text_reader
from onecycle_cli.run.logs.columns import check_wanted
from onecycle_cli.run.logs.format import CHUNK, LONGEST_HEAD, Head, LineReader
from onecycle_cli.run.logs.log import NotYetError
from onecycle_cli.run.logs.log_files import GZIP, STDIN, opened, readable, shown_as
from onecycle_cli.run.logs.run_folder import logs_in, note_on

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from onecycle_cli.run import Verdict
    from onecycle_cli.run.logs.log import Log

REMEMBERED = 64
"""Bytes before the position reached that must still be the same: otherwise the file was rewritten."""

ENOUGH_ROWS = 20
"""Rows after the first divergence that decide its cause; a single row fits many causes."""

PATIENCE = 5
"""Times to look without a new row after a divergence, before its cause is decided with fewer rows."""

MOST_FILES = 1000
"""Files whose changes are looked for in a folder."""

REST = 4
"""The least sleep, in units of the time that the last check took: a long log must not keep a processor busy."""


def follow_log(
    path: str, columns: Mapping[str, Sequence[str]], wait: Callable[[], bool], patterns: Sequence[str] = ()
) -> Iterator[Log]:
    """Yield a log as far as it is written, again each time that rows are added.

    A line counts once its end is written. A file that does not exist yet is waited for; one that was cut short or
    replaced is read from its beginning. A format that does not grow by lines is read again when it changes. In a run's
    folder the log that is the newest at first is followed, or the first one to appear.

    Args:
        path: a file, a run's folder, or `-` for standard input, which is followed to its end.
        columns: as for `read_log`.
        wait: called when there is nothing new; it sleeps, and returns whether to go on.
        patterns: as for `read_log`.

    Raises:
        OnecycleError: as for `read_log`, where more rows cannot help.
    """
    check_wanted(columns)
    if path == STDIN:
        growing = _GrowingLog(STDIN, columns, patterns)
        with opened(STDIN) as stream:
            # read1 returns what is there, and waits only where nothing is.
            read = getattr(stream, "read1", stream.read)
            while data := read(CHUNK):
                if growing.feed(data) and (log := growing.log()) is not None:
                    yield log
        return
    followed = _FollowedFile(path, columns, patterns)
    while True:
        log = followed.news()
        if log is not None:
            yield log
        if not wait():
            return


class _GrowingLog:
    """A log that comes in chunks; one that does not grow by lines is not read."""

    def __init__(self, path: str, columns: Mapping[str, Sequence[str]], patterns: Sequence[str]) -> None:
        self.by_line = True
        self._path = path
        self._columns = columns
        self._head = b""
        self._reader: LineReader | None = text_reader(path, columns, patterns) if patterns else None

    def feed(self, data: bytes) -> bool:
        """Read further bytes; return whether they completed a row. Sets `by_line` once the format is recognized."""
        if self._reader is None:
            self._head += data
            if self._head.startswith(GZIP):
                self.by_line = False
                return False
            found = recognize(self._path, Head(self._head, complete=len(self._head) >= LONGEST_HEAD))
            if found is None:
                return False
            reader = new_reader(found, self._path, self._columns)
            if not isinstance(reader, LineReader):
                self.by_line = False
                return False
            self._reader, data, self._head = reader, self._head, b""
        return self._reader.feed(data)

    def log(self) -> Log | None:
        """Return the rows so far; None before the first."""
        try:
            return self._reader.build(grows=True) if self._reader is not None else None
        except NotYetError:
            return None


class _FollowedFile:
    """A file or folder that is looked at again and again."""

    def __init__(self, path: str, columns: Mapping[str, Sequence[str]], patterns: Sequence[str]) -> None:
        self._path = path
        self._columns = columns
        self._patterns = patterns
        self._stamp: object = None
        self._notes: tuple[str, ...] = ()
        self._start_over()

    def _start_over(self) -> None:
        self._position = 0
        self._before = b""
        self._growing = _GrowingLog(self._path, self._columns, self._patterns)

    def news(self) -> Log | None:
        """Return the log if rows were added since the last look."""
        with readable(self._path):
            try:
                if os.path.isdir(self._path):  # noqa: PTH112 - a Path cannot hold every name a user may type
                    self._choose_file()
                stamp = _stamp(self._path)
            except FileNotFoundError:
                return None
        changed, self._stamp = stamp != self._stamp, stamp
        log = self._read() if changed else None
        return log and replace(log, notes=(*self._notes, *log.notes))

    def _choose_file(self) -> None:
        """Follow the log that is the newest in a folder now; a folder that is a log is followed itself."""
        folder = self._path
        found = logs_in(folder)
        if not found and folder_reader(folder) is None:
            found = logs_in(folder, any_name=True)
        if found and found[0].path != Path(folder):
            self._path, self._notes = str(found[0].path), note_on(found[0], found, folder)
            self._start_over()

    def _read(self) -> Log | None:
        if os.path.isdir(self._path):  # noqa: PTH112 - as above
            return self._read_again()
        added = False
        with readable(self._path), open(self._path, "rb") as stream:  # noqa: PTH123 - as above
            stream.seek(self._position - len(self._before))
            if stream.read(len(self._before)) != self._before:
                self._start_over()
                stream.seek(0)
            while data := stream.read(CHUNK):
                self._position += len(data)
                self._before = (self._before + data)[-REMEMBERED:]
                added |= self._growing.feed(data)
                if not self._growing.by_line:
                    self._start_over()
                    return self._read_again()
        return self._growing.log() if added else None

    def _read_again(self) -> Log | None:
        """Return the log in the whole file or folder; None where it is only half written, or nothing is there yet."""
        try:
            return read_log(self._path, self._columns, self._patterns)
        except NotYetError:
            return None


def _stamp(path: str) -> object:
    """Return what changes when a file, or a file in a folder, is written to."""
    is_folder = os.path.isdir(path)  # noqa: PTH112 - as above
    files = [Path(path), *(sorted(islice(Path(path).rglob("*"), MOST_FILES)) if is_folder else ())]
    return [
        (str(file), status.st_ino, status.st_size, status.st_mtime_ns) for file in files for status in [file.stat()]
    ]


def check_growing_log(
    path: str,
    columns: Mapping[str, Sequence[str]],
    check: Callable[..., Verdict],
    progress: Callable[[Log, Verdict], None],
    *,
    partial: bool,
    interval: float,
    timeout: float = math.inf,
    patterns: Sequence[str] = (),
) -> tuple[Log, Verdict, bool]:
    """Return a growing log and its verdict once more rows would not change the verdict, or none come any more.

    Only standard input ends by itself. The last value is whether Ctrl-C ended it, after a row.

    Args:
        path: as for `follow_log`; the file need not exist yet.
        columns: as for `read_log`.
        check: checks a log against its plan, with the argument `partial` of `onecycle_cli.run.checker.check`.
        progress: called with each log and its verdict so far.
        partial: whether standard input may end before the plan's last step.
        interval: seconds between two looks at the file.
        timeout: seconds without a new row after which nothing more is waited for.
        patterns: as for `read_log`.

    Raises:
        OnecycleError: the log cannot be read, ended without a learning rate, or did not come in time.
        KeyboardInterrupt: interrupted before the first row.
    """
    import numpy as np

    wait = Wait(interval, timeout)
    found: tuple[Log, Verdict] | None = None
    interrupted = False
    try:
        for log in follow_log(path, columns, wait, patterns):
            if np.isnan(log.lr).all():  # a momentum may be logged first
                continue
            start = time.monotonic()
            verdict = check(log, partial=True)
            wait.check_time = time.monotonic() - start
            found = log, verdict
            progress(log, verdict)
            if _is_decided(log, verdict):
                return log, verdict, False
            wait.diverged = verdict.first_divergence is not None
            wait.begin()
    except KeyboardInterrupt:
        if found is None:
            raise
        interrupted = True
    if found is None:
        what = "ended without a learning rate" if path == STDIN else f"has no learning rate after {timeout:g} seconds"
        raise OnecycleError(f"{shown_as(path)} {what}", "check that this is the right log")
    log, verdict = found
    return log, verdict if verdict.first_divergence else check(log, partial=partial), interrupted


def _is_decided(log: Log, verdict: Verdict) -> bool:
    """Return whether all is right to the end, or a divergence has enough rows after it."""
    first = verdict.first_divergence
    return verdict.first_missing_step is None if first is None else len(log.steps) - first.row > ENOUGH_ROWS


class Wait:
    """Waits for more rows: as long as the timeout allows, or PATIENCE times once the log diverges."""

    def __init__(self, interval: float, timeout: float = math.inf) -> None:
        """Take the seconds between two looks, and those without a new row after which to end."""
        self._interval = interval
        self._timeout = timeout
        self.diverged = False
        self.check_time = 0.0
        self.begin()

    def begin(self) -> None:
        """Begin to wait for the next row."""
        self._looks = 0
        self._since = time.monotonic()

    def __call__(self) -> bool:
        """Sleep, and return whether to look again."""
        self._looks += 1
        left = self._timeout - (time.monotonic() - self._since)
        if left <= 0 or (self.diverged and self._looks > PATIENCE):
            return False
        time.sleep(min(left, max(self._interval, REST * self.check_time)))
        return True
