"""From a candidate to settings: each number becomes the shortest decimal with which all values are still met."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.policy.conventions import CONVENTIONS, DEFAULT
from onecycle_cli.policy.onecycle import OneCycle
from onecycle_cli.policy.plan import plan_of
from onecycle_cli.run.fit.least_squares import DIP, DIP_AND_STAY, RISE_FALL, THERE_AND_BACK, find_corners, spread
from onecycle_cli.run.precision import ALL_DIGITS, decimals, written_digits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from onecycle_cli.policy.conventions.base import Convention
    from onecycle_cli.policy.plan import Plan
    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.run.fit.evidence import Column, Evidence
    from onecycle_cli.run.fit.least_squares import Corners

WORST = 4.0
"""Misfit, in units of what is allowed, above which a candidate is given up: conventions differ by less from a curve."""

LOOSE = 1.5
"""Misfit up to which a shorter fraction is kept beside the first that fits: its numbers may fit once they are round."""

MOST_LOOSE = 2
"""How many such fractions are kept."""

READABLE = 6
"""Digits up to which a number may have been typed by someone."""

UNCERTAIN = 0.2
"""Share of a number's value by which it may be uncertain and still count as determined."""

HIGHEST_DIV = 1e9
"""A div_factor above which the rise begins at 0 rather than at a fraction of the peak."""

WHOLE_STEPS_COST = 4.5
"""Cost of a fraction that is a whole number of steps: no longer to say than that number, of up to 4 digits."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A convention with length and fraction, the fraction still as it was estimated.

    Attributes:
        convention: its name.
        offset: what is added to a logged step to get the schedule's.
        total_steps: the length.
        pct: the estimate of pct_start, and of pct_final where the convention has one.
        strategy: cos or linear.
        guessed: whether the log does not show the length, and another could do as well.
        three_phase: PyTorch's third phase.
        stepsize: half the cycle, where the run ends in a plateau.
    """

    convention: str
    offset: int
    total_steps: int
    pct: tuple[float, ...]
    strategy: str
    guessed: bool = False
    three_phase: bool = False
    stepsize: int | None = None

    @property
    def traits(self) -> Convention:
        """The convention."""
        return CONVENTIONS[self.convention]

    @property
    def shape(self) -> dict[str, object]:
        """The settings that are known by now, pct_start apart."""
        found: dict[str, object] = {"total_steps": self.total_steps}
        if self.convention != DEFAULT:
            found["convention"] = self.convention
        if self.traits.supports("anneal_strategy"):
            found["anneal_strategy"] = self.strategy
        if self.traits.supports("three_phase"):
            found["three_phase"] = self.three_phase
        if self.stepsize is not None:
            found["stepsize"] = self.stepsize
        return found


@dataclass(frozen=True, slots=True)
class Solution:
    """A candidate's settings, what they cost to say, the misfit they leave, and what the log does not determine."""

    candidate: Candidate
    settings: dict[str, object]
    cost: float
    misfit: float
    undetermined: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Basis:
    """A candidate with its fractions: the shares that each quantity's numbers have in its values."""

    fractions: dict[str, float]
    lr: FloatArray
    momentum: FloatArray
    misfit: float


@dataclass(frozen=True, slots=True)
class _Part:
    """Some of the settings, what they cost to say, and those that the log does not determine."""

    settings: dict[str, object]
    cost: float
    undetermined: frozenset[str] = frozenset()


def solve(candidate: Candidate, evidence: Evidence) -> Iterator[Solution]:
    """Yield settings of a candidate that meet the values: none, one, or some with fractions of more or fewer digits."""
    for basis in _bases(candidate, evidence):
        limit = max(1.0, 1.1 * basis.misfit)
        rates = _rates(candidate, basis.lr, evidence.lr, limit)
        if rates is None:
            continue
        momenta = _momenta(candidate, basis.momentum, evidence.momentum, limit)
        defaults = candidate.traits.defaults
        spent = rates.cost + momenta.cost
        for name, value in basis.fractions.items():
            spent += _fraction_cost(candidate, value, getattr(defaults, name))
        settings = {**candidate.shape, **basis.fractions, **rates.settings, **momenta.settings}
        yield Solution(candidate, settings, spent, basis.misfit, rates.undetermined | momenta.undetermined)


# --- The fraction of the rise ----------------------------------------------------------------------------------------


def _bases(candidate: Candidate, evidence: Evidence) -> list[_Basis]:
    """Return the candidate with the first fractions that fit, and with shorter ones that nearly do; else the best."""
    if not candidate.pct:
        basis = _basis(candidate, evidence, {})
        return [] if basis is None or not basis.misfit <= WORST else [basis]
    best: _Basis | None = None
    kept: list[_Basis] = []
    for fractions in _fractions(candidate):
        basis = _basis(candidate, evidence, fractions)
        if basis is None:
            continue
        if basis.misfit <= 1:
            return [*kept, basis]
        if basis.misfit <= LOOSE and len(kept) < MOST_LOOSE:
            kept.append(basis)
        if best is None or basis.misfit < best.misfit:
            best = basis
    return kept or ([] if best is None or not best.misfit <= WORST else [best])


def _fractions(candidate: Candidate) -> Iterator[dict[str, float]]:
    """Yield the fractions to try, the shortest first."""
    defaults, total = candidate.traits.defaults, candidate.total_steps
    if candidate.traits.whole_steps:
        usual = (defaults.pct_start, defaults.pct_final)
        chosen = [_cut_off(int(pct * total), total, other) for pct, other in zip(candidate.pct, usual, strict=False)]
        yield dict(zip(("pct_start", "pct_final"), chosen, strict=False))
        return
    pct = candidate.pct[0]
    whole = round(pct * total) / total
    if abs(pct - defaults.pct_start) * total < max(1.0, 0.01 * total):
        yield {"pct_start": defaults.pct_start}
    tried = [*decimals(pct, most=READABLE), whole, *decimals(pct, fewest=READABLE + 1), *_neighbours(pct)]
    yield from ({"pct_start": fraction} for fraction in tried if 0 <= fraction <= 1)


def _cut_off(step: int, total: int, default: float) -> float:
    """Return the shortest fraction of a length that is cut off to a whole step; the default if it is one of them."""
    if int(default * total) == step:
        return default
    for digits in range(1, ALL_DIGITS):
        fraction = math.ceil(step * 10.0**digits / total) / 10.0**digits
        if int(fraction * total) == step:
            return fraction
    return math.nextafter(step / total, 1.0)


def _fraction_cost(candidate: Candidate, value: float, default: float) -> float:
    """Return what a fraction costs; one that is a whole number of steps is no longer than that number."""
    product = value * candidate.total_steps
    spelt = cost(value, default)
    # 1e-9 is far above the rounding of a product of float64 (1e-16) and far below a step of any cycle.
    return min(spelt, WHOLE_STEPS_COST) if abs(product - round(product)) < 1e-9 * product else spelt


def _basis(candidate: Candidate, evidence: Evidence, fractions: dict[str, float]) -> _Basis | None:
    """Return the shares of a candidate's numbers; None where it has no such curve."""
    traits = candidate.traits
    if evidence.momentum and not traits.supports("cycle_momentum"):
        return None
    factors = _rough_factors(candidate, evidence) if traits.has_plateau else {}
    plan = plan_of(OneCycle.from_values({"max_lr": 1.0, **candidate.shape, **fractions, **factors}))
    steps = evidence.steps + candidate.offset
    shares = None if plan is None else _shares(plan, steps)
    if plan is None or shares is None or (traits.supports("pct_final") and shares.shape[1] != 4):
        return None
    back = shares.shape[1] == 4
    lr = shares @ np.array(THERE_AND_BACK if back else RISE_FALL, float)
    dips = shares @ np.array(DIP_AND_STAY if back else DIP, float)
    momentum = _plateau_dips(plan, steps) if traits.has_plateau else dips
    worst = max(find_corners(lr, column).misfit for column in evidence.lr)
    misfits = [find_corners(momentum, column).misfit for column in evidence.momentum]
    if traits.supports("final_momentum") and max(misfits, default=0.0) > WORST:
        momentum = shares
        misfits = [find_corners(momentum, column).misfit for column in evidence.momentum]
    return _Basis(fractions, lr, momentum, max(worst, *misfits, 0.0))


def _shares(plan: Plan, steps: FloatArray) -> FloatArray | None:
    """Return each corner's share in the learning rate at each step, shape (steps, 3 or 4 corners), or None."""
    try:
        phases = plan.convention.phases(plan)
    except (ArithmeticError, ValueError):
        return None
    found = np.zeros((steps.size, len(phases) + 1))
    with np.errstate(all="ignore"):
        for at, phase in enumerate(phases):
            here = steps >= phase.first_step
            if at < len(phases) - 1:  # what comes after the cycle belongs to the last phase
                here &= steps <= phase.last_step
            progress = phase.lr[0].progress(steps[here])
            places = np.full(progress.size, at, dtype=np.intp)
            found[here] = spread(places, progress, plan.anneal_strategy, len(phases) + 1)
    if plan.convention.has_plateau:
        # The corners are initial, peak and plateau: the fall is aimed at 0, and the plateau is flat.
        found[:, 2] = found[:, 2] * (found[:, 1] == 0) + found[:, 3]
        found = found[:, :3]
    return found if found.shape[1] in (3, 4) and np.isfinite(found).all() else None


def _plateau_dips(plan: Plan, steps: FloatArray) -> FloatArray:
    """Return the shares of the highest and the lowest momentum where each cycle dips half as deep as the one before."""
    half = plan.convention.phases(plan)[0].lr[0].span
    cycle = steps // (2 * half)
    low = (1 - np.abs((steps - 2 * cycle * half) / half - 1)) * 0.5**cycle
    return np.stack([1 - low, low], axis=1)


def _rough_factors(candidate: Candidate, evidence: Evidence) -> dict[str, float]:
    """Estimate the factors that decide where a plateau begins."""
    values = evidence.lr[0].values
    peak, first, last = float(values.max()), float(values[0]), float(values[-1])
    if min(first, last) <= 0 or candidate.total_steps <= 2 * (candidate.stepsize or 0):
        return {}
    return {"div_factor": peak / first, "final_div_factor": max(first / last, 1.0)}


# --- Learning rates --------------------------------------------------------------------------------------------------


def _rates(candidate: Candidate, design: FloatArray, columns: Sequence[Column], limit: float) -> _Part | None:
    """Find max_lr, then div_factor with it, then the final rate with both."""
    found = [_corner(design, column, {}, 1, limit) for column in columns]
    if not all(math.isfinite(corners.uncertainty[1]) and corners.values[1] > 0 for _, corners in found):
        return None
    peaks = [peak for peak, _ in found]
    div, determined = _div_factor(candidate, design, columns, peaks, limit)
    if div is None:
        return None
    known = [{1: peak, 0: peak / div} for peak in peaks]
    final = _final(candidate, design, columns, known, limit)
    if final is None:
        return None
    undetermined = final.undetermined if determined else final.undetermined | {"div_factor"}
    settings = {"max_lr": peaks[0] if len(peaks) == 1 else peaks, "div_factor": div, **final.settings}
    spent = sum(map(cost, peaks)) + cost(div, candidate.traits.defaults.div_factor) + final.cost
    return _Part(settings, spent, undetermined)


def _div_factor(
    candidate: Candidate, design: FloatArray, columns: Sequence[Column], peaks: Sequence[float], limit: float
) -> tuple[float | None, bool]:
    """Return div_factor, None if there is none, and whether the log determines it."""
    default = candidate.traits.defaults.div_factor
    risen = [find_corners(design, column, {1: peak}) for column, peak in zip(columns, peaks, strict=True)]
    lead = _surest(risen, 0)
    determined = _is_determined(risen[lead], 0)
    if not determined and not math.isfinite(risen[lead].uncertainty[0]):
        return default, False

    def misfit(div: float) -> float:
        pairs = zip(columns, peaks, strict=True)
        return max(find_corners(design, column, {1: peak, 0: peak / div}).misfit for column, peak in pairs)

    initial = risen[lead].values[0]
    estimate = peaks[lead] / initial if initial > peaks[lead] / HIGHEST_DIV else 0.0
    return _first_fit((default, *_near(estimate)), misfit, limit), determined


def _final(
    candidate: Candidate,
    design: FloatArray,
    columns: Sequence[Column],
    known: Sequence[dict[int, float]],
    limit: float,
) -> _Part | None:
    """Find what the annealing ends at, as a divisor or as the rate itself."""
    traits, default = candidate.traits, candidate.traits.defaults.final_div_factor
    fallen = [find_corners(design, column, corners) for column, corners in zip(columns, known, strict=True)]
    lead, divided = _surest(fallen, 2), 1 if traits.final_divides_peak else 0
    undetermined = frozenset[str]() if _is_determined(fallen[lead], 2) else frozenset({"final_div_factor"})

    def misfit(finals: Sequence[float]) -> float:
        rows = zip(columns, known, finals, strict=True)
        return max(find_corners(design, column, {**corners, 2: final}).misfit for column, corners, final in rows)

    def of_factor(factor: float) -> float:
        return misfit([corners[divided] / factor for corners in known])

    if traits.final_is_fixed:
        return _Part({}, 0.0) if of_factor(default) <= limit else None
    final = fallen[lead].values[2]
    estimate = known[lead][divided] / final if final > 0 else 0.0
    tried = (default, *_near(estimate), *(10.0**power for power in range(13)))
    factor = _first_fit(tried, of_factor, limit)
    spelt = math.inf if factor is None else cost(factor, default)
    if candidate.convention == DEFAULT and (factor is None or spelt > READABLE + 1):
        round_rates = (1e-4, 0.0, *decimals(final, most=READABLE))
        held = _first_fit(round_rates, lambda rate: misfit([rate] * len(known)), limit)
        if held is not None:
            return _Part({"final_lr": held}, cost(held), undetermined)
    return None if factor is None else _Part({"final_div_factor": factor}, spelt, undetermined)


def _surest(found: Sequence[Corners], corner: int) -> int:
    """Return the number of the group that determines a corner best."""
    return min(range(len(found)), key=lambda at: found[at].uncertainty[corner] / max(abs(found[at].values[1]), 1e-300))


def _is_determined(found: Corners, corner: int) -> bool:
    return found.uncertainty[corner] <= UNCERTAIN * abs(found.values[corner])


# --- Momenta ---------------------------------------------------------------------------------------------------------


def _momenta(candidate: Candidate, design: FloatArray, columns: Sequence[Column], limit: float) -> _Part:
    """Find the momenta of each group; one number where all groups have the same."""
    if not columns:
        return _Part({}, 0.0)
    defaults = candidate.traits.defaults
    names = ("max_momentum", "base_momentum", "final_momentum")[: design.shape[1]]
    usual = (defaults.max_momentum, defaults.base_momentum, None)
    found: dict[str, list[float]] = {name: [] for name in names}
    undetermined = set()
    for column in columns:
        known: dict[int, float] = {}
        # The lowest first: it is the peak's, which nearly every log shows.
        for at in sorted(range(len(names)), key=lambda corner: corner != 1):
            known[at], corners = _corner(design, column, known, at, limit, usual[at])
            found[names[at]].append(known[at])
            if not _is_determined(corners, at):
                undetermined.add(names[at])
    settings = {name: values[0] if len(set(values)) == 1 else values for name, values in found.items()}
    spent = sum(cost(value, usual[at]) for at, name in enumerate(names) for value in set(found[name]))
    return _Part({"cycle_momentum": True, **settings}, spent, frozenset(undetermined))


def _corner(
    design: FloatArray, column: Column, known: dict[int, float], at: int, limit: float, usual: float | None = None
) -> tuple[float, Corners]:
    """Return one corner as a short decimal, and all corners by least squares; the usual value if it fits."""
    found = find_corners(design, column, known)
    estimate = found.values[at]
    tried = (*(() if usual is None else (usual,)), *_near(estimate))
    value = _first_fit(tried, lambda number: find_corners(design, column, {**known, at: number}).misfit, limit)
    return (estimate if value is None else value), found


# --- Numbers as their authors write them -----------------------------------------------------------------------------


def cost(value: float, default: float | None = None) -> float:
    """Return how many digits must be spelt out; a default needs none."""
    return 0.0 if value == default else 0.5 + written_digits(value)[0]


def _near(estimate: float) -> Iterator[float]:
    """Yield the shortest decimals near an estimate, then the float64 next to it."""
    yield from decimals(estimate)
    yield from _neighbours(estimate)


def _neighbours(value: float, each_side: int = 3) -> Iterator[float]:
    """Yield the float64 next to a value, the nearest first."""
    if not math.isfinite(value) or value == 0:
        return
    below = above = value
    for _ in range(each_side):
        below, above = math.nextafter(below, -math.inf), math.nextafter(above, math.inf)
        yield from (below, above)


def _first_fit(candidates: Iterable[float], misfit: Callable[[float], float], limit: float) -> float | None:
    """Return the first candidate whose misfit is within the limit, or the best one where it is close to it."""
    best, least = None, limit * 1.5
    for candidate in candidates:
        found = misfit(candidate)
        if found <= limit:
            return candidate
        if found < least:
            best, least = candidate, found
    return best
