"""Dotted paths into a config's tree, and the values that `--set` lays there."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from onecycle_cli.config.nodes import Mapping, Place, Scalar, Sequence
from onecycle_cli.config.scalars import read_plain
from onecycle_cli.config.tree import UnreadableError, parse
from onecycle_cli.errors import OnecycleError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onecycle_cli.config.nodes import Node

Path: TypeAlias = tuple[str, ...]
"""Keys and indexes that lead from the root of a tree to a node."""


@dataclass(frozen=True, slots=True)
class Given:
    """A value given by `--set`, and the path at which it stands in for the file's."""

    path: Path
    node: Node


@dataclass(frozen=True, slots=True)
class Document:
    """A file's tree with what `--set` lays into it; `beyond` holds what it gives where the file has nothing."""

    root: Mapping
    beyond: Mapping

    def at(self, path: Path) -> Node | None:
        """Find the node at a path; None where there is none."""
        found = lookup(self.root, path)
        return lookup(self.beyond, path) if found is None else found


def split(dotted: str) -> Path:
    """Read a path as people write it: `a.b.0` or `a.b[0]`."""
    return tuple(re.findall(r"[^.\[\]]+", dotted))


def dotted(path: Path) -> str:
    """Write a path."""
    return ".".join(path)


def read_given(words: Iterable[str]) -> tuple[Given, ...]:
    """Read the values of `--set`, each `dotted.path=value` with the value in YAML.

    Raises:
        OnecycleError: one of them is not of this form.
    """
    return tuple(_given(word) for word in words)


def lay_over(root: Mapping, given: Iterable[Given]) -> Document:
    """Lay values over a tree: in their place where it has one for them, beside it where not."""
    beyond = Mapping(Place(1, 1))
    for each in given:
        laid = _lay(root, each.path, each.node)
        if isinstance(laid, Mapping):
            root = laid
        else:
            beyond = _grow(beyond, each.path, each.node)
    return Document(root, beyond)


def lookup(node: Node, path: Path) -> Node | None:
    """Follow a path from a node; of a key that stands twice, the last counts, as it does to PyYAML."""
    found: Node | None = node
    for part in path:
        if isinstance(found, Mapping):
            at = _index(found, part)
            found = None if at is None else found.entries[at][1]
        elif isinstance(found, Sequence):
            found = found.items[int(part)] if _is_index(part, found) else None
        else:
            return None
    return found


def unused(given: Iterable[Given], document: Document, text: str) -> tuple[str, ...]:
    """List the paths given that the file has no place for and does not name either."""
    paths = [each.path for each in given if lookup(document.root, each.path) is None]
    return tuple(dotted(path) for path in paths if dotted(path) not in text)


def _given(word: str) -> Given:
    name, equals, text = word.partition("=")
    path = split(name.strip())
    if not equals or not path:
        raise OnecycleError(f"--set {word[:60]!r} is not of the form path=value", "write --set trainer.max_steps=5000")
    try:
        node = parse(text)
    except UnreadableError as error:
        raise OnecycleError(f"--set {name}: {error.finding.message}", "quote the value for the shell") from None
    return Given(path, _placed(node or Scalar(Place(1, 1), "", plain=True), Place(1, 1, f"--set {word}")))


def _placed(node: Node, place: Place) -> Node:
    """Let a node and all below it stand where it was given."""
    if isinstance(node, Scalar):
        return replace(node, place=place, origin=None)
    if isinstance(node, Sequence):
        return Sequence(place, [_placed(item, place) for item in node.items])
    return Mapping(place, [(_placed(key, place), _placed(value, place)) for key, value in node.entries])


def _lay(target: Node, path: Path, node: Node) -> Node | None:
    """Give a copy of a tree with a node at a path; None where the tree has no place for it."""
    part, rest = path[0], path[1:]
    if isinstance(target, Scalar) and target.plain and read_plain(target.text) is None:
        target = Mapping(target.place)
    if isinstance(target, Sequence) and _is_index(part, target):
        inner = _lay(target.items[int(part)], rest, node) if rest else node
        items = list(target.items)
        if inner is None:
            return None
        items[int(part)] = inner
        return replace(target, items=items)
    if not isinstance(target, Mapping):
        return None
    at = _index(target, part)
    entries = list(target.entries)
    if at is None:
        return None if rest else replace(target, entries=[*entries, (Scalar(node.place, part, plain=False), node)])
    inner = _lay(entries[at][1], rest, node) if rest else node
    if inner is None:
        return None
    entries[at] = (entries[at][0], inner)
    return replace(target, entries=entries)


def _grow(target: Mapping, path: Path, node: Node) -> Mapping:
    """Lay a node at a path, with the mappings that lead there."""
    for length in range(1, len(path)):
        if lookup(target, path[:length]) is None:
            target = _as_mapping(_lay(target, path[:length], Mapping(node.place)), target)
    return _as_mapping(_lay(target, path, node), target)


def _as_mapping(laid: Node | None, otherwise: Mapping) -> Mapping:
    return laid if isinstance(laid, Mapping) else otherwise


def _index(mapping: Mapping, part: str) -> int | None:
    places = range(len(mapping.entries) - 1, -1, -1)
    return next((at for at in places if _names(mapping.entries[at][0], part)), None)


def _names(key: Node, part: str) -> bool:
    return isinstance(key, Scalar) and key.text == part


def _is_index(part: str, sequence: Sequence) -> bool:
    return part.isdecimal() and len(part) < 10 and int(part) < len(sequence.items)
