"""The last bits of an exact log: numbers that are not round are moved until the values come out as they were logged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.policy.conventions import CONVENTIONS, DEFAULT
from onecycle_cli.run.fitting.polishing import polish, worst

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onecycle_cli.run.fitting.evidence import Evidence


Values = dict[str, object]


def tune(settings: Mapping[str, object], offset: int, evidence: Evidence) -> Values:
    """Fix the last bits of an exact log's settings, where they do not give its values bit for bit.

    PyTorch and R torch, optax and OpenPCDet differ in nothing else, so the second is named where its values alone
    are equal.
    """
    best = dict(settings)
    if worst(best, offset, evidence) == 0:
        return best
    for twin in _twins(settings):
        if worst(twin, offset, evidence) == 0:
            return twin
    return polish(best, offset, evidence)


def _twins(settings: Mapping[str, object]) -> Iterator[Values]:
    """Return the settings in the conventions that compute the same in another order."""
    name = str(settings.get("convention", DEFAULT))
    for twin in CONVENTIONS.values():
        lost = {setting: value for setting, value in settings.items() if not twin.supports(setting)}
        if twin.computes_like == name and all(
            value == getattr(twin.defaults, setting) for setting, value in lost.items()
        ):
            kept = {setting: value for setting, value in settings.items() if setting not in lost}
            yield {**kept, "convention": twin.name}
