"""Whether the numbers around a schedule agree with it: the optimizer's here, the trainer's in `run_length`."""

from __future__ import annotations

import math
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from onecycle_cli.findings import Fix
from onecycle_cli.findings.surroundings import INTERVAL, OPTIMIZER_MOMENTUM, OPTIMIZER_RATE
from onecycle_cli.formatting import yaml_number
from onecycle_cli.policy.checks.groups import groups_agree
from onecycle_cli.policy.checks.run_length import check_run
from onecycle_cli.policy.checks.trainer import stepping
from onecycle_cli.policy.length import Length, find_length
from onecycle_cli.policy.optimizers import WITHOUT, plain_name
from onecycle_cli.policy.plan import make_plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.context import TrainingContext
    from onecycle_cli.policy.plan import Group, Plan
    from onecycle_cli.policy.settings import Settings

UNKNOWN = Length(1, None, "", "")
"""Stands in for a length that is not known: learning rates and momenta do not hang on it."""


def check_surroundings(settings: Settings, around: TrainingContext) -> Iterator[Finding]:
    """Hold the optimizer's and the trainer's numbers against the settings, also where those have errors."""
    if groups_agree(settings):
        plan = make_plan(settings, find_length(settings) or UNKNOWN)
        yield from _judge_rate(plan, around)
        yield from _judge_momentum(settings, plan, around)
    yield from _judge_interval(around)
    yield from check_run(settings, around)


def _judge_rate(plan: Plan, around: TrainingContext) -> Iterator[Finding]:
    stated, peaks = around.optimizer_lr, [group.max_lr for group in plan.groups]
    if stated is None or not all(0 < peak < math.inf for peak in peaks):
        return
    meant = [*peaks, *(peak / plan.div_factor for peak in peaks if plan.div_factor > 0)]
    for at, rate in enumerate(stated.value):
        if any(math.isclose(rate, each) for each in meant):
            continue
        several = len(peaks) == len(stated.value) > 1
        peak, whose = (peaks[at], f" of group {plan.groups[at].name}") if several else (max(peaks), "")
        yield OPTIMIZER_RATE.finding(
            f"the optimizer's lr{whose} is {yaml_number(rate)}, but the peak is {yaml_number(peak)}: the cycle "
            f"overwrites {yaml_number(rate)} before the first step",
            f"set {stated.path}{whose} to {yaml_number(peak)}, the peak",
            key=stated.path,
        )
        return


def _judge_momentum(settings: Settings, plan: Plan, around: TrainingContext) -> Iterator[Finding]:
    stated = around.optimizer_momentum
    cycles = plan.cycle_momentum and plan.convention.supports("cycle_momentum")
    if stated is None or not cycles or plain_name(settings.optimizer or "") in WITHOUT:
        return
    if any(math.isclose(stated.value, group.max_momentum) for group in plan.groups):
        return
    last = stated.path.rpartition(".")[2]
    named, value = "betas[0]" if last in ("betas", "0") else last, yaml_number(stated.value)
    yield OPTIMIZER_MOMENTUM.finding(
        f"{named} is {value}, but the cycle {_moves(plan.groups[0])}",
        f"set cycle_momentum to false to keep {value}",
        key=stated.path,
    )


def _moves(group: Group) -> str:
    top, base, end = map(yaml_number, (group.max_momentum, group.base_momentum, group.final_momentum))
    if top == base == end:
        return f"sets it to {top}"
    way = "down to" if group.base_momentum < group.max_momentum else "up to"
    return f"moves it from {top} {way} {base} and {'back' if top == end else f'then to {end}'}"


def _judge_interval(around: TrainingContext) -> Iterator[Finding]:
    stated = around.interval
    if stated is None or stated.path.rpartition(".")[2] != "interval" or stated.value in ("step", "epoch"):
        return
    # Other programs have words of their own under this key, such as batch: only what is spelled nearly so is meant so.
    near = get_close_matches(stated.value[:60].lower(), ("step", "epoch"), 1, 0.7)
    if not near:
        return
    known, meant = stepping(around), near[0]
    message = f"interval is {stated.value!r}: Lightning takes step or epoch alone, and refuses to start"
    found = INTERVAL.finding(message, f"write interval: {meant}", key=stated.path)
    yield replace(found, fix=Fix(stated.value, meant)) if known else found
