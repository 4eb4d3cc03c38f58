"""One-cycle curves and their fit: the values at a curve's corners, and the steps at which it turns.

A value is a sum of the values at the corners of its phase, each with a share that depends on the step alone. For given
edges the corners are a linear least-squares problem; the edges are found around it.

Source: G. H. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems whose
variables separate", SIAM J. Numer. Anal. 10 (1973), in L. Kaufman's simplification (BIT 15, 1975).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from onecycle_cli.run.linear_algebra import least_squares, svd

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.run.fit.evidence import Column, Evidence

    Edges: TypeAlias = tuple[float, ...]

Tie: TypeAlias = tuple[tuple[float, ...], ...]
"""How the corners of a curve follow from a quantity's own numbers: one row per corner, one column per number."""

RANK = 1e-13
"""Singular value, as a share of the largest, below which corners are indistinguishable: a thousand times the 1e-16
to which shares are rounded."""

DEPENDENT = 1e-7
"""Slope, as a share of the steepest, that counts as none: differences of neighbouring curves are no more precise."""

HOPELESS = 1e4
"""Mean square of the differences, in units of what is allowed, from which slow progress is given up."""

NUDGE = 1e-6
"""Share by which an edge is moved to see what that does: balances the error of the difference's formula, the square
of it, with rounding, 1e-16 / 1e-6."""

# --- Curves ----------------------------------------------------------------------------------------------------------

RISE_FALL: Tie = ((1, 0, 0), (0, 1, 0), (0, 0, 1))
THERE_AND_BACK: Tie = ((1, 0, 0), (0, 1, 0), (1, 0, 0), (0, 0, 1))
RISE: Tie = ((1, 0), (0, 1))
DIP: Tie = ((1, 0), (0, 1), (1, 0))
DIP_AND_STAY: Tie = ((1, 0), (0, 1), (1, 0), (1, 0))


@dataclass(frozen=True, slots=True)
class Curve:
    """A kind of curve: its name, its line, how its edges follow from the free ones, and how its corners are tied."""

    name: str
    strategy: str
    edges: Callable[[Edges], Edges]
    lr: Tie
    momentum: Tie

    def shares(self, steps: FloatArray, free: Edges) -> FloatArray:
        """Return each corner's share in the value at each step, shape (steps, corners)."""
        edges = self.edges(free)
        bounds = np.array([0.0, *edges])
        phase = np.clip(np.searchsorted(bounds[1:], steps, side="left"), 0, len(edges) - 1)
        progress = (steps - bounds[phase]) / (bounds[phase + 1] - bounds[phase])
        return spread(phase, progress, self.strategy, len(edges) + 1)

    def with_default_end(self) -> Curve:
        """Return the curve with its last corner tied to the first: the default final_div_factor is 10,000."""
        return replace(self, lr=(*(row[:2] for row in self.lr[:-1]), (1e-4, 0)))


def _same(free: Edges) -> Edges:
    return free


def _mirrored(free: Edges) -> Edges:
    return free[0], 2 * free[0], free[1]


TWO_PHASE = tuple(Curve("two-phase", line, _same, RISE_FALL, DIP) for line in ("cos", "linear"))
THREE_PHASE = tuple(Curve("three-phase", line, _mirrored, THERE_AND_BACK, DIP_AND_STAY) for line in ("cos", "linear"))
SECOND_EDGE = Curve("second-edge", "linear", _same, THERE_AND_BACK, DIP_AND_STAY)
ONLY_RISE = Curve("rise", "cos", _same, RISE, RISE)


def spread(phase: NDArray[np.intp], progress: FloatArray, strategy: str, corners: int) -> FloatArray:
    """Spread each step between the two corners of its phase."""
    towards = (1 - np.cos(np.pi * progress)) / 2 if strategy == "cos" else progress
    found = np.zeros((progress.size, corners))
    rows = np.arange(progress.size)
    found[rows, phase] = 1 - towards
    found[rows, phase + 1] = towards
    return found


# --- Corners ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Corners:
    """The corners' values, how uncertain each is, and the largest misfit in units of what is allowed."""

    values: tuple[float, ...]
    uncertainty: tuple[float, ...]
    misfit: float


def find_corners(design: FloatArray, column: Column, known: Mapping[int, float] | None = None) -> Corners:
    """Find the corners by least squares; those that are `known` stay as they are.

    Args:
        design: each corner's share of each row, shape (rows, corners).
        column: the values.
        known: values of corners, by number.
    """
    known = known or {}
    corners = np.zeros(design.shape[1])
    uncertainty = np.full(design.shape[1], math.inf)
    for at, value in known.items():
        corners[at], uncertainty[at] = value, 0.0
    free = [at for at in range(design.shape[1]) if at not in known and np.abs(design[:, at] * column.weights).any()]
    if free:
        weighted = design[:, free] * column.weights[:, None]
        scale = np.linalg.norm(weighted, axis=0)
        u, s, vt = svd(weighted / scale)
        keep = s > RANK * s[0]
        # A second round takes off what the first left by rounding: exact logs are met to their last bits.
        for _ in range(2):
            left = (column.values - design @ corners) * column.weights
            corners[free] += (vt[keep].T @ ((u[:, keep].T @ left) / s[keep])) / scale
        deviation = np.sqrt(((vt[keep].T / s[keep]) ** 2).sum(axis=1)) / scale
        uncertainty[free] = deviation if keep.all() else math.inf
    return Corners(tuple(corners.tolist()), tuple(uncertainty.tolist()), column.misfit(design @ corners))


# --- Edges -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EdgeFit:
    """A curve's free edges, how uncertain each is, and how well it fits.

    `misfit` is the root mean square of the differences in units of what is allowed, `off` the largest difference as a
    share of the highest value of its column.
    """

    curve: Curve
    edges: Edges
    uncertainty: Edges
    misfit: float
    off: float


def find_edges(
    curve: Curve,
    evidence: Evidence,
    offset: int,
    start: Edges,
    complete: Callable[[Edges], Edges] | None = None,
    rounds: int = 40,
) -> EdgeFit | None:
    """Improve on edges to start with, by Levenberg and Marquardt's method.

    `complete` returns all edges from those that are varied, where some are not. Returns None where the edges to start
    with are out of order.
    """
    whole = complete or _same
    problem = _Problem(curve, evidence, evidence.steps + offset)
    here, damping = start, 1e-3
    state = problem.at(whole(here))
    if state is None:
        return None
    for _ in range(rounds):
        slopes = problem.slopes(whole, here)
        normal, target = slopes.T @ slopes, slopes.T @ state
        step = least_squares(normal + damping * np.diag(np.diag(normal)), target)
        there = tuple((np.array(here) - step).tolist())
        tried = problem.at(whole(there))
        if tried is not None and tried @ tried < state @ state:
            stuck = tried @ tried > HOPELESS * state.size and tried @ tried > 0.9999 * (state @ state)
            # 1e-14 of an edge is what its own rounding, 1e-16, leaves of a sum over many rows.
            small = np.abs(step).max() < 1e-14 * max(map(abs, there)) or stuck
            here, state, damping = there, tried, damping / 30
            if small:
                break
        elif damping > 1e8:  # steps are too small by then to change an edge
            break
        else:
            damping = max(damping, 1e-12) * 30
    rms = math.sqrt(float(state @ state) / max(state.size, 1))
    uncertainty = _uncertainty(problem.slopes(whole, here)) * max(1.0, rms)
    return EdgeFit(curve, whole(here), tuple(uncertainty.tolist()), rms, problem.off(whole(here)))


def _uncertainty(slopes: FloatArray) -> FloatArray:
    """Return how far each edge can move before the fit suffers; infinite where it does not matter."""
    scale = np.linalg.norm(slopes, axis=0)
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        return np.full(slopes.shape[1], math.inf)
    _, s, vt = svd(slopes / scale)
    if s[-1] <= DEPENDENT * s[0]:
        return np.full(slopes.shape[1], math.inf)
    found: FloatArray = np.sqrt(((vt.T / s) ** 2).sum(axis=1)) / scale
    return found


class _Problem:
    """The differences between the evidence and a curve, as a function of its edges."""

    def __init__(self, curve: Curve, evidence: Evidence, steps: FloatArray) -> None:
        """Pair each column with the tie of its quantity."""
        self.curve, self.steps = curve, steps
        lr, momentum = np.array(curve.lr, float), np.array(curve.momentum, float)
        self.columns: list[tuple[Column, FloatArray]] = [(column, lr) for column in evidence.lr]
        self.columns += [(column, momentum) for column in evidence.momentum]

    def at(self, edges: Edges) -> FloatArray | None:
        """Return the weighted differences left by the best corners; None where the edges are out of order."""
        if not all(low < high for low, high in pairwise((0.0, *self.curve.edges(edges)))):
            return None
        shares = self.curve.shares(self.steps, edges)
        return np.concatenate([_project(shares @ tie, column)[2] for column, tie in self.columns])

    def off(self, edges: Edges) -> float:
        """Return the largest difference, as a share of its column's highest value."""
        shares, worst = self.curve.shares(self.steps, edges), 0.0
        for column, tie in self.columns:
            there = column.weights > 0
            left = _project(shares @ tie, column)[2][there] / column.weights[there]
            worst = max(worst, float(np.abs(left).max() / np.abs(column.values[there]).max()))
        return worst

    def slopes(self, whole: Callable[[Edges], Edges], here: Edges) -> FloatArray:
        """Return how the differences change with each varied edge, the corners following.

        That is the part of a change of the shares that no change of the corners can undo (Kaufman).
        """
        shares = self.curve.shares(self.steps, whole(here))
        changes = []
        for at, edge in enumerate(here):
            by = max(abs(edge), 1.0) * NUDGE
            moved = [whole((*here[:at], edge + sign * by, *here[at + 1 :])) for sign in (1, -1)]
            changes.append(
                (self.curve.shares(self.steps, moved[0]) - self.curve.shares(self.steps, moved[1])) / (2 * by)
            )
        found = []
        for column, tie in self.columns:
            basis, corners, _ = _project(shares @ tie, column)
            slope = np.stack([(change @ (tie @ corners)) * column.weights for change in changes], axis=1)
            beyond = slope - basis @ (basis.T @ slope)
            beyond[:, np.linalg.norm(beyond, axis=0) < DEPENDENT * np.linalg.norm(slope, axis=0)] = 0.0
            found.append(beyond)
        return np.concatenate(found)


def _project(design: FloatArray, column: Column) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return an orthonormal basis of what corners can give, weighted; the best corners; and what these leave."""
    weighted, wanted = design * column.weights[:, None], column.values * column.weights
    u, s, vt = svd(weighted)
    keep = s > RANK * s[0]
    basis, coordinates = u[:, keep], u[:, keep].T @ wanted
    corners: FloatArray = vt[keep].T @ (coordinates / s[keep])
    return basis, corners, weighted @ corners - wanted
