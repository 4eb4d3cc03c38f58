"""One mapping merged over another, as the programs that compose configs do it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.config.loaders import MISSING
from onecycle_cli.config.nodes import MappingNode, ScalarNode
from onecycle_cli.config.scalars import read_plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from onecycle_cli.config.nodes import Node

DELETE = "_delete_"
"""MMEngine's key: the mapping replaces that of the base file."""

INHERIT = "_inherited_"
"""PaddleSeg's key, which must be false for the same."""


def merged(
    base: MappingNode,
    over: MappingNode,
    *,
    keeps_missing: bool = False,
    has_marks: bool = False,
    clash: Callable[[ScalarNode, Node, Node], object] | None = None,
) -> MappingNode:
    """Return a mapping with another merged over it: mappings key by key, all else replaced.

    Args:
        base: the mapping below.
        over: the mapping whose values win.
        keeps_missing: whether OmegaConf's `???` leaves the value below as it is.
        has_marks: whether a mapping with `_delete_: true` or `_inherited_: false` replaces that below.
        clash: called where a mapping or a list takes the place of another value.
    """
    if not base.entries:
        return over
    entries = list(base.entries)
    index = {key.text: at for at, (key, _) in enumerate(entries) if isinstance(key, ScalarNode) and key.tag is None}
    for key, node in over.entries:
        at = index.get(key.text) if isinstance(key, ScalarNode) and key.tag is None else None
        if at is None or not isinstance(key, ScalarNode):
            entries.append((key, node))
            continue
        name, before = entries[at]
        if has_marks and isinstance(node, MappingNode) and _is_marked(node):
            entries[at] = key, _without_marks(node)
        elif isinstance(node, MappingNode) and isinstance(before, MappingNode):
            if has_marks:
                node = _without_marks(node)
            both = merged(before, node, keeps_missing=keeps_missing, has_marks=has_marks, clash=clash)
            entries[at] = name, both
        elif not (keeps_missing and isinstance(node, ScalarNode) and node.text == MISSING):
            if clash is not None and not isinstance(node, ScalarNode):
                clash(key, node, before)
            entries[at] = key, node
    return MappingNode(base.place, entries)


def embedded(tree: MappingNode, package: str) -> MappingNode:
    """Return a mapping below the keys of a dotted path; itself for the empty one."""
    for part in reversed([part for part in package.split(".") if part]):
        tree = MappingNode(tree.place, [(ScalarNode(tree.place, part, plain=False), tree)])
    return tree


def without_key(tree: MappingNode, name: str) -> MappingNode:
    """Return a mapping without one of its keys."""
    entries = [entry for entry in tree.entries if not (isinstance(entry[0], ScalarNode) and entry[0].text == name)]
    return tree if len(entries) == len(tree.entries) else MappingNode(tree.place, entries)


def _is_marked(mapping: MappingNode) -> bool:
    for key, node in mapping.pairs():
        if isinstance(node, ScalarNode) and node.plain:
            value = read_plain(node.text)
            if (key.text == DELETE and bool(value)) or (key.text == INHERIT and value is False):
                return True
    return False


def _without_marks(mapping: MappingNode) -> MappingNode:
    return without_key(without_key(mapping, DELETE), INHERIT)
