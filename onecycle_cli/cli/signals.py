"""Signals that end the program: nothing half-written is left, and nothing is printed."""

from __future__ import annotations

import os
import signal
import sys

from onecycle_cli.errors import INTERRUPTED
from onecycle_cli.render.output import remove_temporary_files

SHOW_CURSOR = "\x1b[?25h"


def end_cleanly_at_signals() -> None:
    """End the process at Ctrl-C, SIGTERM and SIGHUP, wherever it is.

    An exception instead, as Python's KeyboardInterrupt, may come while a library is loaded, where it crashes some: the
    process with orjson 3.11.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        _handle(name, lambda number, _: end_by(number))


def raise_at_interrupt() -> None:
    """Raise KeyboardInterrupt at Ctrl-C from now on, for a command that has something to say then."""
    _handle("SIGINT", signal.default_int_handler)


def _handle(name: str, handler: object) -> None:
    """Set a signal's handler. One that is ignored, as SIGHUP under nohup, stays so."""
    number = getattr(signal, name, None)  # Windows has no SIGHUP
    if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
        signal.signal(number, handler)  # type: ignore[arg-type]


def end_by(number: int) -> None:
    """End the process as a signal does, without files that are half-written."""
    remove_temporary_files()
    if sys.stderr is not None and sys.stderr.isatty():
        os.write(2, SHOW_CURSOR.encode())  # a progress bar hides it
    if number == signal.SIGINT:
        os._exit(INTERRUPTED)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
