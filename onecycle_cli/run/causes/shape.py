"""The run's curve has another shape: other lines, other phases, no momentum, or another framework's arithmetic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from onecycle_cli.errors import OnecycleError
from onecycle_cli.policy.conventions import CONVENTIONS, convention_of
from onecycle_cli.policy.onecycle import OneCycle
from onecycle_cli.run.causes.hypothesis import Case, Hypothesis, first_value, follows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.run.series import Samples


def other_lines(case: Case) -> Iterator[Hypothesis]:
    """Suppose that the run went in straight lines where the plan has cosines, or the other way."""
    planned = case.schedule.plan.anneal_strategy
    other = "linear" if planned == "cos" else "cos"
    supported = convention_of(case.settings).supports("anneal_strategy")
    schedule = case.variant(anneal_strategy=other) if supported else None
    if schedule is not None:
        yield Hypothesis(
            other,
            f"the run's anneal_strategy was {other}, the plan says {planned}",
            f"set anneal_strategy to {planned} in the run, or to {other} in the plan",
            follows(case, schedule),
        )


def other_phases(case: Case) -> Iterator[Hypothesis]:
    """Suppose three phases in place of two, or two in place of three."""
    planned = case.schedule.plan.three_phase
    supported = convention_of(case.settings).supports("three_phase")
    schedule = case.variant(three_phase=not planned) if supported else None
    if schedule is not None:
        words = {True: "three phases", False: "two phases"}
        yield Hypothesis(
            "wrong-three_phase",
            f"the run's cycle had {words[not planned]}, the plan's has {words[planned]}",
            f"set three_phase to {str(planned).lower()} in the run, or to {str(not planned).lower()} in the plan",
            follows(case, schedule),
        )


def momentum_still(case: Case) -> Iterator[Hypothesis]:
    """Suppose that the learning rates are right and momentum was not cycled."""
    momenta = [at for at, track in enumerate(case.sample.tracks) if track.field == "momentum"]
    if not momenta:
        return
    held = {at: first_value(case.sample.values[:, at]) for at in momenta}

    def predict(evidence: Samples) -> NDArray[np.float64]:
        values = evidence.predicted(case.schedule, evidence.steps)
        for at, momentum in held.items():
            values[:, at] = momentum
        return values

    yield Hypothesis(
        "no-momentum-cycle",
        f"the learning rates are right, but momentum stood still at {next(iter(held.values())):.6g}",
        "set cycle_momentum to true in the run, or to false in the plan; other schedulers than OneCycleLR leave "
        "momentum alone",
        predict,
    )


def other_convention(case: Case) -> Iterator[Hypothesis]:
    """Suppose that another framework drew the curve from the same numbers, with its own defaults or with the plan's."""
    here = convention_of(case.settings).name
    for name, convention in CONVENTIONS.items():
        if name == here:
            continue
        for defaults in (False, True):
            schedule = _drawn(case, name, resolved=defaults)
            if schedule is not None and len(schedule.groups) == len(case.schedule.groups):
                yield Hypothesis(
                    f"convention:{name}",
                    f"the learning rates are those of {convention.title}, drawn from the plan's numbers",
                    f"set convention to {name} in the plan; the same numbers mean another curve there than in {here}",
                    follows(case, schedule),
                )


def _drawn(case: Case, name: str, *, resolved: bool) -> Schedule | None:
    """Draw the plan in another convention; what that lacks is left out."""
    given = case.settings.model_dump(exclude_none=True)
    if resolved:
        plan = case.schedule.plan
        also = ("pct_start", "div_factor", "final_div_factor")
        given = {**{setting: getattr(plan, setting) for setting in also}, **given}
    kept: dict[str, Any] = {setting: value for setting, value in given.items() if CONVENTIONS[name].supports(setting)}
    try:
        return OneCycle.model_validate({**kept, "convention": name}).schedule()
    except (OnecycleError, ValidationError):
        return None
