"""From a draft to settings: each number becomes the shortest decimal with which all values are still met."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.policy.conventions import CONVENTIONS, DEFAULT
from onecycle_cli.run.fitting.framing import WORST, fraction_cost, frame_of
from onecycle_cli.run.fitting.momenta import momenta_of
from onecycle_cli.run.fitting.numbers import READABLE, cost, decimals, first_fit, neighbours
from onecycle_cli.run.fitting.part import Part, is_told
from onecycle_cli.run.fitting.solving import solve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.run.fitting.drafts import Draft
    from onecycle_cli.run.fitting.evidence import Column, Evidence
    from onecycle_cli.run.fitting.solving import Solution

HIGHEST_DIV = 1e9
"""A div_factor above which the rise begins at 0 rather than at a fraction of the peak."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A draft's settings, what it costs to say them, the misfit that they leave, and the settings that are not told."""

    draft: Draft
    settings: dict[str, object]
    cost: float
    misfit: float
    undetermined: frozenset[str]


def settle(draft: Draft, evidence: Evidence) -> Settled | None:
    """Find the settings of a draft; None where its curve does not meet the values."""
    frame = frame_of(draft, evidence)
    if frame is None or not frame.misfit <= WORST:
        return None
    limit = max(1.0, 1.1 * frame.misfit)
    rates = _rates(draft, frame.lr, evidence.lr, limit)
    if rates is None:
        return None
    momenta = momenta_of(draft, frame.momentum, evidence.momentum, limit)
    defaults = CONVENTIONS[draft.convention].defaults
    spent = sum(fraction_cost(draft, value, getattr(defaults, name)) for name, value in frame.fractions.items())
    settings = {**draft.shape, **frame.fractions, **rates.settings, **momenta.settings}
    total = spent + rates.cost + momenta.cost
    return Settled(draft, settings, total, frame.misfit, rates.undetermined | momenta.undetermined)


def _rates(draft: Draft, design: FloatArray, columns: Sequence[Column], limit: float) -> Part | None:
    free = [solve(design, column) for column in columns]
    if not all(math.isfinite(each.unsure[1]) and each.corners[1] > 0 for each in free):
        return None
    peaks = [_peak(design, column, each.corners[1], limit) for column, each in zip(columns, free, strict=True)]
    risen = [solve(design, column, {1: peak}) for column, peak in zip(columns, peaks, strict=True)]
    div, div_told = _div(draft, design, columns, peaks, risen, limit)
    if div is None:
        return None
    known = [{1: peak, 0: peak / div} for peak in peaks]
    fallen = [solve(design, column, each) for column, each in zip(columns, known, strict=True)]
    final = _final(draft, design, columns, known, fallen, limit)
    if final is None:
        return None
    undetermined = (frozenset() if div_told else frozenset({"div_factor"})) | final.undetermined
    settings = {"max_lr": peaks[0] if len(peaks) == 1 else peaks, "div_factor": div, **final.settings}
    default = CONVENTIONS[draft.convention].defaults.div_factor
    return Part(settings, sum(map(cost, peaks)) + cost(div, default) + final.cost, undetermined)


def _div(
    draft: Draft,
    design: FloatArray,
    columns: Sequence[Column],
    peaks: Sequence[float],
    risen: Sequence[Solution],
    limit: float,
) -> tuple[float | None, bool]:
    """Give div_factor, None if there is none, and whether the log tells it."""
    default = CONVENTIONS[draft.convention].defaults.div_factor
    lead = _surest(risen, 0)
    initial, told = risen[lead].corners[0], is_told(risen[lead], 0)
    if not told and not math.isfinite(risen[lead].unsure[0]):
        return default, False

    def misfit(div: float) -> float:
        pairs = zip(columns, peaks, strict=True)
        return max(solve(design, column, {1: peak, 0: peak / div}).misfit for column, peak in pairs)

    estimate = peaks[lead] / initial if initial > peaks[lead] / HIGHEST_DIV else 0.0
    return first_fit((default, *decimals(estimate), *neighbours(estimate)), misfit, limit), told


def _final(
    draft: Draft,
    design: FloatArray,
    columns: Sequence[Column],
    known: Sequence[dict[int, float]],
    fallen: Sequence[Solution],
    limit: float,
) -> Part | None:
    """Find what the annealing ends at, as a divisor or as the rate itself."""
    convention = CONVENTIONS[draft.convention]
    default = convention.defaults.final_div_factor
    lead, divided = _surest(fallen, 2), 1 if convention.final_divides_peak else 0
    told = is_told(fallen[lead], 2)
    undetermined: frozenset[str] = frozenset() if told else frozenset({"final_div_factor"})

    def misfit(finals: Sequence[float]) -> float:
        rows = zip(columns, known, finals, strict=True)
        return max(solve(design, column, {**each, 2: final}).misfit for column, each, final in rows)

    def of_factor(factor: float) -> float:
        return misfit([each[divided] / factor for each in known])

    if convention.final_is_fixed:
        return Part({}, 0.0) if of_factor(default) <= limit else None
    final = fallen[lead].corners[2]
    estimate = known[lead][divided] / final if final > 0 else 0.0
    tried = (default, *decimals(estimate), *neighbours(estimate), *(10.0**power for power in range(13)))
    factor = first_fit(tried, of_factor, limit)
    spelt = math.inf if factor is None else cost(factor, default)
    if draft.convention == DEFAULT and (factor is None or spelt > READABLE + 1):
        held = first_fit((1e-4, 0.0, *decimals(final, most=READABLE)), lambda rate: misfit([rate] * len(known)), limit)
        if held is not None:
            return Part({"final_lr": held}, cost(held), undetermined)
    return None if factor is None else Part({"final_div_factor": factor}, spelt, undetermined)


def _peak(design: FloatArray, column: Column, estimate: float, limit: float) -> float:
    tried = (*decimals(estimate), *neighbours(estimate))
    peak = first_fit(tried, lambda value: solve(design, column, {1: value}).misfit, limit)
    return estimate if peak is None else peak


def _surest(solutions: Sequence[Solution], corner: int) -> int:
    """Give the number of the group that tells a corner best."""
    return min(
        range(len(solutions)), key=lambda at: solutions[at].unsure[corner] / max(abs(solutions[at].corners[1]), 1e-300)
    )
