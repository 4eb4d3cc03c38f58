"""Where the program ends: the one place that turns what happened into an exit code.

0 fine · 1 the answer is no · 2 could not do it · 3 our bug · 130 interrupted · 141 the reader of a pipe went away.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import typer

from onecycle_cli.cli.app import PROGRAM, ReaderGoneError, make_command
from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

OUR_BUG = 3
INTERRUPTED = 130
READER_GONE = 141

IN_ASCII = "onecycle_cli.in_ascii"
ASCII = {"→": "->", "×": "x", "…": "...", "·": "-"}


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """Write what an encoding has not in characters that every encoding has."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(ASCII.get(each, "?") for each in error.object[error.start : error.end]), error.end


codecs.register_error(IN_ASCII, _in_ascii)


def run() -> None:
    """Run the command line and end the process."""
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - open as long as the process
    if sys.stdout is None:
        say_error("cannot write: standard output is closed", "leave it open, or send it to a file")
        sys.exit(2)
    for stream in (sys.stdout, sys.stderr):
        # A name or message may hold a character that the terminal's encoding has not.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=IN_ASCII)
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; nothing that a user typed makes it raise."""
    try:
        code = make_command().main(list(arguments), prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
    except (BrokenPipeError, ReaderGoneError):
        _forget(sys.stdout)
        return READER_GONE
    except typer.TyperException as error:
        return _usage(error)
    except OnecycleError as error:
        say_error(error.message, error.hint)
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except OSError as error:
        _forget(sys.stdout)
        say_error(f"cannot write: {error.strerror or error}", "make room, or write elsewhere")
        return 2
    except Exception as error:  # noqa: BLE001 - whatever is left is our bug, and says so
        return _report(error, arguments)
    return code if isinstance(code, int) else 0


def say_error(message: str, hint: str) -> None:
    """Say on standard error what was wrong, and the one thing to do."""
    hinted = f"  hint: {printable(hint)}\n" if hint else ""
    try:
        sys.stderr.write(f"error: {printable(message)}\n{hinted}")
    except OSError:
        _forget(sys.stderr)  # nobody can be told; the exit code still says it


def _usage(error: typer.TyperException) -> int:
    context = getattr(error, "ctx", None)
    message = error.format_message()
    if not message.strip():
        return error.exit_code
    command = context.command_path if context is not None else PROGRAM
    say_error(message.replace("\n", " "), f"`{command} --help` says what it takes")
    return error.exit_code


def _forget(stream: TextIO) -> None:
    """Let the interpreter's own last flush go nowhere, so that it does not complain a second time."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _report(error: Exception, arguments: Sequence[str]) -> int:
    """Give a report to paste: this should not have happened."""
    import platform
    import shlex
    import traceback

    from onecycle_cli.version import __version__

    trace = "".join(traceback.format_exception(error))
    sys.stderr.write(
        "error: this is a bug in onecycle, not in what you typed. Please report it with the lines below.\n\n"
        f"onecycle {__version__}, Python {platform.python_version()}, {platform.platform()}\n"
        f"command: {PROGRAM} {shlex.join(arguments)}\n{trace}"
    )
    return OUR_BUG
