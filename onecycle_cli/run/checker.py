"""A logged run, compared with its plan: whether it followed it, from which step not, and why."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from onecycle_cli.run import Cause, Divergence, Verdict
from onecycle_cli.run.alignment import IN_SINGLE, compare
from onecycle_cli.run.causes import find_cause
from onecycle_cli.run.causes.hypothesis import PERFECT
from onecycle_cli.run.coverage import coverage_of, first_missing_step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.policy.onecycle import OneCycle
    from onecycle_cli.run import RowIs
    from onecycle_cli.run.alignment import Comparison
    from onecycle_cli.run.logs.log import Log
    from onecycle_cli.run.series import Series


WITHOUT_LAST = "the last number is cut off, and its row is left out"


def check(
    settings: OneCycle,
    log: Log,
    *,
    tolerance: float | None = None,
    partial: bool = False,
    row_is: RowIs | None = None,
) -> Verdict:
    """Check a logged run against its plan.

    Args:
        settings: the plan.
        log: what was logged.
        tolerance: how far a logged value may lie from the planned one, relative to that; by default as far as the
            log's own precision makes it.
        partial: whether a log that stops before the cycle's end is fine.
        row_is: what a row counts, in place of what the log shows of it.

    Raises:
        PlanError: the settings describe no schedule.
        OnecycleError: the log holds no learning rate.
    """
    # Schedules that are tried may divide by zero at some step; the result agrees with no logged value.
    with np.errstate(all="ignore"):
        schedule = settings.schedule(strict=False)
        found = compare(settings, schedule, log, tolerance, row_is)
        if not found.right and log.torn and _is_cut_off(found.alignments[0]):
            before = compare(settings, schedule, log.without_last_row(), tolerance, row_is)
            if before.right:
                found = replace(before, notes=(*before.notes, WITHOUT_LAST))
        if found.right:
            return _right(found, partial=partial)
        cause, series, more = _why(settings, found, log)
        notes, coverage = (*_how_rows_count(series), *found.notes, *more), coverage_of(series, found.unclaimed)
        first = _divergence(series)
        near = found.tolerance if tolerance is not None else series.nearness.written[first.column]
        return Verdict("diverges", series, first, cause, near, None, coverage, notes)


def _is_cut_off(series: Series) -> bool:
    """Return whether only the last row is wrong, and its numbers begin with the digits of the planned ones."""
    last = len(series.values) - 1
    if series.prefix != last or not last:
        return False
    planned = [series.planned_at(last, column) for column in range(len(series.tracks))]
    return all(
        number is not None and _digits(number).startswith(_digits(value))
        for number, value, wrong in zip(planned, series.values[last].tolist(), series.wrong[last], strict=True)
        if wrong
    )


def _digits(value: float) -> str:
    """Return a number's digits, without zeros at their beginning and end: 25 for 2.5, 0.25 and 250."""
    return repr(value).partition("e")[0].replace(".", "").strip("-0")


def _why(settings: OneCycle, found: Comparison, log: Log) -> tuple[Cause, Series, tuple[str, ...]]:
    """Find the cause of a divergence, the series to show, and what to note.

    Values that were computed in float32 miss those of any hypothesis by a little more than they were rounded. Where no
    single cause explains the log, several settings may do together.
    """
    cause, series = find_cause(settings, found.alignments)
    loose = [] if found.looser and found.looser[0].right else found.looser
    if cause.fit < PERFECT and loose:
        in_single, beside = find_cause(settings, loose)
        if in_single.fit >= PERFECT:
            return in_single, beside, (IN_SINGLE,)
    if not cause.is_found:
        from onecycle_cli.run.differences import several_settings

        for alignments, notes in ((found.alignments, ()), (loose, (IN_SINGLE,))):
            several = several_settings(settings, alignments, log) if alignments else None
            if several is not None:
                return several[0], series if series.prefix else several[1], notes
    return cause, series, ()


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
    doubts = _epochs_or_steps(series) if missing is not None else ()
    notes = (*_how_rows_count(series), *doubts, *found.notes)
    verdict: Literal["ok", "incomplete"] = "ok" if missing is None or partial else "incomplete"
    return Verdict(verdict, series, None, cause, found.tolerance, missing, coverage_of(series, found.unclaimed), notes)


def _epochs_or_steps(series: Series) -> Iterator[str]:
    """Note that a log with as many rows as the plan has epochs may have a row for each of them."""
    planned, last = series.schedule, int(series.logged_steps.max())
    epochs = planned.epochs
    if series.reading.unit == "step" and 1 < epochs < planned.total_steps and epochs in (last, last + 1):
        yield (
            f"the log has a row for each of as many steps as the plan has epochs ({epochs:,}): if a row is an "
            "epoch, the scheduler moves once per epoch, which --row-is epoch shows"
        )


def _divergence(series: Series) -> Divergence:
    """Describe the first logged value that is not the planned one."""
    row = series.prefix
    column = int(series.wrong[row].argmax())
    track = series.tracks[column]
    return Divergence(
        step=int(series.logged_steps[row]),
        plan_step=int(series.steps[row]),
        row=row,
        column=column,
        group=track.group,
        field=track.name,
        planned=series.planned_at(row, column),
        logged=float(series.values[row, column]),
    )


def _how_rows_count(series: Series) -> Iterator[str]:
    """Note what the log's rows count, where that is not the schedule's steps."""
    reading, total = series.reading, series.schedule.total_steps
    if reading.note:
        yield reading.note
    elif series.right and int(series.steps.max()) == total:
        yield f"the log counts completed steps: step {total:,} is after the last step of the cycle"
