"""What there is to object to in a block's keys and company, whatever its settings are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.config.keys import duplicate
from onecycle_cli.config.nodes import Mapping, Scalar, Sequence, place_at
from onecycle_cli.config.training.names import CLASS_KEYS, one_cycle_class, plain
from onecycle_cli.findings.practice import NO_EFFECT
from onecycle_cli.findings.training import CHAINED
from onecycle_cli.policy.conventions import CONVENTIONS, DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.config.training.blocks import Block
    from onecycle_cli.findings import Finding

CONTAINERS = ("SequentialLR", "ChainedScheduler")
"""Schedulers of PyTorch that are made of others."""


def objections(block: Block) -> list[Finding]:
    """Give every objection, in its place."""
    return [*_repeated(block), *_dead_keys(block), *_chained(block)]


def _repeated(block: Block) -> Iterator[Finding]:
    """Object to a key on the way to the block that stands twice: only its last value counts."""
    for step, part in zip(block.way, block.path, strict=True):
        keys = [key for key, _ in getattr(step.node, "entries", ()) if isinstance(key, Scalar) and key.text == part]
        yield from (duplicate(key, keys[0].place) for key in keys[1:])


def _dead_keys(block: Block) -> Iterator[Finding]:
    """Find the keys beside the schedule's settings that its framework reads for other schedulers only."""
    convention = CONVENTIONS[block.convention or DEFAULT]
    ignored = {plain(key) for key in convention.ignored_keys}
    for key, _ in block.mapping.entries if ignored else ():
        if isinstance(key, Scalar) and plain(key.text) in ignored:
            message = f"{key.text} has no effect: {', '.join(convention.classes)} does not read it"
            yield place_at(NO_EFFECT.finding(message, f"remove {key.text}"), key.place)


def _chained(block: Block) -> Iterator[Finding]:
    """Object to other schedulers in the list that the block stands in, or to one made of several around it."""
    others = [name for step in block.way for name in _other_schedulers(step.node)]
    if others:
        where = "inside" if others[0] in CONTAINERS else "beside"
        message = f"{block.name} stands {where} {others[0]}: the plan shows the one-cycle schedule alone"
        hint = f"train without {others[0]}: the cycle has a warm-up of its own"
        yield place_at(CHAINED.finding(message, hint), block.place)


def _other_schedulers(node: Mapping | Sequence) -> Iterator[str]:
    """Name the schedulers that act beside a block in this list, or that this mapping makes of several."""
    if isinstance(node, Mapping):
        yield from (name for name in _classes(node) if name in CONTAINERS)
        return
    for item in node.items:
        if isinstance(item, Mapping):
            yield from (name for name in _classes(item) if name.endswith("LR") and not one_cycle_class(name))


def _classes(mapping: Mapping) -> Iterator[str]:
    for key, value in mapping.entries:
        if isinstance(key, Scalar) and isinstance(value, Scalar) and plain(key.text) in CLASS_KEYS:
            yield value.text.rpartition(".")[2]
