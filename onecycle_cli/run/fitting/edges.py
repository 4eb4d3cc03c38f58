"""Where a curve turns: its edges by least squares over all columns, the corners solved for on the way.

Source: G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems whose
variables separate", SIAM J. Numer. Anal. 10 (1973), in L. Kaufman's simplification (BIT 15, 1975).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.run.fitting.curves import Curve, Edges
    from onecycle_cli.run.fitting.evidence import Column, Evidence


HOPELESS = 1e4
"""Mean square of the differences, in units of what is allowed, from which slow progress is not waited for."""


LEVEL = 1e-7
"""Slope, as a share of the steepest, that counts as none: differences of neighbouring curves are no more precise."""


@dataclass(frozen=True, slots=True)
class Turns:
    """A curve's free edges, how unsure each is, and how well it fits.

    `misfit` is the root mean square of the differences in units of what is allowed, `off` the largest difference as a
    share of the highest value of its column.
    """

    curve: Curve
    edges: Edges
    unsure: Edges
    misfit: float
    off: float


def find_edges(
    curve: Curve,
    evidence: Evidence,
    offset: int,
    start: Edges,
    held: Callable[[Edges], Edges] | None = None,
    rounds: int = 40,
) -> Turns | None:
    """Improve on the edges to start with; `held` gives all edges from those that are varied, where some are not.

    Returns None where the edges to start with are out of order.
    """
    import numpy as np

    whole = held or (lambda edges: edges)
    problem = _Problem(curve, evidence, evidence.steps + offset)
    here, damping = start, 1e-3
    state = problem.at(whole(here))
    if state is None:
        return None
    with np.errstate(all="ignore"):
        for _ in range(rounds):
            slopes = problem.slopes(whole, here)
            normal, target = slopes.T @ slopes, slopes.T @ state
            step = np.linalg.lstsq(normal + damping * np.diag(np.diag(normal)), target, rcond=None)[0]
            there = tuple((np.array(here) - step).tolist())
            tried = problem.at(whole(there))
            if tried is not None and tried @ tried < state @ state:
                stuck = tried @ tried > HOPELESS * state.size and tried @ tried > 0.9999 * (state @ state)
                small = np.abs(step).max() < 1e-14 * max(map(abs, there)) or stuck
                here, state, damping = there, tried, damping / 30
                if small:
                    break
            elif damping > 1e8:
                break
            else:
                damping = max(damping, 1e-12) * 30
        slopes = problem.slopes(whole, here)
        rms = math.sqrt(float(state @ state) / max(state.size, 1))
        spread = _spread(slopes) * max(1.0, rms)
    return Turns(curve, whole(here), tuple(spread.tolist()), rms, problem.off(whole(here)))


def _spread(slopes: FloatArray) -> FloatArray:
    """Give how far each edge can move before the fit suffers; infinite where it does not matter."""
    import numpy as np

    scale = np.linalg.norm(slopes, axis=0)
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        return np.full(slopes.shape[1], math.inf)
    _, s, vt = np.linalg.svd(slopes / scale, full_matrices=False)
    if s[-1] < LEVEL * s[0]:
        return np.full(slopes.shape[1], math.inf)
    found: FloatArray = np.sqrt(((vt.T / s) ** 2).sum(axis=1)) / scale
    return found


class _Problem:
    """The differences between the evidence and a curve, as a function of its edges."""

    def __init__(self, curve: Curve, evidence: Evidence, steps: FloatArray) -> None:
        """Pair each column with the tie of its quantity."""
        import numpy as np

        self.curve, self.steps = curve, steps
        ties = [(column, curve.lr) for column in evidence.lr] + [(each, curve.momentum) for each in evidence.momentum]
        self.columns: list[tuple[Column, FloatArray]] = [(column, np.array(tie, float)) for column, tie in ties]

    def at(self, edges: Edges) -> FloatArray | None:
        """Give the weighted differences left by the best corners; None where the edges are out of order."""
        import numpy as np

        bounds = (0.0, *self.curve.edges(edges))
        if not all(low < high for low, high in pairwise(bounds)):
            return None
        shares = self.curve.shares(self.steps, edges)
        return np.concatenate([_left(shares @ tie, column)[0] for column, tie in self.columns])

    def off(self, edges: Edges) -> float:
        """Give the largest difference, as a share of its column's highest value."""
        import numpy as np

        shares, worst = self.curve.shares(self.steps, edges), 0.0
        for column, tie in self.columns:
            corners = _left(shares @ tie, column)[1]
            there = column.weights > 0
            gap = np.abs(shares @ (tie @ corners) - column.values)[there]
            worst = max(worst, float(gap.max() / np.abs(column.values[there]).max()))
        return worst

    def slopes(self, whole: Callable[[Edges], Edges], here: Edges) -> FloatArray:
        """Give how the differences change with each varied edge, the corners following."""
        import numpy as np

        shares = self.curve.shares(self.steps, whole(here))
        found = []
        for at, edge in enumerate(here):
            by = max(abs(edge), 1.0) * 1e-6
            moved = [whole((*here[:at], edge + sign * by, *here[at + 1 :])) for sign in (1, -1)]
            change = (self.curve.shares(self.steps, moved[0]) - self.curve.shares(self.steps, moved[1])) / (2 * by)
            found.append(np.concatenate([_slope(shares @ tie, change @ tie, each) for each, tie in self.columns]))
        return np.stack(found, axis=1)


def _left(design: FloatArray, column: Column) -> tuple[FloatArray, FloatArray]:
    """Give what the best corners leave, weighted, and these corners."""
    import numpy as np

    weighted, wanted = design * column.weights[:, None], column.values * column.weights
    corners: FloatArray = np.linalg.lstsq(weighted, wanted, rcond=1e-14)[0].astype(np.float64, copy=False)
    return weighted @ corners - wanted, corners


def _slope(design: FloatArray, change: FloatArray, column: Column) -> FloatArray:
    import numpy as np

    weighted = design * column.weights[:, None]
    u, s, vt = np.linalg.svd(weighted, full_matrices=False)
    keep = s > 1e-14 * s[0]
    u, s, vt = u[:, keep], s[keep], vt[keep]
    corners = vt.T @ ((u.T @ (column.values * column.weights)) / s)
    slope: FloatArray = (change @ corners) * column.weights
    beyond = slope - u @ (u.T @ slope)
    if np.linalg.norm(beyond) < LEVEL * np.linalg.norm(slope):
        return np.zeros_like(slope)
    found: FloatArray = beyond
    return found
