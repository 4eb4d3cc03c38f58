"""What `onecycle check` found: for people in a few lines and a table, for machines as JSON."""

from __future__ import annotations

import textwrap
from typing import IO, TYPE_CHECKING, Any

from onecycle_cli.formatting import count, finite, format_number, join_words, printable, proportion
from onecycle_cli.render.divergence import divergence_table
from onecycle_cli.render.overview import UNBOUNDED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onecycle_cli.render.held import Held
    from onecycle_cli.run.logs.log import Log
    from onecycle_cli.run.verdict import Cause, Divergence, Verdict

COLOURS = {"ok": "bold green", "incomplete": "bold yellow", "diverges": "bold red"}
MOST_BAD_ROWS = 20
"""Rows that could not be read, of which each is said why."""


def verdict_json(found: Verdict, notes: Sequence[str]) -> dict[str, Any]:
    """Give a verdict as the JSON of `onecycle check` has it; a number that JSON has no word for is null."""
    return {
        "verdict": found.verdict,
        "compared": found.compared,
        "first_divergence": _divergence(found.first_divergence),
        "cause": found.cause.slug,
        "advice": found.cause.advice,
        "summary": found.cause.summary,
        "fit": finite(found.cause.fit),
        "offset": found.offset,
        "tolerance": finite(found.tolerance.relative),
        "precision": found.tolerance.name,
        "first_missing_step": found.first_missing_step,
        "notes": list(notes),
    }


def _divergence(found: Divergence | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "step": found.step,
        "field": found.field,
        "planned": None if found.planned is None else finite(found.planned),
        "logged": finite(found.logged),
    }


def print_verdict(held: Held, stream: IO[str]) -> None:
    """Print a verdict for people; coloured where the stream is a terminal, and never cut off where it is not."""
    from rich.text import Text

    from onecycle_cli.render.console import Console

    console = Console(stream)
    room = console.width if console.is_terminal else UNBOUNDED
    console.width = UNBOUNDED
    found = held.verdict
    with console.capture() as printed:
        console.print(Text(headline(held), style=COLOURS[found.verdict]))
        for line in _details(held):
            console.print(textwrap.fill(line, room, subsequent_indent="  ") if len(line) > room else line)
        if found.first_divergence is not None:
            console.print("", divergence_table(held), sep="\n")
    stream.writelines(f"{line.rstrip()}\n" for line in printed.get().splitlines())


def bad_rows(log: Log) -> Iterator[str]:
    """Say which rows of a log could not be read, and why."""
    path = printable(log.path)
    for row in log.bad_rows[:MOST_BAD_ROWS]:
        yield f"{path}:{row.line}: {printable(row.why)}\n"
    if len(log.bad_rows) > MOST_BAD_ROWS:
        yield f"{path}: {len(log.bad_rows) - MOST_BAD_ROWS:,} more rows could not be read\n"


def headline(held: Held) -> str:
    """Say in a line what came of it, the verdict first."""
    first = held.verdict.first_divergence
    return f"{outcome(held)}: {_what_differs(held, first)}" if first else f"{outcome(held)} ({values(held)})"


def outcome(held: Held) -> str:
    """Say whether the log followed its plan, or from which step not."""
    found, total = held.verdict, held.schedule.total_steps
    if found.first_divergence is not None:
        return f"{found.verdict} at step {found.first_divergence.step:,}"
    steps = _logged_steps(held)
    followed = f"{found.verdict}: {count(steps, 'logged step')} followed the plan {printable(held.plan)}".rstrip()
    if found.first_missing_step is not None:
        return f"{followed} so far, steps {found.first_missing_step:,} to {total - 1:,} are missing"
    return followed if steps == total else f"{followed} of {total:,} steps"


def values(held: Held) -> str:
    """Say how many values were compared, and of what."""
    fields = dict.fromkeys(each.field for each in held.series)
    groups = len({each.group for each in held.series})
    of = f" of {groups} parameter groups" if groups > 1 else ""
    return f"{count(held.verdict.compared, 'value')}: {join_words(list(fields))}{of}"


def _what_differs(held: Held, first: Divergence) -> str:
    field = printable(first.field)
    if first.planned is None:
        total = held.schedule.total_steps
        return f"{field} is {format_number(first.logged)}, where the plan of {total:,} steps has no step"
    planned, logged = told_apart(first.planned, first.logged)
    return f"{field} is {logged}, planned is {planned}"


def told_apart(one: float, other: float) -> tuple[str, str]:
    """Write two numbers for people, with as many digits as it takes to see that they are two."""
    for digits in (6, 9, 12, 15):
        texts = f"{one:.{digits}g}", f"{other:.{digits}g}"
        if texts[0] != texts[1]:
            return texts
    return repr(one), repr(other)


def _logged_steps(held: Held) -> int:
    import numpy as np

    return int(np.unique(held.log.steps).size)


def _details(held: Held) -> Iterator[str]:
    """Give the cause, the advice, and how the comparison was made, a line each."""
    found = held.verdict
    if found.verdict != "ok":
        yield f"cause: {_cause(found)}"
        yield f"  {printable(found.cause.summary)}"
        yield f"to do: {printable(found.cause.advice)}"
    compared = [*_offset(held), *_tolerance(found)]
    if compared:
        yield f"compared with {', '.join(compared)}"


def _cause(found: Verdict) -> str:
    """Name the cause, and say how much of the log it explains."""
    cause, many = found.cause, f"{found.compared:,} values"
    if cause.slug == "unknown":
        return f"unknown ({_share(cause)} of {many} are as planned)"
    if found.verdict == "incomplete":
        return cause.slug
    return f"{cause.slug} (explains {'all' if cause.fit == 1 else f'{_share(cause)} of'} {many})"


def _share(cause: Cause) -> str:
    """Give a share in percent, cut off rather than rounded: what is not all is not 100 %."""
    return proportion(cause.fit, 1, 3)


def _offset(held: Held) -> Iterator[str]:
    offset, steps = held.verdict.offset, held.log.steps
    if offset and steps.size:
        row = int((steps + offset >= 0).argmax())
        step = int(steps[row])
        yield f"offset {offset:+d} (the log's step {step:,} is the plan's step {step + offset:,})"


def _tolerance(found: Verdict) -> Iterator[str]:
    relative, name = found.tolerance.relative, found.tolerance.name
    if name != "exact":
        why = "as given" if name == "given" else f"the log is written to {name}" if name[0].isdigit() else name
        yield f"tolerance {relative:.2g} of the planned value ({why})"
