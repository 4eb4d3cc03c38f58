"""How closely a framework's own scheduler matches a plan: its arithmetic with the plan's numbers, beside the plan."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from onecycle_cli.formatting import format_number
from onecycle_cli.policy.conventions import CONVENTIONS
from onecycle_cli.policy.schedule import Schedule, schedule_of
from onecycle_cli.policy.summary import edge_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.policy.conventions.base import Convention
    from onecycle_cli.policy.plan import Plan
    from onecycle_cli.policy.ramps import Phase

SAMPLE = 4000
"""Values that are compared, beside those at the phases' edges."""

ROUNDING = 1e-12
"""Of the peak: a smaller difference is rounding. A few dozen float64 operations stay below it, real ones above."""

FAILS = "divides by zero with these numbers"
"""The remark on a scheduler that cannot compute the plan."""


@dataclass(frozen=True, slots=True)
class Match:
    """A framework's schedule compared with the plan's.

    Attributes:
        schedule: the framework's.
        same: whether both have the same phases and ramps.
        step: where the learning rates differ most, by `here` and `planned`.
        last_here: the last learning rate, `last_planned` in the plan.
        close: whether they differ by rounding only, or not at all.
    """

    schedule: Schedule
    same: bool
    step: int
    here: float
    planned: float
    last_here: float
    last_planned: float
    close: bool

    def remark(self, name: str, *, used: bool = True) -> str:
        """Return how the scheduler of this name differs, used or not; empty if it does not."""
        if self.same:
            return ""
        if self.close:
            return f"{name} differs from the plan by {abs(self.here - self.planned):.1e} at the most."
        found = []
        if not math.isclose(self.last_here, self.last_planned, rel_tol=1e-6):
            found.append(("the last learning rate", self.last_here, self.last_planned))
        if self.here != self.planned and self.step != self.schedule.total_steps - 1:
            found.append((f"the learning rate of step {self.step}", self.here, self.planned))
        where = "here" if used else "there"
        parts = [f"{what} is {format_number(a)} {where}, {format_number(b)} in the plan" for what, a, b in found]
        numbers = f": {', '.join(parts)}." if parts else "."
        return f"{name} {'does' if used else 'is not used: it would'} not follow the plan exactly{numbers}"


def match_scheduler(
    planned: Schedule, name: str, *, momentum: bool = True, tolerance: float = ROUNDING
) -> Match | None:
    """Compare a plan with the schedule that a convention computes from its numbers.

    Without `momentum`, only the learning rate is compared; a difference below `tolerance` of the peak is rounding.
    None where the framework cannot compute it, divides by zero when the loop asks once more at the end, or has one
    cycle where the plan has more.
    """
    if planned.plan.then:
        return None
    convention = CONVENTIONS[name]
    plan = _translate(planned, convention)
    if convention.ends_at_last_step and plan.pct_start == 1:
        return None  # the step that a loop takes past the end divides by the anneal phase's length, 0
    if not momentum:
        plan = replace(plan, cycle_momentum=False)
    own = schedule_of(plan)
    return None if own is None else compare_schedules(planned, own, momentum=momentum, tolerance=tolerance)


def why_not(match: Match | None, name: str, planned: Schedule) -> str:
    """Return why the scheduler of this name is not used for a plan."""
    if planned.plan.then:
        return f"{name} is not used: it has one cycle, and the plan goes on after it."
    return f"{name} is not used: it {FAILS}." if match is None else match.remark(name, used=False)


def compare_schedules(planned: Schedule, own: Schedule, *, momentum: bool = True, tolerance: float = ROUNDING) -> Match:
    """Compare a plan with another schedule of its length and groups."""
    last = planned.total_steps - 1
    ends = own.lr(last), planned.lr(last)
    same = _ramps(planned.phases, momentum=momentum) == _ramps(own.phases, momentum=momentum)
    if same:
        return Match(own, same, 0, own.lr(0), planned.lr(0), *ends, close=True)
    import numpy as np

    groups = range(len(planned.groups))
    spread = range(0, planned.total_steps, max(1, planned.total_steps * len(groups) // SAMPLE))
    steps = np.array(sorted({*edge_steps(planned), *edge_steps(own), *spread}), np.int64)
    rates = [(own.lr(steps, group), planned.lr(steps, group)) for group in groups]
    gaps = np.column_stack([np.abs(a - b) for a, b in rates])
    at, widest = divmod(int(gaps.argmax()), len(groups))
    here, there = rates[widest]
    peak = max(group.max_lr for group in planned.plan.groups)
    close = bool((gaps <= tolerance * peak).all())
    if momentum:
        momenta = [(planned.momentum(steps, group), own.momentum(steps, group)) for group in groups]
        agree = all(a is None or b is None or bool((np.abs(a - b) <= tolerance).all()) for a, b in momenta)
        close = close and agree and planned.cycles_momentum == own.cycles_momentum
    return Match(own, same, int(steps[at]), float(here[at]), float(there[at]), *ends, close)


def relative_difference(planned: Schedule, own: Schedule) -> float:
    """Return by how much of the planned value another schedule of its length and groups differs at the most."""
    groups = range(len(planned.groups))
    spread = range(0, planned.total_steps, max(1, planned.total_steps * len(groups) // SAMPLE))
    steps = sorted({*edge_steps(planned), *edge_steps(own), *spread})
    pairs = [(own.lr(step, group), planned.lr(step, group)) for step in steps for group in groups]
    for step in steps:
        momenta = [(own.momentum(step, group), planned.momentum(step, group)) for group in groups]
        pairs += [(a, b) for a, b in momenta if a is not None and b is not None]
    return max((abs(a - b) / abs(b) if b else math.inf) if a != b else 0.0 for a, b in pairs)


def _translate(planned: Schedule, convention: Convention) -> Plan:
    """Return a plan with a framework's settings, as close as it has them."""
    plan, defaults = planned.plan, convention.defaults
    last = planned.phases[-1].lr[0].end
    peak = plan.groups[0].max_lr
    divided = peak if convention.final_divides_peak else peak / plan.div_factor
    return replace(
        plan,
        convention=convention,
        three_phase=plan.three_phase and convention.supports("three_phase"),
        anneal_strategy=plan.anneal_strategy if convention.supports("anneal_strategy") else defaults.anneal_strategy,
        cycle_momentum=planned.cycles_momentum and convention.supports("cycle_momentum"),
        final_lr=last if convention.final_is_absolute else None,
        final_div_factor=divisor(divided, last, plan.final_div_factor),
    )


def divisor(dividend: float, wanted: float, guess: float) -> float:
    """Return what a number is to be divided by to give another, in every bit if there is such a divisor."""
    if math.isclose(dividend / guess, wanted, rel_tol=1e-12):
        return guess
    if wanted == 0:
        return math.inf
    near = dividend / wanted
    if not 0 < near < math.inf:
        return guess
    candidates = [near, math.nextafter(near, 0), math.nextafter(near, math.inf)]
    return next((number for number in candidates if dividend / number == wanted), near)


def _ramps(phases: Sequence[Phase], *, momentum: bool) -> list[object]:
    return [(phase.first_step, phase.last_step, phase.lr, phase.momentum if momentum else ()) for phase in phases]
