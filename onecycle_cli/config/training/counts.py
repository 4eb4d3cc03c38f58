"""The numbers of the run around a block: the trainer's counts, and how often the scheduler is stepped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from onecycle_cli.config.key_paths import Unknown, dotted, resolve
from onecycle_cli.config.nodes import MappingNode, ScalarNode, SequenceNode
from onecycle_cli.config.scalars import read_plain
from onecycle_cli.config.training.blocks import plain_keys
from onecycle_cli.config.training.names import ARGUMENTS, plain
from onecycle_cli.policy.context import ConfigValue, TrainingContext

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.config.key_paths import Document, KeyPath
    from onecycle_cli.config.nodes import Node, Place
    from onecycle_cli.config.training.blocks import Block

SECTIONS = frozenset(
    {
        "trainer", "train", "training", "traincfg", "trainconfig", "trainerconfig", "trainingargs", "trainargs",
        "trainingarguments", "trainerargs", "run", "runner", "fit", "hparams", "hyperparameters", "solver", "loop",
        "data", "datamodule", "dataset", "dataloader", "traindataloader", "optimwrapper", "optimization", "general",
    }
)  # fmt: skip
"""Keys of mappings that hold a run's numbers."""

COUNTS = {
    "epochs": ("maxepochs", "numepochs", "nepochs", "epochs", "numtrainepochs", "totalepochs"),
    "max_steps": ("maxsteps", "maxiters", "maxiter", "numsteps", "numtrainsteps", "numtrainingsteps", "trainsteps"),
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
OF_LIGHTNING = frozenset({"monitor", "frequency", "strict", "reduceonplateau"})
"""Keys beside `scheduler` where Lightning's configure_optimizers returns it: it then steps once per epoch."""

STEPPED = frozenset({"step", "steps", "batch", "batches", "iter", "iteration", "update", "epoch", "epochs"})
"""How often a scheduler is stepped: a key of MAYBE_INTERVALS is one only if its value is one of these words."""


def read_context(document: Document, block: Block, places: dict[str, Place]) -> TrainingContext:
    """Read the numbers around a block, the nearest first, and note their places by dotted path."""
    sections = list(_sections(document, block))
    counts = {name: _count(document, sections, keys, places) for name, keys in COUNTS.items()}
    nodes, devices = _count(document, sections, NODES, places), counts["devices"]
    if nodes is not None and devices is not None:
        counts["devices"] = ConfigValue(devices.value * nodes.value, devices.path)
    interval = _interval(document, block, places)
    stepping, stepped_by = _usual_stepping(block) if interval is None else (None, "")
    return TrainingContext(
        epochs=counts["epochs"],
        max_steps=counts["max_steps"],
        accumulation=counts["accumulation"],
        devices=counts["devices"],
        dataset_size=counts["dataset_size"],
        batch_size=counts["batch_size"],
        interval=interval,
        stepping=stepping,
        stepped_by=stepped_by,
    )


def is_converted(block: Block) -> bool:
    """Return whether MMEngine turns a block's epochs into steps once it knows how many an epoch has."""
    return _counts_in_epochs(block) and _has(block, "converttoiterbased", "true")


def _sections(document: Document, block: Block) -> Iterator[tuple[KeyPath, MappingNode]]:
    """List the mappings that may hold the run's numbers: those above the block, and the sections in them."""
    for path, mapping in [*block.mappings_outwards(), ((), document.extra)]:
        yield path, mapping
        for key, child in mapping.pairs():
            if isinstance(child, MappingNode) and plain(key.text) in SECTIONS:
                yield (*path, key.text), child
                for inner, below in child.pairs():
                    if isinstance(below, MappingNode) and ARGUMENTS.fullmatch(plain(inner.text)):
                        yield (*path, key.text, inner.text), below


def _count(
    document: Document, sections: list[tuple[KeyPath, MappingNode]], keys: tuple[str, ...], places: dict[str, Place]
) -> ConfigValue[int] | None:
    """Find the first whole number above 0 under one of the keys."""
    for path, mapping in sections:
        for key, node in mapping.pairs():
            if plain(key.text) not in keys:
                continue
            at = (*path, key.text)
            found = resolve(document, node, at)
            number = None if isinstance(found, Unknown) else _whole_number(found)
            if number is not None and number >= 1:
                places[dotted(at)] = node.place
                return ConfigValue(number, dotted(at))
    return None


def _whole_number(node: Node) -> int | None:
    """Read a count; a list of devices, also as `0,1`, counts its items."""
    if isinstance(node, SequenceNode):
        return len(node.items)
    if not isinstance(node, ScalarNode):
        return None
    if not node.plain and "," in node.text:
        return len([item for item in node.text.split(",") if item.strip()])
    value = read_plain(node.text.strip())
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _interval(document: Document, block: Block, places: dict[str, Place]) -> ConfigValue[str] | None:
    """Find how often the scheduler is stepped: at the block, beside it, or further up under a full name."""
    above = [(ancestor.path, ancestor.node) for ancestor in reversed(block.ancestors)]
    for distance, (path, node) in enumerate([(block.path, block.mapping), *above]):
        for key, value in node.pairs() if isinstance(node, MappingNode) else ():
            if not isinstance(value, ScalarNode):
                continue
            name, at = plain(key.text), (*path, key.text)
            word = resolve(document, value, at)
            if not isinstance(word, ScalarNode) or (distance > 1 and "sched" not in name):
                continue
            if name in INTERVALS or (name in MAYBE_INTERVALS and word.text.strip().lower() in STEPPED):
                places[dotted(at)] = word.place
                return ConfigValue(word.text, dotted(at))
    return None


def _usual_stepping(block: Block) -> tuple[Literal["step", "epoch"] | None, str]:
    """Return how often a scheduler is stepped by default, and by which program, where the kind of config says so."""
    if block.key == "classpath" and block.path[-1:] == ("lr_scheduler",):
        return "epoch", "LightningCLI"
    parent = block.ancestors[-1].node if block.path[-1:] == ("scheduler",) else None
    if isinstance(parent, MappingNode) and not OF_LIGHTNING.isdisjoint(plain_keys(parent)):
        return "epoch", "Lightning"
    convention = block.convention
    if convention.counts_in_epochs and block.key not in convention.class_keys and _counts_in_epochs(block):
        return ("step" if is_converted(block) else "epoch"), convention.framework
    return None, ""


def _counts_in_epochs(block: Block) -> bool:
    """Return whether MMEngine counts a block's length in epochs, which is its default."""
    return not _has(block, "byepoch", "false")


def _has(block: Block, name: str, word: str) -> bool:
    return any(
        plain(key.text) == name and isinstance(node, ScalarNode) and node.text.lower() == word
        for key, node in block.arguments.pairs()
    )
