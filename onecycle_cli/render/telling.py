"""Which steps tell most of a schedule, where a person asks for none in particular."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.policy.summary import edge_steps, summarize

if TYPE_CHECKING:
    from onecycle_cli.policy.schedule import Schedule

FEW = 12
"""A cycle of so few steps is shown whole."""


def telling_steps(schedule: Schedule) -> list[int]:
    """Give the first, the last and the peak's step, the phases' edges, and the quarters between them.

    Only steps still ahead count; of a short cycle all of them.
    """
    first, last = schedule.first_step, schedule.total_steps - 1
    if last - first < FEW:
        return list(range(first, last + 1))
    steps = {first, last, *edge_steps(schedule)}
    steps.update(summarize(schedule, group).peak_step for group in range(len(schedule.groups)))
    for phase in schedule.phases:
        steps.update(phase.first_step + (phase.last_step - phase.first_step) * quarter // 4 for quarter in (1, 2, 3))
    return sorted(step for step in steps if step >= first)
