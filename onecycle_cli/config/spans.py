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


@dataclass(slots=True, eq=False)
class Span:
    """Where a value is in the text: the character it begins at, and the one after its end.

    Attributes:
        begin: the first character.
        end: the character after the last one.
        place: its line and column.
        flow: whether a collection is in brackets; a scalar is not.
        anchor: its anchor.
        parent: the collection that it is in.
        key: of a value in a mapping, its key.
    """

    begin: int
    end: int
    place: Place
    flow: bool = False
    anchor: str | None = None
    parent: Span | None = None
    key: Span | None = None

    @property
    def position(self) -> Position:
        """The line and the column at which it begins."""
        return self.place.line, self.place.column


@dataclass(slots=True)
class Layout:
    """Where the values of a text are.

    Attributes:
        values: each value by the line and the column at which it begins.
        aliased: the anchors that an alias names.
    """

    values: dict[Position, Span] = field(default_factory=dict)
    aliased: set[str] = field(default_factory=set)

    def is_shared(self, span: Span) -> bool:
        """Return whether an alias elsewhere has a value, too."""
        here: Span | None = span
        while here is not None:
            if here.anchor in self.aliased:
                return True
            here = here.parent
        return False


def layout_of_yaml(text: str) -> Layout:
    """Return where the values of the first document are; an anchor is not a part of its value."""
    found = Layout()
    open_ones: list[tuple[Span, list[Span]]] = []
    for event in yaml.parse(text, Loader=LOADER):
        begin, end = event.start_mark, event.end_mark
        assert begin is not None  # noqa: S101 - libyaml and PyYAML mark every event
        assert end is not None  # noqa: S101
        if isinstance(event, yaml.NodeEvent):
            place = place_of(event)
            moved = place.column - 1 - (begin.column if place.line == begin.line + 1 else 0)
            span = Span(begin.index + moved, end.index, place)
            found.values.setdefault(span.position, span)
            if isinstance(event, yaml.AliasEvent):
                found.aliased.add(str(event.anchor))
            else:
                span.anchor = event.anchor
            if open_ones:
                span.parent = open_ones[-1][0]
                open_ones[-1][1].append(span)
            if isinstance(event, yaml.CollectionStartEvent):
                span.flow = bool(event.flow_style)
                open_ones.append((span, []))
        elif isinstance(event, yaml.CollectionEndEvent):
            span, items = open_ones.pop()
            # A collection without brackets ends where its last item does; the parser's mark is at the next token.
            span.end = end.index if span.flow or not items else items[-1].end
            if isinstance(event, yaml.MappingEndEvent):
                for key, value in zip(items[::2], items[1::2], strict=True):
                    value.key = key
        elif isinstance(event, yaml.DocumentEndEvent):
            break
    return found


def layout_of_python(text: str) -> Layout:
    """Return where the expressions of a module are; of several at one place, the one that holds the others."""
    lines, starts = Lines(text, None), line_starts(text, python=True)
    found = Layout()
    for node in ast.walk(parse_module(text)):
        if isinstance(node, ast.expr):
            begin, end = lines.place(node), lines.end(node)
            at, after = (starts[place.line - 1] + place.column - 1 for place in (begin, end))
            found.values.setdefault((begin.line, begin.column), Span(at, after, begin))
    return found
