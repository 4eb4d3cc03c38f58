"""The nodes of a config's tree, each of which knows its place."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from onecycle_cli.findings import Finding


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node begins: line and column, 1-based; `flag` is what the user typed where it is not from the file."""

    line: int
    column: int
    flag: str | None = None


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value as written; `plain` where no quotes say that it is a text, `tag` as the text has it.

    `origin` is where it is written, where it stands here only by an anchor's or a path's name.
    """

    place: Place
    text: str
    plain: bool
    tag: str | None = None
    origin: Place | None = None


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list of nodes."""

    place: Place
    items: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Mapping:
    """Pairs of keys and values, in order, duplicates kept."""

    place: Place
    entries: list[tuple[Node, Node]] = field(default_factory=list)


TOP = Place(1, 1)
"""The first character of a file."""

Node: TypeAlias = Scalar | Sequence | Mapping


def merged_entries(mapping: Mapping) -> list[tuple[Node, Node]] | None:
    """Give a mapping's entries with what `<<` merges into it behind them; None where it merges nothing.

    As in YAML's merge keys, the mapping's own entries win, then the mapping named first.
    """
    sources = [node for key, node in mapping.entries if is_merge(key)]
    mappings = [each for node in sources for each in (node.items if isinstance(node, Sequence) else [node])]
    if not mappings or not all(isinstance(each, Mapping) for each in mappings):
        return None
    entries = [(key, node) for key, node in mapping.entries if not is_merge(key)]
    keys = {key.text for key, _ in entries if isinstance(key, Scalar)}
    for each in mappings:
        for key, node in list(each.entries) if isinstance(each, Mapping) else ():
            if isinstance(key, Scalar) and key.text not in keys:
                keys.add(key.text)
                entries.append((key, node))
    return entries


def is_merge(key: Node) -> bool:
    """Say whether a key is YAML's merge key, `<<` without quotes."""
    return isinstance(key, Scalar) and key.plain and key.text == "<<"


def place_at(finding: Finding, place: Place) -> Finding:
    """Return the finding with its line and column, or with the flag that gave its value."""
    if place.flag is not None:
        return replace(finding, flag=place.flag)
    return replace(finding, line=place.line, column=place.column)
