"""Linear algebra on values from logs: a system without a solution in float64 has none here, and raises nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def svd(matrix: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the thin singular value decomposition; all singular values are 0 where there is none.

    LAPACK writes lines of its own to standard output if it is given an infinity.
    """
    if np.isfinite(matrix).all():
        try:
            return np.linalg.svd(matrix, full_matrices=False)
        except np.linalg.LinAlgError:
            pass
    rank = min(matrix.shape)
    return np.zeros((matrix.shape[0], rank)), np.zeros(rank), np.zeros((rank, matrix.shape[1]))


def least_squares(matrix: Floats, wanted: Floats) -> Floats:
    """Return the shortest x for which `matrix @ x` is nearest to what is wanted; zeros where there is none."""
    if np.isfinite(matrix).all() and np.isfinite(wanted).all():
        try:
            return np.asarray(np.linalg.lstsq(matrix, wanted, rcond=None)[0], np.float64)
        except np.linalg.LinAlgError:
            pass
    return np.zeros(matrix.shape[1])
