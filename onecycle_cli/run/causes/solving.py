"""The value of a setting that a log implies, and the round number that was probably typed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.run.series import Samples

    Floats = NDArray[np.float64]

MOST_VALUES = 400
"""The logged values, the most telling first, that narrow an interval down."""

LEAST_EFFECT = 1e-13
"""The part of a value that a setting must move, to be read off it."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a setting's value must lie, for the schedule to have the logged values."""

    low: float
    high: float

    @property
    def middle(self) -> float:
        """The value in the middle."""
        return (self.low + self.high) / 2

    def inverted(self) -> Interval:
        """Give the interval of 1 / value."""
        return Interval(1 / self.high, 1 / self.low)

    def roundest(self) -> float:
        """Give the number with the fewest digits."""
        return roundest(self.middle, lambda value: self.low <= value <= self.high)


def roundest(value: float, fits: Callable[[float], bool]) -> float:
    """Round a value to as few digits as still fit; the value itself where none do."""
    if not math.isfinite(value) or value == 0:
        return value
    for digits in range(17):
        rounded = float(f"{value:.{digits}e}")
        if fits(rounded):
            return rounded
    return value


def solve_linear(
    evidence: Samples, columns: list[int], build: Callable[[float], Schedule | None], near: float, step: float
) -> Interval | None:
    """Solve for a number that the values depend on in a straight line, or nearly so close to `near`.

    Each logged value, being known to its limit, says where the number must lie; the answer is what they agree on.
    """
    import numpy as np

    one, other = build(near), build(near + step)
    if one is None or other is None:
        return None
    here, there = (evidence.predicted(each, evidence.steps)[:, columns] for each in (one, other))
    values = evidence.values[:, columns]
    with np.errstate(all="ignore"):
        slopes = (there - here) / step
        limits = evidence.limits[:, columns] + evidence.relative * np.abs(values)
        centres, widths = near + (values - here) / slopes, limits / np.abs(slopes)
        telling = np.isfinite(centres) & (np.abs(there - here) > LEAST_EFFECT * np.abs(here))
    if not telling.any():
        return None
    order = np.argsort(widths[telling])[:MOST_VALUES]
    return _common(centres[telling][order].tolist(), widths[telling][order].tolist())


def _common(centres: list[float], widths: list[float]) -> Interval:
    """Intersect intervals, the narrowest first, passing over those that contradict what is known by then."""
    low, high = centres[0] - widths[0], centres[0] + widths[0]
    for centre, width in zip(centres, widths, strict=True):
        if centre - width <= high and centre + width >= low:
            low, high = max(low, centre - width), min(high, centre + width)
    return Interval(low, high)
