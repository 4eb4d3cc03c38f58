"""Lines of text for a terminal: as wide as it is, broken only between words, in colour where it shows colours."""

from __future__ import annotations

import os
import unicodedata
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from onecycle_cli.formatting import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

STYLES = {
    "error": "1;31",
    "warning": "1;33",
    "info": "1;36",
    "note": "1;36",
    "hint": "1",
    "good": "1;32",
    "heading": "1;32",
    "flag": "1;36",
    "value": "36",
    "bold": "1",
    "dim": "2",
    "frame": "34",
}
"""The terminal's codes for what a text is."""


def has_colour(stream: IO[str]) -> bool:
    """Return whether a stream shows colours: a terminal that can, unless NO_COLOR or FORCE_COLOR say otherwise."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM", "") not in ("dumb", "unknown")


def width_of(stream: IO[str]) -> int | None:
    """Return the columns of a terminal; None for a pipe or a file, where lines are not broken."""
    return terminal_size(stream)[0] if stream.isatty() else None


def terminal_size(stream: IO[str], default: tuple[int, int] = (80, 24)) -> tuple[int, int]:
    """Return the columns and lines of the terminal that a stream is: by COLUMNS and LINES, else as it says itself."""
    size = default
    with suppress(OSError, ValueError):
        size = os.get_terminal_size(stream.fileno())
    given = (os.environ.get(name, "") for name in ("COLUMNS", "LINES"))
    columns, lines = (
        int(text) if len(text) < 5 and text.isdecimal() and int(text) else each
        for text, each in zip(given, size, strict=True)
    )
    return columns or default[0], lines or default[1]


def is_unicode(stream: IO[str]) -> bool:
    """Return whether a stream's encoding has braille, lines and arrows."""
    try:
        "⣿→│".encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def styled(text: str, style: str, *, colour: bool) -> str:
    """Return a text in the style of a name of STYLES, or as it is."""
    return f"\033[{STYLES[style]}m{text}\033[0m" if colour and text else text


def cells(text: str) -> int:
    """Return how many columns text takes in a terminal: two for wide characters, none for combining ones."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, width: int, ellipsis: str) -> str:
    """Return as much of the text as fits, with an ellipsis where something is left out."""
    if cells(text) <= width:
        return text
    room, kept = width - len(ellipsis), ""
    for character in text:
        room -= _cells(character)
        if room < 0:
            break
        kept += character
    return (kept + ellipsis)[: max(width, 0)] if width > len(ellipsis) else kept[: max(width, 0)]


def wrap(text: str, width: int | None, *, first: int = 0, indent: int = 0) -> Iterator[str]:
    """Yield a text's lines of at most `width` columns, broken between words only: a longer word gets its own line.

    Args:
        text: one paragraph.
        width: the columns, or None for one line.
        first: columns already taken in the first line.
        indent: spaces before each line but the first.
    """
    if width is None:
        yield text
        return
    line, room, margin = text[: len(text) - len(text.lstrip(" "))], width - first, ""
    for word in text.lstrip(" ").split(" "):
        if line.strip() and cells(line) + 1 + cells(word) > room:
            yield margin + line
            line, room, margin = word, width - indent, " " * indent
        else:
            line = f"{line} {word}" if line.strip() else line + word
    yield margin + line


def labelled(label: str, style: str, text: str, stream: IO[str]) -> str:
    """Return `label: text` for a stream, as wide as its terminal, the label in colour; ended by a line break."""
    lines = wrap(text, width_of(stream), first=len(label) + 2, indent=2)
    return f"{styled(f'{label}:', style, colour=has_colour(stream))} " + "\n".join(lines) + "\n"


def table(
    rows: Sequence[Sequence[str]],
    width: int | None,
    *,
    left: Collection[int] = (),
    colour: bool,
    marked: int | None = None,
) -> str:
    """Return rows as aligned columns, the first row, of titles, in bold; numbers are set to the right.

    Where two spaces between columns are more than `width` has room for, there is one.

    Args:
        rows: the titles, and the cells below them.
        width: the columns of the terminal, or None.
        left: the columns of words, counted from 0, or from the last one with -1.
        colour: whether the terminal shows colours.
        marked: the row to emphasize, counted with the titles.
    """
    printed = [[printable(cell) for cell in row] for row in rows]
    sizes = [max(map(cells, column)) for column in zip(*printed, strict=True)]
    gap = " " if width is not None and sum(sizes) + 2 * len(sizes) - 2 > width else "  "
    lines = []
    for number, row in enumerate(printed):
        line = ""
        for at, (cell, size) in enumerate(zip(row, sizes, strict=True)):
            space = " " * (size - cells(cell))
            line += (f"{cell}{space}" if at in left or at - len(row) in left else f"{space}{cell}") + gap
        style = "error" if number == marked else "bold"
        lines.append(styled(line.rstrip(), style, colour=colour and number in (0, marked)) + "\n")
    return "".join(lines)


def columns_that_fit(rows: Sequence[Sequence[str]], width: int | None, least: int) -> Sequence[Sequence[str]]:
    """Return rows without the last columns that a terminal has no room for, at least so many columns."""
    sizes = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    kept = len(sizes)
    while width is not None and kept > least and sum(sizes[:kept]) + kept - 1 > width:
        kept -= 1
    return [row[:kept] for row in rows]
