"""Whether the trainer makes as many steps as the cycle has, and steps the scheduler as often as the plan assumes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypedDict

from onecycle_cli.findings import Fix, Severity
from onecycle_cli.findings.config_rules import BATCHES_AS_STEPS, INTERVAL, RUN_LENGTH, STEPPED_PER_EPOCH
from onecycle_cli.formatting import count, proportion
from onecycle_cli.policy.checks.ranges import groups_agree
from onecycle_cli.policy.conventions import convention_of
from onecycle_cli.policy.plan import epoch_from_data, find_length, make_plan
from onecycle_cli.policy.schedule import schedule_of
from onecycle_cli.policy.settings import MOST_STEPS, SETTINGS
from onecycle_cli.policy.summary import summarize

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.context import ConfigValue, TrainingContext
    from onecycle_cli.policy.plan import DerivedEpoch, Length
    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.policy.settings import Settings

DATA = {
    "gradient_accumulation": "accumulation",
    "world_size": "devices",
    "dataset_size": "dataset_size",
    "batch_size": "batch_size",
}
"""Our data settings, and the fields of TrainingContext that say the same."""

COUNTED = 10
"""A cycle with fewer steps per epoch than this is assumed to be counted in epochs: few loaders are that short."""


class Target(TypedDict, total=False):
    """What a finding points at: a setting of the plan, or another key of the file by its dotted path."""

    setting: str
    key: str


@dataclass(frozen=True, slots=True)
class Cycle:
    """The settings, the cycle's length, and its curve if it can be computed; its rates are only true for its peak."""

    settings: Settings
    length: Length
    schedule: Schedule | None
    knows_peak: bool

    @property
    def total(self) -> int:
        """Steps of the cycle."""
        return self.length.total_steps

    def last_rate(self, steps: int) -> str:
        """Return the learning rate of the last of `steps` steps, to three digits; empty if it cannot be computed."""
        if self.schedule is None or not self.knows_peak:
            return ""
        try:
            rate = self.schedule.lr(steps - 1)
        except (ArithmeticError, ValueError, StopIteration):
            return ""
        if 1e-7 <= rate < 1e-4:  # still readable without an exponent
            return f"{rate:.{2 - math.floor(math.log10(rate))}f}".rstrip("0")
        return f"{rate:.3g}"

    def misses_peak(self, steps: int) -> bool:
        """Return whether a run of `steps` steps ends before the peak."""
        try:
            return self.schedule is not None and steps <= summarize(self.schedule, 0).peak_step
        except (ArithmeticError, ValueError, StopIteration):
            return False

    def target(self, other: ConfigValue[int] | None) -> Target:
        """Return what to point at where total_steps must change: the setting, or the value that gives the length."""
        if self.settings.total_steps is not None or other is None:
            return {"setting": "total_steps"}
        return {"key": other.path}


@dataclass(frozen=True, slots=True)
class Run:
    """How many steps the trainer makes, where that comes from, and what to change for the cycle to have as many."""

    steps: int
    reason: str
    hint: str
    target: Target


def check_run(settings: Settings, context: TrainingContext, *, knows_peak: bool = True) -> Iterator[Finding]:
    """Compare the run with the cycle, as far as both are known."""
    length = find_length(settings)
    if settings.last_epoch is not None and settings.last_epoch >= 0:
        return  # it is not known whether the trainer counts the steps already done
    if any(given is not None and given < 1 for given in (settings.epochs, settings.steps_per_epoch)):
        return  # check_ranges reports it, and two negative numbers would multiply to a length
    planned, epochs = settings.epochs, _known(context.epochs)
    if length is not None and length.total_steps <= MOST_STEPS:
        schedule = schedule_of(make_plan(settings, length)) if groups_agree(settings) else None
        check = _check_per_epoch if context.unit == "epoch" else _check_per_step
        yield from check(Cycle(settings, length, schedule, knows_peak), context)
    elif length is None and context.unit == "epoch" and context.batches:
        yield _stepped_per_epoch_of_many(settings, context)
    elif length is None and context.epochs and epochs and planned and planned <= MOST_STEPS and planned != epochs:
        end = f"the run ends at {proportion(epochs, planned)} of the cycle"
        if epochs > planned:
            end = f"the run goes on for {count(epochs - planned, 'epoch')} after the cycle's end"
        message = f"epochs is {planned:,}, but {context.epochs.path} is {epochs:,}: {end}"
        yield RUN_LENGTH.finding(message, f"set epochs to {epochs}", "epochs")


def _stepped_per_epoch_of_many(settings: Settings, context: TrainingContext) -> Finding:
    """Find a cycle of all steps of all epochs, however many, that is stepped once per epoch."""
    where = "" if context.interval is None else f" ({context.interval.path})"
    by = f" by {context.stepped_by}" if context.stepped_by and context.interval is None else ""
    counted, made, how = (
        f"counts batches ({context.batches})",
        "the peak is never reached",
        _how_to_step(settings, context),
    )
    if settings.epochs is not None:
        counted = f"has the steps of {count(settings.epochs, 'epoch')}"
        made = f"it makes only {count(settings.epochs, 'step')}, and {made}"
        how += f", or set total_steps to {settings.epochs}"
    setting = None if context.batches not in SETTINGS else context.batches
    return STEPPED_PER_EPOCH.finding(
        f"the cycle {counted}, but the scheduler is stepped once per epoch{by}{where}: {made}",
        how,
        key=None if context.interval is None else context.interval.path,
        setting=(setting or "total_steps") if context.interval is None else None,
        severity=_severity(context, misses=True),
    )


def _check_per_epoch(cycle: Cycle, context: TrainingContext) -> Iterator[Finding]:
    total, epochs, target = cycle.total, _epochs_made(cycle, context), cycle.target(context.epochs)
    by = f" by {context.stepped_by}" if context.stepped_by and context.interval is None else ""
    stated, most = context.max_steps, _known(context.max_steps)
    if epochs is None and stated is not None and most is not None and 1 < most <= total:
        # There are fewer epochs than steps, however many.
        yield STEPPED_PER_EPOCH.finding(
            f"{stated.path} is {most:,}, but the scheduler is stepped once per epoch{by}: the cycle's {total:,} steps "
            "take as many epochs",
            _how_to_step(cycle.settings, context),
            key=stated.path if context.interval is None else context.interval.path,
            severity=_severity(context, misses=cycle.misses_peak(-(-most // COUNTED))),
        )
    elif epochs is not None and epochs < total:
        counted = cycle.settings.total_steps is not None and total < COUNTED * epochs
        misses = cycle.misses_peak(epochs)
        missed = "; the peak is never reached" if misses else ""
        if context.interval is not None and not counted:
            target = {"key": context.interval.path}
        how, rate = _how_to_step(cycle.settings, context), cycle.last_rate(epochs)
        end = f"{', and' if missed else ';'} the last learning rate is {rate}" if rate else ""
        yield STEPPED_PER_EPOCH.finding(
            f"{count(epochs, 'epoch')} stepped once per epoch{by} cover {proportion(epochs, total)} of the cycle's "
            f"{total:,} steps{missed}{end}",
            f"set total_steps to {epochs}" if counted else f"{how}, or set total_steps to {epochs}",
            **target,
            severity=_severity(context, misses=misses and not counted),
        )
    elif epochs is not None and epochs > total:
        yield STEPPED_PER_EPOCH.finding(
            f"{count(epochs, 'epoch')} stepped once per epoch{by} overrun the cycle's {count(total, 'step')}: "
            f"{_overrun(cycle, epochs, 'epoch')}",
            f"set total_steps to {epochs}",
            **target,
        )


def _severity(context: TrainingContext, *, misses: bool) -> Severity:
    """Return how severe stepping per epoch is: the user's code may override a default, but not what the file states."""
    return Severity.WARNING if context.overridable or not misses else Severity.ERROR


def _epochs_made(cycle: Cycle, context: TrainingContext) -> int | None:
    """Return the epochs of the run, which max_steps may end if the steps of an epoch are known."""
    epochs, most = _known(context.epochs), _known(context.max_steps)
    derived = _epoch_as_trained(cycle.settings, context)
    per_epoch = derived.steps if derived else cycle.length.steps_per_epoch
    if epochs is None and most is None and cycle.settings.total_steps is None:
        epochs = cycle.settings.epochs
    if most is None or per_epoch is None:
        return epochs
    ends = -(-most // per_epoch)
    return ends if epochs is None else min(epochs, ends)


def _how_to_step(settings: Settings, context: TrainingContext) -> str:
    if context.interval is not None and context.interval.path.endswith("()"):
        return f"call {context.interval.path} after every batch"
    if context.interval is not None:
        return f"set {context.interval.path} to step"
    if context.stepped_by == "LightningCLI":
        return "return the scheduler from configure_optimizers with interval: step"
    if context.stepped_by == "Lightning":
        return "set interval to step beside the scheduler"
    return "set by_epoch to false" if convention_of(settings).counts_in_epochs else "set interval to step"


def _check_per_step(cycle: Cycle, context: TrainingContext) -> Iterator[Finding]:
    epochs, total = _known(context.epochs), cycle.total
    if context.unit is None and total in (epochs, cycle.settings.epochs):
        yield from _check_counted_in_epochs(cycle, context)
        return
    run = _run(cycle, context)
    if run is None:
        yield from _check_epochs_as_steps(cycle, context)
    elif run.steps < total:
        rate = cycle.last_rate(run.steps)
        end = f", at a learning rate of {rate}" if rate else ""
        message = f"{run.reason}: the run ends at {proportion(run.steps, total)} of the cycle{end}"
        yield RUN_LENGTH.finding(message, run.hint, **run.target)
    elif total < run.steps <= MOST_STEPS:
        message = f"{run.reason}: {_overrun(cycle, run.steps, 'step')}"
        severity = Severity.ERROR if total == epochs and context.unit == "step" else None
        yield RUN_LENGTH.finding(message, run.hint, **run.target, severity=severity)
    yield from _check_batches(cycle, context, min(total, run.steps if run else total))


def _check_counted_in_epochs(cycle: Cycle, context: TrainingContext) -> Iterator[Finding]:
    """Note a cycle with as many steps as the run has epochs: it may well be stepped once per epoch."""
    if cycle.settings.total_steps is None:
        return
    epochs = "epochs" if context.epochs is None else context.epochs.path
    yield RUN_LENGTH.finding(
        f"total_steps is {cycle.total:,}, as many as {epochs}: right if the scheduler is stepped once per epoch, too "
        "short if it is stepped once per batch",
        "no action needed if it is stepped once per epoch; otherwise set total_steps to the steps of all epochs",
        "total_steps",
        severity=Severity.INFO,
    )


def _check_epochs_as_steps(cycle: Cycle, context: TrainingContext) -> Iterator[Finding]:
    """Check a run whose number of steps is not known: it has at least as many as epochs."""
    epochs, total = _known(context.epochs) or cycle.settings.epochs, cycle.total
    unknown = _known(context.max_steps) is None and cycle.length.steps_per_epoch is None
    if epochs is None or epochs < total or not unknown or context.unit != "step":
        return
    named = "epochs" if context.epochs is None else context.epochs.path
    hint = "set total_steps to the steps of all epochs"
    if context.interval is not None and epochs == total:
        hint = f"set {context.interval.path} to epoch"
        if context.interval.path.endswith("()"):
            hint = f"call {context.interval.path} after every epoch, or set total_steps to the steps of all epochs"
    yield RUN_LENGTH.finding(
        f"the cycle has {count(total, 'step')}, and {named} is {epochs:,}: stepped after every batch, it ends before "
        "the run does",
        hint,
        **cycle.target(context.epochs),
        severity=Severity.ERROR,
    )


def _run(cycle: Cycle, context: TrainingContext) -> Run | None:
    """Return what ends the run first: its steps or its epochs."""
    by_epochs, most = _run_by_epochs(cycle, context), _known(context.max_steps)
    if context.max_steps is None or most is None or (by_epochs is not None and by_epochs.steps < most):
        return by_epochs
    if by_epochs is None and _known(context.epochs) is not None and most > cycle.total:
        return None
    said = f"{context.max_steps.path} is {most:,}, but the cycle has {count(cycle.total, 'step')}"
    return Run(most, said, f"set total_steps to {most}", cycle.target(context.max_steps))


def _run_by_epochs(cycle: Cycle, context: TrainingContext) -> Run | None:
    settings, epochs = cycle.settings, _known(context.epochs)
    derived = _epoch_as_trained(settings, context)
    if derived is not None and derived.steps == cycle.length.steps_per_epoch:
        derived = None
    per_epoch = derived.steps if derived else cycle.length.steps_per_epoch
    planned = settings.epochs if settings.total_steps is None else None
    if epochs is None and _known(context.max_steps) is None:
        epochs = planned
    if epochs is None or per_epoch is None:
        return None
    if derived is None and settings.epochs == epochs and planned is None:
        return None  # total_steps against epochs × steps_per_epoch: OC401 reports it
    steps = epochs * per_epoch
    if derived is None and planned is not None and context.epochs is not None:
        said = f"epochs is {planned:,}, but {context.epochs.path} is {epochs:,}"
        return Run(steps, said, f"set epochs to {epochs}", {"setting": "epochs"})
    words = f" ({derived.sum})" if derived else ""
    each = f"{count(epochs, 'epoch')} × {count(per_epoch, 'step')} per epoch{words}"
    said = f"{each} = {count(steps, 'step')}, but the cycle has "
    hint, target = f"set total_steps to {steps}", cycle.target(context.epochs)
    if derived is not None and planned == epochs:
        hint, target = _fix_epoch(settings, context, derived)
    return Run(steps, f"{said}{cycle.total:,}", hint, target)


def _fix_epoch(settings: Settings, context: TrainingContext, derived: DerivedEpoch) -> tuple[str, Target]:
    """Return how to make the plan's epoch as long as the trainer's, and what to point at."""
    if settings.steps_per_epoch is None:
        for setting, attribute in DATA.items():
            stated, given = getattr(context, attribute), getattr(settings, setting)
            value = _known(stated)
            if value is not None and value != (given or 1):
                return f"set {setting} to {value}", {"key": stated.path} if given is None else {"setting": setting}
    return f"set steps_per_epoch to {derived.steps}", {"setting": "steps_per_epoch"}


def _check_batches(cycle: Cycle, context: TrainingContext, most: int) -> Iterator[Finding]:
    """Check whether a given steps_per_epoch may count batches: the run would then end before `most` steps."""
    settings, batches = cycle.settings, cycle.settings.steps_per_epoch
    accumulation, devices = _known(context.accumulation) or 1, _known(context.devices) or 1
    counted = settings.gradient_accumulation is not None or settings.world_size is not None
    if batches is None or settings.total_steps is not None or counted or _epoch_as_trained(settings, context):
        return
    epochs = _known(context.epochs) or (settings.epochs if context.max_steps is None else None)
    share = -(-batches // devices)
    steps = -(-share // accumulation)
    if epochs is None or steps == batches or epochs * steps >= most:
        return
    shared = f"on {devices:,} devices" if devices > 1 else ""
    accumulated = f"with {accumulation:,} batches accumulated" if accumulation > 1 else ""
    rate = cycle.last_rate(epochs * steps)
    yield BATCHES_AS_STEPS.finding(
        f"steps_per_epoch is {batches:,}; {' '.join(filter(None, (accumulated, shared)))}, {batches:,} batches make "
        f"{count(steps, 'step')}, and the run would cover {proportion(epochs * steps, cycle.total)} of the cycle"
        + (f" and end at a learning rate of {rate}" if rate else ""),
        f"set total_steps to {epochs * steps} instead of steps_per_epoch if {batches} counts batches",
        "steps_per_epoch",
    )


def _overrun(cycle: Cycle, made: int, unit: str) -> str:
    """Return what happens to a run that is longer than its cycle."""
    convention = convention_of(cycle.settings)
    if not convention.raises_past_end:
        return f"the last {count(made - cycle.total, unit)} of the run come after the cycle's end"
    when = f"at step {cycle.total:,}" if unit == "step" else f"after {cycle.total + 1:,} epochs"
    return f"{convention.framework} raises ValueError {when}"


def check_interval(context: TrainingContext) -> Iterator[Finding]:
    """Check that a Lightning interval is one of the two words Lightning knows."""
    stated = context.interval
    if stated is None or stated.path.rpartition(".")[2] != "interval" or stated.value in ("step", "epoch"):
        return
    # Other programs have their own words under this key, such as batch: only a near miss is a typing error.
    for meant in get_close_matches(stated.value[:60].lower(), ("step", "epoch"), 1, 0.7):
        message = f"interval is {stated.value!r}: Lightning accepts only step or epoch, and fails to start"
        found = INTERVAL.finding(message, f"write interval: {meant}", key=stated.path)
        yield replace(found, fix=Fix(stated.value, meant)) if context.unit else found


def _epoch_as_trained(settings: Settings, context: TrainingContext) -> DerivedEpoch | None:
    """Return an epoch derived from the trainer's numbers; None if they do not give it, or give what the settings do."""
    stated = {setting: _known(getattr(context, attribute)) for setting, attribute in DATA.items()}
    update: dict[str, Any] = {setting: value for setting, value in stated.items() if value is not None}
    derived, own = epoch_from_data(replace(settings, **update)), epoch_from_data(settings)
    return derived if derived is not None and 1 <= derived.steps != (own and own.steps) else None


def _known(stated: ConfigValue[int] | None) -> int | None:
    """Return a number if it can be a count; trainers write -1 for no limit."""
    return stated.value if stated is not None and 1 <= stated.value <= MOST_STEPS else None
