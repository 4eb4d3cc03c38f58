"""What a node stands for: `${dotted.path}` is followed inside the file, and what cannot be known is said to be so."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from onecycle_cli.config.dotted import dotted, split
from onecycle_cli.config.nodes import Mapping, Scalar, Sequence
from onecycle_cli.config.scalars import read_plain
from onecycle_cli.config.values import KNOWN_TAGS

if TYPE_CHECKING:
    from onecycle_cli.config.dotted import Document, Path
    from onecycle_cli.config.nodes import Node, Place

MOST_HOPS = 100
MISSING = "???"
"""OmegaConf's mark for a value that must be given when the program starts."""

_REFERENCE = re.compile(r"\$\{\s*(\.*)([^{}:\s]+)\s*\}")


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that the file does not tell: where it stands, what is written there, and the path that would give it."""

    place: Place
    written: str
    path: str
    why: str


def resolve(document: Document, node: Node, path: Path) -> Node | Unknown:
    """Follow a node's reference, and those of a list's items; the outcome stands where the node stands."""
    if isinstance(node, Sequence):
        items = [resolve(document, item, (*path, str(at))) for at, item in enumerate(node.items) if _is_scalar(item)]
        unknown = next((each for each in items if isinstance(each, Unknown)), None)
        if unknown is not None:
            return unknown
        known = iter([each for each in items if not isinstance(each, Unknown)])
        return replace(node, items=[next(known) if _is_scalar(item) else item for item in node.items])
    return _follow(document, node, path) if isinstance(node, Scalar) else node


def nothing_yet(node: Node) -> bool:
    """Say whether a node is a count that is filled in at run time: empty, null or -1."""
    return isinstance(node, Scalar) and node.plain and read_plain(node.text) in (None, -1)


def _is_scalar(node: Node) -> bool:
    return isinstance(node, Scalar)


def _follow(document: Document, start: Scalar, path: Path) -> Node | Unknown:
    node: Node = start
    at = path
    for _ in range(MOST_HOPS):
        if not isinstance(node, Scalar):
            return _standing_at(node, start)
        if why := _why_unknown(node):
            return Unknown(start.place, start.text, dotted(at), why)
        reference = _REFERENCE.fullmatch(node.text.strip())
        if reference is None:
            if "${" in node.text:
                return Unknown(start.place, start.text, dotted(path), "its value is made when the program runs")
            return _standing_at(node, start)
        at = _target(reference, at)
        found = document.at(at)
        if found is None:
            return Unknown(start.place, start.text, dotted(at), f"{dotted(at)} is not in this file")
        if nothing_yet(found):
            return Unknown(start.place, start.text, dotted(at), f"{dotted(at)} is filled in when the program runs")
        node = found
    return Unknown(start.place, start.text, dotted(path), "it refers to itself, or on and on to others")


def _target(reference: re.Match[str], path: Path) -> Path:
    dots, name = reference.groups()
    base = path[: len(path) - len(dots)] if dots else ()
    return (*base, *split(name))


def _why_unknown(node: Scalar) -> str:
    if node.tag is not None and node.tag not in KNOWN_TAGS:
        return "its value is made when the program runs"
    return "it must be given when the program starts" if node.text == MISSING else ""


def _standing_at(node: Node, start: Scalar) -> Node:
    """Let what a reference leads to stand at the reference, as an alias stands at its own place."""
    if node is start:
        return node
    if isinstance(node, Scalar):
        return replace(node, place=start.place, origin=node.origin or node.place)
    return replace(node, place=start.place) if isinstance(node, Sequence | Mapping) else node
