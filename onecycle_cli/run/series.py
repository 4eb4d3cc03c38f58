"""One aligned series: what a log's rows hold, the schedule's steps they belong to, and what was planned there.

Everything that compares a log with a schedule does it here: how near counts as equal, and what is planned for a row.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.run.precision import EXACT, SINGLE_ULPS, ULPS, Precision, precision_of
from onecycle_cli.run.reading import different

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.run.groups import Track
    from onecycle_cli.run.logs.log import Log
    from onecycle_cli.run.reading import Reading

    Floats = NDArray[np.float64]
    Steps = NDArray[np.int64]
    Flags = NDArray[np.bool_]


PIECE = 2**14
"""Rows that are compared at a time: a log may have millions, and what is computed for them need not be kept."""

PRECISE = 5.1e-6
"""What the last of six digits is off by at most, relative to the value."""


@dataclass(frozen=True, slots=True)
class Nearness:
    """How near a planned value must come to a logged one.

    Attributes:
        arithmetic: what arithmetic may differ by, for each track.
        written: how precisely each track's values were written.
        relative: what may differ besides, relative to the planned value, where the user set a tolerance.
    """

    arithmetic: Floats
    written: tuple[Precision, ...]
    relative: float

    def limits(self, values: Floats, span: int) -> Floats:
        """Return how far from values, shape (rows, tracks), planned ones may lie, which are means of `span` steps."""
        limits = np.broadcast_to(self.arithmetic, values.shape)
        if any(written is not EXACT for written in self.written):
            limits = limits + np.column_stack([of.limits(values[:, at]) for at, of in enumerate(self.written)])
        if span > 1:
            # A sum is rounded as often as it has terms; loggers that take means do so in float32.
            limits = limits + span * np.minimum(limits, 2.0**-24 * np.abs(values))
        return limits


@dataclass(frozen=True)
class Samples:
    """Rows of a log, and which steps of the schedule they are.

    Attributes:
        tracks: what the columns of `values` are.
        rows: each row's index in the log.
        logged_steps: what the log counts, such as steps or epochs.
        clock: the same in the schedule's steps, but for the offset.
        offset: what is added to the clock to get the schedule's steps.
        span: how many steps up to its own a row shows the mean of.
        values: what was logged, shape (rows, tracks); NaN where nothing was.
        nearness: how near a planned value must come to each of them.
    """

    tracks: tuple[Track, ...]
    rows: NDArray[np.integer] | slice
    logged_steps: Steps
    clock: Steps
    offset: int
    span: int
    values: Floats
    nearness: Nearness

    @property
    def steps(self) -> Steps:
        """The schedule's step of each row."""
        return self.clock + self.offset if self.offset else self.clock

    @property
    def indices(self) -> NDArray[np.integer]:
        """Each row's index in the log, as an array."""
        return np.arange(self.rows.start, self.rows.stop) if isinstance(self.rows, slice) else self.rows

    @cached_property
    def limits(self) -> Floats:
        """How far from each value a planned one may lie, but for the user's tolerance."""
        return self.nearness.limits(self.values, self.span)

    @property
    def relative(self) -> float:
        """The user's tolerance, relative to the planned value."""
        return self.nearness.relative

    @property
    def is_precise(self) -> bool:
        """Whether values show so much that two curves seldom share many of them: 6 digits or more."""
        return max(self.relative, *(form.relative for form in self.nearness.written)) <= PRECISE

    @property
    def present(self) -> Flags:
        """Where a value was logged."""
        return ~np.isnan(self.values)

    @property
    def rates(self) -> list[int]:
        """The columns that hold learning rates."""
        return [at for at, track in enumerate(self.tracks) if track.field == "lr"]

    def take(self, rows: NDArray[np.integer] | slice) -> Samples:
        """Return some of the rows, by their place here."""
        indices: NDArray[np.integer] | slice
        if not isinstance(self.rows, slice):
            indices = self.rows[rows]
        elif isinstance(rows, slice):
            indices = slice(self.rows.start + rows.start, self.rows.start + rows.stop)
        else:
            indices = self.rows.start + rows
        return Samples(
            self.tracks,
            indices,
            self.logged_steps[rows],
            self.clock[rows],
            self.offset,
            self.span,
            self.values[rows],
            self.nearness,
        )

    def pieces(self) -> Iterator[tuple[slice, Samples]]:
        """Yield all rows, PIECE of them at a time, and their places here."""
        size = len(self.values)
        for begin in range(0, size, PIECE):
            piece = slice(begin, min(begin + PIECE, size))
            yield piece, self.take(piece)

    def counted(self, reading: Reading) -> Samples:
        """Return the rows under another reading of what they count."""
        counted, clock = reading.counted[self.rows], reading.clock[self.rows]
        return replace(self, logged_steps=counted, clock=clock, offset=reading.offset, span=reading.span)

    def agrees(self, predicted: Floats) -> Flags:
        """Return for each value whether it is the predicted one; False where either is missing."""
        with np.errstate(invalid="ignore"):
            limits = self.limits + self.relative * np.abs(predicted) if self.relative else self.limits
            gaps = self.values - predicted
            near: Flags = np.abs(gaps, out=gaps) <= limits
        return near & self.present

    def predicted(self, schedule: Schedule, steps: Steps) -> Floats:
        """Return what a schedule has at given steps, one for each row, in every track."""
        spread = steps if self.span == 1 else (steps[:, None] + np.arange(1 - self.span, 1)).ravel()
        found: dict[tuple[str, int], Floats] = {}  # of many columns, most have the values of one group
        for track in self.tracks:
            if (track.field, track.group) not in found:
                values = values_at(schedule, track, spread)
                mean = values if self.span == 1 else values.reshape(-1, self.span).mean(axis=1)
                found[track.field, track.group] = mean
        return np.column_stack([found[track.field, track.group] for track in self.tracks])


@dataclass(frozen=True)
class Series(Samples):
    """Rows of a log beside a schedule, under one reading of what they count.

    Attributes:
        schedule: what was planned.
        reading: what the rows count.
        wrong: where a logged value is not the planned one.
        prefix: rows before the first with a wrong value.
    """

    schedule: Schedule
    reading: Reading
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
        return different(self.logged_steps).size

    @property
    def right_values(self) -> int:
        """How many logged values are the planned ones."""
        return self.compared - int(self.wrong.sum())

    def planned_at(self, row: int, column: int) -> float | None:
        """Return what was planned for a row; None where the cycle has no such step."""
        here = self.take(slice(row, row + 1))
        inside = 0 <= int(here.steps[0]) < self.schedule.total_steps
        return float(here.predicted(self.schedule, here.steps)[0, column]) if inside else None


def read_samples(
    log: Log,
    tracks: Sequence[Track],
    scales: Sequence[float],
    *,
    tolerance: float | None = None,
    single: bool = False,
    rows: NDArray[np.integer] | None = None,
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
    arithmetic = SINGLE_ULPS if single and written is not EXACT and tolerance is None else ULPS
    forms = [EXACT if tolerance is not None else written if rate else of_momentum for rate in rates]
    nearness = Nearness(arithmetic * np.array(scales), tuple(forms), tolerance or 0.0)
    places = [track.place(log) for track in tracks]
    # A slice takes columns that lie side by side, as they nearly always do, without a copy.
    side_by_side = places == list(range(places[0], places[0] + len(places)))
    values = log.values[:, slice(places[0], places[-1] + 1) if side_by_side else places]
    whole = Samples(tuple(tracks), slice(0, len(values)), log.steps, log.steps, 0, 1, values, nearness)
    return whole if rows is None else whole.take(rows), written


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


# --- A log beside a schedule ----------------------------------------------------------------------------------------


def align(samples: Samples, schedule: Schedule, reading: Reading) -> Series:
    """Lay a log beside a schedule under one reading of what its rows count."""
    here, total = samples.counted(reading), schedule.total_steps
    ends_past = int(here.clock.max()) + here.offset >= total and reading.may_end_past(here.steps, total)
    wrong = np.concatenate([_wrong(rows, schedule, ends_past=ends_past) for _, rows in here.pieces()])
    rows = wrong.any(axis=1)
    prefix = int(rows.argmax()) if rows.any() else rows.size
    return Series(
        here.tracks,
        here.rows,
        here.logged_steps,
        here.clock,
        here.offset,
        here.span,
        here.values,
        here.nearness,
        schedule,
        reading,
        wrong,
        prefix,
    )


def _wrong(rows: Samples, schedule: Schedule, *, ends_past: bool) -> Flags:
    """Return where a value is not the planned one; `ends_past`: a row at step total_steps may be right."""
    steps, total = rows.steps, schedule.total_steps
    right = rows.agrees(rows.predicted(schedule, steps))
    right[steps >= total] = False
    if ends_past and (after := np.flatnonzero(steps == total)).size:
        final = rows.take(after)
        held = final.predicted(schedule, np.full(after.size, total - 1))
        right[after] = final.agrees(held) | final.agrees(final.predicted(schedule, final.steps))
    return rows.present & ~right
