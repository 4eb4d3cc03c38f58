"""Standard output and standard error, on which nothing from a file or a name acts on its reader."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from onecycle_cli.formatting import inert

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class BrokenOutputError(Exception):
    """The reader of a pipe closed it. Libraries end the process themselves at a BrokenPipeError."""


class InertStream:
    """A text stream that passes on what `inert` leaves of a text; a terminal's stream also has colours."""

    def __init__(self, stream: IO[str]) -> None:
        """Take the stream to write to."""
        self.unfiltered = stream
        self._has_colours = stream.isatty()
        self._line = ""
        """What the current line begins with, if a command to a CI runner may still come of it."""

    def write(self, text: str) -> int:
        """Write a text."""
        clean = inert(self._line + text, colours=self._has_colours)[len(self._line) :]
        last = text.rpartition("\n")
        begun = last[2] if last[1] else self._line + text
        self._line = begun if begun.strip() in ("", ":") else "."
        try:
            self.unfiltered.write(clean)
        except BrokenPipeError:
            raise BrokenOutputError from None
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write texts one after the other."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Pass on what is still in the stream."""
        try:
            self.unfiltered.flush()
        except BrokenPipeError:
            raise BrokenOutputError from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unfiltered, name)


@contextmanager
def inert_streams() -> Iterator[None]:
    """Replace the process's standard streams by inert ones in the block."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = map(InertStream, before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def unfiltered(stream: IO[str]) -> IO[str]:
    """Return the stream behind an inert one, for a terminal's cursor and for the workflow commands of ours."""
    return stream.unfiltered if isinstance(stream, InertStream) else stream
