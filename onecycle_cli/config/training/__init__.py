"""Training configs: a block as settings, with foreign names translated, references followed, and what is unknown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from onecycle_cli.config.indexes import named, plain
from onecycle_cli.config.key_paths import Unknown, dotted, is_added, lookup, resolve
from onecycle_cli.config.loaders import untyped
from onecycle_cli.config.marks import is_auto, is_open
from onecycle_cli.config.nodes import MappingNode, ScalarNode, SequenceNode, is_merge
from onecycle_cli.config.raw_plan import RawPlan, Warmup, duplicate, resembles_key_setting, unknown_key
from onecycle_cli.config.scalars import read_plain
from onecycle_cli.config.setting_values import number_of
from onecycle_cli.config.training.blocks import block_findings
from onecycle_cli.config.training.names import (
    BESIDE,
    MAYBE_STEPS,
    MOMENTUM_PAIRS,
    OF_THE_RUN,
    OURS_ALONE,
    RATES,
    SETTING_NAMES,
    STEPS,
    WARMUPS,
    without_prefix,
)
from onecycle_cli.config.training.programs import complete
from onecycle_cli.config.training.run_context import (
    OF_LIGHTNING,
    Search,
    find_optimizer,
    is_converted,
    possible_steps,
    read_context,
)
from onecycle_cli.findings.config_rules import NUMBER_KIND
from onecycle_cli.formatting import shorten
from onecycle_cli.policy.settings import SETTINGS
from onecycle_cli.policy.validation import LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.config.key_paths import Document, KeyPath
    from onecycle_cli.config.nodes import Node, Place
    from onecycle_cli.config.training.blocks import Block
    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.context import TrainingContext

OF_BATCHES = re.compile(
    r"estimated_stepping_batches|num_training_batches|(steps|iters|iterations|batches)_per_epoch|\blen\([^)]*load"
)
"""The marks of a length that is computed from the number of batches."""

MOMENTA = ("max_momentum", "base_momentum", "final_momentum")

NEEDED = LENGTH | {"max_lr"}
NULLABLE = NEEDED | {"groups", "three_phase", "verbose"}
"""Settings for which null counts as not given; a plan without those in NEEDED has a finding that says so."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A key's value, its path, and the key itself."""

    node: Node
    path: KeyPath
    key: ScalarNode


@dataclass(slots=True)
class BlockEntries:
    """What the keys of a block give.

    Attributes:
        settings: entries by setting.
        warmups: lengths of the warm-up, by the setting of the whole length.
        findings: what is wrong with the keys.
        optimizer_lr: the learning rate beside a peak, which is the optimizer's.
    """

    settings: dict[str, Entry] = field(default_factory=dict)
    warmups: dict[str, Entry] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    optimizer_lr: Entry | None = None


def read_block(path: str, text: str, document: Document, block: Block) -> RawPlan:
    """Read a block of a training config, and the numbers of the run around it."""
    entries = _entries_of(block)
    loader = document.loader if block.key == "classpath" else untyped(document.loader)
    arguments = dotted(block.arguments_path)
    plan = RawPlan(path, text, begin=block.place, block=dotted(block.path), arguments=arguments, loader=loader)
    if block.convention_name is not None:
        plan.values["convention"] = block.convention_name
    findings = list(entries.findings)
    if block.convention.counts_in_epochs:
        _count_as_mmengine(entries, block)
    cycled = entries.settings.get("cycle_momentum")
    cycles = not (cycled is not None and isinstance(cycled.node, ScalarNode) and _is_false(cycled.node))
    for setting, entry in entries.settings.items():
        findings += _take(plan, document, setting, entry, cycles_momentum=cycles)
    findings += block_findings(block)
    context = replace(_context(plan, document, block, entries, findings), batches=_batches(plan, block))
    if not block.convention.counts_in_epochs or block.key in block.convention.class_keys:
        _take_length_of_run(plan, context, Search(document, plan.keys, findings), block)
    findings += _take_warmup(plan, document, entries)
    plan.values.update(plan.shares_of_length(plan.values.get))
    findings += complete(plan, document, block, context)
    if block.convention_name is not None:
        findings = [finding for finding in findings if finding.rule is not NUMBER_KIND]
    for mapping in (block.mapping, block.arguments, *(node for _, node in block.ancestors[-1:])):
        for _, node in named(mapping, BESIDE | OF_LIGHTNING) if isinstance(mapping, MappingNode) else ():
            document.note(node)
    return replace(plan, findings=tuple(findings), context=context)


def _entries_of(block: Block) -> BlockEntries:
    """Sort a block's keys by what they give."""
    found = BlockEntries()
    seen: dict[str, Place] = {}
    given = {key.text for key, _ in block.arguments.pairs()}
    for entry in _entries(block.arguments, block.arguments_path):
        if entry.key.text in seen:
            found.findings.append(duplicate(entry.key, seen[entry.key.text]))
        elif (
            not _note(found, entry, block)
            and not is_added(entry.key)
            and (block.is_strict or resembles_key_setting(entry.key.text))
        ):
            # Its class refuses the key, or it is a mistyped setting; others belong to the run.
            found.findings.append(unknown_key(entry.key, given, len(found.findings)))
        seen.setdefault(entry.key.text, entry.key.place)
    if block.arguments is not block.mapping and block.key not in ("target", "classpath"):
        # A length beside the arguments counts where they give none.
        for entry in _entries(block.mapping, block.path):
            setting = SETTING_NAMES.get(plain(entry.key.text))
            if setting in ("epochs", "steps_per_epoch", "total_steps"):
                found.settings.setdefault(setting, entry)
    return found


def _entries(mapping: MappingNode, path: KeyPath) -> Iterator[Entry]:
    return (Entry(node, (*path, key.text), key) for key, node in mapping.pairs())


def _note(found: BlockEntries, entry: Entry, block: Block) -> bool:
    """Note an entry under its setting; return whether its key is known."""
    name = without_prefix(plain(entry.key.text))
    if name in BESIDE or is_merge(entry.key) or (block.is_flat and name in OF_THE_RUN | MAYBE_STEPS):
        return True
    if not block.is_flat and not _is_argument(entry.key.text, block):
        return False
    if name in MOMENTUM_PAIRS and isinstance(entry.node, SequenceNode):
        for at, (setting, node) in enumerate(zip(MOMENTA, entry.node.items, strict=False)):
            found.settings.setdefault(setting, Entry(node, (*entry.path, str(at)), entry.key))
    elif name in WARMUPS and not block.convention.counts_in_epochs:  # mmcv adds such a warm-up to that of the cycle
        if not block.is_flat or number_of(entry.node)[0] != 0:  # 0 among a run's settings is another scheduler's
            found.warmups.setdefault(WARMUPS[name], entry)
    elif name in SETTING_NAMES or entry.key.text in block.convention.arguments:
        # The setting's own name is preferred to an alias; a learning rate that is not the peak is the optimizer's.
        setting = SETTING_NAMES.get(name) or block.convention.arguments[entry.key.text]
        before = found.settings.get(setting)
        wins = before is None or (_is_own_name(entry, setting) and not _is_own_name(before, setting))
        loser = before if wins else entry
        if wins:
            found.settings[setting] = entry
        if loser is not None and plain(loser.key.text) in RATES:
            found.optimizer_lr = loser
    else:
        return False
    return True


def _is_argument(key: str, block: Block) -> bool:
    """Return whether a key may be an argument of a block's class; `total_step` is a mistyped total_steps to most."""
    convention = block.convention
    if (key in SETTINGS and key not in OURS_ALONE) or key in convention.arguments or key in convention.aliases.values():
        return True
    return key.isupper() if block.is_strict else plain(key) not in STEPS or not resembles_key_setting(key)


def _is_own_name(entry: Entry, setting: str) -> bool:
    """Return whether an entry gives a setting under its own name, perhaps with the scheduler's prefix."""
    return without_prefix(plain(entry.key.text)) == plain(setting)


def _is_false(node: ScalarNode) -> bool:
    return node.text.strip().lower() in ("false", "no", "off")


def _count_as_mmengine(entries: BlockEntries, block: Block) -> None:
    """Take the length from where it begins and ends, and as epochs where MMEngine turns them into steps."""
    settings = entries.settings
    if "total_steps" not in settings and (end := lookup(block.arguments, ("end",))) is not None:
        begin = lookup(block.arguments, ("begin",))
        first, last = number_of(begin)[0] if begin else 0, number_of(end)[0]
        if isinstance(first, int) and isinstance(last, int) and isinstance(end, ScalarNode):
            length = replace(end, text=str(last - first))
            settings["total_steps"] = Entry(length, (*block.arguments_path, "end"), end)
    if is_converted(block) and "total_steps" in settings:
        settings["epochs"] = settings.pop("total_steps")


def _take(plan: RawPlan, document: Document, setting: str, entry: Entry, *, cycles_momentum: bool) -> list[Finding]:
    def is_missing(node: ScalarNode, is_referenced: bool) -> bool:
        return _is_missing(setting, node, is_referenced=is_referenced, cycles_momentum=cycles_momentum)

    node = resolve(document, entry.node, entry.path, is_missing)
    return [plan.leave_open(setting, node)] if isinstance(node, Unknown) else plan.take(setting, node)


def _is_missing(setting: str, node: ScalarNode, *, is_referenced: bool, cycles_momentum: bool) -> bool:
    """Return whether a scalar leaves a setting to the program; null is as good as no value where none is needed."""
    if is_auto(node):
        return True
    if SETTINGS[setting].single is str or setting == "last_epoch" or not is_open(node):
        return False
    if read_plain(node.text.strip()) is not None:
        return True
    if setting in MOMENTA:
        return cycles_momentum
    return setting not in NULLABLE or (is_referenced and setting in NEEDED)


def _batches(plan: RawPlan, block: Block) -> str:
    """Return what shows that a cycle whose length is not known counts batches; empty where nothing does."""
    if (length := plan.open.get("total_steps")) is not None:
        return shorten(length.written, 60) if OF_BATCHES.search(length.written) else ""
    if ("steps_per_epoch", None) in plan.places:
        return "steps_per_epoch"
    # The class itself takes epochs only together with steps_per_epoch.
    is_its = not block.is_flat and not block.convention.counts_in_epochs
    return "epochs" if is_its and ("epochs", None) in plan.places else ""


def _take_warmup(plan: RawPlan, document: Document, entries: BlockEntries) -> list[Finding]:
    """Note the warm-up in epochs or steps, from which pct_start follows; return what is found if it is unknown."""
    findings = []
    for whole, entry in entries.warmups.items() if "pct_start" not in entries.settings else ():
        node = resolve(document, entry.node, entry.path)
        if not isinstance(node, Unknown):
            length, _ = number_of(node, loader=document.loader)
            if length is not None:
                plan.warmups[whole] = Warmup(length, entry.key.text, entry.node.place)
        elif not (isinstance(entry.node, ScalarNode) and entry.node.plain and read_plain(entry.node.text) is None):
            written = f"{entry.key.text} / {whole}"
            why = f"{dotted(entry.path)} is {node.written}, {node.why.removeprefix('it is ')}"
            findings.append(plan.leave_open("pct_start", replace(node, written=written, why=why, default=""), "5"))
    return findings


def _take_length_of_run(plan: RawPlan, context: TrainingContext, search: Search, block: Block) -> None:
    """Set the length of a block without one to that of the run, as its program does."""
    if plan.values.get("total_steps") is not None or plan.values.get("epochs") is not None:
        return
    if context.unit == "epoch":
        return  # the program may count the cycle in epochs
    # A length that the program fills in may differ from the trainer's limit on steps, but the epochs are the run's.
    is_filled_in = ("total_steps", None) in plan.places
    steps = None if is_filled_in else context.max_steps
    if steps is None and context.epochs is None and not is_filled_in:
        steps = possible_steps(search, block)
    for setting, stated in (("total_steps", steps), ("epochs", context.epochs)):
        if stated is not None:
            plan.values[setting] = stated.value
            plan.places.setdefault((setting, None), plan.keys[stated.path])
            return


def _context(
    plan: RawPlan, document: Document, block: Block, entries: BlockEntries, findings: list[Finding]
) -> TrainingContext:
    search = Search(document, plan.keys, findings)
    optimizer = find_optimizer(search, block)
    context = read_context(search, block)
    if entries.optimizer_lr is not None and optimizer.lr is None:
        optimizer.lr = search.rate(entries.optimizer_lr.node, entries.optimizer_lr.path)
    if optimizer.name is not None:
        plan.values["optimizer"], plan.places["optimizer", None] = optimizer.name
    if optimizer.groups is not None and any(isinstance(value, list) for value in plan.values.values()):
        plan.values["groups"], plan.places["groups", None] = optimizer.groups
    return replace(context, optimizer_lr=optimizer.lr, optimizer_momentum=optimizer.momentum)
