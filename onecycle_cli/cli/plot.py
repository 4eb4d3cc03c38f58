"""onecycle plot: a picture of learning rate and momentum, in a file or in the terminal."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from onecycle_cli.cli.drawing import drawn, window_height
from onecycle_cli.cli.options import takes_plan
from onecycle_cli.cli.plans import plans
from onecycle_cli.cli.targets import check_not_input, picture_format, save_picture
from onecycle_cli.config import Request
from onecycle_cli.errors import OnecycleError
from onecycle_cli.policy.checks.optimizers import momentum_word
from onecycle_cli.render.picture import Across, Curve

if TYPE_CHECKING:
    from onecycle_cli.config import NamedPlan

_FILE = "PNG, SVG or PDF by extension; - is stdout (default: the config's name with .png)."
_SIZE = re.compile(r"\s*([0-9.]+)\s*[x×]\s*([0-9.]+)\s*(px|in)?\s*")


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
    x: Annotated[Across, typer.Option(metavar="UNIT", help="The unit of the horizontal axis.")] = "step",
    log: Annotated[bool, typer.Option("--log", help="Draw the learning rate on a logarithmic axis.")] = False,
    momentum: Annotated[bool, typer.Option("--momentum/--no-momentum", help="Draw momentum below.")] = True,
    size: Annotated[str, typer.Option(metavar="WxH", help="In inches, or in pixels: 1600x900px.")] = "9x5.5",
    dpi: Annotated[float, typer.Option(min=10, max=2400, help="Dots per inch (PNG).")] = 150,
    title: Annotated[str | None, typer.Option(help="Figure title (default: names and key numbers).")] = None,
) -> None:
    """Draw the learning rate and momentum over the run; several plans in one picture.

    Examples:
        onecycle plot plan.yaml -o schedule.svg
        onecycle plot plan.yaml other.yaml --x percent --log -o both.png
        onecycle plot --terminal --max-lr 0.1 --total-steps 1000
    """
    if terminal and output is not None:
        raise OnecycleError("--terminal cannot be used with -o", "remove one")
    if height is not None and not terminal:
        raise OnecycleError("--height is for --terminal", "give --terminal, or the size of a picture with --size")
    if output is not None:
        picture_format(output)
    inches = _read_size(size, dpi)
    planned = plans(request)
    curves = [curve for plan in planned for curve in plan_curves(plan, several=len(planned) > 1)]
    if terminal:
        sys.stdout.write(drawn(curves, height or window_height(), log=log, x=x, momentum=momentum))
        return
    from onecycle_cli.render.figure import FigureOptions, plan_figure

    target = output or f"{planned[0].stem if len(planned) == 1 else 'onecycle'}.png"
    check_not_input(target, request.configs)
    options = FigureOptions(
        title=title, width_inches=inches[0], height_inches=inches[1], dpi=dpi, log=log, x=x, momentum=momentum
    )
    settings = {plan.label: plan.settings.given for plan in planned}
    save_picture(plan_figure(curves, options), target, dpi, {"settings": json.dumps(settings)})


def plan_curves(plan: NamedPlan, *, several: bool) -> list[Curve]:
    """Return a plan's curves, one per parameter group, with distinct labels."""
    groups = plan.schedule.groups
    word = momentum_word(plan.settings.optimizer)
    if len(groups) == 1:
        return [Curve(plan.label, plan.schedule, 0, word)]
    named = [f"group {name}" if plan.settings.groups is None else name for name in groups]
    labels = [f"{plan.label}: {name}" if several else name for name in named]
    return [Curve(label, plan.schedule, group, word, plan.label) for group, label in enumerate(labels)]


def _read_size(text: str, dpi: float) -> tuple[float, float]:
    """Read a size in inches, or in pixels where it says so."""
    read = _SIZE.fullmatch(text)
    try:
        width, height = (float(read[1]), float(read[2])) if read else (0.0, 0.0)
    except ValueError:
        width = height = 0.0
    if read is None or width <= 0 or height <= 0:
        raise OnecycleError(f"invalid --size {text[:40]!r}", "use WxH such as 9x5.5 (inches) or 1600x900px")
    if read[3] == "px":
        return width / dpi, height / dpi
    if max(width, height) > 100:
        message = f"--size {text[:40]} is {max(width, height):g} inches"
        raise OnecycleError(message, f"did you mean {width:g}x{height:g}px?")
    return width, height
