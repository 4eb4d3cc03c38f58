"""A plan as `onecycle show` prints it: answers, phases, and a table of steps."""

from __future__ import annotations

from dataclasses import asdict
from typing import IO, TYPE_CHECKING, Any

from onecycle_cli.formatting import format_number, printable
from onecycle_cli.policy.summary import summarize, warmup_steps
from onecycle_cli.render.answers import MOST_GROUPS, answers
from onecycle_cli.render.rows import columns, table_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from onecycle_cli.policy.ramps import Phase
    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.render.console import Console

UNBOUNDED = 100_000
"""Columns for a line: a number broken in two reads as another number, so lines are left to the terminal to wrap."""


def overview(name: str, schedule: Schedule, convention: str, steps: Sequence[int]) -> dict[str, Any]:
    """Give a plan as the JSON of `onecycle show` has it."""
    warmup = warmup_steps(schedule)
    return {
        "name": name,
        "total_steps": schedule.total_steps,
        "steps_per_epoch": schedule.steps_per_epoch,
        "length_from": schedule.plan.length.came_from,
        "convention": convention,
        "groups": [asdict(summarize(schedule, group)) for group in range(len(schedule.groups))],
        "phases": [_phase(phase) for phase in schedule.phases],
        "warmup": {"steps": warmup, "fraction": warmup / schedule.total_steps},
        "rows": list(table_rows(schedule, steps)),
    }


def _phase(phase: Phase) -> dict[str, Any]:
    """Give a phase; its learning rates are those of the first group, and each group's where there are several."""
    entry: dict[str, Any] = {
        "name": phase.name,
        "first_step": phase.first_step,
        "last_step": phase.last_step,
        "start_lr": phase.lr[0].start,
        "end_lr": phase.lr[0].end,
    }
    if len(phase.lr) > 1:
        entry["groups"] = [{"start_lr": ramp.start, "end_lr": ramp.end} for ramp in phase.lr]
    return entry


def print_overview(
    name: str, schedule: Schedule, convention: str, momentum_word: str, steps: Sequence[int], stream: IO[str]
) -> None:
    """Print a plan for people; coloured where the stream is a terminal, and never cut off where it is not."""
    from onecycle_cli.render.console import Console

    console = Console(stream)
    console.width = UNBOUNDED
    with console.capture() as printed:
        _print_answers(console, name, schedule, convention, momentum_word)
        console.print(_phases(schedule), "", _rows(schedule, steps, momentum_word), sep="\n")
    stream.writelines(f"{line.rstrip()}\n" for line in printed.get().splitlines())


def _print_answers(console: Console, name: str, schedule: Schedule, convention: str, momentum_word: str) -> None:
    from rich.text import Text

    console.print(Text.assemble((printable(name), "bold"), (f"  ({convention} convention)", "dim")))
    lines = answers(schedule, momentum_word)
    width = max(len(word) for word, _ in lines)
    console.print(*(f"  {printable(word):<{width}}  {printable(line)}" for word, line in lines), "", sep="\n")


def _phases(schedule: Schedule) -> Any:
    several = len(schedule.groups) > 1
    rates = [f"lr {name}" if several else "lr" for name in schedule.groups[:MOST_GROUPS]]
    table = _table(("phase", "first step", "last step", "steps", *rates))
    for phase in schedule.phases:
        ramps = (f"{format_number(ramp.start)} → {format_number(ramp.end)}" for ramp in phase.lr[:MOST_GROUPS])
        table.add_row(phase.name, f"{phase.first_step:,}", f"{phase.last_step:,}", f"{phase.steps:,}", *ramps)
    return table


def _rows(schedule: Schedule, steps: Iterable[int], momentum_word: str) -> Any:
    names = columns(schedule)
    titles = [name.replace("momentum", momentum_word, 1) if name.startswith("momentum") else name for name in names]
    table = _table([*titles, "phase"])
    for row in table_rows(schedule, steps):
        cells = [f"{value:,}" if isinstance(value, int) else format_number(value) for value in row.values()]
        phase = next(each.name for each in schedule.phases if row["step"] <= each.last_step)
        table.add_row(*cells, phase)
    return table


def _table(titles: Sequence[str]) -> Any:
    from rich.table import Table

    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for at, title in enumerate(titles):
        words = title == "phase" or at == len(titles) - 1
        table.add_column(printable(title), justify="left" if words else "right", no_wrap=True)
    return table
