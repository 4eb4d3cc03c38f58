"""onecycle extend: what becomes of a run that is to be longer than its plan, and plans that go on smoothly."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onecycle_cli.cli.flag_values import number, positive, whole
from onecycle_cli.cli.options import OLD_LENGTH, FormatOption, takes_plan_so_far
from onecycle_cli.cli.plans import one_plan
from onecycle_cli.cli.targets import (
    PICTURE_FORMATS,
    STDOUT,
    ForceOption,
    check_new_file,
    is_stdout,
    write_text,
)
from onecycle_cli.config import Request
from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import join_words, json_text
from onecycle_cli.policy.checks.optimizers import momentum_word
from onecycle_cli.policy.extension import SECOND_PEAK, WAYS, Extension, WayName
from onecycle_cli.policy.extension import extend as extended
from onecycle_cli.policy.schedule import Schedule
from onecycle_cli.render.extension_report import extended_config, extension_json, print_extension
from onecycle_cli.render.lines import width_of
from onecycle_cli.render.picture import Curve

if TYPE_CHECKING:
    from onecycle_cli.config import NamedPlan

NARROWEST = 60
"""Columns of a terminal from which on the curves are drawn."""

ROWS = 14
"""Rows of the curves with their axis, without the legend."""


@takes_plan_so_far
def extend(
    request: Request,
    at: Annotated[
        int | None,
        typer.Option(
            "--at", parser=whole, metavar="STEP", help="Go on at this step: as many are done (default: last_epoch + 1)."
        ),
    ] = None,
    new_epochs: Annotated[
        int | None, typer.Option("--epochs", parser=positive, metavar="N", help="The new length of the whole run.")
    ] = None,
    new_total_steps: Annotated[
        int | None,
        typer.Option("--total-steps", parser=positive, metavar="N", help="The new length of the whole run, in steps."),
    ] = None,
    way: Annotated[
        WayName | None, typer.Option("--way", help="Write this way's config instead of the overview.")
    ] = None,
    second_peak: Annotated[
        float | None,
        typer.Option(
            "--second-peak",
            parser=number,
            metavar="NUMBER",
            help=f"Peak of a second cycle (default: max_lr × {SECOND_PEAK}).",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="With --way, the config's file; - is stdout. Else a picture of all ways: PNG, SVG or PDF.",
        ),
    ] = None,
    force: ForceOption = False,
    curve: Annotated[
        bool | None,
        typer.Option("--curve/--no-curve", help="Draw the ways (default: in a terminal, if it is wide enough)."),
    ] = None,
    format_: FormatOption = "table",
) -> None:
    """Extend a run beyond its plan: what a changed length does, and the ways that go on without a jump.

    Examples:
        onecycle extend plan.yaml --at 400 --epochs 15
        onecycle extend plan.yaml --at 400 --epochs 15 --way anneal -o longer.yaml
        onecycle extend train.py --old-total-steps 900 --at 882 --total-steps 1500
    """
    if second_peak is not None and not 0 < second_peak < float("inf"):
        raise OnecycleError(f"--second-peak {second_peak:g} is not above 0", "give a learning rate such as 0.05")
    if way is not None and format_ == "json":
        raise OnecycleError("--way writes a config, and --format json the overview", "remove one")
    if output is not None:
        _check_output(output, way, force=force)
    plan = one_plan(request, OLD_LENGTH)
    total_steps = _new_length(new_epochs, new_total_steps, plan)
    found = extended(plan.settings, plan.schedule, _place(at, plan), total_steps, second_peak)
    if way is not None:
        chosen = next((each for each in found.ways if each.name == way), None)
        if chosen is None:
            others = join_words([each.name for each in found.ways], "or")
            why = next(note for note in found.impossible if note.startswith(f"{way} "))
            raise OnecycleError(why, f"use --way {others}" if others else "give another step or length")
        target = STDOUT if output is None else output
        name = "FILE" if is_stdout(target) else target
        write_text(extended_config(plan.name, found, chosen, name), target)
        return
    if output is not None:
        _draw(plan, found, output)
    if format_ == "json":
        sys.stdout.write(json_text(extension_json(plan.name, found)))
        return
    word = momentum_word(plan.settings.optimizer)
    drawing = "" if curve is False else _drawing(plan, found, asked=bool(curve))
    print_extension(plan.name, found, word, sys.stdout, drawing)
    if found.ways:
        names = "|".join(each.name for each in found.ways)
        sys.stdout.write(f"\n--way {names} -o FILE writes one as a config.\n")


def _check_output(output: str, way: WayName | None, *, force: bool) -> None:
    if way is not None:
        check_new_file(output, force=force)
    elif Path(output).suffix.lower() not in PICTURE_FORMATS:
        raise OnecycleError(
            f"{output} is not a picture, and without --way there is no config to write",
            f"add --way {join_words(WAYS, 'or')}, or name a .png, .svg or .pdf file",
        )


def _place(at: int | None, plan: NamedPlan) -> int:
    """Return the step at which the run goes on."""
    if at is not None:
        return at
    if not plan.schedule.first_step:
        raise OnecycleError(
            "the step at which the run goes on is not given", "give the steps that are done, such as --at 400"
        )
    return plan.schedule.first_step


def _new_length(epochs: int | None, total_steps: int | None, plan: NamedPlan) -> int:
    """Return the new length in steps, which is given in one of two ways."""
    if epochs is not None and total_steps is not None:
        raise OnecycleError("--epochs and --total-steps both give the new length", "remove one")
    if total_steps is not None:
        return total_steps
    if epochs is None:
        raise OnecycleError("the new length is not given", "give it, such as --epochs 15 or --total-steps 1500")
    if plan.schedule.steps_per_epoch is None:
        raise OnecycleError(
            f"--epochs {epochs:,} gives no length: the steps of an epoch are not known",
            "give --steps-per-epoch 100 too, or the new length as --total-steps",
        )
    return epochs * plan.schedule.steps_per_epoch


def _curves(plan: NamedPlan, found: Extension) -> list[Curve]:
    """Return the first group's curves: the plan so far, and its new length and the ways from where they leave it."""
    word = momentum_word(plan.settings.optimizer)
    others: list[tuple[str, Schedule, int]] = [(way.name, way.schedule, way.first_step) for way in found.ways]
    if found.stretched is not None:
        others.insert(0, ("new length", found.stretched, found.at))
    curves = [Curve("old plan", plan.schedule, 0, word, plan.name)]
    for label, schedule, first in others:
        ahead = Schedule(replace(schedule.plan, first_step=first))
        curves.append(Curve(label, ahead, 0, word, plan.name))
    return curves


def _draw(plan: NamedPlan, found: Extension, output: str) -> None:
    from onecycle_cli.cli.pictures import DPI, figure_options, save_figure
    from onecycle_cli.render.figure import plan_figure

    title = f"{plan.name}: from {found.schedule.total_steps:,} to {found.total_steps:,} steps at step {found.at:,}"
    settings = {way.name: way.settings.given for way in found.ways}
    figure = plan_figure(_curves(plan, found), figure_options(None, title=title))
    save_figure(figure, output, DPI, {"settings": settings})


def _drawing(plan: NamedPlan, found: Extension, *, asked: bool) -> str:
    """Return the curves for the terminal; empty in a pipe or a narrow terminal, unless they are asked for."""
    width = width_of(sys.stdout)
    if not asked and (width is None or width < NARROWEST):
        return ""
    from onecycle_cli.cli.drawing import drawn

    curves = _curves(plan, found)
    try:
        return drawn(curves, ROWS + len(curves), momentum=False)
    except OnecycleError:  # rates too large or too small for an axis
        if asked:
            raise
        return ""
