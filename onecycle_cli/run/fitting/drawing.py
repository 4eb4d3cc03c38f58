"""Schedules of a candidate's settings, and the share that each corner has in their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onecycle_cli.policy.length import find_length
from onecycle_cli.policy.onecycle import OneCycle
from onecycle_cli.policy.plan import make_plan
from onecycle_cli.run.fitting.curves import spread

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.policy.plan import Plan
    from onecycle_cli.policy.ramps import FloatArray, Phase, Ramp

Drawn = tuple["Plan", tuple["Phase", ...]]


def draw(settings: Mapping[str, object]) -> Drawn | None:
    """Make the plan and the phases of settings; None where the convention divides by zero."""
    made = OneCycle(**_plain(settings))
    length = find_length(made)
    if length is None:
        return None
    plan = make_plan(made, length)
    try:
        return plan, plan.convention.phases(plan)
    except (ArithmeticError, ValueError):
        return None


def _plain(settings: Mapping[str, object]) -> dict[str, Any]:
    return dict(settings)


def shares_of(drawn: Drawn, steps: FloatArray) -> FloatArray:
    """Give each corner's share in the learning rate at each step, shape (steps, corners)."""
    import numpy as np

    plan, phases = drawn
    found = np.zeros((steps.size, len(phases) + 1))
    with np.errstate(all="ignore"):
        for at, phase in enumerate(phases):
            here = _rows(phases, at, steps)
            progress = phase.lr[0].progress(steps[here])
            found[here] = spread(
                np.full(progress.size, at, dtype=np.intp), progress, plan.anneal_strategy, len(phases) + 1
            )
    return _smiths(found) if plan.convention.has_plateau else found


def _smiths(found: FloatArray) -> FloatArray:
    """Turn to the papers' corners, initial, peak and plateau: the fall is aimed at 0, the plateau is flat."""
    flat = found[:, 2] * (found[:, 1] == 0) + found[:, 3]
    found[:, 2] = flat
    return found[:, :3]


def dips_of(drawn: Drawn, steps: FloatArray) -> FloatArray:
    """Give the shares of the highest and the lowest momentum in the papers' momentum at each step."""
    import numpy as np

    half = drawn[1][0].lr[0].span
    cycle = steps // (2 * half)
    low = (1 - np.abs((steps - 2 * cycle * half) / half - 1)) * 0.5**cycle
    return np.stack([1 - low, low], axis=1)


def values_of(drawn: Drawn, steps: FloatArray, group: int, *, momentum: bool = False) -> FloatArray:
    """Give a group's values as the convention computes them; NaN outside the cycle and the one step after it.

    That step is logged where the value is read after the scheduler has been stepped.
    """
    import numpy as np

    plan, phases = drawn
    found = np.full(steps.size, np.nan)
    kept = [phase for phase in phases if phase.steps]
    for at in range(len(kept)):
        ramp: Ramp = (kept[at].momentum if momentum else kept[at].lr)[group]
        here = _rows(tuple(kept), at, steps) & (steps <= plan.total_steps)
        if not plan.convention.sets_step_after_last:
            here &= steps < plan.total_steps
        found[here] = ramp.at(steps[here], np.cos)
    return found


def _rows(phases: tuple[Phase, ...], at: int, steps: FloatArray) -> NDArray[np.bool_]:
    """Say which steps fall into a phase; what comes after the cycle belongs to the last."""
    after = steps >= phases[at].first_step
    found: NDArray[np.bool_] = after if at == len(phases) - 1 else after & (steps <= phases[at].last_step)
    return found
