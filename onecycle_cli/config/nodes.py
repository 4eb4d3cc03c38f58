"""The nodes of a config's tree. Each node knows its place in the file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from onecycle_cli.findings import Finding


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node begins.

    Attributes:
        line: the line, from 1.
        column: the column in that line, in characters, from 1.
        flag: what the user typed where it is not from a file.
        file: the file, as it is shown; None for the one that is being read.
    """

    line: int
    column: int
    flag: str | None = None
    file: str | None = None


TOP = Place(1, 1)
"""The first character of a file."""


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A single value as written.

    Attributes:
        place: where it is, or where the alias or reference that leads to it is.
        text: its text, without quotes.
        plain: False where quotes make it a string.
        tag: its tag, as the file has it.
        origin: where its text is written, if an alias or a reference leads to it.
    """

    place: Place
    text: str
    plain: bool
    tag: str | None = None
    origin: Place | None = None

    @property
    def written(self) -> Place:
        """Where the text is written."""
        return self.origin or self.place


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A list of nodes."""

    place: Place
    items: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class MappingNode:
    """Pairs of keys and values, in the order of the file, with duplicates."""

    place: Place
    entries: list[tuple[Node, Node]] = field(default_factory=list)

    def pairs(self) -> list[tuple[ScalarNode, Node]]:
        """Return the entries whose key is a scalar."""
        return [(key, node) for key, node in self.entries if isinstance(key, ScalarNode)]


Node: TypeAlias = ScalarNode | SequenceNode | MappingNode


def is_merge(key: Node) -> bool:
    """Return whether a key is YAML's merge key, `<<` without quotes."""
    return isinstance(key, ScalarNode) and key.plain and key.text == "<<"


def seen_from(place: Place, node: Node) -> Node:
    """Return a node as an alias, a reference or a name at another place leads to it."""
    if isinstance(node, ScalarNode):
        return replace(node, place=place, origin=node.written)
    return replace(node, place=place)


def place_at(finding: Finding, place: Place) -> Finding:
    """Return the finding with its file, line and column, or with the flag that gave its value."""
    if place.flag is not None:
        return replace(finding, flag=place.flag)
    return replace(finding, file=place.file or finding.file, line=place.line, column=place.column)
