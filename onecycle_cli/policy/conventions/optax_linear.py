"""optax-linear: `optax.linear_onecycle_schedule` (run in 0.2.8 under 64-bit JAX).

Formula
    Straight lines from i at step 0 to M at int(p*T), back to i at int(q*T), and on to i / f at T, where q is
    `pct_final`. The values at the edges are cumulative products: i, times d, times 1 / d, times 1 / f.

Defaults
    pct_start 0.3, pct_final 0.85, div_factor 25, final_div_factor 10,000.

Lacks
    Momentum, cos (see optax), three_phase (it always has three). i / f comes at n = T and is never trained with.

Known bugs
    Edges that fall on the same step lose one of them, as in optax.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from onecycle_cli.findings.plan_rules import EMPTY_PHASE
from onecycle_cli.policy.conventions import optax
from onecycle_cli.policy.conventions.base import Defaults
from onecycle_cli.policy.ramps import LinearRamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.plan import Plan
    from onecycle_cli.policy.ramps import Phase


def phases(plan: Plan) -> tuple[Phase, ...]:
    """Cut the cycle as optax does, at whole steps."""
    total = plan.total_steps
    factors = {
        int(plan.pct_start * total): plan.div_factor,
        int(plan.pct_final * total): 1.0 / plan.div_factor,
        total: 1.0 / plan.final_div_factor,
    }
    return optax.join(plan, LinearRamp, factors)


def check(plan: Plan) -> Iterator[Finding]:
    """Find edges in the wrong order, or on the same step."""
    start, final, total = plan.pct_start, plan.pct_final, plan.total_steps
    if 0 <= final < start <= 1 and int(final * total) < int(start * total):
        by_default = final == plan.convention.defaults.pct_final
        yield EMPTY_PHASE.finding(
            f"pct_final {final!r} is before pct_start {start!r}: optax takes the edges in order, so the learning rate "
            "falls below its initial value, then rises back to it, and never reaches the peak",
            f"set pct_start below {final!r}" if by_default else f"set pct_final above {start!r}",
            "pct_start" if by_default else "pct_final",
        )
        return
    yield from optax.check_edges(plan, {"pct_start": start, "pct_final": final})


CONVENTION = replace(
    optax.CONVENTION,
    name="optax-linear",
    manual=__doc__,
    phases=phases,
    check=check,
    defaults=Defaults(cycle_momentum=False, anneal_strategy="linear"),
    unsupported={
        **{setting: reason for setting, reason in optax.CONVENTION.unsupported.items() if setting != "pct_final"},
        "three_phase": "the linear schedule always has three phases, with edges at pct_start and pct_final",
        "anneal_strategy": "this schedule is always linear; set convention to optax",
    },
    classes=("linear_onecycle_schedule",),
    modules=(),
)
