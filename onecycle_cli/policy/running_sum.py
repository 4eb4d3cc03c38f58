"""A sum that is rounded after each addition, at any length in a few dozen steps.

Adding the same number over and over moves a float64 by a constant as long as it stays below the next power of two,
except for the first addition there, where a tie may be rounded to either side. So each power of two on the way costs
a few real additions and one jump, however many additions the jump stands for.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onecycle_cli.policy.ramps import FloatArray, Number

REAL = 3
"""Additions made one by one before each jump: the last two must lie in one power of two, as the first there may
settle a tie to one side and only the second goes on as all that follow."""


def running_sum(start: Number, term: float, times: Number) -> Number:
    """Add `term` to `start` so many times, rounding each time; all are positive, and below 2**53 terms.

    Takes numbers, or float64 arrays of one shape for `start` and `times`.
    """
    if isinstance(times, int | float):
        return _one(float(start), term, int(times))
    return _many(start, term, times)


def _one(total: float, term: float, times: int) -> float:
    older = before = total
    while times:
        for _ in range(min(REAL, times)):
            older, before, total = before, total, total + term
        times -= min(REAL, times)
        step = total - before
        if times and step > 0 and math.frexp(older)[1] == math.frexp(total)[1]:
            top = math.ldexp(1.0, math.frexp(total)[1])
            jumps = min(times, max(0, int((top - total) / step) - 1))
            total, times = total + jumps * step, times - jumps
    return total


def _many(start: FloatArray, term: float, times: FloatArray) -> FloatArray:
    import numpy as np

    total, left = start.copy(), times.copy()
    older = before = total
    while left.any():
        for _ in range(REAL):
            going = left > 0
            older, before = np.where(going, before, older), np.where(going, total, before)
            total = np.where(going, total + term, total)
            left = left - going
        step = total - before
        exponent = np.frexp(total)[1]
        ready = (left > 0) & (step > 0) & (np.frexp(older)[1] == exponent)
        room = (np.ldexp(1.0, exponent) - total) / np.where(ready, step, 1.0)
        jumps = np.where(ready, np.minimum(left, np.maximum(0.0, np.floor(room) - 1)), 0.0)
        total, left = total + jumps * step, left - jumps
    return total
