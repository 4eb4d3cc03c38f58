"""The run's curve has another shape: other lines, other phases, no momentum, or another framework's arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import format_number
from onecycle_cli.policy.conventions import CONVENTIONS
from onecycle_cli.policy.onecycle import OneCycle
from onecycle_cli.run.causes.hypothesis import Case, Hypothesis, first_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onecycle_cli.policy.conventions.base import Convention
    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.run.series import Floats, Samples


def other_lines(case: Case) -> Iterator[Hypothesis]:
    """Suppose that the run was linear where the plan has cosines, or the other way round."""
    planned = case.schedule.plan.anneal_strategy
    other = "linear" if planned == "cos" else "cos"
    yield from _other_shape(
        case,
        {"anneal_strategy": other},
        other,
        f"the run's anneal_strategy was {other}, the plan says {planned}",
        f"set anneal_strategy to {planned} in the run, or to {other} in the plan",
    )


def other_phases(case: Case) -> Iterator[Hypothesis]:
    """Suppose three phases in place of two, or two in place of three."""
    planned = case.schedule.plan.three_phase
    words = {True: "three phases", False: "two phases"}
    yield from _other_shape(
        case,
        {"three_phase": not planned},
        "wrong-three_phase",
        f"the run's cycle had {words[not planned]}, the plan's has {words[planned]}",
        f"set three_phase to {str(planned).lower()} in the run, or to {str(not planned).lower()} in the plan",
    )


def _other_shape(case: Case, changes: dict[str, Any], slug: str, summary: str, advice: str) -> Iterator[Hypothesis]:
    supported = all(case.schedule.plan.convention.supports(setting) for setting in changes)
    schedule = case.variant(**changes) if supported else None
    if schedule is not None:
        yield Hypothesis(slug, summary, advice, case.follows(schedule))


def momentum_still(case: Case) -> Iterator[Hypothesis]:
    """Suppose that the learning rates are right and momentum was not cycled."""
    momenta = [at for at, track in enumerate(case.sample.tracks) if track.field == "momentum"]
    if not momenta:
        return
    held = {at: first_value(case.sample.values[:, at]) for at in momenta}

    def predict(rows: Samples) -> Floats:
        values = rows.predicted(case.schedule, rows.steps)
        for at, momentum in held.items():
            values[:, at] = momentum
        return values

    yield Hypothesis(
        "no-momentum-cycle",
        f"the learning rates are right, but momentum was constant at {format_number(held[momenta[0]])}",
        "set cycle_momentum to true in the run, or to false in the plan; other schedulers than OneCycleLR do not "
        "change momentum",
        predict,
    )


def other_convention(case: Case) -> Iterator[Hypothesis]:
    """Suppose that another framework drew the curve: from the same numbers, with its own defaults, or the plan's.

    Where final_div_factor divides something else there, it may also have been set for the plan's final rate. That is
    tried last, as yet another framework may come to that rate with the plan's own number.
    """
    here, plan, given = case.schedule.plan.convention, case.schedule.plan, case.settings.given
    resolved = {setting: getattr(plan, setting) for setting in ("pct_start", "div_factor", "final_div_factor")}
    others = [convention for convention in CONVENTIONS.values() if convention.name != here.name]
    apart = [it for it in others if it.final_divides_peak != here.final_divides_peak and plan.final_lr is None]
    without = {setting: value for setting, value in given.items() if setting != "final_div_factor"}
    for convention in others:
        for settings in (given, {**resolved, **given}, *([without] if convention in apart else [])):
            yield from _drawn_by(convention, settings, case)
    for convention in apart:
        factor = plan.div_factor ** (1 if convention.final_divides_peak else -1) * plan.final_div_factor
        for settings in (given, {**resolved, **given}):
            yield from _drawn_by(convention, {**settings, "final_div_factor": factor}, case)


def _drawn_by(convention: Convention, settings: Mapping[str, Any], case: Case) -> Iterator[Hypothesis]:
    schedule, here = _drawn(convention, settings), case.schedule.plan
    if schedule is None or len(schedule.groups) != len(case.schedule.groups):
        return
    final = f"final_div_factor {format_number(schedule.plan.final_div_factor, 10)}"
    same = schedule.plan.final_div_factor == here.final_div_factor
    yield Hypothesis(
        f"convention:{convention.name}",
        f"the learning rates match the plan's settings under {convention.title}{'' if same else f', with {final}'}",
        f"set convention to {convention.name}{'' if same else f', and {final},'} in the plan; the same settings give a "
        f"different curve in {here.convention.name}",
        case.follows(schedule),
    )


def _drawn(convention: Convention, given: Mapping[str, Any]) -> Schedule | None:
    """Draw settings in another convention, without those that it does not support."""
    kept: dict[str, Any] = {setting: value for setting, value in given.items() if convention.supports(setting)}
    try:
        return OneCycle(**{**kept, "convention": convention.name}).schedule(strict=False)
    except OnecycleError:
        return None
