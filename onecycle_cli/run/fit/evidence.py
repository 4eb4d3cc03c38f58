"""The log as the fit sees it: one value per step, in the order of the steps, thinned where there are very many."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import format_number
from onecycle_cli.run.groups import Track, largest
from onecycle_cli.run.precision import EXACT, FLOAT32, Precision, thinned
from onecycle_cli.run.series import read_samples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.run.logs.log import Log
    from onecycle_cli.run.series import Samples

EPSILON = 2.0**-52

SMALLEST = 1e-30
"""What a value may be off by at least: all of a column may be 0, and its weight must stay finite."""

FASTEST, SLOWEST = 1e20, 1e-20
"""Sizes between which a run's highest learning rate is. A larger value is damage, and its square may overflow."""

COARSE_ROWS = 120
"""Rows on which kinds of curve are tried."""

MOST_ROWS = 1500
"""Rows that a schedule is fitted to; the result is then compared with all rows."""

FEWEST_ROWS = 8
"""Rows below which several schedules go through all of them."""

MOVES = 1e-7
"""Change of a momentum from which it moves: one that is constant in float32 is off by 6e-8."""

CONSTANT = 1e-6
"""Change of a learning rate, as a share of it, up to which it is constant: 6 digits show no less."""

STANDS = 0.1
"""The share of the rows from which on a learning rate that ends at the peak stands still there."""

ADVICE = "give a log of a run with a one-cycle schedule; `onecycle check PLAN LOG` says where a run leaves its plan"


@dataclass(frozen=True, slots=True)
class Slack:
    """What a value may be off by besides its rounding, while the numbers behind it are still being found.

    `of_value` is relative to it, `of_peak` to its column's highest value, `of_limit` to its rounding.
    """

    of_value: float = 0.0
    of_peak: float = 0.0
    of_limit: float = 0.0


ROUNDED = Slack(of_limit=0.01)
"""Least squares meet the mean, not the worst value, which is a hundredth further off than with the true numbers."""

SLACKS = {
    EXACT.name: (
        # Sums with the peak are rounded to the peak's last bits: a few units in the last place, before refinement.
        Slack(of_value=16 * EPSILON, of_peak=16 * EPSILON),
        # Numbers of 17 digits are found to 1e-13 by least squares, and refined afterwards.
        Slack(of_value=1e-12, of_peak=1e-13),
    ),
    FLOAT32.name: (
        # Another half unit in the last place.
        Slack(of_value=2.0**-24),
        # Frameworks that compute in float32 are off by a few units in the last place.
        Slack(of_value=2.0**-21, of_peak=2.0**-22),
    ),
}
"""By the name of a log's precision: what to allow while fitting, tried in this order; else ROUNDED."""


@dataclass(frozen=True, slots=True)
class Column:
    """One quantity of one parameter group: its values, and the weight of each, 1 / what it may be off by.

    A missing value has weight 0.
    """

    values: FloatArray
    weights: FloatArray

    def rows(self, chosen: NDArray[np.intp]) -> Column:
        """Return some of the rows."""
        return Column(self.values[chosen], self.weights[chosen])

    def misfit(self, found: FloatArray) -> float:
        """Return the largest difference from found values, in units of what is allowed."""
        return float(np.max(np.abs(found - self.values) * self.weights, initial=0.0))


@dataclass(frozen=True, slots=True)
class Evidence:
    """A log's rows, sorted by step, one per step: the last that was logged for it.

    Attributes:
        samples: these rows.
        steps: their logged steps, as float64.
        lr: one column per parameter group.
        momentum: one column per parameter group; empty where none is logged, or where it is constant.
        first: the first logged step.
        last: the last logged step.
        peak: the logged step with the highest learning rate.
        gap: the median distance between logged steps.
    """

    samples: Samples
    steps: FloatArray
    lr: tuple[Column, ...]
    momentum: tuple[Column, ...]
    first: int
    last: int
    peak: int
    gap: int

    def coarse(self) -> Evidence:
        """Return few rows, and the first group's columns alone, to find out roughly where a curve turns."""
        chosen = thinned(np.arange(self.steps.size), COARSE_ROWS)
        lr, momentum = (tuple(column.rows(chosen) for column in few) for few in (self.lr[:1], self.momentum[:1]))
        return replace(self, steps=self.steps[chosen], lr=lr, momentum=momentum)


def views(log: Log) -> Iterator[tuple[Evidence, Precision]]:
    """Yield the log as it shows itself; then with more slack; then without a momentum that follows another curve.

    Values that are infinite, or too large for a run, are left out.

    Raises:
        OnecycleError: it shows at a glance that it holds no one-cycle schedule.
    """
    log = replace(log, values=_sane(log.values))
    order, peak, gap = _chosen_rows(log)
    for momentum in (True, False) if moves(log.momentum) else (False,):
        tracks = [Track("lr", column, column, "lr", "lr") for column in range(log.lr.shape[1])]
        if momentum:
            tracks += [replace(track, field="momentum") for track in tracks]
        scales = [largest(track.values(log)) for track in tracks]
        samples, written = read_samples(log, tracks, scales, rows=order)
        rates = len(samples.rates)
        for slack in SLACKS.get(written.name, (ROUNDED,)):
            columns = _columns(samples, scales, slack)
            yield (
                Evidence(
                    samples,
                    samples.logged_steps.astype(np.float64),
                    columns[:rates],
                    columns[rates:],
                    first=int(log.steps.min()),
                    last=int(log.steps.max()),
                    peak=peak,
                    gap=gap,
                ),
                written,
            )


def _chosen_rows(log: Log) -> tuple[NDArray[np.intp], int, int]:
    """Return the rows to fit, the step with the highest learning rate, and the median distance between steps."""
    whole = _last_of_each_step(log)
    _refuse_at_sight(log, whole)
    lead = max(range(log.lr.shape[1]), key=lambda column: largest(log.lr[:, column]))
    peak = int(np.nanargmax(log.lr[whole, lead]))
    gap = int(np.median(np.diff(log.steps[whole])))
    return whole[_around(whole.size, peak)], int(log.steps[whole[peak]]), gap


def moves(momentum: FloatArray | None) -> bool:
    """Return whether a momentum is logged in every group and changes by more than rounding does."""
    if momentum is None:
        return False
    momentum = _sane(momentum)
    if np.isnan(momentum).all(axis=0).any():
        return False
    return bool((np.nanmax(momentum, axis=0) - np.nanmin(momentum, axis=0)).max() > MOVES)


def _sane(values: FloatArray) -> FloatArray:
    """Return values with NaN for those that are infinite, or too large for a run."""
    return np.where(np.abs(values) <= FASTEST, values, np.nan)


def _columns(samples: Samples, scales: list[float], slack: Slack) -> tuple[Column, ...]:
    found = []
    for at, peak in enumerate(scales):
        values = samples.values[:, at]
        there = np.isfinite(values)
        limits = (1 + slack.of_limit) * samples.limits[:, at] + slack.of_value * np.abs(values) + slack.of_peak * peak
        weights = 1 / np.maximum(limits, SMALLEST)
        found.append(Column(np.where(there, values, 0.0), np.where(there, weights, 0.0)))
    return tuple(found)


def _last_of_each_step(log: Log) -> NDArray[np.intp]:
    """Return the rows in the order of their steps, of rows of the same step the last one that has a learning rate."""
    there = np.flatnonzero(np.isfinite(log.lr).any(axis=1))
    if (log.steps[1:] > log.steps[:-1]).all():
        return there
    order = there[np.argsort(log.steps[there], kind="stable")]
    steps = log.steps[order]
    chosen: NDArray[np.intp] = order[np.append(steps[1:] != steps[:-1], np.ones(min(steps.size, 1), bool))]
    return chosen


def _around(rows: int, peak: int) -> NDArray[np.intp]:
    """Choose rows evenly, and densely at both ends and around the peak."""
    if rows <= MOST_ROWS:
        return np.arange(rows)
    share = MOST_ROWS // 5
    even = thinned(np.arange(rows), 2 * share)
    ends = (np.arange(share // 2), np.arange(rows - share, rows), np.arange(peak - share, peak + share))
    chosen = np.unique(np.concatenate([even, *ends]))
    return chosen[(chosen >= 0) & (chosen < rows)]


# --- Logs without a one-cycle schedule -------------------------------------------------------------------------------


def _refuse_at_sight(log: Log, whole: NDArray[np.intp]) -> None:
    """Refuse a log of too few steps, of a constant rate, or of one that falls from its first step on."""
    if whole.size < FEWEST_ROWS:
        raise OnecycleError(
            f"{log.path}: {whole.size} steps with a learning rate are too few to find a schedule",
            f"log the learning rate of at least {FEWEST_ROWS} steps, from the rise and from the fall",
        )
    if not all(np.isfinite(log.lr[whole, group]).any() for group in range(log.lr.shape[1])):
        raise OnecycleError(f"{log.path}: a parameter group has no learning rate", "leave its column out")
    rates = _leading_rates(log, whole)
    if (highest := float(np.abs(rates).max())) < SLOWEST:
        message = f"{log.path}: the highest learning rate is {format_number(highest)}, too small for a schedule"
        raise OnecycleError(message, "check that this is the right column")
    if np.nanmax(rates) - np.nanmin(rates) <= CONSTANT * abs(float(np.nanmax(rates))):
        raise OnecycleError(f"{log.path}: the learning rate is constant at {format_number(rates[0])}", ADVICE)
    if log.steps.min() <= 1 and (np.diff(rates) <= 0).all():
        raise OnecycleError(
            f"{log.path}: the learning rate falls from the first step on, without a warm-up: no one-cycle schedule",
            ADVICE,
        )


def refusal(log: Log, explained: float) -> OnecycleError:
    """Return the error for a log that no one-cycle schedule gives."""
    rates = _leading_rates(log, _last_of_each_step(log))
    message = f"{log.path}: no one-cycle schedule gives these learning rates"
    if log.counts == "epoch":
        what = f"{message}, if each epoch is a step; how many steps an epoch has is not in the log"
        return OnecycleError(what, "log the step too, and more than one row per epoch")
    return OnecycleError(message + _what_instead(rates, explained), ADVICE)


def _leading_rates(log: Log, whole: NDArray[np.intp]) -> FloatArray:
    """Return the learning rates of the group with the highest."""
    rates: FloatArray = log.lr[whole, int(np.nanargmax(np.nanmax(log.lr, axis=0)))]
    there = np.isfinite(rates)
    return rates if there.all() else rates[there]


def _what_instead(rates: FloatArray, explained: float) -> str:
    """Describe what the learning rate does instead."""
    moved = np.diff(rates)
    held = rates.size - int(np.flatnonzero(moved).max(initial=0)) - 2
    before = moved[: moved.size - held]
    was_moving = np.count_nonzero(before) > before.size / 2  # else the last rows are as still as those before
    if was_moving and held >= STANDS * rates.size and rates[-1] == rates.max():
        return f"; the last {held + 1:,} rows stand still at the peak: what ends the calls of scheduler.step() there?"
    if held > rates.size / 2:
        return f"; the last {held:,} rows are constant: is the scheduler stepped more than once per step?"
    moved = moved[moved != 0]
    repeated = 1 - moved.size / max(rates.size - 1, 1)
    if repeated > 0.5:
        return f"; {repeated:.0%} of the rows repeat the value before: is the scheduler stepped once per epoch?"
    turns = int((np.diff(np.sign(moved)) < 0).sum())
    if turns > 1:
        return f"; they rise and fall {turns} times"
    if (moved > 0).all():
        return "; they only rise, and the rise alone does not show where it leads"
    if (moved < 0).all():
        return "; they only fall, and this fall alone does not show where it began"
    return f"; the nearest gives {explained:.0%} of them" if explained else ""
