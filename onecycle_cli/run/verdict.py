"""What holding a log against a plan gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first logged value that is not the planned one.

    `step` is the step as it was logged, `row` its index in the log, `group` the parameter group's index, `field` what
    differs: lr or momentum, with the plan's group name behind it where there are several (`lr_head`, `momentum_1`).
    """

    step: int
    row: int
    group: int
    field: str
    planned: float | None
    logged: float


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a logged value may lie from the planned one: `relative` to the planned value, and why so far.

    `name` is exact, a few ulp, float32, or what the values were rounded to when written, such as `6 digits` or
    `6 decimals`; `given` where the user set it.
    """

    name: str
    relative: float


@dataclass(frozen=True, slots=True)
class Cause:
    """A hypothesis that was tested against the log: its slug, what it says, what to change, and how well it fits.

    `fit` is the share of compared values, from 0 to 1, that it explains within the tolerance; `first_step` the step
    from which its explanation is needed, where that is known.
    """

    slug: str
    summary: str
    advice: str
    fit: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a run followed its plan, from which step not, and why.

    `offset` is what is added to a logged step to get the schedule's step: -1 where the log counts from 1.
    `compared` counts the logged values (learning rates and momenta) that were held against the plan.
    """

    verdict: Literal["ok", "diverges", "incomplete"]
    compared: int
    first_divergence: Divergence | None
    cause: Cause
    offset: int
    tolerance: Tolerance
    first_missing_step: int | None
    notes: tuple[str, ...] = ()
