"""The run around a block: its optimizer, the trainer's counts, and how often the scheduler is stepped."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from onecycle_cli.config.indexes import matching, named, plain, plain_keys
from onecycle_cli.config.key_paths import Unknown, dotted, lookup, resolve
from onecycle_cli.config.loaders import untyped
from onecycle_cli.config.nodes import MappingNode, ScalarNode, SequenceNode
from onecycle_cli.config.scalars import read_plain
from onecycle_cli.config.setting_values import number_of
from onecycle_cli.config.training.names import (
    ARGUMENTS,
    CLASS_KEYS,
    EPOCHS,
    MAYBE_STEPS,
    RATES,
    STEPS,
    one_cycle_class,
)
from onecycle_cli.policy.checks.optimizers import KNOWN, plain_name
from onecycle_cli.policy.context import BY_EPOCH, BY_STEP, ConfigValue, TrainingContext

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from onecycle_cli.config.key_paths import Document, KeyPath
    from onecycle_cli.config.loaders import Loader
    from onecycle_cli.config.nodes import Node, Place
    from onecycle_cli.config.training.blocks import Block
    from onecycle_cli.findings import Finding

SECTION = re.compile(
    r"(pl|lightning|my)?"
    r"(train|training|trainer|run|runner|fit|solver|optim|optimization|optimwrapper|general|global|common|settings|params"
    r"|hparams|hyperparams|hyperparameters|hyp|experiment|exp|schedule|engine|learning|main|base|loop|args|flags|cfg"
    r"|config|initargs|kwargs|parameters|arguments|options|lightning|data|datamodule|dataset|dataloader|traindataloader)"
    r"(loop|stage|setup|setting|schedule|args|arguments|kwargs|params|parameters|hparams|hyperparams|hyperparameters"
    r"|options|opts|settings|config|conf|cfg)?"
)
"""Keys of mappings that hold a run's numbers."""

DEEPEST_SECTION = 2
MOST_SECTIONS = 100
"""Sections in sections that are read (`lightning.trainer`, `trainer.params`), and sections of one mapping."""

COUNTS: dict[str, Collection[str]] = {
    "epochs": EPOCHS,
    "max_steps": STEPS,
    "accumulation": (
        "accumulategradbatches", "gradientaccumulationsteps", "accumulationsteps", "gradaccumsteps",
        "gradientaccumulation", "accumulativecounts", "accumgrad",
    ),
    "devices": ("devices", "gpus", "numgpus", "ngpus", "numdevices", "worldsize", "numprocesses", "nprocpernode"),
    "dataset_size": ("datasetsize", "numsamples", "numtrainsamples", "trainsize", "trainsamples"),
    "batch_size": ("batchsize", "trainbatchsize", "perdevicetrainbatchsize", "batchsizepergpu"),
}  # fmt: skip
"""By attribute of TrainingContext: the plain keys that give it."""

NODES = ("numnodes", "nnodes")
MAYBE_INTERVALS = ("step", "schedulerstep", "lrschedulerstep")
INTERVALS = ("interval", "callon", "stepon", "schedulerinterval", "lrschedulerinterval", "stepinterval")
CONFIGURES = "configure_optimizers"
"""The method of a LightningModule that makes its scheduler, stepped once per epoch unless it says otherwise."""

OF_LIGHTNING = frozenset({"monitor", "frequency", "strict", "reduceonplateau"})
"""Keys beside `scheduler` where Lightning's configure_optimizers returns it: it then steps once per epoch."""

OF_TRANSFORMERS = frozenset({"numtrainepochs", "perdevicetrainbatchsize"})
"""Keys of transformers' TrainingArguments, whose Trainer steps once per batch."""

STEPPED = frozenset({*BY_STEP, *BY_EPOCH})
"""How often a scheduler is stepped: a key of MAYBE_INTERVALS is one only if its value is one of these words."""

OPTIMIZERS = frozenset(
    {"optimizer", "optim", "optimwrapper", "optimizerconfig", "optimizercfg", "opt", "optimizertype"}
)
GROUPS = frozenset({"paramgroups", "parametergroups", "params", "groups"})
DEEPEST_OPTIMIZER = 3
"""Optimizers inside an optimizer that are read: its wrapper's, and its config's; aliases may make more."""

MOMENTUM_KEYS = frozenset({"momentum", "betas", "beta1"})


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
        value, findings = number_of(found, dotted(path), untyped(self.document.loader))
        if value is not None:
            self.places[dotted(path)] = node.place
            self.findings.extend(findings)
        return value

    def rate(self, node: Node, path: KeyPath) -> ConfigValue[tuple[float, ...]] | None:
        """Read a learning rate."""
        rate = self.number(node, path)
        return None if rate is None else ConfigValue((float(rate),), dotted(path))

    def first_count(
        self, mappings: Iterable[tuple[KeyPath, MappingNode]], keys: Collection[str], *, items: bool = False
    ) -> ConfigValue[int] | None:
        """Return the first whole number above 0 under one of the keys, and note its place.

        With `items`, a list counts as many as it has. None if the first one is set at run time, or says that there is
        no limit, as Lightning's -1 does.
        """
        for path, mapping in mappings:
            for key, node in named(mapping, keys):
                at = (*path, key.text)
                self.document.note(node)
                found = resolve(self.document, node, at)
                if isinstance(found, Unknown):
                    if isinstance(node, ScalarNode) and node.plain and read_plain(node.text) is None:
                        continue  # null is as good as no value
                    return None
                number = _whole_number(found, self.document.loader, items=items)
                if number is not None and number >= 1:
                    self.places[dotted(at)] = node.place
                    return ConfigValue(number, dotted(at))
        return None


def read_context(search: Search, block: Block) -> TrainingContext:
    """Read the numbers around a block, the nearest first, and note their places by dotted path."""
    sections = list(_sections(search.document, block))
    counts: dict[str, Any] = {
        name: search.first_count(sections, keys, items=name == "devices") for name, keys in COUNTS.items()
    }
    nodes, devices = search.first_count(sections, NODES), counts["devices"]
    if nodes is not None and devices is not None:
        counts["devices"] = ConfigValue(devices.value * nodes.value, devices.path)
    interval = _interval(search, block)
    usual = _usual_stepping(block, sections) if interval is None else TrainingContext()
    return replace(usual, **counts, interval=interval, scaling=_scaling(search, block))


def possible_steps(search: Search, block: Block) -> ConfigValue[int] | None:
    """Return a number of steps around a block that may be the run's."""
    return search.first_count(_sections(search.document, block), MAYBE_STEPS)


def is_converted(block: Block) -> bool:
    """Return whether MMEngine turns a block's epochs into steps once it knows how many an epoch has."""
    return _counts_in_epochs(block) and _has(block, "converttoiterbased", "true")


def _around(document: Document, block: Block) -> list[tuple[KeyPath, MappingNode]]:
    """List the mappings above a block, the nearest first, then what only `--set` gives."""
    return [*block.mappings_outwards(), ((), document.extra)]


def _sections(document: Document, block: Block) -> Iterator[tuple[KeyPath, MappingNode]]:
    """List the mappings that may hold the run's numbers: those above the block, and the sections in them."""
    for path, mapping in _around(document, block):
        yield path, mapping
        yield from _sections_in(mapping, path, DEEPEST_SECTION)


def _sections_in(mapping: MappingNode, path: KeyPath, depth: int) -> Iterator[tuple[KeyPath, MappingNode]]:
    for key, child in islice(matching(mapping, SECTION), MOST_SECTIONS) if depth else ():
        if isinstance(child, MappingNode):
            yield (*path, key.text), child
            yield from _sections_in(child, (*path, key.text), depth - 1)


def _whole_number(node: Node, loader: Loader, *, items: bool) -> int | None:
    """Read a count; a list of devices, also as `0,1`, counts its items."""
    if isinstance(node, SequenceNode) and items:
        return len(node.items)
    if not isinstance(node, ScalarNode):
        return None
    if not node.plain and "," in node.text and items:
        return len([item for item in node.text.split(",") if item.strip()])
    value = number_of(node, loader=loader)[0]
    return int(value) if value is not None and math.isfinite(value) and value == int(value) else None


def _interval(search: Search, block: Block) -> ConfigValue[str] | None:
    """Find how often the scheduler is stepped: at the block, beside it, or further up under a full name."""
    for distance, (path, node) in enumerate([(block.path, block.mapping), *reversed(block.ancestors)]):
        for key, value in named(node, (*INTERVALS, *MAYBE_INTERVALS)) if isinstance(node, MappingNode) else ():
            name, at = plain(key.text), (*path, key.text)
            if not isinstance(value, ScalarNode) or (distance > 1 and "sched" not in name):
                continue
            word = resolve(search.document, value, at)
            if not isinstance(word, ScalarNode):
                continue
            if name in INTERVALS or (name in MAYBE_INTERVALS and word.text.strip().lower() in STEPPED):
                search.places[dotted(at)] = word.place
                return ConfigValue(word.text, dotted(at))
    return None


def _scaling(search: Search, block: Block) -> ConfigValue[bool] | None:
    """Find where the framework is asked to scale the optimizer's learning rate by the batch size."""
    name = plain(block.convention.scaled_by)
    for path, mapping in _around(search.document, block) if name else ():
        for key, node in named(mapping, (name,)):
            enabled = lookup(node, ("enable",))
            if enabled is not None:
                search.document.note(enabled)
            if isinstance(enabled, ScalarNode) and read_plain(enabled.text) is True:
                at = dotted((*path, key.text, "enable"))
                search.places[at] = enabled.place
                return ConfigValue(value=True, path=at)
    return None


def _usual_stepping(block: Block, sections: Iterable[tuple[KeyPath, MappingNode]]) -> TrainingContext:
    """Return how often a scheduler is stepped by default, and by which program, where the kind of config says so."""
    if CONFIGURES in block.path:
        return TrainingContext(stepping="epoch", stepped_by="Lightning", overridable=True)
    if block.key == "classpath" and block.path[-1:] == ("lr_scheduler",):
        return TrainingContext(stepping="epoch", stepped_by="LightningCLI", overridable=True)
    parent = block.ancestors[-1][1] if block.path[-1:] == ("scheduler",) else None
    if isinstance(parent, MappingNode) and not OF_LIGHTNING.isdisjoint(plain_keys(parent)):
        return TrainingContext(stepping="epoch", stepped_by="Lightning", overridable=True)
    convention = block.convention
    if convention.steps_by_batch or block.key in convention.class_keys:  # mmcv's hooks, too, act before every iteration
        return TrainingContext(stepping="step", stepped_by=convention.framework)
    if any(plain_keys(mapping) >= OF_TRANSFORMERS for _, mapping in sections):
        return TrainingContext(stepping="step", stepped_by="transformers")
    if convention.counts_in_epochs:
        by_epoch = _counts_in_epochs(block) and not is_converted(block)
        return TrainingContext(stepping="epoch" if by_epoch else "step", stepped_by=convention.framework)
    return TrainingContext()


def _counts_in_epochs(block: Block) -> bool:
    """Return whether MMEngine counts a block's length in epochs, which is its default."""
    return not _has(block, "byepoch", "false")


def _has(block: Block, name: str, word: str) -> bool:
    return any(
        plain(key.text) == name and isinstance(node, ScalarNode) and node.text.lower() == word
        for key, node in block.arguments.pairs()
    )


def find_optimizer(search: Search, block: Block) -> Optimizer:
    """Find the optimizer nearest to a block."""
    # `scheduler_g` belongs to `optimizer_g`.
    suffix = plain(block.path[-1]).rpartition("scheduler")[2] if block.path else ""
    for path, mapping in _around(search.document, block):
        for key, value in named(mapping, {*OPTIMIZERS, *(f"{name}{suffix}" for name in OPTIMIZERS)}):
            if value is not block.arguments:
                return _read_optimizer(search, value, (*path, key.text), beside=mapping)
    return Optimizer()


def _read_optimizer(search: Search, node: Node, path: KeyPath, *, beside: MappingNode) -> Optimizer:
    """Read an optimizer; if it is just a name, its numbers are beside it or under a key for its arguments."""
    optimizer = Optimizer()
    if not isinstance(node, ScalarNode):
        for at, mapping in _parts(node, path):
            for key, value in mapping.pairs():
                _note(search, optimizer, key, value, (*at, key.text))
        return optimizer
    _note_name(optimizer, node, sure=False)
    for key, value in beside.pairs() if one_cycle_class(node.text) is None else ():
        about, at = ARGUMENTS.fullmatch(plain(key.text)), (*path[:-1], key.text)
        if isinstance(value, MappingNode) and about and about[1].startswith("opt"):
            for inner, number in value.pairs():
                _note(search, optimizer, inner, number, (*at, inner.text))
        elif plain(key.text) in MOMENTUM_KEYS:
            _note(search, optimizer, key, value, at)
    return optimizer


def _parts(node: Node, path: KeyPath, depth: int = 0) -> Iterator[tuple[KeyPath, MappingNode]]:
    """List the optimizer's mapping, and those below it that hold its arguments."""
    if not isinstance(node, MappingNode) or depth > DEEPEST_OPTIMIZER:
        return
    yield path, node
    for key, child in node.pairs():
        name, at = plain(key.text), (*path, key.text)
        if isinstance(child, MappingNode) and name in OPTIMIZERS:
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
    elif name in MOMENTUM_KEYS and optimizer.momentum is None:
        found = resolve(search.document, value, path)
        if isinstance(found, SequenceNode) and found.items:
            value, path = found.items[0], (*path[:-1], f"{path[-1]}[0]")
        momentum = search.number(value, path)
        optimizer.momentum = None if momentum is None else ConfigValue(float(momentum), dotted(path))
    elif name in GROUPS and isinstance(value, SequenceNode):
        _note_groups(search, optimizer, value, path)


def _note_name(optimizer: Optimizer, value: ScalarNode, *, sure: bool) -> None:
    """Note the optimizer's class; a name that may mean anything only if it is known."""
    if optimizer.name is None and (plain_name(value.text) in KNOWN or (sure and "." in value.text)):
        optimizer.name = (value.text, value.place)


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
