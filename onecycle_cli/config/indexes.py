"""Indexes of large mappings, so that no search takes longer the more of them a file needs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from onecycle_cli.config.nodes import MappingNode, ScalarNode

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Set

    from onecycle_cli.config.nodes import Node

MOST_INDEXES = 1000
"""Mappings of which an index is kept at a time."""

_NOT_PLAIN = re.compile("[^a-z0-9]+")
_Entries = list[tuple["Node", "Node"]]
_by_key: dict[int, tuple[_Entries, int, dict[str, int]]] = {}
_by_pattern: dict[tuple[int, str], tuple[_Entries, int, list[int]]] = {}
_by_plain_key: dict[int, tuple[_Entries, int, dict[str, list[int]]]] = {}


def plain(name: str) -> str:
    """Return a name in plain form: lower case, letters and digits only, so that `max_lr` and `MaxLR` are one."""
    return _NOT_PLAIN.sub("", name.lower())


def position(mapping: MappingNode, key: str) -> int | None:
    """Return where the last entry with a key is; None if there is none."""
    entries = mapping.entries
    found = _by_key.get(id(entries))
    if found is None or found[0] is not entries or found[1] != len(entries):
        if len(_by_key) >= MOST_INDEXES:
            _by_key.clear()
        index = {each.text: at for at, (each, _) in enumerate(entries) if isinstance(each, ScalarNode)}
        found = _by_key[id(entries)] = entries, len(entries), index  # the list is kept, so that its id stays its own
    return found[2].get(key)


def named(mapping: MappingNode, names: Collection[str]) -> Iterator[tuple[ScalarNode, Node]]:
    """Yield the entries whose plain key is one of some names, in the order of the file."""
    index = _plain_index(mapping)
    if len(names) < len(index):
        positions = sorted(at for name in {*names} for at in index.get(name, ()))
    else:
        positions = sorted(at for name, found in index.items() if name in names for at in found)
    for at in positions:
        key, node = mapping.entries[at]
        if isinstance(key, ScalarNode):
            yield key, node


def matching(mapping: MappingNode, pattern: re.Pattern[str]) -> Iterator[tuple[ScalarNode, Node]]:
    """Yield the entries whose whole plain key matches a pattern, in the order of the file."""
    entries = mapping.entries
    found = _by_pattern.get((id(entries), pattern.pattern))
    if found is None or found[0] is not entries or found[1] != len(entries):
        if len(_by_pattern) >= MOST_INDEXES:
            _by_pattern.clear()
        positions = sorted(
            at for name, places in _plain_index(mapping).items() if pattern.fullmatch(name) for at in places
        )
        found = _by_pattern[id(entries), pattern.pattern] = entries, len(entries), positions
    for at in found[2]:
        key, node = entries[at]
        if isinstance(key, ScalarNode):
            yield key, node


def plain_keys(mapping: MappingNode) -> Set[str]:
    """Return the mapping's keys in plain form."""
    return _plain_index(mapping).keys()


def _plain_index(mapping: MappingNode) -> dict[str, list[int]]:
    entries = mapping.entries
    found = _by_plain_key.get(id(entries))
    if found is None or found[0] is not entries or found[1] != len(entries):
        if len(_by_plain_key) >= MOST_INDEXES:
            _by_plain_key.clear()
        index: dict[str, list[int]] = {}
        for at, (key, _) in enumerate(entries):
            if isinstance(key, ScalarNode):
                index.setdefault(plain(key.text), []).append(at)
        found = _by_plain_key[id(entries)] = entries, len(entries), index
    return found[2]
