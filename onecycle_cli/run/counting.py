"""What the rows of a log count: steps, epochs, micro-batches, samples …, and where that puts them in the schedule.

A reading is *given* where the log's own columns, or the user, say what they count. Others are possible as well, since a
column called `step` may hold anything. These are believed only where the log shows the whole cycle under them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.errors import OnecycleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.policy.settings import Settings
    from onecycle_cli.run import RowIs, Unit
    from onecycle_cli.run.logs.log import Log

    Steps = NDArray[np.int64]

OFFSETS = (0, -1, 1)
"""What may be added to a logged step to get the schedule's, the most usual first.

0: logged before `scheduler.step()`, counted from 0; -1: counted from 1; 1: read after `scheduler.step()`.
"""

MOST_PER_STEP = 10**7
"""The most counts per step that are tried: samples of a large batch."""

MOST_IN_MEANS = 2 * 10**6
"""Steps over which the means of epochs are taken at most, all epochs together."""

MOST_TEXTS_OFF = 0.5
"""Steps by which a fractional epoch, as it was rounded, may be off its step, for the step to be known."""

OWN_COUNTERS = frozenset({"_step"})
"""Columns in which a logger counts its own calls: W&B counts each `wandb.log`, and those without a rate, too."""

AFTER = "logged after scheduler.step(): each row shows the next step's values"
BEFORE_OPTIMIZER = "a scheduler stepped before the optimizer gives the same log, and then the first rate is never used"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a log's rows may count.

    Attributes:
        unit: what they count.
        counted: each row's number in this unit, as the log has it.
        clock: the same in the schedule's steps, but for the offset.
        offset: what is added to the clock to get the schedule's steps.
        note: what the rows count, in a sentence; "" where they count steps from 0.
        after: whether a row shows what the scheduler was left with after a step.
        span: how many steps a row shows the mean of.
        given: whether the log's columns, or the user, say that rows count this.
    """

    unit: Unit
    counted: Steps
    clock: Steps
    offset: int = 0
    note: str = ""
    after: bool = False
    span: int = 1
    given: bool = True

    def may_end_past(self, steps: Steps, total: int) -> bool:
        """Return whether rows at step `total` may show what the scheduler was left with, and no step trained with.

        They may in a log of the values after `scheduler.step()`: it holds the rebound, or the last value once more
        where the scheduler is not stepped after the last step. A log of completed steps (N, 2N … total) ends with such
        a row as well; with a row of step 0 it has one step too many.
        """
        if self.after:
            return True
        distinct = different(steps)
        most = np.median(np.diff(distinct)) if distinct.size > 1 else total
        return int(distinct[-1]) == total and 1 <= int(distinct[0]) <= most


def different(steps: Steps) -> Steps:
    """Return the different steps, in order. A log seldom repeats any, and NumPy's `unique` takes long to find that."""
    if not (steps[1:] >= steps[:-1]).all():
        steps = np.sort(steps)
    new = np.append(True, steps[1:] != steps[:-1]) if steps.size else np.empty(0, dtype=np.bool_)
    return steps if new.all() else steps[new]


def given_readings(log: Log, settings: Settings, schedule: Schedule, row_is: RowIs | None) -> list[Reading]:
    """Return what the rows count by the log's columns, or by the user, the likeliest first.

    Raises:
        OnecycleError: the user's unit needs a number that the plan does not have.
    """
    if row_is is not None:
        return _as_told(log, settings, schedule, row_is)
    if log.counts == "epoch":
        epoch = _epoch_length(schedule, log.steps)
        as_steps = [] if epoch else [replace(reading, unit="epoch") for reading in _plain(log, schedule)]
        return as_steps or list(_of_epochs(log.steps, epoch, given=True))
    found: list[Reading] = []
    if log.epochs is not None:
        found = [*_within_epochs(log, schedule), *_fractions(log, schedule)]
    return found or list(_plain(log, schedule))


def possible_readings(log: Log, settings: Settings, schedule: Schedule) -> Iterator[Reading]:
    """Yield what else the rows may count."""
    steps, total = log.steps, schedule.total_steps
    if log.counts != "epoch":
        yield from _per_process(steps, schedule, settings.world_size or 1)
    if log.counts == "row":
        yield from _strides(log, schedule)
        return
    if log.counts == "epoch":
        shared = [
            total // epochs for epochs in (int(steps.max()), int(steps.max()) + 1) if epochs and not total % epochs
        ]
        for length in dict.fromkeys(shared):
            yield from _of_epochs(steps, length, given=False)
        return
    if log.step_column is not None and log.step_column.strip().casefold() in OWN_COUNTERS:
        yield from _own_counter(log, schedule)
    for times in _per_step(log, settings, schedule):
        yield from _counted_in(steps, times, _unit_of(times, settings), given=False)
    if schedule.steps_per_epoch:
        yield from _of_epochs(steps, schedule.steps_per_epoch, given=False)
    if (first := int(steps.min())) > 1:
        for offset, note in ((-first, "from its first row on"), (1 - first, f"from its first row on, {AFTER}")):
            yield Reading("step", steps, steps, offset, f"the log counts on from {first:,}: {note}", given=False)


# --- Steps -----------------------------------------------------------------------------------------------------------


def _plain(log: Log, schedule: Schedule) -> Iterator[Reading]:
    """Yield rows that count steps: from 0 or 1, before or after the scheduler's step, or from where a run resumed."""
    unit: Unit = "row" if log.counts == "row" else "step"
    behind = (
        "" if int(log.steps.max()) == schedule.total_steps else "; a scheduler that is a step behind looks the same"
    )
    plain = Reading(unit, log.steps, log.steps)
    yield plain
    yield replace(plain, offset=-1, note=f"the log counts its steps from 1{behind}")
    yield replace(plain, offset=1, note=f"the log is {AFTER}; {BEFORE_OPTIMIZER}", after=True)
    if first := schedule.first_step:
        note = f"the log counts its steps from the resumed run's first one, step {first:,} of the cycle"
        yield from (replace(plain, offset=first + by, note=note, after=by > 0) for by in (0, -1, 1))


def _per_process(steps: Steps, schedule: Schedule, world: int) -> Iterator[Reading]:
    """Yield rows of a run under accelerate, which steps a prepared scheduler once per process in each optimizer step.

    Its total_steps are then those of one process that has all data. As each epoch is rounded up to whole optimizer
    steps, the cycle may be over before the run is: accelerate does not step OneCycleLR past total_steps.
    """
    total, epochs = schedule.total_steps, schedule.plan.epochs
    last = epochs * -(-total // (epochs * world))
    note = f"accelerate steps a prepared scheduler once per process, so each step of the log is {world:,} of the cycle"
    for by in (0, -1, 1) if world > 1 else ():
        counted = steps + by
        clock = np.where(counted <= last, np.minimum(counted * world, total), counted * world)
        yield Reading("step", steps, clock, 0, f"{note}{f', {AFTER}' if by > 0 else ''}", after=True, given=False)


# --- Epochs ----------------------------------------------------------------------------------------------------------


def _epoch_length(schedule: Schedule, epochs: Steps) -> int | None:
    """Return the steps of an epoch, if the plan has them and its length counts steps, not epochs."""
    known = schedule.steps_per_epoch
    return known if known and schedule.total_steps >= known * max(int(epochs.max()), 1) else None


def _of_epochs(epochs: Steps, length: int | None, *, given: bool) -> Iterator[Reading]:
    """Yield rows that are an epoch each: its last step, what is left after it, its first step, or its mean."""
    if not length:
        return
    from_one, clock = int(epochs.min()) > 0, epochs * length
    row = Reading("epoch", epochs, clock, given=given)

    def shows(offset: int, what: str, *, after: bool = False, span: int = 1) -> Reading:
        note = f"a row is an epoch of {length:,} steps and shows {what}"
        return replace(row, offset=offset, note=note, after=after, span=span)

    last, left, first = (
        "its last step's values",
        "the values after its last scheduler.step()",
        "its first step's values",
    )
    counted = " (epochs are counted from 1)" if from_one else ""
    if from_one:
        yield shows(-1, last + counted)
        yield shows(0, left + counted, after=True)
        yield shows(-length, first + counted)
    yield shows(length - 1, last)
    yield shows(length, left, after=True)
    yield shows(0, first)
    if length * epochs.size <= MOST_IN_MEANS:
        for offset in (-1, 0) if from_one else ():
            yield shows(offset, f"its mean{counted}", after=offset == 0, span=length)
        for offset in (length - 1, length):
            yield shows(offset, "its mean", after=offset == length, span=length)


def _within_epochs(log: Log, schedule: Schedule) -> Iterator[Reading]:
    """Yield rows whose step starts over in each epoch: the schedule's is epoch × steps per epoch + step."""
    epochs = log.epochs
    if log.counts != "step" or epochs is None or np.isnan(epochs).any() or not (epochs == np.floor(epochs)).all():
        return
    falls, rises = np.diff(log.steps) < 0, np.diff(epochs) > 0
    # A resumed run repeats steps, but not those of an earlier epoch under a later one.
    if falls.sum() == 0 or (falls & rises).sum() * 2 <= rises.sum() or (falls & ~rises).sum() > falls.sum() // 4:
        return
    whole = epochs.astype(np.int64)
    longest, lowest, base = int(log.steps.max()), int(log.steps.min()), min(int(whole.min()), 1)
    shared, rest = divmod(schedule.total_steps, int(whole.max()) - base + 1)
    lengths = [schedule.steps_per_epoch] if schedule.steps_per_epoch else []
    lengths += [] if lengths else [shared, longest + 1, longest] if rest == 0 else [longest + 1, longest]
    for length in dict.fromkeys(lengths):
        if length < longest:
            continue
        counted = (whole - base) * length + log.steps
        note = f"a row's step is its epoch × {length:,} + {log.step_column}"
        row = Reading("step", counted, counted, note=note)
        for by in (0, -1) if lowest else (0,):
            yield replace(row, offset=by)
        yield replace(row, offset=1, note=f"{note}, {AFTER}; {BEFORE_OPTIMIZER}", after=True)
        if base:
            yield from (replace(row, offset=length + by) for by in (0, -1))


def _fractions(log: Log, schedule: Schedule) -> Iterator[Reading]:
    """Yield rows that are known by a fraction of an epoch alone."""
    epochs = log.epochs
    if log.counts != "row" or epochs is None or np.isnan(epochs).any() or (epochs == np.floor(epochs)).all():
        return
    total, last = schedule.total_steps, float(epochs.max())
    known, ends = schedule.steps_per_epoch, (np.ceil(last), np.floor(last) + 1, last)
    lengths = [float(known)] if known else [float(total / end) for end in ends if end]
    for length in dict.fromkeys(lengths):
        exact = epochs * length
        clock = np.round(exact).astype(np.int64)
        if np.abs(exact - clock).max() >= MOST_TEXTS_OFF * 0.5:
            clock = _evenly(exact)
        row = Reading("epoch", clock, clock, note=f"a row's step is its epoch × {length:,g}")
        yield row
        yield replace(row, offset=-1, note=f"{row.note} - 1")
        yield replace(row, offset=1, note=f"{row.note}, {AFTER}", after=True)


def _evenly(exact: NDArray[np.float64]) -> Steps:
    """Return whole steps near to epochs that were rounded, if the rows follow each other at one distance."""
    distance = max(round(float(np.median(np.diff(exact)))), 1) if exact.size > 1 else 1
    rows = np.arange(exact.size, dtype=np.int64) * distance
    steps: Steps = rows + round(float(np.median(exact - rows)))
    return steps


# --- Other counters --------------------------------------------------------------------------------------------------


def _as_told(log: Log, settings: Settings, schedule: Schedule, row_is: RowIs) -> list[Reading]:
    """Return the readings with the user's own unit."""
    steps = log.steps
    if row_is == "step":
        return list(_plain(replace(log, counts="step"), schedule))
    if row_is == "epoch":
        if log.counts == "row" and (found := list(_fractions(log, schedule))):
            return found
        last = int(steps.max())
        lengths = [schedule.steps_per_epoch] if schedule.steps_per_epoch else []
        lengths += [schedule.total_steps // epochs for epochs in (last, last + 1) if epochs]
        return [reading for length in dict.fromkeys(lengths[:2]) for reading in _of_epochs(steps, length, given=True)]
    products = _samples_per_step(settings) if row_is == "sample" else [settings.gradient_accumulation or 1]
    known = [times for times in products if times > 1] or list(_per_step(log, settings, schedule))
    if not known:
        needs = "batch_size" if row_is == "sample" else "gradient_accumulation"
        raise OnecycleError(
            f"--row-is {row_is}: not known how many {row_is.replace('microbatch', 'micro-batche')}s make a step",
            f"set {needs} in the plan, or pass --{needs.replace('_', '-')}",
        )
    return [reading for times in known for reading in _counted_in(steps, times, row_is, given=True)]


def _counted_in(steps: Steps, times: int, unit: Unit, *, given: bool) -> Iterator[Reading]:
    """Yield rows of which so many make a step, counted from 0 or 1, or when they are complete."""
    many = {"microbatch": "micro-batches", "sample": "samples", "log-call": "its own calls"}[unit]
    sure = "" if given else f"; if it counts optimizer steps, the scheduler moved once in {times:,} of them"
    note = f"the log counts {many}, {times:,} to a step{sure}"
    for by in dict.fromkeys((0, -1, 1, -times, times)):
        yield Reading(unit, steps, (steps + by) // times, 0, note, after=by > 0, given=given)


def _per_step(log: Log, settings: Settings, schedule: Schedule) -> Iterable[int]:
    """Return how many counts may make a step: by the plan's data, by the log's length, and by its distances."""
    steps, total = log.steps, schedule.total_steps
    last = int(steps.max())
    found = [settings.gradient_accumulation or 1, *_samples_per_step(settings)]
    found += [round(length / parts) for length in (last, last + 1) for parts in (total - 1, total) if parts]
    distance = int(np.gcd.reduce(np.diff(steps))) if steps.size > 1 else 1
    apart = total * distance // last if last else 0  # as many steps between two rows, if the log shows the whole cycle
    found += [distance // many for many in (1, apart, apart + 1) if many and distance % many == 0]
    return [times for times in dict.fromkeys(found) if 1 < times <= MOST_PER_STEP]


def _samples_per_step(settings: Settings) -> list[int]:
    """Return how many samples a step may be counted as: of all processes and batches, or of some of them."""
    batch, world = settings.batch_size or 0, settings.world_size or 1
    accumulated = settings.gradient_accumulation or 1
    return list(dict.fromkeys((batch * accumulated * world, batch * world, batch * accumulated, batch)))


def _unit_of(times: int, settings: Settings) -> Unit:
    """Return what a counter most likely counts of which so many make a step."""
    if times == settings.gradient_accumulation:
        return "microbatch"
    return "sample" if times in _samples_per_step(settings) or times >= 16 else "microbatch"


def _own_counter(log: Log, schedule: Schedule) -> Iterator[Reading]:
    """Yield rows that follow each other step by step, however the logger numbers them."""
    distinct, clock = np.unique(log.steps, return_inverse=True)
    note = f"{log.step_column} counts the logger's own calls: each row with a learning rate is a step"
    if distinct.size in (schedule.total_steps, schedule.total_steps + 1):
        yield Reading("log-call", log.steps, clock.astype(np.int64), 0, note, given=False)
        yield Reading("log-call", log.steps, clock.astype(np.int64), 1, f"{note}, {AFTER}", after=True, given=False)


def _strides(log: Log, schedule: Schedule) -> Iterator[Reading]:
    """Yield rows that are so many steps apart."""
    rows, total = log.steps.size, schedule.total_steps
    for stride in dict.fromkeys((-(-total // rows), total // rows, round(total / rows), total // max(rows - 1, 1))):
        if stride > 1:
            note = f"no column counts steps: a row follows every {stride:,} steps"
            row = Reading("row", log.steps, log.steps * stride, note=note, given=False)
            for offset in (0, stride - 1, stride, 1):
                yield replace(row, offset=offset, after=offset in (1, stride))
