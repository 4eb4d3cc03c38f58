"""Where the ticks of an axis stand and what they say, for both pictures."""

from __future__ import annotations

import math
from itertools import pairwise

from onecycle_cli.formatting import short

SCALES = ((10**13, 10**12, "trillions"), (10**10, 10**9, "billions"), (10**7, 10**6, "millions"))
"""From which count on an axis counts in larger units, in which ones, and what they are called."""

SMALLEST_SPAN = 1e-290
"""Below it floating-point numbers run out of digits, and an axis of ticks."""

LARGEST_PLAIN = 1e15
SMALLEST_PLAIN = 1e-4
"""Ticks larger than the one or closer together than the other are written with an exponent."""


DEEPEST = 1e-9
"""How far below the highest learning rate a logarithmic axis may reach; what is lower runs out of the panel."""

NEAR = 0.02
"""How far beyond the values, as a fraction of their range, a tick may stand: a peak just missed gets its tick."""


def count_unit(highest: float) -> tuple[int, str]:
    """Give the unit that an axis of steps counts in, and its name where it is not 1."""
    return next(((unit, word) for limit, unit, word in SCALES if highest >= limit), (1, ""))


def even_ticks(low: float, high: float, most: int, *, whole: bool = False) -> list[float]:
    """Place at most `most` ticks at multiples of 1, 2 or 5 times a power of ten, of whole numbers if asked."""
    span = high - low
    if span < SMALLEST_SPAN or most < 1:
        return [low]
    power = math.floor(math.log10(span / most)) - 1
    choices = ((factor, at) for at in range(power, power + 4) for factor in (1, 2, 5))
    for factor, at in choices:
        if whole and at < 0:
            continue
        distance = factor * 10.0**at
        begin, end = math.ceil(low / distance - 1e-9), math.floor(high / distance + 1e-9)
        if 0 < end - begin + 1 <= most:
            return [_multiple(each * factor, at) for each in range(begin, end + 1)]
    return [low]


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Place at most `most` ticks on a logarithmic axis: powers of ten, and 2 and 5 times them where they are few."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        found = [_multiple(factor, at) for at in range(first - 1, last + 1) for factor in factors]
        kept = [tick for tick in found if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
        if 2 <= len(kept) <= most:
            return kept
    if last <= first:
        return even_ticks(low, high, most)
    stride = math.ceil((last - first + 1) / most)
    return [_multiple(1, at) for at in range(last, first - 1, -stride)][::-1]


def tick_labels(ticks: list[float]) -> list[str]:
    """Write ticks alike: with thousands separated and as many decimals as the finest needs, or with exponents."""
    distance = min((b - a for a, b in pairwise(ticks)), default=0.0)
    fine = distance < SMALLEST_PLAIN * (1 - 1e-9)
    if fine or max(map(abs, ticks)) >= LARGEST_PLAIN:
        return [short(tick) for tick in ticks]
    decimals = max((_decimals(tick) for tick in ticks), default=0)
    return [f"{tick:,.{decimals}f}" for tick in ticks]


def _multiple(factor: int, power: int) -> float:
    """Give factor × 10^power, rounded once, so that 3 × 0.1 is 0.3."""
    return float(f"{factor}e{power}")


def _decimals(tick: float) -> int:
    return len(f"{tick:.4f}".rstrip("0").partition(".")[2])
