"""The last bits of an exact log: numbers that are not round are moved until the values come out as they were logged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.policy.conventions import CONVENTIONS, openpcdet, optax, r_torch, torch
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
    """Give the settings in the convention that computes the same in another order, if there is one."""
    twin = {torch.NAME: r_torch.NAME, optax.NAME: openpcdet.NAME}.get(str(settings.get("convention", torch.NAME)))
    alike = not settings.get("three_phase") and (
        twin != openpcdet.NAME or settings["final_div_factor"] == openpcdet.FINAL_DIV
    )
    if twin is not None and alike:
        lacks = CONVENTIONS[twin].LACKS
        yield {**{name: each for name, each in settings.items() if name not in lacks}, "convention": twin}
