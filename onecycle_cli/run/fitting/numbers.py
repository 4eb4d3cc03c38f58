"""Numbers as their authors write them: the shortest decimals near an estimate, and what a number costs to say."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from onecycle_cli.run.fitting.precision import written_digits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MOST_DIGITS = 17
"""Digits with which any float64 can be told from its neighbours."""

READABLE = 6
"""Digits up to which a number may have been typed by someone."""


def decimals(estimate: float, fewest: int = 1, most: int = MOST_DIGITS) -> Iterator[float]:
    """Round an estimate to ever more digits, each outcome once."""
    if not math.isfinite(estimate) or estimate == 0:
        return
    rounded = [float(f"{estimate:.{digits - 1}e}") for digits in range(fewest, most + 1)]
    yield from dict.fromkeys(rounded)


def neighbours(value: float, each_side: int = 3) -> Iterator[float]:
    """Give the float64 values next to one, the nearest first."""
    if not math.isfinite(value) or value == 0:
        return
    below = above = value
    for _ in range(each_side):
        below, above = math.nextafter(below, -math.inf), math.nextafter(above, math.inf)
        yield from (below, above)


def fraction_of(step: int, total: int, default: float) -> float:
    """Give the shortest fraction of a length that is cut off to a whole step; the default if it is one of them."""
    if int(default * total) == step:
        return default
    for digits in range(1, MOST_DIGITS):
        fraction = math.ceil(step * 10.0**digits / total) / 10.0**digits
        if int(fraction * total) == step:
            return fraction
    return math.nextafter(step / total, 1.0)


def first_fit(candidates: Iterable[float], misfit: Callable[[float], float], limit: float) -> float | None:
    """Give the first candidate whose misfit is within the limit, or the best one where it is close to it."""
    best, least = None, limit * 1.5
    for candidate in candidates:
        found = misfit(candidate)
        if found <= limit:
            return candidate
        if found < least:
            best, least = candidate, found
    return best


def cost(value: float, default: float | None = None) -> float:
    """Say how many digits must be spelt out; a default needs none."""
    return 0.0 if value == default else 0.5 + written_digits(value)[0]
