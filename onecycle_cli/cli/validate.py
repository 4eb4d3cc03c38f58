"""onecycle validate: hold configs in CI."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from onecycle_cli.cli.app import new_app
from onecycle_cli.errors import OnecycleError
from onecycle_cli.findings import Severity
from onecycle_cli.render import findings as render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.findings import Finding

app = new_app()

Format = Literal["full", "concise", "json"]


@app.command()
def validate(
    path: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Files, folders (every YAML file in them), or - for stdin.")
    ],
    format_: Annotated[Format, typer.Option("--format", help="How findings are printed.")] = "full",
    strict: Annotated[bool, typer.Option("--strict", help="Fail on warnings too.")] = False,
) -> None:
    """Check configs, and say every finding in one run."""
    from onecycle_cli.config.checking import check

    checked = check(path)
    if format_ == "json":
        sys.stdout.write(render.as_json(checked.findings, checked.files))
    elif format_ == "concise":
        sys.stdout.writelines(render.concise_lines(checked.findings))
    else:
        render.print_full(checked.findings, checked.texts, sys.stdout)
        if checked.files:
            sys.stdout.write(render.summary(checked.findings, checked.files, checked.skipped))
    if checked.unreadable:
        raise checked.unreadable[0] if len(checked.unreadable) == 1 else _several(checked.unreadable)
    if checked.files == 0:
        raise OnecycleError("no config found: no YAML file there has a one-cycle schedule", "name the file itself")
    raise typer.Exit(1 if _fails(checked.findings, strict=strict) else 0)


def _fails(findings: Sequence[Finding], *, strict: bool) -> bool:
    failing = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    return any(each.severity in failing for each in findings)


def _several(errors: Sequence[OnecycleError]) -> OnecycleError:
    return OnecycleError("; ".join(error.message for error in errors), errors[0].hint)
