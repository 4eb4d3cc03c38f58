"""Some of a draft's settings, and whether a number is told by the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onecycle_cli.run.fitting.solving import Solution

VAGUE = 0.2
"""Share of a number's value by which it may be unsure and still count as told."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some settings, what it costs to say them, and those that are not told."""

    settings: dict[str, object]
    cost: float
    undetermined: frozenset[str] = frozenset()


def is_told(solution: Solution, corner: int) -> bool:
    """Say whether a corner is sure enough to count as told."""
    return solution.unsure[corner] <= VAGUE * abs(solution.corners[corner])
