"""onecycle fit: from a log back to a config."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from onecycle_cli.cli.logs import ColumnOption, LogArgument, PatternOption, read_columns
from onecycle_cli.cli.targets import (
    ForceOption,
    check_new_file,
    check_not_input,
    print_notes,
    print_warnings,
    write_text,
)
from onecycle_cli.render.check_report import bad_rows


def fit(
    log: LogArgument,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE", help="Where to write the config; - prints it.")
    ] = "-",
    force: ForceOption = False,
    column: ColumnOption = None,
    pattern: PatternOption = None,
    format_: Annotated[Literal["yaml", "json"], typer.Option("--format", help="Output format.")] = "yaml",
) -> None:
    """Recover a run's config from its log: exit 0 if `check --partial` accepts it on that log, 1 if it does not.

    Examples:
        onecycle fit run.csv
        onecycle fit run.csv -o recovered.yaml
        onecycle fit run.csv --column step=step --column lr=lr
    """
    check_not_input(output, [log])
    check_new_file(output, force=force)
    from onecycle_cli.render.fit_report import fit_json, fit_yaml
    from onecycle_cli.run.fit import fit as fit_log
    from onecycle_cli.run.logs import read_log

    logged = read_log(log, read_columns(column), pattern or ())
    found = fit_log(logged)
    print_warnings(bad_rows(logged))
    print_notes([*logged.notes, *found.notes])
    write_text(fit_json(found) if format_ == "json" else fit_yaml(found, logged.path), output)
    if not found.accepted:
        raise typer.Exit(1)
