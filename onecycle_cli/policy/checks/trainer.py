"""A cycle and the trainer that it is held against: how often that steps, how long its epoch is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from onecycle_cli.policy.checks.groups import groups_agree
from onecycle_cli.policy.length import epoch_from_data
from onecycle_cli.policy.plan import make_plan
from onecycle_cli.policy.schedule import Schedule
from onecycle_cli.policy.settings import MOST_STEPS
from onecycle_cli.policy.summary import summarize

if TYPE_CHECKING:
    from onecycle_cli.policy.context import ConfigValue, TrainingContext
    from onecycle_cli.policy.length import DerivedEpoch, Length
    from onecycle_cli.policy.settings import Settings

BY_STEP = ("step", "batch", "iter", "iteration", "update", "steps", "batches", "iters", "iterations", "updates")
BY_EPOCH = ("epoch", "epochs")
"""The words in use for how often a scheduler is stepped."""

DATA = {
    "gradient_accumulation": "accumulation",
    "world_size": "devices",
    "dataset_size": "dataset_size",
    "batch_size": "batch_size",
}
"""Our data settings, and what they are among the surroundings."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a finding points at: a setting of the plan, or another key of the file by its dotted path."""

    setting: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Cycle:
    """The settings, the cycle's length, and its curve where one can be computed."""

    settings: Settings
    length: Length
    schedule: Schedule | None

    @property
    def total(self) -> int:
        """Steps of the cycle."""
        return self.length.total_steps

    def last_rate(self, steps: int) -> str:
        """Write the learning rate of the last of so many steps; nothing where it cannot be computed."""
        try:
            return "" if self.schedule is None else _rate(self.schedule.lr(steps - 1))
        except (ArithmeticError, ValueError, StopIteration):
            return ""

    def misses_peak(self, steps: int) -> bool:
        """Say whether so many steps end before the peak."""
        try:
            return self.schedule is not None and steps <= summarize(self.schedule, 0).peak_step
        except (ArithmeticError, ValueError, StopIteration):
            return False

    def target(self, other: ConfigValue[int] | None) -> Target:
        """Return what to point at where total_steps must change: the setting, or the value that gives the length."""
        if self.settings.total_steps is not None or other is None:
            return Target(setting="total_steps")
        return Target(key=other.path)


def stepping(around: TrainingContext) -> Literal["step", "epoch"] | None:
    """Say how often the scheduler is stepped, in whatever words that stands there."""
    if around.interval is None:
        return around.stepping
    word = around.interval.value.strip().lower()
    return "step" if word in BY_STEP else "epoch" if word in BY_EPOCH else None


def make_cycle(settings: Settings, length: Length) -> Cycle:
    """Draw the curve, so far as the settings' errors let it be drawn."""
    return Cycle(settings, length, _schedule(settings, length))


def _schedule(settings: Settings, length: Length) -> Schedule | None:
    if not groups_agree(settings):
        return None
    try:
        return Schedule(make_plan(settings, length))
    except (ArithmeticError, ValueError):
        return None


def epoch_as_trained(settings: Settings, around: TrainingContext) -> DerivedEpoch | None:
    """Derive an epoch from the trainer's numbers; None where they do not say it, or nothing but the settings."""
    stated = {setting: known(getattr(around, attribute)) for setting, attribute in DATA.items()}
    update = {setting: value for setting, value in stated.items() if value is not None}
    derived, own = epoch_from_data(settings.model_copy(update=update)), epoch_from_data(settings)
    return derived if derived is not None and 1 <= derived.steps != (own and own.steps) else None


def known(stated: ConfigValue[int] | None) -> int | None:
    """Give a number that can be reckoned with; trainers write -1 for no limit."""
    return stated.value if stated is not None and 1 <= stated.value <= MOST_STEPS else None


def _rate(rate: float) -> str:
    """Write a learning rate to three digits, without an exponent where that can be read."""
    if not 1e-7 <= rate < 1e-4:
        return f"{rate:.3g}"
    return f"{rate:.{2 - math.floor(math.log10(rate))}f}".rstrip("0")
