"""What both pictures, the figure and the terminal's, draw: curves, the steps they are drawn at, and short words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from onecycle_cli.errors import OnecycleError
from onecycle_cli.policy.summary import edge_steps

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.policy.schedule import Schedule

Across: TypeAlias = 'Literal["step", "epoch", "percent"]'
"""What the horizontal axis counts."""

DRAWABLE = (1e-290, 1e290)
"""Learning rates between which axes have ticks and margins."""

MOST_STEPS = 2000
"""Steps drawn of a curve: more than a picture has columns, so few that drawing takes the same time at any length."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One parameter group's schedule, as a picture shows it.

    Attributes:
        label: what legends call it.
        schedule: where its values come from.
        group: the parameter group, by number.
        momentum_word: what its optimizer calls momentum: `momentum` or `beta1`.
        plan: what titles call the plan that it belongs to, where the label says less.
    """

    label: str
    schedule: Schedule
    group: int = 0
    momentum_word: str = "momentum"
    plan: str | None = None


def check_drawable(curves: Sequence[Curve]) -> None:
    """Refuse rates so large or small that an axis cannot hold them.

    Raises:
        OnecycleError: a curve has such rates.
    """
    for curve in curves:
        rates = [curve.schedule.lr(step, curve.group) for step in edge_steps(curve.schedule)]
        if not DRAWABLE[0] <= max(rates) <= DRAWABLE[1]:  # neither where it is not a number
            raise OnecycleError(
                f"a learning rate of {max(rates):g} cannot be drawn",
                f"draw rates between {DRAWABLE[0]:g} and {DRAWABLE[1]:g}",
            )


def steps_to_draw(schedule: Schedule, first: int | None = None, last: int | None = None) -> NDArray[np.int64]:
    """Give the steps a curve is drawn at, sorted, each once.

    All of them where they are few; else evenly spread ones, and the first and last of each phase, at which every
    extreme value lies. The cost does not depend on how long the cycle is.

    Args:
        schedule: the schedule that is drawn.
        first: the first step wanted; by default the first one still ahead.
        last: the last step wanted; by default the cycle's.
    """
    import numpy as np

    end = schedule.total_steps - 1 if last is None else last
    begin = min(schedule.first_step if first is None else first, end)
    if end - begin < MOST_STEPS:
        return np.arange(begin, end + 1, dtype=np.int64)
    even = np.linspace(begin, end, MOST_STEPS).astype(np.int64)
    edges = [step for phase in schedule.phases for step in (phase.first_step, phase.last_step)]
    inside = [step for step in edges if begin <= step <= end]
    return np.unique(np.concatenate([even, np.array([begin, *inside, end], dtype=np.int64)]))


def x_values(steps: NDArray[np.int64], schedule: Schedule, across: Across) -> FloatArray:
    """Turn steps into places on the horizontal axis: steps, epochs, or percent of the cycle.

    Raises:
        OnecycleError: epochs are wanted of a schedule whose steps per epoch are not known.
    """
    return steps / x_divisor(schedule, across)


def x_divisor(schedule: Schedule, across: Across) -> float:
    """Say how many steps one unit of the horizontal axis holds. Raises what `x_values` does."""
    if across == "step":
        return 1.0
    if across == "percent":
        return schedule.total_steps / 100
    if schedule.steps_per_epoch is None:
        raise OnecycleError(
            "epochs cannot be drawn: the steps per epoch are not known", "give steps_per_epoch, or draw steps"
        )
    return float(schedule.steps_per_epoch)
