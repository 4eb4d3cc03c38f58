"""What is said where no single cause explains a log: its own numbers beside the plan's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.formatting import format_number
from onecycle_cli.run.verdict import Cause

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.run.causes.hypothesis import Case


def unknown(case: Case) -> Cause:
    """Give the log's first, highest and last learning rate and its length, and the plan's."""
    import numpy as np

    whole, total = case.whole, case.schedule.total_steps
    track = whole.tracks[whole.rates[0]]
    planned = case.schedule.lr(np.unique(np.linspace(0, total - 1, 100_000).astype(np.int64)), track.group)
    logged = whole.values[:, whole.rates[0]]
    planned, steps = planned[np.isfinite(planned)], whole.steps[np.isfinite(logged)]
    right = case.alignment.right_values / max(int(whole.present.sum()), 1)
    return Cause(
        "unknown",
        f"no single cause explains the log: it has {_telling(logged[np.isfinite(logged)])} over the steps "
        f"{int(steps.min()):,} to {int(steps.max()):,}; the plan has {_telling(planned)} over 0 to {total - 1:,}",
        "compare these numbers with the run's settings; where two of them are wrong at once, mend one and check again",
        right,
    )


def _telling(rates: NDArray[np.float64]) -> str:
    first, highest, last = (format_number(float(rate)) for rate in (rates[0], rates.max(), rates[-1]))
    return f"{first} at first, {highest} at most, {last} at last"
