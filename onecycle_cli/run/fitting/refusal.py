"""Logs that hold no one-cycle schedule: what they hold instead, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import format_number
from onecycle_cli.run.fitting.evidence import last_of_each_step

if TYPE_CHECKING:
    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.run.logs.log import Log

FEWEST = 8
"""Rows below which several schedules go through all of them."""

ADVICE = "give a log of a run with a one-cycle schedule; `onecycle check PLAN LOG` says where a run leaves its plan"


def refuse_at_sight(log: Log) -> None:
    """Refuse a log that shows at a glance that it holds no one-cycle schedule.

    Raises:
        OnecycleError: it has too few steps, its learning rate is constant, or it falls from its first step on.
    """
    import numpy as np

    order = last_of_each_step(log)
    if order.size < FEWEST:
        raise OnecycleError(
            f"{log.path}: {order.size} steps with a learning rate, too few to tell a schedule from",
            f"log the learning rate of at least {FEWEST} steps, from the rise and from the fall",
        )
    if not np.isfinite(log.lr[order]).any(axis=0).all():
        raise OnecycleError(f"{log.path}: a parameter group has no learning rate", "leave its column out")
    lead = int(np.nanargmax(np.nanmax(log.lr, axis=0)))
    rates = log.lr[order, lead]
    rates = rates[np.isfinite(rates)]
    if np.nanmax(rates) - np.nanmin(rates) <= 1e-6 * abs(float(np.nanmax(rates))):
        raise OnecycleError(f"{log.path}: the learning rate is constant at {format_number(rates[0])}", ADVICE)
    if log.steps.min() <= 1 and (np.diff(rates) <= 0).all():
        raise OnecycleError(
            f"{log.path}: the learning rate falls from the first step on, without a warm-up: no one-cycle schedule",
            ADVICE,
        )


def refusal(log: Log, explained: float) -> OnecycleError:
    """Make the error for a log that no one-cycle schedule gives."""
    import numpy as np

    lead = int(np.nanargmax(np.nanmax(log.lr, axis=0)))
    rates = log.lr[last_of_each_step(log), lead]
    rates = rates[np.isfinite(rates)]
    return OnecycleError(
        f"{log.path}: no one-cycle schedule gives these learning rates{_what(rates, explained)}", ADVICE
    )


def _what(rates: FloatArray, explained: float) -> str:
    """Say what the learning rate does instead."""
    import numpy as np

    moved = np.diff(rates)
    held = rates.size - int(np.flatnonzero(moved).max(initial=0)) - 2
    if held > rates.size / 2:
        return f"; the last {held:,} rows stand still: is the scheduler stepped more than once a step?"
    moved = moved[moved != 0]
    stands = 1 - moved.size / max(rates.size - 1, 1)
    if stands > 0.5:
        return f"; {stands:.0%} of the rows repeat the value before: is the scheduler stepped once an epoch?"
    turns = int((np.diff(np.sign(moved)) < 0).sum())
    if turns > 1:
        return f"; they rise and fall {turns} times"
    if (moved > 0).all():
        return "; they only rise, and the rise alone does not tell where it leads"
    if (moved < 0).all():
        return "; they only fall, and this fall alone does not tell where it began"
    return f"; the nearest gives {explained:.0%} of them" if explained else ""
