"""One convention's curve in another one's settings, where they come close; how close, is found by evaluating them.

optax holds its final rate after the cycle, so a cycle one step shorter trains with it as PyTorch does; a cycle of
PyTorch's one step longer, stopped before its last step, ends where those of optax and fastai do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from onecycle_cli.errors import OnecycleError
from onecycle_cli.findings import Severity
from onecycle_cli.policy.comparison import Largest, Track, lr_peak
from onecycle_cli.policy.conventions import CONVENTIONS
from onecycle_cli.policy.conventions.base import fraction_of
from onecycle_cli.policy.onecycle import OneCycle
from onecycle_cli.policy.summary import edge_steps, steps_between

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.policy.conventions.base import Convention
    from onecycle_cli.policy.plan import Plan
    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.policy.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Shape:
    """Where a plan's curve turns, in real steps, and the ratio of its initial to its final rate.

    Attributes:
        plan: the numbers it is drawn from.
        peak: where it peaks.
        turn: where a third phase begins, if there is one.
        end: where the final rate comes.
        final_div: the initial rate / the final rate.
    """

    plan: Plan
    peak: float
    turn: float | None
    end: int
    final_div: float


@dataclass(frozen=True, slots=True)
class Translation:
    """Settings in another convention, the difference that remains, and a note on what else to do (or nothing)."""

    settings: dict[str, Any]
    largest: Largest
    note: str


def translate(settings: OneCycle, schedule: Schedule, target: str) -> Translation | None:
    """Return the settings in a convention whose learning rates come closest to a schedule's, or None if none do."""
    shape, convention = shape_of(schedule.plan), CONVENTIONS[target]
    if schedule.plan.then:
        return None  # segments are the same in every convention, and begin at what the cycle has reached
    if shape is None or not _can_follow(shape, convention):
        return None
    values = {
        "convention": target,
        "max_lr": settings.max_lr,
        "div_factor": shape.plan.div_factor,
        **_final(shape, convention),
        **_places(shape, convention),
        **_momentum(settings, shape, convention),
    }
    found = OneCycle(**values)
    if any(finding.severity is Severity.ERROR for finding in found.findings()):
        return None
    try:
        remaining = _remaining(schedule, found.schedule())
    except OnecycleError:
        return None
    return Translation(values, remaining, _note(shape, convention, values["total_steps"]))


def shape_of(plan: Plan) -> Shape | None:
    """Return where a plan's curve turns, or None if it ends at 0, which no factor divides to."""
    convention, total = plan.convention, plan.total_steps
    final_div = plan.final_div_factor / plan.div_factor if convention.final_divides_peak else plan.final_div_factor
    if plan.final_lr is not None and convention.supports("final_lr"):
        if not plan.final_lr:
            return None
        final_div = plan.groups[0].max_lr / plan.div_factor / plan.final_lr
    elif convention.final_is_fixed:
        final_div = convention.defaults.final_div_factor
    last = 1 if convention.ends_at_last_step else 0
    if convention.has_plateau:
        peak = float(int(plan.pct_start * total) if plan.stepsize is None else plan.stepsize)
        return Shape(plan, peak, None, total, final_div)
    edge: Callable[[float], float] = int if convention.whole_steps else float
    turn = None
    if convention.supports("pct_final"):
        turn = edge(plan.pct_final * total) - last
    elif plan.three_phase:
        turn = edge(2 * plan.pct_start * total) - 2 * last
    return Shape(plan, edge(plan.pct_start * total) - last, turn, total - last, final_div)


def _can_follow(shape: Shape, target: Convention) -> bool:
    """Return whether the convention has such phases, and such lines within them."""
    if target.has_plateau or shape.plan.convention.has_plateau:
        return target.has_plateau and shape.plan.convention.has_plateau
    if not target.supports("anneal_strategy") and target.defaults.anneal_strategy != shape.plan.anneal_strategy:
        return False
    if shape.turn is None:
        return not target.supports("pct_final")
    if target.supports("pct_final"):
        return True
    return target.supports("three_phase") and abs(shape.turn - 2 * shape.peak) <= 1


def _final(shape: Shape, target: Convention) -> dict[str, float]:
    plan = shape.plan
    if target.final_is_fixed:
        return {}
    if target.final_is_absolute:
        initial = plan.groups[0].max_lr / plan.div_factor
        return {"final_lr": initial / shape.final_div if plan.final_lr is None else plan.final_lr}
    return {"final_div_factor": shape.final_div * (plan.div_factor if target.final_divides_peak else 1.0)}


def _places(shape: Shape, target: Convention) -> dict[str, Any]:
    """Choose length and fractions so that the curve turns where the other one does."""
    plan, source = shape.plan, shape.plan.convention
    if target.has_plateau:
        return {"total_steps": plan.total_steps, "stepsize": int(shape.peak)}
    last = 1 if target.ends_at_last_step else 0
    total = shape.end + last if target.ends_at_last_step or target.holds_final else plan.total_steps
    same = (source.ends_at_last_step, source.whole_steps) == (target.ends_at_last_step, target.whole_steps)
    pct = plan.pct_start if same and total == plan.total_steps else _fraction(shape.peak + last, total, target)
    places: dict[str, Any] = {"total_steps": total, "pct_start": pct}
    if target.supports("anneal_strategy"):
        places["anneal_strategy"] = plan.anneal_strategy
    if target.supports("three_phase"):
        places["three_phase"] = shape.turn is not None
    if shape.turn is not None and target.supports("pct_final"):
        places["pct_final"] = _fraction(shape.turn + last, total, target)
    return places


def _fraction(step: float, total: int, target: Convention) -> float:
    """Return the fraction of the cycle that the convention turns into a step, or into the whole step nearest to it."""
    if not target.whole_steps:
        return min(max(step / total, 0.0), 1.0)
    return fraction_of(min(max(round(step), 0), total), total)


def _momentum(settings: OneCycle, shape: Shape, target: Convention) -> dict[str, Any]:
    """Carry over the parameter groups, and momentum where the convention cycles it."""
    several = len(shape.plan.groups) if len(shape.plan.groups) > 1 else None
    groups = several if settings.groups is None else settings.groups
    carried: dict[str, Any] = {} if groups is None else {"groups": groups}
    if not target.supports("cycle_momentum"):
        return carried
    if not shape.plan.cycle_momentum:
        return {**carried, "cycle_momentum": False}
    for setting in ("base_momentum", "max_momentum", "final_momentum"):
        if target.supports(setting) and (value := getattr(settings, setting)) is not None:
            carried[setting] = value
    return carried


def _remaining(reference: Schedule, found: Schedule) -> Largest:
    """Evaluate both at every step that the reference trains; the found one holds its last rate after its end."""
    tracks = []
    for at, name in enumerate(reference.groups):
        curves = partial(reference.lr, group=at), partial(_extended, found, group=at)
        tracks.append(Track("lr", name, curves, lr_peak(reference, at)))
    edges = [*edge_steps(reference), *edge_steps(found)]
    for steps in steps_between(reference.first_step, reference.total_steps, edges, len(tracks)):
        for track in tracks:
            track.follow(steps)
    return max((track.largest for track in tracks), key=lambda size: size.relative)


def _extended(schedule: Schedule, steps: NDArray[np.int64], group: int) -> FloatArray:
    import numpy as np

    last = schedule.phases[-1].lr[group].at(float(schedule.total_steps), math.cos)
    inside = np.minimum(steps, schedule.total_steps - 1)
    return np.where(steps < schedule.total_steps, schedule.lr(inside, group), last)


def _note(shape: Shape, target: Convention, total: int) -> str:
    trained = shape.plan.total_steps
    if total > trained:
        source = shape.plan.convention.name
        return f"stop after {trained:,} of its {total:,} steps: in {source} the final rate comes one step later"
    if total < trained:
        return f"train {trained:,} steps, one more than its {total:,}: {target.name} stays at the final rate"
    return ""
