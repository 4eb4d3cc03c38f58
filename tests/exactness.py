"""How near recorded values must be met: to the last bit with the `cos` they were recorded with, else nearly.

The frameworks and this package call the C library's `cos`, whose last bit depends on the library and the CPU: of 10^6
cosines, glibc's variants with and without FMA differ in about 680, and musl's differ in 3 %. So every file in
`data/golden` carries the fingerprint of the `cos` it was recorded with, and in words what that was.

`python -m tests.exactness` prints the fingerprint of this machine: put it into a file recorded here, as `cos`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any

import pytest

SAMPLES = 20_000
"""Enough that glibc's two variants, which differ in 1 of 1,500 cosines, differ in a dozen of these."""

ULPS = 4
"""A cosine that is one ulp off moves a ramp's value by at most half an ulp of its peak; each of the three roundings
after it (the sum with 1, the product, the last sum) adds at most one."""


def fingerprint() -> str:
    """Return a hash over the bits of `math.cos` at evenly spaced angles from 0 to pi."""
    cosines = (math.cos(math.pi * sample / SAMPLES).hex() for sample in range(SAMPLES + 1))
    return hashlib.sha256("\n".join(cosines).encode()).hexdigest()[:16]


HERE = fingerprint()


def as_recorded(values: Sequence[float | None], recorded_with: str) -> list[Any]:
    """Return what equals a list of floats that is as near to the recorded one as this machine allows.

    Args:
        values: one recorded column; None where the framework has no value.
        recorded_with: the fingerprint of the `cos` that they were recorded with.

    Returns:
        The values themselves where the fingerprint is this machine's; else each within 4 ulp of the largest.
    """
    if recorded_with == HERE:
        return list(values)
    allowed = ULPS * math.ulp(max((abs(value) for value in values if value is not None), default=0.0))
    return [None if value is None else pytest.approx(value, rel=0, abs=allowed) for value in values]


if __name__ == "__main__":
    print(HERE)  # noqa: T201
