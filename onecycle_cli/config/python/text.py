"""The text of a Python config: places in it, and what it says where it is not worked out."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING

from onecycle_cli.config.nodes import Place, Scalar, place_at
from onecycle_cli.config.tree import UnreadableError
from onecycle_cli.findings.documents import TOO_MUCH

if TYPE_CHECKING:
    import ast

UNKNOWN = "!unknown"
"""The tag of what the file alone does not tell; the scalar's text is the expression, shortened."""

LONGEST_SHOWN = 60

BREAK = re.compile(r"\r\n|\r|\n")
_INNER_BYTE = re.compile(rb"[\x80-\xbf]")


class Text:
    """The lines as Python counts them, with columns in characters: `ast` counts bytes of UTF-8."""

    def __init__(self, text: str) -> None:
        """Take the text apart."""
        self._lines = BREAK.split(text)
        self._inner: dict[int, array[int]] = {}

    def place(self, node: ast.expr | ast.stmt | ast.keyword) -> Place:
        """Tell where a node begins."""
        return Place(node.lineno, self._column(node.lineno, node.col_offset))

    def unknown(self, node: ast.expr | ast.stmt) -> Scalar:
        """Make the scalar for a node whose value is not known."""
        begin, line = self.place(node), self._lines[node.lineno - 1]
        whole = node.end_lineno == node.lineno
        end = self._column(node.lineno, node.end_col_offset or 0) - 1 if whole else len(line)
        shown = line[begin.column - 1 : end]
        if len(shown) > LONGEST_SHOWN or not whole:
            shown = shown[: LONGEST_SHOWN - 1].rstrip() + "…"
        return Scalar(begin, shown, plain=True, tag=UNKNOWN)

    def _column(self, line: int, offset: int) -> int:
        text = self._lines[line - 1]
        if text.isascii():
            return offset + 1
        if line not in self._inner:
            self._inner[line] = array("I", (byte.start() for byte in _INNER_BYTE.finditer(text.encode())))
        return offset - bisect_left(self._inner[line], offset) + 1


def too_much(message: str, place: Place) -> UnreadableError:
    """Say that this is larger or deeper than any config."""
    return UnreadableError(place_at(TOO_MUCH.finding(message, "check that this is the file meant"), place))
