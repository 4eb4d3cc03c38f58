"""Whether the cycle has one length, and what the length and pct_start together leave of its phases."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from onecycle_cli.findings.plan_rules import (
    EPOCHS_AS_STEPS,
    LATE_PEAK,
    LENGTHS_DISAGREE,
    NO_LENGTH,
    NOTHING_LEFT,
    OUT_OF_RANGE,
    PEAK_NEVER_REACHED,
    PEAK_OFF_GRID,
)
from onecycle_cli.formatting import count
from onecycle_cli.policy.checks.ranges import groups_agree, show
from onecycle_cli.policy.conventions import convention_of
from onecycle_cli.policy.plan import epoch_from_data, find_length, find_lengths, make_plan, plan_of
from onecycle_cli.policy.schedule import schedule_of
from onecycle_cli.policy.settings import MOST_STEPS
from onecycle_cli.policy.summary import edge_steps, peak_is_reached, summarize, warmup_steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.policy.settings import Settings

COUNTS = (
    "total_steps",
    "epochs",
    "steps_per_epoch",
    "dataset_size",
    "batch_size",
    "samples",
    "tokens",
    "tokens_per_step",
)

STREAMS = {"samples": "batch_size", "tokens": "tokens_per_step"}
"""What a run can be counted in besides steps and epochs, and the setting that turns it into steps."""

LATE = 0.9
"""A pct_start from which on hardly anything anneals; published schedules peak at 0.5 or earlier."""


# --- Length -----------------------------------------------------------------------------------------------------


def check_length(settings: Settings) -> Iterator[Finding]:
    """Check how the length is given, and what is left of it after a resume."""
    length = find_length(settings)
    if length is None:
        yield from _missing_length(settings)
        return
    if length.is_in_epochs and length.total_steps > MOST_STEPS:  # of any other, the number given is above its range
        message = f"the cycle has {length.sum} = {show(length.total_steps)} steps, but can have at most {MOST_STEPS:,}"
        yield OUT_OF_RANGE.finding(message, f"check {length.came_from.replace('*', ' and ')}", "epochs")
    yield from _check_agreement(settings)
    last_epoch = -1 if settings.last_epoch is None else settings.last_epoch
    stop = settings.then[-1]["total_steps"] if settings.then else length.total_steps
    if max(stop - 1, 0) <= last_epoch <= MOST_STEPS:  # what is outside its range is reported as that
        done = f"all {count(stop, 'step')} are already done" if stop > 1 else "the only step is already done"
        if last_epoch >= stop:
            what = "run" if settings.then else "cycle"
            done = f"{count(last_epoch + 1, 'step')} are already done, but the {what} has {stop:,}"
        yield NOTHING_LEFT.finding(
            f"last_epoch is {last_epoch:,}: {done}",
            f"set last_epoch below {stop - 1:,}, the last step",
            "last_epoch",
        )


def _missing_length(settings: Settings) -> Iterator[Finding]:
    """Find what a length lacks, unless a count below 1 takes it away, which check_ranges reports."""
    counts = {name: value for name in COUNTS if (value := getattr(settings, name)) is not None}
    given = [name for name in COUNTS[2:5] if name in counts]
    streams = [name for name in STREAMS if name in counts]
    epochs, derived = settings.epochs, epoch_from_data(settings)
    if derived is not None and derived.steps == 0 < counts["dataset_size"] and settings.steps_per_epoch is None:
        message = f"an epoch has no steps: {derived.sum}, and drop_last drops the only batch"
        yield NO_LENGTH.finding(message, "lower batch_size, or set drop_last to false", "batch_size")
    elif min((*counts.values(), settings.gradient_accumulation or 1, settings.world_size or 1)) < 1:
        return
    elif streams and epochs is None:
        name = streams[0]
        message = f"no length: {name} is {counts[name]:,}, but {STREAMS[name]} is not given"
        if (short := next(find_lengths(settings), None)) is not None:
            message = f"no length: {short.sum} = 0 steps"
        yield NO_LENGTH.finding(message, f"set {STREAMS[name]}" + (" to less" if short else ""), name)
    elif epochs is None:
        about = "neither total_steps nor epochs is given"
        if given:
            known = f"{', '.join(given[:-1])} and {given[-1]} are" if len(given) > 1 else f"{given[0]} is"
            about = f"{known} given, but epochs is not"
        missing = "epochs" if "steps_per_epoch" in given or len(given) == 2 else "total_steps"
        yield NO_LENGTH.finding(f"no length: {about}", f"set {missing}", given[0] if given else None)
    elif given:
        other = "batch_size" if given[0] == "dataset_size" else "dataset_size"
        message = f"no length: epochs is {epochs:,} and {given[0]} is given, but {other} is not"
        yield NO_LENGTH.finding(message, f"set {other}, or steps_per_epoch", "epochs")
    else:
        message = f"no length: epochs is {epochs:,}, but steps_per_epoch is not given"
        hint = "set steps_per_epoch (len(train_loader) / gradient accumulation), or dataset_size and batch_size"
        yield NO_LENGTH.finding(message, hint, "epochs")


def _check_agreement(settings: Settings) -> Iterator[Finding]:
    derived = epoch_from_data(settings)
    given = settings.steps_per_epoch
    if given is not None and derived is not None and derived.steps != given:
        yield LENGTHS_DISAGREE.finding(
            f"steps_per_epoch is {given:,}, but the data settings give {derived.steps:,} ({derived.sum}); "
            f"{given:,} is used",
            f"set steps_per_epoch to {derived.steps}, or remove it",
            "steps_per_epoch",
        )
    used, *others = find_lengths(settings)
    for other in others:
        if other.came_from in STREAMS and other.total_steps != used.total_steps:
            steps = f"{used.came_from} gives {used.total_steps:,}"
            yield LENGTHS_DISAGREE.finding(
                f"{other.sum} = {other.total_steps:,} steps, but {steps}; {used.total_steps:,} is used",
                f"remove {other.came_from}, or the other length",
                other.came_from,
            )
    per_epoch = given or (derived.steps if derived else None)
    if per_epoch is None and settings.total_steps is not None and settings.total_steps == settings.epochs:
        message = f"total_steps is {settings.total_steps:,}, as many as epochs: the cycle takes one step per epoch"
        hint = "set steps_per_epoch instead of total_steps, or remove epochs if the scheduler is stepped once per epoch"
        yield EPOCHS_AS_STEPS.finding(message, hint, "total_steps")
    if settings.total_steps is None or settings.epochs is None or per_epoch is None:
        return
    product = settings.epochs * per_epoch
    if product != settings.total_steps:
        epochs = f"{count(settings.epochs, 'epoch')} × {count(per_epoch, 'step')}"
        yield LENGTHS_DISAGREE.finding(
            f"total_steps is {settings.total_steps:,}, but {epochs} = {product:,}; "
            f"{settings.total_steps:,} is used, as in the frameworks",
            f"set total_steps to {product}, or remove it",
            "total_steps",
        )


# --- Phases -----------------------------------------------------------------------------------------------------


def check_phases(settings: Settings) -> Iterator[Finding]:
    """Check pct_start by itself, and what the convention makes of it and the length."""
    convention, length = convention_of(settings), find_length(settings)
    pct = convention.defaults.pct_start if settings.pct_start is None else settings.pct_start
    if not 0 <= pct <= 1:
        return
    if pct >= LATE and not (settings.three_phase and pct > 0.5):
        crash = f"; {convention.framework} raises ZeroDivisionError if the scheduler is stepped after the last batch"
        yield LATE_PEAK.finding(
            f"pct_start is {pct!r}: {100 * pct:.4g} % of the cycle warms up, {100 * (1 - pct):.4g} % anneals"
            + (crash if pct == 1 and convention.raises_past_end else ""),
            "set pct_start to 0.3, the frameworks' default, unless this is intended",
            "pct_start",
        )
    counts = max(0 if length is None else length.total_steps, settings.stepsize or 0)
    if length is not None and counts <= MOST_STEPS and groups_agree(settings):
        for finding in convention.check(make_plan(settings, length)):
            yield replace(finding, setting=_given_setting(settings, finding.setting))


def check_peak(settings: Settings) -> Iterator[Finding]:
    """Find a valid plan whose steps miss the peak, and segments after the cycle that move against their name."""
    schedule = schedule_of(plan_of(settings))
    if schedule is not None and (bad := _not_finite(schedule)) is not None:
        group, step = bad
        message = f"the learning rate of step {step:,} is not finite in float64"
        at = group if isinstance(settings.max_lr, tuple) else None
        yield OUT_OF_RANGE.finding(message, "set max_lr to a value such as 0.1", "max_lr", at)
        return
    if schedule is not None and settings.then:
        from onecycle_cli.policy.checks.segments import check_cut, check_segment_rates

        whole, schedule = schedule, schedule_of(replace(schedule.plan, then=()))
        yield from check_segment_rates(whole)
        cut = [] if schedule is None else [*check_cut(whole, schedule)]
        if cut:
            yield from cut
            return
    if schedule is None or peak_is_reached(schedule):
        return
    plan, highest = schedule.plan, summarize(schedule, 0)
    rise, peak = plan.pct_start * plan.total_steps, plan.groups[0].max_lr
    reached = f"the highest learning rate, at step {highest.peak_step:,}, is {highest.peak_lr!r}, not {peak!r}"
    if rise > 1 and not rise.is_integer():
        message = (
            f"pct_start × total_steps = {rise:.10g} is not an integer, so the peak falls between two steps; {reached}"
        )
        hint = "no action needed; the peak is on a step if the product is an integer"
        yield PEAK_OFF_GRID.finding(message, hint, _given_setting(settings, "pct_start"))
    else:
        message = f"max_lr is never reached: {reached} ({count(warmup_steps(schedule), 'step')} in the warm-up)"
        yield PEAK_NEVER_REACHED.finding(message, "no action needed if this is intended", "max_lr")


def _not_finite(schedule: Schedule) -> tuple[int, int] | None:
    """Return a group, and a step of it whose learning rate is not finite; None if there are none.

    Products in a formula are largest at the ends of a phase.
    """
    steps, groups = edge_steps(schedule), range(len(schedule.groups))
    return next(((at, step) for at in groups for step in steps if not math.isfinite(schedule.lr(step, at))), None)


def _given_setting(settings: Settings, setting: str | None) -> str:
    """Return the setting to point at: this one or, if it is a default, the first of some others that was given."""
    lengths = ("total_steps", "epochs", *STREAMS)
    order = (setting, "max_lr") if setting == "max_momentum" else (setting, *lengths)
    return next(name for name in order if name and getattr(settings, name) is not None)
