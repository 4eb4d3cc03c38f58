"""A logged run: what comparing it with its plan gives, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from onecycle_cli.run.coverage import Coverage
    from onecycle_cli.run.precision import Precision
    from onecycle_cli.run.series import Series

RowIs = Literal["step", "epoch", "microbatch", "sample"]
"""What a user may say that a row of a log counts."""

Unit = Literal[RowIs, "log-call", "row"]
"""What a row of a log may count: also the logger's own calls, or nothing, as no column counts."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first logged value that is not the planned one.

    Attributes:
        step: the step as it was logged, or what else the log's rows count.
        plan_step: the schedule's step.
        row: the row's index in the log.
        column: the series' track.
        group: the plan's parameter group, by number.
        field: what differs: lr or momentum, with the plan's group behind it where there are several (`lr_head`).
        planned: the planned value; None where the cycle has no such step.
        logged: the logged value.
    """

    step: int
    plan_step: int
    row: int
    column: int
    group: int
    field: str
    planned: float | None
    logged: float


@dataclass(frozen=True, slots=True)
class Cause:
    """A hypothesis that was tested against the log.

    Attributes:
        slug: its name, such as `epoch-stepped` or `stepped-n-times:4`.
        summary: what happened, in a sentence.
        advice: what to change.
        fit: the share of compared values, from 0 to 1, that it explains within the tolerance.
        is_found: whether it explains any; else `fit` is the share of the values that are as planned.
    """

    slug: str
    summary: str
    advice: str
    fit: float
    is_found: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a run followed its plan, from which step not, and why.

    Attributes:
        verdict: the outcome.
        series: the log's rows beside the planned values, under the offset that was found.
        first_divergence: the first wrong value; None unless the run diverges.
        cause: why it diverges or is incomplete; `none` where all is right.
        tolerance: how near counted as equal: the precision of the log's learning rates, or of the column that diverges;
            `a few ulp`; or, where the user set it, `given`.
        first_missing_step: the first step after the log's last, where the log ends before the cycle.
        coverage: what of the plan the log shows.
        notes: what else the user should know, a sentence each.
    """

    verdict: Literal["ok", "diverges", "incomplete"]
    series: Series
    first_divergence: Divergence | None
    cause: Cause
    tolerance: Precision
    first_missing_step: int | None
    coverage: Coverage
    notes: tuple[str, ...] = ()

    @property
    def offset(self) -> int:
        """What is added to a logged step to get the schedule's: -1 where the log counts from 1.

        Where the log counts something else, it is added once this is turned into steps.
        """
        return self.series.offset

    @property
    def step_unit(self) -> Unit:
        """What the log's rows count."""
        return self.series.reading.unit

    @property
    def compared(self) -> int:
        """How many logged values (learning rates and momenta) were compared."""
        return self.series.compared
