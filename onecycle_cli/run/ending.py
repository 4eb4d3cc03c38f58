"""Whether a log reaches the end of its cycle, given how often it samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onecycle_cli.run.evidence import Evidence

MOST_GAPS = 0.98
"""The share of a log's gaps that count as usual; a hole left by a crash is not among them."""

REGULAR = 0.5
"""The share of equal gaps from which a log samples regularly."""


def first_missing_step(evidence: Evidence) -> int | None:
    """Give the first step after the log's last one, where the log stops short of the cycle's end; else None.

    A log that samples every 50 steps ends up to 49 steps before the end; one that samples at random may end before it
    by more than most of its gaps.
    """
    import numpy as np

    steps = np.sort(evidence.steps[evidence.present.any(axis=1)])
    last = int(steps[-1])
    gaps = np.diff(steps)
    gaps = gaps[gaps > 0]
    usual = 1
    if gaps.size:
        usual = int(np.quantile(gaps, MOST_GAPS, method="higher"))
        regular = float((gaps == np.median(gaps)).mean()) >= REGULAR
        usual *= 1 if regular else 2
    return last + 1 if last + usual < evidence.schedule.total_steps else None
