"""Whether the optimizer has a momentum to cycle, and whether its own numbers agree with the plan's.

Source of the names: the optimizers of PyTorch 2.13, by what their `defaults` hold.
"""

from __future__ import annotations

import math
from difflib import get_close_matches
from typing import TYPE_CHECKING

from onecycle_cli.findings import Severity
from onecycle_cli.findings.config_rules import OPTIMIZER_MOMENTUM, OPTIMIZER_RATE, SCALED_RATE
from onecycle_cli.findings.plan_rules import (
    MOMENTUM_OF_ONE,
    MOMENTUM_UPSIDE_DOWN,
    NO_EFFECT,
    NO_MOMENTUM,
    UNKNOWN_OPTIMIZER,
)
from onecycle_cli.formatting import yaml_number
from onecycle_cli.policy.checks.ranges import groups_agree, values_of
from onecycle_cli.policy.conventions import convention_of
from onecycle_cli.policy.plan import Length, find_length, make_plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.context import TrainingContext
    from onecycle_cli.policy.plan import Plan
    from onecycle_cli.policy.settings import Settings

WITH_MOMENTUM = frozenset({"sgd", "rmsprop", "muon"})
WITH_BETA1 = frozenset(
    {"adam", "adamw", "adamax", "nadam", "radam", "sparseadam", "lion", "lamb", "adamp", "adabelief"}
)
WITHOUT = frozenset({"adagrad", "adadelta", "rprop", "asgd", "lbfgs", "adafactor"})
KNOWN = WITH_MOMENTUM | WITH_BETA1 | WITHOUT

MOMENTA = ("base_momentum", "max_momentum", "final_momentum")


def plain_name(optimizer: str) -> str:
    """Return an optimizer's name without module path and case: `torch.optim.AdamW` is `adamw`."""
    return optimizer.rpartition(".")[2].strip().lower()


def momentum_word(optimizer: str | None) -> str:
    """Return what the optimizer calls the quantity that is cycled: `momentum`, or `beta1`."""
    return "beta1" if optimizer is not None and plain_name(optimizer) in WITH_BETA1 else "momentum"


# --- The settings by themselves ---------------------------------------------------------------------------------


def check_momentum(settings: Settings) -> Iterator[Finding]:
    """Check the optimizer, then the momenta between which it cycles."""
    default = convention_of(settings).defaults.cycle_momentum
    cycles = default if settings.cycle_momentum is None else settings.cycle_momentum
    if settings.optimizer is not None and cycles:
        yield from _check_name(settings.optimizer, settings.cycle_momentum)
    if not cycles:
        for setting in MOMENTA if default else ():
            if getattr(settings, setting) is not None:
                message = f"{setting} has no effect: cycle_momentum is false"
                yield NO_EFFECT.finding(message, f"remove {setting}, or set cycle_momentum to true", setting)
        return
    for setting in MOMENTA:
        highest = max(values_of(getattr(settings, setting)), default=0.0)
        if highest >= 1:
            message = f"{setting} reaches {highest!r}: past gradients never decay"
            hint = f"set {setting} below 1, such as {'0.85' if setting == 'base_momentum' else '0.95'}"
            yield MOMENTUM_OF_ONE.finding(message, hint, setting)
    yield from _check_order(settings)


def _check_name(optimizer: str, cycle_momentum: bool | None) -> Iterator[Finding]:
    name = plain_name(optimizer)
    if name in WITHOUT:
        given = "is true" if cycle_momentum else "is true by default"
        message = f"optimizer {optimizer} has no momentum and no betas, and cycle_momentum {given}"
        hint = "set cycle_momentum to false"
        yield NO_MOMENTUM.finding(message, hint, "cycle_momentum" if cycle_momentum else "optimizer")
    elif name not in KNOWN:
        near = get_close_matches(name[:60], sorted(KNOWN), 1)
        yield UNKNOWN_OPTIMIZER.finding(
            f"optimizer {optimizer[:60]!r} is unknown; the plan assumes that it has a momentum to cycle",
            f"did you mean {near[0]}?" if near else "set cycle_momentum to false if it has neither momentum nor betas",
            "optimizer",
        )


def _check_order(settings: Settings) -> Iterator[Finding]:
    defaults = convention_of(settings).defaults
    bases = values_of(settings.base_momentum) or (defaults.base_momentum,)
    tops = values_of(settings.max_momentum) or (defaults.max_momentum,)
    for at in range(max(len(bases), len(tops))):
        base, top = bases[min(at, len(bases) - 1)], tops[min(at, len(tops) - 1)]
        if not 0 <= top < base < math.inf:
            continue
        of_base = "" if settings.base_momentum is not None else " (default)"
        of_top = "" if settings.max_momentum is not None else " (default)"
        hint = f"set base_momentum to {top!r} or less"
        if not of_base and not of_top:
            hint = f"swap them: base_momentum {top!r}, max_momentum {base!r}"
        yield MOMENTUM_UPSIDE_DOWN.finding(
            f"base_momentum {base!r}{of_base} is above max_momentum {top!r}{of_top}: momentum rises with the "
            "learning rate",
            hint,
            "max_momentum" if of_base else "base_momentum",
        )
        return


# --- The optimizer of a training config -------------------------------------------------------------------------


def check_optimizer(settings: Settings, context: TrainingContext) -> Iterator[Finding]:
    """Compare the optimizer's learning rate and momentum with the plan, also if there are other errors."""
    if groups_agree(settings):
        # Peaks and momenta do not depend on the length, which may not be known.
        plan = make_plan(settings, find_length(settings) or Length(1, None, "", ""))
        yield from _check_rate(plan, context)
        yield from _check_own_momentum(settings, plan, context)
        if context.scaling is not None:
            yield SCALED_RATE.finding(
                f"{context.scaling.path} scales the optimizer's lr, but OneCycleLR then sets the lr from its own peak, "
                f"{yaml_number(plan.groups[0].max_lr)}: the scaling has no effect",
                "scale the scheduler's peak instead",
                key=context.scaling.path,
            )


def _check_rate(plan: Plan, context: TrainingContext) -> Iterator[Finding]:
    stated, peaks = context.optimizer_lr, [group.max_lr for group in plan.groups]
    if stated is None or not all(0 < peak < math.inf for peak in peaks):
        return
    meant = [*peaks, *(peak / plan.div_factor for peak in peaks if plan.div_factor > 0)]
    for at, rate in enumerate(stated.value):
        if any(math.isclose(rate, planned) for planned in meant):
            continue
        several = len(peaks) == len(stated.value) > 1
        peak, whose = (peaks[at], f" of group {plan.groups[at].name}") if several else (max(peaks), "")
        written = yaml_number(rate)
        yield OPTIMIZER_RATE.finding(
            f"the optimizer's lr{whose} is {written}, but the peak is {yaml_number(peak)}: the cycle overwrites "
            f"{written} before the first step",
            f"set {stated.path}{whose} to {yaml_number(peak)}, the peak",
            key=stated.path,
            # Below the peak it is often meant as the rate to start from; above it, no step ever uses such a rate.
            severity=Severity.WARNING if rate > peak else Severity.INFO,
        )
        return


def _check_own_momentum(settings: Settings, plan: Plan, context: TrainingContext) -> Iterator[Finding]:
    stated = context.optimizer_momentum
    cycles = plan.cycle_momentum and plan.convention.supports("cycle_momentum")
    if stated is None or not cycles or plain_name(settings.optimizer or "") in WITHOUT:
        return
    if any(math.isclose(stated.value, group.max_momentum) for group in plan.groups):
        return
    last = stated.path.rpartition(".")[2]
    named, value = "betas[0]" if last in ("betas", "0") else last, yaml_number(stated.value)
    group = plan.groups[0]
    top, base, end = map(yaml_number, (group.max_momentum, group.base_momentum, group.final_momentum))
    direction = "down to" if group.base_momentum < group.max_momentum else "up to"
    moves = f"moves it from {top} {direction} {base} and {'back' if top == end else f'then to {end}'}"
    message = f"{named} is {value}, but the cycle {f'sets it to {top}' if top == base == end else moves}"
    lowest, highest = sorted((group.base_momentum, group.max_momentum))
    inside = lowest <= stated.value <= highest  # the usual beta1 of 0.9 is between PyTorch's 0.85 and 0.95
    yield OPTIMIZER_MOMENTUM.finding(
        message,
        f"set cycle_momentum to false to keep {value}",
        key=stated.path,
        severity=Severity.INFO if inside else Severity.WARNING,
    )
