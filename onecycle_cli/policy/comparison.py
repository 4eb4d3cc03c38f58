"""Two schedules held against each other: the first step that differs, the largest difference, and the telling numbers.

A step that only one of the two trains, a group or a momentum that only one of them has, differs too. Parameter groups
are paired by name where both have the same names, else by position.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from onecycle_cli.errors import OnecycleError
from onecycle_cli.policy.stepping import MOST_COMPARED, steps_between
from onecycle_cli.policy.summary import edge_steps, summarize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.policy.schedule import Schedule

Field: TypeAlias = 'Literal["lr", "momentum"]'
Slot: TypeAlias = tuple[str, int | None, int | None]
"""A parameter group's name, and its number in the reference and in the other schedule; None where it has none."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that differs: the reference's and the other's, None for one that has none there."""

    step: int
    field: Field
    group: str
    values: tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Largest:
    """The largest difference of a quantity: its first step, its size, and that as a share of the reference's peak."""

    step: int
    group: str
    absolute: float
    relative: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a comparison found: None where nothing differs by more than was allowed (`first`) or at all.

    `sampled` where the cycles are so long that only a dense sample of their steps was compared.
    """

    first: Difference | None
    lr: Largest | None
    momentum: Largest | None
    sampled: bool


class Track:
    """One quantity of one parameter group, followed through two schedules."""

    def __init__(
        self, field: Field, group: str, curves: tuple[Callable[[Any], Any], Callable[[Any], Any]], peak: float
    ) -> None:
        """Take the reference's curve and the other's; differences are shares of the reference's peak."""
        self.field, self.group, self.curves, self.peak = field, group, curves, peak
        self.first: Difference | None = None
        self.step, self.absolute = 0, -1.0

    def follow(self, steps: NDArray[np.int64], allowed: float = 0.0) -> None:
        """Compare at more steps, later than all before; `allowed` is the share of the peak that counts as equal."""
        import numpy as np

        values = [curve(steps) for curve in self.curves]
        with np.errstate(all="ignore"):
            gap = np.abs(values[1] - values[0])
        if not np.isfinite(gap).all():
            step = int(steps[np.isfinite(gap).argmin()])
            raise OnecycleError(f"{self.field} at step {step:,} is no finite number", "compare plans that can be run")
        at = int(gap.argmax())
        if gap[at] > self.absolute:
            self.step, self.absolute = int(steps[at]), float(gap[at])
        over = gap > allowed * self.peak
        if self.first is None and over.any():
            at = int(over.argmax())
            pair = (float(values[0][at]), float(values[1][at]))
            self.first = Difference(int(steps[at]), self.field, self.group, pair)

    @property
    def largest(self) -> Largest:
        """The largest difference so far; of 0 where there is none."""
        absolute = max(self.absolute, 0.0)
        return Largest(self.step, self.group, absolute, absolute / self.peak if absolute else 0.0)


def compare(reference: Schedule, other: Schedule, tolerance: float = 0.0, *, momentum: bool = True) -> Outcome:
    """Compare a schedule with a reference over the steps that both train.

    Args:
        reference: the schedule to be held to.
        other: the schedule that is held to it.
        tolerance: the share of the reference's peak (of learning rate, or of momentum) that counts as equal.
        momentum: whether momentum is compared; it says nothing against a framework whose scheduler has none.

    Raises:
        OnecycleError: a value is not finite.
    """
    slots = _pair_groups(reference, other)
    fields: tuple[Field, ...] = ("lr", "momentum") if momentum else ("lr",)
    tracks = [track for track in _tracks(reference, other, slots) if track.field in fields]
    first, stop = max(reference.first_step, other.first_step), min(reference.total_steps, other.total_steps)
    edges = [*edge_steps(reference), *edge_steps(other)]
    for steps in steps_between(first, stop, edges, len(slots), MOST_COMPARED):
        for track in tracks:
            track.follow(steps, tolerance)
    found = [track.first for track in tracks if track.first] + list(_missing(reference, other, slots, fields))
    largest: dict[Field, Largest | None] = {}
    for field in fields:
        sizes = [track.largest for track in tracks if track.field == field and track.absolute > 0]
        largest[field] = max(sizes, key=lambda each: each.relative, default=None)
    return Outcome(
        min(found, key=lambda each: each.step, default=None),
        largest["lr"],
        largest.get("momentum"),
        (stop - first) * len(slots) > MOST_COMPARED,
    )


def lr_peak(schedule: Schedule, group: int) -> float:
    """Give a group's highest learning rate, by which differences are measured."""
    return summarize(schedule, group).peak_lr or schedule.plan.groups[group].max_lr


def _pair_groups(reference: Schedule, other: Schedule) -> list[Slot]:
    if set(reference.groups) == set(other.groups):
        return [(name, at, other.groups.index(name)) for at, name in enumerate(reference.groups)]
    pairs = zip_longest(enumerate(reference.groups), enumerate(other.groups), fillvalue=(None, ""))
    return [(name or elsewhere, here, there) for (here, name), (there, elsewhere) in pairs]


def _tracks(reference: Schedule, other: Schedule, slots: list[Slot]) -> Iterator[Track]:
    for name, here, there in slots:
        if here is None or there is None:
            continue
        yield Track("lr", name, (_of(reference.lr, here), _of(other.lr, there)), lr_peak(reference, here))
        if reference.cycles_momentum and other.cycles_momentum:
            group = reference.plan.groups[here]
            peak = max(group.max_momentum, group.base_momentum) or 1.0
            yield Track("momentum", name, (_of(reference.momentum, here), _of(other.momentum, there)), peak)


def _of(curve: Callable[[Any, int], Any], group: int) -> Callable[[Any], Any]:
    return lambda steps: curve(steps, group)


def _missing(
    reference: Schedule, other: Schedule, slots: list[Slot], fields: tuple[Field, ...]
) -> Iterator[Difference]:
    """Find the first value of each kind that one of the two has and the other has not."""
    firsts, totals = (reference.first_step, other.first_step), (reference.total_steps, other.total_steps)
    for step in sorted({*firsts, min(totals)}):
        for name, here, there in slots:
            for field in fields:
                values = (_value(reference, field, step, here), _value(other, field, step, there))
                if (values[0] is None) != (values[1] is None):
                    yield Difference(step, field, name, values)
                    return


def _value(schedule: Schedule, field: Field, step: int, group: int | None) -> float | None:
    if group is None or not schedule.first_step <= step < schedule.total_steps:
        return None
    value = schedule.lr(step, group) if field == "lr" else schedule.momentum(step, group)
    return value if value is None or math.isfinite(value) else None
