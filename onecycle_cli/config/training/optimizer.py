"""The optimizer that stands beside a block: its name, its learning rates, its momentum and its parameter groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.config.dotted import dotted
from onecycle_cli.config.nodes import Mapping, Scalar, Sequence
from onecycle_cli.config.training.names import ARGUMENTS, CLASS_KEYS, RATES, one_cycle_class, plain
from onecycle_cli.config.training.references import Unknown, resolve
from onecycle_cli.config.values import number_of
from onecycle_cli.policy.checks.optimizers import KNOWN, plain_name
from onecycle_cli.policy.context import ConfigValue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.config.dotted import Document, Path
    from onecycle_cli.config.nodes import Node, Place
    from onecycle_cli.config.training.blocks import Block
    from onecycle_cli.findings import Finding

KEYS = frozenset({"optimizer", "optim", "optimwrapper", "optimizerconfig", "optimizercfg", "opt", "optimizertype"})
GROUPS = frozenset({"paramgroups", "parametergroups", "params", "groups"})
MOMENTA = frozenset({"momentum", "betas", "beta1"})


@dataclass(slots=True)
class Optimizer:
    """What the optimizer beside a block says; None where it does not say it."""

    name: tuple[str, Place] | None = None
    lr: ConfigValue[tuple[float, ...]] | None = None
    momentum: ConfigValue[float] | None = None
    groups: tuple[int, Place] | None = None


@dataclass(frozen=True, slots=True)
class Looking:
    """The document looked at, and where places and findings are noted."""

    document: Document
    keys: dict[str, Place]
    findings: list[Finding]

    def number(self, node: Node, path: Path) -> float | None:
        """Read a number, follow its reference, and note its place and what is to say of how it is written."""
        found = resolve(self.document, node, path)
        if isinstance(found, Unknown):
            return None
        value, said = number_of(found, dotted(path))
        if value is not None:
            self.keys[dotted(path)] = node.place
            self.findings.extend(said)
        return value


def find_optimizer(looking: Looking, block: Block) -> Optimizer:
    """Find the optimizer nearest to a block."""
    way = [(step.path, step.node) for step in reversed(block.way)]
    if block.mingled:
        way.insert(0, (block.path, block.mapping))
    # `scheduler_g` belongs to `optimizer_g`.
    suffix = plain(block.path[-1]).rpartition("scheduler")[2] if block.path else ""
    for path, node in way:
        if not isinstance(node, Mapping):
            continue
        for key, value in node.entries:
            if (
                isinstance(key, Scalar)
                and plain(key.text).removesuffix(suffix) in KEYS
                and value is not block.arguments
            ):
                return _read(looking, value, (*path, key.text), beside=node)
    return Optimizer()


def _read(looking: Looking, node: Node, path: Path, *, beside: Mapping) -> Optimizer:
    """Read an optimizer; where it is a mere name, its numbers stand beside it or under a key for its arguments."""
    optimizer = Optimizer()
    if isinstance(node, Scalar):
        _note_name(optimizer, node, sure=False)
        if one_cycle_class(node.text) is None:
            _note_beside(looking, optimizer, beside, path[:-1])
        return optimizer
    for at, mapping in _parts(node, path):
        for key, value in mapping.entries:
            if isinstance(key, Scalar):
                _note(looking, optimizer, key, value, (*at, key.text))
    return optimizer


def _note_beside(looking: Looking, optimizer: Optimizer, beside: Mapping, path: Path) -> None:
    for key, value in beside.entries:
        if not isinstance(key, Scalar):
            continue
        about = ARGUMENTS.fullmatch(plain(key.text))
        if isinstance(value, Mapping) and about and about[1].startswith("opt"):
            for inner, number in value.entries:
                if isinstance(inner, Scalar):
                    _note(looking, optimizer, inner, number, (*path, key.text, inner.text))
        elif plain(key.text) in MOMENTA:
            _note(looking, optimizer, key, value, (*path, key.text))


def _parts(node: Node, path: Path) -> Iterator[tuple[Path, Mapping]]:
    """Give the optimizer's mapping, and those below it that hold its arguments."""
    if not isinstance(node, Mapping):
        return
    yield path, node
    for key, child in node.entries:
        if not isinstance(key, Scalar) or not isinstance(child, Mapping):
            continue
        name = plain(key.text)
        if name in KEYS or ARGUMENTS.fullmatch(name) or plain_name(key.text) in KNOWN:
            yield from _parts(child, (*path, key.text)) if name in KEYS else [((*path, key.text), child)]


def _note(looking: Looking, optimizer: Optimizer, key: Scalar, value: Node, path: Path) -> None:
    name = plain(key.text)
    if name in CLASS_KEYS and isinstance(value, Scalar) and "sched" not in name:
        _note_name(optimizer, value, sure=True)
    elif isinstance(value, Mapping) and plain_name(key.text) in KNOWN:
        optimizer.name = optimizer.name or (key.text, key.place)
    elif name in RATES and optimizer.lr is None:
        rate = looking.number(value, path)
        optimizer.lr = None if rate is None else ConfigValue((float(rate),), dotted(path))
    elif name in MOMENTA and optimizer.momentum is None:
        _note_momentum(looking, optimizer, value, path)
    elif name in GROUPS and isinstance(value, Sequence) and all(isinstance(item, Mapping) for item in value.items):
        _note_groups(looking, optimizer, value, path)


def _note_name(optimizer: Optimizer, value: Scalar, *, sure: bool) -> None:
    """Note the optimizer's class; a name that may be anything only if it is known."""
    if optimizer.name is None and (plain_name(value.text) in KNOWN or (sure and "." in value.text)):
        optimizer.name = (value.text, value.place)


def _note_momentum(looking: Looking, optimizer: Optimizer, value: Node, path: Path) -> None:
    found = resolve(looking.document, value, path)
    if isinstance(found, Sequence) and found.items:
        value, path = found.items[0], (*path[:-1], f"{path[-1]}[0]")
    momentum = looking.number(value, path)
    optimizer.momentum = None if momentum is None else ConfigValue(float(momentum), dotted(path))


def _note_groups(looking: Looking, optimizer: Optimizer, groups: Sequence, path: Path) -> None:
    """Note how many parameter groups are listed, and their learning rates where each has one."""
    if len(groups.items) > 1:
        optimizer.groups = (len(groups.items), groups.place)
    rates = []
    for at, group in enumerate(groups.items):
        for key, value in group.entries if isinstance(group, Mapping) else ():
            if isinstance(key, Scalar) and plain(key.text) in RATES:
                rates.append(looking.number(value, (*path, str(at), key.text)))
    known = tuple(float(rate) for rate in rates if rate is not None)
    if known and len(known) == len(groups.items):
        looking.keys[dotted(path)] = groups.place
        optimizer.lr = ConfigValue(known, dotted(path))
