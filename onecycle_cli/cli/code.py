"""onecycle code: a plan as a snippet to paste into the training script."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from onecycle_cli.cli.app import new_app
from onecycle_cli.cli.options import Request, takes_plan
from onecycle_cli.cli.plans import one_plan
from onecycle_cli.render.code import Framework
from onecycle_cli.render.code import code as write

app = new_app()

_CODE = "Code"


@app.command()
@takes_plan
def code(
    request: Request,
    framework: Annotated[Framework, typer.Option("--framework", rich_help_panel=_CODE, help="Whose code to write.")],
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE", rich_help_panel=_CODE, help="Where to; - is stdout.")
    ] = "-",
) -> None:
    """Write a plan as code to paste: the scheduler, where it is stepped, and what it cannot follow."""
    from onecycle_cli.render.output import whole_file

    plan = one_plan(request)
    text = write(framework, plan.name, plan.settings, plan.schedule)
    if output == "-":
        sys.stdout.write(text)
        return
    with whole_file(Path(output)) as stream:
        stream.write(text.encode())
