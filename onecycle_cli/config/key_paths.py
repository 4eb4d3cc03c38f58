"""Dotted paths into a config's tree: the values that `--set` puts there, and the `${references}` between them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from onecycle_cli.config.indexes import position
from onecycle_cli.config.loaders import EXACT
from onecycle_cli.config.marks import is_open, mark_of
from onecycle_cli.config.nodes import TOP, MappingNode, Place, ScalarNode, SequenceNode, seen_from
from onecycle_cli.config.scalars import KNOWN_TAGS, read_plain
from onecycle_cli.config.yaml_tree import UnreadableError, parse
from onecycle_cli.errors import OnecycleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from onecycle_cli.config.loaders import Loader
    from onecycle_cli.config.nodes import Node

KeyPath: TypeAlias = tuple[str, ...]
"""Keys and indexes that lead from the root of a tree to a node."""

MOST_HOPS = 100
REFERENCE = re.compile(r"\$\{\s*(\.*)([^{}:\s]+)\s*\}")
"""A reference to another value: its leading dots, which make it relative, and its path."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A value given by `--set`, and the path at which it replaces the file's."""

    path: KeyPath
    node: Node


@dataclass(frozen=True, slots=True)
class Document:
    """A file's tree with the values of `--set` in it.

    Attributes:
        root: the tree.
        extra: the values of `--set` that have no place in the tree.
        loader: the program that loads the file.
        used: the flags of the values of `--set` that were read.
        differing: the primary configs that give what is missing here, in different ways.
    """

    root: MappingNode
    extra: MappingNode
    loader: Loader = EXACT
    used: set[str] = field(default_factory=set)
    differing: str = ""

    def at(self, path: KeyPath) -> Node | None:
        """Return the node at a path; None if there is none."""
        found = lookup(self.root, path)
        if found is None:
            found = lookup(self.extra, path)
        if found is not None:
            self.note(found)
        return found

    def note(self, node: Node) -> None:
        """Note that a value is read."""
        if node.place.flag is not None:
            self.used.add(node.place.flag)


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that is not in the file.

    Attributes:
        place: where the value is missing.
        written: what the file has there.
        path: the dotted path at which to set it.
        why: why it is unknown.
        default: the value that the file itself gives for the case that the environment has none.
        index: the index of the item in a list that it is.
        is_mistake: whether it cannot be known at run time either.
    """

    place: Place
    written: str
    path: str
    why: str
    default: str = ""
    index: int | None = None
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


def assign(root: MappingNode, assignments: Iterable[Assignment], text: str = "") -> Document:
    """Return a tree with values set in it; a value that has no place in the tree goes beside it.

    So does a value at the root of which the file has only references: it is not a setting of a schedule at the root.
    """
    extra = MappingNode(TOP)
    for assignment in assignments:
        is_beside = len(assignment.path) == 1 and lookup(root, assignment.path) is None and _refers(text, assignment)
        changed = None if is_beside else _replaced(root, assignment.path, assignment.node)
        if isinstance(changed, MappingNode):
            root = changed
        else:
            grown = _replaced(extra, assignment.path, assignment.node, grow=True)
            extra = grown if isinstance(grown, MappingNode) else extra
    return Document(root, extra)


def is_added(key: ScalarNode) -> bool:
    """Return whether a key is there only because an assignment's path needs it; `no_effect` reports unknown ones."""
    return key.place.flag is not None and not key.plain


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
    return tuple(given for given in assignments if lookup(root, given.path) is None and not _refers(text, given))


def _refers(text: str, given: Assignment) -> bool:
    """Return whether a text has a reference to the path of an assignment."""
    return re.search(rf"\$\{{[^{{}}]*(?<![\w.]){re.escape(dotted(given.path))}(?![\w.])", text) is not None


def resolve(
    document: Document, node: Node, path: KeyPath, is_missing: Callable[[ScalarNode, bool], bool] | None = None
) -> Node | Unknown:
    """Follow the reference that a scalar is, or those in a list; the result has the reference's place.

    A mark that stands for a value is unknown. `is_missing` decides about those that only some settings take as values,
    and is told whether a reference leads to them; by default `auto`, -1 and null are unknown.
    """
    found, at = _follow(document, node, path, is_missing)
    if not isinstance(found, SequenceNode):
        return found
    items: list[Node] = []
    for index, item in enumerate(found.items):
        value, _ = _follow(document, item, (*at, str(index)), is_missing)
        if isinstance(value, Unknown):
            return replace(value, index=index)
        items.append(value)
    return replace(found, items=items)


def _follow(
    document: Document, start: Node, path: KeyPath, is_missing: Callable[[ScalarNode, bool], bool] | None
) -> tuple[Node | Unknown, KeyPath]:
    """Follow references from a scalar; return where they lead, and the path there."""
    node, at = start, path
    for _ in range(MOST_HOPS):
        if not isinstance(node, ScalarNode) or not isinstance(start, ScalarNode):
            return (node if node is start else seen_from(start.place, node)), at
        is_known = node.tag is None or node.tag in KNOWN_TAGS
        reference = REFERENCE.fullmatch(node.text.strip()) if is_known else None
        if reference is None:
            mark = mark_of(node)
            if mark is None and not (is_open(node) if is_missing is None else is_missing(node, node is not start)):
                return (node if node is start else seen_from(start.place, node)), at
            how = "set at run time" if mark is None else mark.how
            why = f"it is {how}" if node is start else f"{dotted(at)} is {node.text or 'empty'}, {how}"
            return Unknown(start.place, start.text, dotted(at), why, "" if mark is None else mark.default), at
        dots, name = reference.groups()
        base = at[: len(at) - len(dots)] if dots else ()
        at = (*base, *split(name))
        found = document.at(at)
        if found is None:
            elsewhere = f", and it differs in {document.differing}: name one of these" if document.differing else ""
            why = f"{dotted(at)} is not in this file{elsewhere}"
            return Unknown(start.place, start.text, dotted(at), why), at
        node = found
    written = getattr(start, "text", "")
    return Unknown(start.place, written, dotted(path), "it refers to itself", is_mistake=True), path


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
