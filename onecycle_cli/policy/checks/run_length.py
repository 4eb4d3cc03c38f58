"""Whether the trainer makes as many steps as the cycle has, and steps the scheduler as often."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.findings.surroundings import BATCHES_AS_STEPS, RUN_LENGTH, STEPPED_PER_EPOCH
from onecycle_cli.formatting import count, proportion
from onecycle_cli.policy.checks.trainer import DATA, Target, epoch_as_trained, known, make_cycle, stepping
from onecycle_cli.policy.conventions import convention_of
from onecycle_cli.policy.length import find_length
from onecycle_cli.policy.settings import MOST_STEPS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.checks.trainer import Cycle
    from onecycle_cli.policy.context import TrainingContext
    from onecycle_cli.policy.length import DerivedEpoch
    from onecycle_cli.policy.settings import Settings


COUNTED = 10
"""A cycle of fewer steps an epoch than this is taken to be counted in epochs."""


@dataclass(frozen=True, slots=True)
class Run:
    """How many steps the trainer makes, what says so, and what must change for the cycle to have as many."""

    steps: int
    said: str
    hint: str
    target: Target


def check_run(settings: Settings, around: TrainingContext) -> Iterator[Finding]:
    """Hold the run against the cycle, as far as both are known."""
    length = find_length(settings)
    if settings.last_epoch is not None and settings.last_epoch >= 0:
        return  # whether the trainer counts the steps behind us is not known
    if any(count is not None and count < 1 for count in (settings.epochs, settings.steps_per_epoch)):
        return  # an error of its own, and two of them multiply to a length
    if length is None:
        yield from _judge_epochs(settings, around)
    elif length.total_steps <= MOST_STEPS:
        cycle = make_cycle(settings, length)
        yield from _judge_per_epoch(cycle, around) if stepping(around) == "epoch" else _judge_per_step(cycle, around)


def _judge_epochs(settings: Settings, around: TrainingContext) -> Iterator[Finding]:
    """Hold the epochs against each other where the length is not known."""
    planned, epochs = settings.epochs, known(around.epochs)
    if around.epochs is None or epochs is None or planned is None or not 1 <= planned <= MOST_STEPS:
        return
    said = f"epochs is {planned:,}, but {around.epochs.path} is {epochs:,}"
    if epochs < planned:
        end = f"the run ends at {proportion(epochs, planned)} of the cycle"
    else:
        end = f"the run goes on for {count(epochs - planned, 'epoch')} after the cycle's end"
    if epochs != planned:
        yield RUN_LENGTH.finding(f"{said}: {end}", f"set epochs to {epochs}", "epochs")


def _judge_per_epoch(cycle: Cycle, around: TrainingContext) -> Iterator[Finding]:
    total, epochs, target = cycle.total, _epochs_made(cycle, around), cycle.target(around.epochs)
    by = f" by {around.stepped_by}" if around.stepped_by and around.interval is None else ""
    if epochs is None:
        yield from _judge_steps_as_epochs(cycle, around, by)
    elif epochs < total:
        counted = cycle.settings.total_steps is not None and total < COUNTED * epochs
        missed = "; the peak is never reached" if cycle.misses_peak(epochs) else ""
        at_length = counted or around.interval is None
        how, rate = _how_to_step(cycle, around), cycle.last_rate(epochs)
        end = f"{', and' if missed else ';'} the last learning rate is {rate}" if rate else ""
        yield STEPPED_PER_EPOCH.finding(
            f"{count(epochs, 'epoch')} stepped once an epoch{by} cross {proportion(epochs, total)} of the cycle's "
            f"{total:,} steps{missed}{end}",
            f"set total_steps to {epochs}" if counted else f"{how}, or set total_steps to {epochs}",
            setting=target.setting if at_length else None,
            key=target.key if at_length or around.interval is None else around.interval.path,
        )
    elif epochs > total:
        yield STEPPED_PER_EPOCH.finding(
            f"{count(epochs, 'epoch')} stepped once an epoch{by} overrun the cycle's {count(total, 'step')}: "
            f"{_overrun(cycle, epochs, 'epoch')}",
            f"set total_steps to {epochs}",
            target.setting,
            key=target.key,
        )


def _judge_steps_as_epochs(cycle: Cycle, around: TrainingContext, by: str) -> Iterator[Finding]:
    """Judge a run whose epochs are not known: it has fewer of them than steps."""
    stated, most = around.max_steps, known(around.max_steps)
    if stated is not None and most is not None and 1 < most <= cycle.total:
        yield STEPPED_PER_EPOCH.finding(
            f"{stated.path} is {most:,}, but the scheduler is stepped once an epoch{by}: the cycle's "
            f"{cycle.total:,} steps take as many epochs",
            _how_to_step(cycle, around),
            key=stated.path if around.interval is None else around.interval.path,
        )


def _epochs_made(cycle: Cycle, around: TrainingContext) -> int | None:
    """Give the epochs of the run; steps end it where how many an epoch has is known."""
    epochs, most = known(around.epochs), known(around.max_steps)
    derived = epoch_as_trained(cycle.settings, around)
    per_epoch = derived.steps if derived else cycle.length.steps_per_epoch
    if epochs is None and most is None and cycle.settings.total_steps is None:
        epochs = cycle.settings.epochs
    if most is None or per_epoch is None:
        return epochs
    ends = -(-most // per_epoch)
    return ends if epochs is None else min(epochs, ends)


def _how_to_step(cycle: Cycle, around: TrainingContext) -> str:
    if around.interval is not None:
        return f"set {around.interval.path} to step"
    if around.stepped_by == "LightningCLI":
        return "return the scheduler from configure_optimizers with interval: step"
    return "set by_epoch to false" if convention_of(cycle.settings).counts_in_epochs else "set interval to step"


def _judge_per_step(cycle: Cycle, around: TrainingContext) -> Iterator[Finding]:
    epochs, total = known(around.epochs), cycle.total
    if stepping(around) is None and total in (epochs, cycle.settings.epochs):
        return  # such a cycle is counted in epochs, and may well be stepped by them
    run = _run(cycle, around)
    if run is not None and run.steps < total:
        rate = cycle.last_rate(run.steps)
        end = f"the run ends at {proportion(run.steps, total)} of the cycle" + (
            f", at a learning rate of {rate}" if rate else ""
        )
        yield RUN_LENGTH.finding(f"{run.said}: {end}", run.hint, run.target.setting, key=run.target.key)
    elif run is not None and total < run.steps <= MOST_STEPS:
        message = f"{run.said}: {_overrun(cycle, run.steps, 'step')}"
        yield RUN_LENGTH.finding(message, run.hint, run.target.setting, key=run.target.key)
    elif run is None:
        yield from _judge_epochs_as_steps(cycle, around)
    yield from _judge_batches(cycle, around, min(total, run.steps if run else total))


def _judge_epochs_as_steps(cycle: Cycle, around: TrainingContext) -> Iterator[Finding]:
    """Judge a run whose steps are not known: it has at least as many as epochs."""
    epochs, total = known(around.epochs), cycle.total
    convertible = convention_of(cycle.settings).counts_in_epochs
    unknown = known(around.max_steps) is None and cycle.length.steps_per_epoch is None and not convertible
    if around.epochs is None or epochs is None or epochs < total or not unknown or stepping(around) != "step":
        return
    message = (
        f"the cycle has {count(total, 'step')}, and {around.epochs.path} is {epochs:,}: stepped every step, it ends "
    )
    hint = "set total_steps to the steps of all epochs"
    if around.interval is not None and epochs == total:
        hint = f"set {around.interval.path} to epoch"
    target = cycle.target(around.epochs)
    yield RUN_LENGTH.finding(f"{message}before the run does", hint, target.setting, key=target.key)


def _run(cycle: Cycle, around: TrainingContext) -> Run | None:
    """Find what ends the run: its steps or its epochs, whichever comes first."""
    by_epochs, most = _run_by_epochs(cycle, around), known(around.max_steps)
    if around.max_steps is None or most is None or (by_epochs is not None and by_epochs.steps < most):
        return by_epochs
    if by_epochs is None and known(around.epochs) is not None and most > cycle.total:
        return None
    said = f"{around.max_steps.path} is {most:,}, but the cycle has {count(cycle.total, 'step')}"
    return Run(most, said, f"set total_steps to {most}", cycle.target(around.max_steps))


def _run_by_epochs(cycle: Cycle, around: TrainingContext) -> Run | None:
    settings, epochs = cycle.settings, known(around.epochs)
    derived = epoch_as_trained(settings, around)
    if derived is not None and derived.steps == cycle.length.steps_per_epoch:
        derived = None
    per_epoch = derived.steps if derived else cycle.length.steps_per_epoch
    planned = settings.epochs if settings.total_steps is None else None
    if epochs is None and known(around.max_steps) is None:
        epochs = planned
    if epochs is None or per_epoch is None:
        return None
    if derived is None and settings.epochs == epochs and planned is None:
        return None  # total_steps against epochs × steps_per_epoch: OC401 says it
    steps = epochs * per_epoch
    if derived is None and planned is not None and around.epochs is not None:
        said = f"epochs is {planned:,}, but {around.epochs.path} is {epochs:,}"
        return Run(steps, said, f"set epochs to {epochs}", Target(setting="epochs"))
    words = f" ({derived.sum})" if derived else ""
    said = f"{count(epochs, 'epoch')} × {per_epoch:,} steps per epoch{words} = {steps:,} steps, but the cycle has "
    hint, target = f"set total_steps to {steps}", cycle.target(around.epochs)
    if derived is not None and planned == epochs:
        hint, target = _fix_epoch(settings, around, derived)
    return Run(steps, f"{said}{cycle.total:,}", hint, target)


def _fix_epoch(settings: Settings, around: TrainingContext, derived: DerivedEpoch) -> tuple[str, Target]:
    """Say which setting makes the plan's epoch as long as the trainer's, and where it stands or would."""
    if settings.steps_per_epoch is None:
        for setting, attribute in DATA.items():
            stated, given = getattr(around, attribute), getattr(settings, setting)
            value = known(stated)
            if value is not None and value != (given or 1):
                return f"set {setting} to {value}", Target(key=stated.path) if given is None else Target(
                    setting=setting
                )
    return f"set steps_per_epoch to {derived.steps}", Target(setting="steps_per_epoch")


def _judge_batches(cycle: Cycle, around: TrainingContext, most: int) -> Iterator[Finding]:
    """Ask whether a steps_per_epoch written by hand counts batches: the run would then end below `most` steps."""
    settings, batches = cycle.settings, cycle.settings.steps_per_epoch
    accumulation, devices = known(around.accumulation) or 1, known(around.devices) or 1
    counted = settings.gradient_accumulation is not None or settings.world_size is not None
    if batches is None or settings.total_steps is not None or counted or epoch_as_trained(settings, around):
        return
    epochs = known(around.epochs) or (settings.epochs if around.max_steps is None else None)
    share = -(-batches // devices)
    steps = -(-share // accumulation)
    if epochs is None or steps == batches or epochs * steps >= most:
        return
    shared = f"on {devices:,} devices" if devices > 1 else ""
    accumulated = f"with {accumulation:,} batches accumulated" if accumulation > 1 else ""
    rate = cycle.last_rate(epochs * steps)
    yield BATCHES_AS_STEPS.finding(
        f"steps_per_epoch is {batches:,}; {' '.join(filter(None, (accumulated, shared)))}, {batches:,} batches make "
        f"{count(steps, 'step')}, and the run would cross {proportion(epochs * steps, cycle.total)} of the cycle"
        + (f" and end at a learning rate of {rate}" if rate else ""),
        f"set total_steps to {epochs * steps} in place of steps_per_epoch if {batches} counts batches",
        "steps_per_epoch",
    )


def _overrun(cycle: Cycle, made: int, unit: str) -> str:
    """Say what becomes of a run that is longer than its cycle."""
    convention = convention_of(cycle.settings)
    if not convention.raises_past_end:
        return f"the last {count(made - cycle.total, unit)} of the run come after the cycle's end"
    when = f"at step {cycle.total:,}" if unit == "step" else f"after {cycle.total + 1:,} epochs"
    return f"{convention.framework} raises ValueError {when}"
