"""A block of a training config as settings: foreign names translated, references followed, the unknown said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from onecycle_cli.config.config import Config
from onecycle_cli.config.dotted import dotted, lookup
from onecycle_cli.config.keys import take
from onecycle_cli.config.nodes import Scalar, place_at
from onecycle_cli.config.training.around import is_converted, look_around
from onecycle_cli.config.training.gathering import Entry, gather
from onecycle_cli.config.training.objections import objections
from onecycle_cli.config.training.optimizer import Looking, find_optimizer
from onecycle_cli.config.training.references import Unknown, nothing_yet, resolve
from onecycle_cli.config.values import number_of
from onecycle_cli.findings.keys import NUMBER_KIND
from onecycle_cli.findings.training import NOT_KNOWN
from onecycle_cli.formatting import flag_name
from onecycle_cli.policy.context import ConfigValue
from onecycle_cli.policy.conventions import CONVENTIONS, DEFAULT
from onecycle_cli.policy.settings import SETTINGS
from onecycle_cli.policy.validation import LENGTH

if TYPE_CHECKING:
    from onecycle_cli.config.dotted import Document
    from onecycle_cli.config.training.blocks import Block
    from onecycle_cli.config.training.gathering import Gathered
    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.context import TrainingContext


def read_block(path: str, text: str, document: Document, block: Block) -> Config:
    """Read a block of a training config, and what stands around it."""
    gathered = gather(block)
    config = Config(path, text, begin=block.place, block=dotted(block.path), arguments=dotted(block.arguments_path))
    if block.convention is not None:
        config.values["convention"] = block.convention
    findings = list(gathered.findings)
    if CONVENTIONS[block.convention or DEFAULT].counts_in_epochs:
        _count_as_mmengine(gathered, block)
    for setting, entry in gathered.settings.items():
        findings += _take(config, document, setting, entry)
    _take_warmup(config, document, gathered)
    findings += objections(block)
    surroundings = _surroundings(config, document, block, gathered, findings)
    if block.key == "policy":
        _take_length_of_run(config, surroundings)
    if block.convention is not None:
        findings = [each for each in findings if each.rule is not NUMBER_KIND]
    return replace(config, findings=tuple(findings), context=surroundings)


def _count_as_mmengine(gathered: Gathered, block: Block) -> None:
    """Take the length from where it begins and ends, and as epochs where MMEngine turns them into steps."""
    settings = gathered.settings
    if "total_steps" not in settings and (end := lookup(block.arguments, ("end",))) is not None:
        begin = lookup(block.arguments, ("begin",))
        first, last = number_of(begin, "")[0] if begin else 0, number_of(end, "")[0]
        if isinstance(first, int) and isinstance(last, int) and isinstance(end, Scalar):
            length = replace(end, text=str(last - first))
            settings["total_steps"] = Entry(length, (*block.arguments_path, "end"), end)
    if is_converted(block) and "total_steps" in settings:
        settings["epochs"] = settings.pop("total_steps")


def _take_length_of_run(config: Config, around: TrainingContext) -> None:
    """Let an mmcv hook that gives no length have its runner's, as mmcv does."""
    if config.values.get("total_steps") is not None or config.values.get("epochs") is not None:
        return
    for setting, stated in (("total_steps", around.max_steps), ("epochs", around.epochs)):
        if stated is not None:
            config.values[setting] = stated.value
            config.places[setting, None] = config.keys[stated.path]
            return


def _take(config: Config, document: Document, setting: str, entry: Entry) -> list[Finding]:
    node = resolve(document, entry.node, entry.path)
    if isinstance(node, Scalar) and setting in LENGTH and nothing_yet(node) and node.text.strip() == "-1":
        node = Unknown(node.place, node.text, dotted(entry.path), "it is filled in when the program runs")
    if not isinstance(node, Unknown):
        return take(config, setting, node)
    config.places[setting, None] = node.place
    return [_not_known(setting, node)]


def _not_known(setting: str, unknown: Unknown) -> Finding:
    example = SETTINGS[setting].example
    flag = flag_name(setting) + ("" if SETTINGS[setting].single is bool else f" {example}")
    message = f"{setting} is {unknown.written[:60]}: {unknown.why}"
    hint = f"give it: --set {unknown.path}={example}, or {flag}"
    return place_at(NOT_KNOWN.finding(message, hint, setting), unknown.place)


def _take_warmup(config: Config, document: Document, gathered: Gathered) -> None:
    """Turn a warm-up in epochs or steps into pct_start, where the whole is known in the same unit."""
    for whole, entry in gathered.warmups.items():
        node = resolve(document, entry.node, entry.path)
        length, total = (None if isinstance(node, Unknown) else number_of(node, "")[0]), config.values.get(whole)
        if "pct_start" in gathered.settings or length is None or not isinstance(total, int) or total < 1:
            continue
        config.values["pct_start"] = length / total
        config.places["pct_start", None] = entry.node.place


def _surroundings(
    config: Config, document: Document, block: Block, gathered: Gathered, findings: list[Finding]
) -> TrainingContext:
    looking = Looking(document, config.keys, findings)
    optimizer = find_optimizer(looking, block)
    around = look_around(document, block, config.keys)
    if gathered.optimizer_lr is not None and optimizer.lr is None:
        entry = gathered.optimizer_lr
        rate = looking.number(entry.node, entry.path)
        optimizer.lr = None if rate is None else ConfigValue((float(rate),), dotted(entry.path))
    if optimizer.name is not None:
        config.values["optimizer"], config.places["optimizer", None] = optimizer.name
    if optimizer.groups is not None and any(isinstance(value, list) for value in config.values.values()):
        config.values["groups"], config.places["groups", None] = optimizer.groups
    return replace(around, optimizer_lr=optimizer.lr, optimizer_momentum=optimizer.momentum)
