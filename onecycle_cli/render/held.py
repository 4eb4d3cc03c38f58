"""A logged run beside its plan, ready to be rendered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.run.logs.log import Log
    from onecycle_cli.run.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Series:
    """One logged column, and the plan's parameter group that it was held against.

    Attributes:
        name: what tells it apart: lr or momentum, with the group's name where there are several.
        field: what it holds.
        group: the plan's parameter group, by number.
        values: the column, a value a row of the log; NaN where a row has none.
    """

    name: str
    field: Literal["lr", "momentum"]
    group: int
    values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Held:
    """A log, the plan it was held against, and what came of it.

    Attributes:
        plan: what the plan is called; empty where it has no name.
        schedule: its values.
        log: what was logged.
        verdict: whether the one followed the other.
        series: the columns that were compared.
    """

    plan: str
    schedule: Schedule
    log: Log
    verdict: Verdict
    series: tuple[Series, ...]

    @property
    def steps(self) -> NDArray[np.int64]:
        """Give the plan's step of each row."""
        return self.log.steps + self.verdict.offset

    def planned(self, series: Series, row: int) -> float | None:
        """Give what the plan has in a row; None where it has no such step."""
        step = int(self.log.steps[row]) + self.verdict.offset
        if not 0 <= step < self.schedule.total_steps:
            return None
        curve = self.schedule.lr if series.field == "lr" else self.schedule.momentum
        return curve(step, series.group)

    def diverging(self) -> Series | None:
        """Give the series in which the first divergence lies; None where there is none."""
        first = self.verdict.first_divergence
        if first is None:
            return None
        same = [each for each in self.series if each.field == first.field[: len(each.field)]]
        same = [each for each in same if each.group == first.group]
        exactly = [each for each in same if float(each.values[first.row]) == first.logged]
        return next(iter([*exactly, *same]), None)
