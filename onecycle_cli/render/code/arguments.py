"""Settings as arguments: those that differ from the framework's own defaults, under the framework's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.render.code.writing import Argument, literal, per_group

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onecycle_cli.policy.conventions.base import Defaults
    from onecycle_cli.policy.plan import Plan
    from onecycle_cli.render.code.task import Task

SHAPE = ("pct_start", "pct_final", "anneal_strategy", "three_phase", "div_factor", "final_div_factor", "final_lr")
TORCH_NAMES = {name: name for name in ("pct_start", "anneal_strategy", "three_phase", "div_factor", "final_div_factor")}


def peak(plan: Plan, name: str) -> Argument:
    """Give the peak, once a group where they differ."""
    return Argument(name, per_group([group.max_lr for group in plan.groups]))


def shape(plan: Plan, defaults: Defaults, names: Mapping[str, str]) -> list[Argument]:
    """Give the settings of the curve that differ from the defaults, by a mapping of our names to the framework's."""
    return [
        Argument(names[setting], literal(getattr(plan, setting)))
        for setting in SHAPE
        if setting in names and getattr(plan, setting) != getattr(defaults, setting)
    ]


def momentum(plan: Plan, defaults: Defaults) -> list[Argument]:
    """Give PyTorch's arguments for momentum that differ from its defaults."""
    if not plan.cycle_momentum:
        return [Argument("cycle_momentum", "False")]
    bases = [group.base_momentum for group in plan.groups]
    tops = [group.max_momentum for group in plan.groups]
    entries = (("base_momentum", bases, defaults.base_momentum), ("max_momentum", tops, defaults.max_momentum))
    return [Argument(name, per_group(values)) for name, values, usual in entries if set(values) != {usual}]


def length(task: Task) -> list[Argument]:
    """Give PyTorch's arguments for the length: from the real loader where the plan's came from one."""
    if not task.from_loader:
        return [Argument("total_steps", str(task.total))]
    return [
        Argument("epochs", str(task.plan.epochs)),
        Argument("steps_per_epoch", task.steps_of_an_epoch(), f"planned: {task.per_epoch}"),
    ]
