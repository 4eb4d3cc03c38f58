"""Programs whose configs give a setting of the cycle in a way of their own, by what their code does with the file."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from math import inf, nextafter
from typing import TYPE_CHECKING

from onecycle_cli.config.indexes import plain, plain_keys
from onecycle_cli.config.key_paths import Unknown, dotted, lookup, resolve
from onecycle_cli.config.nodes import MappingNode, place_at
from onecycle_cli.config.raw_plan import StepCycle
from onecycle_cli.config.setting_values import number_of
from onecycle_cli.config.training.names import one_cycle_class
from onecycle_cli.findings.config_rules import ANOTHER_SCHEDULE, CHAINED, DECIDED_ELSEWHERE, MISSING_SETTING
from onecycle_cli.findings.plan_rules import OUT_OF_RANGE
from onecycle_cli.formatting import flag_name, join_words
from onecycle_cli.policy.conventions import CONVENTIONS
from onecycle_cli.policy.settings import MOST_STEPS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onecycle_cli.config.key_paths import Document, KeyPath
    from onecycle_cli.config.nodes import Place
    from onecycle_cli.config.raw_plan import RawPlan
    from onecycle_cli.config.training.blocks import Block
    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.context import TrainingContext


@dataclass(frozen=True, slots=True)
class Program:
    """A program whose code passes settings to the scheduler that its configs do not contain.

    Attributes:
        name: the program, as a sentence names it.
        keys: the plain keys by which a mapping of its settings is recognized.
        passes: the settings that its code passes.
        more_steps: the steps that its code adds to the length of the config.
    """

    name: str
    keys: frozenset[str]
    passes: Mapping[str, float | bool]
    more_steps: int = 0


PROGRAMS = (
    Program(  # core/optimizer/__init__.py of FlowFormer-Official and of VideoFlow
        "FlowFormer",
        frozenset({"scheduler", "canonicallr", "numsteps", "annealstrategy"}),
        {"pct_start": 0.05, "cycle_momentum": False},
        more_steps=100,
    ),
    Program(  # pcseg/optim/__init__.py
        "OpenPCSeg",
        frozenset({"scheduler", "lrpersample", "learningrate", "warmupepoch"}),
        {"pct_start": 0.2, "final_div_factor": 100.0},
    ),
)


def complete(plan: RawPlan, document: Document, block: Block, context: TrainingContext) -> list[Finding]:
    """Add the settings that the program of a config takes from elsewhere in it; return what the plan lacks."""
    _openocr(plan, document, block, context)
    _mmcv(plan, document, block)
    _cerebras(plan, document, block)
    return [
        *_deepspeed(plan, document, block),
        *_paddleocr(plan, document, block),
        *_paddle3d(plan, document, block),
        *(finding for program in PROGRAMS if (finding := _passed_by(program, plan, block)) is not None),
    ]


def _passed_by(program: Program, plan: RawPlan, block: Block) -> Finding | None:
    """Return the finding for what a program's code passes, and the plan has not."""
    if not program.keys <= plain_keys(block.mapping):
        return None
    passed = {name: value for name, value in program.passes.items() if plan.values.get(name) != value}
    words = [f"{name} {str(value).lower()}" for name, value in passed.items()]
    flags = [_flag(name, value) for name, value in passed.items()]
    steps = plan.values.get("total_steps")
    if program.more_steps and isinstance(steps, int):
        words.append(f"total_steps {steps:,} + {program.more_steps:,}")
        flags.append(_flag("total_steps", steps + program.more_steps))
    if not passed:
        return None
    message = f"{program.name}'s code passes {join_words(words, 'and')}, which this file does not contain"
    return place_at(DECIDED_ELSEWHERE.finding(message, f"use {' '.join(flags)}", next(iter(passed))), block.place)


def _flag(setting: str, value: float) -> str:
    if isinstance(value, bool):
        return flag_name(setting if value else f"no_{setting}")
    return f"{flag_name(setting)} {value}"


def _paddleocr(plan: RawPlan, document: Document, block: Block) -> list[Finding]:
    """PaddleOCR: `Optimizer.lr: {name: OneCycle}` moves the learning rate alone, after a linear warm-up of its own.

    Its class (ppocr/optimizer/learning_rate.py) passes max_lr, the length, anneal_strategy and three_phase.
    """
    if block.path != ("Optimizer", "lr") or "max_lr" not in plan.values or document.at(("Global", "epoch_num")) is None:
        return []
    plan.values["cycle_momentum"] = False
    warmup = _number(document, (*block.path, "warmup_epoch"))
    if warmup is None:
        return []
    plan.warmups.clear()
    plan.values.pop("pct_start", None)
    if warmup[0] == 0:
        return []
    message = f"PaddleOCR warms up linearly for {warmup[0]:g} epochs before the cycle: the plan shows only the cycle"
    return [place_at(CHAINED.finding(message, "remove warmup_epoch: the cycle has a warm-up of its own"), warmup[1])]


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


def _paddle3d(plan: RawPlan, document: Document, block: Block) -> list[Finding]:
    """Paddle3D: `OneCycleWarmupDecayLr` has multiples of `base_learning_rate`, and its momentum in the optimizer."""
    base = _number(document, (*block.arguments_path, "base_learning_rate"))
    if base is None or one_cycle_class(block.name) != "onecyclewarmupdecaylr":
        return []
    ratio = plan.values.setdefault("div_factor", 10)  # the defaults of the class
    plan.values.setdefault("pct_start", 0.4)
    if (factor := _as_float(ratio)) is not None:
        _give(plan, "max_lr", base[0] * factor, base[1])
    above = block.path[:-1]
    momenta = {
        setting: _number(document, (*above, "optimizer", "beta1", key))
        for setting, key in (("max_momentum", "momentum_peak"), ("base_momentum", "momentum_trough"))
    }
    trough = _number(document, (*block.arguments_path, "lr_ratio_trough"))
    if trough is None or trough[0] <= 0 or trough[0] == 1 / block.convention.defaults.final_div_factor:
        for setting, found in momenta.items():
            if found is not None:
                _give(plan, setting, *found)
        return []
    # Another end than OpenPCDet's own: the same rates in a convention that has one, without the momentum.
    plan.values["convention"] = CONVENTIONS[block.convention.name].computes_like
    _give(plan, "final_div_factor", 1 / trough[0], trough[1])
    cycled = [f"{found[0]:g}" for found in momenta.values() if found is not None]
    if len(cycled) < len(momenta):
        return []
    message = f"Paddle3D also moves beta1 from {cycled[0]} down to {cycled[1]} and back: the plan has no momentum"
    hint = "set lr_ratio_trough to 0.0001 for a plan with both"
    return [place_at(DECIDED_ELSEWHERE.finding(message, hint), trough[1])]


def _deepspeed(plan: RawPlan, document: Document, block: Block) -> list[Finding]:
    """DeepSpeed: `OneCycle` counts its two sides and the decay in steps, and has its lowest rate as itself.

    Its defaults are 2,000 steps up, as many down, and no decay (deepspeed/runtime/lr_schedules.py).
    """
    if "cyclemaxlr" not in plain_keys(block.arguments):
        return []
    findings = []
    numbers: dict[str, float] = {"cycle_first_step_size": 2000, "decay_step_size": 0, "decay_lr_rate": 0}
    places = {}
    for key in (*numbers, "cycle_second_step_size", "cycle_min_lr", *NOT_COMPUTED):
        node = document.at((*block.arguments_path, key))
        found = None if node is None else resolve(document, node, (*block.arguments_path, key))
        if isinstance(found, Unknown) and key not in NOT_COMPUTED:
            findings.append(plan.leave_open(OF_DEEPSPEED[key], found, "2000"))
        elif node is not None and (read := _number(document, (*block.arguments_path, key))) is not None:
            numbers[key], places[key] = read
    peak, low = _as_float(plan.values.get("max_lr")), numbers.get("cycle_min_lr")
    if low is None and document.at((*block.arguments_path, "cycle_min_lr")) is None:
        message = "cycle_min_lr is missing, and DeepSpeed's OneCycle has no default for it"
        findings.append(place_at(MISSING_SETTING.finding(message, "set cycle_min_lr"), block.place))
    elif peak is not None and peak > 0 and low is not None and low > 0:
        _give(plan, "div_factor", _divisor(peak, low), places["cycle_min_lr"])
    else:
        message = "DeepSpeed's cycle between lists of rates, or from 0, has no div_factor"
        findings.append(place_at(ANOTHER_SCHEDULE.finding(message, "give one cycle_min_lr above 0"), block.place))
    findings += _step_cycle(plan, numbers, places.get("cycle_first_step_size", block.place))
    for key, effect in NOT_COMPUTED.items():
        if numbers.get(key):
            message = f"{key} {numbers[key]:g}: {effect}, which the plan does not show"
            findings.append(place_at(DECIDED_ELSEWHERE.finding(message, f"remove {key}"), places[key]))
    return findings


def _step_cycle(plan: RawPlan, numbers: Mapping[str, float], place: Place) -> Iterator[Finding]:
    """Keep DeepSpeed's two sides and its decay until the run's length is known."""
    first, step = numbers["cycle_first_step_size"], numbers["decay_step_size"]
    cycle = first + numbers.get("cycle_second_step_size", first)
    if not max(abs(first), abs(cycle)) <= MOST_STEPS:
        message = f"the cycle has {cycle:g} steps, but can have at most {MOST_STEPS:,}"
        yield place_at(OUT_OF_RANGE.finding(message, "check cycle_first_step_size"), place)
    elif not {"pct_start", "pct_final"} & plan.open.keys():
        decay = numbers["decay_lr_rate"] / step if step else 0.0
        plan.warmups["total_steps"] = StepCycle(first, "cycle_first_step_size", place, int(cycle), decay)


OF_DEEPSPEED = {
    "cycle_first_step_size": "pct_start",
    "cycle_second_step_size": "pct_final",
    "cycle_min_lr": "div_factor",
    "decay_step_size": "final_div_factor",
    "decay_lr_rate": "final_div_factor",
}
"""By argument of DeepSpeed's OneCycle, the setting that depends on it."""

NOT_COMPUTED = {
    "cycle_first_stair_count": "since August 2026 DeepSpeed raises the rate in so many stairs",
    "cycle_second_stair_count": "since August 2026 DeepSpeed lowers the rate in so many stairs",
    "decay_mom_rate": "after the cycle the momentum grows",
}
"""By argument of DeepSpeed's OneCycle, what it does if it is not 0."""


def _cerebras(plan: RawPlan, document: Document, block: Block) -> None:
    """Cerebras: its OneCycleLR has PyTorch's curve without momentum, and begins at `initial_learning_rate`.

    The source is cerebras/pytorch/optim/scheduler.py of cerebras-pytorch 2.10.
    """
    first = _number(document, (*block.arguments_path, "initial_learning_rate"))
    peak = _as_float(plan.values.get("max_lr"))
    if first is None or first[0] <= 0 or peak is None or not peak > 0:
        return
    _give(plan, "div_factor", _divisor(peak, first[0]), first[1])
    plan.values["cycle_momentum"] = False


def _as_float(value: object) -> float | None:
    """Return a setting's number; None for other values, and for an integer that is too large."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max:
        return value
    return None


def _divisor(peak: float, low: float) -> float:
    """Return what a peak is divided by to give a lower rate, in every bit if there is such a number."""
    near = peak / low
    exact = (factor for factor in (near, nextafter(near, 0), nextafter(near, inf)) if peak / factor == low)
    return next(exact, near)


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
