"""Jupyter notebooks: their code as one script, and where each of its lines is in the notebook's JSON."""

from __future__ import annotations

import ast
import json
import re
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from onecycle_cli.config.nodes import TOP, Place
from onecycle_cli.config.python_text import Lines
from onecycle_cli.config.yaml_tree import UnreadableError
from onecycle_cli.findings.config_rules import NOT_PYTHON

if TYPE_CHECKING:
    from collections.abc import Iterator

_SOURCE = re.compile(r'"source"\s*:')
_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
"""A line as Python counts them, with its end; the last one has none."""

_MAGIC = re.compile(r"\s*(%(?!%)|!|\?)|.*\?\s*$")
_CELL_MAGIC = re.compile(r"%%(time|timeit|capture|prun)\b")
"""Magics whose cell is Python; that of others is another language, or a file's text."""

_ASSIGNED_MAGIC = re.compile(r"^(\s*[\w., ]+=\s*)[%!].*$")


@dataclass(frozen=True, slots=True)
class Origin:
    """A line of a cell: where it begins in the JSON, and how a text is escaped there."""

    line: int
    column: int
    is_ascii: bool


@dataclass(frozen=True, slots=True)
class Notebook:
    """The code of a notebook, and where each of its lines is."""

    code: str
    origins: tuple[Origin, ...]


class NotebookLines(Lines):
    """The lines of a notebook's code, with their places in its JSON."""

    def __init__(self, notebook: Notebook) -> None:
        """Take a notebook."""
        super().__init__(notebook.code, None)
        self._origins = notebook.origins

    def number(self, line: int) -> int:
        """Return the number in the file of a line of the code."""
        return self._origins[line - 1].line

    def place(self, node: ast.expr | ast.stmt | ast.keyword) -> Place:
        """Return where a node of the syntax begins."""
        place = super().place(node)
        origin = self._origins[place.line - 1]
        before = self._lines[place.line - 1][: place.column - 1]
        column = origin.column + len(_escaped(before, is_ascii=origin.is_ascii))
        return replace(place, line=origin.line, column=column)


def read_notebook(text: str) -> Notebook:
    """Return the code of a notebook: its cells in their order, without magics and cells that are not Python.

    Raises:
        UnreadableError: the text is not JSON.
    """
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"not a notebook: {getattr(error, 'msg', 'nested too deep')}"
        place = Place(getattr(error, "lineno", 1), getattr(error, "colno", 1))
        hint = "save it in Jupyter, or name the script that it was exported to"
        raise UnreadableError(NOT_PYTHON, message, place, hint) from None
    lines: list[str] = []
    origins: list[Origin] = []
    places = _Places(text)
    for kind, parts in _cells(tree):
        found = list(places.of(parts))
        written = [line for line, _ in found]
        if kind == "code" and (code := _python(written)) is not None:
            lines += code
            origins += [origin for _, origin in found]
    return Notebook("\n".join(lines), tuple(origins) or (Origin(TOP.line, TOP.column, is_ascii=False),))


def _cells(tree: Any) -> Iterator[tuple[str, list[str]]]:
    """Yield the cells with their sources, which are strings or lists of strings."""
    cells = tree.get("cells") if isinstance(tree, dict) else None
    for cell in cells if isinstance(cells, list) else ():
        source = cell.get("source") if isinstance(cell, dict) else None
        parts = [source] if isinstance(source, str) else source
        if isinstance(parts, list) and all(isinstance(part, str) for part in parts):
            yield str(cell.get("cell_type")), parts


class _Places:
    """Finds the strings of a notebook's cells in its text, from the first to the last."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line, self._line_at = 1, 0

    def of(self, parts: list[str]) -> Iterator[tuple[str, Origin]]:
        """Yield each line of a cell with where it begins."""
        if (key := _SOURCE.search(self._text, self._at)) is not None:
            self._at = key.end()
        begun, begun_at = "", None
        for part in parts:
            origin = self._origin(part)
            for line, end in _LINE.findall(part):
                if end:
                    yield begun + line, begun_at or origin
                    begun, begun_at = "", None
                    length = len(_escaped(line + end, is_ascii=origin.is_ascii))
                    origin = replace(origin, column=origin.column + length)
                elif line:
                    begun, begun_at = begun + line, begun_at or origin
        if begun_at is not None:
            yield begun, begun_at

    def _origin(self, part: str) -> Origin:
        """Return where a string begins behind the ones before it."""
        for is_ascii in (False, True):
            written = f'"{_escaped(part, is_ascii=is_ascii)}"'
            at = self._text.find(written, self._at)
            if at >= 0:
                self._line += self._text.count("\n", self._line_at, at)
                self._line_at, self._at = at, at + len(written)
                column = at - self._text.rfind("\n", 0, at)
                return Origin(self._line, column + 1, is_ascii)
        return Origin(self._line, 1, is_ascii=False)


def _escaped(text: str, *, is_ascii: bool) -> str:
    return json.dumps(text, ensure_ascii=is_ascii)[1:-1]


def _python(lines: list[str]) -> list[str] | None:
    """Return a cell's lines with the magics as comments; None if the cell is not Python."""
    code = []
    for at, line in enumerate(lines):
        if line.startswith("%%"):
            if at or not _CELL_MAGIC.match(line):
                return None
            code.append("")
        elif _MAGIC.match(line):
            code.append(f"{line[: len(line) - len(line.lstrip())]}pass")
        else:
            code.append(_ASSIGNED_MAGIC.sub(r"\1__magic__()", line))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse("\n".join(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return code
