"""Where results go: to a console that prints texts as they are, and to files that are written whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, NoReturn

from onecycle_cli.errors import OnecycleError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

UNBOUNDED = 100_000
"""Columns of an unbroken line. A number broken in two reads as another number, so wrapping is left to the terminal."""


def make_console(stream: IO[str]) -> Console:
    """Return a console that prints to a stream, in colour if it is a terminal; nothing in the texts is markup.

    It raises BrokenPipeError when the reader is gone, where rich would end the process itself.
    """
    from rich.console import Console

    class PlainConsole(Console):
        def on_broken_pipe(self) -> NoReturn:
            raise BrokenPipeError

    return PlainConsole(file=stream, highlight=False, markup=False, emoji=False)


@contextmanager
def unbroken_lines(stream: IO[str], *, fit_terminal: bool = False) -> Iterator[Console]:
    """Collect what the block prints to a console, and write it to a stream: no line is broken, cut off or padded.

    With `fit_terminal`, the console keeps the width of a terminal.
    """
    console = make_console(stream)
    if not (fit_terminal and console.is_terminal):
        console.width = UNBOUNDED
    with console.capture() as printed:
        yield console
    stream.writelines(f"{line.rstrip()}\n" for line in printed.get().splitlines())


def print_code(text: str, language: str, stream: IO[str]) -> None:
    """Print code in the terminal's own colours, line by line as it is."""
    from rich.syntax import Syntax

    console = make_console(stream)
    coloured = Syntax("", language, theme="ansi_dark", background_color="default").highlight(text)
    coloured.rstrip()
    console.print(coloured, soft_wrap=True)


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes its name only when the block ends well.

    It is written under a temporary name in the same folder; an existing file stays as it was until then. A path that
    is not a regular file (`/dev/null`, a named pipe) is written to directly. The target of a link is replaced.

    Raises:
        OnecycleError: the path cannot be written to.
    """
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file():
            with target.open("wb") as direct:
                yield direct
            return
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name[:40]}.", suffix=".tmp", dir=target.parent)
    except OSError as error:
        raise _cannot_write(path, error) from None
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
        if target.exists():
            mode = stat.S_IMODE(target.stat().st_mode)
        else:  # the mode of a file that is opened in the usual way
            os.umask(umask := os.umask(0))
            mode = 0o666 & ~umask
        Path(temporary).chmod(mode)
        Path(temporary).replace(target)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _cannot_write(path, error) from None
        raise


def _cannot_write(path: Path, error: OSError) -> OnecycleError:
    hint = "choose a path that you can write to"
    if isinstance(error, FileNotFoundError):
        hint = f"create the folder {path.parent}, or choose another path"
    return OnecycleError(f"cannot write {path}: {error.strerror or error}", hint)
