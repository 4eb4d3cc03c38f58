"""A plan: settings in which every number is known, its length first, ready for a convention to draw the curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from onecycle_cli.formatting import count
from onecycle_cli.policy.conventions import convention_of
from onecycle_cli.policy.settings import MOST_GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.policy.conventions.base import Convention
    from onecycle_cli.policy.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Length:
    """A cycle's length in steps (optimizer updates), the settings it came from, and the arithmetic in words."""

    total_steps: int
    steps_per_epoch: int | None
    came_from: str
    sum: str

    @property
    def is_in_epochs(self) -> bool:
        """Whether it is a number of epochs times the steps of one."""
        return self.came_from.startswith("epochs")


@dataclass(frozen=True, slots=True)
class DerivedEpoch:
    """Batches and steps in an epoch as derived from the data settings, with the arithmetic in words."""

    batches: int
    steps: int
    sum: str


@dataclass(frozen=True, slots=True)
class Group:
    """One parameter group: its name, its peak, and the momenta it moves between."""

    name: str
    max_lr: float
    base_momentum: float
    max_momentum: float
    final_momentum: float


@dataclass(frozen=True, slots=True)
class Segment:
    """What follows the cycle, or what comes before it, from a step on.

    Attributes:
        shape: one of SHAPES.
        first_step: its first step.
        stop: the step before which it ends.
        max_lr: each group's peak; empty unless it is a cycle.
        pct_start: the fraction of a cycle that warms up.
        final_lr: where it ends; None for the cycle's final rate.
    """

    shape: str
    first_step: int
    stop: int
    max_lr: tuple[float, ...]
    pct_start: float
    final_lr: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Every number of a schedule, resolved; `listed_momentum` if max_momentum was given once per group.

    `then` is what follows the cycle.
    """

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
    then: tuple[Segment, ...] = ()

    @property
    def total_steps(self) -> int:
        """Steps of the cycle, however its length was given."""
        return self.length.total_steps

    @property
    def stop(self) -> int:
        """Steps of the whole run: of the cycle, or until the last segment after it ends."""
        return self.then[-1].stop if self.then else self.total_steps


def find_length(settings: Settings) -> Length | None:
    """Return the length by the most direct of the settings that give one, as `find_lengths` orders them.

    Returns None if the settings do not give it, or give a cycle without steps.
    """
    found = next(find_lengths(settings), None)
    return found if found is not None and found.total_steps >= 1 else None


def find_lengths(settings: Settings) -> Iterator[Length]:
    """Find every length that the settings give: total_steps, epochs × steps_per_epoch, samples, tokens.

    Without steps_per_epoch, the data settings give it.
    """
    derived = epoch_from_data(settings)
    per_epoch = settings.steps_per_epoch or (derived.steps if derived else None)
    if per_epoch == 0:
        per_epoch = None  # drop_last has dropped the only batch: nothing may divide by such an epoch
    if settings.total_steps is not None:
        yield Length(settings.total_steps, per_epoch, "total_steps", "total_steps as given")
    if settings.epochs is not None and per_epoch is not None:
        by_hand = settings.steps_per_epoch is not None or derived is None
        yield Length(
            settings.epochs * per_epoch,
            per_epoch,
            "epochs*steps_per_epoch" if by_hand else "epochs*dataset_size",
            f"{count(settings.epochs, 'epoch')} × {count(per_epoch, 'step')} per epoch"
            + ("" if by_hand or derived is None else f" ({derived.sum})"),
        )
    per_step = samples_per_step(settings)
    if settings.samples is not None and per_step is not None:
        yield _length_of_stream(settings.samples, "samples", per_step, per_epoch, down=bool(settings.drop_last))
    if settings.tokens is not None and settings.tokens_per_step is not None and settings.tokens_per_step >= 1:
        yield _length_of_stream(settings.tokens, "tokens", settings.tokens_per_step, per_epoch)


def samples_per_step(settings: Settings) -> int | None:
    """Return the samples that one step sees, in all processes; None without batch_size, or with a count below 1."""
    batch, accumulation, world = settings.batch_size, settings.gradient_accumulation or 1, settings.world_size or 1
    return None if batch is None or min(batch, accumulation, world) < 1 else batch * accumulation * world


def _length_of_stream(given: int, unit: str, per_step: int, per_epoch: int | None, *, down: bool = False) -> Length:
    """Return the length of a run over so many samples or tokens; an incomplete last step counts unless dropped."""
    steps = given // per_step if down else -(-given // per_step)
    rounded = (" (rounded down)" if down else " (rounded up)") if given % per_step else ""
    return Length(steps, per_epoch, unit, f"{given:,} {unit} / {per_step:,} per step{rounded}")


def epoch_from_data(settings: Settings) -> DerivedEpoch | None:
    """Return the steps of an epoch, derived from a rank's share of the data, its batches, and the updates they make.

    The last batch counts unless it is dropped, and a last, incomplete accumulation counts as a step.
    """
    if settings.dataset_size is None or settings.batch_size is None:
        return None
    world, accumulation = settings.world_size or 1, settings.gradient_accumulation or 1
    if min(world, accumulation, settings.batch_size) < 1:
        return None
    share = -(-settings.dataset_size // world)
    batches = share // settings.batch_size if settings.drop_last else -(-share // settings.batch_size)
    words = [f"{settings.dataset_size:,} samples"]
    if world > 1:
        words.append(f"/ {world:,} processes = {share:,}")
    words.append(f"/ batches of {settings.batch_size:,} = {batches:,}")
    if share % settings.batch_size:
        words.append("(rounded down)" if settings.drop_last else "(rounded up)")
    steps = -(-batches // accumulation)
    if accumulation > 1:
        words.append(f"/ {accumulation:,} accumulated = {steps:,}")
    return DerivedEpoch(batches, steps, " ".join(words))


def plan_of(settings: Settings) -> Plan | None:
    """Return the plan that settings make, or None if they have no length."""
    length = find_length(settings)
    return None if length is None else make_plan(settings, length)


def make_plan(settings: Settings, length: Length) -> Plan:
    """Fill in the convention's defaults; lists must already agree (`check_groups` says whether they do)."""
    convention = convention_of(settings)
    defaults = convention.defaults
    base = defaults.base_momentum if settings.base_momentum is None else settings.base_momentum
    top = defaults.max_momentum if settings.max_momentum is None else settings.max_momentum
    end = defaults.final_momentum if settings.final_momentum is None else settings.final_momentum
    by_group = (settings.max_lr, base, top, top if end is None else end)
    return Plan(
        convention=convention,
        length=length,
        groups=tuple(
            Group(name, *(value[at] if isinstance(value, tuple) else value for value in by_group))
            for at, name in enumerate(group_names(settings))
        ),
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
        then=segments_of(settings, length) if settings.then else (),
    )


def segments_of(settings: Settings, length: Length) -> tuple[Segment, ...]:
    """Return the segments after the cycle; their values must already be valid (`check_segments` says whether)."""
    found: list[Segment] = []
    pct_start = _either(settings.pct_start, convention_of(settings).defaults.pct_start)
    number = len(group_names(settings))
    for given in settings.then or ():
        peak = given.get("max_lr") or ()
        found.append(
            Segment(
                shape=given["shape"],
                first_step=_either(given.get("from"), found[-1].stop if found else length.total_steps),
                stop=given["total_steps"],
                max_lr=peak if isinstance(peak, tuple) else (peak,) * number,
                pct_start=_either(given.get("pct_start"), pct_start),
                final_lr=given.get("final_lr"),
            )
        )
    return tuple(found)


def group_names(settings: Settings) -> tuple[str, ...]:
    """Return the parameter groups' names: as given, else numbers, as many as the longest list has items.

    More than MOST_GROUPS are cut off; `check_groups` reports that there are too many.
    """
    if isinstance(settings.groups, tuple):
        return settings.groups[:MOST_GROUPS]
    lists = (settings.max_lr, settings.base_momentum, settings.max_momentum)
    number = settings.groups or max(len(value) if isinstance(value, tuple) else 1 for value in lists)
    return tuple(map(str, range(min(number, MOST_GROUPS))))


def _either(given: T | None, default: T) -> T:
    return default if given is None else given
