"""optax: `optax.cosine_onecycle_schedule` (run in 0.2.8 under 64-bit JAX).

Formula
    The rate is i at step 0, M at the whole step e = int(p*T) and m at T, half a cosine between them. The values at
    the edges are cumulative products: i = M / d, then i * d, then that times 1 / (d * f). x = (n - edge) / length.

Defaults
    pct_start 0.3, div_factor 25, final_div_factor 10,000.

Lacks
    Momentum, linear (see optax-linear), three_phase. A schedule has T + 1 points: m comes at n = T and is never
    trained with.

Known bugs
    Edges that fall on the same step lose one of them: p = 1 never warms up, int(p*T) = 0 starts at M. Under JAX's
    default 32-bit floats the values differ by up to 4 ulp of float32.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from operator import mul
from typing import TYPE_CHECKING

from onecycle_cli.findings.plan_rules import EMPTY_PHASE
from onecycle_cli.policy.conventions.base import (
    PHASE_NAMES,
    SETTINGS_OF_OTHERS,
    WITHOUT_MOMENTUM,
    Convention,
    Defaults,
    longer_warmup,
)
from onecycle_cli.policy.ramps import CosineRamp, Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.plan import Plan
    from onecycle_cli.policy.ramps import Ramp


def phases(plan: Plan) -> tuple[Phase, ...]:
    """Cut the cycle as optax does, at a whole step."""
    peak_step = int(plan.pct_start * plan.total_steps)
    last_factor = 1.0 / (plan.div_factor * plan.final_div_factor)
    return join(plan, CosineRamp, {peak_step: plan.div_factor, plan.total_steps: last_factor})


def check(plan: Plan) -> Iterator[Finding]:
    """Find edges that fall on the same step."""
    yield from check_edges(plan, {"pct_start": plan.pct_start})


def join(plan: Plan, ramp: type[Ramp], factors: dict[int, float]) -> tuple[Phase, ...]:
    """Join ramps between the initial rate and its cumulative products with the factors, by the step they come at.

    As in optax, of factors at the same step the last one holds, and one at step 0 acts at once.
    """
    edges = sorted(factors)
    in_order = [factors[edge] for edge in edges]
    corners = [list(accumulate([group.max_lr / plan.div_factor, *in_order], mul)) for group in plan.groups]
    found = []
    for at, (begin, end) in enumerate(pairwise([0, *edges])):
        ramps = tuple(ramp(rates[at], rates[at + 1], begin, max(end - begin, 1)) for rates in corners)
        found.append(Phase(PHASE_NAMES[at], begin, end - 1, ramps, ()))
    return tuple(found)


def check_edges(plan: Plan, edges: dict[str, float]) -> Iterator[Finding]:
    """Find edges, given as fractions of the cycle by setting, of which two, or one and an end, fall on a step."""
    if not all(0 <= fraction <= 1 for fraction in edges.values()):
        return
    before, named = 0, "pct_start"
    for setting, fraction in {**edges, "": 1.0}.items():
        here, named = int(fraction * plan.total_steps), setting or named
        if here <= before:
            yield EMPTY_PHASE.finding(
                f"{named} {edges[named]!r} of {plan.total_steps:,} steps: two edges on step {here:,}; "
                + (
                    "optax before 0.2.7 gives NaN at every step, later versions start at the peak"
                    if here == 0
                    else "optax drops one"
                ),
                longer_warmup(plan.total_steps) if here == 0 else f"set {named} to another value",
                named,
            )
        before = here


CONVENTION = Convention(
    name="optax",
    manual=__doc__,
    framework="optax",
    version="0.2.8",
    phases=phases,
    check=check,
    defaults=Defaults(cycle_momentum=False),
    unsupported={
        **SETTINGS_OF_OTHERS,
        **WITHOUT_MOMENTUM,
        "three_phase": "optax's schedule has only two phases",
        "final_lr": "optax divides by final_div_factor; set that instead",
        "anneal_strategy": "this schedule is always a cosine; set convention to optax-linear",
    },
    whole_steps=True,
    holds_final=True,
    float32=True,  # JAX's default
    aliases={"total_steps": "transition_steps", "max_lr": "peak_value"},
    classes=("cosine_onecycle_schedule",),
    modules=("optax",),
)
