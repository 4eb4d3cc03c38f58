"""One schedule for people who draw themselves: in their own matplotlib axes, and as the picture of a notebook."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Literal

from onecycle_cli.errors import OnecycleError
from onecycle_cli.render.figure import FigureOptions, plan_figure, save
from onecycle_cli.render.picture import AXIS_NAMES, Curve, steps_to_draw, x_divisor

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from matplotlib.axes import Axes

    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.render.picture import Across

MOST_DRAWN = 20
"""Parameter groups in the picture of a notebook: more cannot be distinguished."""


def draw_in_axes(
    schedule: Schedule,
    ax: Axes | None,
    field: Literal["lr", "momentum"],
    word: str,
    across: Across,
    style: Mapping[str, Any],
    *,
    name: str,
    log: bool,
) -> Axes:
    """Draw each group's learning rate or momentum, called `word`, in axes; without any, in pyplot's current ones.

    Raises:
        OnecycleError: momentum is not cycled, or epochs are wanted and the steps per epoch are not known.
    """
    divisor = x_divisor(schedule, across)
    if ax is None:
        from matplotlib import pyplot

        ax = pyplot.gca()
    steps = steps_to_draw(schedule, 0)
    for group, own in enumerate(schedule.groups):
        values = schedule.lr(steps, group) if field == "lr" else schedule.momentum(steps, group)
        if values is None:
            raise OnecycleError("momentum is not cycled", "draw the learning rate, or set cycle_momentum=True")
        label = name if len(schedule.groups) == 1 else f"{name} {own}".strip()
        ax.plot(steps / divisor, values, **({"label": label} if label else {}) | dict(style))
    ax.set(xlabel=AXIS_NAMES[across], ylabel=word)
    if log:
        ax.set_yscale("log")
    return ax


def schedule_png(schedule: Schedule, title: str, momentum_word: str) -> bytes:
    """Return a PNG of the schedule, in the size of a notebook's cell."""
    groups = schedule.groups[:MOST_DRAWN]
    curves = [Curve(own if len(groups) > 1 else title, schedule, at, momentum_word) for at, own in enumerate(groups)]
    options = FigureOptions(title=title, width_inches=7.0, height_inches=4.2, dpi=100)
    stream = io.BytesIO()
    save(plan_figure(curves, options), stream, "png", dpi=options.dpi)
    return stream.getvalue()
