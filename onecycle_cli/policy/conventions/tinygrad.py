"""tinygrad: `OneCycleLR` of its extra/lr_scheduler.py (run under 0.14.0 with 64-bit floats, on the device PYTHON).

Formula
    Two straight lines. n < p*T: i + (M - i) * n / (p*T). Later: M + (m - M) * (n - p*T) / (T - p*T). So the peak comes
    at step p*T, between two steps if that is not whole, and m at n = T, after the last step.

Defaults
    None there: max_lr, div_factor, final_div_factor, total_steps and pct_start must be given. Here, PyTorch's.

Lacks
    Momentum, cos, three_phase, final_lr.

Known bugs
    Stepped past T the rate goes on falling, below 0. Under tinygrad's default 32-bit floats, and on devices that
    multiply and add at once, the values differ by a few ulp of the peak.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from onecycle_cli.findings.plan_rules import NO_WARMUP
from onecycle_cli.policy.conventions.base import (
    PHASE_NAMES,
    SETTINGS_OF_OTHERS,
    WITHOUT_MOMENTUM,
    Convention,
    Defaults,
    longer_warmup,
)
from onecycle_cli.policy.ramps import Phase, Ramp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.plan import Plan
    from onecycle_cli.policy.ramps import Number


class Slope(Ramp):
    """A straight line whose slope is one number: tinygrad divides by a constant by multiplying with 1 / it."""

    __slots__ = ()

    def at(self, step: Number, cos: Callable[[Number], Number]) -> Number:  # noqa: ARG002
        """Return the value at a step, or at each of an array of steps."""
        return (step - self.edge) * (1 / self.span * (self.end - self.start)) + self.start


def phases(plan: Plan) -> tuple[Phase, ...]:
    """Cut the cycle at the real p*T; a phase of length 0 has no steps."""
    total = plan.total_steps
    edge, rest = total * plan.pct_start, total * (1 - plan.pct_start)
    rise, fall = [], []
    for group in plan.groups:
        initial = group.max_lr / plan.div_factor
        rise.append(Slope(initial, group.max_lr, 0.0, edge or 1.0))
        fall.append(Slope(group.max_lr, initial / plan.final_div_factor, edge, rest or 1.0))
    first = min(math.ceil(edge), total)
    return Phase(PHASE_NAMES[0], 0, first - 1, tuple(rise), ()), Phase(
        PHASE_NAMES[1], first, total - 1, tuple(fall), ()
    )


def check(plan: Plan) -> Iterator[Finding]:
    """Find a cycle without a warm-up."""
    rise = plan.total_steps * plan.pct_start
    if rise < 1:
        message = f"pct_start × total_steps = {plan.pct_start!r} × {plan.total_steps:,} = {rise:.6g}, below 1"
        yield NO_WARMUP.finding(
            f"{message}: only step 0 can come before the peak", longer_warmup(plan.total_steps), "pct_start"
        )


CONVENTION = Convention(
    name="tinygrad",
    manual=__doc__,
    framework="tinygrad",
    version="0.14.0",
    phases=phases,
    check=check,
    defaults=Defaults(cycle_momentum=False, anneal_strategy="linear"),
    unsupported={
        **SETTINGS_OF_OTHERS,
        **WITHOUT_MOMENTUM,
        "three_phase": "tinygrad's cycle has only two phases",
        "anneal_strategy": "tinygrad's cycle is linear only",
        "final_lr": "tinygrad divides by final_div_factor; set that instead",
    },
    float32=True,
    modules=("tinygrad",),
)
