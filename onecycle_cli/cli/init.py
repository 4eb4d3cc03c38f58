"""onecycle init: begin a config."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from onecycle_cli.cli.app import new_app
from onecycle_cli.errors import OnecycleError

app = new_app()


@app.command()
def init(
    file: Annotated[str, typer.Argument(metavar="[FILE]", help="Where to write it; - prints it.")] = "onecycle.yaml",
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that exists.")] = False,
) -> None:
    """Write a commented config to begin with."""
    from onecycle_cli.render.config_template import config_template
    from onecycle_cli.render.output import whole_file

    if file == "-":
        sys.stdout.write(config_template())
        return
    path = Path(file)
    if path.is_dir():
        raise OnecycleError(f"{file} is a folder", f"name the file in it: {path / 'onecycle.yaml'}")
    if path.exists() and not force:
        raise OnecycleError(f"{file} exists", "give --force to overwrite it, or another name")
    with whole_file(path) as stream:
        stream.write(config_template().encode())
    sys.stdout.write(f"{file}\n")
