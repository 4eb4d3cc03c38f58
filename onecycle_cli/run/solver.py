"""Numbers of a schedule solved for: those with which it has the logged values, each as short as it can be.

`fit` finishes its settings with it, and a cause of a divergence finds with it the setting that was another.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.run.linear_algebra import least_squares
from onecycle_cli.run.precision import decimals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.run.series import Floats, Samples

    Build = Callable[[list[float]], Schedule | None]

ROUNDS = 20
"""Most rounds of least squares. Two or three are enough, but for logs of which some values are wrong."""

STEP = 1e-6
"""Share of a number by which it is moved to see what that does to the values: balances curvature and rounding."""

MOST_BOUNDS = 400
"""Values that bound a number, those that bound it most first."""

LEAST_SLOPE = 1e-3
"""Slope, as a share of the steepest, below which a value bounds a number a thousand times less, if it is not noise."""

SETTLED = 1e-15
"""Change of every number, as a share of it, from which on only rounding moves them."""


def solve(
    samples: Samples,
    build: Build,
    start: Sequence[float],
    limits: Floats,
    score: Callable[[Schedule], float],
    usual: Sequence[float] = (),
    power: int = 1,
) -> list[float]:
    """Find the numbers whose schedule has the highest score, and the shortest decimals that have no lower one.

    Args:
        samples: the logged values, under the offset to use.
        build: returns the schedule with some numbers; None where there is none.
        start: the numbers to start from.
        limits: what each value may be off by, shape (rows, tracks).
        score: how well a schedule fits.
        usual: a number for each that is preferred to its shortest decimal; by default there is none.
        power: the power of the numbers on which the values depend linearly, or nearly so: -1 for a divisor.
    """

    def scored(numbers: list[float]) -> float:
        schedule = build(numbers)
        return -math.inf if schedule is None else score(schedule)

    best = max([list(start), *_rounds(samples, build, start, limits, power)], key=scored)
    for at, number in enumerate(best):
        options = [*usual[at : at + 1], *decimals(number), number]
        best = max(([*best[:at], option, *best[at + 1 :]] for option in options), key=scored)
    return best


def _rounds(
    samples: Samples, build: Build, start: Sequence[float], limits: Floats, power: int
) -> Iterator[list[float]]:
    """Yield numbers that meet the values better and better, by Gauss and Newton's method on the schedule itself.

    The sum of the differences' sizes is minimized, by weighting their squares, so a few wrong values change nothing.
    """
    numbers = np.array(start, float) ** power
    for _ in range(ROUNDS):
        varied = [
            numbers,
            *(numbers * (1 + STEP * unit) for unit in np.eye(numbers.size)),
        ]
        schedules = [build((some**power).tolist()) for some in varied]
        gaps = [
            (samples.values - samples.predicted(schedule, samples.steps)) / limits
            for schedule in schedules
            if schedule is not None
        ]
        usable = np.logical_and.reduce([np.isfinite(some) for some in gaps])
        if len(gaps) < len(varied) or not usable.any():
            return
        base, *moved = (some[usable] for some in gaps)
        # Below its limit a difference is rounding, and all weigh the same.
        weights = 1 / np.sqrt(np.maximum(np.abs(base), 1.0))
        slopes = np.stack([(base - some) / STEP for some in moved], axis=1)
        changes = least_squares(slopes * weights[:, None], base * weights)
        middles = numbers * (1 + np.array([_middle(base, slope) for slope in slopes.T]))
        numbers = numbers * (1 + changes)
        if (middles > 0).all():
            yield (middles**power).tolist()
        if not (numbers > 0).all():
            numbers = middles
        if not (numbers > 0).all():
            return
        yield (numbers**power).tolist()
        if np.abs(changes).max() < SETTLED:
            return


def _middle(gaps: Floats, slopes: Floats) -> float:
    """Return the change of one number in the middle of those that bring every value within its limit.

    Rounded values bound a number more tightly than their mean shows. Those that bound it most come first, and those
    that contradict them are left out.
    """
    order = np.argsort(-np.abs(slopes))[:MOST_BOUNDS]
    order = order[np.abs(slopes[order]) > LEAST_SLOPE * np.abs(slopes).max()]
    low, high = -math.inf, math.inf
    for gap, slope in zip(gaps[order].tolist(), slopes[order].tolist(), strict=True):
        one, other = sorted(((gap - 1) / slope, (gap + 1) / slope))
        if one <= high and other >= low:
            low, high = max(low, one), min(high, other)
    return (low + high) / 2 if low > -math.inf else 0.0
