"""onecycle init, schema and explain: what there is to know before the first plan."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from onecycle_cli.cli.targets import ForceOption, check_new_file, write_text
from onecycle_cli.cli.usage import nearest
from onecycle_cli.errors import OnecycleError
from onecycle_cli.findings import RULES
from onecycle_cli.formatting import json_text, shorten
from onecycle_cli.policy.conventions import CONVENTIONS
from onecycle_cli.render.lines import width_of


def init(
    file: Annotated[str, typer.Argument(metavar="[FILE]", help="The file to write; - prints it.")] = "onecycle.yaml",
    force: ForceOption = False,
) -> None:
    """Write a commented config to start from.

    Examples:
        onecycle init
        onecycle init new.yaml
        onecycle init -
    """
    from onecycle_cli.render.config_template import config_template

    check_new_file(file, force=force)
    write_text(config_template(), file)


def schema() -> None:
    """Print the JSON Schema (draft-07) of config files.

    Examples:
        onecycle schema
    """
    from onecycle_cli.render.config_template import json_schema

    sys.stdout.write(json_text(json_schema()))


def _topics(incomplete: str) -> list[tuple[str, str]]:
    """Return what `explain` can be asked, for the shell's completion: codes and conventions with their titles."""
    topics = [(code, rule.title) for code, rule in RULES.items()]
    topics += [(name, convention.title) for name, convention in CONVENTIONS.items()]
    typed = incomplete.lower()
    # The shell replaces what was typed, and keeps only completions that begin with it.
    return [(incomplete + word[len(typed) :], about) for word, about in topics if word.lower().startswith(typed)]


def explain(
    topic: Annotated[
        str | None,
        typer.Argument(
            metavar="CODE|CONVENTION",
            autocompletion=_topics,
            help="A finding's code, such as OC104, or a convention, such as fastai; without it, list all.",
        ),
    ] = None,
) -> None:
    """Explain a finding, with an example and its fix, or a convention, with its arithmetic and its defaults.

    Examples:
        onecycle explain OC104
        onecycle explain fastai
        onecycle explain
    """
    from onecycle_cli.render.convention_page import convention_index, convention_page
    from onecycle_cli.render.findings_report import PAGE_WIDTH, rule_index, rule_page

    if topic is None:
        sys.stdout.write(f"{rule_index()}\n{convention_index()}\n")
        sys.stdout.write("`onecycle explain CODE` or `onecycle explain CONVENTION` shows its page.\n")
        return
    named, width = topic.strip(), min(PAGE_WIDTH, width_of(sys.stdout) or PAGE_WIDTH)
    if (rule := RULES.get(named.upper())) is not None:
        sys.stdout.write(rule_page(rule, width))
    elif (convention := CONVENTIONS.get(named.lower().replace("_", "-"))) is not None:
        sys.stdout.write(convention_page(convention, width))
    else:
        near = nearest(named, [*RULES, *CONVENTIONS])
        hint = f"did you mean {near}?" if near else "`onecycle explain` lists all codes and conventions"
        raise OnecycleError(f"unknown code or convention {shorten(topic, 40)!r}", hint)
