"""Something happens in each epoch: a scheduler is made, a cycle is complete, or steps are too many or too few."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.formatting import count
from onecycle_cli.run.causes.hypothesis import Case, Hypothesis, at_other_steps, rows_with_rate
from onecycle_cli.run.causes.pace import best_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.run.series import Floats, Samples, Steps

MOST_LENGTHS = 8
"""Rows like the first that suggest how long a repeated cycle is."""

EXTRA_STEPS = tuple(range(-3, 0)) + tuple(range(1, 11))
"""How many steps too many, or too few, are tried in each epoch."""

ONCE = "make the scheduler once, before the loop over the epochs"


def made_in_each_epoch(case: Case) -> Iterator[Hypothesis]:
    """Suppose that the whole cycle begins again in each epoch."""
    epoch, total = case.schedule.steps_per_epoch or 0, case.schedule.total_steps
    if 1 < epoch < int(case.whole.steps.max()):
        yield from at_other_steps(
            case,
            f"restarted-at:{epoch}",
            f"the cycle of {total:,} steps starts over every {epoch:,} steps, in each epoch",
            ONCE,
            lambda rows: np.maximum(rows.steps, 0) % epoch,
        )


def cycle_in_each_epoch(case: Case) -> Iterator[Hypothesis]:
    """Suppose that the cycle was made for an epoch, or another part of the run, and begins again after each."""
    total = case.schedule.total_steps
    for length in _repeated_lengths(case):
        schedule = case.variant(total_steps=length) if 1 < length < total else None
        if schedule is not None:
            each = ", in each epoch," if length == case.schedule.steps_per_epoch else ""
            yield Hypothesis(
                f"restarted-at:{length}",
                f"every {length:,} steps{each} a cycle of {length:,} steps begins, in place of one of {total:,}",
                f"{ONCE}, for the steps of all of them",
                _repeats(schedule, length),
            )


def _repeats(schedule: Schedule, length: int) -> Callable[[Samples], Floats]:
    return lambda rows: rows.predicted(schedule, np.maximum(rows.steps, 0) % length)


def _repeated_lengths(case: Case) -> Iterator[int]:
    """Suggest how long a repeated cycle is: an epoch, or until a rate is like the first one again."""
    whole, column = case.whole, case.whole.rates[0]
    known = rows_with_rate(whole)
    again = known[1:][whole.values[known[1:], column] == whole.values[known[0], column]][:MOST_LENGTHS]
    apart = (whole.steps[again] - whole.steps[known[0]]).tolist()
    for length in dict.fromkeys([whole.schedule.steps_per_epoch or 0, *apart]):
        if length < whole.steps.max():
            yield length


def stepped_more_in_each_epoch(case: Case) -> Iterator[Hypothesis]:
    """Suppose that the scheduler is stepped so many times more, or less, in each epoch."""
    epoch = case.schedule.steps_per_epoch or 0
    last = int(case.whole.steps.max())
    if not 1 < epoch <= last:
        return

    def clocks(extra: Steps, rows: Samples) -> Steps:
        clock: Steps = rows.steps + extra * (np.maximum(rows.steps, 0) // epoch)
        return clock

    (extra,) = best_clock(case, np.array(EXTRA_STEPS)[:, None], clocks)
    shift = extra * (last // epoch)
    ahead = f"{count(abs(shift), 'step')} {'ahead of' if shift > 0 else 'behind'} the plan"
    yield from at_other_steps(
        case,
        f"shifted:{shift:+d}",
        f"in each epoch of {epoch:,} steps the scheduler is stepped {count(abs(extra), 'time')} too "
        f"{'often' if extra > 0 else 'seldom'}; in the end the learning rate is {ahead}",
        "step the scheduler once in every step, and at no other place: look at the beginning and end of an epoch",
        lambda rows: clocks(np.array(extra), rows),
    )
