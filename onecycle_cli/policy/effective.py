"""The settings that hold in a plan, the convention's defaults filled in, and those in which two plans differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onecycle_cli.policy.conventions import convention_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onecycle_cli.policy.plan import Plan
    from onecycle_cli.policy.settings import Settings

Values = dict[str, Any]


def in_effect(settings: Settings, plan: Plan) -> Values:
    """Give every setting that acts on the curve, with its value; None for what the plan has not."""
    convention = convention_of(settings)
    absolute = plan.final_lr is not None
    cycles = plan.cycle_momentum
    return {
        "convention": convention.name,
        "optimizer": settings.optimizer,
        "groups": [group.name for group in plan.groups],
        "max_lr": _once([group.max_lr for group in plan.groups]),
        "div_factor": plan.div_factor,
        "final_div_factor": None if absolute else plan.final_div_factor,
        "final_lr": plan.final_lr,
        "total_steps": plan.total_steps,
        "steps_per_epoch": plan.length.steps_per_epoch,
        "pct_start": None if plan.stepsize is not None else plan.pct_start,
        "pct_final": plan.pct_final if convention.supports("pct_final") else None,
        "stepsize": plan.stepsize if convention.supports("stepsize") else None,
        "anneal_strategy": plan.anneal_strategy,
        "three_phase": plan.three_phase,
        "cycle_momentum": cycles,
        "base_momentum": _once([group.base_momentum for group in plan.groups]) if cycles else None,
        "max_momentum": _once([group.max_momentum for group in plan.groups]) if cycles else None,
        "final_momentum": _once([group.final_momentum for group in plan.groups]) if cycles else None,
        "last_epoch": plan.first_step - 1,
    }


def differing(reference: Values, other: Values) -> dict[str, tuple[Any, Any]]:
    """Give each setting in which two plans differ, with the reference's value and the other's.

    Steps per epoch count where both plans know them, and momenta where both cycle momentum.
    """
    both = {"steps_per_epoch", "base_momentum", "max_momentum", "final_momentum"}
    pairs = {setting: (value, other[setting]) for setting, value in reference.items()}
    return {
        setting: pair
        for setting, pair in pairs.items()
        if pair[0] != pair[1] and not (setting in both and None in pair) and not _follows(setting, pairs)
    }


def _follows(setting: str, pairs: dict[str, tuple[Any, Any]]) -> bool:
    """Say whether a difference only repeats another: fastai's third momentum is max_momentum unless given."""
    return setting == "final_momentum" and pairs[setting] == pairs["max_momentum"]


def _once(values: Iterable[float]) -> float | list[float]:
    """Give one number where all are the same."""
    found = list(values)
    return found[0] if len(set(found)) == 1 else found
