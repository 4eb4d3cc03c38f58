"""One case, run and watched: its exit code, its CPU time, and what it must not do."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from unittest import mock

from onecycle_cli import cli
from onecycle_cli.cli import IN_ASCII, main
from onecycle_cli.errors import OnecycleError

from .case import STDIN, Case, clear
from .promises import PromiseError, check_answer

ROOT = Path(cli.__file__).parents[2]

LONGEST = 20.0
"""Seconds of CPU time after which a case is ended: it hangs."""

MOST_MEMORY = 500 * 10**6
BRIEF = 0.05
"""Seconds of CPU time in which nothing takes that much memory: after so short a case nobody looks."""

IN_MEMORY = "/dev/shm"
"""Where Linux has files in memory: writing the cases would otherwise take longer than running them."""

NOTABLE = 50 * 10**6
"""Bytes by which a single case must raise the peak: the memory before it is that of all others."""

Run = Callable[[Case], int]


class HangError(BaseException):
    """A case does not end. Nothing in the program catches this."""


@dataclass(frozen=True)
class Crash:
    """What a case must not do; `what` and `where` say which crash it is."""

    case: Case
    what: str
    where: str
    text: str

    @property
    def key(self) -> tuple[str, str]:
        """What two cases with the same mistake behind them have in common."""
        return self.what, self.where


@dataclass(frozen=True)
class Outcome:
    """How a case ended: `code` is 3 where it crashed."""

    code: int
    seconds: float
    crash: Crash | None = None


class Watch:
    """Runs cases, one after another, in a folder of its own."""

    def __init__(self, folder: Path, prints: IO[bytes]) -> None:
        """Take the current folder, and the file that the process's own streams lead to."""
        self.folder = folder
        self._prints = prints
        self._written: set[str] = set()
        self._peak = _peak()
        self._start: float | None = None

    def run(self, run: Run, case: Case) -> Outcome:
        """Run a case."""
        for name in self._written - case.files.keys():
            (self.folder / name).unlink()
        case.write(self.folder)
        self._written = set(case.files)
        crash, code = None, 3
        self._start = start = time.process_time()
        try:
            code = run(case)
        except OnecycleError as error:
            code = error.exit_code
        except (Exception, HangError, SystemExit) as error:  # noqa: BLE001 - every one is what is looked for
            crash = crash_of(case, error)
        self._start = None
        seconds = time.process_time() - start
        if crash is None and (run is run_command or seconds > BRIEF):
            crash = self._prints_of_libraries(case) or self._memory(case)
        if run is run_command or any("/" in name for name in case.files):
            clear(self.folder)
            self._written = set()
        return Outcome(code if crash is None else 3, seconds, crash)

    def look(self, *_: object) -> None:
        """End the case that is running if it takes too long; a timer calls this."""
        if self._start is not None and time.process_time() - self._start > LONGEST:
            raise HangError(f"more than {LONGEST:g} seconds of CPU time")

    def _memory(self, case: Case) -> Crash | None:
        before, self._peak = self._peak, _peak()
        if self._peak < max(MOST_MEMORY, before + NOTABLE):
            return None
        return Crash(case, "memory", case.words[0], f"the peak rose from {before:,} to {self._peak:,} bytes")

    def _prints_of_libraries(self, case: Case) -> Crash | None:
        """Return a crash where something was printed past Python's streams, as LAPACK does."""
        text = self._prints.read().decode("utf-8", "replace")  # what was printed since the last look
        if not text:
            return None
        return Crash(case, "printed past the streams", text.strip().partition("\n")[0][:80], text)


@contextlib.contextmanager
def watching() -> Iterator[Watch]:
    """Watch cases in the block: in an empty folder, with warnings as errors, and bugs raised in place of reported."""
    before = Path.cwd()
    with (
        tempfile.TemporaryDirectory(dir=IN_MEMORY if Path(IN_MEMORY).is_dir() else None) as folder,
        tempfile.TemporaryDirectory() as beside,
        (Path(beside) / "prints").open("wb") as prints,
        (Path(beside) / "prints").open("rb", buffering=0) as printed,
        warnings.catch_warnings(),
        mock.patch.object(cli, "_print_report", _raise),
        _descriptors_to(prints.fileno()),
    ):
        warnings.simplefilter("error")
        os.chdir(folder)
        watch = Watch(Path(folder), printed)
        try:
            with _timer(watch.look):
                yield watch
        finally:
            os.chdir(before)


def run_command(case: Case) -> int:
    """Run a case as the command line, and check what it printed."""
    stdin = io.TextIOWrapper(io.BytesIO(case.files.get(STDIN, b"")), encoding="utf-8")
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", errors=IN_ASCII, write_through=True) for _ in range(2))
    with (
        mock.patch.object(sys, "stdin", stdin),
        mock.patch.dict(os.environ, case.environment),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = main(case.words)
    printed, said = (stream.buffer.getvalue() for stream in (out, err))
    check_answer(case.words, code, printed, said.decode())
    return code


def crash_of(case: Case, error: BaseException) -> Crash:
    """Describe what a case raised."""
    if isinstance(error, PromiseError):
        return Crash(case, "broken promise", error.promise, str(error))
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(ROOT / "onecycle_cli")]
    where = "outside the package"
    if ours:
        where = f"{Path(ours[-1].filename).relative_to(ROOT)}:{ours[-1].lineno}"
    return Crash(case, type(error).__name__, where, "".join(traceback.format_exception(error)))


def _raise(error: Exception, _: object) -> int:
    raise error


def _peak() -> int:
    """Return the most memory that the process had so far, in bytes; 0 where that is not known."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@contextlib.contextmanager
def _timer(look: Callable[..., None]) -> Iterator[None]:
    """Call a function after each second of CPU time in the block, where the system can."""
    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGPROF, look)
    signal.setitimer(signal.ITIMER_PROF, 1.0, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextlib.contextmanager
def _descriptors_to(file: int) -> Iterator[None]:
    """Lead the process's standard output and error to a file, below Python's own streams."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    kept = [os.dup(1), os.dup(2)]
    for descriptor in (1, 2):
        os.dup2(file, descriptor)
    try:
        yield
    finally:
        for descriptor, old in zip((1, 2), kept, strict=True):
            os.dup2(old, descriptor)
            os.close(old)
