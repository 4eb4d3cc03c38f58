"""openpcdet: the `adam_onecycle` of OpenPCDet and of second.pytorch before it (run).

Det3D's `one_cycle` and Paddle3D's `OneCycle` and `OneCycleWarmupDecayLr` are the same arithmetic (read).

Formula
    a = int(p*T). A step n < a has x = n / a on the way i → M, a later one x = (n - a) / (T - a) on the way M → m,
    with i = M / div_factor and m = i / 10,000. Cosine only. Momentum goes `MOMS[0]` → `MOMS[1]` → `MOMS[0]`.

Defaults
    pct_start 0.3, div_factor 25, max_momentum 0.95, base_momentum 0.85 (its configs set 0.4 and 10).

Lacks
    linear, three_phase, another final_div_factor than 10,000. m would come at n = T and is never trained with.

Known bugs
    It fails where int(p*T) is 0. LR_CLIP, LR_DECAY and DECAY_STEP_LIST of its configs do not act on it, but
    DECAY_STEP_LIST must be there: `build_scheduler` reads it before it looks at the scheduler's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.findings.plan_rules import EMPTY_PHASE
from onecycle_cli.policy.conventions.base import SETTINGS_OF_OTHERS, Convention, longer_warmup
from onecycle_cli.policy.ramps import CosineRamp, Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.plan import Plan


def phases(plan: Plan) -> tuple[Phase, ...]:
    """Cut the cycle as OpenPCDet does, at a whole step. Raises ZeroDivisionError if the warm-up has no steps."""
    rise = int(plan.pct_start * plan.total_steps)
    if rise == 0:
        raise ZeroDivisionError
    fall = plan.total_steps - rise
    up, down, momentum_down, momentum_up = [], [], [], []
    for group in plan.groups:
        initial = group.max_lr / plan.div_factor
        up.append(CosineRamp(initial, group.max_lr, 0.0, rise))
        down.append(CosineRamp(group.max_lr, initial / CONVENTION.defaults.final_div_factor, rise, fall))
        if plan.cycle_momentum:
            momentum_down.append(CosineRamp(group.max_momentum, group.base_momentum, 0.0, rise))
            momentum_up.append(CosineRamp(group.base_momentum, group.max_momentum, rise, fall))
    return (
        Phase("warm-up", 0, rise - 1, tuple(up), tuple(momentum_down)),
        Phase("anneal", rise, plan.total_steps - 1, tuple(down), tuple(momentum_up)),
    )


def check(plan: Plan) -> Iterator[Finding]:
    """Find a warm-up without steps, on which OpenPCDet fails."""
    rise = plan.pct_start * plan.total_steps
    if int(rise) == 0:
        yield EMPTY_PHASE.finding(
            f"pct_start × total_steps = {plan.pct_start!r} × {plan.total_steps:,} = {rise:.6g}: OpenPCDet fails on a "
            "warm-up without steps",
            longer_warmup(plan.total_steps),
            "pct_start",
        )


CONVENTION = Convention(
    name="openpcdet",
    manual=__doc__,
    framework="OpenPCDet",
    phases=phases,
    check=check,
    unsupported={
        **SETTINGS_OF_OTHERS,
        "three_phase": "adam_onecycle has only two phases",
        "anneal_strategy": "adam_onecycle anneals only with a cosine",
        "final_div_factor": "adam_onecycle always ends at the initial learning rate / 10,000",
        "final_lr": "adam_onecycle always ends at the initial learning rate / 10,000",
    },
    whole_steps=True,
    steps_by_batch=True,
    computes_like="optax",
    classes=("adam_onecycle", "OneCycleWarmupDecayLr"),
    arguments={"total_step": "total_steps", "step_ratio_peak": "pct_start", "lr_ratio_peak": "div_factor"},
    signature=("lr_max", "moms"),
    ignored_keys=("MOMENTUM", "LR_DECAY", "LR_CLIP", "LR_WARMUP", "WARMUP_EPOCH"),
)
