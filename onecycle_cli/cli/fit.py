"""onecycle fit: from a log back to a config."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from onecycle_cli.cli.app import new_app
from onecycle_cli.cli.logs import ColumnOption, LogArgument, read_columns
from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import printable, proportion
from onecycle_cli.render.check_report import bad_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.run.fitting import Fitted

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
    from onecycle_cli.render.fitted import to_config
    from onecycle_cli.run.fitting import fit as fit_log
    from onecycle_cli.run.logs import read_log

    columns = read_columns(column)
    logged = read_log(log, columns)
    fitted = fit_log(logged)
    sys.stderr.writelines(bad_rows(logged))
    sys.stderr.writelines(f"note: {printable(each)}\n" for each in (*logged.notes, *fitted.undetermined))
    told = list(_told(fitted))
    text = _as_json(fitted) if format_ == "json" else to_config(fitted.settings, logged.path, told, fitted.undetermined)
    _write(text, output)


def _check_place(file: str, *, force: bool) -> None:
    """Refuse, by an OnecycleError, a file that exists, before any work is done."""
    path = Path(file)
    if path.is_dir():
        raise OnecycleError(f"{file} is a folder", f"name the file in it: {path / 'onecycle.yaml'}")
    if path.exists() and not force:
        raise OnecycleError(f"{file} exists", "give --force to overwrite it, or another name")


def _told(fitted: Fitted) -> Iterator[str]:
    """Say how well the settings fit, and how the log counts."""
    explained = "all" if fitted.explained == 1 else proportion(fitted.explained, 1, 3)
    tolerance = "" if fitted.tolerance.name == "exact" else f", written as {fitted.tolerance.name}"
    yield f"It gives {explained} of the logged values{tolerance}."
    if fitted.offset:
        yield f"A step of the log {fitted.offset:+d} is the schedule's step."


def _as_json(fitted: Fitted) -> str:
    told = {
        "settings": fitted.settings,
        "offset": fitted.offset,
        "explained": fitted.explained,
        "tolerance": fitted.tolerance.relative,
        "precision": fitted.tolerance.name,
        "undetermined": fitted.undetermined,
    }
    return json.dumps(told, indent=2, allow_nan=False) + "\n"


def _write(text: str, output: str) -> None:
    if output == "-":
        sys.stdout.write(text)
        return
    from onecycle_cli.render.whole import whole_file

    with whole_file(Path(output)) as stream:
        stream.write(text.encode())
    sys.stdout.write(f"{output}\n")
