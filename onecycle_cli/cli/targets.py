"""What commands write: text and pictures, on standard output or to a file that is written whole or not at all."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import printable
from onecycle_cli.render.lines import labelled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from matplotlib.figure import Figure

    from onecycle_cli.render.figure import Format

PICTURE_FORMATS: dict[str, Format] = {".png": "png", ".svg": "svg", ".pdf": "pdf"}
STDOUT = "-"

ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")]


def is_stdout(target: str) -> bool:
    """Return whether a target is standard output, by any of its names."""
    from onecycle_cli.render.output import descriptor_of

    return target == STDOUT or descriptor_of(Path(target)) == 1


def is_stream(target: str) -> bool:
    """Return whether a target is standard output, or another stream, whose name says nothing about a format."""
    from onecycle_cli.render import output

    return is_stdout(target) or output.is_stream(Path(target))


def picture_format(target: str) -> Format:
    """Return the format of a picture by its file's extension; PNG for standard output.

    Raises:
        OnecycleError: the extension is not one of a picture, or standard output is a terminal.
    """
    if is_stdout(target):
        check_not_terminal("PNG", "plan.png")
        return "png"
    extension = Path(target).suffix.lower()
    if not extension and is_stream(target):
        return "png"
    if extension not in PICTURE_FORMATS:
        given = f"unsupported image extension {extension!r}" if extension else "no image extension"
        raise OnecycleError(f"{target}: {given}", "use .png, .svg or .pdf")
    return PICTURE_FORMATS[extension]


def check_picture_beside_report(target: str) -> None:
    """Check, before any work is done, that a picture can be written which is not the command's only output.

    Raises:
        OnecycleError: the extension is not one of a picture, or it would be in the report on standard output.
    """
    if is_stdout(target):
        raise OnecycleError("standard output is for the report, not for the picture too", "name a file: -o picture.png")
    picture_format(target)


def save_picture(figure: Figure, target: str, dpi: float, content: dict[str, object]) -> None:
    """Save a figure; `content`, what it was drawn from, is embedded in the file as JSON."""
    from onecycle_cli.render.figure import save
    from onecycle_cli.version import __version__

    metadata = {"version": f"onecycle-cli {__version__}", **{key: json.dumps(value) for key, value in content.items()}}
    if is_stdout(target):
        save(figure, sys.stdout.buffer, picture_format(target), dpi=dpi, metadata=metadata)
        return
    with written_file(target) as stream:
        save(figure, stream, picture_format(target), dpi=dpi, metadata=metadata)


def check_not_terminal(format_: str, example: str) -> None:
    """Check that no binary format is written into a terminal.

    Raises:
        OnecycleError: standard output is a terminal.
    """
    if sys.stdout.isatty():
        raise OnecycleError(f"{format_} is binary, not text for a terminal", f"name a file: -o {example}")


def print_notes(notes: Iterable[str]) -> None:
    """Print notes on standard error."""
    sys.stderr.writelines(labelled("note", "note", printable(note), sys.stderr) for note in notes)


def print_warnings(warnings: Iterable[str]) -> None:
    """Print warnings on standard error."""
    sys.stderr.writelines(labelled("warning", "warning", printable(warning), sys.stderr) for warning in warnings)


@contextmanager
def written_file(target: str) -> Iterator[IO[bytes]]:
    """Open a file that is written whole or not at all, and say on standard error that it is written."""
    from onecycle_cli.render.output import whole_file

    path = Path(target)
    with whole_file(path) as stream:
        yield stream
    if path.is_file() and not is_stream(target):
        sys.stderr.write(f"wrote {printable(target)}\n")


def write_text(text: str, target: str) -> None:
    """Write a text to a file, or to standard output for `-`."""
    if is_stdout(target):
        sys.stdout.write(text)
        return
    with written_file(target) as stream:
        stream.write(text.encode())


def check_new_file(target: str, *, force: bool) -> None:
    """Check, before any work is done, that a text can be written: without `force` only to a new file.

    Raises:
        OnecycleError: the file exists, or is a folder.
    """
    path = Path(target)
    if is_stdout(target):
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
