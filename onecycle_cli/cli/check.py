"""onecycle check: a logged run compared with its plan."""

from __future__ import annotations

import functools
import math
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onecycle_cli.cli import print_error
from onecycle_cli.cli.logs import ColumnOption, LogArgument, PatternOption, read_columns
from onecycle_cli.cli.options import FormatOption, takes_plan
from onecycle_cli.cli.pictures import (
    SizeOption,
    StyleOption,
    TransparentOption,
    figure_options,
    save_figure,
)
from onecycle_cli.cli.plans import one_plan
from onecycle_cli.cli.signals import raise_at_interrupt
from onecycle_cli.cli.targets import check_picture_beside_report, print_notes, print_warnings
from onecycle_cli.config import Request
from onecycle_cli.errors import INTERRUPTED, OnecycleError
from onecycle_cli.formatting import json_text, printable
from onecycle_cli.policy.checks.optimizers import momentum_word
from onecycle_cli.render.check_report import bad_rows, noun, print_verdict, verdict_json
from onecycle_cli.render.checks_report import UNREADABLE, log_json, print_logs, unreadable_json, worst
from onecycle_cli.render.short_names import short_names
from onecycle_cli.run import RowIs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from onecycle_cli.render.figure import FigureOptions
    from onecycle_cli.run import Verdict
    from onecycle_cli.run.logs.log import Log

CONFIGS = (".yaml", ".yml", ".py")
"""How the names of configs end that cannot be logs."""

STDIN = "standard input"

_TOLERANCE = "Relative difference that counts as equal (default: the log's own precision)."
_ROW_IS = "What a row of the log counts (default: found out, and said)."
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
    row_is: Annotated[RowIs | None, typer.Option("--row-is", metavar="UNIT", help=_ROW_IS)] = None,
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
        typer.Option("-o", "--output", metavar="FILE", help="Draw plan and logs to a .png, .svg or .pdf file."),
    ] = None,
    size: SizeOption = None,
    style: StyleOption = "light",
    transparent: TransparentOption = False,
    format_: FormatOption = "table",
) -> None:
    """Compare logged runs with their plan: exit 0 if they follow it, 1 if one diverges or ends early.

    Examples:
        onecycle check plan.yaml run.csv
        onecycle check plan.yaml run.csv other.csv -o runs.png
        onecycle check --max-lr 0.1 --total-steps 1000 run.csv --column lr=lr
        onecycle check plan.yaml run.csv --follow --timeout 600
    """
    request, logs = plan_and_logs(request, log)
    _refuse(request, logs, tolerance, output, follow=follow)
    columns, options = read_columns(column), figure_options(size, style=style, transparent=transparent)
    planned = one_plan(request)
    from onecycle_cli.run.checker import check as compare_log
    from onecycle_cli.run.logs import read_log

    interrupted = False
    check_log = functools.partial(compare_log, planned.settings, tolerance=tolerance, row_is=row_is)
    name = planned.name if request.configs or planned.settings.name else ""
    word = momentum_word(planned.settings.optimizer)
    if len(logs) > 1:

        def verdict_on(path: str) -> tuple[Log, Verdict]:
            logged = read_log(path, columns, pattern or ())
            return logged, check_log(logged, partial=partial)

        raise typer.Exit(_check_several(logs, verdict_on, name, word, (output, options), format_))
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
        logged = read_log(log, columns, pattern or ())
        verdict = check_log(logged, partial=partial)
    if output is not None:
        _draw([(log, verdict)], name, word, output, options)
    notes = [*logged.notes, *verdict.notes]
    print_warnings(bad_rows(logged))
    if format_ == "json":
        sys.stdout.write(json_text(verdict_json(verdict, notes)))
    else:
        print_notes(notes)
        print_verdict(verdict, name, sys.stdout)
    if interrupted:
        raise typer.Exit(INTERRUPTED)
    if verdict.verdict != "ok":
        raise typer.Exit(1)


def plan_and_logs(request: Request, last: str) -> tuple[Request, list[str]]:
    """Return the request with its configs only, and the logs, which come after them."""
    given = list(request.configs)
    endings = [Path(path).suffix.lower() for path in given]
    configs = 1 + max((at for at, ending in enumerate(endings) if ending in CONFIGS), default=-1)
    by_flags = "max_lr" in request.flags and given[:1] != ["-"] and endings != [".json"]
    configs = configs or int(bool(given) and not by_flags)
    return replace(request, configs=tuple(given[:configs])), [*given[configs:], last]


def _refuse(
    request: Request, logs: Sequence[str], tolerance: float | None, output: str | None, *, follow: bool
) -> None:
    """Raise OnecycleError for what is wrong before anything is read."""
    log = logs[-1]
    if Path(log).suffix.lower() in CONFIGS:
        message = f"{log} looks like a config, not a log: the log comes last"
        raise OnecycleError(message, "onecycle check plan.yaml run.csv")
    if not request.configs and not request.flags:
        hint = f"name its config before the log: onecycle check plan.yaml {log}; or give --max-lr and a length"
        raise OnecycleError(f"no plan to check {log} against", hint)
    if [*request.configs, *logs].count("-") > 1:
        what = "plan and log cannot both" if "-" in request.configs else "several logs cannot"
        raise OnecycleError(f"{what} come from standard input", "name a file for one of them")
    if follow and len(logs) > 1:
        raise OnecycleError(f"--follow takes one log, got {len(logs)}", "name one, or leave --follow out")
    if tolerance is not None and not math.isfinite(tolerance):
        raise OnecycleError(f"invalid --tolerance {tolerance}: must be finite", "use a number such as 1e-6")
    if output is not None:
        check_picture_beside_report(output)


def _check_several(
    logs: Sequence[str],
    verdict_on: Callable[[str], tuple[Log, Verdict]],
    plan: str,
    word: str,
    target: tuple[str | None, FigureOptions],
    format_: str,
) -> int:
    """Print the verdicts on several logs, draw them in one picture, and return the exit code."""
    found, drawn, (output, options) = [], [], target
    for path in logs:
        try:
            logged, verdict = verdict_on(path)
        except OnecycleError as error:
            found.append(unreadable_json(path, error))
            print_error(error.message, error.hint)
            continue
        notes = [*logged.notes, *verdict.notes]
        print_warnings(bad_rows(logged))
        if format_ != "json":
            print_notes(f"{path}: {note}" for note in notes)
        found.append(log_json(path, verdict, notes))
        if output is not None:
            drawn.append((path, verdict))
    if output is not None and drawn:
        _draw(drawn, plan, word, output, options)
    verdicts = [each["verdict"] for each in found]
    if format_ == "json":
        answer = {"verdict": worst(verdicts), "logs": found}
        sys.stdout.write(json_text(answer))
    else:
        print_logs(found, plan, sys.stdout)
    return 2 if UNREADABLE in verdicts else int(worst(verdicts) != "ok")


def _draw(found: Sequence[tuple[str, Verdict]], plan: str, word: str, target: str, options: FigureOptions) -> None:
    from onecycle_cli.render.figure import check_figure

    answer: dict[str, object] = {"plan": plan, "logs": {name: verdict.verdict for name, verdict in found}}
    if len(found) == 1:
        [(_, only)] = found
        answer = {"plan": plan, "verdict": only.verdict, "cause": only.cause.slug}
    named = short_names([name for name, _ in found], [{}] * len(found))
    logs = [
        (STDIN if name == "-" else Path(name).name, verdict) for name, (_, verdict) in zip(named, found, strict=True)
    ]
    save_figure(check_figure(logs, plan, word, options), target, options.dpi, {"check": answer})


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

    def __call__(self, _: Log, verdict: Verdict) -> None:
        """Print the progress, if there is something new to say."""
        raise_at_interrupt()  # there is a verdict so far
        first = verdict.first_divergence
        if first is not None:
            if not self._diverged:
                sys.stderr.write(
                    f"diverges at {noun(verdict)} {first.step:,}; reading more rows to determine the cause\n"
                )
            self._diverged = True
            return
        done = int(verdict.series.steps.max()) + 1
        tenth = done * 10 // self._total
        if tenth > self._tenth or self._diverged:
            percent = 100 * done / self._total
            sys.stderr.write(f"step {done - 1:,} of {self._total:,} ({percent:.0f} %): as planned so far\n")
            sys.stderr.flush()
        self._tenth, self._diverged = max(tenth, self._tenth), False
