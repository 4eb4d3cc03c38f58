"""onecycle export and code: a plan for other programs, as rows of numbers or as code to paste."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import typer

from onecycle_cli.cli.flag_values import positive, whole
from onecycle_cli.cli.options import takes_plan
from onecycle_cli.cli.plans import one_plan
from onecycle_cli.cli.streams import unfiltered
from onecycle_cli.cli.targets import (
    STDOUT,
    ForceOption,
    check_new_file,
    check_not_terminal,
    is_stdout,
    is_stream,
    write_text,
    written_file,
)
from onecycle_cli.cli.usage import UnknownWordError
from onecycle_cli.config import Request
from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import join_words
from onecycle_cli.render.code import GUARDED, OTHER_NAMES, Framework
from onecycle_cli.render.lines import has_colour

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


Format = Literal["csv", "jsonl", "npz", "parquet"]
TEXT = ("csv", "jsonl")
MANY_ROWS = 2_000_000
"""Rows that take long enough to write for a progress bar."""


@takes_plan
def export(
    request: Request,
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="The file; - is stdout.")] = STDOUT,
    format_: Annotated[
        Format | None,
        typer.Option("--format", help="Format (default: from the file extension, else csv)."),
    ] = None,
    from_: Annotated[int | None, typer.Option("--from", parser=whole, metavar="STEP", help="The first step.")] = None,
    to: Annotated[
        int | None,
        typer.Option("--to", parser=whole, metavar="STEP", help="Stop before this step."),
    ] = None,
    every: Annotated[
        int | None,
        typer.Option("--every", parser=positive, metavar="N", help="Every Nth step."),
    ] = None,
) -> None:
    """Write one row per step (step, epoch, lr, momentum), exact to the last bit.

    Examples:
        onecycle export plan.yaml -o schedule.csv
        onecycle export plan.yaml --every 100 --format jsonl
        onecycle export --max-lr 0.1 --total-steps 1e6 -o schedule.npz
    """
    from onecycle_cli.render.step_table import export as write
    from onecycle_cli.render.step_table import format_of, window

    chosen = format_ or ("csv" if is_stream(output) else format_of(Path(output)))
    schedule = one_plan(request).schedule
    rows = window(schedule, from_, to, every or 1)
    if is_stdout(output):
        if chosen not in TEXT:
            check_not_terminal(chosen, f"schedule.{chosen}")
        write(schedule, rows, chosen, sys.stdout.buffer)
        return
    with _progress(len(rows)) as advance, written_file(output) as stream:
        write(schedule, rows, chosen, stream, advance)


FRAMEWORKS: tuple[str, ...] = get_args(Framework)


def _framework(text: str) -> Framework:
    """Read the name of a framework, or what people call it."""
    typed = text.strip().lower().replace("_", "-")
    name: Any = OTHER_NAMES.get(typed, typed)
    if name not in FRAMEWORKS:
        raise UnknownWordError(name, FRAMEWORKS)
    return name  # type: ignore[no-any-return]


@takes_plan
def code(
    request: Request,
    framework: Annotated[
        Framework | None,
        typer.Option(
            "--framework", parser=_framework, metavar="NAME", help="The framework; required for a plan's code."
        ),
    ] = None,
    guard: Annotated[
        bool, typer.Option("--guard", help="Compare the optimizer with the plan at every step of the run.")
    ] = False,
    range_test: Annotated[
        bool, typer.Option("--range-test", help="Write an LR range test instead, in PyTorch; it needs no plan.")
    ] = False,
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="The file; - is stdout.")] = STDOUT,
    force: ForceOption = False,
) -> None:
    """Generate training code for a plan, or for a test that finds its peak.

    Examples:
        onecycle code plan.yaml --framework torch
        onecycle code --max-lr 0.1 --total-steps 1000 --framework lightning
        onecycle code plan.yaml --framework hf --guard
        onecycle code plan.yaml --framework optax -o schedule.py
        onecycle code --range-test --optimizer adamw
    """
    if range_test:
        framework, request = _range_test_of(request, framework, guard=guard)
    elif framework is None:
        raise OnecycleError("--framework is missing", f"use {join_words(FRAMEWORKS, 'or')}")
    if guard and framework not in GUARDED:
        raise OnecycleError(f"--guard is not available for {framework}", f"use it with {join_words(GUARDED, 'or')}")
    check_new_file(output, force=force)
    from onecycle_cli.render.code import Task, language
    from onecycle_cli.render.code import code as snippet

    plan = one_plan(request)
    if range_test:
        from onecycle_cli.render.code.range_test import range_test as test

        text = test(Task(plan.full_name, plan.settings, plan.schedule))
    else:
        text = snippet(framework, plan.full_name, plan.settings, plan.schedule, guarded=guard)
    if output == STDOUT and has_colour(sys.stdout):
        from onecycle_cli.render.output import print_code

        print_code(text, language(framework), sys.stdout)
    else:
        write_text(text, output)


def _range_test_of(request: Request, framework: Framework | None, *, guard: bool) -> tuple[Framework, Request]:
    """Return the framework of a range test, and a request for its plan: of flags alone they need not be a whole one.

    Raises:
        OnecycleError: the framework has none, or a guard is asked for.
    """
    if framework not in (None, "torch"):
        raise OnecycleError(f"--range-test is not available for {framework}", "leave --framework out: it is for torch")
    if guard:
        raise OnecycleError("--guard cannot be used with --range-test: no plan is followed", "leave one of them out")
    if request.configs:
        return "torch", request
    needed: dict[str, object] = {"max_lr": 1.0}
    if not {"total_steps", "epochs"} & set(request.flags):
        needed["total_steps"] = 100
    return "torch", replace(request, flags={**needed, **request.flags})


@contextmanager
def _progress(rows: int) -> Iterator[Callable[[int], None] | None]:
    """Show a progress bar on standard error for many rows, if it is a terminal."""
    if rows < MANY_ROWS or not sys.stderr.isatty():
        yield None
        return
    from rich.progress import Progress

    from onecycle_cli.render.output import make_console

    with Progress(console=make_console(unfiltered(sys.stderr)), transient=True) as progress:
        task = progress.add_task("rows", total=rows)
        yield lambda written: progress.update(task, completed=written)
