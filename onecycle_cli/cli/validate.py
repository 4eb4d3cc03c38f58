"""onecycle validate: check configs, also in CI."""

from __future__ import annotations

import io
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TextIO

import typer

from onecycle_cli.cli import print_error
from onecycle_cli.cli.options import codes, known_codes, takes_paths
from onecycle_cli.cli.streams import unfiltered
from onecycle_cli.cli.targets import check_not_input, is_stdout, is_stream, print_notes, write_text
from onecycle_cli.config import Request, load
from onecycle_cli.errors import OnecycleError
from onecycle_cli.findings import Severity
from onecycle_cli.formatting import count
from onecycle_cli.render import findings_report as render
from onecycle_cli.render.lines import width_of, wrap

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from onecycle_cli.config import Loaded

Format = Literal["full", "concise", "json", "github", "sarif", "junit"]


@takes_paths
def validate(
    request: Request,
    format_: Annotated[
        Format | None,
        typer.Option("--format", help="Output format (default: full; github under GitHub Actions)."),
    ] = None,
    strict: Annotated[bool | None, typer.Option("--strict/--no-strict", help="Fail on warnings too.")] = None,
    select: Annotated[
        list[str] | None,
        typer.Option(
            parser=codes,
            autocompletion=known_codes,
            metavar="CODE,…",
            help="Report only these codes, such as OC104 or OC4.",
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(
            parser=codes,
            autocompletion=known_codes,
            metavar="CODE,…",
            help="Do not report these codes; as for --select.",
        ),
    ] = None,
    output_file: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the report to a file and print a summary.")
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Leave out files or folders, such as 'old/*.yaml'. Repeatable."),
    ] = None,
    only_schedules: Annotated[
        bool,
        typer.Option("--only-schedules", help="Skip named files without a one-cycle schedule."),
    ] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Apply safe fixes, and show them.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show what --fix would change without changing it.")] = False,
) -> None:
    """Check onecycle and training configs, and report every finding in one run.

    Examples:
        onecycle validate configs
        onecycle validate plan.yaml train.py --strict
        onecycle validate configs --ignore OC512,OC9
        onecycle validate configs --format sarif --output-file onecycle.sarif
        onecycle validate plan.yaml --diff
    """
    if fix and not diff and (streams := [path for path in request.configs if is_stream(path)]):
        named = "standard input" if streams[0] == "-" else streams[0]
        raise OnecycleError(f"{named} cannot be fixed in place", "give --diff, or name the file")
    request = replace(
        request,
        every_plan=True,
        exclude=request.exclude if exclude is None else tuple(exclude),
        exclude_from=request.exclude_from if exclude is None else "",
        only_schedules=only_schedules,
        select=_joined(select, request.select),
        ignore=_joined(ignore, request.ignore),
    )
    loaded = load(request)
    check_not_input(output_file, [*request.configs, *loaded.files])
    format_ = format_ or ("github" if os.environ.get("GITHUB_ACTIONS") == "true" else "full")
    refused: list[OnecycleError] = []
    if diff or fix:
        stream = sys.stdout if diff or format_ in ("full", "concise") else sys.stderr
        refused = _fix(loaded, request, write=fix and not diff, stream=stream)
    if fix and not diff:
        loaded = load(request)
    is_strict = request.strict if strict is None else strict
    failing = {Severity.ERROR, Severity.WARNING} if is_strict else {Severity.ERROR}
    if not diff and output_file is None:
        _print_report(loaded, format_, failing, sys.stdout)
    elif output_file is not None and not diff:
        report = io.StringIO()
        _print_report(loaded, format_, failing, report)
        write_text(report.getvalue(), output_file)
        (sys.stderr if is_stdout(output_file) else sys.stdout).write(_summary(loaded))
    if failed := [*refused, *loaded.unreadable]:
        *others, last = failed
        for error in others:
            print_error(error.message, "" if error.hint == last.hint else error.hint)
        raise last
    if not loaded.files:
        print_notes([f"no config with a one-cycle schedule ({count(loaded.skipped, 'file')} skipped)"])
    raise typer.Exit(1 if any(found.severity in failing for found in loaded.findings) else 0)


def _joined(given: Sequence[Sequence[str]] | None, of_project: tuple[str, ...]) -> tuple[str, ...]:
    """Return the codes of a flag that may be repeated; those of the project without the flag."""
    return tuple(code for part in given for code in part) if given else of_project


def _fix(loaded: Loaded, request: Request, *, write: bool, stream: TextIO) -> list[OnecycleError]:
    """Show how files can be fixed, and fix them if asked to; return why some could not be."""
    from onecycle_cli.config.fix import check_fixable, difference, fixed_files
    from onecycle_cli.render.output import whole_file

    fixed, refused = 0, []
    for source, text in fixed_files(loaded, request):
        try:
            if write:
                check_fixable(source)
                with whole_file(Path(source.path)) as target:
                    target.write(source.encoded(text))
        except OnecycleError as error:
            refused.append(error)
            continue
        stream.write(difference(source.path, source.text, text))
        fixed += 1
    files = count(fixed, "file")
    sys.stderr.write(f"{f'{files} fixed' if write else f'{files} can be fixed'}\n" if fixed else "no safe fixes\n")
    others = sorted({found.file for found in loaded.findings if found.fix and found.file} - loaded.given)
    print_notes(f"{path} is left as it is: name it, or its folder, to fix it" for path in others)
    return refused


def _print_report(loaded: Loaded, format_: Format, failing: Container[Severity], stream: TextIO) -> None:
    from onecycle_cli.render import ci
    from onecycle_cli.version import __version__

    root, findings = ci.repository_root(os.environ), loaded.findings
    match format_:
        case "full":
            listed = render.listed(findings)
            render.print_findings(listed, loaded.texts, stream)
            stream.write("\n" * bool(listed))
            stream.writelines(
                f"{line}\n" for said in _summary(loaded).splitlines() for line in wrap(said, width_of(stream))
            )
        case "concise":
            stream.writelines(render.concise_lines(findings))
        case "json":
            stream.write(render.findings_json(findings, len(loaded.files)))
        case "github":
            unfiltered(stream).writelines(ci.github_lines(render.listed(findings), root))
            stream.write(_summary(loaded))
        case "sarif":
            stream.write(ci.sarif(findings, __version__, loaded.unreadable, root))
        case "junit":
            stream.write(ci.junit(findings, loaded.files, failing, loaded.unreadable, root))


def _summary(loaded: Loaded) -> str:
    unreadable = len(loaded.unreadable)
    if not loaded.files and unreadable < 2:
        return ""  # the one error, or the note that no file has a schedule, says it all
    return render.findings_summary(loaded.findings, len(loaded.files), loaded.skipped, unreadable)
