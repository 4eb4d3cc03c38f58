"""A logged run, compared with its plan: whether it followed it, from which step not, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run import Cause, Divergence, Verdict
from onecycle_cli.run.causes import find_cause
from onecycle_cli.run.precision import EXACT, SINGLE_ULPS, Precision
from onecycle_cli.run.series import Series, align_all, pair, read_samples, scale_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.policy.onecycle import OneCycle
    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.run.logs.log import Log

USUAL_GAPS = 0.98
"""The share of a log's gaps that count as usual; a hole left by a crash is not among them."""

REGULAR = 0.5
"""The share of equal gaps from which a log samples regularly."""

COUNTS = {
    -1: "the log counts its steps from 1",
    1: "the log has the values after scheduler.step(): each row shows the next step's values",
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A log beside a schedule under every offset that may be meant, the likeliest first; a right one is alone."""

    alignments: list[Series]
    tolerance: Precision
    notes: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether every logged value is the planned one."""
        return self.alignments[0].right


def check(settings: OneCycle, log: Log, *, tolerance: float | None = None, partial: bool = False) -> Verdict:
    """Check a logged run against its plan.

    Args:
        settings: the plan.
        log: what was logged.
        tolerance: how far a logged value may lie from the planned one, relative to that; by default as far as the
            log's own precision makes it.
        partial: whether a log that stops before the cycle's end is fine.

    Raises:
        PlanError: the settings describe no schedule.
        OnecycleError: the log holds no learning rate.
    """
    # Schedules that are tried may divide by zero at some step; the result agrees with no logged value.
    with np.errstate(all="ignore"):
        found = compare(settings.schedule(strict=False), log, tolerance)
        if found.right:
            return _right(found, partial=partial)
        cause, series = find_cause(settings, found.alignments)
        notes = (*_how_steps_count(series), *found.notes)
        return Verdict("diverges", series, _divergence(series), cause, found.tolerance, None, notes)


def compare(schedule: Schedule, log: Log, tolerance: float | None = None) -> Comparison:
    """Lay a log beside a schedule.

    A log that shows float32 values may have been computed in float32 as well. Unless the convention does so anyway,
    that is allowed for only where it makes every value right.

    Raises:
        OnecycleError: the log holds no learning rate.
    """
    tracks, notes = pair(schedule, log)
    if not any(track.field == "lr" for track in tracks):
        raise OnecycleError(f"{log.path}: no learning rate in the log", "log the optimizer's lr once per step")
    convention = schedule.plan.convention
    scales = [scale_of(schedule, track, log) for track in tracks]
    single = convention.float32
    samples, written = read_samples(log, tracks, scales, tolerance=tolerance, single=single)
    alignments = align_all(samples, schedule)
    if not (alignments[0].right or single) and tolerance is None and written is not EXACT:
        samples, _ = read_samples(log, tracks, scales, single=True)
        again = align_all(samples, schedule)
        if single := again[0].right:
            alignments = again
    if single and tolerance is None and written is not EXACT:
        who = f"{convention.name} computes" if convention.float32 else "the run computed"
        notes += (f"{who} in float32: {SINGLE_ULPS:.1g} of the peak is allowed for that",)
    if alignments[0].right and tolerance is None and written is EXACT:
        agreed, more = _agreement(alignments[0])
        return Comparison(alignments, agreed, (*notes, *more))
    return Comparison(alignments, written if tolerance is None else Precision("given", tolerance), notes)


def _right(found: Comparison, *, partial: bool) -> Verdict:
    """Return the verdict on a log without a wrong value."""
    series = found.alignments[0]
    missing, total = first_missing_step(series), series.schedule.total_steps
    cause = Cause("none", "every logged value is the planned one", "", 1.0)
    if missing is not None:
        cause = Cause(
            "truncated",
            f"every logged value is the planned one, but the log ends before step {missing:,} of {total:,} "
            f"({100 * missing / total:.0f} % of the cycle): the rest of the annealing is missing",
            "resume the run, or set total_steps to the number of steps it really takes",
            1.0,
        )
    notes = (*_how_steps_count(series), *found.notes)
    return Verdict(
        "ok" if missing is None or partial else "incomplete", series, None, cause, found.tolerance, missing, notes
    )


def first_missing_step(series: Series) -> int | None:
    """Return the first step after the log's last one, where the log stops short of the cycle's end; else None.

    A log that samples every 50 steps ends up to 49 steps before the end; one that samples at random may end before it
    by more than most of its gaps.
    """
    steps = np.sort(series.steps[series.present.any(axis=1)])
    last = int(steps[-1])
    gaps = np.diff(steps)
    gaps = gaps[gaps > 0]
    usual = 1
    if gaps.size:
        usual = int(np.quantile(gaps, USUAL_GAPS, method="higher"))
        regular = float((gaps == np.median(gaps)).mean()) >= REGULAR
        usual *= 1 if regular else 2
    return last + 1 if last + usual < series.schedule.total_steps else None


def _divergence(series: Series) -> Divergence:
    """Describe the first logged value that is not the planned one."""
    row = series.prefix
    column = int(series.wrong[row].argmax())
    track = series.tracks[column]
    return Divergence(
        step=int(series.logged_steps[row]),
        row=row,
        column=column,
        group=track.group,
        field=track.name,
        planned=series.planned_at(row, column),
        logged=float(series.values[row, column]),
    )


def _how_steps_count(series: Series) -> Iterator[str]:
    """Note what the log's steps count, where that is not the schedule's steps."""
    offset, schedule = series.offset, series.schedule
    if offset in COUNTS:
        yield COUNTS[offset]
    elif offset:
        yield f"the log counts its steps from the resumed run's first one, step {schedule.first_step:,} of the cycle"
    elif series.right and int(series.logged_steps.max()) == schedule.total_steps:
        yield f"the log counts completed steps: step {schedule.total_steps:,} is after the last step of the cycle"


def _agreement(series: Series) -> tuple[Precision, tuple[str, ...]]:
    """Return how closely the values of an exact log agree, and why not to the last bit."""
    cycle = series.present & (series.steps < series.schedule.total_steps)[:, None]
    if ((series.values == series.planned) | ~cycle).all():
        return EXACT, ()
    gaps = np.where(cycle, np.abs(series.values - series.planned), 0.0)
    relative = float(np.nanmax(np.where(gaps > 0, gaps / np.abs(series.planned), 0.0)))
    off = int((gaps > 0).sum())
    why = (
        f"{off:,} of {int(cycle.sum()):,} values differ in the last bits, by up to {relative:.1g}: another "
        "library's cosine, or another order of evaluation"
    )
    return Precision("a few ulp", relative), (why,)
