"""Where the values of a text begin and end: of YAML, of JSON as YAML reads it, and of Python."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from onecycle_cli.config.fix import line_starts
from onecycle_cli.config.python_text import Lines, parse_module
from onecycle_cli.config.yaml_tree import LOADER, place_of

if TYPE_CHECKING:
    from onecycle_cli.config.nodes import Place

    Position = tuple[int, int]
    """Line and column, from 1."""


@dataclass(slots=True)
class Span:
    """Where a value is in the text: the character it begins at, and the one after its end.

    Of a mapping, `entries` are its keys and values, and `flow` says whether it is in braces.
    """

    begin: int
    end: int
    place: Place
    flow: bool = False
    entries: list[tuple[Span, Span]] = field(default_factory=list)

    @property
    def position(self) -> Position:
        """The line and the column at which it begins."""
        return self.place.line, self.place.column


def spans_of_yaml(text: str) -> tuple[dict[Position, Span], list[Span]]:
    """Return where every value of the first document is, and its mappings; an anchor is not a part of its value."""
    found: dict[Position, Span] = {}
    mappings: list[Span] = []
    open_ones: list[tuple[Span, list[Span]]] = []
    for event in yaml.parse(text, Loader=LOADER):
        begin, end = event.start_mark, event.end_mark
        assert begin is not None  # noqa: S101 - libyaml and PyYAML mark every event
        assert end is not None  # noqa: S101
        if isinstance(event, yaml.NodeEvent):
            place = place_of(event)
            moved = place.column - 1 - (begin.column if place.line == begin.line + 1 else 0)
            span = Span(begin.index + moved, end.index, place)
            found.setdefault(span.position, span)
            if open_ones:
                open_ones[-1][1].append(span)
            if isinstance(event, yaml.CollectionStartEvent):
                span.flow = bool(event.flow_style)
                open_ones.append((span, []))
                if isinstance(event, yaml.MappingStartEvent):
                    mappings.append(span)
        elif isinstance(event, yaml.CollectionEndEvent):
            span, items = open_ones.pop()
            # A collection without brackets ends where its last item does; the parser's mark is at the next token.
            span.end = end.index if span.flow or not items else items[-1].end
            span.entries = list(zip(items[::2], items[1::2], strict=False))
        elif isinstance(event, yaml.DocumentEndEvent):
            break
    return found, mappings


def spans_of_python(text: str) -> dict[Position, Span]:
    """Return where every expression of a module is; of several at one place, the one that holds the others."""
    lines, starts = Lines(text, None), line_starts(text, python=True)
    found: dict[Position, Span] = {}
    for node in ast.walk(parse_module(text)):
        if isinstance(node, ast.expr):
            begin, end = lines.place(node), lines.end(node)
            at, after = (starts[place.line - 1] + place.column - 1 for place in (begin, end))
            found.setdefault((begin.line, begin.column), Span(at, after, begin))
    return found
