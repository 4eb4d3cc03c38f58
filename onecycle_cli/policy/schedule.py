"""A schedule: the learning rate and momentum of every step, evaluated when asked for."""

from __future__ import annotations

import math
import operator
from functools import partial
from typing import TYPE_CHECKING, Any, overload

from onecycle_cli.errors import GroupError, StepError
from onecycle_cli.formatting import count, format_number, shorten
from onecycle_cli.policy.ramps import array_cos
from onecycle_cli.policy.summary import summarize

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.policy.plan import Plan
    from onecycle_cli.policy.ramps import FloatArray, Phase, Ramp

CHUNK = 8192
"""Steps evaluated at a time: the intermediate arrays then stay in the processor's cache."""


class Schedule:
    """Learning rate and momentum over the steps 0 … total_steps - 1 of one plan.

    Attributes:
        total_steps: steps (optimizer updates) of the cycle, and of what follows it.
        steps_per_epoch: steps of one epoch, or None if not known.
        first_step: the first step to train; 0 unless `last_epoch` resumes.
        groups: the names of the parameter groups.
        phases: the phases that contain at least one step, in order.
    """

    def __init__(self, plan: Plan, phases: Sequence[Phase] | None = None) -> None:
        """Take a plan, and phases to use instead of its convention's.

        Raises:
            ZeroDivisionError: the convention's arithmetic divides by zero.
            ValueError: no step comes before a segment that follows the cycle.
        """
        if phases is None:
            phases = plan.convention.phases(plan)
            if plan.then:
                from onecycle_cli.policy.continuation import with_segments

                phases = with_segments(plan, phases)
        self.plan = plan
        self.total_steps = plan.stop
        self.steps_per_epoch = plan.length.steps_per_epoch
        self.first_step = plan.first_step
        self.groups = tuple(group.name for group in plan.groups)
        self.phases = tuple(part for phase in phases if (part := phase.within(self.total_steps)).steps)
        self.cycles_momentum = plan.cycle_momentum and bool(phases[0].momentum)

    @overload
    def lr(self, step: int, group: int | str = 0) -> float: ...
    @overload
    def lr(self, step: NDArray[np.integer], group: int | str = 0) -> FloatArray: ...
    def lr(self, step: int | NDArray[np.integer], group: int | str = 0) -> float | FloatArray:
        """Return the learning rate at a step, equal to the framework's bit for bit on the same machine.

        Args:
            step: a step, 0-based, or a NumPy array of steps of any shape and order.
            group: the parameter group, by number or name.

        Returns:
            A float, or a float64 array of the shape of `step`.

        Raises:
            StepError: a step is outside 0 … total_steps - 1. It is an IndexError.
            GroupError: there is no such group. It is an IndexError.
            TypeError: the steps are not integers.
        """
        return self._evaluate(self._ramps(momentum=False, group=group), step)

    @overload
    def momentum(self, step: int, group: int | str = 0) -> float | None: ...
    @overload
    def momentum(self, step: NDArray[np.integer], group: int | str = 0) -> FloatArray | None: ...
    def momentum(self, step: int | NDArray[np.integer], group: int | str = 0) -> float | FloatArray | None:
        """Return the momentum (beta1 for Adam) at a step, or None if it is not cycled.

        Arguments, results and errors are those of `lr`.
        """
        if not self.cycles_momentum:
            return None
        return self._evaluate(self._ramps(momentum=True, group=group), step)

    def lr_lambda(self, group: int | str = 0) -> Callable[[int], float]:
        """Return a function for `torch.optim.lr_scheduler.LambdaLR` over an optimizer whose lr is 1.0.

        LambdaLR multiplies the optimizer's lr by the function's result; with 1.0 the product is exact. LambdaLR
        evaluates one step past the end when the loop steps the scheduler after the last batch; it then gets the
        final learning rate. The function can be pickled.
        """
        # LambdaLR.state_dict saves the attributes of an object that is called. A partial has none, so that a checkpoint
        # holds no class of ours, which torch.load refuses.
        return partial(_held_rate, self, group)

    @property
    def epochs(self) -> int:
        """The epochs of the run: as the plan has them or, with segments after the cycle, all that they fill."""
        if not self.plan.then:
            return self.plan.epochs
        return max(1, self.total_steps // (self.steps_per_epoch or self.total_steps))

    def __len__(self) -> int:
        """Return the steps of the cycle, and of what follows it."""
        return self.total_steps

    def __repr__(self) -> str:
        """Show the length, and of the first group the rates and momenta that the curve moves between."""
        first = summarize(self, 0)
        rates = " → ".join(map(format_number, (first.initial_lr, first.peak_lr, first.final_lr)))
        momenta = (first.initial_momentum, first.turning_momentum, first.final_momentum)
        cycled = " → ".join(format_number(value) for value in momenta if value is not None)
        groups = f", the first of {len(self.groups)} groups" if len(self.groups) > 1 else ""
        return (
            f"<Schedule of {count(self.total_steps, 'step')}: lr {rates} (peak at step {first.peak_step:,})"
            + (f", momentum {cycled}" if cycled else "")
            + f"{groups}>"
        )

    def _ramps(self, *, momentum: bool, group: int | str) -> list[tuple[Phase, Ramp]]:
        try:
            number = self.groups.index(group) if isinstance(group, str) else operator.index(group)
        except (TypeError, ValueError):
            number = -1
        if not 0 <= number < len(self.groups):
            hint = f"give a group from 0 to {len(self.groups) - 1}"
            if self.groups[0] != "0":
                hint += f", or its name: {shorten(', '.join(self.groups), 200)}"
            raise GroupError(f"no parameter group {group!r}: the plan has {len(self.groups)}", hint)
        return [(phase, (phase.momentum if momentum else phase.lr)[number]) for phase in self.phases]

    def _evaluate(self, ramps: Sequence[tuple[Phase, Ramp]], step: int | NDArray[np.integer]) -> float | FloatArray:
        try:
            whole = operator.index(step)
        except TypeError:
            return self._evaluate_array(ramps, step)  # type: ignore[arg-type]
        if not 0 <= whole < self.total_steps:
            raise _outside(whole, self.total_steps)
        ramp = next(ramp for phase, ramp in ramps if whole <= phase.last_step)
        return ramp.at(whole, math.cos)

    def _evaluate_array(self, ramps: Sequence[tuple[Phase, Ramp]], steps: NDArray[np.integer]) -> FloatArray:
        import numpy as np

        cos = array_cos()
        steps = np.asarray(steps)
        if steps.dtype.kind not in "iu":
            raise TypeError(f"steps must be integers, not {steps.dtype}")
        values = np.empty(steps.shape, np.float64)
        flat, out = steps.reshape(-1), values.reshape(-1)
        with np.errstate(all="ignore"):  # as for a single step, what is out of range is infinite, without a warning
            for begin in range(0, flat.size, CHUNK):
                self._evaluate_piece(ramps, flat[begin : begin + CHUNK], out[begin : begin + CHUNK], cos)
        return values

    def _evaluate_piece(
        self, ramps: Sequence[tuple[Phase, Ramp]], piece: NDArray[np.integer], target: FloatArray, cos: Any
    ) -> None:
        low, high = int(piece.min()), int(piece.max())
        if low < 0 or high >= self.total_steps:
            raise _outside(low if low < 0 else high, self.total_steps)
        for phase, ramp in ramps:
            if phase.first_step <= low and high <= phase.last_step:
                target[:] = ramp.at(piece.astype("float64"), cos)
            elif phase.first_step <= high and low <= phase.last_step:
                here = (phase.first_step <= piece) & (piece <= phase.last_step)
                target[here] = ramp.at(piece[here].astype("float64"), cos)


def schedule_of(plan: Plan | None) -> Schedule | None:
    """Return a plan's schedule; None without a plan, without a step, or if the convention divides by zero."""
    try:
        schedule = None if plan is None else Schedule(plan)
    except (ArithmeticError, ValueError):
        return None
    return schedule if schedule is not None and schedule.phases else None


def _held_rate(schedule: Schedule, group: int | str, step: int) -> float:
    """Return the rate of a step; after the cycle the final one."""
    return schedule.lr(min(step, schedule.total_steps - 1), group)


def _outside(step: int, total_steps: int) -> StepError:
    return StepError(
        f"step {step:,} is outside the cycle of {count(total_steps, 'step')}",
        f"give a step from 0 to {total_steps - 1}",
    )
