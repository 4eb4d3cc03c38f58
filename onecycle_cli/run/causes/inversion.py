"""A schedule read backwards: at which steps it has a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.policy.schedule import Schedule


def steps_with(schedule: Schedule, group: int, rates: NDArray[np.float64]) -> NDArray[np.int64]:
    """Find, in every phase, the step whose learning rate is nearest to each of some values.

    Within a phase a learning rate only rises or only falls, so it is bisected.

    Returns:
        Steps, one row a value, one column a phase.
    """
    import numpy as np

    found = []
    for phase in schedule.phases:
        low = np.full(rates.shape, phase.first_step, dtype=np.int64)
        high = np.full(rates.shape, phase.last_step, dtype=np.int64)
        ends = schedule.lr(np.array([phase.first_step, phase.last_step]), group)
        rises = bool(ends[1] > ends[0])
        while (high - low > 1).any():
            middle = (low + high) // 2
            before = (schedule.lr(middle, group) < rates) == rises
            low, high = np.where(before, middle, low), np.where(before, high, middle)
        gaps = [np.abs(schedule.lr(edge, group) - rates) for edge in (low, high)]
        found.append(np.where(gaps[0] <= gaps[1], low, high))
    return np.column_stack(found)
