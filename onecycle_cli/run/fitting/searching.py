"""Trying the kinds of curve, the offsets and the conventions on the evidence, and ranking what meets it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

from onecycle_cli.policy.conventions import CONVENTIONS, DEFAULT
from onecycle_cli.run.fitting import curves
from onecycle_cli.run.fitting.drafts import NOISE_OF_FASTAI, TOLD, drafts_of, smiths_drafts
from onecycle_cli.run.fitting.edges import find_edges
from onecycle_cli.run.fitting.numbers import cost
from onecycle_cli.run.fitting.settling import settle

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onecycle_cli.run.fitting.curves import Curve, Edges
    from onecycle_cli.run.fitting.edges import Turns
    from onecycle_cli.run.fitting.evidence import Evidence
    from onecycle_cli.run.fitting.settling import Settled

OFFSETS = (0, -1, 1)
"""Logged as trained, counted from 1, and read after the scheduler was stepped."""

CURVES = (*curves.TWO_PHASE, *curves.THREE_PHASE, curves.SECOND_EDGE, curves.ONLY_RISE)

Rough: TypeAlias = "tuple[Turns, int]"
"""A curve that resembles the log, and the offset with which it does."""

EARLY = 100
"""A peak so early that it matters to PyTorch's mirrored rise whether a log counts from 0 or from 1."""

ROUGH = 0.1
"""Difference, as a share of the peak, up to which a curve resembles a few rows, whatever the offset."""

CLOSER = 0.01
"""The same with the offset at hand, for it to be worth fitting to all rows."""

CLOSE = 1e-4
"""The same, from which on no other start is tried."""

FIT = 30.0
"""Misfit, in units of what is allowed, up to which a smooth curve is worth a closer look."""


def search(evidence: Evidence) -> tuple[list[Settled], float]:
    """Give all settings that meet the evidence, those that are shortest to say first.

    Beside them goes the largest difference that the nearest smooth curve leaves, as a share of the peak.
    """
    found: list[Settled | None] = []
    nearest = math.inf
    coarse = evidence.coarse()
    starts = _rough_turns(CURVES, coarse, 0)
    for offset in OFFSETS:
        if evidence.first + offset < 0:
            continue
        if offset != 0 and evidence.peak < EARLY:
            starts += _rough_turns(curves.THREE_PHASE, coarse, offset)
        for turns in _turns(evidence, offset, starts):
            nearest = min(nearest, turns.off)
            if not (turns.misfit < FIT or turns.off < NOISE_OF_FASTAI):
                continue
            drafts = drafts_of(turns, evidence, offset, _tied_end(turns, evidence, offset))
            found += [settle(draft, evidence) for draft in drafts]
        found += [settle(draft, evidence) for draft in smiths_drafts(evidence, offset)]
    met = [each for each in found if each is not None]
    return sorted(met, key=lambda each: price(each, evidence)), nearest


def price(settled: Settled, evidence: Evidence) -> float:
    """Say what settings cost: digits to spell out, and every departure from a plain PyTorch run logged in full."""
    draft = settled.draft
    after_last = evidence.last + draft.offset + 1
    length = 0.0 if draft.total_steps == after_last else cost(float(draft.total_steps))
    if draft.total_steps == after_last - 1:
        length = 1.0
    return (
        settled.cost
        + length
        + {0: 0.0, -1: 0.5, 1: 1.5}[draft.offset]
        + 1.5 * (draft.convention != DEFAULT)
        + 0.25 * CONVENTIONS[draft.convention].final_is_fixed
        + 1.0 * draft.three_phase
        + 0.5 * draft.guessed
        + 5.0 * max(0.0, settled.misfit - 1.0)
    )


def _rough_turns(kinds: Iterable[Curve], coarse: Evidence, offset: int) -> list[Rough]:
    """Fit each kind of curve to few rows from several starts, and give those that resemble them."""
    found = [_roughly(curve, coarse, offset) for curve in kinds]
    return [(turns, offset) for turns in found if turns is not None and turns.off < ROUGH]


def _roughly(curve: Curve, coarse: Evidence, offset: int) -> Turns | None:
    best = None
    for start in _starts(curve, coarse):
        turns = find_edges(curve, coarse, offset, tuple(edge + offset for edge in start), rounds=15)
        if turns is not None and (best is None or turns.misfit < best.misfit):
            best = turns
        if best is not None and best.off < CLOSE:
            break
    return best


def _turns(evidence: Evidence, offset: int, starts: list[Rough]) -> Iterator[Turns]:
    """Fit to all rows the curves that resemble a few of them."""
    coarse = evidence.coarse()
    for start, there in starts:
        shifted = tuple(edge + offset - there for edge in start.edges)
        rough = find_edges(start.curve, coarse, offset, shifted, rounds=15)
        if rough is None or rough.off > CLOSER:
            continue
        turns = find_edges(start.curve, evidence, offset, rough.edges)
        if turns is not None:
            yield turns


def _starts(curve: Curve, evidence: Evidence) -> Iterator[Edges]:
    """Give edges to start from, by where the highest learning rate and the end of the log are."""
    first, last = float(evidence.first), float(evidence.last)
    only_rise, only_fall = evidence.peak == evidence.last, evidence.peak == evidence.first
    span = last - first
    if (curve is curves.ONLY_RISE) != only_rise:
        return
    if only_rise:
        yield from ((last + span * share,) for share in (0.01, 0.3, 1.0, 3.0))
        return
    if only_fall and curve is not curves.TWO_PHASE[0]:
        return
    rises = _around_peak(evidence)
    if only_fall:
        rises = [max(first - share * span, 1.0) for share in (0.0, 0.1, 0.5)]
    for rise in rises:
        for share in (0.0, 0.1, 0.5, 2.0, 8.0):
            end = last + share * span + (0.01 if share == 0 else 0.0)
            if curve is curves.SECOND_EDGE:
                if share == 0:
                    yield from ((rise, rise + part * (last - rise), end) for part in (0.3, 0.5, 0.8, 0.95))
            elif curve in curves.TWO_PHASE or 2 * rise < last:
                yield max(rise, 0.5), end


def _around_peak(evidence: Evidence) -> list[float]:
    """Give places before and after the highest row: a line's corner is not moved across a row by small steps."""
    highest = int(evidence.lr[0].values.argmax())
    low, high = max(highest - 1, 0), min(highest + 1, evidence.steps.size - 1)
    here = evidence.steps[highest]
    return [float(here + evidence.steps[at]) / 2 for at in (low, high)]


def _tied_end(turns: Turns, evidence: Evidence, offset: int) -> float | None:
    """Find the end if the final rate is the default, where the log does not tell both."""
    if turns.curve is curves.ONLY_RISE or turns.unsure[-1] < TOLD:
        return None
    tied = next(each for each in curves.TIED if (each.name, each.strategy) == (turns.curve.name, turns.curve.strategy))
    found = find_edges(tied, evidence, offset, turns.edges)
    return None if found is None else found.edges[-1]
