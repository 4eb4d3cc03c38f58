"""The scheduler moves at another pace than the run: several times per step, once per epoch, or it jumps once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.formatting import count, format_number
from onecycle_cli.run.causes.hypothesis import Case, Hypothesis, steps_with
from onecycle_cli.run.series import values_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from onecycle_cli.run.series import Floats, Samples, Steps

MOST_TIMES = 1024
"""The largest number of scheduler steps per step that is tried: as many processes."""

TRIAL_ROWS = 48
"""Rows on which numbers of steps, and lengths of blocks, are tried."""

KEPT = 20
"""Lengths of blocks that are then tried on the whole sample."""

MOST_LENGTHS = 200
"""Lengths of blocks that one row may suggest; a row that suggests more says nothing."""

JUMP_ROWS = 6
"""Rows after a jump from which its size is read: one may be at a flat place, or wrong by itself."""


# --- It jumps once ---------------------------------------------------------------------------------------------------


def jumped(case: Case) -> Iterator[Hypothesis]:
    """Suppose that from the first wrong row on the run is so many steps ahead or behind, or starts over."""
    row = case.first_wrong
    step = int(case.whole.steps[row])
    before = int(case.whole.steps[row - 1]) if row else -1
    for shift in _shifts(case):
        landed = step + shift
        if shift < -1 and row and 0 <= landed < max(step - before, 1):
            yield _restarted(case, shift)
        elif not (row == 0 and shift + case.whole.offset in (0, -1, 1)):
            yield _shifted(case, shift)


def _restarted(case: Case, shift: int) -> Hypothesis:
    at, logged = -shift, int(case.whole.logged_steps[case.first_wrong])
    crossed, total = (int(case.whole.steps[-1]) + shift + 1) / case.schedule.total_steps, case.schedule.total_steps
    return Hypothesis(
        f"restarted-at:{at}",
        f"at step {at:,} of the plan the cycle restarts (the log's step {logged:,}); by the log's end it has covered "
        f"{100 * crossed:.1f} % of its {total:,} steps",
        "restore the scheduler with the model and optimizer: save scheduler.state_dict() in the checkpoint and load "
        f"it, or make the scheduler with last_epoch={-shift - 1}",
        lambda rows: _moved(case, rows, shift),
    )


def _shifted(case: Case, shift: int) -> Hypothesis:
    at = int(case.whole.logged_steps[case.first_wrong])
    where = f"{count(abs(shift), 'step')} {'ahead of' if shift > 0 else 'behind'} the plan"
    advice = (
        "look for a step that moves the scheduler more than once, or for a checkpoint resumed with another last_epoch"
        if shift > 0
        else "look for an optimizer step without scheduler.step(): with mixed precision one is skipped when GradScaler "
        "finds infinite gradients; step the scheduler all the same"
    )
    return Hypothesis(
        f"shifted:{shift:+d}",
        f"from step {at:,} on, the learning rate is {where}",
        advice,
        lambda rows: _moved(case, rows, shift),
    )


def _moved(case: Case, rows: Samples, shift: int) -> Floats:
    after = np.arange(len(case.whole.values))[rows.rows] >= case.first_wrong
    steps = np.minimum(rows.steps + shift, case.schedule.total_steps)
    return rows.predicted(case.schedule, np.where(after, steps, rows.steps))


def _shifts(case: Case) -> list[int]:
    """Read shifts off rows after the jump; return those that most rows confirm, the smallest first."""
    whole, column = case.whole, case.whole.rates[0]
    rates = whole.values[case.first_wrong :, column]
    known = np.flatnonzero(np.isfinite(rates))
    if not known.size:
        return []
    nearby, later = known[:JUMP_ROWS], known[:: max(known.size // JUMP_ROWS, 1)][:JUMP_ROWS]
    picked = whole.take(case.first_wrong + np.unique(np.concatenate([nearby, later])))
    places = steps_with(case.schedule, whole.tracks[column].group, picked.values[:, column])
    shifts = [int(shift) for shift in np.unique(places - picked.steps[:, None]) if shift]
    hits = {
        shift: int(picked.agrees(picked.predicted(case.schedule, picked.steps + shift))[:, column].sum())
        for shift in shifts
    }
    likely = [shift for shift in shifts if hits[shift] >= max(hits.values()) > 0]
    return sorted(likely, key=lambda shift: (abs(shift), shift))[:3]


# --- It moves several times per step ---------------------------------------------------------------------------------


def several_times(case: Case) -> Iterator[Hypothesis]:
    """Suppose that each step of the run moved the scheduler N times, until it reached its end."""
    total, some = case.schedule.total_steps, _trial_rows(case)
    counts = np.arange(2, MOST_TIMES + 1)[:, None]
    times = 2 + int(_hits(case, some, np.minimum(counts * some.steps[None, :], total)).argmax())
    for last in (total, total - 1):
        yield _several(case, times, last)


def _several(case: Case, times: int, last: int) -> Hypothesis:
    total = case.schedule.total_steps
    return Hypothesis(
        f"stepped-n-times:{times}",
        f"the scheduler advances {times} steps per optimizer step, so the cycle of {total:,} steps ends after "
        f"{-(-total // times):,}",
        f"step the scheduler once per optimizer step; with {times} processes (accelerate) count total_steps for all "
        "of them together, or make the scheduler with split_batches or without prepare()",
        lambda rows: rows.predicted(case.schedule, np.minimum(times * rows.steps, last)),
    )


# --- It moves less often than the run --------------------------------------------------------------------------------


def once_per_epoch(case: Case) -> Iterator[Hypothesis]:
    """Suppose that the scheduler moved once in B steps."""
    lengths = _likeliest(case, _trial_rows(case), _block_lengths(case))
    if lengths:
        length = _likeliest(case, case.sample, lengths)[0]
        yield _blocks(case, f"once every {length:,} steps", lambda rows: np.maximum(rows.steps, 0) // length)


def unevenly(case: Case) -> Iterator[Hypothesis]:
    """Suppose that the scheduler moved whenever the logged learning rate changed, and seldom."""
    counted = _counted(case)
    if counted is None:
        return
    clock, moves = counted
    if moves * 2 <= len(clock):
        pace = f"{moves:,} times in {len(clock):,} rows, at uneven intervals"
        yield _blocks(case, pace, lambda rows: clock[rows.rows])


def _blocks(case: Case, pace: str, clock: Callable[[Samples], Steps]) -> Hypothesis:
    total, whole, column = case.schedule.total_steps, case.whole, case.whole.rates[0]
    reached = int(clock(whole).max()) + 1
    seen = int(whole.steps.max() - whole.steps.min()) + 1
    rates = whole.values[:, column]
    ends, planned = float(rates[np.isfinite(rates)][-1]), case.schedule.lr(total - 1, whole.tracks[column].group)
    summary = (
        f"the learning rate changes {pace}, so {seen:,} steps cover {100 * reached / total:.1f} % of the cycle "
        f"of {total:,}; it ends at {format_number(ends)} instead of {format_number(planned)}"
    )
    if reached >= total:
        summary += ". If the log counts micro-batches or rows, not optimizer steps, the run itself is right"
    advice = (
        "step the scheduler after every optimizer step, not after every epoch; in Lightning return "
        '{"scheduler": scheduler, "interval": "step"}'
    )
    return Hypothesis("epoch-stepped", summary, advice, lambda rows: rows.predicted(case.schedule, clock(rows)))


def skipped(case: Case) -> Iterator[Hypothesis]:
    """Suppose that the scheduler was not stepped in a few steps, each of which repeats the learning rate before it."""
    counted = _counted(case)
    if counted is None:
        return
    clock, _ = counted
    behind = int(case.whole.steps[-1] - clock[-1])
    if not 0 < behind < len(clock) // 2:
        return
    yield Hypothesis(
        f"shifted:-{behind}",
        f"the scheduler was not stepped in {behind} steps, from step "
        f"{int(case.whole.logged_steps[case.first_wrong]):,} on",
        "step the scheduler in every step, or reduce total_steps by the skipped steps; with mixed precision the "
        "first steps are skipped when GradScaler finds infinite gradients",
        lambda rows: rows.predicted(case.schedule, clock[rows.rows]),
    )


def _counted(case: Case) -> tuple[Steps, int] | None:
    """Count how often the learning rate changed before each row, from the first row's step on, and in all."""
    whole = case.whole
    rates = whole.values[:, whole.rates]
    if np.isnan(rates).any() or len(rates) < 3:
        return None
    changes = (np.diff(rates, axis=0) != 0).any(axis=1)
    start = max(int(whole.steps[0]), 0) if case.first_wrong else 0
    clock = start + np.concatenate([[0], np.cumsum(changes)]).astype(np.int64)
    return clock, int(changes.sum())


def _block_lengths(case: Case) -> list[int]:
    """Suggest lengths of blocks: from where the rate first changes, and from how far it has come in some rows."""
    whole, column = case.whole, case.whole.rates[0]
    rates, steps = whole.values[:, column], whole.steps
    changed = steps[1:][np.diff(rates) != 0][:3]
    found = {int(step) for step in changed[:1]} | {int(gap) for gap in np.diff(changed)}
    some = _trial_rows(case)
    places = steps_with(case.schedule, whole.tracks[column].group, some.values[:, column])
    for step, reached in zip(some.steps.tolist(), places.tolist(), strict=True):
        for blocks in reached:
            shortest = step // (blocks + 1) + 1
            longest = step // blocks if blocks else shortest - 1
            if longest - shortest < MOST_LENGTHS:
                found.update(range(shortest, longest + 1))
    return sorted(length for length in found if length > 1)


def _likeliest(case: Case, some: Samples, lengths: list[int]) -> list[int]:
    """Return the lengths of blocks that explain most of some rows' rates, the best first."""
    hits = {length: int(_hits(case, some, np.maximum(some.steps, 0) // length)[0]) for length in lengths}
    return sorted(hits, key=lambda length: (-hits[length], length))[:KEPT]


# --- Shared ----------------------------------------------------------------------------------------------------------


def _trial_rows(case: Case) -> Samples:
    return case.some_rows(TRIAL_ROWS // 2, first=TRIAL_ROWS // 2)


def _hits(case: Case, some: Samples, clocks: Steps) -> NDArray[np.int64]:
    """Count, for each clock, the rows whose first learning rate is that of the clock's steps.

    Args:
        case: the case.
        some: rows of its log.
        clocks: steps of the schedule, shape (clocks, rows) or (rows,).
    """
    column = some.rates[0]
    clocks = np.atleast_2d(clocks)
    predicted = values_at(case.schedule, some.tracks[column], clocks.ravel()).reshape(clocks.shape)
    limits = some.limits[:, column] + some.relative * np.abs(predicted)
    with np.errstate(invalid="ignore"):
        hits: NDArray[np.int64] = (np.abs(predicted - some.values[:, column]) <= limits).sum(axis=1)
    return hits
