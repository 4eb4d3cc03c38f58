"""A schedule in a few numbers: where it starts, peaks and ends, its area, and steps that represent it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.policy.schedule import Schedule

MOST_COMPARED = 2 * 10**7
"""Steps, times parameter groups, up to which all are compared: about a second of NumPy."""

MOST_SUMMED = 2 * 10**6
"""Steps, times parameter groups, up to which all are used where a sample does nearly as well."""

SAMPLED = 10**5
"""Steps, times parameter groups, in the sample of a longer cycle."""

CHUNK = 2**16


@dataclass(frozen=True, slots=True)
class GroupSummary:
    """One parameter group's key values, all of them values that a step trains with.

    `peak_lr` is the highest learning rate of any step, `peak_step` the first step that has it; the momenta are
    None if momentum is not cycled. `momentum_rises` says that momentum rises with the learning rate, because
    base_momentum is above max_momentum.
    """

    name: str
    initial_lr: float
    peak_lr: float
    peak_step: int
    final_lr: float
    initial_momentum: float | None
    lowest_momentum: float | None
    highest_momentum: float | None
    final_momentum: float | None
    momentum_rises: bool

    @property
    def turning_momentum(self) -> float | None:
        """Where momentum turns back, as the learning rate does at its peak: its lowest, or its highest if it rises."""
        return self.highest_momentum if self.momentum_rises else self.lowest_momentum


def edge_steps(schedule: Schedule) -> list[int]:
    """Return the first and last steps of all phases, in order; every extreme value is at one of them."""
    return sorted({step for phase in schedule.phases for step in (phase.first_step, phase.last_step)})


def summarize(schedule: Schedule, group: int) -> GroupSummary:
    """Return the key values of one parameter group over the whole cycle, also if the run resumes in the middle."""
    edges = edge_steps(schedule)
    rates = [schedule.lr(step, group) for step in edges]
    momenta = [value for step in edges if (value := schedule.momentum(step, group)) is not None]
    peak, own = max(rates), schedule.plan.groups[group]
    return GroupSummary(
        name=schedule.groups[group],
        initial_lr=rates[0],
        peak_lr=peak,
        peak_step=edges[rates.index(peak)],
        final_lr=rates[-1],
        initial_momentum=momenta[0] if momenta else None,
        lowest_momentum=min(momenta, default=None),
        highest_momentum=max(momenta, default=None),
        final_momentum=momenta[-1] if momenta else None,
        momentum_rises=bool(momenta) and own.base_momentum > own.max_momentum,
    )


def peak_is_reached(schedule: Schedule) -> bool:
    """Return whether a step trains with max_lr or more, apart from rounding."""
    highest, peak = max(map(schedule.lr, edge_steps(schedule))), schedule.plan.groups[0].max_lr
    return highest >= peak or math.isclose(highest, peak, rel_tol=1e-12)


def warmup_steps(schedule: Schedule) -> int:
    """Return the number of steps of the warm-up; a cycle that follows the first one has another."""
    return sum(phase.steps for phase in takewhile(lambda phase: phase.name == "warm-up", schedule.phases))


def steps_between(
    first: int, stop: int, edges: Iterable[int], groups: int = 1, most: int = MOST_SUMMED
) -> Iterator[NDArray[np.int64]]:
    """Return the steps first <= step < stop, in order and in arrays, or a sample if there are more than `most`.

    The sample is even, complete at both ends, and contains the edges with the steps beside them.
    """
    import numpy as np

    if (stop - first) * groups <= most:
        for begin in range(first, stop, CHUNK):
            yield np.arange(begin, min(begin + CHUNK, stop), dtype=np.int64)
        return
    near = [step for edge in edges for step in (edge - 1, edge, edge + 1) if first <= step < stop]
    parts = [
        np.arange(first, min(first + CHUNK, stop), dtype=np.int64),
        np.linspace(first, stop - 1, max(SAMPLED // groups, 1000)).astype(np.int64),
        np.array(near, dtype=np.int64),
        np.arange(max(stop - CHUNK, first), stop, dtype=np.int64),
    ]
    yield np.unique(np.concatenate(parts))


def area(schedule: Schedule, group: int = 0, first: int = 0) -> float:
    """Return the area under the learning rate: its sum over all steps of the run, from the first one on.

    In a sample, straight lines replace the steps between; the phases' edges are in it.
    """
    import numpy as np

    total, edges = schedule.total_steps, edge_steps(schedule)
    with np.errstate(all="ignore"):
        if total - first <= MOST_SUMMED:
            return sum(float(schedule.lr(steps, group).sum()) for steps in steps_between(first, total, edges))
        steps = next(steps_between(first, total, edges))
        rates = schedule.lr(steps, group)
        between = float(((rates[1:] + rates[:-1]) / 2 * np.diff(steps)).sum())
        return between + float(rates[0] + rates[-1]) / 2
