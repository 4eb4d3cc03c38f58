"""torch: PyTorch's `torch.optim.lr_scheduler.OneCycleLR` (read and run in 2.13.0), the reference.

Formula
    T total steps, p pct_start, M max_lr, i = M / div_factor, m = i / final_div_factor.
    Phases end at the real numbers p*T - 1 and T - 1 or, with three_phase, at p*T - 1, 2*p*T - 2 and T - 1; each
    begins where the one before ends, the first at 0. A step belongs to the first phase that ends at or after it.
    Within a phase x = (step - begin) / (end - begin), and from a to b it is
    cos:     b + (a - b) / 2 * (cos(pi * x) + 1)
    linear:  (b - a) * x + a
    Learning rate: i → M → m, or i → M → i → m. Momentum: max → base → max, or max → base → max → max.

Defaults
    pct_start 0.3, cos, cycle_momentum, base_momentum 0.85, max_momentum 0.95, div_factor 25,
    final_div_factor 10,000, two phases.

Worth knowing
    The peak is on the grid only where p*T is whole. The last step, T - 1, sees exactly m. PyTorch lets one step too
    many pass without an error, at which the learning rate rebounds. p*T == 1 raises ZeroDivisionError. The
    optimizer's own learning rate and momentum (or beta1) are overwritten.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from onecycle_cli.policy.plan import Defaults
from onecycle_cli.policy.ramps import RAMPS, Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.plan import Plan
    from onecycle_cli.policy.settings import Settings

NAME = "torch"
FRAMEWORK = "PyTorch 2.13.0"
DEFAULTS = Defaults()


def phases(plan: Plan) -> tuple[Phase, ...]:
    """Cut the cycle as PyTorch does. Raises ZeroDivisionError where p*T is 1."""
    warmup_end = float(plan.pct_start * plan.total_steps) - 1
    last = float(plan.total_steps - 1)
    if not plan.three_phase:
        return cut(plan, ("warm-up", "anneal"), (warmup_end, last))
    mirror_end = float(2 * plan.pct_start * plan.total_steps) - 2
    return cut(plan, ("warm-up", "anneal", "annihilation"), (warmup_end, mirror_end, last))


def judge(settings: Settings) -> Iterator[Finding]:  # noqa: ARG001
    """Find nothing: what PyTorch refuses, the rules for all conventions name."""
    yield from ()


def cut(
    plan: Plan, names: tuple[str, ...], ends: tuple[float, ...], spans: tuple[float, ...] = ()
) -> tuple[Phase, ...]:
    """Make phases that end at real steps; `spans` are their lengths where they are not the difference of ends."""
    starts = (0.0, *ends[:-1])
    spans = spans or tuple(end - start for start, end in zip(starts, ends, strict=True))
    if spans[0] == 0:
        raise ZeroDivisionError
    rates, momenta = rate_corners(plan, len(names)), momentum_corners(plan, len(names))
    ramp = RAMPS[plan.anneal_strategy]
    found, first = [], 0
    for at, (name, start, end, span) in enumerate(zip(names, starts, ends, spans, strict=True)):
        last = plan.total_steps - 1 if at == len(names) - 1 else max(first - 1, _last_step(end, plan))
        lr = tuple(ramp(corners[at], corners[at + 1], start, span) for corners in rates)
        momentum = tuple(ramp(corners[at], corners[at + 1], start, span) for corners in momenta)
        found.append(Phase(name, first, last, lr, momentum))
        first = last + 1
    return tuple(found)


def rate_corners(plan: Plan, number_of_phases: int) -> tuple[tuple[float, ...], ...]:
    """Give each group's learning rates at the phases' edges."""
    corners = []
    for group in plan.groups:
        initial = group.max_lr / plan.div_factor
        final = initial / plan.final_div_factor if plan.final_lr is None else plan.final_lr
        mirror = (initial,) if number_of_phases == 3 else ()
        corners.append((initial, group.max_lr, *mirror, final))
    return tuple(corners)


def momentum_corners(plan: Plan, number_of_phases: int) -> tuple[tuple[float, ...], ...]:
    """Give each group's momenta at the phases' edges; none where momentum is not cycled."""
    if not plan.cycle_momentum:
        return ()
    tail = number_of_phases - 1
    return tuple((group.max_momentum, group.base_momentum, *(group.max_momentum,) * tail) for group in plan.groups)


def _last_step(end: float, plan: Plan) -> int:
    """Give the last whole step at or before a real end, within the cycle."""
    if math.isnan(end):
        return -1
    return math.floor(min(max(end, -1.0), float(plan.total_steps - 1)))
