"""The scheduler jumps once: from a row on it is ahead or behind, it starts over, or another one begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.formatting import count, format_number
from onecycle_cli.run.causes.hypothesis import Case, Hypothesis, at_other_steps, steps_with
from onecycle_cli.run.precision import thinned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.run.series import Flags, Floats, Samples, Steps

JUMP_ROWS = 6
"""Rows after a jump from which its size is read: one may be at a flat place, or wrong by itself."""

LATER_ROWS = 24
"""The same over the rest of the log: of coarse values few show a step exactly."""

TRIAL_ROWS = 48
"""Rows after a jump on which the steps are tried at which another scheduler may have begun."""

STANDING_ROWS = 3
"""Rows with one rate from which on a run stands still before its cycle."""

MOST_STARTS = 64
"""How many such steps are tried: those between two rows of a log."""


def jumped(case: Case) -> Iterator[Hypothesis]:
    """Suppose that from the first wrong row on the run is so many steps ahead or behind, or starts over."""
    row = case.first_wrong
    step = int(case.whole.steps[row])
    before = int(case.whole.steps[row - 1]) if row else -1
    for shift in _shifts(case):
        landed = step + shift
        if shift < -1 and row and 0 <= landed < max(step - before, 1):
            yield from _restarted(case, shift)
        elif not (row == 0 and shift + case.whole.offset in (0, -1, 1)):
            yield from _shifted(case, shift)


def _restarted(case: Case, shift: int) -> Iterator[Hypothesis]:
    at, logged = -shift, int(case.whole.logged_steps[case.first_wrong])
    crossed, total = (int(case.whole.steps[-1]) + shift + 1) / case.schedule.total_steps, case.schedule.total_steps
    yield from _moved(
        case,
        shift,
        f"restarted-at:{at}",
        f"at step {at:,} of the plan the cycle restarts (the log's step {logged:,}); by the log's end it has covered "
        f"{100 * crossed:.1f} % of its {total:,} steps",
        "restore the scheduler with the model and optimizer: save scheduler.state_dict() in the checkpoint and load "
        f"it, or make the scheduler with last_epoch={-shift - 1}",
    )


def _shifted(case: Case, shift: int) -> Iterator[Hypothesis]:
    at = int(case.whole.logged_steps[case.first_wrong])
    where = f"{count(abs(shift), 'step')} {'ahead of' if shift > 0 else 'behind'} the plan"
    if shift > 0 and case.first_wrong == 0:
        advice = f"if the log begins with a resumed run, set last_epoch to {at + shift - 1:,} in the plan"
    elif shift > 0:
        advice = (
            "look for a step that moves the scheduler more than once, or for a checkpoint resumed with another "
            "last_epoch"
        )
    else:
        advice = (
            "look for an optimizer step without scheduler.step(): with mixed precision one is skipped when GradScaler "
            "finds infinite gradients; step the scheduler all the same"
        )
    summary = f"from step {at:,} on, the learning rate is {where}"
    yield from _moved(case, shift, f"shifted:{shift:+d}", summary, advice)


def _moved(case: Case, shift: int, slug: str, summary: str, advice: str) -> Iterator[Hypothesis]:
    def clock(rows: Samples) -> Steps:
        return np.where(_after(case, rows), rows.steps + shift, rows.steps)

    yield from at_other_steps(case, slug, summary, advice, clock, is_local=True)


def _after(case: Case, rows: Samples) -> Flags:
    """Return which rows are not before the first wrong one."""
    return rows.indices >= case.first_wrong


def _shifts(case: Case) -> list[int]:
    """Read shifts off rows after the jump; return those that most rows confirm, the smallest first."""
    whole, column = case.whole, case.whole.rates[0]
    rates = whole.values[case.first_wrong :, column]
    known = np.flatnonzero(np.isfinite(rates))
    if not known.size:
        return []
    picked = whole.take(case.first_wrong + np.union1d(known[:JUMP_ROWS], thinned(known, LATER_ROWS)))
    places = steps_with(case.schedule, whole.tracks[column].group, picked.values[:, column])
    shifts = [int(shift) for shift in np.unique(places - picked.steps[:, None]) if shift]
    hits = {
        shift: int(picked.agrees(picked.predicted(case.schedule, picked.steps + shift))[:, column].sum())
        for shift in shifts
    }
    likely = [shift for shift in shifts if hits[shift] >= max(hits.values()) > 0]
    return sorted(likely, key=lambda shift: (abs(shift), shift))[:3]


# --- Another scheduler begins ----------------------------------------------------------------------------------------


def made_for_the_rest(case: Case) -> Iterator[Hypothesis]:
    """Suppose that at the first wrong row another scheduler begins, which was made for the steps that remained."""
    row, total = case.first_wrong, case.schedule.total_steps
    if not row:
        return
    before, step = int(case.whole.steps[row - 1]), int(case.whole.steps[row])
    some = case.whole.take(np.arange(row, min(row + TRIAL_ROWS, len(case.whole.values))))
    hits = {}
    for start in range(max(before + 1, step - MOST_STARTS, 1), min(step + 1, total)):
        schedule = case.variant(total_steps=total - start)
        if schedule is not None:
            hits[start] = int(some.agrees(some.predicted(schedule, some.steps - start)).sum())
    start = max(hits, key=lambda start: hits[start], default=total)
    schedule = case.variant(total_steps=total - start) if start < total else None
    if schedule is None:
        return

    def predict(rows: Samples) -> Floats:
        after = rows.predicted(schedule, np.minimum(rows.steps - start, schedule.total_steps))
        return np.where(_after(case, rows)[:, None], after, rows.predicted(case.schedule, rows.steps))

    yield Hypothesis(
        f"restarted-at:{start}",
        f"at step {start:,} another cycle begins, of the {total - start:,} steps that remain of {total:,}",
        "restore the scheduler with the model and optimizer, in place of a new one for the rest of the run: save "
        "scheduler.state_dict() in the checkpoint and load it",
        predict,
        is_local=True,
    )


def started_late(case: Case) -> Iterator[Hypothesis]:
    """Suppose that another rate stands still at first, and the cycle begins only where the learning rate moves."""
    whole, column = case.whole, case.whole.rates[0]
    rates = whole.values[:, column]
    moved = np.flatnonzero(rates != rates[0])
    if case.first_wrong or not moved.size or moved[0] < STANDING_ROWS or np.isnan(rates[: moved[0] + 1]).any():
        return
    before, row = int(whole.steps[moved[0] - 1]), int(moved[0])
    some = whole.take(np.arange(row, min(row + TRIAL_ROWS, len(rates))))
    starts = range(max(before + 1, int(some.steps[0]) - MOST_STARTS), int(some.steps[0]) + 1)
    hits = {start: int(some.agrees(some.predicted(case.schedule, some.steps - start)).sum()) for start in starts}
    if not hits:  # the step repeats, or goes back
        return
    start = max(hits, key=lambda start: hits[start])
    held = [float(value) for value in whole.values[0]]

    def predict(rows: Samples) -> Floats:
        began = rows.indices >= row
        return np.where(began[:, None], rows.predicted(case.schedule, np.maximum(rows.steps - start, 0)), held)

    yield Hypothesis(
        f"shifted:-{start}",
        f"the learning rate stands at {format_number(held[column])} for {count(start, 'step')}; from step {start:,} on "
        f"the run follows the cycle from its beginning, {count(start, 'step')} behind the plan",
        f"plan the {count(start, 'step')} before the cycle, or leave them out: the cycle has "
        f"{case.schedule.total_steps:,} steps of its own",
        predict,
    )
