"""The optimizer beside a block: its name, its learning rates, its momentum and its parameter groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.config.key_paths import Unknown, dotted, resolve
from onecycle_cli.config.nodes import MappingNode, ScalarNode, SequenceNode
from onecycle_cli.config.scalars import number_of
from onecycle_cli.config.training.names import ARGUMENTS, CLASS_KEYS, RATES, one_cycle_class, plain
from onecycle_cli.policy.checks.optimizers import KNOWN, plain_name
from onecycle_cli.policy.context import ConfigValue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.config.key_paths import Document, KeyPath
    from onecycle_cli.config.nodes import Node, Place
    from onecycle_cli.config.training.blocks import Block
    from onecycle_cli.findings import Finding

KEYS = frozenset({"optimizer", "optim", "optimwrapper", "optimizerconfig", "optimizercfg", "opt", "optimizertype"})
GROUPS = frozenset({"paramgroups", "parametergroups", "params", "groups"})
DEEPEST = 3
"""Optimizers inside an optimizer that are read: its wrapper's, and its config's; aliases may make more."""

MOMENTA = frozenset({"momentum", "betas", "beta1"})


@dataclass(slots=True)
class Optimizer:
    """What the optimizer beside a block says; None where it does not say it."""

    name: tuple[str, Place] | None = None
    lr: ConfigValue[tuple[float, ...]] | None = None
    momentum: ConfigValue[float] | None = None
    groups: tuple[int, Place] | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """The document to search, and where places (by dotted path) and findings are noted."""

    document: Document
    places: dict[str, Place]
    findings: list[Finding]

    def number(self, node: Node, path: KeyPath) -> float | None:
        """Read a number, following its reference; note its place and what is found in how it is written."""
        found = resolve(self.document, node, path)
        if isinstance(found, Unknown):
            return None
        value, findings = number_of(found, dotted(path))
        if value is not None:
            self.places[dotted(path)] = node.place
            self.findings.extend(findings)
        return value

    def rate(self, node: Node, path: KeyPath) -> ConfigValue[tuple[float, ...]] | None:
        """Read a learning rate."""
        rate = self.number(node, path)
        return None if rate is None else ConfigValue((float(rate),), dotted(path))


def find_optimizer(search: Search, block: Block) -> Optimizer:
    """Find the optimizer nearest to a block."""
    # `scheduler_g` belongs to `optimizer_g`.
    suffix = plain(block.path[-1]).rpartition("scheduler")[2] if block.path else ""
    for path, mapping in block.mappings_outwards():
        for key, value in mapping.pairs():
            if plain(key.text).removesuffix(suffix) in KEYS and value is not block.arguments:
                return _read(search, value, (*path, key.text), beside=mapping)
    return Optimizer()


def _read(search: Search, node: Node, path: KeyPath, *, beside: MappingNode) -> Optimizer:
    """Read an optimizer; if it is just a name, its numbers are beside it or under a key for its arguments."""
    optimizer = Optimizer()
    if isinstance(node, ScalarNode):
        _note_name(optimizer, node, sure=False)
        if one_cycle_class(node.text) is None:
            _note_beside(search, optimizer, beside, path[:-1])
        return optimizer
    for at, mapping in _parts(node, path):
        for key, value in mapping.pairs():
            _note(search, optimizer, key, value, (*at, key.text))
    return optimizer


def _note_beside(search: Search, optimizer: Optimizer, beside: MappingNode, path: KeyPath) -> None:
    for key, value in beside.pairs():
        about = ARGUMENTS.fullmatch(plain(key.text))
        if isinstance(value, MappingNode) and about and about[1].startswith("opt"):
            for inner, number in value.pairs():
                _note(search, optimizer, inner, number, (*path, key.text, inner.text))
        elif plain(key.text) in MOMENTA:
            _note(search, optimizer, key, value, (*path, key.text))


def _parts(node: Node, path: KeyPath, depth: int = 0) -> Iterator[tuple[KeyPath, MappingNode]]:
    """List the optimizer's mapping, and those below it that hold its arguments."""
    if not isinstance(node, MappingNode) or depth > DEEPEST:
        return
    yield path, node
    for key, child in node.pairs():
        name, at = plain(key.text), (*path, key.text)
        if isinstance(child, MappingNode) and name in KEYS:
            yield from _parts(child, at, depth + 1)
        elif isinstance(child, MappingNode) and (ARGUMENTS.fullmatch(name) or plain_name(key.text) in KNOWN):
            yield at, child


def _note(search: Search, optimizer: Optimizer, key: ScalarNode, value: Node, path: KeyPath) -> None:
    name = plain(key.text)
    if name in CLASS_KEYS and isinstance(value, ScalarNode) and "sched" not in name:
        _note_name(optimizer, value, sure=True)
    elif isinstance(value, MappingNode) and plain_name(key.text) in KNOWN:
        optimizer.name = optimizer.name or (key.text, key.place)
    elif name in RATES and optimizer.lr is None:
        optimizer.lr = search.rate(value, path)
    elif name in MOMENTA and optimizer.momentum is None:
        _note_momentum(search, optimizer, value, path)
    elif name in GROUPS and isinstance(value, SequenceNode):
        _note_groups(search, optimizer, value, path)


def _note_name(optimizer: Optimizer, value: ScalarNode, *, sure: bool) -> None:
    """Note the optimizer's class; a name that may mean anything only if it is known."""
    if optimizer.name is None and (plain_name(value.text) in KNOWN or (sure and "." in value.text)):
        optimizer.name = (value.text, value.place)


def _note_momentum(search: Search, optimizer: Optimizer, value: Node, path: KeyPath) -> None:
    found = resolve(search.document, value, path)
    if isinstance(found, SequenceNode) and found.items:
        value, path = found.items[0], (*path[:-1], f"{path[-1]}[0]")
    momentum = search.number(value, path)
    optimizer.momentum = None if momentum is None else ConfigValue(float(momentum), dotted(path))


def _note_groups(search: Search, optimizer: Optimizer, groups: SequenceNode, path: KeyPath) -> None:
    """Note how many parameter groups are listed, and their learning rates if every one has its own."""
    mappings = [group for group in groups.items if isinstance(group, MappingNode)]
    if len(mappings) < len(groups.items):
        return
    if len(mappings) > 1:
        optimizer.groups = (len(mappings), groups.place)
    rates = [
        search.number(value, (*path, str(at), key.text))
        for at, group in enumerate(mappings)
        for key, value in group.pairs()
        if plain(key.text) in RATES
    ]
    known = tuple(float(rate) for rate in rates if rate is not None)
    if known and len(known) == len(mappings):
        search.places[dotted(path)] = groups.place
        optimizer.lr = ConfigValue(known, dotted(path))
