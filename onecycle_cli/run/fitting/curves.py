"""One-cycle curves between corners: how much of each corner's value a step has, for edges at real steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.policy.ramps import FloatArray

    Edges: TypeAlias = tuple[float, ...]

Tie: TypeAlias = tuple[tuple[float, ...], ...]
"""How corners hang on a quantity's own numbers: a row a corner, a column a number."""

RISE_FALL: Tie = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
THERE_AND_BACK: Tie = ((1, 0, 0), (0, 1, 0), (1, 0, 0), (0, 0, 1))
RISE: Tie = ((1, 0), (0, 1))
DIP: Tie = ((1, 0), (0, 1), (1, 0))
DIP_AND_STAY: Tie = ((1, 0), (0, 1), (1, 0), (1, 0))


@dataclass(frozen=True, slots=True)
class Curve:
    """A kind of curve: its name, its line, what its edges hang on, and how its corners are tied.

    `edges` makes the edges from the free ones, of which there are `free`.
    """

    name: str
    strategy: str
    free: int
    edges: Callable[[Edges], Edges]
    lr: Tie
    momentum: Tie

    def shares(self, steps: FloatArray, free: Edges) -> FloatArray:
        """Give each corner's share in the value at each step, shape (steps, corners)."""
        return shares(steps, self.edges(free), self.strategy)


def _same(free: Edges) -> Edges:
    return free


def _mirrored(free: Edges) -> Edges:
    return free[0], 2 * free[0], free[1]


def _final_tied(tie: Tie) -> Tie:
    """Tie the last corner to the first: the final rate is the initial one / 10,000."""
    return (*(row[:2] for row in tie[:-1]), (1e-4, 0))


TWO_PHASE = tuple(Curve("two-phase", line, 2, _same, RISE_FALL, DIP) for line in ("cos", "linear"))
THREE_PHASE = tuple(
    Curve("three-phase", line, 2, _mirrored, THERE_AND_BACK, DIP_AND_STAY) for line in ("cos", "linear")
)
SECOND_EDGE = Curve("second-edge", "linear", 3, _same, THERE_AND_BACK, DIP_AND_STAY)
TIED = tuple(
    Curve(each.name, each.strategy, each.free, each.edges, _final_tied(each.lr), each.momentum)
    for each in (*TWO_PHASE, *THREE_PHASE, SECOND_EDGE)
)
"""The same with the default final_div_factor, for logs that end before they tell it."""

ONLY_RISE = Curve("rise", "cos", 1, _same, RISE, RISE)


def shares(steps: FloatArray, edges: Edges, strategy: str) -> FloatArray:
    """Give each corner's share in the value at each step, for phases that end at these edges."""
    import numpy as np

    bounds = np.array([0.0, *edges])
    phase = np.clip(np.searchsorted(bounds[1:], steps, side="left"), 0, len(edges) - 1)
    progress = (steps - bounds[phase]) / (bounds[phase + 1] - bounds[phase])
    return spread(phase, progress, strategy, len(edges) + 1)


def spread(phase: NDArray[np.intp], progress: FloatArray, strategy: str, corners: int) -> FloatArray:
    """Spread each step between the two corners of its phase."""
    import numpy as np

    towards = (1 - np.cos(np.pi * progress)) / 2 if strategy == "cos" else progress
    found = np.zeros((progress.size, corners))
    rows = np.arange(progress.size)
    found[rows, phase] = 1 - towards
    found[rows, phase + 1] = towards
    return found
