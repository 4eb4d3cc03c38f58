"""Holding settings against every row of a log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.run.fitting.drawing import draw, values_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onecycle_cli.run.fitting.precision import Precision
    from onecycle_cli.run.logs.log import Log


def explained(log: Log, settings: Mapping[str, object], offset: int, precision: Precision) -> float:
    """Give the share of a log's values that settings give within its precision."""
    import numpy as np

    drawn = draw(settings)
    if drawn is None:
        return 0.0
    steps = (log.steps + offset).astype(np.float64)
    met = values = 0
    for group in range(log.lr.shape[1]):
        tracks = [(log.lr[:, group], False)]
        if log.momentum is not None and settings.get("cycle_momentum"):
            tracks.append((log.momentum[:, group], True))
        for logged, is_momentum in tracks:
            planned = values_of(drawn, steps, group, momentum=is_momentum)
            there = np.isfinite(logged)
            with np.errstate(invalid="ignore"):
                met += int((np.abs(planned - logged) <= precision.allowed(logged))[there].sum())
            values += int(there.sum())
    return met / values if values else 0.0
