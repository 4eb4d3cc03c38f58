"""Programs whose configs give a setting of the cycle in a way of their own, by what their code does with the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.config.indexes import plain
from onecycle_cli.config.key_paths import Unknown, dotted, lookup, resolve
from onecycle_cli.config.nodes import MappingNode
from onecycle_cli.config.setting_values import number_of
from onecycle_cli.policy.conventions import CONVENTIONS

if TYPE_CHECKING:
    from onecycle_cli.config.key_paths import Document, KeyPath
    from onecycle_cli.config.nodes import Place
    from onecycle_cli.config.raw_plan import RawPlan
    from onecycle_cli.config.training.blocks import Block
    from onecycle_cli.policy.context import TrainingContext


def complete(plan: RawPlan, document: Document, block: Block, context: TrainingContext) -> None:
    """Add the settings that the program of a config takes from elsewhere in it."""
    _openocr(plan, document, block, context)
    _mmcv(plan, document, block)
    _paddle3d(plan, document, block)


def _openocr(plan: RawPlan, document: Document, block: Block, context: TrainingContext) -> None:
    """OpenOCR: `LRScheduler: {name: OneCycleLR, warmup_epoch: W}` has its peak in `Optimizer.lr`.

    Its class (openrec/optimizer/lr.py) passes max_lr, total_steps, pct_start = W / epochs, by default 1 / epochs, and
    cycle_momentum.
    """
    if block.path != ("LRScheduler",) or _number(document, ("Global", "epoch_num")) is None:
        return
    if plan.values.get("max_lr") is None and context.optimizer_lr is not None:
        _give(plan, "max_lr", context.optimizer_lr.value[0], plan.keys[context.optimizer_lr.path])
    epochs, warmup = plan.values.get("epochs"), lookup(block.mapping, ("warmup_epoch",))
    if warmup is None and plan.values.get("pct_start") is None and isinstance(epochs, int) and epochs > 0:
        _give(plan, "pct_start", 1 / epochs, block.place)


def _mmcv(plan: RawPlan, document: Document, block: Block) -> None:
    """Mmcv 1.x: `momentum_config` beside `lr_config` cycles the momentum along the same curve, as PyTorch does."""
    if block.key != "policy":
        return
    beside = lookup(document.root, ("momentum_config",))
    if not isinstance(beside, MappingNode) or beside is block.mapping or "policy" not in map(plain, _keys(beside)):
        return
    plan.values["convention"] = CONVENTIONS[block.convention.name].computes_like
    for setting in ("base_momentum", "max_momentum"):
        found = _number(document, ("momentum_config", setting))
        if found is not None:
            _give(plan, setting, *found)


def _paddle3d(plan: RawPlan, document: Document, block: Block) -> None:
    """Paddle3D: `OneCycleWarmupDecayLr` has multiples of `base_learning_rate`, and its momentum in the optimizer."""
    base = _number(document, (*block.arguments_path, "base_learning_rate"))
    if base is None or "ratio" not in "".join(_keys(block.arguments)):
        return
    ratio = plan.values.setdefault("div_factor", 10)  # the defaults of the class
    plan.values.setdefault("pct_start", 0.4)
    if isinstance(ratio, int | float):
        _give(plan, "max_lr", base[0] * ratio, base[1])
    trough = _number(document, (*block.arguments_path, "lr_ratio_trough"))
    if trough is not None and trough[0] > 0 and trough[0] != 1 / block.convention.defaults.final_div_factor:
        # Another end than OpenPCDet's own: the same rates in a convention that has one, without the momentum.
        plan.values["convention"] = CONVENTIONS[block.convention.name].computes_like
        _give(plan, "final_div_factor", 1 / trough[0], trough[1])
        return
    for setting, key in (("max_momentum", "momentum_peak"), ("base_momentum", "momentum_trough")):
        found = _number(document, ("optimizer", "beta1", key))
        if found is not None:
            _give(plan, setting, *found)


def _give(plan: RawPlan, setting: str, value: object, place: Place) -> None:
    plan.values[setting] = value
    plan.places[setting, None] = place


def _keys(mapping: MappingNode) -> list[str]:
    return [key.text for key, _ in mapping.pairs()]


def _number(document: Document, path: KeyPath) -> tuple[float, Place] | None:
    """Return the number at a path and its place; None if there is none."""
    node = document.at(path)
    found = None if node is None else resolve(document, node, path)
    if node is None or found is None or isinstance(found, Unknown):
        return None
    value = number_of(found, dotted(path), document.loader)[0]
    return None if value is None else (value, node.place)
