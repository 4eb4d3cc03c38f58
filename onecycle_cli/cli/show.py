"""onecycle show: the answers, the phases and the telling steps of a plan."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from onecycle_cli.cli.app import new_app
from onecycle_cli.cli.options import Request, takes_plan
from onecycle_cli.cli.plans import plans
from onecycle_cli.errors import OnecycleError
from onecycle_cli.policy.checks.optimizers import momentum_word
from onecycle_cli.policy.conventions import convention_of
from onecycle_cli.render.plan_report import key_steps, plan_json, print_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.cli.plans import Planned
    from onecycle_cli.policy.schedule import Schedule

app = new_app()

MOST_ROWS = {"table": 10_000, "json": 1_000_000}
"""Rows that are shown at the most: beyond, `export` is the command."""


@app.command()
@takes_plan
def show(
    request: Request,
    at: Annotated[str | None, typer.Option(metavar="STEP,STEP…", help="Only these steps, such as 0,500,9999.")] = None,
    every: Annotated[int | None, typer.Option(min=1, metavar="N", help="Every Nth step.")] = None,
    format_: Annotated[
        Literal["table", "json"], typer.Option("--format", help="For people, or for machines.")
    ] = "table",
) -> None:
    """Show how long the cycle is and why, its learning rates, phases and telling steps."""
    planned = plans(request)
    asked = [(plan, _steps(plan.schedule, at, every, MOST_ROWS[format_])) for plan in planned]
    if format_ == "json":
        shown = [plan_json(plan.name, plan.schedule, _convention(plan), steps) for plan, steps in asked]
        sys.stdout.write(json.dumps(shown[0] if len(shown) == 1 else shown, indent=2) + "\n")
        return
    for number, (plan, steps) in enumerate(asked):
        if number:
            sys.stdout.write("\n")
        word = momentum_word(plan.settings.optimizer)
        print_plan(plan.name, plan.schedule, _convention(plan), word, steps, sys.stdout)


def _convention(plan: Planned) -> str:
    return convention_of(plan.settings).name


def _steps(schedule: Schedule, at: str | None, every: int | None, most: int) -> Sequence[int]:
    if at is not None and every is not None:
        raise OnecycleError("--at and --every exclude each other", "give one of them")
    if at is not None:
        return read_steps(at, schedule.total_steps)
    if every is None:
        return key_steps(schedule)
    steps = range(schedule.first_step, schedule.total_steps, every)
    if len(steps) > most:
        enough = -(-(schedule.total_steps - schedule.first_step) // most)
        hint = f"use `onecycle export`, or --every {enough}"
        raise OnecycleError(f"--every {every:,} would show {len(steps):,} rows", hint)
    return steps


def read_steps(text: str, total_steps: int) -> list[int]:
    """Read the steps of `--at`. Raises OnecycleError for what is no step of the cycle."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if any(word.startswith("-") for word in words):
        raise OnecycleError(f"--at {text[:60]}: steps count from 0", f"the last step is {total_steps - 1}")
    if not words or not all(word.isdecimal() and len(word) < 20 for word in words):
        raise OnecycleError(f"--at takes steps with commas, not {text[:60]!r}", "write them like 0,500,9999")
    steps = [int(word) for word in words]
    if max(steps) >= total_steps:
        message = f"--at {max(steps):,} is past the end: the cycle has {total_steps:,} steps"
        raise OnecycleError(message, f"give steps from 0 to {total_steps - 1}")
    return steps
