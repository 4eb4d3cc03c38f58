"""onecycle fit: from a log back to a config."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from onecycle_cli.cli.app import new_app
from onecycle_cli.cli.logs import ColumnOption, LogArgument, read_columns
from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import printable
from onecycle_cli.render.check_report import bad_rows

app = new_app()


@app.command()
def fit(
    log: LogArgument,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE", help="Where to write the config; - prints it.")
    ] = "-",
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that exists.")] = False,
    column: ColumnOption = None,
    format_: Annotated[
        Literal["yaml", "json"], typer.Option("--format", help="A config, or its settings for machines.")
    ] = "yaml",
) -> None:
    """Recover the config that a logged run was made with."""
    if output != "-":
        _check_place(output, force=force)
    from onecycle_cli.render.fit_report import fit_json, fit_yaml
    from onecycle_cli.run.fit import fit as fit_log
    from onecycle_cli.run.logs import read_log

    logged = read_log(log, read_columns(column))
    found = fit_log(logged)
    sys.stderr.writelines(bad_rows(logged))
    sys.stderr.writelines(f"note: {printable(note)}\n" for note in (*logged.notes, *found.undetermined))
    _write(fit_json(found) if format_ == "json" else fit_yaml(found, logged.path), output)


def _check_place(file: str, *, force: bool) -> None:
    """Refuse, by an OnecycleError, a file that exists, before any work is done."""
    path = Path(file)
    if path.is_dir():
        raise OnecycleError(f"{file} is a folder", f"name the file in it: {path / 'onecycle.yaml'}")
    if path.exists() and not force:
        raise OnecycleError(f"{file} exists", "give --force to overwrite it, or another name")


def _write(text: str, output: str) -> None:
    if output == "-":
        sys.stdout.write(text)
        return
    from onecycle_cli.render.output import whole_file

    with whole_file(Path(output)) as stream:
        stream.write(text.encode())
    sys.stdout.write(f"{output}\n")
