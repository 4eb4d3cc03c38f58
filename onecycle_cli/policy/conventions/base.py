"""What a convention is: one framework's arithmetic, defaults and traits, as values declared in a module of its own.

Other modules ask a `Convention` for its traits and never compare its name. This module also has what PyTorch's
scheduler and its copies share: phases that end at real steps. A phase begins where the one before ends; a step belongs
to the first phase that ends at or after it. They differ in divisors, in the final learning rate, and in momentum.

To add a convention, write a module with its `CONVENTION`, add its line to the registry in `__init__`, and record
values of the framework in tests/data/golden.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from onecycle_cli.findings.plan_rules import EMPTY_PHASE, NO_ROOM_TO_ANNIHILATE, NO_WARMUP, WARMUP_OF_ONE
from onecycle_cli.policy.ramps import RAMPS, Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.plan import Plan

PHASE_NAMES = ("warm-up", "anneal", "annihilation")

SETTINGS_OF_OTHERS = {
    "final_momentum": "OneCycleLR ends at max_momentum",
    "pct_final": "only optax-linear and deepspeed have a second boundary",
    "stepsize": "only smith has a half cycle length",
}
"""The settings that a single convention has, and all others do not support."""

WITHOUT_MOMENTUM = dict.fromkeys(
    ("cycle_momentum", "base_momentum", "max_momentum", "final_momentum"),
    "the framework's scheduler does not change momentum",
)
"""The settings that a convention does not support if it moves the learning rate alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """A convention's own values for settings that are not given; the values here are PyTorch's (2.13).

    `final_lr` is used in place of `final_div_factor` where it is not None; `final_momentum` None means max_momentum.
    """

    pct_start: float = 0.3
    anneal_strategy: str = "cos"
    three_phase: bool = False
    cycle_momentum: bool = True
    base_momentum: float = 0.85
    max_momentum: float = 0.95
    final_momentum: float | None = None
    div_factor: float = 25.0
    final_div_factor: float = 1e4
    final_lr: float | None = None
    pct_final: float = 0.85


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """One framework's arithmetic, defaults and traits.

    Attributes:
        name: the value of the setting `convention`.
        manual: its page: formula, framework and version, defaults, and what is not supported.
        framework: whose arithmetic it is, as a sentence names it.
        version: the version that was read or run; empty where there is none.
        phases: cuts the cycle of a plan into phases with their ramps, in order, covering the steps 0 … T-1. Raises
            ZeroDivisionError where the framework's arithmetic divides by zero.
        check: finds what the framework fails on, or gets wrong, in a plan.
        defaults: the framework's own values.
        unsupported: the settings that the framework does not have, each with the reason.
        ends_at_last_step: the final rate comes at step T-1, the last one trained; otherwise at step T, after it.
        whole_steps: phases change at whole steps, int(p*T); otherwise at the real p*T.
        holds_final: the schedule can be asked beyond the cycle and gives the final rate there.
        has_plateau: the run ends in a flat part of its own, after a cycle of 2 * `stepsize` steps.
        is_fitted: `fit` looks for its curve in logs.
        takes_length: the length of the run is an argument of its schedule.
        final_divides_peak: final_div_factor divides the peak, not the initial rate.
        float32: runs of the framework compute the learning rate in float32.
        raises_past_end: the scheduler raises ValueError when it is stepped past the end of the cycle.
        restores_length: the scheduler's saved state has its length, so that one made with another length and loaded
            from it has the old one.
        checks_types: the scheduler refuses an integer where it wants a float, and the other way round.
        counts_in_epochs: a config counts the length in epochs, and the scheduler steps per epoch, unless it says
            `by_epoch: false` or asks for a conversion into steps.
        steps_by_batch: the framework's own training loop steps the scheduler after every batch.
        scaled_by: the key under which a config lets the framework scale the optimizer's learning rate by the batch
            size, which does not scale the schedule's peak; empty where there is none.
        computes_like: the convention that gives the same rates from the same numbers, apart from rounding.
        aliases: the framework's own names for our settings, where they differ.
        classes: the classes and functions by which configs name the framework's scheduler and no other.
        modules: the Python packages whose one-cycle classes are the framework's.
        arguments: by name, arguments of its scheduler that are a setting of ours, and to other schedulers are not.
        signature: the arguments that together only this framework's scheduler has.
        class_keys: the keys under which only this framework's configs name the scheduler.
        removed: arguments that the scheduler no longer has, by name, each with the release that removed it.
        ignored_keys: the keys beside the scheduler's settings that have no effect on it.
    """

    name: str
    manual: str | None = None
    framework: str
    version: str = ""
    phases: Callable[[Plan], tuple[Phase, ...]]
    check: Callable[[Plan], Iterator[Finding]]
    defaults: Defaults = Defaults()
    unsupported: Mapping[str, str] = field(default_factory=dict)
    ends_at_last_step: bool = False
    whole_steps: bool = False
    holds_final: bool = False
    has_plateau: bool = False
    is_fitted: bool = True
    takes_length: bool = True
    final_divides_peak: bool = False
    float32: bool = False
    raises_past_end: bool = False
    restores_length: bool = False
    checks_types: bool = False
    counts_in_epochs: bool = False
    steps_by_batch: bool = False
    scaled_by: str = ""
    computes_like: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    arguments: Mapping[str, str] = field(default_factory=dict)
    signature: tuple[str, ...] = ()
    class_keys: tuple[str, ...] = ()
    removed: Mapping[str, str] = field(default_factory=dict)
    ignored_keys: tuple[str, ...] = ()

    def supports(self, setting: str) -> bool:
        """Return whether the framework has a setting."""
        return setting not in self.unsupported

    @property
    def title(self) -> str:
        """The framework with its version."""
        return f"{self.framework} {self.version}".rstrip()

    @property
    def final_is_fixed(self) -> bool:
        """Whether the final learning rate follows from the initial one, by the default final_div_factor."""
        return not self.supports("final_div_factor") and not self.supports("final_lr")

    @property
    def final_is_absolute(self) -> bool:
        """Whether the final learning rate is given as itself only, as final_lr."""
        return not self.supports("final_div_factor") and self.supports("final_lr")


def cut(plan: Plan, ends: tuple[float, ...], spans: tuple[float, ...] = ()) -> tuple[Phase, ...]:
    """Return phases that end at real steps; `spans` are their lengths if they are not the difference of ends.

    Raises:
        ZeroDivisionError: the warm-up has length 0.
    """
    starts = (0.0, *ends[:-1])
    spans = spans or tuple(end - start for start, end in zip(starts, ends, strict=True))
    if spans[0] == 0:
        raise ZeroDivisionError
    rates, momenta = [], []
    for group in plan.groups:
        initial = group.max_lr / plan.div_factor
        final = initial / plan.final_div_factor if plan.final_lr is None else plan.final_lr
        rates.append([initial, group.max_lr, *[initial] * (len(ends) - 2), final])
        if plan.cycle_momentum:
            momenta.append([group.max_momentum, group.base_momentum, *[group.max_momentum] * (len(ends) - 1)])
    ramp, end_step = RAMPS[plan.anneal_strategy], plan.total_steps - 1
    found, first = [], 0
    for at, (start, end, span) in enumerate(zip(starts, ends, spans, strict=True)):
        last = end_step
        if at < len(ends) - 1:  # the last whole step at or before the real end, within the cycle
            last = max(first - 1, -1 if math.isnan(end) else math.floor(min(max(end, -1.0), float(end_step))))
        lr = tuple(ramp(corners[at], corners[at + 1], start, span) for corners in rates)
        momentum = tuple(ramp(corners[at], corners[at + 1], start, span) for corners in momenta)
        found.append(Phase(PHASE_NAMES[at], first, last, lr, momentum))
        first = last + 1
    return tuple(found)


def fraction_of(step: int, total: int) -> float:
    """Return a fraction of a length that is cut off to a whole step."""
    fraction = step / total if total else 0.0
    return fraction if int(fraction * total) == step else math.nextafter(fraction, math.inf)


def torch_ends(plan: Plan) -> tuple[float, ...]:
    """Return the real steps at which PyTorch's phases end."""
    warmup_end = float(plan.pct_start * plan.total_steps) - 1
    last = float(plan.total_steps - 1)
    if not plan.three_phase:
        return warmup_end, last
    return warmup_end, float(2 * plan.pct_start * plan.total_steps) - 2, last


def check_warmup(plan: Plan) -> Iterator[Finding]:
    """Check what pct_start × total_steps leaves of the phases."""
    pct, total = plan.pct_start, plan.total_steps
    if plan.three_phase and pct > 0.5:
        yield NO_ROOM_TO_ANNIHILATE.finding(
            f"three_phase with pct_start {pct!r}: the warm-up and its mirror image take 2 × {pct!r} = {2 * pct:.4g} "
            "of the cycle and leave no steps for the annihilation",
            "set pct_start to 0.5 or less",
            "pct_start",
        )
    rise = pct * total
    words = f"pct_start × total_steps = {pct!r} × {total:,} = {rise:.6g}"
    if rise == 1:
        yield WARMUP_OF_ONE.finding(f"{words} exactly: the warm-up has length 0", longer_warmup(total), "pct_start")
    elif plan.three_phase and pct <= 0.5 and math.floor(2 * rise - 2) <= math.floor(max(rise - 1, -1.0)):
        message = f"{words}: the anneal phase, from step {rise - 1:.4g} to {2 * rise - 2:.4g}, contains no steps"
        yield EMPTY_PHASE.finding(message, longer_warmup(total), "pct_start")
    elif rise < 1 and not plan.three_phase:
        yield NO_WARMUP.finding(f"{words}, below 1: no steps come before the peak", longer_warmup(total), "pct_start")


def longer_warmup(total: int) -> str:
    """Return the hint for a pct_start that leaves too short a warm-up."""
    if total < 4:
        return "set total_steps to the number of optimizer updates, not of epochs"
    least = math.ceil(2000 / total) / 1000 if total <= 2000 else float(f"{2.01 / total:.2e}")
    return f"set pct_start to {least!r} or more"
