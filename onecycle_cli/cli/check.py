"""onecycle check: a logged run compared with its plan."""

from __future__ import annotations

import functools
import json
import math
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onecycle_cli.cli import INTERRUPTED
from onecycle_cli.cli.logs import ColumnOption, LogArgument, PatternOption, read_columns
from onecycle_cli.cli.options import FormatOption, takes_plan
from onecycle_cli.cli.plans import one_plan
from onecycle_cli.cli.targets import picture_format, print_notes, save_picture
from onecycle_cli.config import Request
from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import printable
from onecycle_cli.policy.checks.optimizers import momentum_word
from onecycle_cli.render.check_report import bad_rows, print_verdict, verdict_json

if TYPE_CHECKING:
    from onecycle_cli.run import Verdict
    from onecycle_cli.run.logs.log import Log

_TOLERANCE = "Relative difference that counts as equal (default: the log's own precision)."
_FOLLOW = (
    "Follow a growing log until the first divergence or the plan's last step. After a divergence, read up to 20 more "
    "rows (or wait 5 intervals without any) to find the cause."
)


@takes_plan
def check(
    request: Request,
    log: LogArgument,
    column: ColumnOption = None,
    pattern: PatternOption = None,
    tolerance: Annotated[float | None, typer.Option(min=0, metavar="RATIO", help=_TOLERANCE)] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Accept a log that ends early if it matches so far.")
    ] = False,
    follow: Annotated[bool, typer.Option("--follow", help=_FOLLOW)] = False,
    interval: Annotated[
        float, typer.Option(min=0.01, max=86400, metavar="SECONDS", help="Polling interval for --follow, in seconds.")
    ] = 2.0,
    timeout: Annotated[
        float | None,
        typer.Option(
            min=0.01, metavar="SECONDS", help="End --follow when no row has come for this long (default: wait on)."
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="FILE", help="Draw plan and log to a .png, .svg or .pdf file."),
    ] = None,
    format_: FormatOption = "table",
) -> None:
    """Compare a logged run with its plan: exit 0 if the run follows the plan, 1 if it diverges or ends early."""
    _refuse(request, log, tolerance, output)
    columns = read_columns(column)
    planned = one_plan(request)
    from onecycle_cli.run.checker import check as compare_log

    interrupted = False
    check_log = functools.partial(compare_log, planned.settings, tolerance=tolerance)
    if follow:
        from onecycle_cli.run.logs.stream import check_growing_log

        progress = _Progress(log, planned.schedule.total_steps)
        logged, verdict, interrupted = check_growing_log(
            log,
            columns,
            check_log,
            progress,
            partial=partial,
            interval=interval,
            timeout=timeout or math.inf,
            patterns=pattern or (),
        )
    else:
        from onecycle_cli.run.logs import read_log

        logged = read_log(log, columns, pattern or ())
        verdict = check_log(logged, partial=partial)
    name = planned.name if request.configs or planned.settings.name else ""
    if output is not None:
        _draw(verdict, name, momentum_word(planned.settings.optimizer), output)
    notes = [*logged.notes, *verdict.notes]
    sys.stderr.writelines(bad_rows(logged))
    if format_ == "json":
        sys.stdout.write(json.dumps(verdict_json(verdict, notes), indent=2, allow_nan=False) + "\n")
    else:
        print_notes(notes)
        print_verdict(verdict, name, sys.stdout)
    if interrupted:
        raise typer.Exit(INTERRUPTED)
    if verdict.verdict != "ok":
        raise typer.Exit(1)


def _refuse(request: Request, log: str, tolerance: float | None, output: str | None) -> None:
    """Raise OnecycleError for what is wrong before anything is read."""
    if Path(log).suffix.lower() in (".yaml", ".yml"):
        message = f"{log} looks like a config, not a log: the log comes last"
        raise OnecycleError(message, "onecycle check plan.yaml run.csv")
    if not request.configs and not request.flags:
        hint = f"name its config before the log: onecycle check plan.yaml {log}; or give --max-lr and a length"
        raise OnecycleError(f"no plan to check {log} against", hint)
    if log == "-" and "-" in request.configs:
        raise OnecycleError("plan and log cannot both come from standard input", "name a file for one of them")
    if tolerance is not None and not math.isfinite(tolerance):
        raise OnecycleError(f"invalid --tolerance {tolerance}: must be finite", "use a number such as 1e-6")
    if output is not None:
        picture_format(output)


def _draw(verdict: Verdict, plan: str, word: str, target: str) -> None:
    from onecycle_cli.render.figure import FigureOptions, check_figure

    options = FigureOptions()
    answer = {"plan": plan, "verdict": verdict.verdict, "cause": verdict.cause.slug}
    figure = check_figure(verdict, plan, word, options)
    save_picture(figure, target, options.dpi, {"check": json.dumps(answer)}, is_extra=True)


class _Progress:
    """Prints how far a growing log has come: at its first rows, each tenth of the cycle, and where it diverges."""

    def __init__(self, path: str, total_steps: int) -> None:
        self._total = total_steps
        self._tenth = -1
        self._diverged = False
        sys.stderr.write(f"following {'standard input' if path == '-' else printable(path)}; press Ctrl-C to stop\n")
        if path != "-" and not os.path.exists(path):  # noqa: PTH110 - a Path cannot hold every name a user may type
            sys.stderr.write("waiting: it does not exist yet\n")
        sys.stderr.flush()

    def __call__(self, log: Log, verdict: Verdict) -> None:
        """Print the progress, if there is something new to say."""
        first = verdict.first_divergence
        if first is not None:
            if not self._diverged:
                sys.stderr.write(f"diverges at step {first.step:,}; reading more rows to determine the cause\n")
            self._diverged = True
            return
        done = int(log.steps.max()) + verdict.offset + 1
        tenth = done * 10 // self._total
        if tenth > self._tenth or self._diverged:
            percent = 100 * done / self._total
            sys.stderr.write(f"step {done - 1:,} of {self._total:,} ({percent:.0f} %): as planned so far\n")
            sys.stderr.flush()
        self._tenth, self._diverged = max(tenth, self._tenth), False
