"""How precisely a log was written, as its values show it, and how far from the truth they may therefore lie."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOOKED_AT = 2000
"""Values whose digits are counted."""

MOST_DIGITS = 15
"""Significant digits up to which values were rounded when written: a float64 itself shows 16 or 17."""

FEW = 8
"""Distinct values below which one or two digits say nothing: a rate that stands still at 0.01 has one."""

SINGLE = 2.0**-24
"""Half a unit in the last place of float32, relative."""

JUST_OVER = 1 + 1e-6
"""What half a unit is stretched by, so that a value in the very middle between two is met from both."""


@dataclass(frozen=True, slots=True)
class Precision:
    """How values were written: exact, float32, or rounded to significant `digits` or to `decimals`."""

    name: str
    relative: float
    digits: int | None = None
    decimals: int | None = None

    def limits(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Say how far the number meant may lie from each written value."""
        import numpy as np

        sizes = np.where(np.isfinite(values), np.abs(values), 0.0)
        if self.digits is not None:
            with np.errstate(all="ignore"):
                exponents = np.floor(np.log10(sizes) + 1e-12)
                return np.asarray(0.5 * JUST_OVER * 10.0 ** (exponents - self.digits + 1))
        if self.decimals is not None:
            return np.full(values.shape, 0.5 * JUST_OVER * 10.0**-self.decimals)
        return sizes * self.relative


EXACT = Precision("exact", 0.0)
FLOAT32 = Precision("float32", SINGLE * JUST_OVER)
SHORT_FLOAT32 = Precision("float32", 2 * SINGLE * JUST_OVER)
"""A float32 in its shortest decimal form, which lies within another half unit of it."""


def precision_of(values: NDArray[np.float64], otherwise: Precision = EXACT) -> Precision:
    """Tell how values were written; `otherwise` where there are too few to tell."""
    import numpy as np

    known = values[np.isfinite(values) & (values != 0)]
    if not known.size:
        return otherwise
    picked = np.unique(known[np.linspace(0, known.size - 1, LOOKED_AT).astype(np.int64)])
    forms = [Decimal(repr(value)).normalize().as_tuple() for value in picked.tolist()]
    digits = [len(form.digits) for form in forms]
    decimals = [-int(form.exponent) for form in forms]
    most = max(digits)
    if most > 9 and (known == known.astype(np.float32)).all():
        return FLOAT32
    if most > MOST_DIGITS:
        return EXACT
    if most < 3 and picked.size < FEW:
        return otherwise
    if most in (8, 9) and all(float(str(np.float32(value))) == value for value in picked.tolist()):
        return SHORT_FLOAT32
    return _rounded(digits, decimals, float(np.abs(known).max()))


def _rounded(digits: list[int], decimals: list[int], largest: float) -> Precision:
    """Decide between %.6g and %.6f by what more of the values show in full; both drop zeros at the end."""
    most, deepest = max(digits), max(decimals)
    if decimals.count(deepest) > digits.count(most) and deepest > 0:
        return Precision(f"{deepest} decimals", 0.5 * 10.0**-deepest / largest, decimals=deepest)
    return Precision(f"{most} digits", 0.5 * 10.0 ** (1 - most), digits=most)
