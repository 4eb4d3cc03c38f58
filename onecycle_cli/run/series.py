"""One aligned series: what a log's rows hold, the schedule's steps they belong to, and what was planned there.

Everything that compares a log with a schedule does it here: which column belongs to which parameter group, how near
counts as equal, and which step of the schedule a logged step is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import compress
from typing import TYPE_CHECKING, Literal

import numpy as np

from onecycle_cli.formatting import count, format_number
from onecycle_cli.run.precision import EXACT, SINGLE_ULPS, ULPS, Precision, precision_of, thinned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.run.logs.log import Log

    Floats = NDArray[np.float64]
    Steps = NDArray[np.int64]
    Flags = NDArray[np.bool_]

OFFSETS = (0, -1, 1)
"""What may be added to a logged step to get the schedule's, the most usual first.

0: logged before `scheduler.step()`, counted from 0; -1: counted from 1; 1: read after `scheduler.step()`.
"""

LONGER = 3
"""Rows by which another offset must agree longer than 0 does, as a flat start agrees with several."""

SAMPLE_SIZE = 400
"""Rows that decide which group an unnamed column belongs to."""


@dataclass(frozen=True, slots=True)
class Track:
    """One column of a log, and the plan's parameter group that it is compared with.

    Attributes:
        field: what it holds.
        column: its number among the log's learning rates or momenta.
        group: the plan's parameter group, by number.
        name: lr or momentum, with the plan's group behind it where there are several (`lr_head`).
        label: the name, with the log's own name behind it where several columns have the same.
    """

    field: Literal["lr", "momentum"]
    column: int
    group: int
    name: str
    label: str

    def values(self, log: Log) -> Floats:
        """Return the column's values."""
        columns = log.lr if self.field == "lr" else log.momentum
        assert columns is not None  # noqa: S101 (a momentum track is made only where momenta are logged)
        return columns[:, self.column]

    def texts(self, log: Log) -> Sequence[str]:
        """Return how some of the column's numbers were written; nothing where that is not known."""
        texts = log.lr_texts if self.field == "lr" else log.momentum_texts
        return texts[self.column] if texts else ()


@dataclass(frozen=True, slots=True)
class Samples:
    """Rows of a log under one offset.

    Attributes:
        tracks: what the columns of `values` are.
        rows: each row's index in the log; `slice(None)` where these are all rows.
        logged_steps: the steps as they were logged.
        offset: what is added to them to get the schedule's steps.
        values: what was logged, shape (rows, tracks); NaN where nothing was.
        limits: how far from each value a planned one may lie, same shape.
        relative: how far it may lie besides, relative to the planned value, where the user set a tolerance.
    """

    tracks: tuple[Track, ...]
    rows: NDArray[np.integer] | slice
    logged_steps: Steps
    offset: int
    values: Floats
    limits: Floats
    relative: float

    @property
    def steps(self) -> Steps:
        """The schedule's step of each row."""
        return self.logged_steps + self.offset

    @property
    def present(self) -> Flags:
        """Where a value was logged."""
        return ~np.isnan(self.values)

    @property
    def rates(self) -> list[int]:
        """The columns that hold learning rates."""
        return [at for at, track in enumerate(self.tracks) if track.field == "lr"]

    def take(self, rows: NDArray[np.integer]) -> Samples:
        """Return some of the rows, by their place here."""
        return Samples(
            self.tracks,
            rows if isinstance(self.rows, slice) else self.rows[rows],
            self.logged_steps[rows],
            self.offset,
            self.values[rows],
            self.limits[rows],
            self.relative,
        )

    def agrees(self, predicted: Floats) -> Flags:
        """Return for each value whether it is the predicted one; False where either is missing."""
        with np.errstate(invalid="ignore"):
            limits = self.limits + self.relative * np.abs(predicted) if self.relative else self.limits
            gaps = self.values - predicted
            near: Flags = np.abs(gaps, out=gaps) <= limits
        return near & self.present

    def predicted(self, schedule: Schedule, steps: Steps) -> Floats:
        """Return what a schedule has at given steps, one for each row, in every track."""
        return _side_by_side([values_at(schedule, track, steps) for track in self.tracks])


@dataclass(frozen=True, slots=True)
class Series(Samples):
    """Rows of a log beside a schedule, under one offset.

    Attributes:
        schedule: what was planned.
        planned: the planned values, same shape as `values`; NaN outside the cycle.
        wrong: where a logged value is not the planned one.
        prefix: rows before the first with a wrong value.
    """

    schedule: Schedule
    planned: Floats
    wrong: Flags
    prefix: int

    @property
    def right(self) -> bool:
        """Whether no value is wrong."""
        return self.prefix == len(self.wrong)

    @property
    def compared(self) -> int:
        """How many values were logged."""
        return int(self.present.sum())

    @property
    def logged_step_count(self) -> int:
        """How many different steps were logged."""
        steps = self.logged_steps
        if not (steps[1:] >= steps[:-1]).all():
            steps = np.sort(steps)
        return 1 + int((steps[1:] != steps[:-1]).sum())

    @property
    def right_values(self) -> int:
        """How many logged values are the planned ones."""
        return self.compared - int(self.wrong.sum())

    def planned_at(self, row: int, column: int) -> float | None:
        """Return what was planned for a row; None where the cycle has no such step."""
        inside = 0 <= int(self.logged_steps[row]) + self.offset < self.schedule.total_steps
        return float(self.planned[row, column]) if inside else None


def read_samples(
    log: Log,
    tracks: Sequence[Track],
    scales: Sequence[float],
    *,
    tolerance: float | None = None,
    single: bool = False,
    rows: NDArray[np.integer] | slice = slice(None),
) -> tuple[Samples, Precision]:
    """Read a log's columns, and how precisely its learning rates were written.

    Args:
        log: the log.
        tracks: the columns to read.
        scales: the size of each track's values, which the rounding of its arithmetic follows.
        tolerance: how far a value may lie from the planned one, relative to that, in place of the log's precision.
        single: whether values that do not have all digits of a float64 were computed in float32.
        rows: the rows to read, by their index; all by default. How they were written is seen in all of them.
    """
    columns = [track.values(log) for track in tracks]
    rates = [track.field == "lr" for track in tracks]
    texts = [track.texts(log) for track in tracks]
    written = precision_of(list(compress(columns, rates)), list(compress(texts, rates)))
    others = [not rate for rate in rates]
    of_momentum = precision_of(list(compress(columns, others)), list(compress(texts, others)), written)
    values = _side_by_side([column[rows] for column in columns])
    arithmetic = SINGLE_ULPS if single and written is not EXACT and tolerance is None else ULPS
    limits = np.broadcast_to(arithmetic * np.array(scales), values.shape)
    if tolerance is None and (written is not EXACT or of_momentum is not EXACT):
        limits = limits.copy()
        for at, rate in enumerate(rates):
            limits[:, at] += (written if rate else of_momentum).limits(values[:, at])
    return Samples(tuple(tracks), rows, log.steps[rows], 0, values, limits, tolerance or 0.0), written


def _side_by_side(columns: Sequence[Floats]) -> Floats:
    """Return columns as an array, without a copy where there is one: a log may have millions of rows."""
    return columns[0][:, None] if len(columns) == 1 else np.column_stack(columns)


def scale_of(schedule: Schedule, track: Track, log: Log) -> float:
    """Return the size of a track's largest value, planned or logged."""
    group = schedule.plan.groups[track.group]
    planned = [group.max_lr] if track.field == "lr" else [group.max_momentum, group.base_momentum]
    return max(*map(abs, planned), largest(track.values(log)))


def largest(values: Floats) -> float:
    """Return the size of the largest of the finite values."""
    finite = np.isfinite(values)
    return float(max(values.max(initial=0.0, where=finite), -values.min(initial=0.0, where=finite)))


def values_at(schedule: Schedule, track: Track, steps: Steps) -> Floats:
    """Return a schedule's values at any steps: NaN outside, and the rebound at step total_steps.

    After the last step of a run PyTorch's scheduler sets one more value, of a step that is not in the cycle.
    """
    total = schedule.total_steps
    outside = (steps < 0) | (steps >= total)
    inside = np.clip(steps, 0, total - 1) if outside.any() else steps
    found = schedule.lr(inside, track.group) if track.field == "lr" else schedule.momentum(inside, track.group)
    if found is None:
        return np.full(steps.shape, math.nan)
    found[outside] = math.nan
    past = steps == total
    if past.any():
        found[past] = _rebound(schedule, track)
    return found


def _rebound(schedule: Schedule, track: Track) -> float:
    """Return the value that the last phase's formula has one step after the cycle."""
    phase = schedule.phases[-1]
    ramp = (phase.lr if track.field == "lr" else phase.momentum)[track.group]
    try:
        return ramp.at(float(schedule.total_steps), math.cos)
    except (ArithmeticError, ValueError):
        return math.nan


# --- Which step of the schedule a logged step is ---------------------------------------------------------------------


def align(samples: Samples, schedule: Schedule, offset: int) -> Series:
    """Lay a log beside a schedule under one offset."""
    here = replace(samples, offset=offset)
    steps, last = here.steps, schedule.total_steps - 1
    planned = here.predicted(schedule, steps)
    past = steps > last
    right = here.agrees(planned)
    if past.any():
        right[past] = False
        if _may_hold_the_end(here, last + 1):
            after = np.flatnonzero(steps == last + 1)
            final = here.take(after)
            held = final.predicted(schedule, np.full(after.size, last))
            right[after] = final.agrees(planned[after]) | final.agrees(held)
    wrong: Flags = here.present & ~right
    rows = wrong.any(axis=1)
    prefix = int(rows.argmax()) if rows.any() else rows.size
    return Series(
        here.tracks,
        here.rows,
        here.logged_steps,
        offset,
        here.values,
        here.limits,
        here.relative,
        schedule,
        planned,
        wrong,
        prefix,
    )


def _may_hold_the_end(samples: Samples, total: int) -> bool:
    """Return whether a row at step total_steps may show what the scheduler was left with, and no step trained with.

    It may in a log of the values after `scheduler.step()`: it holds the rebound, or the last value once more where the
    scheduler is not stepped after the last step. A log of completed steps (N, 2N … total_steps) ends with such a row
    as well; if it has a row of step 0, it has one step too many.
    """
    if samples.offset > 0:
        return True
    steps = np.unique(samples.logged_steps)
    return samples.offset == 0 and int(steps[-1]) == total and 1 <= int(steps[0]) <= int(np.median(np.diff(steps)))


def align_all(samples: Samples, schedule: Schedule) -> list[Series]:
    """Lay a log beside a schedule under every offset, the likeliest first.

    Where one makes everything right it is alone. Else the one that agrees longest from the log's beginning comes
    first; at the flat start of a long cycle other offsets than 0 agree a little longer, which says nothing.
    """
    resumed = schedule.first_step
    offsets = [*OFFSETS, *([resumed + offset for offset in OFFSETS] if resumed else [])]
    found: list[Series] = []
    for offset in dict.fromkeys(offsets):
        tried = align(samples, schedule, offset)
        if tried.right:
            return [tried]
        found.append(tried)
    plain = found[0].prefix
    least = max(plain + LONGER, plain * 1.5) if plain else 1
    return sorted(found, key=lambda tried: -tried.prefix if tried.prefix >= least or tried is found[0] else 0)


# --- Which column belongs to which parameter group -------------------------------------------------------------------


def pair(schedule: Schedule, log: Log) -> tuple[tuple[Track, ...], tuple[str, ...]]:
    """Pair the log's columns with the plan's groups: by name, else by order, else by what fits.

    Returns:
        The tracks to compare, learning rates first, and notes on how they were paired.
    """
    groups, notes = _groups(schedule, log)
    tracks = _tracks("lr", groups, schedule, log)
    if log.momentum is not None:
        momenta = _tracks("momentum", groups, schedule, log)
        if schedule.cycles_momentum:
            tracks += momenta
        else:
            notes += _stray_momentum(momenta, log)
    return tuple(tracks), tuple(notes)


def _tracks(field: Literal["lr", "momentum"], groups: list[int], schedule: Schedule, log: Log) -> list[Track]:
    """Make the tracks of the columns that hold values."""
    found = []
    for column, group in enumerate(groups):
        name = field if len(schedule.groups) == 1 else f"{field}_{schedule.groups[group]}"
        label = name if groups.count(group) == 1 else f"{name} ({log.groups[column]})"
        track = Track(field, column, group, name, label)
        if np.isfinite(track.values(log)).any():
            found.append(track)
    return found


def _groups(schedule: Schedule, log: Log) -> tuple[list[int], list[str]]:
    """Return the plan's group of each column, and notes."""
    names, planned = [name.rpartition("/")[2] for name in log.groups], list(schedule.groups)
    if set(names) <= set(planned) and len(set(names)) == len(names):
        missing = [name for name in planned if name not in names]
        return [planned.index(name) for name in names], [f"the log has no group {name} of the plan" for name in missing]
    if len(names) == len(planned):
        return list(range(len(names))), []
    if len(planned) == 1:
        return [0] * len(names), [f"the log has {len(names)} parameter groups, the plan one: all are compared with it"]
    found = [nearest_group(schedule, log.steps, log.lr[:, column]) for column in range(len(names))]
    pairs = zip(log.groups, found, strict=True)
    groups = f"the log has {count(len(names), 'parameter group')}, the plan {len(planned)}"
    if len(names) == 1:
        how = f"the logged learning rate fits group {planned[found[0]]} best and was compared with it"
    else:
        shown = ", ".join(f"{name} with {planned[group]}" for name, group in pairs)
        how = f"each was compared with the group that it fits best: {shown}"
    return found, [f"{groups}: {how}"]


def nearest_group(schedule: Schedule, logged_steps: Steps, rates: Floats) -> int:
    """Return the group whose learning rates come closest to logged ones, as a ratio, under any offset."""
    here = thinned(np.flatnonzero(np.isfinite(rates) & (rates != 0)), SAMPLE_SIZE)
    if not here.size:
        return 0
    logged = np.abs(rates[here])
    distances = []
    for group in range(len(schedule.groups)):
        by_offset = []
        for offset in OFFSETS:
            steps = np.clip(logged_steps[here] + offset, 0, schedule.total_steps - 1)
            with np.errstate(all="ignore"):
                gaps = np.abs(np.log(logged / np.abs(schedule.lr(steps, group))))
            by_offset.append(float(np.median(np.nan_to_num(gaps, nan=1e3, posinf=1e3))))
        distances.append(min(by_offset))
    return distances.index(min(distances))


def _stray_momentum(momenta: list[Track], log: Log) -> list[str]:
    """Note a momentum that changes although the plan does not cycle it."""
    for track in momenta:
        values = track.values(log)
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        if low != high:
            between = f"{format_number(low)} and {format_number(high)}"
            return [f"the log's momentum moves between {between}; the plan does not cycle it"]
    return []
