"""A reading of a log's rows: what they count, and where that puts them in the schedule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from onecycle_cli.run import Unit

    Steps = NDArray[np.int64]

OFFSETS = (0, -1, 1)
"""What may be added to a logged step to get the schedule's, the most usual first.

0: logged before `scheduler.step()`, counted from 0; -1: counted from 1; 1: read after `scheduler.step()`.
"""

AFTER = "logged after scheduler.step(): each row shows the next step's values"
BEFORE_OPTIMIZER = "a scheduler stepped before the optimizer gives the same log, and then the first rate is never used"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a log's rows may count.

    Attributes:
        unit: what they count.
        counted: each row's number in this unit, as the log has it.
        clock: the same in the schedule's steps, but for the offset.
        offset: what is added to the clock to get the schedule's steps.
        note: what the rows count, in a sentence; "" where they count steps from 0.
        after: whether a row shows what the scheduler was left with after a step.
        span: how many steps a row shows the mean of.
    """

    unit: Unit
    counted: Steps
    clock: Steps
    offset: int = 0
    note: str = ""
    after: bool = False
    span: int = 1

    def may_end_past(self, steps: Steps, total: int) -> bool:
        """Return whether rows at step `total` may show what the scheduler was left with, and no step trained with.

        They may in a log of the values after `scheduler.step()`: it holds the rebound, or the last value once more
        where the scheduler is not stepped after the last step. A log of completed steps (N, 2N … total) ends with such
        a row as well; with a row of step 0 it has one step too many.
        """
        if self.after:
            return True
        distinct = different(steps)
        most = np.median(np.diff(distinct)) if distinct.size > 1 else total
        return int(distinct[-1]) == total and 1 <= int(distinct[0]) <= float(most)


def different(steps: Steps) -> Steps:
    """Return the different steps, in order. A log seldom repeats any, and NumPy's `unique` takes long to find that."""
    if not (steps[1:] >= steps[:-1]).all():
        steps = np.sort(steps)
    new = np.append(True, steps[1:] != steps[:-1]) if steps.size else np.empty(0, dtype=np.bool_)
    return steps if new.all() else steps[new]
