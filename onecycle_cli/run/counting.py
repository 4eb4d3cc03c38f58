"""What the rows of a log count: steps, epochs, micro-batches, samples …, and where that puts them in the schedule.

A reading is *given* where the log's own columns, or the user, say what they count. Others are possible as well, since a
column called `step` may hold anything. These are believed only where the log shows the whole cycle under them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.epoch_rows import epoch_length, fractions, means_of_epochs, of_epochs, within_epochs
from onecycle_cli.run.micro_batches import Accumulation, uneven
from onecycle_cli.run.reading import AFTER, BEFORE_OPTIMIZER, Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.policy.settings import Settings
    from onecycle_cli.run import RowIs, Unit
    from onecycle_cli.run.logs.log import Log

    Steps = NDArray[np.int64]

MOST_PER_STEP = 10**7
"""The most counts per step that are tried: samples of a large batch."""

OWN_COUNTERS = frozenset({"_step"})
"""Columns in which a logger counts its own calls: W&B counts each `wandb.log`, and those without a rate, too."""


def given_readings(log: Log, settings: Settings, schedule: Schedule, row_is: RowIs | None) -> list[Reading]:
    """Return what the rows count by the log's columns, or by the user, the likeliest first.

    Raises:
        OnecycleError: the user's unit needs a number that the plan does not have.
    """
    if row_is is not None:
        return _as_asked(log, settings, schedule, row_is)
    if log.counts == "epoch":
        epoch = epoch_length(schedule, log.steps)
        as_steps = [] if epoch else [replace(reading, unit="epoch") for reading in _plain(log, schedule)]
        return as_steps or list(of_epochs(log.steps, epoch))
    found: list[Reading] = []
    if log.epochs is not None:
        found = [*within_epochs(log, settings, schedule), *fractions(log, schedule)]
    if found:
        return found
    a_row_each = log.epochs is not None and np.unique(log.epochs).size == log.epochs.size
    return [*_plain(log, schedule), *(means_of_epochs(log, schedule) if a_row_each else ())]


def possible_readings(log: Log, settings: Settings, schedule: Schedule) -> Iterator[Reading]:
    """Yield what else the rows may count."""
    steps, total = log.steps, schedule.total_steps
    if log.counts != "epoch":
        yield from _per_process(steps, schedule, settings.world_size or 1)
    if log.counts == "row":
        yield from _strides(log, schedule)
        return
    if log.counts == "epoch":
        yield from _shared_out(steps, total)
        return
    if log.step_column is not None and log.step_column.strip().casefold() in OWN_COUNTERS:
        yield from _own_counter(log, schedule)
    if (accumulation := uneven(settings, schedule, int(steps.max()))) is not None:
        yield from _counted_in(steps, accumulation, "microbatch", sure=False)
    for times in _per_step(log, settings, schedule):
        yield from _counted_in(steps, Accumulation(times), _unit_of(times, settings), sure=False)
    yield from means_of_epochs(log, schedule)
    if schedule.steps_per_epoch:
        yield from of_epochs(steps, schedule.steps_per_epoch)
    if (first := int(steps.min())) > 1:
        for offset, note in ((-first, "from its first row on"), (1 - first, f"from its first row on, {AFTER}")):
            yield Reading("step", steps, steps, offset, f"the log counts on from {first:,}: {note}")


def _shared_out(epochs: Steps, total: int) -> Iterator[Reading]:
    """Yield rows that are an epoch each, of a cycle that has as many steps in every epoch."""
    last = int(epochs.max())
    shared = [total // many for many in (last, last + 1) if many and not total % many]
    for length in dict.fromkeys(shared):
        yield from of_epochs(epochs, length)


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
    total, epochs = schedule.total_steps, schedule.epochs
    last = epochs * -(-total // (epochs * world))
    note = f"accelerate steps a prepared scheduler once per process, so each step of the log is {world:,} of the cycle"
    for by in (0, -1, 1) if world > 1 else ():
        counted = steps + by
        clock = np.where(counted <= last, np.minimum(counted * world, total), counted * world)
        yield Reading("step", steps, clock, 0, f"{note}{f', {AFTER}' if by > 0 else ''}", after=True)


# --- Other counters --------------------------------------------------------------------------------------------------


def _as_epochs(log: Log, schedule: Schedule) -> list[Reading]:
    """Return the readings of rows that are epochs by the user's word.

    Raises:
        OnecycleError: they are more epochs than the plan has steps.
    """
    if log.counts == "row" and (found := list(fractions(log, schedule))):
        return found
    steps = log.steps
    if log.epochs is not None and not np.isnan(log.epochs).any():
        if found := list(fractions(replace(log, counts="row"), schedule)):
            return found
        steps = log.epochs.astype(np.int64)
    last = int(steps.max())
    lengths = [schedule.steps_per_epoch] if schedule.steps_per_epoch else []
    lengths += [schedule.total_steps // epochs for epochs in (last, last + 1) if epochs]
    found = [reading for length in dict.fromkeys(lengths[:2]) for reading in of_epochs(steps, length)]
    if not found:
        raise OnecycleError(
            f"--row-is epoch: the log goes to epoch {last:,}, but the plan has only {schedule.total_steps:,} steps",
            "leave --row-is out, or check that the plan is this run's",
        )
    return found


def _as_asked(log: Log, settings: Settings, schedule: Schedule, row_is: RowIs) -> list[Reading]:
    """Return the readings with the user's own unit."""
    steps = log.steps
    if row_is == "step":
        return list(_plain(replace(log, counts="step"), schedule))
    if row_is == "epoch":
        return _as_epochs(log, schedule)
    if row_is == "microbatch" and log.epochs is not None:
        found = [reading for reading in within_epochs(log, settings, schedule) if reading.unit == row_is]
        if found:
            return found
    products = _samples_per_step(settings) if row_is == "sample" else [settings.gradient_accumulation or 1]
    known = [times for times in products if times > 1] or list(_per_step(log, settings, schedule))
    if not known:
        needs = "batch_size" if row_is == "sample" else "gradient_accumulation"
        raise OnecycleError(
            f"--row-is {row_is}: not known how many {row_is.replace('microbatch', 'micro-batche')}s make a step",
            f"set {needs} in the plan, or pass --{needs.replace('_', '-')}",
        )
    ways = [Accumulation(times) for times in known]
    if row_is == "microbatch" and (accumulation := uneven(settings, schedule, int(steps.max()))) is not None:
        ways = [accumulation, *ways]
    return [reading for way in ways for reading in _counted_in(steps, way, row_is, sure=True)]


def _counted_in(steps: Steps, way: Accumulation, unit: Unit, *, sure: bool) -> Iterator[Reading]:
    """Yield rows of which so many make a step, counted from 0 or 1, or when they are complete."""
    many = {"microbatch": "micro-batches", "sample": "samples", "log-call": "its own calls"}[unit]
    other = "" if sure else f"; if it counts optimizer steps, the scheduler moved once in {way.times:,} of them"
    row = Reading(unit, steps, steps, note=f"the log counts {many}, {way}{other}")
    for by in (0, -1, 1):
        yield replace(row, clock=way.step_of(steps + by), after=by > 0)
    for by in (-1, 1):
        yield replace(row, clock=way.step_of(steps) + by, after=by > 0)


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
        yield Reading("log-call", log.steps, clock.astype(np.int64), 0, note)
        yield Reading("log-call", log.steps, clock.astype(np.int64), 1, f"{note}, {AFTER}", after=True)


def _strides(log: Log, schedule: Schedule) -> Iterator[Reading]:
    """Yield rows that are so many steps apart."""
    rows, total = log.steps.size, schedule.total_steps
    for stride in dict.fromkeys((-(-total // rows), total // rows, round(total / rows), total // max(rows - 1, 1))):
        if stride > 1:
            note = f"no column counts steps: a row follows every {stride:,} steps"
            row = Reading("row", log.steps, log.steps * stride, note=note)
            for offset in (0, stride - 1, stride, 1):
                yield replace(row, offset=offset, after=offset in (1, stride))
