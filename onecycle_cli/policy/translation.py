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
from onecycle_cli.policy.conventions import (
    CONVENTIONS,
    convention_of,
    fastai,
    openpcdet,
    optax,
    optax_linear,
    paddle,
    r_torch,
    smith,
)
from onecycle_cli.policy.onecycle import OneCycle
from onecycle_cli.policy.shape import FAMILY, shape_of
from onecycle_cli.policy.stepping import steps_between
from onecycle_cli.policy.summary import edge_steps

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.policy.shape import Shape

HOLDING = (optax.NAME, optax_linear.NAME)
"""The conventions that hold the final rate after the cycle."""

COSINE_ONLY = (fastai.NAME, optax.NAME, openpcdet.NAME)


@dataclass(frozen=True, slots=True)
class Translation:
    """Settings in another convention, the difference that remains, and what else is to be done (or nothing)."""

    settings: dict[str, Any]
    largest: Largest
    note: str


def translate(settings: OneCycle, schedule: Schedule, target: str) -> Translation | None:
    """Find the settings in a convention whose learning rates come closest to a schedule's; None where none do."""
    shape = shape_of(convention_of(settings).NAME, schedule.plan)
    if shape is None or not _can_follow(shape, target):
        return None
    asked = {
        "convention": target,
        "max_lr": settings.max_lr,
        "div_factor": shape.plan.div_factor,
        **_final(shape, target),
        **_places(shape, target),
        **_momentum(settings, shape, target),
    }
    found = OneCycle.model_validate(asked)
    if any(each.severity is Severity.ERROR for each in found.findings()):
        return None
    try:
        return Translation(asked, _remaining(schedule, found.schedule()), _note(shape, target, asked["total_steps"]))
    except OnecycleError:
        return None


def _can_follow(shape: Shape, target: str) -> bool:
    """Say whether the convention has such phases, and such lines within them."""
    linear = shape.plan.anneal_strategy == "linear"
    if target == smith.NAME:
        return False
    if target in COSINE_ONLY:
        return not linear and shape.turn is None
    if target == optax_linear.NAME:
        return linear and shape.turn is not None
    if shape.turn is None:
        return True
    return target != r_torch.NAME and abs(shape.turn - 2 * shape.peak) <= 1


def _final(shape: Shape, target: str) -> dict[str, float]:
    plan = shape.plan
    if target == openpcdet.NAME:
        return {}
    if target == paddle.NAME:
        initial = plan.groups[0].max_lr / plan.div_factor
        return {"final_lr": initial / shape.final_div if plan.final_lr is None else plan.final_lr}
    return {"final_div_factor": shape.final_div * (plan.div_factor if target == fastai.NAME else 1.0)}


def _places(shape: Shape, target: str) -> dict[str, Any]:
    """Choose length and fractions so that the curve turns where the other one does."""
    plan = shape.plan
    if target in FAMILY:
        total = shape.end + 1
        pct = plan.pct_start if shape.source in FAMILY else (shape.peak + 1) / total
        three = {} if target == r_torch.NAME else {"three_phase": shape.turn is not None}
        return {"total_steps": total, "pct_start": pct, "anneal_strategy": plan.anneal_strategy, **three}
    total = shape.end if target in HOLDING else plan.total_steps
    if target == fastai.NAME:
        return {"total_steps": total, "pct_start": min(max(shape.peak / total, 0.0), 1.0)}
    places = {"total_steps": total, "pct_start": _fraction(shape.peak, total)}
    return places if shape.turn is None else {**places, "pct_final": _fraction(shape.turn, total)}


def _fraction(step: float, total: int) -> float:
    """Give the fraction of which a cycle's whole steps are the step nearest to this one."""
    whole = min(max(round(step), 0), total)
    fraction = whole / total if total else 0.0
    return fraction if int(fraction * total) == whole else math.nextafter(fraction, 1.0)


def _momentum(settings: OneCycle, shape: Shape, target: str) -> dict[str, Any]:
    """Carry over the parameter groups, and momentum where the convention cycles it."""
    several = len(shape.plan.groups) if len(shape.plan.groups) > 1 else None
    groups = several if settings.groups is None else settings.groups
    carried: dict[str, Any] = {} if groups is None else {"groups": groups}
    if "cycle_momentum" in CONVENTIONS[target].LACKS:
        return carried
    if not shape.plan.cycle_momentum:
        return {**carried, "cycle_momentum": False}
    momenta = {"base_momentum": settings.base_momentum, "max_momentum": settings.max_momentum}
    return {**carried, **{setting: value for setting, value in momenta.items() if value is not None}}


def _remaining(reference: Schedule, found: Schedule) -> Largest:
    """Evaluate both at every step that the reference trains; the found one holds its last rate after its end."""
    tracks = [
        Track("lr", name, (partial(reference.lr, group=at), partial(_held, found, group=at)), lr_peak(reference, at))
        for at, name in enumerate(reference.groups)
    ]
    edges = [*edge_steps(reference), *edge_steps(found)]
    for steps in steps_between(reference.first_step, reference.total_steps, edges, len(tracks)):
        for track in tracks:
            track.follow(steps)
    return max((track.largest for track in tracks), key=lambda each: each.relative)


def _held(schedule: Schedule, steps: NDArray[np.int64], group: int) -> FloatArray:
    import numpy as np

    last = schedule.phases[-1].lr[group].at(float(schedule.total_steps), math.cos)
    inside = np.minimum(steps, schedule.total_steps - 1)
    return np.where(steps < schedule.total_steps, schedule.lr(inside, group), last)


def _note(shape: Shape, target: str, total: int) -> str:
    trained = shape.plan.total_steps
    if total > trained:
        return f"stop after {trained:,} of its {total:,} steps: in {shape.source} the final rate comes one step later"
    if total < trained:
        return f"train {trained:,} steps, one more than its {total:,}: {target} holds the final rate"
    return ""
