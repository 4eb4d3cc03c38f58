"""deepspeed: DeepSpeed's `OneCycle` (run in 0.19.8).

Formula
    The rate rises from i to M at step a = int(p*T), is back at i at step b = int(q*T), q is `pct_final`, and then
    falls as i / (1 + r * (n - b)), to m = i / f at n = T, after the last step. With x = (1 + n / b) - 1 and h = a / b:
    i + (M - i) * x / h up to h, then i + (M - i) * (x - 1) / (h - 1). Momentum moves as
    max - (max - base) * the same share, and stays at max after b.
    a is `cycle_first_step_size`, b that plus `cycle_second_step_size`, i `cycle_min_lr`, M `cycle_max_lr`, r is
    `decay_lr_rate / decay_step_size`.

Defaults
    base_momentum 0.8, max_momentum 0.9, no decay: final_div_factor 1. DeepSpeed counts in steps, 2,000 up and as many
    down, and its rates must be given; here pct_start 0.45, pct_final 0.9, div_factor 10.

Lacks
    cos, three_phase (it always has three), final_lr. `decay_mom_rate` and stairs (`cycle_first_stair_count`, which has
    an effect from July 2026 on) are not computed.

Known bugs
    At step 0 momentum is at base: it jumps to max at step 1. Without betas (SGD), momentum is left alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.findings.plan_rules import EMPTY_PHASE
from onecycle_cli.policy.conventions.base import PHASE_NAMES, SETTINGS_OF_OTHERS, Convention, Defaults, longer_warmup
from onecycle_cli.policy.ramps import LinearRamp, Phase, Ramp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.plan import Plan
    from onecycle_cli.policy.ramps import Number


@dataclass(frozen=True, slots=True)
class Side(Ramp):
    """One side of a cycle of `cycle` steps, of which `share` is the rise, from `low` to `high`."""

    low: float
    high: float
    cycle: int
    share: float
    rises: bool

    def height(self, step: Number) -> Number:
        """Return how far above `low` a rate is."""
        x = 1.0 + step / self.cycle - 1
        return (self.high - self.low) * (x / self.share if self.rises else (x - 1) / (self.share - 1))

    def at(self, step: Number, cos: Callable[[Number], Number]) -> Number:  # noqa: ARG002
        """Return the value at a step, or at each of an array of steps."""
        return self.low + self.height(step)


class MomentumSide(Side):
    """The same side of momentum, which goes down from `high`; at step 0 DeepSpeed leaves it at `low`."""

    __slots__ = ()

    def at(self, step: Number, cos: Callable[[Number], Number]) -> Number:  # noqa: ARG002
        """Return the value at a step, or at each of an array of steps."""
        found: Number = (step == 0) * self.low + (step != 0) * (self.high - self.height(step))
        return found


@dataclass(frozen=True, slots=True)
class Decay(Ramp):
    """A hyperbola: `start` is divided by 1 + `rate` times the share of `span` that is over."""

    rate: float

    def at(self, step: Number, cos: Callable[[Number], Number]) -> Number:  # noqa: ARG002
        """Return the value at a step, or at each of an array of steps."""
        return self.start / (1 + self.rate * self.progress(step))


def phases(plan: Plan) -> tuple[Phase, ...]:
    """Cut the run into the rise, the fall and the decay, at whole steps."""
    total = plan.total_steps
    rise, cycle = int(plan.pct_start * total), int(plan.pct_final * total)
    if not 0 < rise <= cycle:
        raise ZeroDivisionError
    share = rise / cycle
    up: tuple[list[Ramp], list[Ramp]] = [], []
    down: tuple[list[Ramp], list[Ramp]] = [], []
    after: tuple[list[Ramp], list[Ramp]] = [], []
    for group in plan.groups:
        low, high, factor = group.max_lr / plan.div_factor, group.max_lr, plan.final_div_factor
        up[0].append(Side(low, high, 0.0, rise, low, high, cycle, share, rises=True))
        down[0].append(Side(high, low, rise, cycle - rise, low, high, cycle, share, rises=False))
        after[0].append(Decay(low, low / factor, cycle, max(total - cycle, 1), factor - 1))
        if plan.cycle_momentum:
            low, high = group.base_momentum, group.max_momentum
            up[1].append(MomentumSide(high, low, 0.0, rise, low, high, cycle, share, rises=True))
            down[1].append(MomentumSide(low, high, rise, cycle - rise, low, high, cycle, share, rises=False))
            after[1].append(LinearRamp(high, high, cycle, max(total - cycle, 1)))
    # The step of the peak is on the side on which DeepSpeed's rounding puts it.
    top = rise if 1.0 + rise / cycle - 1 <= share and rise < cycle else rise - 1
    bounds = (0, top), (top + 1, cycle - 1), (cycle, total - 1)
    sides = zip(PHASE_NAMES, bounds, (up, down, after), strict=True)
    return tuple(Phase(name, *bound, tuple(rates), tuple(momenta)) for name, bound, (rates, momenta) in sides)


def check(plan: Plan) -> Iterator[Finding]:
    """Find a cycle without a rise, and one that is over before its peak."""
    total = plan.total_steps
    if not (0 <= plan.pct_start <= 1 and 0 <= plan.pct_final <= 1):
        return
    rise, cycle = int(plan.pct_start * total), int(plan.pct_final * total)
    if rise == 0:
        message = f"pct_start {plan.pct_start!r} of {total:,} steps: the rise has no steps, which DeepSpeed refuses"
        yield EMPTY_PHASE.finding(message, longer_warmup(total), "pct_start")
    elif cycle < rise:
        message = f"the cycle ends at step {cycle:,} of {total:,}, before its peak at step {rise:,}"
        yield EMPTY_PHASE.finding(message, f"set pct_final above pct_start, {plan.pct_start!r}", "pct_final")


CONVENTION = Convention(
    name="deepspeed",
    manual=__doc__,
    framework="DeepSpeed",
    version="0.19.8",
    phases=phases,
    check=check,
    defaults=Defaults(
        pct_start=0.45,
        pct_final=0.9,
        anneal_strategy="linear",
        base_momentum=0.8,
        max_momentum=0.9,
        div_factor=10.0,
        final_div_factor=1.0,
    ),
    unsupported={
        **{setting: reason for setting, reason in SETTINGS_OF_OTHERS.items() if setting != "pct_final"},
        "three_phase": "DeepSpeed's schedule always has three phases, with edges at pct_start and pct_final",
        "anneal_strategy": "DeepSpeed's cycle is linear only",
        "final_lr": "DeepSpeed's rate decays from the initial one; set final_div_factor",
    },
    whole_steps=True,
    is_fitted=False,
    takes_length=False,
    arguments={"last_batch_iteration": "last_epoch"},
    aliases={"max_lr": "cycle_max_lr", "base_momentum": "cycle_min_mom", "max_momentum": "cycle_max_mom"},
)
