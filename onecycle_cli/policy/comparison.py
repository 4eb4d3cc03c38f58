"""Two schedules compared: the first step that differs, the largest difference, and the settings that differ.

A step that only one of the two trains, and a group or momentum that only one of them has, differ too. Parameter groups
are paired by name if both have the same names, else by position.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import format_number
from onecycle_cli.policy.summary import MOST_COMPARED, edge_steps, steps_between, summarize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.policy.plan import Plan, Segment
    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.policy.settings import Settings

Field: TypeAlias = 'Literal["lr", "momentum"]'
Slot: TypeAlias = tuple[str, int | None, int | None]
"""A parameter group's name, and its number in the reference and in the other schedule; None if it is missing there."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that differs: the reference's and the other's, None for one that has no value there."""

    step: int
    field: Field
    group: str
    values: tuple[float | None, float | None]

    @property
    def shows(self) -> bool:
        """Whether the two are written differently to six digits."""
        one, other = (None if value is None else format_number(value) for value in self.values)
        return one != other


@dataclass(frozen=True, slots=True)
class Largest:
    """The largest difference of a quantity: its first step, its size, and that as a share of the reference's peak."""

    step: int
    group: str
    absolute: float
    relative: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a comparison: None if nothing differs by more than the tolerance (`first`), or at all.

    `visible` is the first difference that shows where values are written to six digits; None where there is none, or
    only that of rounding. `sampled` if the cycles are so long that only a dense sample of their steps was compared.
    """

    first: Difference | None
    visible: Difference | None
    lr: Largest | None
    momentum: Largest | None
    sampled: bool


@dataclass(slots=True)
class Track:
    """One quantity of one parameter group, followed through two schedules; differences are shares of `peak`."""

    field: Field
    group: str
    curves: tuple[Callable[[Any], Any], Callable[[Any], Any]]
    peak: float
    first: Difference | None = None
    visible: Difference | None = None
    step: int = 0
    absolute: float = -1.0

    def follow(self, steps: NDArray[np.int64], allowed: float = 0.0) -> None:
        """Compare at more steps, later than all before; `allowed` is the share of the peak that counts as equal."""
        import numpy as np

        with np.errstate(all="ignore"):
            values = [curve(steps) for curve in self.curves]
            gap = np.abs(values[1] - values[0])
        if not np.isfinite(gap).all():
            step = int(steps[np.isfinite(gap).argmin()])
            raise OnecycleError(
                f"{self.field} at step {step:,} is not a finite number", "compare plans that can be run"
            )
        at = int(gap.argmax())
        if gap[at] > self.absolute:
            self.step, self.absolute = int(steps[at]), float(gap[at])
        over = np.flatnonzero(gap > allowed * self.peak)
        if not len(over):
            return
        if self.first is None:
            self.first = self._difference(steps, values, over[0])
        if self.visible is None:
            rows = over[_may_show(values[0][over], values[1][over])]
            found = (self._difference(steps, values, row) for row in rows)
            self.visible = next((each for each in found if each.shows), None)

    def _difference(self, steps: NDArray[np.int64], values: Sequence[FloatArray], row: int) -> Difference:
        return Difference(int(steps[row]), self.field, self.group, (float(values[0][row]), float(values[1][row])))

    @property
    def largest(self) -> Largest:
        """The largest difference so far; 0 if there is none."""
        absolute = max(self.absolute, 0.0)
        return Largest(self.step, self.group, absolute, absolute / self.peak if absolute else 0.0)


def compare(reference: Schedule, other: Schedule, tolerance: float = 0.0, *, momentum: bool = True) -> Outcome:
    """Compare a schedule with a reference over the steps that both train.

    Args:
        reference: the schedule to compare with.
        other: the schedule that is compared.
        tolerance: the share of the reference's peak (of learning rate, or of momentum) that counts as equal.
        momentum: whether momentum is compared too.

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
    missing = list(_missing(reference, other, slots, fields))
    found = [track.first for track in tracks if track.first] + missing
    visible = [track.visible for track in tracks if track.visible] + missing
    largest: dict[Field, Largest | None] = {}
    for field in fields:
        sizes = [track.largest for track in tracks if track.field == field and track.absolute > 0]
        largest[field] = max(sizes, key=lambda size: size.relative, default=None)
    return Outcome(
        min(found, key=lambda difference: difference.step, default=None),
        min(visible, key=lambda difference: difference.step, default=None),
        largest["lr"],
        largest.get("momentum"),
        (stop - first) * len(slots) > MOST_COMPARED,
    )


def _may_show(one: FloatArray, other: FloatArray) -> NDArray[np.bool_]:
    """Return where two arrays may look different to six digits: everywhere where they do, and rarely elsewhere."""
    import numpy as np

    smaller = np.minimum(np.abs(one), np.abs(other))
    with np.errstate(all="ignore"):
        unit = 10.0 ** (5 - np.floor(np.log10(smaller)))  # infinite where one of them is 0
        same = np.rint(one * unit) == np.rint(other * unit)
    found: NDArray[np.bool_] = ~same
    return found


def lr_peak(schedule: Schedule, group: int) -> float:
    """Return a group's highest learning rate, by which differences are measured."""
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
        rates = partial(reference.lr, group=here), partial(other.lr, group=there)
        yield Track("lr", name, rates, lr_peak(reference, here))
        if reference.cycles_momentum and other.cycles_momentum:
            group = reference.plan.groups[here]
            momenta = partial(reference.momentum, group=here), partial(other.momentum, group=there)
            yield Track("momentum", name, momenta, max(group.max_momentum, group.base_momentum) or 1.0)


def _missing(
    reference: Schedule, other: Schedule, slots: list[Slot], fields: tuple[Field, ...]
) -> Iterator[Difference]:
    """Return the first value of each kind that one of the two has and the other does not."""
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


def in_effect(settings: Settings, plan: Plan) -> dict[str, Any]:
    """Return every setting that has an effect on the curve, with its value; None for what the plan does not have."""
    convention, cycles = plan.convention, plan.cycle_momentum
    return {
        "convention": convention.name,
        "optimizer": settings.optimizer,
        "groups": [group.name for group in plan.groups],
        "max_lr": _once([group.max_lr for group in plan.groups]),
        "div_factor": plan.div_factor,
        "final_div_factor": plan.final_div_factor if plan.final_lr is None else None,
        "final_lr": plan.final_lr,
        "total_steps": plan.total_steps,
        "steps_per_epoch": plan.length.steps_per_epoch,
        "pct_start": None if plan.stepsize is not None else plan.pct_start,
        "pct_final": plan.pct_final if convention.supports("pct_final") else None,
        "stepsize": plan.stepsize if convention.supports("stepsize") else None,
        "anneal_strategy": plan.anneal_strategy,
        "three_phase": plan.three_phase,
        "cycle_momentum": cycles if convention.supports("cycle_momentum") else None,
        "base_momentum": _once([group.base_momentum for group in plan.groups]) if cycles else None,
        "max_momentum": _once([group.max_momentum for group in plan.groups]) if cycles else None,
        "final_momentum": _once([group.final_momentum for group in plan.groups]) if cycles else None,
        "last_epoch": plan.first_step - 1,
        "then": [_words(segment) for segment in plan.then] or None,
    }


def comparable(settings: Sequence[dict[str, Any]], schedules: Sequence[Schedule]) -> list[dict[str, Any]]:
    """Return the settings in effect of several plans so that values beside each other mean the same.

    If the plans' conventions divide different rates by final_div_factor, or have final_lr in its place, all plans
    have the rate that their curve ends at as final_lr.
    """
    plans = [schedule.plan for schedule in schedules]
    if len({(plan.convention.final_divides_peak, plan.final_lr is not None) for plan in plans}) == 1:
        return list(settings)
    found = []
    for own, schedule in zip(settings, schedules, strict=True):
        end = _once([ramp.end for ramp in schedule.phases[-1].lr])
        found.append(own | {"final_div_factor": None, "final_lr": end})
    return found


def differing(reference: dict[str, Any], other: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return each setting in which two plans differ, with the reference's value and the other's.

    Steps per epoch count if both plans know them, and momenta if both cycle momentum.
    """
    both = {"steps_per_epoch", "base_momentum", "max_momentum", "final_momentum"}
    pairs = {setting: (value, other[setting]) for setting, value in reference.items()}
    if pairs["final_momentum"] == pairs["max_momentum"]:
        del pairs["final_momentum"]  # fastai's third momentum is max_momentum unless given: it repeats that difference
    return {
        setting: pair
        for setting, pair in pairs.items()
        if pair[0] != pair[1] and not (setting in both and None in pair)
    }


def _words(segment: Segment) -> str:
    """Return a segment in few words: anneal 400–1499, cycle 1000–1499 to 0.05."""
    peak = f" to {format_number(max(segment.max_lr))}" if segment.max_lr else ""
    final = "" if segment.final_lr is None else f", then {format_number(segment.final_lr)}"
    return f"{segment.shape} {segment.first_step}–{segment.stop - 1}{peak}{final}"


def _once(values: Iterable[float]) -> float | list[float]:
    """Return one number if all are the same."""
    found = list(values)
    return found[0] if len(set(found)) == 1 else found
