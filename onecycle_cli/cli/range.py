"""onecycle range: what the rules for choosing a peak read off a test of learning rates."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from onecycle_cli.cli.logs import PatternOption, read_columns
from onecycle_cli.cli.targets import print_notes, print_warnings
from onecycle_cli.render.check_report import bad_rows

LogOfTest = Annotated[
    str,
    typer.Argument(metavar="LOG", help="The log of a range test, of any kind, or a run's folder; - is standard input."),
]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="KEY=NAME", help="The column to read: lr=, loss= or step=NAME."),
]
RawOption = Annotated[
    bool | None,
    typer.Option(
        "--raw/--smoothed", help="Whether the log's losses are raw or smoothed (default: found out, and said)."
    ),
]


def range(  # noqa: A001 - a command's function has its name
    log: LogOfTest,
    column: ColumnOption = None,
    pattern: PatternOption = None,
    raw: RawOption = None,
    format_: Annotated[Literal["table", "json", "csv"], typer.Option("--format", help="Output format.")] = "table",
) -> None:
    """Read an LR range test: what each rule takes for the peak, side by side. None of them is always right.

    Exit 0 if they have something to go by, 1 if not: the loss never fell, or there are too few rows for any rule.

    Examples:
        onecycle range range-test.csv
        onecycle range history.json --format json
        onecycle range range-test.csv --column lr=lr --column loss=loss
    """
    from onecycle_cli.render.range_report import print_range, range_csv, range_json, sentences
    from onecycle_cli.run.logs import read_log
    from onecycle_cli.run.range_test.analysis import analyse

    logged = read_log(log, read_columns(column, loss=True), pattern or ())
    test, notes = analyse(logged, raw=raw)
    print_warnings([*bad_rows(logged), *sentences(test)])
    if format_ == "json":
        sys.stdout.write(range_json(test, logged.path, notes))
    else:
        print_notes(notes)
        if format_ == "csv":
            sys.stdout.write(range_csv(test))
        else:
            print_range(test, logged.path, sys.stdout)
    if not test.answers:
        raise typer.Exit(1)
