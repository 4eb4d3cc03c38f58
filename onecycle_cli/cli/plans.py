"""The plans that a command works on: loaded as the user asked, with everything that was found printed once."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

import typer

from onecycle_cli.cli.targets import print_notes
from onecycle_cli.config import load
from onecycle_cli.errors import OnecycleError
from onecycle_cli.findings import Severity
from onecycle_cli.formatting import flag_name
from onecycle_cli.policy.comparison import in_effect
from onecycle_cli.render.findings_report import print_briefly, print_findings
from onecycle_cli.render.lines import width_of
from onecycle_cli.render.plan_report import settings_origin
from onecycle_cli.render.short_names import short_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onecycle_cli.config import Loaded, NamedPlan, Request
    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.references import Reference
    from onecycle_cli.policy.schedule import Schedule


def plans(request: Request) -> list[NamedPlan]:
    """Return every plan asked for, as `load_plans` does."""
    return [made.plan for made in load_plans(request).plans if made.plan is not None]


def load_plans(request: Request, renamed: Mapping[str, str] = MappingProxyType({})) -> Loaded:
    """Load every plan asked for, none of them with errors; print notes and findings on standard error.

    Warnings and errors are printed with their source lines if there are errors, else without. `renamed` are the flags
    of settings that have another name in this command.

    Raises:
        OnecycleError: nothing is asked for, or a config cannot be read.
        typer.Exit: a plan has errors.
    """
    if not request.configs and not request.flags:
        length = flag_name(renamed.get("total_steps", "total_steps"))
        raise OnecycleError(
            "nothing to plan",
            f"name a config, or give --max-lr and a length such as {length} 1000",
        )
    if not request.configs and (request.assignments or request.block is not None):
        flag, sets = ("--set", "a value of a config") if request.assignments else ("--block", "a block of a config")
        raise OnecycleError(f"{flag} needs a config: it names {sets}", "name the config, or leave the flag out")
    loaded = load(request)
    for made in loaded.plans:
        print_notes(made.notes)
        if made.settings is not None and made.settings.verbose:
            sys.stderr.write(settings_origin(made.settings, made.file, made.in_file, made.flags, width_of(sys.stderr)))
        shown = [_with_flags(found, renamed) for found in made.findings if found.severity is not Severity.INFO]
        if any(finding.severity is Severity.ERROR for finding in shown):
            print_findings(shown, loaded.texts, sys.stderr)
        else:
            print_briefly(shown, sys.stderr)
    if any(made.plan is None for made in loaded.plans):
        raise typer.Exit(2)
    return loaded


def _with_flags(finding: Finding, renamed: Mapping[str, str]) -> Finding:
    """Return a finding that names the flags of a command that has other ones."""
    hint = finding.hint
    for setting, name in renamed.items():
        named = flag_name(setting) if finding.file is not None else f"(?:{flag_name(setting)}|{setting})"
        hint = re.sub(rf"(?<!\S){named}(?![\w-])", flag_name(name), hint)
    setting = finding.setting or ""
    flag = flag_name(renamed[setting]) if finding.flag and setting in renamed else finding.flag
    return replace(finding, hint=hint, flag=flag)


AgainstOption = Annotated[
    list[str] | None,
    typer.Option(
        "--against",
        metavar="SHAPE[:SETTING=VALUE,…]",
        help="A schedule to set beside the plans: cosine, linear, constant or wsd, such as wsd:warmup=0.05,decay=0.2. "
        "Repeatable.",
    ),
]


def references(texts: Sequence[str] | None, plan: NamedPlan) -> list[tuple[Reference, Schedule]]:
    """Return the schedules of other shapes that `--against` sets beside a plan.

    Raises:
        OnecycleError: one of them is not a reference, or does not fit the plan's length.
    """
    if not texts:
        return []
    from onecycle_cli.policy.references import read_references

    return [(found, found.beside(plan.schedule)) for found in read_references(texts)]


def one_plan(request: Request, renamed: Mapping[str, str] = MappingProxyType({})) -> NamedPlan:
    """Return the one plan of a command that cannot take several; `renamed` as in `load_plans`."""
    if max(map(len, (request.configs, request.conventions, request.variations))) > 1:
        raise OnecycleError(
            "this command takes one plan, got several", "name one config and one convention, without --vary"
        )
    return next(made.plan for made in load_plans(request, renamed).plans if made.plan is not None)


_NEVER_IN_NAMES = ("groups", "steps_per_epoch", "final_momentum")
"""Settings that follow from others, or cannot be seen in a curve."""


def plan_names(planned: Sequence[NamedPlan]) -> list[str]:
    """Return a short and distinct name for each of several plans."""
    if len(planned) == 1:
        return [planned[0].label]
    names = [plan.variation for plan in planned]
    if len(set(names)) == len(names):
        return names
    names = [plan.full_name for plan in planned]
    if 1 < len(set(names)) < len(names):
        names = [plan.label for plan in planned]
    settings = [in_effect(plan.settings, plan.schedule.plan) for plan in planned]
    shown = [{key: value for key, value in own.items() if key not in _NEVER_IN_NAMES} for own in settings]
    return short_names(names, shown, given=all(plan.settings.name for plan in planned))
