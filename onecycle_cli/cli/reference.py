"""onecycle init, schema and explain: what there is to know before the first plan."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from onecycle_cli.cli.targets import STDOUT, ForceOption, check_new_file, write_text
from onecycle_cli.errors import OnecycleError
from onecycle_cli.findings import RULES


def init(
    file: Annotated[str, typer.Argument(metavar="[FILE]", help="The file to write; - prints it.")] = "onecycle.yaml",
    force: ForceOption = False,
) -> None:
    """Write a commented config to start from."""
    from onecycle_cli.render.config_template import config_template

    check_new_file(file, force=force)
    write_text(config_template(), file)
    if file != STDOUT:
        sys.stdout.write(f"{file}\n")


def schema() -> None:
    """Print the JSON Schema (draft-07) of config files."""
    from onecycle_cli.render.config_template import json_schema

    sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")


def explain(
    code: Annotated[
        str | None, typer.Argument(metavar="[CODE]", help="A finding's code, such as OC104; without it, list all.")
    ] = None,
) -> None:
    """Explain a finding, with an example and its fix."""
    from onecycle_cli.render.findings_report import rule_index, rule_page

    if code is None:
        sys.stdout.write(rule_index())
        return
    rule = RULES.get(code.strip().upper())
    if rule is None:
        raise OnecycleError(f"unknown code {code[:40]!r}", "`onecycle explain` lists all codes")
    sys.stdout.write(rule_page(rule))
