"""The last bits of an exact log's settings: numbers that are not round are moved until the values come out right."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.policy.conventions import CONVENTIONS, DEFAULT
from onecycle_cli.policy.onecycle import OneCycle
from onecycle_cli.policy.plan import plan_of
from onecycle_cli.policy.schedule import schedule_of
from onecycle_cli.run.fit.evidence import EPSILON
from onecycle_cli.run.fit.solution import READABLE
from onecycle_cli.run.precision import written_digits
from onecycle_cli.run.solver import solve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.run.fit.evidence import Evidence
    from onecycle_cli.run.series import Samples

Values = dict[str, object]
Place = tuple[str, int | None]

REFINED = ("max_lr", "div_factor", "final_div_factor", "pct_start", "base_momentum", "max_momentum")

TINY = 1e-300
"""What a value is divided by instead where it is 0."""

OF_PEAK, OF_VALUE = 3 * EPSILON, 1e-13
"""What a value may be off by, as a share of its column's highest and of itself: within the 4 units of `check`."""


def refine(settings: Values, offset: int, evidence: Evidence) -> Values:
    """Fix the last bits of an exact log's settings, where they do not give its values bit for bit.

    Some conventions differ in nothing but the order of evaluation; another one is named where its values alone are
    equal.
    """
    samples = replace(evidence.samples, offset=offset)
    for equal in (settings, *_twins(settings)):
        schedule = _schedule(equal)
        if schedule is not None and _worst(schedule, samples) == 0:
            return equal
    numbers = _not_round(settings)
    if not numbers:
        return settings

    def build(values: Sequence[float]) -> Schedule | None:
        return _schedule(_with(settings, dict(zip(numbers, values, strict=True))))

    # The shortest numbers that leave the worst value within its rounding, or as near to it as any do.
    limits = np.maximum(OF_VALUE * np.abs(samples.values), TINY)
    found = solve(samples, build, list(numbers.values()), limits, lambda schedule: -max(_worst(schedule, samples), 1.0))
    return _with(settings, dict(zip(numbers, found, strict=True)))


def _twins(settings: Values) -> Iterator[Values]:
    """Yield the settings in the conventions that compute the same in another order."""
    name = str(settings.get("convention", DEFAULT))
    for twin in CONVENTIONS.values():
        lost = {setting: value for setting, value in settings.items() if not twin.supports(setting)}
        if twin.computes_like == name and all(
            value == getattr(twin.defaults, setting) for setting, value in lost.items()
        ):
            kept = {setting: value for setting, value in settings.items() if setting not in lost}
            yield {**kept, "convention": twin.name}


def _schedule(settings: Values) -> Schedule | None:
    return schedule_of(plan_of(OneCycle.from_values(settings)))


def _worst(schedule: Schedule, samples: Samples) -> float:
    """Return the largest difference from the log, in units of what a value may be off by; 0 for equal bits."""
    sizes = np.abs(samples.values)
    gaps = np.abs(samples.values - samples.predicted(schedule, samples.steps))
    limits = np.minimum(OF_PEAK * np.nanmax(sizes, axis=0), OF_VALUE * sizes)
    found = float((gaps / np.maximum(limits, TINY))[samples.present].max(initial=0.0))
    return found if np.isfinite(found) else np.inf


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
