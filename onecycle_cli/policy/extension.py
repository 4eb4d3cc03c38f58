"""A run that is to be longer than its plan: what happens if only the length changes, and plans that go on smoothly."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from onecycle_cli.errors import OnecycleError
from onecycle_cli.findings import Severity
from onecycle_cli.formatting import count, shorten
from onecycle_cli.policy.comparison import lr_peak
from onecycle_cli.policy.plan import plan_of
from onecycle_cli.policy.schedule import schedule_of
from onecycle_cli.policy.settings import MOST_STEPS
from onecycle_cli.policy.summary import area

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.policy.onecycle import OneCycle
    from onecycle_cli.policy.schedule import Schedule

WayName = Literal["hold", "anneal", "cycle"]
"""What may follow: the final rate, another annealing from today's rate, or a second, smaller cycle."""

WAYS: tuple[WayName, ...] = get_args(WayName)

SECOND_PEAK = 0.5
"""The second cycle's peak as a share of the first one's, as in L. N. Smith's policy triangular2 (arXiv:1506.01186)."""


@dataclass(frozen=True, slots=True)
class Move:
    """One group's values at a step, and at the last one done before it; momenta are None if momentum is not cycled.

    `peak` is the group's highest learning rate in the plan so far.
    """

    group: str
    peak: float
    lr_before: float
    lr: float
    momentum_before: float | None
    momentum: float | None

    @property
    def lr_change(self) -> float:
        """By how much the learning rate changes."""
        return self.lr - self.lr_before

    @property
    def share(self) -> float:
        """By how much the learning rate changes, as a share of the peak."""
        return self.lr_change / self.peak if self.peak else 0.0

    @property
    def momentum_change(self) -> float | None:
        """By how much momentum changes."""
        return None if self.momentum is None or self.momentum_before is None else self.momentum - self.momentum_before


@dataclass(frozen=True, slots=True)
class Way:
    """A plan that goes on smoothly.

    Attributes:
        name: what follows.
        settings: the settings of the whole run.
        schedule: their schedule.
        first_step: the first step that is not in the plan so far.
        moves: how each group's values change there.
        areas_ahead: each group's sum of the learning rates still to come.
        notes: what is good to know of it.
    """

    name: WayName
    settings: OneCycle
    schedule: Schedule
    first_step: int
    moves: tuple[Move, ...]
    areas_ahead: tuple[float, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Extension:
    """What a plan of another length does at a step.

    Attributes:
        at: the step at which the run goes on, as many as are done.
        total_steps: steps of the run in its new length.
        schedule: the plan so far.
        today: each group's values in the last step that is done, as in the next one of the plan so far.
        restored: each group's values in the last step of a run with the restored length, as its scheduler sets them;
            empty where the framework does not restore the length.
        stretched: the schedule of the new length; None if there is none.
        jumps: how each group's values change where the run goes on with it.
        ways: plans that go on smoothly.
        impossible: why the other ways are none.
    """

    at: int
    total_steps: int
    schedule: Schedule
    today: tuple[Move, ...]
    restored: tuple[Move, ...]
    stretched: Schedule | None
    jumps: tuple[Move, ...]
    ways: tuple[Way, ...]
    impossible: tuple[str, ...]

    @property
    def last_restored_step(self) -> int:
        """The last step that a run with the restored length trains: past the old end, the scheduler raises."""
        return min(self.schedule.total_steps, self.total_steps - 1)


def extend(
    settings: OneCycle, schedule: Schedule, at: int, total_steps: int, second_peak: float | None = None
) -> Extension:
    """Return what a run does that is extended (or shortened) to another length after `at` steps.

    Args:
        settings: the settings of the plan so far.
        schedule: its schedule.
        at: the steps that are done.
        total_steps: the steps of the run in its new length.
        second_peak: the peak of a second cycle; by default half of the first one's, in each group.

    Raises:
        OnecycleError: the run cannot go on at this step, or to this length.
    """
    planned = schedule.total_steps
    if at < 1:
        raise OnecycleError(
            f"at step {at:,} nothing is trained yet", "plan the new length itself, or give a later step"
        )
    if at > planned:
        message = f"step {at:,} is past the end: the plan has {count(planned, 'step')}"
        raise OnecycleError(message, f"give a step from 1 to {planned}")
    if total_steps <= at:
        message = f"a run of {count(total_steps, 'step')} ends before step {at:,}, at which it is to go on"
        raise OnecycleError(message, f"give a length of more than {count(at, 'step')}")
    if total_steps > MOST_STEPS:
        message = f"a run of {total_steps:,} steps is too long: at most {MOST_STEPS:,} can be counted in float64"
        raise OnecycleError(shorten(message, 200), "give the steps of the whole run, such as 1500")
    if total_steps == planned:
        message = f"the plan has {count(planned, 'step')} already"
        raise OnecycleError(message, "give the length that the run is to have in all")
    convention = schedule.plan.convention
    if not convention.supports("then"):
        message = f"{convention.name} has no segments after the cycle: {convention.unsupported['then']}"
        raise OnecycleError(message, "choose another convention")
    plain = not schedule.plan.then
    stretched = _stretched(settings, schedule, total_steps) if plain else None
    ways, impossible = [], []
    for name in WAYS:
        found = _way(name, settings, schedule, at, total_steps, second_peak)
        if isinstance(found, Way):
            ways.append(found)
        else:
            impossible.append(f"{name} is not possible: {found}")
    return Extension(
        at,
        total_steps,
        schedule,
        _moves(schedule, schedule, min(at, planned - 1), at - 1),
        tuple(_restored(schedule, total_steps)) if plain and convention.restores_length else (),
        stretched,
        () if stretched is None else _moves(schedule, stretched, at, at - 1),
        tuple(ways),
        tuple(impossible),
    )


def _stretched(settings: OneCycle, schedule: Schedule, total_steps: int) -> Schedule | None:
    """Return the schedule that the settings make with another length."""
    per_epoch = schedule.steps_per_epoch
    epochs = total_steps // per_epoch if per_epoch and total_steps % per_epoch == 0 else None
    longer = replace(
        settings, total_steps=total_steps, epochs=epochs, samples=None, tokens=None, steps_per_epoch=per_epoch
    )
    return schedule_of(plan_of(replace(longer, last_epoch=None)))


def _way(
    name: WayName, settings: OneCycle, schedule: Schedule, at: int, total_steps: int, second_peak: float | None
) -> Way | str:
    """Return a plan that goes on in a way, or why there is none."""
    planned = schedule.total_steps
    if name != "anneal" and total_steps < planned:
        return f"the plan's {count(planned, 'step')} do not fit in {total_steps:,}"
    first, groups = at if name == "anneal" else planned, range(len(schedule.groups))
    if name == "anneal" and all(schedule.lr(at - 1, group) <= schedule.lr(planned - 1, group) for group in groups):
        return f"step {at - 1:,} has the final rate already"
    segment: dict[str, Any] = {"shape": name, "from": first, "total_steps": total_steps}
    if name == "cycle":
        peaks = [group.max_lr * SECOND_PEAK if second_peak is None else second_peak for group in schedule.plan.groups]
        segment["max_lr"] = peaks[0] if len(set(peaks)) == 1 else tuple(peaks)
        rise = schedule.plan.pct_start * (total_steps - first)
        if rise < 1:
            words = f"pct_start × its {count(total_steps - first, 'step')} = {rise:.3g}, below 1"
            return f"{words}: no steps come before its peak"
    kept = [
        given for given, part in zip(settings.then or (), schedule.plan.then, strict=True) if part.first_step < first
    ]
    longer = replace(settings, last_epoch=None, then=(*kept, segment))
    findings = [finding for finding in longer.findings() if finding.setting == "then"]
    if errors := [finding.message for finding in findings if finding.severity is Severity.ERROR]:
        return errors[0]
    whole = longer.schedule(strict=False)
    return Way(
        name,
        longer,
        whole,
        first,
        _moves(schedule, whole, first, first - 1),
        tuple(area(whole, group, at) for group in groups),
        tuple(finding.message for finding in findings),
    )


def _moves(before: Schedule, after: Schedule, step: int, last: int) -> tuple[Move, ...]:
    """Return each group's values at the last step of one schedule, and at a step of another."""
    return tuple(
        Move(
            name,
            lr_peak(before, group),
            before.lr(last, group),
            after.lr(step, group),
            before.momentum(last, group),
            after.momentum(step, group),
        )
        for group, name in enumerate(before.groups)
    )


def _restored(schedule: Schedule, total_steps: int) -> Iterator[Move]:
    """Yield each group's values in the last step of a longer or shorter run whose scheduler keeps its length.

    In the step after its end, the formula of its last phase goes on.
    """
    step, ends = min(schedule.total_steps, total_steps - 1), schedule.phases[-1]
    for group, name in enumerate(schedule.groups):
        before = schedule.lr(step - 1, group), schedule.momentum(step - 1, group)
        if step < schedule.total_steps:
            values = schedule.lr(step, group), schedule.momentum(step, group)
        else:
            momentum = ends.momentum[group].at(float(step), math.cos) if ends.momentum else None
            values = ends.lr[group].at(float(step), math.cos), momentum
        yield Move(name, lr_peak(schedule, group), before[0], values[0], before[1], values[1])
