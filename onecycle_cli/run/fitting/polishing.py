"""Numbers that are not round, brought to where an exact log's values leave nothing but rounding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.run.fitting.drawing import draw, values_of
from onecycle_cli.run.fitting.numbers import READABLE, decimals
from onecycle_cli.run.fitting.precision import EPSILON, written_digits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.run.fitting.evidence import Column, Evidence

Values = dict[str, object]

POLISHED = ("max_lr", "div_factor", "final_div_factor", "pct_start", "base_momentum", "max_momentum")
ROUNDS = 6
TINY = 1e-300
STEP = 1e-6
"""Share of a number by which it is moved to see what that does to the values."""

OF_PEAK, OF_VALUE = 3 * EPSILON, 1e-13
"""What a value may be rounded by, as a share of its column's highest and of itself."""


def polish(settings: Mapping[str, object], offset: int, evidence: Evidence) -> Values:
    """Move the numbers that are not round by least squares on the schedule itself, then shorten them.

    They are taken where the worst value is met best, and with as few digits as leave it within its rounding.
    """
    import numpy as np

    best, numbers = dict(settings), _not_round(settings)
    least = worst(best, offset, evidence)
    current = best
    for _ in range(ROUNDS if numbers else 0):
        base = _gaps(current, offset, evidence)
        if base is None:
            break
        moved = [_gaps(_times(current, *each, 1 + STEP), offset, evidence) for each in numbers]
        columns = [(base - each) / STEP for each in moved if each is not None]
        if len(columns) < len(numbers):
            break
        changes, *_ = np.linalg.lstsq(np.stack(columns, axis=1), base, rcond=None)
        for each, change in zip(numbers, changes.tolist(), strict=True):
            current = _times(current, *each, 1 + change)
        found = worst(current, offset, evidence)
        if found < least:
            best, least = current, found
    return _shortened(best, numbers, offset, evidence, max(least, 1.0))


def worst(settings: Mapping[str, object], offset: int, evidence: Evidence) -> float:
    """Give the largest difference from the evidence, in units of what a value may be rounded by; 0 for equal bits."""
    import numpy as np

    gaps = _gaps(settings, offset, evidence)
    if gaps is None:
        return float("inf")
    shares = np.concatenate([_shares(each) for each in (*evidence.lr, *evidence.momentum)])
    return float(np.maximum(np.abs(gaps) * shares / OF_PEAK, np.abs(gaps) / OF_VALUE).max(initial=0.0))


def _shortened(
    settings: Values, numbers: list[tuple[str, int | None]], offset: int, evidence: Evidence, limit: float
) -> Values:
    """Write each number with the fewest digits that keep every value within a limit."""
    for name, at in numbers:
        number = _number(settings, name, at)
        for shorter in decimals(number):
            tried = _put(settings, name, at, shorter)
            if worst(tried, offset, evidence) <= limit:
                settings = tried
                break
    return settings


def _not_round(settings: Mapping[str, object]) -> list[tuple[str, int | None]]:
    found: list[tuple[str, int | None]] = []
    for name in POLISHED:
        value = settings.get(name)
        places = range(len(value)) if isinstance(value, list) else (None,)
        for at in places:
            number = value[at] if isinstance(value, list) and at is not None else value
            if isinstance(number, float) and number and written_digits(number)[0] > READABLE:
                found.append((name, at))
    return found


def _number(settings: Mapping[str, object], name: str, at: int | None) -> float:
    value = settings[name]
    number = value[at] if isinstance(value, list) and at is not None else value
    return float(number)  # type: ignore[arg-type]


def _put(settings: Values, name: str, at: int | None, number: float) -> Values:
    value = settings[name]
    if isinstance(value, list) and at is not None:
        return {**settings, name: [*value[:at], number, *value[at + 1 :]]}
    return {**settings, name: number}


def _times(settings: Values, name: str, at: int | None, factor: float) -> Values:
    return _put(settings, name, at, _number(settings, name, at) * factor)


def _shares(column: Column) -> FloatArray:
    """Give each value as a share of its column's highest."""
    import numpy as np

    sizes = np.abs(column.values[column.weights > 0])
    shares: FloatArray = sizes / sizes.max(initial=TINY)
    return shares


def _gaps(settings: Mapping[str, object], offset: int, evidence: Evidence) -> FloatArray | None:
    """Give logged minus computed for every value, as a share of it; None where there is no curve."""
    import numpy as np

    drawn = draw(settings)
    if drawn is None:
        return None
    steps, gaps = evidence.steps + offset, []
    for is_momentum, columns in ((False, evidence.lr), (True, evidence.momentum)):
        for group, column in enumerate(columns):
            there = column.weights > 0
            logged = column.values[there]
            computed = values_of(drawn, steps[there], group, momentum=is_momentum)
            gaps.append((logged - computed) / np.maximum(np.abs(logged), TINY))
    found: FloatArray = np.concatenate(gaps)
    return found if np.isfinite(found).all() else None
