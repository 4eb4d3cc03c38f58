"""onecycle show: the length, the learning rates, the phases and the key steps of a plan."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from onecycle_cli.cli.flag_values import positive
from onecycle_cli.cli.options import AtOption, FormatOption, read_steps, takes_plan
from onecycle_cli.cli.plans import plans
from onecycle_cli.config import Request
from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import json_text
from onecycle_cli.policy.checks.optimizers import momentum_word
from onecycle_cli.policy.conventions import convention_of
from onecycle_cli.render.lines import width_of
from onecycle_cli.render.plan_report import key_steps, plan_json, print_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.config import NamedPlan
    from onecycle_cli.policy.schedule import Schedule

MOST_ROWS = {"table": 10_000, "json": 1_000_000}
"""The most rows to show: for more, `export` is the command."""

NARROWEST = 60
"""Columns of a terminal from which on the curve is drawn."""

LOWEST, TALLEST = 9, 16
"""Rows of the curve with its axis."""

MOST_CURVES = 6
"""Parameter groups whose curves are drawn: more could not be distinguished."""


@takes_plan
def show(
    request: Request,
    at: AtOption = None,
    every: Annotated[int | None, typer.Option(parser=positive, metavar="N", help="Show every Nth step.")] = None,
    curve: Annotated[
        bool | None,
        typer.Option(
            "--curve/--no-curve", help="Draw the learning rate (default: in a terminal, if it is wide enough)."
        ),
    ] = None,
    format_: FormatOption = "table",
) -> None:
    """Show how long the cycle is and why, its learning rates, phases and key steps.

    Examples:
        onecycle show --max-lr 0.1 --epochs 30 --steps-per-epoch 175
        onecycle show plan.yaml --at 0,500,999
        onecycle show plan.yaml --max-lr 0.05 --convention fastai
        onecycle show train.py --steps-per-epoch 391 --format json
    """
    asked = [(plan, _steps(plan.schedule, at, every, MOST_ROWS[format_])) for plan in plans(request)]
    if format_ == "json":
        shown = [
            plan_json(plan.full_name, plan.schedule, convention_of(plan.settings).name, steps) for plan, steps in asked
        ]
        sys.stdout.write(json_text(shown[0] if len(shown) == 1 else shown))
        return
    for number, (plan, steps) in enumerate(asked):
        if number:
            sys.stdout.write("\n")
        word, convention = momentum_word(plan.settings.optimizer), convention_of(plan.settings).name
        drawing = "" if curve is False else _drawing(plan, asked=bool(curve))
        print_plan(plan.full_name, plan.schedule, convention, word, steps, sys.stdout, drawing)


def _drawing(plan: NamedPlan, *, asked: bool) -> str:
    """Return the learning rate's curve; empty in a pipe or a narrow terminal, unless it is asked for."""
    width = width_of(sys.stdout)
    if not asked and (width is None or width < NARROWEST):
        return ""
    from onecycle_cli.cli.drawing import drawn, window_height
    from onecycle_cli.cli.plot import plan_curves

    curves = plan_curves([plan])[:MOST_CURVES]
    height = min(TALLEST, max(LOWEST, window_height() // 3)) + (len(curves) if len(curves) > 1 else 0)
    try:
        return drawn(curves, height, momentum=False, title=False)
    except OnecycleError:  # rates too large or too small for an axis
        if asked:
            raise
        return ""


def _steps(schedule: Schedule, at: Sequence[str] | None, every: int | None, most: int) -> Sequence[int]:
    if at and every is not None:
        raise OnecycleError("--at cannot be used with --every", "remove one")
    if at:
        return read_steps(at, schedule.total_steps)
    if every is None:
        return key_steps(schedule)
    steps = range(schedule.first_step, schedule.total_steps, every)
    if len(steps) > most:
        enough = -(-(schedule.total_steps - schedule.first_step) // most)
        hint = f"use `onecycle export`, or --every {enough}"
        raise OnecycleError(f"--every {every:,} would show {len(steps):,} rows", hint)
    return steps
