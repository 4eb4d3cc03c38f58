"""The run leaves its place in the cycle at some step: it goes back to the start, or is ahead or behind from there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.formatting import count
from onecycle_cli.run.causes.hypothesis import Case, Hypothesis
from onecycle_cli.run.causes.inversion import steps_with

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.run.series import Samples

LOOKED_AT = 6
"""Rows after the jump from which its size is read."""


def jumped(case: Case) -> Iterator[Hypothesis]:
    """Suppose that from the first wrong row on the run is so many steps ahead or behind."""
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
        f"at step {at:,} of the plan the cycle begins anew (the log's step {logged:,}); by the log's end "
        f"{100 * crossed:.1f} % of its {total:,} steps are crossed",
        "restore the scheduler with the model and optimizer: save scheduler.state_dict() in the checkpoint and load "
        f"it, or make the scheduler with last_epoch={-shift - 1}",
        lambda evidence: _from(case, evidence, shift),
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
        f"from step {at:,} on the learning rate is that of {where}",
        advice,
        lambda evidence: _from(case, evidence, shift),
    )


def _from(case: Case, evidence: Samples, shift: int) -> NDArray[np.float64]:
    import numpy as np

    moved = evidence.rows >= case.first_wrong
    steps = np.minimum(evidence.steps + shift, case.schedule.total_steps)
    return evidence.predicted(case.schedule, np.where(moved, steps, evidence.steps))


def _shifts(case: Case) -> list[int]:
    """Read shifts off rows after the jump, the smallest first; of those that no row bears out nothing is said."""
    import numpy as np

    whole, column = case.whole, case.whole.rates[0]
    rates = whole.values[case.first_wrong :, column]
    known = np.flatnonzero(np.isfinite(rates))
    if not known.size:
        return []
    nearby, later = known[:LOOKED_AT], known[:: max(known.size // LOOKED_AT, 1)][:LOOKED_AT]
    picked = whole.take(case.first_wrong + np.unique(np.concatenate([nearby, later])))
    places = steps_with(case.schedule, whole.tracks[column].group, picked.values[:, column])
    shifts = np.unique(places - picked.steps[:, None])
    tried = [int(shift) for shift in shifts if shift]
    hits = {
        shift: int(picked.agrees(picked.predicted(case.schedule, picked.steps + shift))[:, column].sum())
        for shift in tried
    }
    likely = [shift for shift in tried if hits[shift] >= max(hits.values()) > 0]
    return sorted(likely, key=lambda shift: (abs(shift), shift))[:3]
