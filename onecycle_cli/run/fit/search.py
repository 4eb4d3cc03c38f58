"""From a curve to settings: the kinds of curve, the offsets and the conventions that meet a log, the simplest first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.policy.conventions import CONVENTIONS, DEFAULT
from onecycle_cli.run.fit.least_squares import ONLY_RISE, SECOND_EDGE, THREE_PHASE, TWO_PHASE, EdgeFit, find_edges
from onecycle_cli.run.fit.solution import Candidate, cost, solve
from onecycle_cli.run.reading import OFFSETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onecycle_cli.policy.conventions.base import Convention
    from onecycle_cli.run.fit.evidence import Evidence
    from onecycle_cli.run.fit.least_squares import Curve, Edges
    from onecycle_cli.run.fit.solution import Solution

CURVES = (*TWO_PHASE, *THREE_PHASE, SECOND_EDGE, ONLY_RISE)

EARLY = 100
"""A peak so early that it matters to PyTorch's mirrored rise whether a log counts from 0 or from 1."""

ROUGH = 0.1
"""Difference, as a share of the peak, up to which a curve resembles a few rows, under any offset."""

CLOSER = 0.01
"""The same with the offset at hand, for it to be worth fitting to all rows."""

CLOSE = 1e-4
"""The same, from which on no other start is tried."""

GOOD = 30.0
"""Misfit, in units of what is allowed, up to which a curve is worth a closer look: conventions are not quite smooth."""

POSITION_NOISE = 1e-6
"""What positions rounded to float32 (6e-8) leave of a smooth curve, as a share of the peak, at a steep place."""

SURE = 0.3
"""How uncertain an edge may be, in steps, to be a whole step: less than half a step to either side."""

OFFSET_PRICES = {0: 0.0, -1: 0.5, 1: 1.5}
"""What an offset costs, in digits: a log is most often of the steps trained with, counted from 0."""

USUAL_FRACTIONS = (0.3, 0.25, 0.2, 0.1, 0.4, 0.5, 0.15, 0.05)

ROUND_SIZES = (10, 100, 1000)
"""Lengths are often multiples of these."""


def search(evidence: Evidence) -> tuple[list[Solution], float]:
    """Return all settings that meet the evidence, the simplest first.

    Beside them goes the largest difference that the nearest smooth curve leaves, as a share of the peak.
    """
    found: list[Solution] = []
    nearest = math.inf
    coarse = evidence.coarse()
    starts = _rough_fits(CURVES, coarse, 0)
    for offset in OFFSETS:
        if evidence.first + offset < 0:
            continue
        if offset != 0 and evidence.peak < EARLY:
            starts += _rough_fits(THREE_PHASE, coarse, offset)
        for edges in _edge_fits(evidence, coarse, offset, starts):
            nearest = min(nearest, edges.off)
            if edges.misfit < GOOD or edges.off < POSITION_NOISE:
                for candidate in candidates(edges, evidence, offset):
                    found += solve(candidate, evidence)
        for candidate in _with_plateau(evidence, offset):
            found += solve(candidate, evidence)
    return sorted(found, key=lambda solution: price(solution, evidence)), nearest


def price(solution: Solution, evidence: Evidence) -> float:
    """Return what settings cost: digits to spell out, and every difference from a plain PyTorch run logged in full."""
    candidate = solution.candidate
    after_last = evidence.last + candidate.offset + 1
    length = 0.0 if candidate.total_steps == after_last else cost(float(candidate.total_steps))
    if candidate.total_steps == after_last - 1:
        length = 1.0
    return (
        solution.cost
        + length
        + OFFSET_PRICES[candidate.offset]
        + 1.5 * (candidate.convention != DEFAULT)
        + 0.25 * CONVENTIONS[candidate.convention].final_is_fixed
        + 1.0 * candidate.three_phase
        + 0.5 * candidate.guessed
        + 5.0 * max(0.0, solution.misfit - 1.0)
    )


# --- Curves that resemble the log ------------------------------------------------------------------------------------


def _rough_fits(kinds: Iterable[Curve], coarse: Evidence, offset: int) -> list[tuple[EdgeFit, int]]:
    """Fit each kind of curve to few rows; return those that resemble them, with the offset."""
    found = [_rough_fit(curve, coarse, offset) for curve in kinds]
    return [(edges, offset) for edges in found if edges is not None and edges.off < ROUGH]


def _rough_fit(curve: Curve, coarse: Evidence, offset: int) -> EdgeFit | None:
    """Fit a kind of curve from several starts."""
    best = None
    for start in _starts(curve, coarse):
        edges = find_edges(curve, coarse, offset, tuple(edge + offset for edge in start), rounds=15)
        if edges is not None and (best is None or edges.misfit < best.misfit):
            best = edges
        if best is not None and best.off < CLOSE:
            break
    return best


def _edge_fits(
    evidence: Evidence, coarse: Evidence, offset: int, starts: list[tuple[EdgeFit, int]]
) -> Iterator[EdgeFit]:
    """Fit to all rows the curves that resemble a few of them."""
    for start, there in starts:
        shifted = tuple(edge + offset - there for edge in start.edges)
        rough = find_edges(start.curve, coarse, offset, shifted, rounds=15)
        if rough is None or rough.off > CLOSER:
            continue
        edges = find_edges(start.curve, evidence, offset, rough.edges)
        if edges is not None:
            yield edges


def _starts(curve: Curve, evidence: Evidence) -> Iterator[Edges]:
    """Yield edges to start from, by where the highest learning rate and the end of the log are."""
    first, last = float(evidence.first), float(evidence.last)
    only_rise, only_fall = evidence.peak == evidence.last, evidence.peak == evidence.first
    span = last - first
    if (curve is ONLY_RISE) != only_rise:
        return
    if only_rise:
        yield from ((last + span * share,) for share in (0.01, 0.3, 1.0, 3.0))
        return
    if only_fall and curve is not TWO_PHASE[0]:
        return
    rises = _around_peak(evidence)
    if only_fall:
        rises = [max(first - share * span, 1.0) for share in (0.0, 0.1, 0.5)]
    for rise in rises:
        for share in (0.0, 0.1, 0.5, 2.0, 8.0):
            end = last + share * span + (0.01 if share == 0 else 0.0)
            if curve is SECOND_EDGE:
                if share == 0:
                    yield from ((rise, rise + part * (last - rise), end) for part in (0.3, 0.5, 0.8, 0.95))
            elif curve in TWO_PHASE or 2 * rise < last:
                yield max(rise, 0.5), end


def _around_peak(evidence: Evidence) -> list[float]:
    """Return places before and after the highest row: a line's corner is not moved across a row by small steps."""
    highest = int(evidence.lr[0].values.argmax())
    low, high = max(highest - 1, 0), min(highest + 1, evidence.steps.size - 1)
    here = evidence.steps[highest]
    return [float(here + evidence.steps[at]) / 2 for at in (low, high)]


# --- What conventions call a curve -----------------------------------------------------------------------------------


def candidates(edges: EdgeFit, evidence: Evidence, offset: int) -> Iterator[Candidate]:
    """Yield the candidates that a curve's edges allow."""
    if edges.curve is ONLY_RISE:
        yield from _by_usual_fraction(edges, offset)
    elif edges.curve is SECOND_EDGE:
        yield from _with_second_edge(edges, evidence, offset)
    else:
        for end, guessed in _ends(edges, evidence, offset).items():
            yield from _ending_at(end, edges, evidence, offset, guessed=guessed)


def _ending_at(end: int, edges: EdgeFit, evidence: Evidence, offset: int, *, guessed: bool) -> Iterator[Candidate]:
    """Improve on the first edge with the end at a whole step, and yield each convention's length and fraction."""
    if not 0 < edges.edges[0] < end:
        return
    moved = find_edges(edges.curve, evidence, offset, edges.edges[:1], lambda varied: (varied[0], float(end)))
    if moved is None:
        return
    for convention in tried_conventions():
        found = _length_and_fraction(convention, moved, evidence.last + offset, end)
        if found is not None:
            three = edges.curve in THREE_PHASE
            yield Candidate(convention.name, offset, *found, edges.curve.strategy, guessed, three)


def tried_conventions() -> list[Convention]:
    """Return the conventions that compute what no other does, or have a setting that the other lacks."""
    return [
        convention
        for convention in CONVENTIONS.values()
        if convention.is_fitted
        and (
            not convention.computes_like
            or CONVENTIONS[convention.computes_like].unsupported.keys() - convention.unsupported.keys()
        )
    ]


def _length_and_fraction(
    convention: Convention, edges: EdgeFit, logged: int, end: int
) -> tuple[int, tuple[float]] | None:
    """Return a convention's length and pct_start for a curve that ends at a step; None if it has no such curve."""
    strategy, rise, three = edges.curve.strategy, edges.edges[0], edges.curve in THREE_PHASE
    if convention.has_plateau or convention.supports("pct_final") or (three and not convention.supports("three_phase")):
        return None
    if not convention.supports("anneal_strategy") and convention.defaults.anneal_strategy != strategy:
        return None
    last = 1 if convention.ends_at_last_step else 0
    total, edge = end + last, rise + last
    if not last and (rise >= end or logged > end or (convention.whole_steps and rise < 1)):
        return None
    return total, (_middle(edge, total) if convention.whole_steps else min(max(edge / total, 0.0), 1.0),)


def _with_second_edge(edges: EdgeFit, evidence: Evidence, offset: int) -> Iterator[Candidate]:
    """Yield linear schedules with a second edge; straight lines do not show where the last one is cut off."""
    rise, second, end = edges.edges
    logged = evidence.last + offset
    ends = {round(end): False}
    if edges.uncertainty[-1] > SURE:
        guesses = [*_default_end(edges, evidence, offset), *_round_lengths(logged, evidence.gap)]
        ends = {**dict.fromkeys(guesses, True), logged + 1: False}
    for length, guessed in ends.items():
        if length > second and length >= logged:
            pct = (_middle(rise, length), _middle(second, length))
            for convention in tried_conventions():
                if convention.supports("pct_final"):
                    yield Candidate(convention.name, offset, length, pct, "linear", guessed)


def _with_plateau(evidence: Evidence, offset: int) -> Iterator[Candidate]:
    """Yield schedules with a plateau: the rise ends on a whole step, and the run where the log does."""
    steps, values = evidence.steps + offset, evidence.lr[0].values
    peak = evidence.peak + offset
    fall = (steps > peak) & (values > values.max() / 20)
    if fall.sum() < 3 or peak < 2:
        return
    slope, level = np.polyfit(steps[fall], values[fall], 1)
    zero = -level / slope if slope < 0 else 0.0
    total = evidence.last + offset + 1
    for half in dict.fromkeys((round(zero / 2), peak)):
        if 0 < half < total and abs(half - peak) <= max(2.0, 0.05 * half):
            for convention in tried_conventions():
                if convention.has_plateau:
                    yield Candidate(convention.name, offset, total, (), "linear", stepsize=half)


def _by_usual_fraction(edges: EdgeFit, offset: int) -> Iterator[Candidate]:
    """Yield lengths of which the rise is a usual fraction: the log shows nothing else of them."""
    rise, uncertainty, strategy = edges.edges[0], edges.uncertainty[0], edges.curve.strategy
    if not uncertainty < 0.2 * rise:
        return
    for pct in USUAL_FRACTIONS:
        total = round((rise + 1) / pct)
        if abs(pct * total - 1 - rise) < max(SURE * pct, uncertainty):
            yield Candidate(DEFAULT, offset, total, (pct,), strategy, guessed=True)
    total = math.ceil((rise + 1) / USUAL_FRACTIONS[0])
    yield Candidate(DEFAULT, offset, total, ((rise + 1) / total,), strategy, guessed=True)


def _ends(edges: EdgeFit, evidence: Evidence, offset: int) -> dict[int, bool]:
    """Return the whole steps at which a curve can end, and whether each is a guess."""
    end, uncertainty, logged = edges.edges[-1], edges.uncertainty[-1], evidence.last + offset
    if uncertainty < SURE:
        return {round(end): False}
    guesses = [round((edges.edges[0] + 1) / USUAL_FRACTIONS[0]) - 1]
    if evidence.gap > 1:
        guesses += [length - 1 for length in _round_lengths(logged, evidence.gap)]
    guesses += _default_end(edges, evidence, offset)
    if uncertainty < 0.2 * end:
        guesses += [round(end), *(round((end + 1) / size) * size - 1 for size in ROUND_SIZES)]
    whole = (logged, logged - 1) if offset == 1 else (logged,)
    return {**{step: True for step in guesses if step > logged}, **dict.fromkeys(whole, False)}


def _default_end(edges: EdgeFit, evidence: Evidence, offset: int) -> list[int]:
    """Return the end if the final rate is the default one, where the log does not show both."""
    found = find_edges(edges.curve.with_default_end(), evidence, offset, edges.edges)
    return [] if found is None or not math.isfinite(found.edges[-1]) else [round(found.edges[-1])]


def _round_lengths(logged: int, gap: int) -> list[int]:
    """Return round lengths, and the one that the gaps suggest, that end before another row would have been logged."""
    rounded = [-(-(logged + 1) // size) * size for size in ROUND_SIZES]
    return [length for length in (*rounded, logged + gap) if logged < length <= logged + gap]


def _middle(step: float, total: int) -> float:
    """Return the fraction in the middle of those that a convention cuts off to the same whole step."""
    return min((round(step) + 0.5) / total, 1.0)
