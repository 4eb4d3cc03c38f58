"""The last bits of an exact log's settings: numbers that are not round are moved until the values come out right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.policy.conventions import CONVENTIONS, DEFAULT
from onecycle_cli.policy.onecycle import OneCycle
from onecycle_cli.policy.plan import plan_of
from onecycle_cli.policy.schedule import schedule_of
from onecycle_cli.run.fit.evidence import EPSILON
from onecycle_cli.run.fit.solution import READABLE
from onecycle_cli.run.precision import decimals, written_digits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.run.fit.evidence import Evidence

Values = dict[str, object]
Place = tuple[str, int | None]

REFINED = ("max_lr", "div_factor", "final_div_factor", "pct_start", "base_momentum", "max_momentum")

ROUNDS = 6
"""Rounds of least squares; each gains several digits, and two are mostly enough."""

TINY = 1e-300
"""What a value is divided by instead where it is 0."""

STEP = 1e-6
"""Share of a number by which it is moved to see what that does to the values: balances curvature and rounding."""

OF_PEAK, OF_VALUE = 3 * EPSILON, 1e-13
"""What a value may be off by, as a share of its column's highest and of itself: within the 4 units of `check`."""


def refine(settings: Mapping[str, object], offset: int, evidence: Evidence) -> Values:
    """Fix the last bits of an exact log's settings, where they do not give its values bit for bit.

    Some conventions differ in nothing but the order of evaluation; another one is named where its values alone are
    equal.
    """
    best = dict(settings)
    if _worst(best, offset, evidence) == 0:
        return best
    for twin in _twins(settings):
        if _worst(twin, offset, evidence) == 0:
            return twin
    return _polished(best, offset, evidence)


def _twins(settings: Mapping[str, object]) -> Iterator[Values]:
    """Yield the settings in the conventions that compute the same in another order."""
    name = str(settings.get("convention", DEFAULT))
    for twin in CONVENTIONS.values():
        lost = {setting: value for setting, value in settings.items() if not twin.supports(setting)}
        if twin.computes_like == name and all(
            value == getattr(twin.defaults, setting) for setting, value in lost.items()
        ):
            kept = {setting: value for setting, value in settings.items() if setting not in lost}
            yield {**kept, "convention": twin.name}


def _polished(settings: Values, offset: int, evidence: Evidence) -> Values:
    """Move the numbers that are not round by least squares on the schedule itself, then shorten them.

    They are taken where the worst value is met best, and with as few digits as leave it within its rounding.
    """
    current = _not_round(settings)
    best, least = settings, _worst(settings, offset, evidence)
    for _ in range(ROUNDS if current else 0):
        base = _gaps(_with(settings, current), offset, evidence)
        varied = [{**current, place: number * (1 + STEP)} for place, number in current.items()]
        moved = [_gaps(_with(settings, numbers), offset, evidence) for numbers in varied]
        columns = [(base - gaps) / STEP for gaps in moved if gaps is not None and base is not None]
        if base is None or len(columns) < len(current):
            break
        changes, *_ = np.linalg.lstsq(np.stack(columns, axis=1), base, rcond=None)
        numbers = zip(current.items(), changes.tolist(), strict=True)
        current = {place: number * (1 + change) for (place, number), change in numbers}
        found = _worst(_with(settings, current), offset, evidence)
        if found < least:
            best, least = _with(settings, current), found
    for place, number in _not_round(best).items():
        shorter = (_with(best, {place: rounded}) for rounded in decimals(number))
        best = next((tried for tried in shorter if _worst(tried, offset, evidence) <= max(least, 1.0)), best)
    return best


# --- How far settings are off ----------------------------------------------------------------------------------------


def _worst(settings: Mapping[str, object], offset: int, evidence: Evidence) -> float:
    """Return the largest difference from the evidence, in units of what a value may be off by; 0 for equal bits."""
    gaps = _gaps(settings, offset, evidence)
    if gaps is None:
        return float("inf")
    sizes = np.abs(evidence.samples.values)
    shares = (sizes / np.maximum(np.nanmax(sizes, axis=0), TINY))[evidence.samples.present]
    return float(np.maximum(np.abs(gaps) * shares / OF_PEAK, np.abs(gaps) / OF_VALUE).max(initial=0.0))


def _gaps(settings: Mapping[str, object], offset: int, evidence: Evidence) -> FloatArray | None:
    """Return logged minus computed for every value, as a share of it; None where they make no curve."""
    schedule = schedule_of(plan_of(OneCycle.from_values(settings)))
    if schedule is None:
        return None
    samples, compared = evidence.samples, evidence.samples.present
    logged = samples.values[compared]
    computed = samples.predicted(schedule, samples.logged_steps + offset)[compared]
    found: FloatArray = (logged - computed) / np.maximum(np.abs(logged), TINY)
    return found if np.isfinite(found).all() else None


# --- Numbers among settings, by name and, in a list, by place --------------------------------------------------------


def _not_round(settings: Mapping[str, object]) -> dict[Place, float]:
    """Return the numbers with more digits than someone may have typed."""
    found: dict[Place, float] = {}
    for name in REFINED:
        value = settings.get(name)
        for at, number in enumerate(value) if isinstance(value, list) else ((None, value),):
            if isinstance(number, float) and number and written_digits(number)[0] > READABLE:
                found[name, at] = number
    return found


def _with(settings: Values, numbers: Mapping[Place, float]) -> Values:
    """Return settings with other numbers in some places."""
    changed = dict(settings)
    for (name, at), number in numbers.items():
        value = changed[name]
        changed[name] = (
            [*value[:at], number, *value[at + 1 :]] if isinstance(value, list) and at is not None else number
        )
    return changed
