"""From a curve's edges to what each convention would call them: length and fraction, before any number is rounded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.policy.conventions import CONVENTIONS, DEFAULT
from onecycle_cli.run.fitting.curves import ONLY_RISE, SECOND_EDGE
from onecycle_cli.run.fitting.edges import Turns, find_edges

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.policy.conventions.base import Convention
    from onecycle_cli.run.fitting.evidence import Evidence

TOLD = 0.3
"""How unsure an edge may be, in steps, for the length to be told by it."""

NOISE_OF_FASTAI = 1e-6
"""What fastai's positions in float32 leave of a smooth curve, as a share of the peak."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A convention with length and fraction, the fraction still as it was estimated.

    Attributes:
        convention: its name.
        offset: what is added to a logged step to get the schedule's.
        total_steps: the length.
        pct: the estimate of pct_start, and of pct_final where the convention has one.
        strategy: cos or linear.
        guessed: whether the log does not tell the length, and another could do as well.
        three_phase: PyTorch's third phase.
        stepsize: the papers' half cycle.
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
    def shape(self) -> dict[str, object]:
        """The settings that are known by now, pct_start apart."""
        found: dict[str, object] = {"total_steps": self.total_steps}
        if self.convention != DEFAULT:
            found["convention"] = self.convention
        convention = CONVENTIONS[self.convention]
        if convention.supports("anneal_strategy"):
            found["anneal_strategy"] = self.strategy
        if convention.supports("three_phase"):
            found["three_phase"] = self.three_phase
        if self.stepsize is not None:
            found["stepsize"] = self.stepsize
        return found


def drafts_of(turns: Turns, evidence: Evidence, offset: int, tied_end: float | None = None) -> Iterator[Draft]:
    """Give the drafts that a curve's edges allow; `tied_end` is where it ends if its final rate is the default."""
    if turns.curve is ONLY_RISE:
        yield from _by_default_fraction(turns, offset)
        return
    if turns.curve is SECOND_EDGE:
        yield from _with_second_edge(turns, evidence, offset, tied_end)
        return
    for end, guessed in _ends(turns, evidence, offset, tied_end):
        moved = _with_end(turns, evidence, offset, end)
        if moved is None:
            continue
        for convention in conventions():
            found = _places(convention, moved, evidence.last + offset, end)
            if found is not None:
                three = turns.curve.name == "three-phase"
                yield Draft(convention.name, offset, *found, turns.curve.strategy, guessed, three)


def conventions() -> list[Convention]:
    """Return the conventions to try: those that compute what no other does, or have a setting that the other lacks."""
    return [
        convention
        for convention in CONVENTIONS.values()
        if not convention.computes_like
        or CONVENTIONS[convention.computes_like].unsupported.keys() - convention.unsupported.keys()
    ]


def _places(convention: Convention, turns: Turns, logged: int, end: int) -> tuple[int, tuple[float]] | None:
    """Return a convention's length and pct_start for a curve that ends at a step; None if it has no such curve."""
    strategy, rise = turns.curve.strategy, turns.edges[0]
    three = turns.curve.name == "three-phase"
    if convention.has_plateau or convention.supports("pct_final") or (three and not convention.supports("three_phase")):
        return None
    if not convention.supports("anneal_strategy") and convention.defaults.anneal_strategy != strategy:
        return None
    last = 1 if convention.ends_at_last_step else 0
    total, edge = end + last, rise + last
    if not last and (rise >= end or logged > end or (convention.whole_steps and rise < 1)):
        return None
    return total, (_middle(edge, total) if convention.whole_steps else min(max(edge / total, 0.0), 1.0),)


def _with_second_edge(turns: Turns, evidence: Evidence, offset: int, tied_end: float | None) -> Iterator[Draft]:
    """Give optax's linear schedule; straight lines do not tell where the last one is cut off."""
    rise, second, end = turns.edges
    logged = evidence.last + offset
    ends = {round(end): False}
    if turns.unsure[-1] > TOLD:
        ends = {} if tied_end is None or not math.isfinite(tied_end) else {round(tied_end): True}
        ends |= dict.fromkeys(_round_lengths(logged, evidence.gap), True)
        ends[logged + 1] = False
    for total, guessed in ends.items():
        if total > second and total >= logged:
            pct = (_middle(rise, total), _middle(second, total))
            for convention in conventions():
                if convention.supports("pct_final"):
                    yield Draft(convention.name, offset, total, pct, "linear", guessed)


def smiths_drafts(evidence: Evidence, offset: int) -> Iterator[Draft]:
    """Give the drafts of the papers' own schedule: its rise ends on a whole step, its end is where the log's is."""
    import numpy as np

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
            for convention in conventions():
                if convention.has_plateau:
                    yield Draft(convention.name, offset, total, (), "linear", stepsize=half)


def _by_default_fraction(turns: Turns, offset: int) -> Iterator[Draft]:
    """Give lengths of which the rise is a usual fraction: the log says nothing else of them."""
    rise, unsure = turns.edges[0], turns.unsure[0]
    if not unsure < 0.2 * rise:
        return
    for pct in (0.3, 0.25, 0.2, 0.1, 0.4, 0.5, 0.15, 0.05):
        total = round((rise + 1) / pct)
        if abs(pct * total - 1 - rise) < max(TOLD * pct, unsure):
            yield Draft(DEFAULT, offset, total, (pct,), turns.curve.strategy, guessed=True)
    total = math.ceil((rise + 1) / 0.3)
    yield Draft(DEFAULT, offset, total, ((rise + 1) / total,), turns.curve.strategy, guessed=True)


def _ends(turns: Turns, evidence: Evidence, offset: int, tied_end: float | None) -> Iterator[tuple[int, bool]]:
    """Give the whole steps at which the curve can end, and whether each is a guess."""
    end, unsure, logged = turns.edges[-1], turns.unsure[-1], evidence.last + offset
    if unsure < TOLD:
        yield round(end), False
        return
    complete = {logged: False} | ({logged - 1: False} if offset == 1 else {})
    guesses = [round((turns.edges[0] + 1) / 0.3) - 1]
    if evidence.gap > 1:
        guesses += [whole - 1 for whole in _round_lengths(logged, evidence.gap)]
    if tied_end is not None and math.isfinite(tied_end):
        guesses.append(round(tied_end))
    if unsure < 0.2 * end:
        guesses += [round(end), *(round((end + 1) / size) * size - 1 for size in (10, 100, 1000))]
    yield from ({each: True for each in guesses if each > logged} | complete).items()


def _round_lengths(logged: int, gap: int) -> list[int]:
    """Give round lengths, and the one that the gaps suggest, that end before another row would have been logged."""
    rounded = [-(-(logged + 1) // size) * size for size in (10, 100, 1000)]
    return [each for each in (*rounded, logged + gap) if logged < each <= logged + gap]


def _with_end(turns: Turns, evidence: Evidence, offset: int, end: int) -> Turns | None:
    """Improve on the other edge with the end held at a whole step."""
    rise = turns.edges[0]
    if not 0 < rise < end:
        return None
    return find_edges(turns.curve, evidence, offset, (rise,), lambda edges: (edges[0], float(end)))


def _middle(step: float, total: int) -> float:
    """Give the fraction in the middle of those that a convention cuts off to the same whole step."""
    return min((round(step) + 0.5) / total, 1.0)
