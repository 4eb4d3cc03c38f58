"""smith: the schedule of L. N. Smith's own runs, by their public logs.

Formula
    base = M / d, s `stepsize`, f final_div_factor. n <= s: base + (M - base) * n / s. s < n < 2s: M * (2s - n) / s,
    but not below base / f. From 2s to the end: base / f, flat. Momentum, with c = n // 2s and
    x = |(n - 2cs) / s - 1|: max - (max - base) * (1 - x) / 2^c; after the cycle a second dip of half the depth begins.
    With final_div_factor 1 the fall is aimed at base instead of 0: the triangle of Super-Convergence's figure 1a.

Defaults
    final_div_factor 1,000, base_momentum 0.85, max_momentum 0.95; d is 10 to 40 in the papers, 10 here. Without a
    stepsize, s = int(p*T) with pct_start 0.45 (2s / T is 0.86 to 0.97 in the logged runs).

Lacks
    cos, three_phase, final_lr.

Source
    L. N. Smith, "A disciplined approach to neural network hyper-parameters: Part 1" (arXiv:1803.09820); L. N. Smith
    and N. Topin, "Super-Convergence" (arXiv:1708.07120).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.findings.plan_rules import EMPTY_PHASE, LENGTHS_DISAGREE, OUT_OF_RANGE
from onecycle_cli.policy.conventions.base import SETTINGS_OF_OTHERS, Convention, Defaults, longer_warmup
from onecycle_cli.policy.ramps import Phase, Ramp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.plan import Plan
    from onecycle_cli.policy.ramps import Number


class Line(Ramp):
    """A straight line in the order of evaluation of the logs: start + (end - start) * (n - edge) / span."""

    __slots__ = ()

    def at(self, step: Number, cos: Callable[[Number], Number]) -> Number:  # noqa: ARG002
        """Return the value at a step, or at each of an array of steps."""
        return self.start + (self.end - self.start) * (step - self.edge) / self.span


@dataclass(frozen=True, slots=True)
class Dips(Ramp):
    """Momentum: dips from `start` towards `low`, each half as deep as the one before, the first at step `span`."""

    low: float

    def at(self, step: Number, cos: Callable[[Number], Number]) -> Number:  # noqa: ARG002
        """Return the value at a step, or at each of an array of steps."""
        cycle = step // (2 * self.span)
        x = abs((step - 2 * cycle * self.span) / self.span - 1)
        depth: Number = 0.5**cycle
        return self.start - (self.start - self.low) * (1 - x) * depth


def phases(plan: Plan) -> tuple[Phase, ...]:
    """Cut the run into the rise, the fall and the plateau."""
    half, last = half_cycle(plan), plan.total_steps - 1
    if half == 0:
        raise ZeroDivisionError
    rise, fall, flat, dips = [], [], [], []
    for group in plan.groups:
        base = group.max_lr / plan.div_factor
        final = base / plan.final_div_factor
        rise.append(Line(base, group.max_lr, 0.0, half))
        fall.append(Line(group.max_lr, base if plan.final_div_factor == 1 else 0.0, half, half))
        flat.append(Line(final, final, 0.0, 1.0))
        if plan.cycle_momentum:
            dips.append(Dips(group.max_momentum, group.base_momentum, 0.0, half, group.base_momentum))
    share = min(flat[0].end / fall[0].start, 1.0)  # a final rate above the peak is met at once
    meets = 2 * half if fall[0].end else half + math.floor(half * (1 - share))
    bounds = [min(step, last) for step in (half, meets)]
    return (
        Phase("warm-up", 0, bounds[0], tuple(rise), tuple(dips)),
        Phase("anneal", bounds[0] + 1, bounds[1], tuple(fall), tuple(dips)),
        Phase("annihilation", bounds[1] + 1, last, tuple(flat), tuple(dips)),
    )


def check(plan: Plan) -> Iterator[Finding]:
    """Find a cycle longer than the run, and one without a rise."""
    half = half_cycle(plan)
    if half == 0:
        message = f"half a cycle is int({plan.pct_start!r} × {plan.total_steps:,}) = 0 steps"
        yield EMPTY_PHASE.finding(message, longer_warmup(plan.total_steps), "pct_start")
    elif 2 * half > plan.total_steps:
        yield LENGTHS_DISAGREE.finding(
            f"the cycle has 2 × {half:,} = {2 * half:,} steps, but the run ends after {plan.total_steps:,}",
            f"set stepsize to {plan.total_steps // 2} or less",
            "stepsize",
        )
    for index, group in enumerate(plan.groups):
        if not math.isfinite(group.max_lr * half):
            message = f"max_lr {group.max_lr!r} times the {half:,} steps of half a cycle is not finite in float64"
            at = index if len(plan.groups) > 1 else None
            yield OUT_OF_RANGE.finding(message, "set max_lr to a value such as 0.1", "max_lr", at)


def half_cycle(plan: Plan) -> int:
    """Return half the cycle in steps."""
    return int(plan.pct_start * plan.total_steps) if plan.stepsize is None else plan.stepsize


CONVENTION = Convention(
    name="smith",
    manual=__doc__,
    framework="L. N. Smith's logged runs",
    phases=phases,
    check=check,
    defaults=Defaults(pct_start=0.45, anneal_strategy="linear", div_factor=10.0, final_div_factor=1000.0),
    unsupported={
        **{setting: reason for setting, reason in SETTINGS_OF_OTHERS.items() if setting != "stepsize"},
        "three_phase": "the papers' cycle has its own plateau at the end",
        "anneal_strategy": "the papers' cycle is linear only",
        "final_lr": "the papers' runs end at the base rate / final_div_factor",
        "then": "the papers' cycle has its own plateau at the end",
    },
    whole_steps=True,
    has_plateau=True,
    float32=True,  # the runs were made in Caffe
)
