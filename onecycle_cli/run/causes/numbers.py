"""A number of the plan was another in the run: a rate, a factor or a momentum, which the values follow linearly."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from onecycle_cli.formatting import format_number
from onecycle_cli.run.causes.hypothesis import Case, Hypothesis, follows
from onecycle_cli.run.causes.solving import Interval, solve_linear

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from onecycle_cli.policy.plan import Group
    from onecycle_cli.policy.schedule import Schedule

PASSES = 3
"""How often a solution is refined from where the last one lay."""


def wrong_max_lr(case: Case) -> Iterator[Hypothesis]:
    """Suppose another peak, in each parameter group by itself."""
    yield from _wrong_in_groups(case, "max_lr", "lr")


def wrong_momentum(case: Case) -> Iterator[Hypothesis]:
    """Suppose another base_momentum or max_momentum."""
    if case.schedule.cycles_momentum:
        yield from _wrong_in_groups(case, "base_momentum", "momentum")
        yield from _wrong_in_groups(case, "max_momentum", "momentum")


def wrong_div_factor(case: Case) -> Iterator[Hypothesis]:
    """Suppose another div_factor: the values depend linearly on its inverse."""
    yield from _wrong_factor(case, "div_factor")


def wrong_final(case: Case) -> Iterator[Hypothesis]:
    """Suppose another final_div_factor, or another final_lr where the plan has that."""
    plan = case.schedule.plan
    if plan.final_lr is None:
        yield from _wrong_factor(case, "final_div_factor")
        return
    found = _solve(case, case.sample.rates, lambda value: case.variant(final_lr=value), plan.final_lr or 1e-6)
    if found and found.high > 0:
        yield from _wrong(case, {"final_lr": found.roundest()})


def _wrong_factor(case: Case, setting: str) -> Iterator[Hypothesis]:
    def build(inverse: float) -> Schedule | None:
        return case.variant(**{setting: 1 / inverse}) if inverse > 0 else None

    found = _solve(case, case.sample.rates, build, 1 / getattr(case.schedule.plan, setting))
    if found and found.low > 0:
        yield from _wrong(case, {setting: found.inverted().roundest()})


def _wrong_in_groups(case: Case, setting: str, field: str) -> Iterator[Hypothesis]:
    """Solve for a number that each group has for itself; groups that the log says nothing of keep theirs."""
    groups, implied = case.schedule.plan.groups, []
    for at, group in enumerate(groups):
        planned: float = getattr(group, setting)
        columns = [
            column for column, track in enumerate(case.sample.tracks) if (track.group, track.field) == (at, field)
        ]
        found = _solve(case, columns, _one_group(case, setting, at), planned or 0.5) if columns else None
        keeps = found is None or found.low <= planned <= found.high
        implied.append(planned if keeps or found is None else found.roundest())
    if implied != [getattr(group, setting) for group in groups]:
        changed = tuple(_changed(group, setting, value) for group, value in zip(groups, implied, strict=True))
        shown: Any = implied[0] if len(implied) == 1 else implied
        yield from _wrong(case, {"groups": changed}, {setting: shown})


def _one_group(case: Case, setting: str, at: int) -> Callable[[float], Schedule | None]:
    groups = case.schedule.plan.groups

    def build(value: float) -> Schedule | None:
        changed = _changed(groups[at], setting, value)
        return case.variant(groups=(*groups[:at], changed, *groups[at + 1 :]))

    return build


def _changed(group: Group, setting: str, value: float) -> Group:
    changes: dict[str, Any] = {setting: value}
    return dataclasses.replace(group, **changes)


def _wrong(case: Case, changes: dict[str, Any], named: dict[str, Any] | None = None) -> Iterator[Hypothesis]:
    schedule = case.variant(**changes)
    if schedule is None:
        return
    setting, implied = next(iter((named or changes).items()))
    planned = planned_value(case, setting)
    yield Hypothesis(
        f"wrong-{setting}",
        f"the run's {setting} was {shown(implied)}, the plan says {shown(planned)}{_ratio(implied, planned)}",
        f"set {setting} to {shown(planned)} in the run, or to {shown(implied)} in the plan",
        follows(case, schedule),
    )


def planned_value(case: Case, setting: str) -> Any:
    """Give a setting's value in the plan, one a group where they differ."""
    plan = case.schedule.plan
    if hasattr(plan, setting):
        return getattr(plan, setting)
    values = [getattr(group, setting) for group in plan.groups]
    return values[0] if len(values) == 1 else values


def shown(value: Any) -> str:
    """Write a setting's value, or a list of them."""
    if isinstance(value, list):
        return f"[{', '.join(map(shown, value))}]"
    return f"{value:,}" if isinstance(value, int) else f"{value:.10g}"


def _ratio(implied: Any, planned: Any) -> str:
    if isinstance(planned, list) or not planned or not implied:
        return ""
    ratio = implied / planned
    if ratio >= 2:
        return f": {format_number(ratio)} times as much"
    return f": 1 / {format_number(1 / ratio)} of it" if ratio <= 0.5 else ""


def _solve(case: Case, columns: list[int], build: Callable[[float], Schedule | None], near: float) -> Interval | None:
    """Solve, and again from where the solution lay: far from it, rounding blurs the slope."""
    found = None
    for _ in range(PASSES):
        better = solve_linear(case.sample, columns, build, near, near)
        if better is None or not better.middle > 0:
            break
        found, near = better, better.middle
    return found
