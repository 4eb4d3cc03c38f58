"""onecycle compare: plans, or one plan under several conventions, compared with the first of them."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from onecycle_cli.cli.options import AtOption, FormatOption, read_steps, takes_plan
from onecycle_cli.cli.pictures import (
    LogAxisOption,
    SizeOption,
    StyleOption,
    TransparentOption,
    figure_options,
    save_figure,
)
from onecycle_cli.cli.plans import AgainstOption, plan_names, plans, references
from onecycle_cli.cli.targets import check_picture_beside_report
from onecycle_cli.config import Request
from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import json_text
from onecycle_cli.policy.comparison import comparable, differing, in_effect
from onecycle_cli.policy.comparison import compare as compare_schedules
from onecycle_cli.policy.conventions import convention_of
from onecycle_cli.policy.translation import translate
from onecycle_cli.render.comparison_answer import main_answer
from onecycle_cli.render.comparison_report import (
    Entry,
    comparison_json,
    group_number,
    most_differing_group,
    places_of,
    print_comparison,
)
from onecycle_cli.render.picture import Across
from onecycle_cli.render.short_names import numbered, short_tails, without_common_parts

if TYPE_CHECKING:
    from onecycle_cli.config import NamedPlan
    from onecycle_cli.policy.comparison import Outcome
    from onecycle_cli.policy.references import Reference
    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.policy.translation import Translation
    from onecycle_cli.render.figure import FigureOptions


_UNIT = "The unit of the table's rows and of the picture's horizontal axis."


@takes_plan
def compare(
    request: Request,
    tolerance: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="SHARE",
            help="The largest difference that counts as equal, relative to the first plan's peak.",
        ),
    ] = 0.0,
    against: AgainstOption = None,
    at: AtOption = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o", "--output", metavar="FILE", help="Draw curves and differences: PNG, SVG or PDF by extension."
        ),
    ] = None,
    x: Annotated[
        Across, typer.Option(metavar="UNIT", help="The unit of the table's rows and the picture's axis.")
    ] = "step",
    log: LogAxisOption = False,
    size: SizeOption = None,
    style: StyleOption = "light",
    transparent: TransparentOption = False,
    format_: FormatOption = "table",
) -> None:
    """Compare plans, or one plan under several conventions. Exit 0 if all equal the first, 1 if not.

    Schedules of other shapes (--against) are set beside the plans, and do not change the exit code.

    Examples:
        onecycle compare plan.yaml other.yaml
        onecycle compare plan.yaml --convention torch,fastai,optax
        onecycle compare plan.yaml other.yaml --tolerance 1e-6 -o difference.png
    """
    if not math.isfinite(tolerance):
        raise OnecycleError(f"--tolerance {tolerance} is not a finite number", "give a number such as 1e-6")
    if output is not None:
        check_picture_beside_report(output)
    options = figure_options(size, x=x, log=log, style=style, transparent=transparent)
    plans_asked = (request.configs, request.conventions, request.variations)
    if not against and all(len(several) < 2 for several in plans_asked):
        hint = "name two configs, or --convention torch,optax, or --against cosine"
        raise OnecycleError("a comparison needs two plans", hint)
    planned = plans(replace(request, leave_out_unsupported=True))
    longest = max(plan.schedule.total_steps for plan in planned)
    asked = read_steps(at, longest) if at else None
    entries = _entries(planned, _names(planned, request), tolerance)
    entries += _reference_entries(planned[0], entries[0], references(against, planned[0]), tolerance)
    places = places_of(entries, x, asked)
    if output is not None:
        _draw(entries, output, main_answer(entries, tolerance), options)
    if format_ == "json":
        sys.stdout.write(json_text(comparison_json(entries, tolerance, places)))
    else:
        print_comparison(entries, tolerance, places, sys.stdout)
    if not all(entry.equal for entry in entries if not entry.is_reference):
        raise typer.Exit(1)


LONG_NAME = 16
"""Names with more characters lose what all of them begin or end with."""


def _names(planned: list[NamedPlan], request: Request) -> list[str]:
    """Return distinct names for the plans: their own, or by convention or path if several have the same name."""
    if request.variations or len(planned) == 1:
        return plan_names(planned)
    conventions = request.conventions or ("",)
    paths = short_tails(request.configs) or [""]
    pairs = [(path, convention) for path in paths for convention in conventions]
    names = [plan.name for plan in planned]
    if len(set(names)) == 1 and len(request.configs) < 2:
        names = [convention for _, convention in pairs]
    elif len(conventions) > 1:
        names = [plan.label for plan in planned]
    if request.configs and len(set(names)) < len(names):
        names = [f"{path} ({convention})" if convention else path for path, convention in pairs]
    elif max(map(len, names)) > LONG_NAME:
        names = without_common_parts(names)
    return numbered(names)


def _entries(planned: list[NamedPlan], names: list[str], tolerance: float) -> list[Entry]:
    reference, *others = planned
    in_effects = [in_effect(plan.settings, plan.schedule.plan) for plan in planned]
    settings, *owns = comparable(in_effects, [plan.schedule for plan in planned])
    entries = [Entry(names[0], reference.schedule, settings, {}, None, None)]
    for name, plan, own in zip(names[1:], others, owns, strict=True):
        both = _has_momentum(reference) and _has_momentum(plan)
        outcome = compare_schedules(reference.schedule, plan.schedule, tolerance, momentum=both)
        closest = _closest(reference, plan, outcome) if own["convention"] != settings["convention"] else None
        entries.append(Entry(name, plan.schedule, own, differing(settings, own), outcome, closest))
    return entries


def _reference_entries(
    plan: NamedPlan, first: Entry, beside: list[tuple[Reference, Schedule]], tolerance: float
) -> list[Entry]:
    """Return the entries of schedules of other shapes; of the settings they have the peak and the length."""
    names = numbered([found.name for found, _ in beside])
    entries = []
    for name, (found, schedule) in zip(names, beside, strict=True):
        peaks = [group.max_lr for group in schedule.plan.groups]
        own = first.settings | {
            "convention": found.title,
            "max_lr": peaks if len(set(peaks)) > 1 else peaks[0],
            "total_steps": schedule.total_steps,
        }
        outcome = compare_schedules(plan.schedule, schedule, tolerance, momentum=False)
        entries.append(Entry(name, schedule, own, differing(first.settings, own), outcome, None, is_reference=True))
    return entries


def _has_momentum(plan: NamedPlan) -> bool:
    return convention_of(plan.settings).supports("cycle_momentum")


def _closest(reference: NamedPlan, plan: NamedPlan, outcome: Outcome) -> Translation | None:
    """Return the reference translated into a plan's convention, if that is closer to it than the plan itself."""
    same_length = reference.schedule.total_steps == plan.schedule.total_steps
    if outcome.lr is None and same_length:
        return None
    found = translate(reference.settings, reference.schedule, convention_of(plan.settings).name)
    if found is None or (same_length and outcome.lr and found.largest.relative >= outcome.lr.relative):
        return None
    return found


def _draw(entries: list[Entry], target: str, answer: str, options: FigureOptions) -> None:
    from onecycle_cli.render.figure import comparison_figure
    from onecycle_cli.render.picture import Curve

    group = most_differing_group(entries)
    several = any(len(entry.schedule.groups) > 1 for entry in entries)
    curves = [
        Curve(
            f"{entry.name}: {group}" if several else entry.name,
            entry.schedule,
            group_number(entry.schedule, group),
            is_reference=entry.is_reference,
        )
        for entry in entries
    ]
    settings = {entry.name: entry.settings for entry in entries}
    save_figure(comparison_figure(curves, options, answer), target, options.dpi, {"settings": settings})
