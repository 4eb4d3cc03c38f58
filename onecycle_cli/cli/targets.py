"""What commands write: text and pictures, on standard output or to a file that is written whole or not at all."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.figure import Figure

    from onecycle_cli.render.figure import Format

PICTURE_FORMATS: dict[str, Format] = {".png": "png", ".svg": "svg", ".pdf": "pdf"}
STDOUT = "-"

ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")]


def picture_format(target: str) -> Format:
    """Return the format of a picture by its file's extension; PNG for standard output.

    Raises:
        OnecycleError: the extension is not one of a picture, or standard output is a terminal.
    """
    if target == STDOUT:
        check_not_terminal("PNG", "plan.png")
        return "png"
    extension = Path(target).suffix.lower()
    if extension not in PICTURE_FORMATS:
        given = f"unsupported image extension {extension!r}" if extension else "no image extension"
        raise OnecycleError(f"{target}: {given}", "use .png, .svg or .pdf")
    return PICTURE_FORMATS[extension]


def save_picture(figure: Figure, target: str, dpi: float, content: dict[str, str], *, is_extra: bool = False) -> None:
    """Save a figure, and say where; `is_extra` for a picture beside a command's result on standard output.

    `content` is embedded in the file: what the picture was drawn from.
    """
    from onecycle_cli.render.figure import save
    from onecycle_cli.render.output import whole_file
    from onecycle_cli.version import __version__

    metadata = {"version": f"onecycle-cli {__version__}", **content}
    if target == STDOUT:
        save(figure, sys.stdout.buffer, picture_format(target), dpi=dpi, metadata=metadata)
        return
    with whole_file(Path(target)) as stream:
        save(figure, stream, picture_format(target), dpi=dpi, metadata=metadata)
    if is_extra:
        print_notes([f"the picture is {target}"])
    else:
        sys.stdout.write(f"{target}\n")


def check_not_terminal(format_: str, example: str) -> None:
    """Check that no binary format is written into a terminal.

    Raises:
        OnecycleError: standard output is a terminal.
    """
    if sys.stdout.isatty():
        raise OnecycleError(f"{format_} is binary, not text for a terminal", f"name a file: -o {example}")


def print_notes(notes: Iterable[str]) -> None:
    """Print notes on standard error."""
    sys.stderr.writelines(f"note: {printable(note)}\n" for note in notes)


def write_text(text: str, target: str) -> None:
    """Write a text to a file, or to standard output for `-`."""
    from onecycle_cli.render.output import whole_file

    if target == STDOUT:
        sys.stdout.write(text)
        return
    with whole_file(Path(target)) as stream:
        stream.write(text.encode())


def check_new_file(target: str, *, force: bool) -> None:
    """Check, before any work is done, that a text can be written: without `force` only to a new file.

    Raises:
        OnecycleError: the file exists, or is a folder.
    """
    path = Path(target)
    if target == STDOUT:
        return
    if path.is_dir():
        raise OnecycleError(f"{target} is a folder", "name a file in it")
    if path.is_file() and not force:
        raise OnecycleError(f"{target} already exists", "use --force to overwrite it, or choose another name")


def check_not_input(target: str | None, inputs: Iterable[str]) -> None:
    """Check that no file that a command reads would be replaced by what it writes, not even by force.

    Raises:
        OnecycleError: the target is one of the inputs, also by another name or through a link.
    """
    if target is None or not Path(target).is_file():
        return
    for path in inputs:
        with suppress(OSError, ValueError):  # what cannot be found is reported where it is read
            if Path(path).samefile(target):
                raise OnecycleError(f"{target} is an input of this command", "write to another file")
