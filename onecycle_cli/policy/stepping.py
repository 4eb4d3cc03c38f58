"""Going through a cycle's steps in arrays: all of them, or a dense sample where they are too many to wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.policy.summary import edge_steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.policy.schedule import Schedule

MOST_COMPARED = 2 * 10**7
"""Steps, times parameter groups, up to which every one is compared."""

MOST_SUMMED = 2 * 10**6
"""Those up to which every one is looked at where a sample does nearly as well."""

SAMPLED = 10**5
"""Steps, times parameter groups, that are looked at of a longer cycle."""

CHUNK = 2**16


def steps_between(
    first: int, stop: int, edges: Iterable[int], groups: int = 1, most: int = MOST_SUMMED
) -> Iterator[NDArray[np.int64]]:
    """Give the steps first <= step < stop, in order and in arrays, or a sample where they are more than `most`.

    The sample is even, whole at both ends, and holds the edges with the steps beside them.
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


def area(schedule: Schedule, group: int = 0) -> float:
    """Give the area under the learning rate: its sum over all steps of the cycle.

    Where only a sample is looked at, straight lines stand for the steps between; the phases' edges are among them.
    """
    import numpy as np

    total, edges = schedule.total_steps, edge_steps(schedule)
    with np.errstate(all="ignore"):
        if total <= MOST_SUMMED:
            return sum(float(schedule.lr(steps, group).sum()) for steps in steps_between(0, total, edges))
        steps = next(steps_between(0, total, edges))
        rates = schedule.lr(steps, group)
        between = float(((rates[1:] + rates[:-1]) / 2 * np.diff(steps)).sum())
        return between + float(rates[0] + rates[-1]) / 2
