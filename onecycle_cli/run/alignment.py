"""How a log counts its steps: from 0, from 1, or after the scheduler has moved on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.run.evidence import Evidence

OFFSETS = (0, -1, 1)
"""What may be added to a logged step to get the schedule's, the most usual first."""

LONGER = 3
"""Rows by which another offset must agree longer than 0 does, as a flat start agrees with several."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """A log under one offset: the planned values, and where they are not the logged ones.

    `wrong` has a flag for each value; `prefix` counts the rows before the first wrong one.
    """

    evidence: Evidence
    planned: NDArray[np.float64]
    wrong: NDArray[np.bool_]
    prefix: int

    @property
    def right(self) -> bool:
        """Whether no value is wrong."""
        return self.prefix == len(self.wrong)

    @property
    def right_values(self) -> int:
        """How many logged values are the planned ones."""
        return int(self.evidence.present.sum() - self.wrong.sum())


def align(evidence: Evidence, offset: int) -> Alignment:
    """Hold a log against its plan under one offset.

    A log of the values after `scheduler.step()` may end with the rebound, which no step trains with, or with the last
    value once more, where the scheduler is not stepped after the last step.
    """
    import numpy as np

    here = evidence.under(offset)
    last = here.schedule.total_steps - 1
    planned = here.predicted(here.steps)
    past = here.steps > last
    right = here.agrees(planned) & ~past[:, None]
    if offset > 0 and (past := here.steps == last + 1).any():
        final = here.take(np.flatnonzero(past))
        held = final.predicted(np.minimum(final.steps, last))
        right[past] = final.agrees(final.predicted(final.steps)) | final.agrees(held)
    wrong: NDArray[np.bool_] = here.present & ~right
    rows = wrong.any(axis=1)
    return Alignment(here, planned, wrong, int(rows.argmax()) if rows.any() else rows.size)


def align_all(evidence: Evidence) -> list[Alignment]:
    """Hold a log against its plan under every offset, the likeliest first.

    Where one makes everything right it is alone. Else the one that agrees longest from the log's beginning comes
    first; at the flat start of a long cycle other offsets than 0 agree a little longer, which says nothing.
    """
    resumed = evidence.schedule.first_step
    offsets = [*OFFSETS, *([resumed + each for each in OFFSETS] if resumed else [])]
    found: list[Alignment] = []
    for offset in dict.fromkeys(offsets):
        tried = align(evidence, offset)
        if tried.right:
            return [tried]
        found.append(tried)
    plain = found[0].prefix
    least = max(plain + LONGER, plain * 1.5) if plain else 1
    return sorted(found, key=lambda each: -each.prefix if each.prefix >= least or each is found[0] else 0)
