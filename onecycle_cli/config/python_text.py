"""A Python file's text: its lines as Python counts them, its syntax, and why it has none."""

from __future__ import annotations

import ast
import re
import warnings
from array import array
from bisect import bisect_left
from itertools import islice

from onecycle_cli.config.nodes import TOP, Place, ScalarNode
from onecycle_cli.config.yaml_tree import MOST_NODES, UnreadableError
from onecycle_cli.findings.config_rules import NOT_PYTHON, TOO_MUCH

UNKNOWN = "!unknown"
"""The tag of what the file alone does not give; the scalar's text is the expression, shortened."""

LONGEST_SHOWN = 60

_BREAK = re.compile(r"\r\n|\r|\n")
_TOKEN = re.compile(r"\w+|[^\w\s]")
_INNER_BYTE = re.compile(rb"[\x80-\xbf]")


class Lines:
    """The lines as Python counts them, with columns in characters: `ast` counts bytes of UTF-8."""

    def __init__(self, text: str, file: str | None) -> None:
        """Take a module's text, and its file."""
        self._lines = _BREAK.split(text)
        self.file = file
        self._inner: dict[int, array[int]] = {}

    def place(self, node: ast.expr | ast.stmt | ast.keyword) -> Place:
        """Return where a node of the syntax begins."""
        return Place(node.lineno, self._column(node.lineno, node.col_offset), None, self.file)

    def end(self, node: ast.expr | ast.stmt) -> Place:
        """Return where a node of the syntax ends: the place after its last character."""
        line = node.end_lineno or node.lineno
        return Place(line, self._column(line, node.end_col_offset or 0), None, self.file)

    def number(self, line: int) -> int:
        """Return the number in the file of a line of the code."""
        return line

    def unknown(self, node: ast.expr | ast.stmt) -> ScalarNode:
        """Return the scalar for a node whose value is unknown."""
        start, last = self._column(node.lineno, node.col_offset) - 1, node.end_lineno or node.lineno
        end = self._column(last, node.end_col_offset or 0) - 1
        if last == node.lineno:
            shown = self._lines[last - 1][start:end]
        elif isinstance(node, ast.stmt):
            shown = f"{self._lines[node.lineno - 1][start:][: LONGEST_SHOWN - 1].rstrip()}…"
        else:
            inner = self._lines[node.lineno : last - 1][:LONGEST_SHOWN]
            lines = [self._lines[node.lineno - 1][start:], *inner, self._lines[last - 1][:end]]
            shown = " ".join(line.strip() for line in lines)
        if len(shown) > LONGEST_SHOWN:
            shown = shown[: LONGEST_SHOWN - 1].rstrip() + "…"
        return ScalarNode(self.place(node), shown, plain=True, tag=UNKNOWN)

    def _column(self, line: int, offset: int) -> int:
        text = self._lines[line - 1]
        if text.isascii():
            return offset + 1
        if line not in self._inner:
            self._inner[line] = array("I", (byte.start() for byte in _INNER_BYTE.finditer(text.encode())))
        return offset - bisect_left(self._inner[line], offset) + 1


def refuse_too_many_words(text: str) -> None:
    """Refuse a text that cannot be a config before it is parsed, which takes microseconds and a kilobyte per word.

    Raises:
        UnreadableError: the text has too many words.
    """
    if excess := next(islice(_TOKEN.finditer(text), 2 * MOST_NODES, None), None):
        raise UnreadableError(TOO_MUCH, f"more than {2 * MOST_NODES:,} words", _place_of(text, excess.start()))


def dotted_name(expr: ast.expr) -> str:
    """Return the dotted name that an expression is; empty for others."""
    parts: list[str] = []
    while isinstance(expr, ast.Attribute):
        parts.append(expr.attr)
        expr = expr.value
    return ".".join([expr.id, *reversed(parts)]) if isinstance(expr, ast.Name) else ""


def parse_module(text: str) -> ast.Module:
    """Return a module's syntax.

    Raises:
        UnreadableError: the text is not Python, or nested too deep.
    """
    if "\0" in text:
        message = "not Python: the character U+0000 is not allowed in Python"
        raise UnreadableError(NOT_PYTHON, message, _place_of(text, text.index("\0")))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        place = Place(max(error.lineno or 1, 1), max(error.offset or 1, 1))
        message = f"not Python: {error.msg.partition(';')[0]}"
        raise UnreadableError(NOT_PYTHON, message, place, _hint(error)) from None
    except (RecursionError, MemoryError):
        raise UnreadableError(TOO_MUCH, "nested deeper than Python's own parser allows", TOP) from None
    except ValueError:
        message = "not Python: a character that cannot be encoded"
        raise UnreadableError(NOT_PYTHON, message, TOP, "save the file as UTF-8") from None


def _hint(error: SyntaxError) -> str:
    if isinstance(error, IndentationError):
        return "indent with spaces, like the neighbouring lines"
    if "Missing parentheses in call" in error.msg or "leading zeros" in error.msg:
        return "write it in Python 3"
    return "close the bracket or quote, or add the missing comma"


def _place_of(text: str, at: int) -> Place:
    lines = _BREAK.split(text[:at])
    return Place(len(lines), len(lines[-1]) + 1)
