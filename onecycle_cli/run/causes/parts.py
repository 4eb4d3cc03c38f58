"""The run is as planned in parts: it stands still from a step on, starts over, or jumps several times.

Each part follows the plan's curve so many steps ahead or behind. Parts are found one after another, each as long as it
agrees, and are believed only if they are few, or follow each other regularly.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.formatting import count, join_words
from onecycle_cli.run.causes.hypothesis import (
    SPREAD_ROWS,
    Case,
    Hypothesis,
    at_other_steps,
    rows_with_rate,
    steps_with,
)
from onecycle_cli.run.precision import thinned
from onecycle_cli.run.reading import different

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onecycle_cli.run.series import Flags, Samples, Steps

MOST_PARTS = 100
"""Parts after which a log is not looked at any further."""

FEW_PARTS = 4
"""Parts that need not follow each other regularly."""

LEAST_ROWS = 3
"""Rows that a part has on average, at least: any value is somewhere on the curve."""

ROWS_OF_FEW = 5
"""Rows that each part has at least, where the log is too coarse to show every step."""

ASKED_ROWS = 3
"""Rows after the end of a part from which it is read how far the next one is ahead or behind."""

CHUNK = 64
"""Rows that are compared first; then as many more as agreed so far."""

SHARP = 2.0
"""How many times what a value may be off by it must change from step to step, for a shift by a step to be seen."""

OUT_OF_ORDER = 0.1
"""The share of rows that go back, from which a log is not in the order in which it was written."""

PARTS_SHOWN = 4
"""Parts that are described one by one."""


@dataclass(frozen=True, slots=True)
class Part:
    """Rows in which the schedule is so many steps ahead of the run (behind it, if negative), or stands still.

    Attributes:
        row: its first row, by its place in the order of rows.
        step: the run's step there.
        clock: the schedule's step there.
        still: whether the schedule stands still.
    """

    row: int
    step: int
    clock: int
    still: bool = False

    @property
    def shift(self) -> int:
        """How many steps the schedule is ahead at the part's first row."""
        return self.clock - self.step


class Parts:
    """The parts of a log, in the order of its rows; `whole` says whether they are all of it."""

    def __init__(self, case: Case) -> None:
        """Find the parts of a log that is not as planned, until there are too many."""
        self.case = case
        rows = rows_with_rate(case.whole)
        falls = np.diff(case.whole.steps[rows]) < 0
        shuffled = falls.sum() > OUT_OF_ORDER * rows.size
        if shuffled:
            rows = rows[np.argsort(case.whole.steps[rows], kind="stable")]
        unchanged = not shuffled and rows.size == len(case.whole.values)
        self.order, self.rows = rows, case.whole if unchanged else case.whole.take(rows)
        self.steps, self.column = self.rows.steps, self.rows.rates[0]
        self.found: list[Part] = []
        self.whole = self._find()

    def _find(self) -> bool:
        row, shift = 0, 0
        while row < self.order.size:
            lengths = {candidate: self._length(row, candidate) for candidate in self._candidates(row, shift)}
            longest = max(lengths, key=lambda it: (lengths[it], it == shift, -abs(it - shift)))
            length, still, step = lengths[longest], self._still(row), int(self.steps[row])
            if row and still > max(length, LEAST_ROWS):
                part, length = Part(row, step, self._held(row, shift), still=True), still
                shift = part.clock - int(self.steps[row + still - 1])
            else:
                part, shift = Part(row, step, step + longest), longest
            self.found.append(part)
            row, many = row + length, len(self.found)
            if not length or many >= MOST_PARTS or row < LEAST_ROWS * (many - FEW_PARTS):
                return False
        return True

    def _candidates(self, row: int, shift: int) -> list[int]:
        """Return how far ahead the schedule may be from a row on: as before, as planned, from its start, or as read."""
        asked = self.rows.take(np.arange(row, min(row + ASKED_ROWS, self.order.size)))
        read = (self._places(asked) - asked.steps[:, None]).ravel().tolist()
        return list(dict.fromkeys([shift, 0, shift - 1, shift + 1, -int(self.steps[row]), *read]))

    def _places(self, some: Samples) -> Steps:
        """Return the steps of the schedule that have the rates of some rows, one for each phase."""
        return steps_with(self.case.schedule, some.tracks[self.column].group, some.values[:, self.column])

    def _length(self, row: int, shift: int) -> int:
        """Return for how many rows from one on the schedule is so far ahead."""
        length, size = 0, CHUNK
        while row + length < self.order.size:
            some = self.rows.take(np.arange(row + length, min(row + length + size, self.order.size)))
            agrees = self._agrees(some, some.steps + shift)
            if not agrees.all():
                return length + int(agrees.argmin())
            length, size = length + len(agrees), 2 * size
        return length

    def _agrees(self, some: Samples, clock: Steps) -> Flags:
        """Return for each row whether it has the schedule's values, or those that are left after its end."""
        total = self.case.schedule.total_steps
        left, held = (
            some.agrees(some.predicted(self.case.schedule, np.minimum(clock, last))) for last in (total, total - 1)
        )
        agrees: Flags = np.logical_and.reduce(left | held | ~some.present, axis=1)
        return agrees

    def _still(self, row: int) -> int:
        """Return how many rows from one on have its rate."""
        rates, size = self.rows.values[row:, self.column], CHUNK
        while (same := rates[:size] == rates[0]).all() and size < rates.size:
            size *= 2
        return len(same) if same.all() else int(same.argmin())

    def _held(self, row: int, shift: int) -> int:
        """Return the schedule's step from which it stands still: the row's before, or one between that and the row."""
        before, here = int(self.steps[row - 1]) + shift, int(self.steps[row]) + shift
        if self.rows.values[row, self.column] == self.rows.values[row - 1, self.column]:
            return before
        places: list[int] = self._places(self.rows.take(np.array([row])))[0].tolist()
        return min(places, key=lambda place: (not before <= place <= here, abs(place - here)))

    def clock(self) -> Steps:
        """Return the schedule's step that each row of the log has."""
        clock = self.steps.copy()
        ends = [part.row for part in self.found[1:]] + [self.order.size]
        for part, end in zip(self.found, ends, strict=True):
            clock[part.row : end] = part.clock if part.still else self.steps[part.row : end] + part.shift
        whole = self.case.whole.steps.copy()
        whole[self.order] = clock
        return whole

    @property
    def is_sharp(self) -> bool:
        """Whether most rows show which step of the schedule they have."""
        schedule, group = self.case.schedule, self.rows.tracks[self.column].group
        some = self.rows.take(thinned(np.arange(self.order.size), SPREAD_ROWS))
        steps = np.clip(some.steps, 0, max(schedule.total_steps - 2, 0))
        change = np.abs(schedule.lr(np.minimum(steps + 1, schedule.total_steps - 1), group) - schedule.lr(steps, group))
        return bool(np.median(change - 2 * SHARP * some.limits[:, self.column]) > 0)


def several_parts(case: Case) -> Iterator[Hypothesis]:
    """Suppose that the run stands still from a step on, starts over several times, or jumps several times."""
    parts = Parts(case)
    found, rows = parts.found, parts.order.size
    if not parts.whole or len(found) < 2 or rows < LEAST_ROWS * len(found):
        return
    clock, later = parts.clock(), found[1:]
    gaps = np.diff(different(parts.steps))
    gap = int(np.median(gaps)) if gaps.size else 1
    last = int(clock[parts.order[-1]] - parts.steps[-1])
    if later[0].still and len(found) == 2:
        slug, summary, advice = "constant", *_stops(int(parts.steps[later[0].row - 1]))
    elif all(not part.still and 0 <= part.clock < max(gap, 1) for part in later):
        slug, summary, advice = f"restarted-at:{-later[0].shift}", *_restarts(found)
    elif last and _is_believable(parts):
        slug, summary, advice = f"shifted:{last:+d}", *_jumps(found, last)
    else:
        return
    yield from at_other_steps(case, slug, summary, advice, lambda some: clock[some.rows], is_local=True)


def _is_believable(parts: Parts) -> bool:
    """Return whether jumps are more likely than another curve, or than a scheduler that moves in blocks."""
    lengths = np.diff([part.row for part in parts.found] + [parts.order.size])
    still = lengths[[part.still for part in parts.found]].sum()
    few = len(parts.found) <= FEW_PARTS and int(lengths.min()) >= ROWS_OF_FEW
    return bool(2 * still < parts.order.size and (parts.is_sharp or few))


def _stops(last: int) -> tuple[str, str]:
    summary = f"the run follows the plan to step {last:,}, and from then on the learning rate stands still"
    return summary, "look for what ends the calls of scheduler.step(): a condition, or an exception that is caught"


def _restarts(found: Sequence[Part]) -> tuple[str, str]:
    starts = [-part.shift for part in found[1:]]
    apart = set(np.diff([0, *starts]).tolist())
    regularly = f", every {starts[0]:,} steps" if len(starts) > 1 and len(apart) == 1 else ""
    shown = [f"{step:,}" for step in starts[:PARTS_SHOWN]]
    more = [f"{count(len(starts) - PARTS_SHOWN, 'more time')}"] if len(starts) > PARTS_SHOWN else []
    where = f"the cycle starts over at step {join_words(shown + more)}{regularly}"
    advice = "restore the scheduler with the model: save scheduler.state_dict() in each checkpoint, and load it"
    return f"the run follows the plan to step {starts[0] - 1:,}; {where}", advice


def _jumps(found: Sequence[Part], last: int) -> tuple[str, str]:
    advice = "step the scheduler once in every step"
    if last < 0:
        advice += "; with mixed precision GradScaler skips optimizer steps, and the scheduler should move all the same"
    jumps = {after.shift - before.shift for before, after in pairwise(found)}
    ahead = f"{count(abs(last), 'step')} {'ahead of' if last > 0 else 'behind'} the plan"
    if len(found) <= 3 or len(jumps) > 1 or any(part.still for part in found):
        return f"{_described(found)}; in the end the learning rate is {ahead}", advice
    (jump,) = jumps
    how = f"{count(abs(jump), 'time')} too {'often' if jump > 0 else 'seldom'} at {len(found) - 1} places"
    return f"the scheduler is stepped {how}; in the end the learning rate is {ahead}", advice


def _described(found: Sequence[Part]) -> str:
    """Describe parts one by one."""
    said = []
    for part, after in zip(found, [*found[1:], None], strict=True):
        where = f"from step {part.step:,} on" if after is None else f"steps {part.step:,} to {after.step - 1:,}"
        if part.still:
            how = "standing still"
        elif part.shift:
            how = f"{count(abs(part.shift), 'step')} {'ahead' if part.shift > 0 else 'behind'}"
        else:
            how = "as planned"
        said.append(f"{where} {how}")
    more = [f"{len(said) - PARTS_SHOWN} more parts"] if len(said) > PARTS_SHOWN else []
    return "; ".join(said[:PARTS_SHOWN] + more)
