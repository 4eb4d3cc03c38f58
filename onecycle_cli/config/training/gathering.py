"""Which of a block's keys give which setting."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from onecycle_cli.config.keys import LONGEST_KEY, duplicate, mistyped
from onecycle_cli.config.native import TELLING
from onecycle_cli.config.nodes import Scalar, Sequence, is_merge, place_at
from onecycle_cli.config.training.names import BESIDE, MOMENTUM_PAIRS, OF_THE_RUN, RATES, SETTING_NAMES, WARMUPS, plain
from onecycle_cli.policy.settings import SETTINGS
from onecycle_cli.policy.validation import unknown_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.config.dotted import Path
    from onecycle_cli.config.nodes import Mapping, Node, Place
    from onecycle_cli.config.training.blocks import Block
    from onecycle_cli.findings import Finding

MOMENTA = ("max_momentum", "base_momentum", "final_momentum")


@dataclass(frozen=True, slots=True)
class Entry:
    """A key's value, the way to it, and the key as it is written."""

    node: Node
    path: Path
    key: Scalar


@dataclass(slots=True)
class Gathered:
    """Entries by setting, warm-up lengths by the setting of the whole, and what there is to say of the keys.

    `optimizer_lr` is the learning rate that stands beside a peak: the optimizer's.
    """

    settings: dict[str, Entry] = field(default_factory=dict)
    warmups: dict[str, Entry] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    optimizer_lr: Entry | None = None


def gather(block: Block) -> Gathered:
    """Gather a block's settings from its arguments and, where the whole run is mingled with it, from beside it."""
    gathered = Gathered()
    seen: dict[str, Place] = {}
    given = {key.text for key, _ in block.arguments.entries if isinstance(key, Scalar)}
    for entry in _entries(block.arguments, block.arguments_path):
        if entry.key.text in seen:
            gathered.findings.append(duplicate(entry.key, seen[entry.key.text]))
        elif not _take(gathered, entry, block):
            gathered.findings += _unknown(block, entry.key, given)
        seen.setdefault(entry.key.text, entry.key.place)
    if block.arguments is not block.mapping and block.key not in ("target", "classpath"):
        _fill_length(gathered, block)
    return gathered


def _entries(mapping: Mapping, path: Path) -> Iterator[Entry]:
    for key, node in mapping.entries:
        if isinstance(key, Scalar):
            yield Entry(node, (*path, key.text), key)


def _take(gathered: Gathered, entry: Entry, block: Block) -> bool:
    """Note an entry under its setting; say whether its key is known."""
    name = plain(entry.key.text)
    if name in BESIDE or (block.mingled and name in OF_THE_RUN):
        return True
    if block.is_strict and entry.key.text not in SETTINGS and not entry.key.text.isupper():
        return False
    if name in MOMENTUM_PAIRS and isinstance(entry.node, Sequence):
        _take_pair(gathered, entry, entry.node)
    elif name in WARMUPS:
        gathered.warmups.setdefault(WARMUPS[name], entry)
    elif name in SETTING_NAMES:
        _take_setting(gathered, SETTING_NAMES[name], entry)
    else:
        return False
    return True


def _take_setting(gathered: Gathered, setting: str, entry: Entry) -> None:
    """Prefer the setting's own name to another's; a learning rate that gives way is the optimizer's."""
    before = gathered.settings.get(setting)
    wins = before is None or (entry.key.text == setting and before.key.text != setting)
    loser = before if wins else entry
    if wins:
        gathered.settings[setting] = entry
    if loser is not None and plain(loser.key.text) in RATES:
        gathered.optimizer_lr = loser


def _take_pair(gathered: Gathered, entry: Entry, pair: Sequence) -> None:
    for at, (setting, node) in enumerate(zip(MOMENTA, pair.items, strict=False)):
        gathered.settings.setdefault(setting, Entry(node, (*entry.path, str(at)), entry.key))


def _fill_length(gathered: Gathered, block: Block) -> None:
    """Take the length from beside the arguments, where they do not give it."""
    for entry in _entries(block.mapping, block.path):
        setting = SETTING_NAMES.get(plain(entry.key.text))
        if setting in ("epochs", "steps_per_epoch", "total_steps"):
            gathered.settings.setdefault(setting, entry)


def _unknown(block: Block, key: Scalar, given: set[str]) -> Iterator[Finding]:
    """Object to a key that its class refuses, or that is a setting mistyped; others belong to the run."""
    near = len(key.text) <= LONGEST_KEY and get_close_matches(key.text, TELLING, 1, 0.85)
    if is_merge(key) or not (block.is_strict or near):
        return
    yield replace(place_at(unknown_key(key.text), key.place), fix=mistyped(key.text, given))
