"""A draft with its fractions: how much of each of its numbers is in every value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.policy.conventions import CONVENTIONS
from onecycle_cli.run.fitting import curves
from onecycle_cli.run.fitting.drawing import dips_of, draw, shares_of
from onecycle_cli.run.fitting.numbers import READABLE, cost, decimals, fraction_of, neighbours
from onecycle_cli.run.fitting.solving import solve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.run.fitting.drafts import Draft
    from onecycle_cli.run.fitting.evidence import Evidence

WORST = 4.0
"""Misfit, in units of what is allowed, above which a draft is given up."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A draft with its fraction: each quantity's numbers have these shares in its values."""

    fractions: dict[str, float]
    lr: FloatArray
    momentum: FloatArray
    misfit: float


def frame_of(draft: Draft, evidence: Evidence) -> Frame | None:
    """Choose the fraction of the rise, and the second one where the convention has it."""
    if not draft.pct:
        return _framed(draft, evidence, {})
    best: Frame | None = None
    for fractions in _fractions(draft):
        frame = _framed(draft, evidence, fractions)
        if frame is not None and (best is None or frame.misfit < best.misfit):
            best = frame
        if frame is not None and frame.misfit <= 1:
            return frame
    return best


def _fractions(draft: Draft) -> Iterator[dict[str, float]]:
    """Give the fractions to try, those first that are shortest to say."""
    convention, total = CONVENTIONS[draft.convention], draft.total_steps
    defaults = convention.defaults
    if convention.whole_steps:
        usual = (defaults.pct_start, defaults.pct_final)
        chosen = [fraction_of(int(pct * total), total, each) for pct, each in zip(draft.pct, usual, strict=False)]
        yield dict(zip(("pct_start", "pct_final"), chosen, strict=False))
        return
    pct = draft.pct[0]
    whole = round(pct * total) / total
    if abs(pct - defaults.pct_start) * total < max(1.0, 0.01 * total):
        yield {"pct_start": defaults.pct_start}
    tried = [*decimals(pct, most=READABLE), whole, *decimals(pct, fewest=READABLE + 1), *neighbours(pct)]
    yield from ({"pct_start": each} for each in tried if 0 <= each <= 1)


def fraction_cost(draft: Draft, value: float, default: float) -> float:
    """Say what a fraction costs; one that is a whole number of steps is no longer than that number."""
    product = value * draft.total_steps
    spelt = cost(value, default)
    return min(spelt, 4.5) if abs(product - round(product)) < 1e-9 * product else spelt


def _framed(draft: Draft, evidence: Evidence, fractions: dict[str, float]) -> Frame | None:
    import numpy as np

    convention = CONVENTIONS[draft.convention]
    about = _rough(draft, evidence) if convention.has_plateau else {}
    drawn = draw({"max_lr": 1.0, **draft.shape, **fractions, **about})
    steps = evidence.steps + draft.offset
    if drawn is None:
        return None
    shares = shares_of(drawn, steps)
    tie = curves.THERE_AND_BACK if shares.shape[1] == 4 else curves.RISE_FALL
    dip = curves.DIP_AND_STAY if shares.shape[1] == 4 else curves.DIP
    if shares.shape[1] != len(tie) or (convention.supports("pct_final") and shares.shape[1] != 4):
        return None
    if not np.isfinite(shares).all():
        return None
    lr = shares @ np.array(tie, float)
    momentum = dips_of(drawn, steps) if convention.has_plateau else shares @ np.array(dip, float)
    if evidence.momentum and not convention.supports("cycle_momentum"):
        return None
    worst = max(solve(lr, column).misfit for column in evidence.lr)
    misfits = [solve(momentum, column).misfit for column in evidence.momentum]
    if convention.supports("final_momentum") and max(misfits, default=0.0) > WORST:
        momentum = shares
        misfits = [solve(momentum, column).misfit for column in evidence.momentum]
    return Frame(fractions, lr, momentum, max(worst, *misfits, 0.0))


def _rough(draft: Draft, evidence: Evidence) -> dict[str, float]:
    """Estimate the papers' factors, on which it hangs where their plateau begins."""
    values = evidence.lr[0].values
    peak, first, last = float(values.max()), float(values[0]), float(values[-1])
    if min(first, last) <= 0 or draft.total_steps <= 2 * (draft.stepsize or 0):
        return {}
    return {"div_factor": peak / first, "final_div_factor": max(first / last, 1.0)}
