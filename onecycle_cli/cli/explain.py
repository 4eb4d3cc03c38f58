"""onecycle explain: what a finding means, an example, and how to mend it."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from onecycle_cli.cli.app import new_app
from onecycle_cli.errors import OnecycleError
from onecycle_cli.findings import RULES

app = new_app()


@app.command()
def explain(
    code: Annotated[
        str | None, typer.Argument(metavar="[CODE]", help="A finding's code, such as OC104; none lists all.")
    ] = None,
) -> None:
    """Say what a finding means, with an example and the way to mend it."""
    from onecycle_cli.render.findings_report import rule_index, rule_page

    if code is None:
        sys.stdout.write(rule_index())
        return
    rule = RULES.get(code.strip().upper())
    if rule is None:
        raise OnecycleError(f"no finding has the code {code[:40]!r}", "`onecycle explain` lists the codes")
    sys.stdout.write(rule_page(rule))
