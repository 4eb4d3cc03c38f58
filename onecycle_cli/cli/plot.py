"""onecycle plot: a picture of learning rate and momentum, in a file or in the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from onecycle_cli.cli.drawing import drawn, window_height
from onecycle_cli.cli.options import takes_plan
from onecycle_cli.cli.pictures import (
    DPI,
    AcrossOption,
    LogAxisOption,
    SizeOption,
    StyleOption,
    TransparentOption,
    figure_options,
    save_figure,
)
from onecycle_cli.cli.plans import AgainstOption, plan_names, plans, references
from onecycle_cli.cli.targets import check_not_input, picture_format
from onecycle_cli.config import Request
from onecycle_cli.errors import OnecycleError
from onecycle_cli.policy.checks.optimizers import momentum_word
from onecycle_cli.render.picture import Curve
from onecycle_cli.render.short_names import numbered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.config import NamedPlan
    from onecycle_cli.policy.schedule import Schedule

_FILE = "PNG, SVG or PDF by extension; - is stdout (default: the config's name with .png)."


@takes_plan
def plot(
    request: Request,
    output: Annotated[str | None, typer.Option("-o", "--output", metavar="FILE", help=_FILE)] = None,
    terminal: Annotated[bool, typer.Option("--terminal", help="Draw in the terminal instead of a file.")] = False,
    height: Annotated[
        int | None,
        typer.Option(
            min=3, max=1000, metavar="ROWS", help="Rows of the drawing in the terminal (default: the window's)."
        ),
    ] = None,
    against: AgainstOption = None,
    x: AcrossOption = "step",
    log: LogAxisOption = False,
    momentum: Annotated[bool, typer.Option("--momentum/--no-momentum", help="Draw momentum below.")] = True,
    size: SizeOption = None,
    dpi: Annotated[float, typer.Option(min=10, max=2400, help="Dots per inch (PNG).")] = DPI,
    style: StyleOption = "light",
    transparent: TransparentOption = False,
    title: Annotated[str | None, typer.Option(help="Figure title (default: names and key numbers).")] = None,
) -> None:
    """Draw the learning rate and momentum over the run; several plans in one picture.

    Examples:
        onecycle plot plan.yaml -o schedule.svg
        onecycle plot plan.yaml other.yaml --x percent --log -o both.png
        onecycle plot plan.yaml --against cosine --against wsd:warmup=0.05,decay=0.2
        onecycle plot --terminal --max-lr 0.1 --total-steps 1000
    """
    if terminal and output is not None:
        raise OnecycleError("--terminal cannot be used with -o", "remove one")
    if height is not None and not terminal:
        raise OnecycleError("--height is for --terminal", "give --terminal, or the size of a picture with --size")
    if output is not None:
        picture_format(output)
    options = figure_options(
        size, dpi, title=title, log=log, x=x, momentum=momentum, style=style, transparent=transparent
    )
    planned = plans(request)
    beside = references(against, planned[0])
    curves = plan_curves(planned)
    curves += [
        Curve(name, schedule, _highest_group(schedule), is_reference=True)
        for name, (_, schedule) in zip(numbered([found.name for found, _ in beside]), beside, strict=True)
    ]
    if terminal:
        sys.stdout.write(drawn(curves, height or window_height(), log=log, x=x, momentum=momentum))
        return
    from onecycle_cli.render.figure import plan_figure

    target = output or f"{planned[0].stem if len(planned) == 1 else 'onecycle'}.png"
    check_not_input(target, request.configs)
    settings: dict[str, object] = {plan.label: plan.settings.given for plan in planned}
    if against:
        settings["against"] = [found.words for found, _ in beside]
    save_figure(plan_figure(curves, options), target, dpi, {"settings": settings})


def _highest_group(schedule: Schedule) -> int:
    """Return the group with the highest peak, which stands for a reference whose groups differ by their peaks only."""
    peaks = [group.max_lr for group in schedule.plan.groups]
    return peaks.index(max(peaks))


def plan_curves(planned: Sequence[NamedPlan]) -> list[Curve]:
    """Return the plans' curves, one per parameter group, with distinct labels."""
    found = []
    for plan, name in zip(planned, plan_names(planned), strict=True):
        word, groups = momentum_word(plan.settings.optimizer), plan.schedule.groups
        titled = plan.name if plan.name in plan.label else None
        if len(groups) == 1:
            found.append(Curve(name, plan.schedule, 0, word, titled))
            continue
        named = [f"group {group}" if plan.settings.groups is None else group for group in groups]
        labels = [f"{name}: {group}" if len(planned) > 1 else group for group in named]
        found += [Curve(label, plan.schedule, group, word, plan.name) for group, label in enumerate(labels)]
    return found
