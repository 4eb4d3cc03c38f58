"""What follows a cycle: each segment begins at the rate and the momentum of the step before it, so that nothing jumps.

Formula
    A segment has the steps k … T-1, and its curve begins at step k-1, the last one of what comes before it, which may
    end there early. hold: the values of step k-1. anneal: from these to the final rate and momentum at step T-1.
    cycle: from these to the peak at the real step k-1 + p*(T-k), then to the final ones at step T-1.
    Between two values a segment moves as `anneal_strategy` says, in PyTorch's order of evaluation.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from onecycle_cli.formatting import join_words
from onecycle_cli.policy.ramps import RAMPS, Phase

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.policy.plan import Plan, Segment
    from onecycle_cli.policy.ramps import Ramp


def description(plan: Plan) -> str:
    """Return in words what follows a plan's cycle: anneal from step 400 and hold from step 1,500."""
    return join_words([f"{segment.shape} from step {segment.first_step:,}" for segment in plan.then])


def with_segments(plan: Plan, cycle: Sequence[Phase]) -> tuple[Phase, ...]:
    """Return a cycle's phases, cut where the first segment begins, and those of all segments.

    Raises:
        ValueError: a segment begins before the run's second step, or after the end of what comes before it.
    """
    ends = cycle[-1]
    found = [part for phase in cycle if (part := phase.within(plan.total_steps)).steps]
    for segment in plan.then:
        found = _until(found, segment.first_step)
        found += _phases(plan, segment, found[-1], ends)
    return tuple(found)


def _until(phases: Sequence[Phase], stop: int) -> list[Phase]:
    """Return the phases as far as a step, which is not in them any more."""
    kept = [phase for phase in phases if phase.first_step < stop]
    if not kept or kept[-1].last_step < stop - 1:
        raise ValueError(f"no step comes before step {stop}")
    if kept[-1].last_step >= stop:
        kept[-1] = replace(kept[-1], last_step=stop - 1, is_cut=True)
    return kept


def _phases(plan: Plan, segment: Segment, before: Phase, ends: Phase) -> list[Phase]:
    """Return the phases of a segment after another phase; the cycle's last phase says where an annealing ends."""
    last = segment.first_step - 1
    rates, momenta = ([ramp.at(last, math.cos) for ramp in ramps] for ramps in (before.lr, before.momentum))
    whole = float(segment.stop - segment.first_step)
    kind = RAMPS[plan.anneal_strategy]

    def phase(name: str, first: int, stop: int, edge: float, span: float, *values: Sequence[float]) -> Phase:
        lr_from, lr_to, momentum_from, momentum_to = values

        def ramps(begin: Sequence[float], end: Sequence[float]) -> tuple[Ramp, ...]:
            return tuple(kind(one, other, edge, span) for one, other in zip(begin, end, strict=True))

        return Phase(name, first, stop - 1, ramps(lr_from, lr_to), ramps(momentum_from, momentum_to))

    if segment.shape == "hold":
        return [phase("hold", last + 1, segment.stop, float(last), whole, rates, rates, momenta, momenta)]
    finals = [ramp.end if segment.final_lr is None else segment.final_lr for ramp in ends.lr]
    tops = [ramp.end for ramp in ends.momentum]
    if segment.shape == "anneal":
        return [phase("anneal", last + 1, segment.stop, float(last), whole, rates, finals, momenta, tops)]
    rise = segment.pct_start * whole
    turn = last + 1 + math.floor(rise)  # the first step after the peak
    lows = [group.base_momentum for group in plan.groups] if momenta else []
    return [
        phase("warm-up", last + 1, turn, float(last), rise, rates, segment.max_lr, momenta, lows),
        phase("anneal", turn, segment.stop, last + rise, whole - rise, segment.max_lr, finals, lows, tops),
    ]
