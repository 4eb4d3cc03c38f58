"""How precisely a log was written: in full, through float32, or in so many digits; by looking at its values."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from onecycle_cli.run.verdict import Tolerance

if TYPE_CHECKING:
    from onecycle_cli.policy.ramps import FloatArray

EPSILON = 2.0**-52
MOST_LOOKED_AT = 3000


@dataclass(frozen=True, slots=True)
class Precision:
    """How far a logged value may be off: relative to it, as a share of its column's highest value, and absolutely."""

    tolerance: Tolerance
    floor: float = 0.0
    absolute: float = 0.0

    def allowed(self, values: FloatArray) -> FloatArray:
        """Say how far each value of a column may be off."""
        import numpy as np

        sizes = np.abs(values)
        highest = float(np.nanmax(sizes, initial=0.0))
        return self.tolerance.relative * sizes * 1.01 + self.floor * highest + self.absolute * 1.01


EXACT = Precision(Tolerance("exact", 16 * EPSILON), floor=16 * EPSILON)
"""A few units in the last place; sums with the peak are rounded to the peak's last bits."""

NEARLY_EXACT = Precision(Tolerance("exact", 1e-12), floor=1e-13)
FLOAT32 = Precision(Tolerance("float32", 2.0**-23))
COMPUTED_IN_FLOAT32 = Precision(Tolerance("float32", 2.0**-21), floor=2.0**-22)
"""What frameworks that compute in float32 are off by: a few units in the last place."""

LOOSER = {EXACT: NEARLY_EXACT, FLOAT32: COMPUTED_IN_FLOAT32}


def find_precision(values: FloatArray) -> Precision:
    """Tell how precisely values were written: in full, through float32, in so many digits or so many decimals."""
    import numpy as np

    if values.size > MOST_LOOKED_AT:
        values = values[np.linspace(0, values.size - 1, MOST_LOOKED_AT).astype(np.int64)]
    values = values[values != 0]
    if (values == values.astype(np.float32).astype(np.float64)).all():
        return FLOAT32
    written = [written_digits(float(value)) for value in values]
    digits = max(count for count, _ in written)
    if digits > 15:
        return EXACT
    small = np.abs(values) < np.abs(values).max() / 20
    of_small = [count for (count, _), is_small in zip(written, small, strict=True) if is_small]
    if len(of_small) > 3 and max(of_small) < digits and digits < 12:
        decimals = max(count for _, count in written)
        return Precision(Tolerance(f"{decimals} decimals", EXACT.tolerance.relative), absolute=0.5 * 10.0**-decimals)
    return Precision(Tolerance(f"{digits} digits", 0.5 * 10.0 ** (1 - digits)))


def written_digits(value: float) -> tuple[int, int]:
    """Count the significant digits of a number as it is written shortest, and its decimals."""
    shortest = Decimal(repr(abs(value))).normalize().as_tuple()
    return len(shortest.digits), max(0, -int(shortest.exponent))
