"""onecycle export: the schedule's numbers, for spreadsheets, notebooks and other programs."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from onecycle_cli.cli.app import new_app
from onecycle_cli.cli.options import Request, takes_plan
from onecycle_cli.cli.plans import one_plan
from onecycle_cli.errors import OnecycleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

app = new_app()

Format = Literal["csv", "jsonl", "npz", "parquet"]
TEXT = ("csv", "jsonl")
LASTS = 2_000_000
"""Rows that take longer than a person waits without a word."""

_ROWS = "Rows"


@app.command()
@takes_plan
def export(
    request: Request,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE", rich_help_panel=_ROWS, help="Where to; - is stdout.")
    ] = "-",
    format_: Annotated[
        Format | None,
        typer.Option("--format", rich_help_panel=_ROWS, help="By default by the file's ending, else csv."),
    ] = None,
    from_: Annotated[
        int | None, typer.Option("--from", metavar="STEP", rich_help_panel=_ROWS, help="The first step.")
    ] = None,
    to: Annotated[
        int | None, typer.Option("--to", metavar="STEP", rich_help_panel=_ROWS, help="The step before which to end.")
    ] = None,
    every: Annotated[int, typer.Option("--every", metavar="N", rich_help_panel=_ROWS, help="Every Nth step.")] = 1,
) -> None:
    """Write a row a step, every number exact: step, epoch, lr, momentum."""
    from onecycle_cli.render.output import whole_file
    from onecycle_cli.render.step_table import export as write
    from onecycle_cli.render.step_table import format_of, window

    chosen = format_ or ("csv" if output == "-" else format_of(Path(output)))
    schedule = one_plan(request).schedule
    rows = window(schedule, from_, to, every)
    if output == "-":
        if chosen not in TEXT and sys.stdout.isatty():
            raise OnecycleError(f"{chosen} is no text for a terminal", f"name a file: -o schedule.{chosen}")
        write(schedule, rows, chosen, sys.stdout.buffer)
        return
    with _progress(rows.size) as advance, whole_file(Path(output)) as stream:
        write(schedule, rows, chosen, stream, advance)


@contextmanager
def _progress(rows: int) -> Iterator[Callable[[int], None] | None]:
    """Show a bar on standard error where writing lasts and somebody watches."""
    if rows < LASTS or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("rows", total=rows)
        yield lambda written: progress.update(task, completed=written)
