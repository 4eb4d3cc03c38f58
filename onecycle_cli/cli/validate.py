"""onecycle validate: hold configs in CI."""

from __future__ import annotations

import io
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TextIO

import typer

from onecycle_cli.cli.app import new_app
from onecycle_cli.cli.options import Request, flag_values, takes_paths
from onecycle_cli.errors import OnecycleError
from onecycle_cli.findings import Severity
from onecycle_cli.formatting import count
from onecycle_cli.render import findings_report as render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.config.checking import Checked

app = new_app()

FOR_PEOPLE = ("full", "concise")
Format = Literal["full", "concise", "json", "github", "sarif", "junit"]


@app.command()
@takes_paths
def validate(
    request: Request,
    format_: Annotated[
        Format | None,
        typer.Option(
            "--format", help="How findings are told (full; under GitHub Actions: github).", show_default=False
        ),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail on warnings too.")] = False,
    output_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the findings there, and a summary here.")
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Leave out files or folders, such as 'old/*.yaml'. Repeat it."),
    ] = None,
    only_schedules: Annotated[
        bool,
        typer.Option("--only-schedules", help="Pass over named files that hold no one-cycle schedule."),
    ] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Fix what is safe to mend, and show how.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show what --fix would change, and change nothing.")] = False,
) -> None:
    """Check configs, ours or those that train, and say every finding in one run."""
    if fix and not diff and "-" in request.configs:
        raise OnecycleError("standard input cannot be mended in its place", "give --diff, or name the file")
    run = partial(_check, request, exclude or (), only_schedules=only_schedules)
    checked = run()
    format_ = format_ or _usual_format()
    if diff or fix:
        _mend(checked, write=fix and not diff, stream=sys.stdout if diff or format_ in FOR_PEOPLE else sys.stderr)
    if fix and not diff:
        checked = run()
    if not diff:
        _tell(checked, format_, output_file, strict=strict)
    _end(checked, strict=strict, may_be_none=only_schedules)


def _check(request: Request, exclude: Sequence[str], *, only_schedules: bool) -> Checked:
    from onecycle_cli.config.checking import check
    from onecycle_cli.config.dotted import read_given

    flags = flag_values(request.flags)
    if request.conventions:
        flags["convention"] = request.conventions[0]
    given = read_given(request.sets)
    return check(request.configs, exclude=exclude, only_schedules=only_schedules, given=given, flags=flags)


def _mend(checked: Checked, *, write: bool, stream: TextIO) -> None:
    """Show how files can be mended, and mend them if asked to."""
    from onecycle_cli.config.fixing import fixes
    from onecycle_cli.render.output import whole_file

    mended = 0
    for each in fixes(checked):
        stream.write(each.difference)
        mended += 1
        if write:
            with whole_file(Path(each.source.path)) as file:
                file.write(each.data)
    files = count(mended, "file")
    said = "nothing to mend" if not mended else f"{files} mended" if write else f"{files} can be mended"
    sys.stderr.write(f"{said}\n")


def _tell(checked: Checked, format_: Format, output_file: str | None, *, strict: bool) -> None:
    if output_file is not None:
        _write(output_file, _report(checked, format_, strict=strict))
        sys.stdout.write(_summary(checked))
    elif format_ == "full":
        render.print_findings(checked.findings, checked.texts, sys.stdout)
        sys.stdout.write(_summary(checked))
    else:
        sys.stdout.write(_report(checked, format_, strict=strict))


def _usual_format() -> Format:
    return "github" if os.environ.get("GITHUB_ACTIONS") == "true" else "full"


def _report(checked: Checked, format_: Format, *, strict: bool) -> str:
    from onecycle_cli.render.ci import repository_root

    root = repository_root(os.environ)
    if format_ == "json":
        return render.findings_json(checked.findings, len(checked.files))
    if format_ == "concise":
        return "".join(render.concise_lines(checked.findings))
    if format_ == "github":
        from onecycle_cli.render.ci import github_lines

        return "".join(github_lines(checked.findings, root)) + _summary(checked)
    if format_ == "sarif":
        from onecycle_cli.render.ci import sarif
        from onecycle_cli.version import __version__

        return sarif(checked.findings, __version__, checked.unreadable, root)
    if format_ == "junit":
        from onecycle_cli.render.ci import junit

        return junit(checked.findings, checked.files, _failing(strict=strict), checked.unreadable, root)
    text = io.StringIO()
    render.print_findings(checked.findings, checked.texts, text)
    return text.getvalue() + _summary(checked)


def _summary(checked: Checked) -> str:
    return render.findings_summary(checked.findings, len(checked.files), checked.skipped) if checked.files else ""


def _write(path: str, report: str) -> None:
    from onecycle_cli.render.output import whole_file

    with whole_file(Path(path)) as stream:
        stream.write(report.encode())


def _failing(*, strict: bool) -> frozenset[Severity]:
    return frozenset({Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR})


def _end(checked: Checked, *, strict: bool, may_be_none: bool) -> None:
    """End with the exit code that the outcome asks for."""
    if checked.unreadable:
        raise checked.unreadable[0] if len(checked.unreadable) == 1 else _several(checked.unreadable)
    if not checked.files and not may_be_none:
        raise OnecycleError("no config found: no file there has a one-cycle schedule", "name the file itself")
    raise typer.Exit(1 if any(each.severity in _failing(strict=strict) for each in checked.findings) else 0)


def _several(errors: Sequence[OnecycleError]) -> OnecycleError:
    return OnecycleError("; ".join(error.message for error in errors), errors[0].hint)
