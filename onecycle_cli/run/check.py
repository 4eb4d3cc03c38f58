"""A logged run held against its plan: whether it followed it, from which step not, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.policy.conventions import convention_of
from onecycle_cli.run.alignment import Alignment, align_all
from onecycle_cli.run.causes import find_cause
from onecycle_cli.run.ending import first_missing_step
from onecycle_cli.run.evidence import SINGLE_ULPS, gather, in_single
from onecycle_cli.run.precision import EXACT, Precision
from onecycle_cli.run.tracks import pair
from onecycle_cli.run.verdict import Cause, Divergence, Tolerance, Verdict

if TYPE_CHECKING:
    from onecycle_cli.policy.onecycle import OneCycle
    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.run.logs.log import Log

COUNTS = {
    -1: "the log counts its steps from 1",
    1: "the log has the values after scheduler.step(): a row shows what the next step trains with",
}


def check(settings: OneCycle, log: Log, *, tolerance: float | None = None, partial: bool = False) -> Verdict:
    """Hold a logged run against its plan.

    Args:
        settings: the plan.
        log: what was logged.
        tolerance: how far a logged value may lie from the planned one, relative to that; else as far as the log's own
            precision makes it.
        partial: whether a log that stops before the cycle's end is fine.

    Raises:
        PlanError: the settings describe no schedule.
        OnecycleError: the log holds no learning rate.
    """
    import numpy as np

    # Schedules that are tried may divide by zero at some step; what comes of it agrees with no logged value.
    with np.errstate(all="ignore"):
        return _checked(settings, log, tolerance, partial=partial)


def _checked(settings: OneCycle, log: Log, tolerance: float | None, *, partial: bool) -> Verdict:
    schedule = settings.schedule()
    pairing = pair(schedule, log)
    if not any(track.field == "lr" for track in pairing.tracks):
        raise OnecycleError(f"{log.path}: no learning rate in the log", "log the optimizer's lr once a step")
    convention = convention_of(settings)
    evidence, written = gather(schedule, log, pairing.tracks, tolerance, convention)
    notes = pairing.notes
    if tolerance is None and in_single(convention, written):
        notes += (f"{convention.name} computes in float32: {SINGLE_ULPS:.1g} of the peak is allowed for that",)
    alignments = align_all(evidence)
    if alignments[0].right:
        return _right(schedule, alignments[0], (written, tolerance), notes, partial=partial)
    cause, alignment = find_cause(settings, alignments)
    return Verdict(
        "diverges",
        int(evidence.present.sum()),
        _divergence(schedule, alignment),
        cause,
        alignment.evidence.offset,
        _tolerance(written, tolerance),
        None,
        (*_counting(alignment, schedule), *notes),
    )


def _right(
    schedule: Schedule,
    alignment: Alignment,
    precision: tuple[Precision, float | None],
    notes: tuple[str, ...],
    *,
    partial: bool,
) -> Verdict:
    missing = first_missing_step(alignment.evidence)
    cause = Cause("none", "every logged value is the planned one", "", 1.0)
    if missing is not None:
        total = schedule.total_steps
        cause = Cause(
            "truncated",
            f"every logged value is the planned one, but the log ends before step {missing:,} of {total:,} "
            f"({100 * missing / total:.0f} % of the cycle): the rest of the annealing is missing",
            "resume the run, or make total_steps the number of steps that it really takes",
            1.0,
        )
    tolerance, more = _agreement(alignment, *precision)
    return Verdict(
        "ok" if missing is None or partial else "incomplete",
        int(alignment.evidence.present.sum()),
        None,
        cause,
        alignment.evidence.offset,
        tolerance,
        missing,
        (*_counting(alignment, schedule), *notes, *more),
    )


def _divergence(schedule: Schedule, alignment: Alignment) -> Divergence:
    """Describe the first logged value that is not the planned one."""
    evidence, row = alignment.evidence, alignment.prefix
    column = int(alignment.wrong[row].argmax())
    track, step = evidence.tracks[column], int(evidence.steps[row])
    inside = 0 <= step < schedule.total_steps
    return Divergence(
        step=int(evidence.logged_steps[row]),
        row=row,
        group=track.group,
        field=track.name(schedule),
        planned=float(alignment.planned[row, column]) if inside else None,
        logged=float(evidence.values[row, column]),
    )


def _counting(alignment: Alignment, schedule: Schedule) -> tuple[str, ...]:
    offset = alignment.evidence.offset
    if offset in (0, *COUNTS):
        return (COUNTS[offset],) if offset else ()
    return (f"the log counts its steps from the resumed run's first one, step {schedule.first_step:,} of the cycle",)


def _tolerance(written: Precision, given: float | None) -> Tolerance:
    return Tolerance(written.name, written.relative) if given is None else Tolerance("given", given)


def _agreement(alignment: Alignment, written: Precision, given: float | None) -> tuple[Tolerance, tuple[str, ...]]:
    """Say how closely the values agree, and why not to the last bit where float64 was logged."""
    import numpy as np

    if given is not None or written is not EXACT:
        return _tolerance(written, given), ()
    evidence = alignment.evidence
    cycle = evidence.present & (evidence.steps < evidence.schedule.total_steps)[:, None]
    gaps = np.where(cycle, np.abs(evidence.values - alignment.planned), 0.0)
    if not gaps.any():
        return Tolerance("exact", 0.0), ()
    with np.errstate(all="ignore"):
        relative = float(np.nanmax(np.where(gaps > 0, gaps / np.abs(alignment.planned), 0.0)))
    off = int((gaps > 0).sum())
    why = (
        f"{off:,} of {int(cycle.sum()):,} values differ in the last bits, by up to {relative:.1g}: the cosine of "
        "another library, or the same sum in another order"
    )
    return Tolerance("a few ulp", relative), (why,)
