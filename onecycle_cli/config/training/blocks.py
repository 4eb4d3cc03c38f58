"""Where a training config holds a one-cycle schedule: a mapping that names the class, at any depth.

One rule finds them all: a mapping is a block if one of its values names a one-cycle scheduler, if a key that names
one leads to it, or if it has both a peak and another setting of one-cycle schedules alone.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from onecycle_cli.config.indexes import named, plain, plain_keys
from onecycle_cli.config.key_paths import lookup
from onecycle_cli.config.nodes import TOP, MappingNode, ScalarNode, SequenceNode, place_at
from onecycle_cli.config.raw_plan import duplicate
from onecycle_cli.config.scalars import KNOWN_TAGS, read_plain
from onecycle_cli.config.setting_values import number_of
from onecycle_cli.config.training.names import (
    ARGUMENTS,
    BESIDE_A_PEAK,
    CLASS_KEYS,
    MOMENTUM_PAIRS,
    NOT_ITS,
    OTHERS,
    PEAKS,
    SETTING_NAMES,
    WARMUPS,
    convention_of,
    one_cycle_class,
    without_prefix,
)
from onecycle_cli.config.yaml_tree import DEEPEST, MOST_NODES, UnreadableError
from onecycle_cli.findings import Severity
from onecycle_cli.findings.config_rules import ANOTHER_SCHEDULE, CHAINED, REMOVED_ARGUMENT, TOO_MUCH
from onecycle_cli.findings.plan_rules import NO_EFFECT
from onecycle_cli.formatting import join_words
from onecycle_cli.policy.conventions import CONVENTIONS, DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.config.key_paths import KeyPath
    from onecycle_cli.config.nodes import Node, Place
    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.conventions.base import Convention

    Ancestors = tuple[tuple[KeyPath, MappingNode | SequenceNode], ...]
    """The containers from the root to a node, with their paths."""

MOST_PATHS = 32
"""Paths to one mapping that are followed: aliases may make very many."""

KEY_SETTINGS = BESIDE_A_PEAK | PEAKS | {"totalsteps", "stepsperepoch"}

_OTHERS: dict[int, tuple[list[Node], list[str]]] = {}
"""The last list that was looked through for other schedulers, and what was found."""

SUBJECT = re.compile("lr|onecycle|schedulers?|schedule|sched|policy|class|cls|name|type")
"""What a key says about the scheduler that it names, or whose arguments it has; the rest says which one it is."""

SCHEDULER = re.compile("lr(scheduler|schedule|sched)|scheduler|schedule|sched")
SWITCH = re.compile("(use|with|enable|is|do)?onecycle(lr|policy|scheduler|lrscheduler)?")
"""Keys of a scheduler, and keys that switch a one-cycle schedule on."""

NOT_OWN = frozenset({"optimizer", "name"})
"""Keys that are settings of ours, and something else in most mappings."""

CONTAINERS = ("SequentialLR", "ChainedScheduler")
"""Schedulers of PyTorch that combine others."""


@dataclass(frozen=True)
class Block:
    """A mapping that holds a one-cycle schedule.

    Attributes:
        path: the path of the mapping that names the class.
        name: the class as the file names it, and `place`, where.
        key: the key that names it, plain; empty where the block is known by its settings alone.
        mapping: the mapping that names the class.
        arguments: the mapping of its arguments, and `arguments_path`, its path; often the same mapping.
        is_flat: whether settings of the whole run are among the arguments.
        ancestors: the containers above the block with their paths, the root first.
    """

    path: KeyPath
    name: str
    place: Place
    key: str
    mapping: MappingNode
    arguments: MappingNode
    arguments_path: KeyPath
    is_flat: bool
    ancestors: Ancestors

    @cached_property
    def convention_name(self) -> str | None:
        """The convention that the class and its keys name; None where it is the default one."""
        is_of_a_run = self.is_flat and self.key != ""
        return convention_of(self.name, self.key, frozenset() if is_of_a_run else plain_keys(self.arguments))

    @property
    def convention(self) -> Convention:
        """The convention that the class and its keys name, or the default one."""
        return CONVENTIONS[self.convention_name or DEFAULT]

    @property
    def is_strict(self) -> bool:
        """Whether every argument goes to the class as it is, so that an unknown one makes it fail."""
        named_in_full = "." in self.name and self.convention_name is None
        return not self.is_flat and (named_in_full or self.arguments is not self.mapping)

    def mappings_outwards(self) -> list[tuple[KeyPath, MappingNode]]:
        """Return the mappings that may hold the run's numbers, the nearest first."""
        own = [(self.path, self.mapping)] if self.is_flat else []
        return [(path, node) for path, node in (*own, *reversed(self.ancestors)) if isinstance(node, MappingNode)]


def find_blocks(root: MappingNode) -> Iterator[Block]:
    """Find every one-cycle block, in the order of the file.

    Raises:
        UnreadableError: aliases make more paths through the file than can be followed.
    """
    stack: list[tuple[KeyPath, Node, Ancestors]] = [((), root, ())]
    visits: Counter[int] = Counter()
    for _ in range(MOST_NODES):
        if not stack:
            return
        path, node, ancestors = stack.pop()
        # Aliases share their entries or items, but not the node itself.
        shared = id(getattr(node, "entries", getattr(node, "items", node)))
        visits[shared] += 1
        if visits[shared] > MOST_PATHS:
            continue
        blocks = list(_blocks(path, node, ancestors)) if isinstance(node, MappingNode) else []
        yield from blocks
        if len(path) < DEEPEST:
            taken = {block.arguments_path for block in blocks}
            below = [each for each in _below(path, node, ancestors) if each[0] not in taken]
            stack += reversed(below)
    if stack:
        raise UnreadableError(TOO_MUCH, f"aliases make more than {MOST_NODES:,} values of it", TOP)


def refuse_block(block: Block) -> Finding | None:
    """Return the finding for a scheduler that is only called one-cycle; None for other blocks."""
    name, keys = one_cycle_class(block.name), plain_keys(block.arguments)
    for other in OTHERS:
        if name in other.classes or not other.keys.isdisjoint(keys):
            message = f"{other.name} is another schedule: {other.curve}"
            hint = "plan PyTorch's OneCycleLR instead, or leave this file out"
            return place_at(ANOTHER_SCHEDULE.finding(message, hint), block.place)
    return None


def refuse_file(root: MappingNode, text: str) -> Finding | None:
    """Return the finding for Ultralytics' lr0 and lrf, at any depth; None where they are missing."""
    stack: list[Node] = [root]
    for _ in range(MOST_NODES):
        if not stack:
            break
        node = stack.pop()
        if isinstance(node, MappingNode):
            keys = {plain(key.text): (key, value) for key, value in node.pairs()}
            if "lrf" in keys and not {"lr0", "coslr", "warmupbiaslr"}.isdisjoint(keys):
                return _ultralytics(keys, commented=re.search("#.*OneCycle", text) is not None)
            stack += [child for _, child in node.entries if not isinstance(child, ScalarNode)]
        elif isinstance(node, SequenceNode):
            stack += [child for child in node.items if not isinstance(child, ScalarNode)]
    return None


def block_findings(block: Block) -> list[Finding]:
    """Return what is wrong with a block's keys and neighbours, apart from its settings."""
    findings: list[Finding] = []
    for (_, node), part in zip(block.ancestors, block.path, strict=True):
        if isinstance(node, MappingNode):  # of duplicate keys on the path only the last value counts
            keys = [key for key, _ in named(node, (plain(part),)) if key.text == part]
            findings += [duplicate(key, keys[0].place) for key in keys[1:]]
    ignored = {plain(key) for key in block.convention.ignored_keys}
    unread = [key for key, _ in block.mapping.pairs() if plain(key.text) in ignored]
    if unread:
        names, verb = join_words([key.text for key in unread], "and"), "has" if len(unread) == 1 else "have"
        message = f"{names} {verb} no effect: {block.name} does not read "
        message += "it" if len(unread) == 1 else "them"
        hint = "no action needed; other optimizers of the same program read such keys"
        findings.append(place_at(NO_EFFECT.finding(message, hint, severity=Severity.INFO), unread[0].place))
    findings += [
        place_at(
            REMOVED_ARGUMENT.finding(
                f"{key.text}: {block.convention.removed[key.text]} removed this argument from OneCycleLR, which raises "
                "TypeError",
                f"remove {key.text}",
            ),
            key.place,
        )
        for key, _ in block.arguments.pairs()
        if key.text in block.convention.removed and not block.is_flat
    ]
    warmup = lookup(block.mapping, ("warmup",)) if block.convention.counts_in_epochs else None
    if isinstance(warmup, ScalarNode) and read_plain(warmup.text) is not None:
        message = f"{warmup.text} warmup beside that of the cycle: the plan shows only the cycle's own"
        findings.append(place_at(CHAINED.finding(message, "remove warmup, and set pct_start"), warmup.place))
    others = [name for _, node in block.ancestors for name in other_schedulers(node)]
    if others:
        where = "inside" if others[0] in CONTAINERS else "beside"
        message = f"{block.name} is {where} {others[0]}: the plan shows only the one-cycle schedule"
        hint = f"train without {others[0]}: the cycle has a warm-up of its own"
        findings.append(place_at(CHAINED.finding(message, hint), block.place))
    return findings


def _ultralytics(keys: dict[str, tuple[ScalarNode, Node]], *, commented: bool) -> Finding:
    key, _ = keys["lrf"]
    first, last = (number_of(keys[name][1], name)[0] if name in keys else None for name in ("lr0", "lrf"))
    cosine = getattr(keys.get("coslr", (None, None))[1], "text", "").lower() == "true"
    shape = "on a cosine" if cosine else "linearly"
    numbers = "" if first is None or last is None else f", here {first:g} to {float(f'{first * last:.12g}')!r}"
    message = f"not a one-cycle schedule: Ultralytics warms up, then decays {shape} from lr0 to lr0 × lrf{numbers}" + (
        "; OneCycleLR is only mentioned in a comment" if commented else ""
    )
    return place_at(ANOTHER_SCHEDULE.finding(message, "leave this file out"), key.place)


def other_schedulers(node: MappingNode | SequenceNode) -> list[str]:
    """Name the schedulers beside a block in this list, or the one that this mapping makes of several."""
    if isinstance(node, MappingNode):
        return [name for name in _classes(node) if name in CONTAINERS]
    found = _OTHERS.get(id(node.items))
    if found is None or found[0] is not node.items:
        items = [item for item in node.items if isinstance(item, MappingNode)]
        names = [name for item in items for name in _classes(item) if name.endswith("LR") and not one_cycle_class(name)]
        _OTHERS.clear()
        found = _OTHERS[id(node.items)] = node.items, names
    return found[1]


def _classes(mapping: MappingNode) -> Iterator[str]:
    for _, value in named(mapping, CLASS_KEYS):
        if isinstance(value, ScalarNode):
            yield value.text.rpartition(".")[2]


def _below(path: KeyPath, node: Node, ancestors: Ancestors) -> Iterator[tuple[KeyPath, Node, Ancestors]]:
    if isinstance(node, MappingNode):
        # Of a duplicate key the last value counts, as in PyYAML.
        children = list({key.text: child for key, child in node.pairs()}.items())
    elif isinstance(node, SequenceNode):
        children = [(str(at), child) for at, child in enumerate(node.items)]
    else:
        return
    for part, child in children:
        if not isinstance(child, ScalarNode):
            yield (*path, part), child, (*ancestors, (path, node))
        elif "OneCycle" in part and one_cycle_class(part) and child.plain and read_plain(child.text) is None:
            # A key that is a one-cycle class's name leads to a block even if its value is empty.
            yield (*path, part), MappingNode(child.place), (*ancestors, (path, node))


def _blocks(path: KeyPath, mapping: MappingNode, ancestors: Ancestors) -> Iterator[Block]:
    """Find the blocks whose class a mapping names; several if each has a mapping of arguments."""
    if path and plain(path[-1]) == "momentumconfig":
        return  # mmcv's hook for the momentum belongs to the one for the learning rate
    seen: list[MappingNode] = []
    for key, name in _namers(mapping):
        is_own = plain(key.text) in CLASS_KEYS
        arguments, below = _arguments(mapping, key, is_own=is_own)
        if _describes_settings(arguments) or any(arguments is each for each in (*seen, *(seen and [mapping]))):
            continue
        is_computed = name.tag is not None and name.tag not in KNOWN_TAGS  # an alias in a module of Python
        if below or (
            _is_meant(mapping, path, plain(key.text), name.text) and (not is_computed or _holds_settings(mapping))
        ):
            is_flat = arguments is mapping and not is_own
            there = (*path, *below)
            seen.append(arguments)
            class_name = key.text if _is_switch(key, name) else name.text
            yield Block(path, class_name, name.place, plain(key.text), mapping, arguments, there, is_flat, ancestors)
    if seen:
        return
    if path and one_cycle_class(path[-1]) and (_holds_settings(mapping) or not mapping.entries):
        yield Block(path, path[-1], mapping.place, "", mapping, mapping, path, is_flat=False, ancestors=ancestors)
    elif _has_peak_and_more(mapping, is_root=not path):
        yield Block(path, "OneCycleLR", mapping.place, "", mapping, mapping, path, is_flat=True, ancestors=ancestors)


def _describes_settings(mapping: MappingNode) -> bool:
    """Return whether all settings in a mapping are mappings: it describes them, as a form or a schema does."""
    nodes = [node for key, node in mapping.pairs() if plain(key.text) in SETTING_NAMES and key.text not in NOT_OWN]
    return bool(nodes) and all(isinstance(node, MappingNode) for node in nodes)


def _has_peak_and_more(mapping: MappingNode, *, is_root: bool) -> bool:
    """Return whether a mapping has a peak and another setting of one-cycle schedules alone.

    Mappings in their place describe the settings of a program, as in a form: they have no values. At a file's root,
    the names must have a one-cycle prefix: without it, the file is a config of ours.
    """
    keys = [plain(key.text) for key, node in mapping.pairs() if not isinstance(node, MappingNode)]
    names = {without_prefix(key) for key in keys if not is_root or key.startswith("onecycle")}
    return not PEAKS.isdisjoint(names) and not BESIDE_A_PEAK.isdisjoint(names)


def _namers(mapping: MappingNode) -> list[tuple[ScalarNode, ScalarNode]]:
    """List the keys and values that name a one-cycle class or switch it on; keys made for classes first."""
    found = [
        (key, value)
        for key, value in mapping.pairs()
        if isinstance(value, ScalarNode) and (one_cycle_class(value.text) or _is_switch(key, value))
    ]
    return sorted(found, key=lambda pair: plain(pair[0].text) not in CLASS_KEYS)


def _is_switch(key: ScalarNode, value: ScalarNode) -> bool:
    """Return whether an entry switches a one-cycle schedule on, as `use_onecycle: true` does."""
    is_one = "cycle" in key.text.lower() and SWITCH.fullmatch(plain(key.text)) is not None
    return is_one and value.plain and read_plain(value.text) is True


def _is_meant(mapping: MappingNode, path: KeyPath, key: str, name: str) -> bool:
    """Return whether a key that names a one-cycle class makes its mapping a block, apart from its arguments."""
    about_schedulers = "sched" in key or (path and "sched" in plain(path[-1]))
    if key == "name":
        return about_schedulers or not plain_keys(mapping).isdisjoint(KEY_SETTINGS)
    if key in CLASS_KEYS:
        return "OneCycle" in name or _holds_settings(mapping)
    # In Hydra's list of defaults the name is a file's.
    return _holds_settings(mapping) or ("sched" in key and "defaults" not in path)


def _holds_settings(mapping: MappingNode) -> bool:
    names = (without_prefix(plain(key.text)) for key, node in mapping.pairs() if not isinstance(node, MappingNode))
    keys = {*names} - CLASS_KEYS - NOT_OWN
    return any(key in SETTING_NAMES or key in WARMUPS or key in MOMENTUM_PAIRS for key in keys)


def _arguments(mapping: MappingNode, namer: ScalarNode, *, is_own: bool) -> tuple[MappingNode, KeyPath]:
    """Find the mapping of the class's arguments: below a key such as `init_args`, or the mapping itself."""
    best: tuple[int, MappingNode, KeyPath] = (0, mapping, ())
    for key, value in mapping.pairs():
        if isinstance(value, MappingNode):
            likeness = _likeness(plain(key.text), value, plain(namer.text), is_own=is_own)
            if likeness > best[0]:
                best = likeness, value, (key.text,)
    return best[1], best[2]


def _likeness(name: str, node: MappingNode, namer: str, *, is_own: bool) -> int:
    """Return how likely a key has the arguments of the class that another key names; 0 if it has not."""
    written = ARGUMENTS.fullmatch(name)
    about = written[1] if written is not None else name
    if about.startswith(NOT_ITS):
        return 0
    if about and namer.startswith(about) and namer[len(about) :] in ("", "class", "classname", "name", "type", "cls"):
        return 4  # `scheduler_params` or `scheduler` beside `scheduler` or `scheduler_class`
    if is_own and written is not None and about in ("", "dict"):
        return 3
    which, whose = SUBJECT.sub("", about), SUBJECT.sub("", namer)
    if which and whose and which != whose and not is_own:
        return 0  # `generator_scheduler_params` beside `discriminator_scheduler`
    if one_cycle_class(name):
        return 2
    if written is not None:
        return 2 if about and (about in namer or "sched" in about or "cycle" in about) else 0
    is_about = "sched" in namer or "policy" in namer
    return 1 if is_about and SCHEDULER.fullmatch(name) and not any(_classes(node)) else 0
