"""A schedule as a table: named columns over a window of steps, a chunk of rows at a time.

The names are a contract: `step`, `epoch` where the steps of an epoch are known, then `lr` and `momentum`, once a
parameter group (`lr_0`, `momentum_0`, `lr_1` …, or by the groups' names) where there are several.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onecycle_cli.errors import OnecycleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.policy.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Window:
    """The steps that are wanted: first <= step < stop, every so many."""

    first: int
    stop: int
    every: int = 1

    @property
    def steps(self) -> range:
        """The steps, in order."""
        return range(self.first, self.stop, self.every)

    @property
    def size(self) -> int:
        """How many steps there are."""
        return len(self.steps)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, whether it holds whole numbers, and its values.

    `at` gives the value at a step as a plain number or, for an int64 array of steps, an int64 or float64 array.
    """

    name: str
    whole: bool
    at: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Table:
    """A schedule's columns over a window."""

    columns: tuple[Column, ...]
    window: Window


def window(schedule: Schedule, first: int | None = None, stop: int | None = None, every: int = 1) -> Window:
    """Choose steps of a schedule: first <= step < stop, every so many.

    Args:
        schedule: the schedule whose steps they are.
        first: by default the first step still ahead. Steps that a resumed run has behind it can be asked for.
        stop: by default the end of the cycle.
        every: rows are first, first + every, first + 2 * every …

    Raises:
        OnecycleError: the window reaches outside the cycle, or holds no step.
    """
    total = schedule.total_steps
    first = schedule.first_step if first is None else first
    stop = total if stop is None else stop
    if every < 1:
        raise OnecycleError(f"every {every:,} steps makes no sense", "give --every 1 or more")
    if not 0 <= first < total:
        raise _outside("from", first, total, total - 1)
    if not 0 < stop <= total:
        raise _outside("to", stop, total, total)
    if stop <= first:
        message = f"no step lies from {first:,} to before {stop:,}"
        raise OnecycleError(message, "give --from a step below --to")
    # A stride beyond the window is cut to it: the rows are the same, and the number fits an int64.
    return Window(first, stop, min(every, stop - first))


def _outside(word: str, step: int, total: int, most: int) -> OnecycleError:
    least = 0 if word == "from" else 1
    return OnecycleError(
        f"--{word} {step:,} is outside the cycle of {total:,} steps", f"give --{word} from {least} to {most}"
    )


def make_columns(schedule: Schedule) -> tuple[Column, ...]:
    """Give the columns of a schedule, in the order of the contract."""
    found = [Column("step", whole=True, at=lambda step: step)]
    per_epoch = schedule.steps_per_epoch
    if per_epoch is not None:
        found.append(Column("epoch", whole=True, at=lambda step: step // per_epoch))
    several = len(schedule.groups) > 1
    for group, name in enumerate(schedule.groups):
        ending = f"_{name}" if several else ""
        found.append(Column(f"lr{ending}", whole=False, at=_of_group(schedule.lr, group)))
        if schedule.cycles_momentum:
            found.append(Column(f"momentum{ending}", whole=False, at=_of_group(schedule.momentum, group)))
    return tuple(found)


def _of_group(curve: Callable[[Any, int], Any], group: int) -> Callable[[Any], Any]:
    return lambda step: curve(step, group)


def columns(schedule: Schedule) -> tuple[str, ...]:
    """Name the columns of a schedule, in the order of the contract."""
    return tuple(column.name for column in make_columns(schedule))


def table_rows(schedule: Schedule, steps: Iterable[int]) -> Iterator[dict[str, int | float]]:
    """Give rows for any steps in any order, as plain numbers by column; needs no NumPy.

    Raises:
        StepError: a step lies outside the cycle.
        OnecycleError: a value is not finite.
    """
    wanted = make_columns(schedule)
    for step in steps:
        row = {column.name: column.at(step) for column in wanted}
        for name, value in row.items():
            if not math.isfinite(value):
                raise _not_finite(name, step, value)
        yield row


def chunks(wanted: Sequence[Column], window: Window, rows: int) -> Iterator[list[NDArray[Any]]]:
    """Give the columns' values over a window, at most so many rows at a time; memory does not grow with the window.

    Yields:
        For each chunk one array a column, int64 or float64, all of one length.

    Raises:
        OnecycleError: a value is not finite.
    """
    import numpy as np

    for begin in range(0, window.size, rows):
        here = window.steps[begin : begin + rows]
        steps = np.arange(here.start, here.stop, here.step, dtype=np.int64)
        yield [_values(column, steps) for column in wanted]


def _values(column: Column, steps: NDArray[np.int64]) -> NDArray[Any]:
    import numpy as np

    values: NDArray[Any] = column.at(steps)
    if not column.whole and not (finite := np.isfinite(values)).all():
        at = int(finite.argmin())
        raise _not_finite(column.name, int(steps[at]), float(values[at]))
    return values


def _not_finite(name: str, step: int, value: float) -> OnecycleError:
    return OnecycleError(
        f"{name} at step {step:,} is {value}, which no run can train with",
        "`onecycle validate` says which setting makes it so",
    )
