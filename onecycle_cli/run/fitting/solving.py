"""Values as sums of a curve's corners: which corners come closest to a column, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.run.fitting.evidence import Column


@dataclass(frozen=True, slots=True)
class Solution:
    """The corners' values, how unsure each is, and the largest misfit in units of what is allowed."""

    corners: tuple[float, ...]
    unsure: tuple[float, ...]
    misfit: float


def solve(design: FloatArray, column: Column, known: Mapping[int, float] | None = None) -> Solution:
    """Find the corners by least squares, those that are `known` held.

    Args:
        design: each corner's share of each row, shape (rows, corners).
        column: the values.
        known: values of corners, by number.
    """
    import numpy as np

    known = known or {}
    corners = np.zeros(design.shape[1])
    unsure = np.full(design.shape[1], math.inf)
    for at, value in known.items():
        corners[at], unsure[at] = value, 0.0
    free = [at for at in range(design.shape[1]) if at not in known and np.abs(design[:, at] * column.weights).any()]
    if free:
        weighted = design[:, free] * column.weights[:, None]
        left = (column.values - design @ corners) * column.weights
        scale = np.linalg.norm(weighted, axis=0)
        u, s, vt = np.linalg.svd(weighted / scale, full_matrices=False)
        keep = s > 1e-13 * s[0]
        corners[free] = (vt[keep].T @ ((u[:, keep].T @ left) / s[keep])) / scale
        # A second round takes off what the first left by rounding: exact logs are met to their last bits.
        left = (column.values - design @ corners) * column.weights
        corners[free] += (vt[keep].T @ ((u[:, keep].T @ left) / s[keep])) / scale
        spread = np.sqrt(((vt[keep].T / s[keep]) ** 2).sum(axis=1)) / scale
        unsure[free] = spread if keep.all() else math.inf
    misfit = column.misfit(design @ corners)
    return Solution(tuple(corners.tolist()), tuple(unsure.tolist()), misfit)
