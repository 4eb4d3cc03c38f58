"""Bytes in, complete lines out: what has come so far of a file that may still grow."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    Line = tuple[int, str]
    """A line's number in the file, from 1, and its text without the end of line."""

LONGEST_LINE = 2**20
"""Characters above which a line is cut, so that a file without line ends cannot fill the memory."""

CHUNK = 2**20
"""Bytes read at a time."""


class Lines:
    """Cuts bytes into numbered lines; what follows the last end of line waits for more.

    UTF-8, or UTF-16 where a byte order mark says so. A byte that is neither becomes U+FFFD: in a cell that matters it
    makes a bad row, elsewhere it does no harm.
    """

    def __init__(self) -> None:
        """Begin at the first line."""
        self._decoder: codecs.IncrementalDecoder | None = None
        self._waiting = b""
        self._rest = ""
        self._next = 1

    def feed(self, data: bytes, *, ended: bool = False) -> Iterator[Line]:
        """Take bytes, give the lines that are complete now.

        Args:
            data: the next bytes, cut anywhere.
            ended: the file ends here, so that its last line is complete without an end of line.
        """
        texts = self._decode(data, ended=ended).split("\n")
        texts[0] = self._rest + texts[0]
        self._rest = texts.pop()[: LONGEST_LINE + 1]
        if ended and self._rest:
            texts.append(self._rest)
            self._rest = ""
        first = self._next
        self._next += len(texts)
        return enumerate(texts, first)

    def _decode(self, data: bytes, *, ended: bool) -> str:
        if self._decoder is None:
            self._waiting += data
            if len(self._waiting) < 2 and not ended:  # a byte order mark may be half here
                return ""
            data = self._waiting
            self._decoder = codecs.getincrementaldecoder(encoding_of(data))("replace")
        return self._decoder.decode(data, ended)


def encoding_of(data: bytes) -> str:
    """Name the encoding that a file's first bytes tell."""
    return "utf-16" if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
