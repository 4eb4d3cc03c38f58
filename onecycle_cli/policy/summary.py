"""What a person asks of a schedule first: where it starts, peaks and ends, in the time of a few look-ups."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onecycle_cli.policy.schedule import Schedule


@dataclass(frozen=True, slots=True)
class GroupSummary:
    """One parameter group's telling values, all of them values that a step trains with.

    `peak_lr` is the highest learning rate of any step, `peak_step` the first step that has it; the momenta are
    None where momentum is not cycled.
    """

    name: str
    initial_lr: float
    peak_lr: float
    peak_step: int
    final_lr: float
    initial_momentum: float | None
    lowest_momentum: float | None
    final_momentum: float | None


def edge_steps(schedule: Schedule) -> list[int]:
    """Give the first and last steps of all phases, in order; every extreme value is at one of them."""
    edges = {step for phase in schedule.phases for step in (phase.first_step, phase.last_step)}
    return sorted(edges)


def summarize(schedule: Schedule, group: int) -> GroupSummary:
    """Summarize one parameter group over the whole cycle, also where part of it is behind us."""
    edges = edge_steps(schedule)
    rates = [schedule.lr(step, group) for step in edges]
    momenta = [value for step in edges if (value := schedule.momentum(step, group)) is not None]
    peak = max(rates)
    return GroupSummary(
        name=schedule.groups[group],
        initial_lr=rates[0],
        peak_lr=peak,
        peak_step=edges[rates.index(peak)],
        final_lr=rates[-1],
        initial_momentum=momenta[0] if momenta else None,
        lowest_momentum=min(momenta) if momenta else None,
        final_momentum=momenta[-1] if momenta else None,
    )


def peak_is_reached(schedule: Schedule) -> bool:
    """Say whether a step trains with max_lr or more; that the arithmetic rounds does not count."""
    highest, peak = max(map(schedule.lr, edge_steps(schedule))), schedule.plan.groups[0].max_lr
    return highest >= peak or math.isclose(highest, peak, rel_tol=1e-12)


def warmup_steps(schedule: Schedule) -> int:
    """Count the steps of the warm-up."""
    return sum(phase.steps for phase in schedule.phases if phase.name == "warm-up")
