"""From what a user asked for to schedules: configs read, flags laid over them, findings said."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from onecycle_cli.cli.options import flag_values
from onecycle_cli.errors import OnecycleError
from onecycle_cli.findings import Severity
from onecycle_cli.formatting import flag_name
from onecycle_cli.policy.checks.ranges import unsupported
from onecycle_cli.policy.conventions import CONVENTIONS
from onecycle_cli.policy.validation import validate_settings
from onecycle_cli.render.findings_report import concise_lines, print_findings
from onecycle_cli.render.plan_report import settings_origin

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from onecycle_cli.cli.options import Request
    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.onecycle import OneCycle
    from onecycle_cli.policy.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan ready to be rendered.

    `stem` names its files, `name` stands in tables; `label` tells it apart in legends, also from the same plan under
    another convention.
    """

    stem: str
    name: str
    label: str
    settings: OneCycle
    schedule: Schedule


def plans(request: Request, *, leave_out_lacking: bool = False) -> list[Planned]:
    """Make every plan asked for: each config, or the flags alone, under each convention.

    Findings go to standard error. Any error among them ends the command with exit code 1. With `leave_out_lacking`,
    what a convention asked for by flag lacks is left out of its plan with a note, and is no error.
    """
    if not request.configs and not request.flags:
        raise OnecycleError(
            "nothing to plan", "name a config, or give --max-lr and a length such as --total-steps 1000"
        )
    made = [
        _plan(path, convention, request, leave_out_lacking=leave_out_lacking)
        for path in request.configs or (None,)
        for convention in request.conventions or (None,)
    ]
    planned = [each for each in made if each is not None]
    if len(planned) < len(made):
        raise typer.Exit(1)
    return planned


def one_plan(request: Request) -> Planned:
    """Make the one plan of a command that cannot take several."""
    if len(request.configs) > 1 or len(request.conventions) > 1:
        raise OnecycleError("this command takes one plan, and several are asked for", "name one config and convention")
    return plans(request)[0]


def _plan(path: str | None, convention: str | None, request: Request, *, leave_out_lacking: bool) -> Planned | None:
    asked = request.flags if convention is None else {**request.flags, "convention": convention}
    lacking_in = convention if leave_out_lacking else None
    settings = (
        _settings_from_flags(asked, lacking_in)
        if path is None
        else _settings_from_file(path, replace(request, flags=asked), lacking_in)
    )
    if settings is None:
        return None
    stem = Path(path).stem if path not in (None, "-") else "onecycle"
    name = settings.name or stem
    label = name if convention is None else convention if path is None else f"{name} ({convention})"
    return Planned(stem, name, label, settings, settings.schedule())


def _settings_from_flags(flags: dict[str, object], lacking_in: str | None) -> OneCycle | None:
    values = _without_lacking(flag_values(flags), lacking_in)
    validated = validate_settings(values)
    if validated.settings is not None and values.get("verbose"):
        sys.stderr.write(settings_origin(validated.settings, "", (), flags))
    return _passed(validated.settings, _about_flags(validated.findings, flags), {})


def _settings_from_file(path: str, request: Request, lacking_in: str | None) -> OneCycle | None:
    from onecycle_cli.config.dotted import read_given
    from onecycle_cli.config.files import read_source
    from onecycle_cli.config.judging import findings_of
    from onecycle_cli.config.overrides import override
    from onecycle_cli.config.reading import choose, read

    flags = request.flags
    config = choose(read(read_source(path), read_given(request.sets)), request.block)
    texts = {config.path: config.text}
    if not config.readable:
        return _passed(None, config.place(config.findings), texts)
    values, notes = override(config.values, flag_values(flags))
    used = config.context.paths if config.context is not None else ()
    unused = [each for each in config.unused if each not in used]
    for note in (*notes, *(f"--set {each}: nothing in {path} stands there or refers to it" for each in unused)):
        sys.stderr.write(f"note: {note}\n")
    values = _without_lacking(values, lacking_in)
    validated = validate_settings(values)
    if validated.settings is not None and values.get("verbose") is True:
        sys.stderr.write(settings_origin(validated.settings, config.path, config.values, flags))
    findings = _about_flags(findings_of(config, validated, flags), flags)
    return _passed(validated.settings, config.place(findings), texts)


def _without_lacking(values: dict[str, object], name: str | None) -> dict[str, object]:
    """Leave out, with a note each, the settings that a convention lacks; None leaves out nothing."""
    kept = dict(values)
    if name is None:
        return kept
    for setting, reason in unsupported(values, CONVENTIONS[name]):
        sys.stderr.write(f"note: {setting} is left out for {name}: {reason}\n")
        value = kept.pop(setting)
        if isinstance(value, list | tuple) and kept.get("groups") is None:
            kept["groups"] = len(value)  # a list left out still says how many groups there are
    return kept


def _about_flags(findings: Iterable[Finding], flags: Container[str]) -> list[Finding]:
    """Name the flag in each finding that is about one."""
    return [
        replace(each, flag=flag_name(each.setting)) if each.setting is not None and each.setting in flags else each
        for each in findings
    ]


def _passed(settings: OneCycle | None, findings: list[Finding], texts: dict[str, str]) -> OneCycle | None:
    """Print what objects, in a line each where nothing is wrong; give the settings if they may be used."""
    telling = [each for each in findings if each.severity is not Severity.INFO]
    if any(each.severity is Severity.ERROR for each in telling):
        print_findings(telling, texts, sys.stderr)
        return None
    sys.stderr.writelines(concise_lines(telling))
    return settings
