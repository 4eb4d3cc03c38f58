"""onecycle compare: plans, or one plan under several conventions, held against the first of them."""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from onecycle_cli.cli.app import new_app
from onecycle_cli.cli.options import Request, takes_plan
from onecycle_cli.cli.plans import plans
from onecycle_cli.cli.plot import FORMATS
from onecycle_cli.cli.show import read_steps
from onecycle_cli.errors import OnecycleError
from onecycle_cli.policy.comparison import compare as compare_schedules
from onecycle_cli.policy.comparison import differing, in_effect
from onecycle_cli.policy.conventions import convention_of
from onecycle_cli.policy.translation import translate
from onecycle_cli.render.comparison_report import (
    Entry,
    comparison_json,
    group_number,
    most_differing_group,
    print_comparison,
    shown_steps,
)

if TYPE_CHECKING:
    from onecycle_cli.cli.plans import Planned
    from onecycle_cli.policy.comparison import Outcome
    from onecycle_cli.policy.translation import Translation

app = new_app()


@app.command()
@takes_plan
def compare(
    request: Request,
    tolerance: Annotated[
        float, typer.Option(min=0, metavar="SHARE", help="What counts as equal, as a share of the first plan's peak.")
    ] = 0.0,
    at: Annotated[str | None, typer.Option(metavar="STEP,STEP…", help="Only these steps, such as 0,500,9999.")] = None,
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="FILE", help="Draw curves and differences: PNG, SVG or PDF by ending."),
    ] = None,
    format_: Annotated[
        Literal["table", "json"], typer.Option("--format", help="For people, or for machines.")
    ] = "table",
) -> None:
    """Compare plans, or one plan under several conventions, with the first: exit 0 if equal, 1 if they differ."""
    if not math.isfinite(tolerance):
        raise OnecycleError(f"--tolerance {tolerance} is no share", "give a number such as 1e-6")
    if output is not None and Path(output).suffix.lower() not in FORMATS:
        raise OnecycleError(f"{output} has no ending of a picture", "end it in .png, .svg or .pdf")
    if max(len(request.configs), 1) * max(len(request.conventions), 1) < 2:
        raise OnecycleError("one plan has nothing to be compared with", "name two configs, or --convention torch,optax")
    planned = plans(request, leave_out_lacking=True)
    longest = max(plan.schedule.total_steps for plan in planned)
    asked = None if at is None else read_steps(at, longest)
    entries = _entries(planned, _names(planned, request), tolerance)
    steps = shown_steps(entries) if asked is None else asked
    if output is not None:
        _draw(entries, output)
    if format_ == "json":
        sys.stdout.write(json.dumps(comparison_json(entries, tolerance, steps), indent=2, allow_nan=False) + "\n")
    else:
        print_comparison(entries, tolerance, steps, sys.stdout)
    if not all(each.equal for each in entries):
        raise typer.Exit(1)


def _names(planned: list[Planned], request: Request) -> list[str]:
    """Name the plans: by name, or by convention or path where that tells apart plans of the same name."""
    conventions = request.conventions or ("",)
    pairs = [(path, each) for path in request.configs or ("",) for each in conventions]
    names = [plan.name for plan in planned]
    if len(set(names)) == 1 and len(request.configs) < 2:
        names = [convention for _, convention in pairs]
    elif len(conventions) > 1:
        names = [plan.label for plan in planned]
    if len(set(names)) < len(names):
        names = [f"{path} ({convention})" if convention else path for path, convention in pairs]
    seen: Counter[str] = Counter()
    for at, name in enumerate(names):
        seen[name] += 1
        names[at] = name if seen[name] == 1 else f"{name} #{seen[name]}"
    return names


def _entries(planned: list[Planned], names: list[str], tolerance: float) -> list[Entry]:
    reference, *others = planned
    settings = in_effect(reference.settings, reference.schedule.plan)
    entries = [Entry(names[0], reference.schedule, settings, {}, None, None)]
    for name, plan in zip(names[1:], others, strict=True):
        both = _has_momentum(reference) and _has_momentum(plan)
        outcome = compare_schedules(reference.schedule, plan.schedule, tolerance, momentum=both)
        own = in_effect(plan.settings, plan.schedule.plan)
        closest = _closest(reference, plan, outcome) if own["convention"] != settings["convention"] else None
        entries.append(Entry(name, plan.schedule, own, differing(settings, own), outcome, closest))
    return entries


def _has_momentum(plan: Planned) -> bool:
    return convention_of(plan.settings).supports("cycle_momentum")


def _closest(reference: Planned, plan: Planned, outcome: Outcome) -> Translation | None:
    """Translate the reference into a plan's convention, where that comes closer than the plan itself."""
    same_length = reference.schedule.total_steps == plan.schedule.total_steps
    if outcome.lr is None and same_length:
        return None
    found = translate(reference.settings, reference.schedule, convention_of(plan.settings).name)
    if found is None or (same_length and outcome.lr and found.largest.relative >= outcome.lr.relative):
        return None
    return found


def _draw(entries: list[Entry], target: str) -> None:
    from onecycle_cli.render.figure import FigureOptions, comparison_figure, save
    from onecycle_cli.render.output import whole_file
    from onecycle_cli.render.picture import Curve
    from onecycle_cli.version import __version__

    options = FigureOptions()
    group = most_differing_group(entries)
    several = any(len(each.schedule.groups) > 1 for each in entries)
    curves = [
        Curve(f"{each.name}: {group}" if several else each.name, each.schedule, group_number(each.schedule, group))
        for each in entries
    ]
    figure = comparison_figure(curves, options)
    settings = json.dumps({each.name: each.settings for each in entries})
    metadata = {"version": f"onecycle-cli {__version__}", "settings": settings}
    with whole_file(Path(target)) as stream:
        save(figure, stream, FORMATS[Path(target).suffix.lower()], dpi=options.dpi, metadata=metadata)
    sys.stderr.write(f"note: the picture is {target}\n")
