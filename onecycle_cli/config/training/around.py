"""What stands around a block: the trainer's counts, and how often the scheduler is stepped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from onecycle_cli.config.dotted import dotted
from onecycle_cli.config.nodes import Mapping, Scalar, Sequence
from onecycle_cli.config.scalars import read_plain
from onecycle_cli.config.training.blocks import plain_keys
from onecycle_cli.config.training.names import ARGUMENTS, plain
from onecycle_cli.config.training.references import Unknown, resolve
from onecycle_cli.policy.context import ConfigValue, TrainingContext
from onecycle_cli.policy.conventions import CONVENTIONS, DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.config.dotted import Document, Path
    from onecycle_cli.config.nodes import Node, Place
    from onecycle_cli.config.training.blocks import Block

ROOMS = frozenset(
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
"""By what it counts: the plain keys under which trainers state it."""

NODES = ("numnodes", "nnodes")
MAYBE_INTERVALS = ("step", "schedulerstep", "lrschedulerstep")
INTERVALS = ("interval", "callon", "stepon", "schedulerinterval", "lrschedulerinterval", "stepinterval")
OF_LIGHTNING = frozenset({"monitor", "frequency", "strict", "reduceonplateau"})
"""What stands beside `scheduler` where Lightning's configure_optimizers returns it: the default is once an epoch."""

STEPPED = frozenset({"step", "steps", "batch", "batches", "iter", "iteration", "update", "epoch", "epochs"})
"""Words for how often a scheduler is stepped; only a value of these makes one of the keys that may say it do so."""


def look_around(document: Document, block: Block, where: dict[str, Place]) -> TrainingContext:
    """Gather the numbers around a block, nearest first, and note where they stand."""
    rooms = list(_rooms(document, block))
    counts = {name: _count(document, rooms, keys, where) for name, keys in COUNTS.items()}
    nodes, devices = _count(document, rooms, NODES, where), counts["devices"]
    if nodes is not None and devices is not None:
        devices = ConfigValue(devices.value * nodes.value, devices.path)
    interval = _interval(document, block, where)
    stepping, stepped_by = _settled(block) if interval is None else (None, "")
    return TrainingContext(
        epochs=counts["epochs"],
        max_steps=counts["max_steps"],
        accumulation=counts["accumulation"],
        devices=devices,
        dataset_size=counts["dataset_size"],
        batch_size=counts["batch_size"],
        interval=interval,
        stepping=stepping,
        stepped_by=stepped_by,
    )


def _rooms(document: Document, block: Block) -> Iterator[tuple[Path, Mapping]]:
    """Give the mappings that may hold the run's numbers: those on the way to the block, and rooms in them."""
    way = [(step.path, step.node) for step in reversed(block.way)]
    if block.mingled:
        way.insert(0, (block.path, block.mapping))
    way.append(((), document.beyond))
    for path, node in way:
        if not isinstance(node, Mapping):
            continue
        yield path, node
        for key, child in node.entries:
            if isinstance(key, Scalar) and isinstance(child, Mapping) and plain(key.text) in ROOMS:
                yield (*path, key.text), child
                yield from _arguments_of((*path, key.text), child)


def _arguments_of(path: Path, mapping: Mapping) -> Iterator[tuple[Path, Mapping]]:
    for key, child in mapping.entries:
        if isinstance(key, Scalar) and isinstance(child, Mapping) and ARGUMENTS.fullmatch(plain(key.text)):
            yield (*path, key.text), child


def _count(
    document: Document, rooms: list[tuple[Path, Mapping]], keys: tuple[str, ...], where: dict[str, Place]
) -> ConfigValue[int] | None:
    """Find the first whole number above 0 under one of the keys."""
    for path, mapping in rooms:
        for key, node in mapping.entries:
            if not isinstance(key, Scalar) or plain(key.text) not in keys:
                continue
            at = (*path, key.text)
            found = resolve(document, node, at)
            number = None if isinstance(found, Unknown) else _whole(found)
            if number is not None and number >= 1:
                where[dotted(at)] = node.place
                return ConfigValue(number, dotted(at))
    return None


def _whole(node: Node) -> int | None:
    """Read a count; a list of devices, also as `0,1`, counts its items."""
    if isinstance(node, Sequence):
        return len(node.items)
    if not isinstance(node, Scalar):
        return None
    if not node.plain and "," in node.text:
        return len([item for item in node.text.split(",") if item.strip()])
    value = read_plain(node.text.strip())
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _interval(document: Document, block: Block, where: dict[str, Place]) -> ConfigValue[str] | None:
    """Find the word for how often the scheduler is stepped: at the block, beside it, or further up by a full name."""
    above = [(step.path, step.node) for step in reversed(block.way)]
    for distance, (path, node) in enumerate([(block.path, block.mapping), *above]):
        for key, value in node.entries if isinstance(node, Mapping) else ():
            if not isinstance(key, Scalar) or not isinstance(value, Scalar):
                continue
            name, at = plain(key.text), (*path, key.text)
            word = resolve(document, value, at)
            if not isinstance(word, Scalar) or (distance > 1 and "sched" not in name):
                continue
            if name in INTERVALS or (name in MAYBE_INTERVALS and word.text.strip().lower() in STEPPED):
                where[dotted(at)] = word.place
                return ConfigValue(word.text, dotted(at))
    return None


def _settled(block: Block) -> tuple[Literal["step", "epoch"] | None, str]:
    """Say how often a scheduler is stepped where the kind of config settles it."""
    if block.key == "classpath" and block.path[-1:] == ("lr_scheduler",):
        return "epoch", "LightningCLI"
    if block.path[-1:] == ("scheduler",) and not OF_LIGHTNING.isdisjoint(plain_keys(as_mapping(block.way[-1].node))):
        return "epoch", "Lightning"
    convention = CONVENTIONS[block.convention or DEFAULT]
    if convention.counts_in_epochs and block.key not in convention.class_keys and counts_in_epochs(block):
        return ("step" if is_converted(block) else "epoch"), convention.framework
    return None, ""


def as_mapping(node: Mapping | Sequence) -> Mapping:
    """Take a list for a mapping without entries."""
    return node if isinstance(node, Mapping) else Mapping(node.place)


def counts_in_epochs(block: Block) -> bool:
    """Say whether MMEngine counts a block's length in epochs, which is its default."""
    return not _says(block, "byepoch", "false")


def is_converted(block: Block) -> bool:
    """Say whether MMEngine turns a block's epochs into steps once it knows how many an epoch has."""
    return counts_in_epochs(block) and _says(block, "converttoiterbased", "true")


def _says(block: Block, name: str, word: str) -> bool:
    return any(
        isinstance(key, Scalar) and plain(key.text) == name and isinstance(node, Scalar) and node.text.lower() == word
        for key, node in block.arguments.entries
    )
