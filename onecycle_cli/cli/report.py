"""onecycle report: plans and logs as a page of HTML to share."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onecycle_cli.cli.logs import ColumnOption, PatternOption, read_columns
from onecycle_cli.cli.options import takes_plan
from onecycle_cli.cli.plans import load_plans, plan_names
from onecycle_cli.cli.plot import plan_curves
from onecycle_cli.cli.targets import STDOUT, check_not_input, write_text
from onecycle_cli.config import Request
from onecycle_cli.errors import OnecycleError
from onecycle_cli.render.check_report import bad_rows
from onecycle_cli.render.plan_report import settings_origin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.config import Loaded, NamedPlan
    from onecycle_cli.render.page.details import PageLog, PagePlan

ENDINGS = (".html", ".htm")

MOST_WITH_ALL_CODE = 2
"""Plans that are written as code for every framework; of more, each only for its own, so that the page stays small."""


@takes_plan
def report(
    request: Request,
    log: Annotated[
        list[str] | None,
        typer.Option("--log", metavar="LOG", help="A log to compare with the first plan. Repeatable."),
    ] = None,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE", help="The HTML file; - is stdout.")
    ] = "report.html",
    column: ColumnOption = None,
    pattern: PatternOption = None,
) -> None:
    """Write a page to share: chart, findings, summary, settings and code of plans, and logs beside them.

    The page is one file that needs no network. Pointing at its chart, or the arrow keys, give the values of a step.

    Examples:
        onecycle report plan.yaml -o report.html
        onecycle report plan.yaml --log run.csv --log other.csv
        onecycle report plan.yaml --convention torch,fastai,optax -o conventions.html
    """
    if output != STDOUT and Path(output).suffix.lower() not in ENDINGS:
        raise OnecycleError(f"{output}: a report is an HTML file", "use .html")
    logs = log or []
    if [*request.configs, *logs].count("-") > 1:
        raise OnecycleError("only one input can come from standard input", "name files for the others")
    check_not_input(output, [*request.configs, *logs])
    loaded = load_plans(request)
    planned = [made.plan for made in loaded.plans if made.plan is not None]
    from onecycle_cli.render.page.document import report_page

    page = report_page(
        _page_plans(loaded, planned), _page_logs(logs, planned, read_columns(column), pattern or ()), loaded.findings
    )
    write_text(page, output)


def _page_plans(loaded: Loaded, planned: Sequence[NamedPlan]) -> list[PagePlan]:
    from onecycle_cli.render.page.details import PagePlan

    curves = plan_curves(planned)
    found = []
    for made, plan, name in zip(loaded.plans, planned, plan_names(planned), strict=True):
        own = [curve for curve in curves if curve.schedule is plan.schedule]
        origin = settings_origin(plan.settings, Path(made.file).name, made.in_file, made.flags)
        found.append(PagePlan(name, plan.settings, own, origin, len(planned) <= MOST_WITH_ALL_CODE))
    return found


def _page_logs(
    paths: Sequence[str], planned: Sequence[NamedPlan], columns: dict[str, list[str]], patterns: Sequence[str]
) -> list[PageLog]:
    """Compare each log with the first plan."""
    if not paths:
        return []
    from onecycle_cli.render.page.details import PageLog
    from onecycle_cli.run.checker import check
    from onecycle_cli.run.logs import read_log

    files = [Path(path).name or path for path in paths]
    names = files if len(set(files)) == len(files) else paths
    found = []
    for path, name in zip(paths, names, strict=True):
        logged = read_log(path, columns, patterns)
        verdict = check(planned[0].settings, logged)
        sys.stderr.writelines(bad_rows(logged))
        found.append(PageLog(name, path, planned[0].label, verdict, [*logged.notes, *verdict.notes]))
    return found
