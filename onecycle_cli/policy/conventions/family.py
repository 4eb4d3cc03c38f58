"""What PyTorch's scheduler and its copies share: phases that end at real steps, and where they go wrong.

A phase ends at a real number of steps and begins where the one before ends; a step belongs to the first phase that
ends at or after it. The members differ in the divisors, in what the final learning rate means, and in momentum.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from onecycle_cli.findings.length import EMPTY_PHASE, NO_ROOM_TO_ANNIHILATE, WARMUP_OF_ONE
from onecycle_cli.findings.practice import NO_WARMUP
from onecycle_cli.policy.ramps import RAMPS, Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.plan import Plan

NAMES = ("warm-up", "anneal", "annihilation")

WITHOUT_MOMENTUM = dict.fromkeys(
    ("cycle_momentum", "base_momentum", "max_momentum", "final_momentum"),
    "the framework's scheduler leaves momentum alone",
)
"""What a convention that moves the learning rate alone lacks."""


def cut(plan: Plan, ends: tuple[float, ...], spans: tuple[float, ...] = ()) -> tuple[Phase, ...]:
    """Make phases that end at real steps; `spans` are their lengths where they are not the difference of ends.

    Raises:
        ZeroDivisionError: the warm-up has length 0.
    """
    starts = (0.0, *ends[:-1])
    spans = spans or tuple(end - start for start, end in zip(starts, ends, strict=True))
    if spans[0] == 0:
        raise ZeroDivisionError
    rates, momenta = _rate_corners(plan, len(ends)), _momentum_corners(plan, len(ends))
    ramp = RAMPS[plan.anneal_strategy]
    found, first = [], 0
    for at, (start, end, span) in enumerate(zip(starts, ends, spans, strict=True)):
        last = plan.total_steps - 1 if at == len(ends) - 1 else max(first - 1, _last_step(end, plan))
        lr = tuple(ramp(corners[at], corners[at + 1], start, span) for corners in rates)
        momentum = tuple(ramp(corners[at], corners[at + 1], start, span) for corners in momenta)
        found.append(Phase(NAMES[at], first, last, lr, momentum))
        first = last + 1
    return tuple(found)


def torch_ends(plan: Plan) -> tuple[float, ...]:
    """Give the real steps at which PyTorch's phases end."""
    warmup_end = float(plan.pct_start * plan.total_steps) - 1
    last = float(plan.total_steps - 1)
    if not plan.three_phase:
        return warmup_end, last
    return warmup_end, float(2 * plan.pct_start * plan.total_steps) - 2, last


def check_warmup(plan: Plan) -> Iterator[Finding]:
    """Judge what pct_start × total_steps leaves of the phases."""
    pct, total = plan.pct_start, plan.total_steps
    if plan.three_phase and pct > 0.5:
        yield NO_ROOM_TO_ANNIHILATE.finding(
            f"three_phase with pct_start {pct!r}: the warm-up and its mirror image take 2 × {pct!r} = {2 * pct:.4g} "
            "of the cycle, and nothing is left to annihilate",
            "set pct_start to 0.5 or less",
            "pct_start",
        )
    rise = pct * total
    words = f"pct_start × total_steps = {pct!r} × {total:,} = {rise:.6g}"
    if rise == 1:
        yield WARMUP_OF_ONE.finding(f"{words} exactly: a warm-up of length 0", longer_warmup(total), "pct_start")
    elif plan.three_phase and pct <= 0.5 and _whole_steps_between(rise - 1, 2 * rise - 2) <= 0:
        yield EMPTY_PHASE.finding(
            f"{words}: the anneal phase, from step {rise - 1:.4g} to {2 * rise - 2:.4g}, holds no step",
            longer_warmup(total),
            "pct_start",
        )
    elif rise < 1 and not plan.three_phase:
        yield NO_WARMUP.finding(
            f"{words}, below 1: no warm-up, no step comes before the peak", longer_warmup(total), "pct_start"
        )


def longer_warmup(total: int) -> str:
    """Say how pct_start is mended where the warm-up it leaves is too short."""
    if total < 4:
        return "set total_steps to the number of optimizer updates, not of epochs"
    least = math.ceil(2000 / total) / 1000 if total <= 2000 else float(f"{2.01 / total:.2e}")
    return f"set pct_start to {least!r} or more"


def _whole_steps_between(start: float, end: float) -> int:
    return math.floor(end) - math.floor(max(start, -1.0))


def _rate_corners(plan: Plan, number_of_phases: int) -> tuple[tuple[float, ...], ...]:
    """Give each group's learning rates at the phases' edges."""
    corners = []
    for group in plan.groups:
        initial = group.max_lr / plan.div_factor
        final = initial / plan.final_div_factor if plan.final_lr is None else plan.final_lr
        mirror = (initial,) if number_of_phases == 3 else ()
        corners.append((initial, group.max_lr, *mirror, final))
    return tuple(corners)


def _momentum_corners(plan: Plan, number_of_phases: int) -> tuple[tuple[float, ...], ...]:
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
