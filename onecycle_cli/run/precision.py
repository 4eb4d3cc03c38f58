"""How precisely a log's numbers were written, read off the numbers and their texts, and what arithmetic may differ by.

`check`, its causes and `fit` all take their tolerances from here.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.formatting import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

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

SHORT_DIGITS = 9
"""Significant digits that distinguish any float32, in which it is printed at most."""

FEW = 8
"""Distinct values below which one or two digits say nothing: a rate that is constant at 0.01 has one."""

JUST_OVER = 1 + 1e-6
"""What half a unit is stretched by, so that a value in the very middle between two is met from both.

Halfway cases are off by a few float64 ulp of the value, at most 1e-9 of half a unit with 7 digits; 1e-6 covers that.
"""

GRID_BITS = 40.0
"""How unlikely it must be that values lie on a float's grid by chance, in bits: once in a million million logs."""

NUMBER = re.compile(r"[+-]?(\d*)(?:[.,](\d*))?(?:[eE]([+-]?\d+))?")


@dataclass(frozen=True, slots=True)
class Precision:
    """How values were written: exact, as a short float, or rounded to significant `digits` or to `decimals`.

    Attributes:
        name: exact, float32, float16, bfloat16, or such as `6 digits` or `6 decimals`.
        relative: the most a written value is off by, relative to it, as reports name it.
        of_value: the most the float that was written is off by, relative to it.
        least: what that is off by at least, however small it is.
        digits: significant digits, where values were then rounded to these.
        decimals: digits after the point, where values were then rounded to these.
    """

    name: str
    relative: float
    of_value: float = 0.0
    least: float = 0.0
    digits: int | None = None
    decimals: int | None = None

    def limits(self, values: Floats) -> Floats:
        """Return how far the number that was written may lie from each written value."""
        limits = np.abs(values)
        limits[~np.isfinite(limits)] = 0.0
        rounding: Floats | float = 0.0
        if self.decimals is not None:
            rounding = 0.5 * JUST_OVER * 10.0**-self.decimals
        elif self.digits is not None:
            with np.errstate(all="ignore"):
                # log10 of a power of ten may come out a few ulp low; 1e-12 is above that and below any rounded number.
                rounding = np.log10(limits)
                rounding += 1e-12
                np.power(10.0, np.floor(rounding, out=rounding) - (self.digits - 1), out=rounding)
            rounding *= 0.5 * JUST_OVER
        limits *= self.of_value
        if self.least:
            np.maximum(limits, self.least, out=limits)
        limits += rounding
        return limits


@dataclass(frozen=True, slots=True)
class ShortFloat:
    """A binary float shorter than float64: its significant bits, and the exponent of its smallest normal number."""

    name: str
    bits: int
    smallest: int

    def spacing(self, values: Floats) -> Floats:
        """Return the distance between the floats around each value."""
        exponents = np.maximum(np.frexp(values)[1] - 1, self.smallest)
        spacing: Floats = np.ldexp(1.0, exponents - (self.bits - 1))
        return spacing

    def nearest(self, values: Floats) -> Floats:
        """Return the floats nearest to values."""
        spacing = self.spacing(values)
        rounded: Floats = np.round(values / spacing) * spacing
        return rounded

    def written(self, text: Precision) -> Precision:
        """Return the precision of such floats that were then written as text."""
        half = 2.0**-self.bits * JUST_OVER
        least = 2.0 ** (self.smallest - self.bits) * JUST_OVER
        return replace(text, name=self.name, relative=half, of_value=half, least=least)


BFLOAT16 = ShortFloat("bfloat16", 8, -126)
FLOAT16 = ShortFloat("float16", 11, -14)
SINGLE = ShortFloat("float32", 24, -126)

EXACT = Precision("exact", 0.0)
FLOAT32 = SINGLE.written(EXACT)
SHORT_FLOAT32 = replace(FLOAT32, relative=2 * FLOAT32.relative, of_value=2 * FLOAT32.of_value)
"""A float32 in its shortest decimal form, which lies within another half unit of it."""


def precision_of(
    columns: Sequence[Floats], texts: Sequence[Sequence[str]] = (), beside: Precision | None = None
) -> Precision:
    """Return how the values of some columns were written.

    Args:
        columns: the values.
        texts: for each column, how some of its numbers were written, where that is known: `0.0000` shows what the
            number 0.0 does not.
        beside: how the learning rates beside them were written, which these are likely to share. It is taken for a
            short value that never changes, where it may have been written so: 0.9 is not a bfloat16 number.
    """
    picked = np.unique(np.concatenate([_spread(column) for column in columns])) if columns else np.empty(0)
    forms = [written_digits(value) for value in picked.tolist()]
    most = max((digits for digits, _ in forms), default=0)
    text = precision_of_texts([text for column in texts for text in column])
    if text is None and most > MOST_DIGITS:
        text = EXACT
    written = text
    if written is None:
        if most < 3 and picked.size < (FEW if beside is None else 2):
            return beside if beside is not None and _may_be(picked, beside) else EXACT
        written = _rounded(forms, float(np.abs(picked).max()))
    if (shorter := _short_float(picked, most, written, (BFLOAT16, FLOAT16), beside)) is not None:
        return shorter
    if (
        text is None
        and most in (SHORT_DIGITS - 1, SHORT_DIGITS)
        and all(float(str(np.float32(it))) == it for it in picked.tolist())
    ):
        return SHORT_FLOAT32
    return _short_float(picked, most, written, (SINGLE,)) or written


def _may_be(picked: Floats, precision: Precision) -> bool:
    """Return whether values may have been written with a precision: they are on the grid of its float."""
    kind = next((kind for kind in (BFLOAT16, FLOAT16) if kind.name == precision.name), None)
    rounding = replace(precision, of_value=0.0, least=0.0).limits(picked)
    return kind is None or bool((np.abs(picked - kind.nearest(picked)) <= rounding).all())


def precision_of_texts(texts: Sequence[str]) -> Precision | None:
    """Return the format in which all of some numbers were written, such as %.4f or %.4e; None where they show none.

    A zero at the end shows that it is a format: Python's own form of a number has none, but in `1.0`.
    """
    matches = [match for text in dict.fromkeys(texts) if (match := NUMBER.fullmatch(text))]
    if not matches:
        return None
    numbers = [(match[1] + (match[2] or ""), len(match[2] or "") - int(match[3] or 0)) for match in matches]
    largest = max(float(match[0].replace(",", ".")) for match in matches)
    padded = any(len(match[2] or "") > 1 and match[2].endswith("0") for match in matches)
    if not (padded or len(matches) >= FEW):
        return None
    digits, decimals = {len(said.lstrip("0")) for said, _ in numbers} - {0}, {places for _, places in numbers}
    if max(digits, default=0) > MOST_DIGITS:
        return EXACT if padded else None
    if len(decimals) == 1 and not any(match[3] for match in matches) and max(decimals) > 0:
        return _of_decimals(max(decimals), largest)
    if len(digits) == 1 and (padded or all(match[3] for match in matches)):
        return _of_digits(max(digits))
    return None


def _of_decimals(decimals: int, largest: float) -> Precision:
    return Precision(count(decimals, "decimal"), 0.5 * 10.0**-decimals / (abs(largest) or 1.0), decimals=decimals)


def _of_digits(digits: int) -> Precision:
    return Precision(count(digits, "digit"), 0.5 * 10.0 ** (1 - digits), digits=digits)


def _short_float(
    picked: Floats, most: int, written: Precision, kinds: Sequence[ShortFloat], beside: Precision | None = None
) -> Precision | None:
    """Return the short float that values went through before they were written; None where they are not on its grid.

    Args:
        picked: the values, other than 0.
        most: the most digits that one of them has.
        written: how they were written as text.
        kinds: the floats to try.
        beside: how the values beside them were written; a float that these went through needs no further proof.
    """
    for kind in kinds:
        off = np.abs(picked - kind.nearest(picked))
        if most > SHORT_DIGITS and not off.any():
            return kind.written(EXACT)
        # A text hits the grid by chance in so many cases; one as coarse as the grid always does, and says nothing.
        rounding = written.limits(picked)
        chance = 2 * rounding / kind.spacing(picked)
        telling = (chance > 0) & (chance <= 0.5)
        enough = 1.0 if beside is not None and beside.name == kind.name else GRID_BITS
        if -np.log2(chance[telling]).sum() >= enough and (off <= rounding)[telling].all():
            return kind.written(written)
    return None


def _spread(values: Floats) -> Floats:
    """Return some of the finite values other than 0."""
    return values[thinned(np.flatnonzero(np.isfinite(values) & (values != 0)), SAMPLE_SIZE)]


def thinned(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return so many of some rows at most, evenly spread, the first and the last among them."""
    return rows[np.unique(np.linspace(0, rows.size - 1, most).astype(np.int64))] if rows.size else rows


def written_digits(value: float) -> tuple[int, int]:
    """Count the significant digits of a number in its shortest form, and its decimals (negative for 1e5)."""
    form = Decimal(repr(value)).normalize().as_tuple()
    return len(form.digits), -int(form.exponent)


def _rounded(forms: list[tuple[int, int]], largest: float) -> Precision:
    """Decide between %.6g and %.6f by what more of the values show in full; both drop zeros at the end."""
    digits, decimals = zip(*forms, strict=True)
    most, deepest = max(digits), max(decimals)
    # Of numbers with a single digit, as 0.01 … 0.1, all show it in full: nobody rounds to one digit, but to decimals.
    if deepest > 0 and (most == 1 or decimals.count(deepest) > digits.count(most)):
        return _of_decimals(deepest, largest)
    return _of_digits(most)


def decimals(value: float, fewest: int = 1, most: int = ALL_DIGITS) -> Iterator[float]:
    """Yield a value rounded to more and more digits, each result once; none of 0 or of what is not finite."""
    if math.isfinite(value) and value:
        yield from dict.fromkeys(float(f"{value:.{digits - 1}e}") for digits in range(fewest, most + 1))
