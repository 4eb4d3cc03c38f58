"""How precisely a log's numbers were written, read off the numbers themselves, and what arithmetic may differ by.

`check`, its causes and `fit` all take their tolerances from here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

ULPS = 4 * 2.0**-52
"""What float64 arithmetic may differ by, as a share of the peak: 4 units in the last place.

Another machine's cosine, or the same sum in another order, differs by 1 or 2; golden files allow 4 as well.
"""

SINGLE_ULPS = 8 * 2.0**-24
"""The same for values computed in float32: optax under 32-bit JAX was seen to differ by 4 float32 units of 2**-23."""

SAMPLE_SIZE = 2000
"""Values whose digits are counted: enough that a value with all its digits is among them, and quick."""

MOST_DIGITS = 15
"""Significant digits up to which values count as rounded: 15 always survive a float64, whose own repr has 16 or 17."""

ALL_DIGITS = 17
"""Significant digits that distinguish any float64 from its neighbours."""

FEW = 8
"""Distinct values below which one or two digits say nothing: a rate that is constant at 0.01 has one."""

SINGLE = 2.0**-24
"""Half a unit in the last place of float32, relative: its significand has 24 bits."""

JUST_OVER = 1 + 1e-6
"""What half a unit is stretched by, so that a value in the very middle between two is met from both.

Halfway cases are off by a few float64 ulp of the value, at most 1e-9 of half a unit with 7 digits; 1e-6 covers that.
"""


@dataclass(frozen=True, slots=True)
class Precision:
    """How values were written: exact, as float32, or rounded to significant `digits` or to `decimals`.

    Attributes:
        name: exact, float32, or such as `6 digits` or `6 decimals`.
        relative: the most a written value is off by, relative to it.
        digits: significant digits, where values were rounded to these.
        decimals: digits after the point, where values were rounded to these.
    """

    name: str
    relative: float
    digits: int | None = None
    decimals: int | None = None

    def limits(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far the number that was written may lie from each written value."""
        if self.decimals is not None:
            return np.full(values.shape, 0.5 * JUST_OVER * 10.0**-self.decimals)
        limits = np.abs(values)
        limits[~np.isfinite(limits)] = 0.0
        if self.digits is not None:
            with np.errstate(all="ignore"):
                np.log10(limits, out=limits)
                # log10 of a power of ten may come out a few ulp low; 1e-12 is above that and below any rounded number.
                limits += 1e-12
                np.power(10.0, np.floor(limits, out=limits) - (self.digits - 1), out=limits)
            return limits * (0.5 * JUST_OVER)
        return limits * self.relative


EXACT = Precision("exact", 0.0)
FLOAT32 = Precision("float32", SINGLE * JUST_OVER)
SHORT_FLOAT32 = Precision("float32", 2 * SINGLE * JUST_OVER)
"""A float32 in its shortest decimal form, which lies within another half unit of it."""


def precision_of(columns: Sequence[NDArray[np.float64]], default: Precision = EXACT) -> Precision:
    """Return how the values of some columns were written; `default` where there are too few to see it."""
    picked = np.unique(np.concatenate([_spread(column) for column in columns])) if columns else np.empty(0)
    if not picked.size:
        return default
    forms = [written_digits(value) for value in picked.tolist()]
    most = max(digits for digits, _ in forms)
    if most > 9 and all(_is_single(column) for column in columns):
        return FLOAT32
    if most > MOST_DIGITS:
        return EXACT
    if most < 3 and picked.size < FEW:
        return default
    # The shortest decimal form of a float32 has up to 9 digits.
    if most in (8, 9) and all(float(str(np.float32(value))) == value for value in picked.tolist()):
        return SHORT_FLOAT32
    return _rounded(forms, float(np.abs(picked).max()))


def _spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return some of the finite values other than 0."""
    return values[thinned(np.flatnonzero(np.isfinite(values) & (values != 0)), SAMPLE_SIZE)]


def thinned(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return so many of some rows at most, evenly spread, the first and the last among them."""
    return rows[np.unique(np.linspace(0, rows.size - 1, most).astype(np.int64))] if rows.size else rows


def _is_single(values: NDArray[np.float64]) -> bool:
    """Return whether all finite values are float32."""
    return bool(((values == values.astype(np.float32)) | ~np.isfinite(values)).all())


def written_digits(value: float) -> tuple[int, int]:
    """Count the significant digits of a number in its shortest form, and its decimals (negative for 1e5)."""
    form = Decimal(repr(value)).normalize().as_tuple()
    return len(form.digits), -int(form.exponent)


def _rounded(forms: list[tuple[int, int]], largest: float) -> Precision:
    """Decide between %.6g and %.6f by what more of the values show in full; both drop zeros at the end."""
    digits, decimals = zip(*forms, strict=True)
    most, deepest = max(digits), max(decimals)
    if decimals.count(deepest) > digits.count(most) and deepest > 0:
        return Precision(f"{deepest} decimals", 0.5 * 10.0**-deepest / largest, decimals=deepest)
    return Precision(f"{most} digits", 0.5 * 10.0 ** (1 - most), digits=most)


def decimals(value: float, fewest: int = 1, most: int = ALL_DIGITS) -> Iterator[float]:
    """Yield a value rounded to more and more digits, each result once; none of 0 or of what is not finite."""
    if math.isfinite(value) and value:
        yield from dict.fromkeys(float(f"{value:.{digits - 1}e}") for digits in range(fewest, most + 1))
