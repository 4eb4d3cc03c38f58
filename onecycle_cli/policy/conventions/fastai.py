"""fastai: `Learner.fit_one_cycle` of fastai v2 (recorded in 2.8.12 while training).

Formula
    At the start of epoch k the position is k / epochs; after each batch 1 / (steps_per_epoch * epochs) is added, and
    each sum is rounded: epochs × steps matters, not T alone. The edges 0, p and p + (1 - p) are float32, and so is
    the position held against them. In a phase x = float32(position - edge) / float32(length), and from a to b it is
    a + (1 + cos(pi * (1 - x))) * (b - a) / 2 in float64. i = M / d; m = M / f: fastai's `div_final` divides the peak.
    Momentum goes max → base → final_momentum.

Defaults
    pct_start 0.25, div_factor 25, final_div_factor (`div_final`) 100,000, momenta 0.95, 0.85, 0.95.

Lacks
    linear, three_phase. m is never reached, the last position being (T - 1) / T; M only where a position equals p.
    A length in steps alone counts as one epoch.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.findings.plan_rules import NO_WARMUP
from onecycle_cli.policy.conventions.base import SETTINGS_OF_OTHERS, Convention, Defaults, longer_warmup
from onecycle_cli.policy.ramps import Phase, Ramp
from onecycle_cli.policy.running_sum import running_sum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.plan import Plan
    from onecycle_cli.policy.ramps import Number


@dataclass(frozen=True, slots=True)
class Clock:
    """fastai's position in the run, summed up batch by batch within each epoch."""

    epochs: int
    steps_per_epoch: int

    def position(self, step: Number) -> Number:
        """Give the position before a step, rounded to float32 as fastai rounds it."""
        epoch = step // self.steps_per_epoch
        batch = step - epoch * self.steps_per_epoch
        return single(running_sum(epoch / self.epochs, 1 / (self.steps_per_epoch * self.epochs), batch))


@dataclass(frozen=True, slots=True)
class FastaiRamp(Ramp):
    """Half a cosine wave over float32 positions: `edge` and `span` are fractions of the run here."""

    clock: Clock

    def progress(self, step: Number) -> Number:
        """Say how far into the phase a step is, in float32."""
        return single(single(self.clock.position(step) - self.edge) / self.span)

    def at(self, step: Number, cos: Callable[[Number], Number]) -> Number:
        """Give the value at a step, or at each of an array of steps."""
        return self.start + (1 + cos(math.pi * (1 - self.progress(step)))) * (self.end - self.start) / 2


def phases(plan: Plan) -> tuple[Phase, ...]:
    """Cut the cycle as fastai does, at a position."""
    clock = _clock(plan)
    edge = single(plan.pct_start)
    end = single(edge + single(1 - plan.pct_start))
    peak_step = _first_step_at(edge, clock, plan.total_steps)
    return (
        _phase("warm-up", plan, clock, (0, peak_step - 1), (0.0, edge)),
        _phase("anneal", plan, clock, (peak_step, plan.total_steps - 1), (edge, single(end - edge))),
    )


def check(plan: Plan) -> Iterator[Finding]:
    """Find a run without warm-up."""
    rise = plan.pct_start * plan.total_steps
    if rise < 1:
        words = f"pct_start × total_steps = {plan.pct_start!r} × {plan.total_steps:,} = {rise:.6g}, below 1"
        message = f"{words}: no step rises to the peak"
        yield NO_WARMUP.finding(message, longer_warmup(plan.total_steps), "pct_start")


def _clock(plan: Plan) -> Clock:
    per_epoch = plan.length.steps_per_epoch
    if per_epoch is None or per_epoch * plan.epochs < plan.total_steps:
        return Clock(1, plan.total_steps)
    return Clock(plan.epochs, per_epoch)


def _phase(name: str, plan: Plan, clock: Clock, steps: tuple[int, int], place: tuple[float, float]) -> Phase:
    lr, momentum = [], []
    for group in plan.groups:
        ends = (group.max_lr / plan.div_factor, group.max_lr)
        momenta = (group.max_momentum, group.base_momentum)
        if name == "anneal":
            final = group.max_lr / plan.final_div_factor if plan.final_lr is None else plan.final_lr
            ends, momenta = (group.max_lr, final), (group.base_momentum, group.final_momentum)
        lr.append(FastaiRamp(*ends, *place, clock))
        momentum.append(FastaiRamp(*momenta, *place, clock))
    return Phase(name, *steps, tuple(lr), tuple(momentum) if plan.cycle_momentum else ())


def _first_step_at(edge: float, clock: Clock, total: int) -> int:
    """Find the first step whose position is at or past an edge; `total` if there is none."""
    low, high = 0, total
    while low < high:
        middle = (low + high) // 2
        if clock.position(middle) >= edge:
            high = middle
        else:
            low = middle + 1
    return low


def single(value: Number) -> Number:
    """Round to float32, and give it as float64 again."""
    if isinstance(value, float):
        rounded: float = struct.unpack("f", struct.pack("f", value))[0]
        return rounded
    return value.astype("float32").astype("float64")


CONVENTION = Convention(
    name="fastai",
    framework="fastai",
    version="2.8.12",
    phases=phases,
    check=check,
    defaults=Defaults(pct_start=0.25, final_div_factor=1e5),
    unsupported={
        **{setting: reason for setting, reason in SETTINGS_OF_OTHERS.items() if setting != "final_momentum"},
        "three_phase": "fit_one_cycle has two phases only",
        "anneal_strategy": "fit_one_cycle has the cosine only",
    },
    final_divides_peak=True,
    positions_in_float32=True,
    sets_step_after_last=False,
    aliases={"final_div_factor": "div_final", "div_factor": "div"},
    classes=("fit_one_cycle",),
    modules=("fastai",),
)
