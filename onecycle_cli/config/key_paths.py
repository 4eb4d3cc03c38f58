"""Dotted paths into a config's tree: the values that `--set` puts there, and the `${references}` between them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from onecycle_cli.config.indexes import position
from onecycle_cli.config.nodes import TOP, MappingNode, Place, ScalarNode, SequenceNode, seen_from
from onecycle_cli.config.scalars import KNOWN_TAGS, read_plain
from onecycle_cli.config.yaml_tree import UnreadableError, parse
from onecycle_cli.errors import OnecycleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onecycle_cli.config.nodes import Node

KeyPath: TypeAlias = tuple[str, ...]
"""Keys and indexes that lead from the root of a tree to a node."""

MOST_HOPS = 100
MISSING = "???"
"""OmegaConf's mark for a value that must be set at run time."""

DEEPEST_SUGGESTED = 8
MOST_SUGGESTED = 2000
"""Levels, and paths of one level, among which the nearest to a mistyped path is looked for."""

_PLACEHOLDER = re.compile(r"<[A-Za-z][\w .-]*>")
_REFERENCE = re.compile(r"\$\{\s*(\.*)([^{}:\s]+)\s*\}")


@dataclass(frozen=True, slots=True)
class Assignment:
    """A value given by `--set`, and the path at which it replaces the file's."""

    path: KeyPath
    node: Node


@dataclass(frozen=True, slots=True)
class Document:
    """A file's tree with the values of `--set` in it; `extra` holds those that have no place in the file."""

    root: MappingNode
    extra: MappingNode

    def at(self, path: KeyPath) -> Node | None:
        """Return the node at a path; None if there is none."""
        found = lookup(self.root, path)
        return lookup(self.extra, path) if found is None else found


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that is not in the file.

    Attributes:
        place: where the value is missing.
        written: what the file has there.
        path: the dotted path at which to set it.
        why: why it is unknown.
        is_mistake: whether it cannot be known at run time either.
    """

    place: Place
    written: str
    path: str
    why: str
    is_mistake: bool = False


def split(text: str) -> KeyPath:
    """Read a path as people write it: `a.b.0` or `a.b[0]`."""
    return tuple(re.findall(r"[^.\[\]]+", text))


def dotted(path: KeyPath) -> str:
    """Write a path with dots."""
    return ".".join(path)


def read_assignments(words: Iterable[str], source: str = "--set") -> tuple[Assignment, ...]:
    """Read the arguments of `--set`: each is `dotted.path=value`, with the value in YAML.

    `source` is what gives them, as findings name it.

    Raises:
        OnecycleError: an argument has another form.
    """
    assignments = []
    for word in words:
        name, equals, text = word.partition("=")
        path = split(name.strip())
        if not equals or not path:
            hint = "for example --set trainer.max_steps=5000"
            raise OnecycleError(f"invalid {source} {word[:60]!r}: use path=value", hint)
        try:
            node = parse(text) or ScalarNode(TOP, "", plain=True)
        except UnreadableError as error:
            raise OnecycleError(f"{source} {name}: {error.finding.message}", "quote the value") from None
        assignments.append(Assignment(path, _moved(node, Place(1, 1, f"{source} {word}"))))
    return tuple(assignments)


def assign(root: MappingNode, assignments: Iterable[Assignment]) -> Document:
    """Return a tree with values set in it; a value that has no place in the tree goes beside it."""
    extra = MappingNode(TOP)
    for assignment in assignments:
        changed = _replaced(root, assignment.path, assignment.node)
        if isinstance(changed, MappingNode):
            root = changed
        else:
            grown = _replaced(extra, assignment.path, assignment.node, grow=True)
            extra = grown if isinstance(grown, MappingNode) else extra
    return Document(root, extra)


def lookup(node: Node, path: KeyPath) -> Node | None:
    """Follow a path from a node; of a duplicate key the last counts, as in PyYAML."""
    found: Node | None = node
    for part in path:
        if isinstance(found, MappingNode):
            at = position(found, part)
            found = None if at is None else found.entries[at][1]
        elif isinstance(found, SequenceNode):
            found = found.items[int(part)] if _is_index(part, found) else None
        else:
            return None
    return found


def foreign(assignments: Iterable[Assignment], root: MappingNode, text: str) -> tuple[Assignment, ...]:
    """Return the assignments to paths that a file neither contains nor names in a reference."""
    return tuple(given for given in assignments if lookup(root, given.path) is None and dotted(given.path) not in text)


def paths_of(root: MappingNode) -> Iterator[str]:
    """List the dotted paths of a tree, the upper ones first, as far as they are worth suggesting."""
    level: list[tuple[KeyPath, Node]] = [((), root)]
    for _ in range(DEEPEST_SUGGESTED):
        below: list[tuple[KeyPath, Node]] = []
        for path, node in level:
            if isinstance(node, MappingNode):
                below += (((*path, key.text), child) for key, child in node.pairs())
            elif isinstance(node, SequenceNode):
                below += (((*path, str(at)), child) for at, child in enumerate(node.items))
        level = below[:MOST_SUGGESTED]
        yield from (dotted(path) for path, _ in level)


def resolve(document: Document, node: Node, path: KeyPath) -> Node | Unknown:
    """Follow the reference that a scalar is, or those in a list; the result has the reference's place."""
    if isinstance(node, SequenceNode):
        items: list[Node] = []
        for at, item in enumerate(node.items):
            found = _follow(document, item, (*path, str(at)))
            if isinstance(found, Unknown):
                return found
            items.append(found)
        return replace(node, items=items)
    return _follow(document, node, path)


def is_filled_in_later(node: Node) -> bool:
    """Return whether a node says that its value is set at run time, as an empty one does, null, -1 or `auto`."""
    if not isinstance(node, ScalarNode):
        return False
    text = node.text.strip()
    return text.lower() == "auto" or (node.plain and read_plain(text) in (None, -1))


def is_template(text: str) -> bool:
    """Return whether a text is replaced before or while the file is read: `$LR`, `${LR}`, `{{ lr }}`, `<LR>`."""
    return text.startswith("$") or "${" in text or "{{" in text or _PLACEHOLDER.fullmatch(text) is not None


def _follow(document: Document, start: Node, path: KeyPath) -> Node | Unknown:
    node, at = start, path
    for _ in range(MOST_HOPS):
        if not isinstance(node, ScalarNode) or not isinstance(start, ScalarNode):
            return node if node is start else seen_from(start.place, node)
        if node.tag is not None and node.tag not in KNOWN_TAGS:
            return Unknown(start.place, start.text, dotted(at), "it is computed at run time")
        if node.text == MISSING:
            return Unknown(start.place, start.text, dotted(at), "it must be set at run time")
        reference = _REFERENCE.fullmatch(node.text.strip())
        if reference is None:
            if is_template(node.text.strip()):
                return Unknown(start.place, start.text, dotted(path), "it is computed at run time")
            return node if node is start else seen_from(start.place, node)
        dots, name = reference.groups()
        base = at[: len(at) - len(dots)] if dots else ()
        at = (*base, *split(name))
        found = document.at(at)
        if found is None:
            return Unknown(start.place, start.text, dotted(at), f"{dotted(at)} is not in this file")
        if is_filled_in_later(found):
            return Unknown(start.place, start.text, dotted(at), f"{dotted(at)} is set at run time")
        node = found
    return Unknown(start.place, getattr(start, "text", ""), dotted(path), "it refers to itself", is_mistake=True)


def _moved(node: Node, place: Place) -> Node:
    """Return a node with its place, and the places of all nodes below it, replaced."""
    if isinstance(node, ScalarNode):
        return replace(node, place=place, origin=None)
    if isinstance(node, SequenceNode):
        return SequenceNode(place, [_moved(item, place) for item in node.items])
    return MappingNode(place, [(_moved(key, place), _moved(value, place)) for key, value in node.entries])


def _replaced(target: Node, path: KeyPath, node: Node, *, grow: bool = False) -> Node | None:
    """Return a copy of a tree with a node at a path; None if the tree has no place for it.

    With `grow`, mappings that lead there are added.
    """
    if not path:
        return node
    part, rest = path[0], path[1:]
    if isinstance(target, ScalarNode) and target.plain and read_plain(target.text) is None:
        target = MappingNode(target.place)
    if isinstance(target, SequenceNode) and _is_index(part, target):
        items = list(target.items)
        inner = _replaced(items[int(part)], rest, node, grow=grow)
        if inner is None:
            return None
        items[int(part)] = inner
        return replace(target, items=items)
    if not isinstance(target, MappingNode):
        return None
    at, entries = position(target, part), list(target.entries)
    if at is None and rest and not grow:
        return None
    inner = _replaced(MappingNode(node.place) if at is None else entries[at][1], rest, node, grow=grow)
    if inner is None:
        return None
    if at is None:
        entries.append((ScalarNode(node.place, part, plain=False), inner))
    else:
        entries[at] = (entries[at][0], inner)
    return replace(target, entries=entries)


def _is_index(part: str, sequence: SequenceNode) -> bool:
    return part.isdecimal() and len(part) < 10 and int(part) < len(sequence.items)
