"""The last bits of an exact log: numbers that are not round are moved until the values come out as they were logged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.policy.conventions import CONVENTIONS, openpcdet, optax, r_torch, torch
from onecycle_cli.run.fitting.drawing import draw, values_of
from onecycle_cli.run.fitting.numbers import READABLE
from onecycle_cli.run.fitting.precision import EPSILON, written_digits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onecycle_cli.run.fitting.evidence import Evidence


Values = dict[str, object]

TUNED = ("final_div_factor", "max_lr", "div_factor", "pct_start", "base_momentum", "max_momentum")
PASSES = 3
FINEST, COARSEST = 0, 24
"""Powers of two of the last place by which a number is moved."""


def tune(settings: Mapping[str, object], offset: int, evidence: Evidence) -> Values:
    """Mend the last bits of an exact log's settings, where they do not give its values bit for bit.

    PyTorch and R torch, optax and OpenPCDet differ in nothing else, so the second is named where its values alone
    are equal.
    """
    best = dict(settings)
    least = _deviation(best, offset, evidence)
    if least == 0:
        return best
    for twin in _twins(settings):
        if _deviation(twin, offset, evidence) == 0:
            return twin
    for _ in range(PASSES):
        before = least
        for tried in _moved(best, offset, evidence):
            found = _deviation(tried, offset, evidence)
            if found < least:
                best, least = tried, found
        if least == before:
            break
    return best


def _twins(settings: Mapping[str, object]) -> Iterator[Values]:
    """Give the settings in the convention that computes the same in another order, if there is one."""
    twin = {torch.NAME: r_torch.NAME, optax.NAME: openpcdet.NAME}.get(str(settings.get("convention", torch.NAME)))
    alike = not settings.get("three_phase") and (
        twin != openpcdet.NAME or settings["final_div_factor"] == openpcdet.FINAL_DIV
    )
    if twin is not None and alike:
        lacks = CONVENTIONS[twin].LACKS
        yield {**{name: each for name, each in settings.items() if name not in lacks}, "convention": twin}


def _moved(settings: Values, offset: int, evidence: Evidence) -> Iterator[Values]:
    """Give the settings with one number that is not round moved a little; they may change on the way."""
    yield from _by_last_row(settings, offset, evidence)
    for name in TUNED:
        value = settings.get(name)
        for at, number in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(number, float) and written_digits(number)[0] > READABLE:
                for power in range(COARSEST, FINEST - 1, -1):
                    for sign in (-1, 1):
                        moved = number * (1 + sign * EPSILON * 2.0**power)
                        yield {**settings, name: _put(value, at, moved)}


def _put(value: object, at: int, number: float) -> object:
    return [*value[:at], number, *value[at + 1 :]] if isinstance(value, list) else number


def _by_last_row(settings: Values, offset: int, evidence: Evidence) -> Iterator[Values]:
    """Give the settings with the final rate that the last row shows, where it is the cycle's last step."""
    factor, drawn = settings.get("final_div_factor"), draw(settings)
    if drawn is None or not isinstance(factor, float) or written_digits(factor)[0] <= READABLE:
        return
    last = evidence.steps[-1:] + offset
    if settings.get("convention", torch.NAME) not in (torch.NAME, r_torch.NAME) or last[0] != drawn[0].total_steps - 1:
        return
    logged, planned = float(evidence.lr[0].values[-1]), float(values_of(drawn, last, 0)[0])
    if logged > 0 and planned > 0:
        yield {**settings, "final_div_factor": factor * planned / logged}


def _deviation(settings: Mapping[str, object], offset: int, evidence: Evidence) -> float:
    """Give the mean relative difference from the evidence; 0 where every bit is met."""
    import numpy as np

    drawn = draw(settings)
    if drawn is None:
        return np.inf
    steps, off, values = evidence.steps + offset, 0.0, 0
    for is_momentum, columns in ((False, evidence.lr), (True, evidence.momentum)):
        for group, column in enumerate(columns):
            there = column.weights > 0
            logged = column.values[there]
            gap = np.abs(values_of(drawn, steps[there], group, momentum=is_momentum) - logged)
            sizes = np.maximum(np.abs(logged), np.finfo(np.float64).tiny)
            off += float(np.sum(np.minimum(gap / sizes, 1.0)))
            values += logged.size
    return off / values
