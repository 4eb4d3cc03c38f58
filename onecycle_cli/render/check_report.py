"""What `onecycle check` found: for people in a few lines and a table, for machines as JSON."""

from __future__ import annotations

import dataclasses
import math
from typing import IO, TYPE_CHECKING, Any

from onecycle_cli.formatting import (
    DIGITS,
    count,
    distinct_digits,
    divergence,
    finite,
    format_number,
    join_words,
    percent,
    printable,
    proportion,
)
from onecycle_cli.render.lines import columns_that_fit, has_colour, styled, table, width_of, wrap

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onecycle_cli.run import Divergence, Unit, Verdict
    from onecycle_cli.run.logs.log import Log
    from onecycle_cli.run.series import Series

STYLES = {"ok": "good", "incomplete": "warning", "diverges": "error"}

NOUNS: dict[Unit, str] = {
    "step": "step",
    "epoch": "epoch",
    "microbatch": "micro-batch",
    "sample": "sample",
    "log-call": "log call",
    "row": "row",
}
"""What a row's number is called."""

MOST_BAD_ROWS = 20
"""Unreadable rows that are listed one by one."""

ROWS_BEFORE, ROWS_AFTER = 3, 6
"""Rows shown before and after the first that diverges."""

MOST_COLUMNS = 4
"""Parameter groups shown side by side; the one that diverges is always among them."""

LEAST_COLUMNS = 4
"""Columns of the table that are always shown: the mark, the step, the planned and the logged value."""

NONE = "-"
MARK = "→"


def verdict_json(found: Verdict, notes: Sequence[str]) -> dict[str, Any]:
    """Return a verdict as `onecycle check --format json` writes it; a number that JSON does not have is null."""
    first = found.first_divergence
    return {
        "verdict": found.verdict,
        "compared": found.compared,
        "first_divergence": None
        if first is None
        else {
            "step": first.step,
            "field": first.field,
            "planned": None if first.planned is None else finite(first.planned),
            "logged": finite(first.logged),
        },
        "cause": found.cause.slug,
        "advice": found.cause.advice,
        "summary": found.cause.summary,
        "fit": finite(found.cause.fit),
        "step_unit": found.step_unit,
        "offset": found.offset,
        "tolerance": finite(found.tolerance.relative),
        "precision": found.tolerance.name,
        "first_missing_step": found.first_missing_step,
        "coverage": dataclasses.asdict(found.coverage),
        "notes": list(notes),
    }


def print_verdict(found: Verdict, plan: str, stream: IO[str]) -> None:
    """Print a verdict on the plan of some name for people; in colour and wrapped only on a terminal."""
    width, colour = width_of(stream), has_colour(stream)
    for line in wrap(headline(found, plan), width, indent=2):
        stream.write(styled(line, STYLES[found.verdict], colour=colour) + "\n")
    for detail in details(found):
        stream.writelines(f"{line}\n" for line in wrap(detail, width, indent=2))
    if found.first_divergence is not None:
        rows, marked = divergence_rows(found.series, found.first_divergence)
        stream.write("\n" + table(columns_that_fit(rows, width, LEAST_COLUMNS), width, colour=colour, marked=marked))


def bad_rows(log: Log) -> Iterator[str]:
    """Yield what is wrong with each row of a log that could not be read."""
    path = log.path
    for row in log.bad_rows[:MOST_BAD_ROWS]:
        yield f"{path}:{row.line}: {row.why}"
    if len(log.bad_rows) > MOST_BAD_ROWS:
        yield f"{path}: {len(log.bad_rows) - MOST_BAD_ROWS:,} more rows could not be read"


def headline(found: Verdict, plan: str) -> str:
    """Return the result in one line, the verdict first."""
    first = found.first_divergence
    if first is None:
        return f"{outcome(found, plan)} ({compared_values(found)})"
    last = found.series.schedule.total_steps - 1
    return divergence(first.step, first.field, first.planned, first.logged, last)


def outcome(found: Verdict, plan: str) -> str:
    """Return whether the log followed its plan, or from which step not."""
    if found.first_divergence is not None:
        return f"{found.verdict} at {noun(found)} {found.first_divergence.step:,}"
    total, steps = found.series.schedule.total_steps, found.series.logged_step_count
    rows = count(steps, f"logged {noun(found) if found.step_unit == 'epoch' else 'step'}")
    checked = f" for group {join_words(list(found.coverage.groups))}" if found.coverage.groups_not_checked else ""
    followed = f"{found.verdict}{printable(checked)}: {rows} followed the plan {printable(plan)}".rstrip()
    if found.first_missing_step is not None:
        return f"{followed} so far, steps {found.first_missing_step:,} to {total - 1:,} are missing"
    return followed if steps == total else f"{followed} of {total:,} steps"


def noun(found: Verdict) -> str:
    """Return what the numbers of a log's rows are called."""
    return _noun(found.series)


def _noun(series: Series) -> str:
    return "step" if series.reading.counted is series.reading.clock else NOUNS[series.reading.unit]


def is_moved(series: Series) -> bool:
    """Return whether rows have other numbers than the schedule's steps."""
    return bool((series.steps != series.logged_steps).any())


def compared_values(found: Verdict) -> str:
    """Return how many values were compared, and of what."""
    tracks = found.series.tracks
    fields, groups = dict.fromkeys(track.field for track in tracks), {track.group for track in tracks}
    of = f" of {len(groups)} parameter groups" if len(groups) > 1 else ""
    return f"{count(found.compared, 'value')}: {join_words(list(fields))}{of}"


def details(found: Verdict) -> Iterator[str]:
    """Yield the cause and how much of the log it explains, the advice, and how the comparison was made, a line each."""
    cause, series, many = found.cause, found.series, count(found.compared, "value")
    share = f"{proportion(cause.fit, 1, 3)} of {many}" if cause.fit != 1 else f"all {many}"
    explained = f" (explains {'the only value' if found.compared == 1 else share})"
    if not cause.is_found:
        explained = f" ({share} {'matches' if found.compared == 1 else 'match'} the plan)"
    if found.verdict == "incomplete":
        explained = ""
    if found.verdict != "ok":
        yield f"cause: {cause.slug}{explained}"
        yield f"  {printable(cause.summary)}"
        yield f"fix: {printable(cause.advice)}"
    compared = []
    if is_moved(series):
        row = int((series.steps >= 0).argmax())
        counted, step = int(series.logged_steps[row]), int(series.steps[row])
        same = f"the log's {noun(found)} {counted:,} is the plan's step {step:,}"
        plain = (series.steps == series.logged_steps + series.offset).all()
        compared.append(f"offset {series.offset:+d} ({same})" if plain else same)
    if tolerances := list(_tolerances(found)):
        compared.append(f"tolerance {' and '.join(tolerances)}")
    if compared:
        yield f"compared with {', '.join(compared)}"
    if found.coverage.is_partial:
        yield str(found.coverage)


def _tolerances(found: Verdict) -> Iterator[str]:
    """Yield how near counted as equal, and for momentum apart where that was written in another precision."""
    near, first, written = found.tolerance, found.first_divergence, found.series.nearness.written
    differ, what = written[-1].name != written[0].name, "value"
    if first is not None and differ:
        what = found.series.tracks[first.column].field
    if near.name != "exact":
        yield f"{near.relative:.2g} of the planned {what} ({_form(near.name)})"
    if first is None and near.name != "given" and differ and written[-1].name != "exact":
        yield f"{written[-1].relative:.2g} of the planned momentum ({_form(written[-1].name)})"


def _form(name: str) -> str:
    """Return how values of a precision were written, or that the tolerance was given."""
    return "as given" if name == "given" else f"the log is written to {name}" if name[0].isdigit() else name


def divergence_rows(series: Series, first: Divergence) -> tuple[list[list[str]], int]:
    """Return a table of step, planned, logged and difference, and the number of the row that diverges first."""
    # Columns of the same field, in the log's order; of many, the first ones and the one that diverges.
    moved, field = is_moved(series), series.tracks[first.column].field
    columns = [at for at, track in enumerate(series.tracks) if track.field == field]
    if len(columns) > MOST_COLUMNS:
        others = [column for column in columns if column != first.column]
        columns = sorted([*others[: MOST_COLUMNS - 1], first.column])
    digits = DIGITS[0] if first.planned is None else distinct_digits(first.planned, first.logged)
    titles = ["", _noun(series), *(["plan's step"] if moved else [])]
    for column in columns:
        label = series.tracks[column].label
        titles += [f"planned {label}", f"logged {label}", "difference"]
    shown = list(_rows(series, first))
    rows = [[*titles, *(["of planned"] if len(columns) == 1 else [])]]
    for row in shown:
        counted, step = int(series.logged_steps[row]), int(series.steps[row])
        cells = [MARK if row == first.row else "", f"{counted:,}", *([f"{step:,}"] if moved else [])]
        for column in columns:
            cells += _cells(series.planned_at(row, column), float(series.values[row, column]), digits)
        if len(columns) == 1:
            planned, logged = series.planned_at(row, first.column), float(series.values[row, first.column])
            known = bool(planned) and math.isfinite(logged)
            share = (logged - planned) / abs(planned) if planned and known else 0.0
            cells.append(NONE if not known else percent(share, sign="+") if share else "0")
        rows.append(cells)
    return rows, 1 + shown.index(first.row)


def _rows(series: Series, first: Divergence) -> Iterator[int]:
    """Yield the rows around the first divergence that hold a value."""
    values = series.values[:, first.column]
    # A column logged less often than the others: look for its rows among up to 50 times as many.
    before = [row for row in range(max(first.row - 50 * ROWS_BEFORE, 0), first.row) if not math.isnan(values[row])]
    after = range(first.row + 1, min(first.row + 50 * ROWS_AFTER, len(values)))
    yield from before[-ROWS_BEFORE:]
    yield first.row
    yield from [row for row in after if not math.isnan(values[row])][:ROWS_AFTER]


def _cells(planned: float | None, logged: float, digits: int) -> list[str]:
    shown = NONE if math.isnan(logged) else format_number(logged, digits)
    if planned is None or math.isnan(logged):
        return [NONE if planned is None else format_number(planned, digits), shown, NONE]
    gap = logged - planned
    return [format_number(planned, digits), shown, f"{gap:+.3g}" if gap else "0"]
