"""Where results go: to a console that prints texts as they are, and to files that are written whole or not at all."""

from __future__ import annotations

import os
import re
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.render.lines import terminal_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

_DESCRIPTOR = re.compile(r"/dev/(stdout|stderr)|/dev/fd/(\d+)|/proc/self/fd/(\d+)")

_TEMPORARY: dict[Path, int] = {}
"""The files that are being written, and their descriptors once they are open."""

HINT = "choose a path that you can write to"

UNBOUNDED = 100_000
"""Columns of an unbroken line. A number broken in two reads as another number, so wrapping is left to the terminal."""


def make_console(stream: IO[str]) -> Console:
    """Return a console that prints to a stream, in colour if it is a terminal; nothing in the texts is markup."""
    from rich.console import Console

    # Its own reading of COLUMNS and LINES fails where they make no sense.
    width, height = terminal_size(stream)
    return Console(file=stream, width=width, height=height, highlight=False, markup=False, emoji=False)


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


def is_stream(path: Path) -> bool:
    """Return whether what is written to a path goes on to a reader: a pipe, a terminal, a device, a descriptor."""
    return descriptor_of(path) is not None or (path.exists() and not path.is_file() and not path.is_dir())


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes its name only when the block ends well.

    It is written under a temporary name in the same folder; an existing file stays as it was until then. A stream (see
    `is_stream`) is written to directly. The target of a link is replaced.

    Raises:
        OnecycleError: the path cannot be written to.
    """
    try:
        with _open_stream(path) if is_stream(path) else _open_whole(_real_path(path)) as stream:
            yield stream
    except OSError as error:
        raise _cannot_write(path, error) from None


def _real_path(path: Path) -> Path:
    try:
        return Path(os.path.realpath(path))
    except ValueError:
        raise OnecycleError(f"cannot write {str(path)!r}: invalid file name", "check the path") from None


def make_folder(path: Path) -> None:
    """Make a folder, and those above it, if they do not exist.

    Raises:
        OnecycleError: the folder cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OnecycleError(f"cannot make the folder {path}: {error.strerror or error}", HINT) from None


@contextmanager
def _open_whole(target: Path) -> Iterator[IO[bytes]]:
    temporary = target.with_name(f".{target.name[:40]}.{os.urandom(4).hex()}.tmp")
    _TEMPORARY[temporary] = -1  # before it exists, so that a signal at any time finds it
    try:
        with open(temporary, "xb", opener=_open_for_owner) as stream:
            _TEMPORARY[temporary] = stream.fileno()
            yield stream
        _move(temporary, target)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        del _TEMPORARY[temporary]


def remove_temporary_files() -> None:
    """Remove the files that are being written, for a process that ends at once."""
    for path, descriptor in _TEMPORARY.items():
        with suppress(OSError):
            os.close(descriptor)  # Windows does not remove an open file
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _open_for_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)  # what replaces a private file is private, too


def _move(temporary: Path, target: Path) -> None:
    """Give a finished file its name, with the mode, the owner and the hard links of the file that had it before."""
    if not target.exists():  # the mode of a file that is opened in the usual way
        os.umask(umask := os.umask(0))
        temporary.chmod(0o666 & ~umask)
    else:
        before = target.stat()
        if before.st_nlink > 1:  # replacing it would leave the other names with what it was
            target.write_bytes(temporary.read_bytes())
            return
        temporary.chmod(stat.S_IMODE(before.st_mode))
        if hasattr(os, "chown"):
            with suppress(OSError):  # only the superuser may write for others
                os.chown(temporary, before.st_uid, before.st_gid)
    temporary.replace(target)


def descriptor_of(path: Path) -> int | None:
    """Return the open descriptor that a path names, as the shell's `>(command)` does; None for other paths."""
    found = _DESCRIPTOR.fullmatch(str(path))
    if found is None or os.name == "nt":
        return None
    return int(found[2] or found[3]) if found[2] or found[3] else {"stdout": 1, "stderr": 2}[found[1]]


def _open_stream(path: Path) -> IO[bytes]:
    descriptor = descriptor_of(path)
    # To open a descriptor's path again would write over what a redirection (`>> file`) has kept.
    return path.open("wb") if descriptor is None else os.fdopen(os.dup(descriptor), "wb")


def _cannot_write(path: Path, error: OSError) -> OnecycleError:
    hint = HINT
    if isinstance(error, FileNotFoundError):
        hint = f"create the folder {path.parent}, or choose another path"
    return OnecycleError(f"cannot write {path}: {error.strerror or error}", hint)
