"""Where a training config holds a one-cycle schedule: a mapping that names the class, at any depth.

One rule finds them all: a mapping is a block if one of its values names a one-cycle scheduler, if a key that names
one leads to it, or if it holds a peak with what only a one-cycle schedule has beside it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.config.nodes import Mapping, Place, Scalar, Sequence, place_at
from onecycle_cli.config.scalars import read_plain
from onecycle_cli.config.training.names import (
    ARGUMENTS,
    CLASS_KEYS,
    MOMENTUM_PAIRS,
    NOT_ITS,
    SETTING_NAMES,
    WARMUPS,
    convention_of,
    one_cycle_class,
    plain,
)
from onecycle_cli.config.tree import DEEPEST, MOST_NODES, UnreadableError
from onecycle_cli.findings.documents import TOO_MUCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.config.dotted import Path
    from onecycle_cli.config.nodes import Node

MOST_WAYS = 32
TELLING_BESIDE_A_PEAK = frozenset({"pctstart", "divfactor", "finaldivfactor", "threephase", "annealstrategy"})
TELLING_KEYS = TELLING_BESIDE_A_PEAK | {"maxlr", "totalsteps", "stepsperepoch", "etamax"}


@dataclass(frozen=True, slots=True)
class Step:
    """One container on the way from the root to a block, with its path."""

    path: Path
    node: Mapping | Sequence


@dataclass(frozen=True, slots=True)
class Block:
    """A mapping that holds a one-cycle schedule.

    Attributes:
        path: the way to the mapping that names the class.
        name: the class as the file names it, and `place`, where.
        key: the key that names it, plain; empty where the block is known by its settings alone.
        mapping: the mapping that names the class.
        arguments: the mapping of its arguments, and `arguments_path`, the way there; often the same one.
        mingled: whether things of the whole run stand among the arguments.
        way: the containers above the block, the root first.
    """

    path: Path
    name: str
    place: Place
    key: str
    mapping: Mapping
    arguments: Mapping
    arguments_path: Path
    mingled: bool
    way: tuple[Step, ...]

    @property
    def convention(self) -> str | None:
        """The convention that the class and its keys tell, None for PyTorch's."""
        return convention_of(self.name, self.key, frozenset() if self.mingled else plain_keys(self.arguments))

    @property
    def is_strict(self) -> bool:
        """Whether every argument goes to the class as it is, so that one it does not know makes it fail."""
        named_in_full = "." in self.name and self.convention is None
        return not self.mingled and (named_in_full or self.arguments is not self.mapping)


def find_blocks(root: Mapping) -> Iterator[Block]:
    """Find every one-cycle block, in the order of the file.

    Raises:
        UnreadableError: aliases lead through the file in more ways than can be followed.
    """
    stack: list[tuple[Path, Node, tuple[Step, ...]]] = [((), root, ())]
    # Aliases may lead to one mapping in very many ways, of which only so many are gone.
    ways: Counter[int] = Counter()
    for _ in range(MOST_NODES):
        if not stack:
            return
        path, node, way = stack.pop()
        shared = id(node.entries if isinstance(node, Mapping) else node.items if isinstance(node, Sequence) else node)
        ways[shared] += 1
        if ways[shared] > MOST_WAYS:
            continue
        block = _block(path, node, way) if isinstance(node, Mapping) else None
        if block is not None:
            yield block
        if len(path) < DEEPEST and (block is None or block.mingled):
            stack += reversed(list(_below(path, node, way)))
    if stack:
        message = f"aliases make more than {MOST_NODES:,} values of it"
        raise UnreadableError(place_at(TOO_MUCH.finding(message, "check that this is the file meant"), Place(1, 1)))


def plain_keys(mapping: Mapping) -> frozenset[str]:
    """Give the mapping's keys in plain form."""
    return frozenset(plain(key.text) for key, _ in mapping.entries if isinstance(key, Scalar))


def _below(path: Path, node: Node, way: tuple[Step, ...]) -> Iterator[tuple[Path, Node, tuple[Step, ...]]]:
    if isinstance(node, Mapping):
        # Of a key that stands twice, the last value counts, as it does to PyYAML.
        last = {key.text: (key, child) for key, child in node.entries if isinstance(key, Scalar)}
        children = [(name, _or_empty(key, child)) for name, (key, child) in last.items()]
    elif isinstance(node, Sequence):
        children = [(str(at), child) for at, child in enumerate(node.items)]
    else:
        return
    for part, child in children:
        if not isinstance(child, Scalar):
            yield (*path, part), child, (*way, Step(path, node))


def _or_empty(key: Scalar, child: Node) -> Node:
    """Let a key that is a one-cycle class's name lead to a block, also where nothing stands behind it."""
    is_nothing = isinstance(child, Scalar) and child.plain and read_plain(child.text) is None
    return Mapping(child.place) if is_nothing and "OneCycle" in key.text and one_cycle_class(key.text) else child


def _block(path: Path, mapping: Mapping, way: tuple[Step, ...]) -> Block | None:
    named = _named(mapping, path)
    if named is not None:
        key, name = named
        is_own = plain(key.text) in CLASS_KEYS
        arguments, below = _arguments(mapping, key, is_own=is_own)
        mingled = arguments is mapping and not is_own
        way_there = (*path, *below)
        return Block(path, name.text, name.place, plain(key.text), mapping, arguments, way_there, mingled, way)
    if path and one_cycle_class(path[-1]) and (_holds_settings(mapping) or not mapping.entries):
        return Block(path, path[-1], mapping.place, "", mapping, mapping, path, mingled=False, way=way)
    if path and "maxlr" in plain_keys(mapping) and not TELLING_BESIDE_A_PEAK.isdisjoint(plain_keys(mapping)):
        return Block(path, "OneCycleLR", mapping.place, "", mapping, mapping, path, mingled=True, way=way)
    return None


def _named(mapping: Mapping, path: Path) -> tuple[Scalar, Scalar] | None:
    """Find the key and the value that name a one-cycle class; keys made for classes first."""
    found = [
        (key, value)
        for key, value in mapping.entries
        if isinstance(key, Scalar) and isinstance(value, Scalar) and one_cycle_class(value.text)
    ]
    for key, value in sorted(found, key=lambda each: plain(each[0].text) not in CLASS_KEYS):
        if _is_meant(mapping, path, plain(key.text), value.text) or _arguments(mapping, key, is_own=True)[1]:
            return key, value
    return None


def _is_meant(mapping: Mapping, path: Path, key: str, name: str) -> bool:
    """Say whether a key that names a one-cycle class makes its mapping a block, for all that is not its arguments."""
    about_schedulers = "sched" in key or (path and "sched" in plain(path[-1]))
    if key == "name":
        return about_schedulers or not plain_keys(mapping).isdisjoint(TELLING_KEYS)
    if key in CLASS_KEYS:
        return "OneCycle" in name or _holds_settings(mapping)
    # In Hydra's list of defaults the name is a file's.
    return _holds_settings(mapping) or ("sched" in key and "defaults" not in path)


def _holds_settings(mapping: Mapping) -> bool:
    keys = plain_keys(mapping) - CLASS_KEYS
    return any(key in SETTING_NAMES or key in WARMUPS or key in MOMENTUM_PAIRS for key in keys - {"optimizer", "name"})


def _arguments(mapping: Mapping, namer: Scalar, *, is_own: bool) -> tuple[Mapping, Path]:
    """Find the mapping of the class's arguments: below a key such as `init_args`, or the mapping itself."""
    for key, value in mapping.entries:
        if not isinstance(key, Scalar) or not isinstance(value, Mapping):
            continue
        written = ARGUMENTS.fullmatch(plain(key.text))
        if written is None or written[1].startswith(NOT_ITS):
            continue
        about = written[1]
        is_its = about and (about in plain(namer.text) or "sched" in about or "cycle" in about)
        if is_its or (is_own and about in ("", "dict")):
            return value, (key.text,)
    return mapping, ()
