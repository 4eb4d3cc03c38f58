"""A plan: settings in which every number is known, ready for a convention to draw the curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from onecycle_cli.policy.conventions import convention_of
from onecycle_cli.policy.settings import MOST_GROUPS

if TYPE_CHECKING:
    from onecycle_cli.policy.conventions.base import Convention, Defaults
    from onecycle_cli.policy.length import Length
    from onecycle_cli.policy.settings import Settings

T = TypeVar("T")
PerGroup: TypeAlias = float | tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """One parameter group: its name, its peak, and the momenta it moves between."""

    name: str
    max_lr: float
    base_momentum: float
    max_momentum: float
    final_momentum: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Every number of a schedule, resolved; `listed_momentum` if max_momentum was given once per group."""

    convention: Convention
    length: Length
    epochs: int
    groups: tuple[Group, ...]
    pct_start: float
    pct_final: float
    stepsize: int | None
    anneal_strategy: str
    three_phase: bool
    cycle_momentum: bool
    listed_momentum: bool
    div_factor: float
    final_div_factor: float
    final_lr: float | None
    first_step: int

    @property
    def total_steps(self) -> int:
        """Steps of the cycle, whichever way its length was given."""
        return self.length.total_steps


def make_plan(settings: Settings, length: Length) -> Plan:
    """Fill in the convention's defaults; lists must already agree (`check_groups` says whether they do)."""
    convention = convention_of(settings)
    defaults = convention.defaults
    return Plan(
        convention=convention,
        length=length,
        groups=_groups(settings, defaults),
        epochs=settings.epochs or 1,
        pct_start=_either(settings.pct_start, defaults.pct_start),
        pct_final=_either(settings.pct_final, defaults.pct_final),
        stepsize=settings.stepsize,
        anneal_strategy=settings.anneal_strategy or defaults.anneal_strategy,
        three_phase=_either(settings.three_phase, defaults.three_phase),
        cycle_momentum=_either(settings.cycle_momentum, defaults.cycle_momentum),
        listed_momentum=isinstance(settings.max_momentum, tuple),
        div_factor=_either(settings.div_factor, defaults.div_factor),
        final_div_factor=_either(settings.final_div_factor, defaults.final_div_factor),
        final_lr=defaults.final_lr if settings.final_lr is None else settings.final_lr,
        first_step=_either(settings.last_epoch, -1) + 1,
    )


def group_names(settings: Settings) -> tuple[str, ...]:
    """Name the parameter groups: as given, else by number. The longest list tells how many there are.

    More than MOST_GROUPS are cut off; that there are too many, `judge` says.
    """
    if isinstance(settings.groups, tuple):
        return settings.groups[:MOST_GROUPS]
    lists = (settings.max_lr, settings.base_momentum, settings.max_momentum)
    number = settings.groups or max(len(each) if isinstance(each, tuple) else 1 for each in lists)
    return tuple(map(str, range(min(number, MOST_GROUPS))))


def _groups(settings: Settings, defaults: Defaults) -> tuple[Group, ...]:
    names = group_names(settings)
    base = defaults.base_momentum if settings.base_momentum is None else settings.base_momentum
    top = defaults.max_momentum if settings.max_momentum is None else settings.max_momentum
    end = defaults.final_momentum if settings.final_momentum is None else settings.final_momentum
    momenta = (base, top, top if end is None else end)
    return tuple(
        Group(name, _of(settings.max_lr, at), *(_of(momentum, at) for momentum in momenta))
        for at, name in enumerate(names)
    )


def _of(value: PerGroup, group: int) -> float:
    return value[group] if isinstance(value, tuple) else value


def _either(given: T | None, default: T) -> T:
    return default if given is None else given
