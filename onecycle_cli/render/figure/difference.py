"""The figure of a comparison: the curves overlaid, and below them how far each is from the first."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.errors import OnecycleError
from onecycle_cli.render.figure.annotations import Box
from onecycle_cli.render.figure.data import (
    MOST_ANNOTATED,
    Stretch,
    headlines,
    legend_entries,
    read_lines,
    shared_spans,
)
from onecycle_cli.render.figure.drawing import blank_page, check_size
from onecycle_cli.render.figure.frame import (
    Ground,
    Reach,
    add_panel,
    cut_height,
    left_margin,
    name_vertical,
    set_horizontal,
)
from onecycle_cli.render.figure.notes import name_phases, write_notes
from onecycle_cli.render.figure.page import PAD, Page, plan_legend, write_legend, write_title
from onecycle_cli.render.figure.panel import draw_lines, momentum_scale, rate_scale, set_vertical, shade
from onecycle_cli.render.figure.style import LINES, own_style
from onecycle_cli.render.sampling import check_drawable, steps_to_draw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from onecycle_cli.render.figure.data import Line, Span
    from onecycle_cli.render.figure.drawing import FigureOptions
    from onecycle_cli.render.sampling import Curve


def draw_difference(curves: Sequence[Curve], options: FigureOptions) -> Figure:
    """Draw curves over steps, and below them what each is above or below the first.

    Raises:
        OnecycleError: the figure's size or the rates are none that can be drawn, or there is no curve to compare.
    """
    if len(curves) < 2:
        raise OnecycleError("one curve has no difference to be drawn", "give two or more")
    check_size(options)
    check_drawable(curves)
    lines = read_lines(curves, "step")
    title, details = headlines(lines)
    with own_style():
        page = blank_page(options, [title, *(line.label for line in lines)])
        details = f"{details} · below: difference from {lines[0].label}"
        used = write_title(page, title if options.title is None else options.title, details)
        legend = plan_legend(page, legend_entries(lines))
        write_legend(
            page, legend, _draw_panels(page, lines, cut_height(page, used, legend.height, epochs=False, two=True))
        )
    return page.figure


def differences(lines: Sequence[Line]) -> list[Line]:
    """Give lines that show, in place of momentum, how far each is from the first over the steps that both have."""
    first, *others = lines
    found = [_difference(first, line) for line in others]
    return [line for line in found if line is not None]


def _difference(reference: Line, line: Line) -> Line | None:
    one, two = reference.curve, line.curve
    begin = max(one.schedule.first_step, two.schedule.first_step)
    end = min(one.schedule.total_steps, two.schedule.total_steps) - 1
    if begin > end:
        return None
    steps = np.union1d(steps_to_draw(one.schedule, begin, end), steps_to_draw(two.schedule, begin, end))
    gap = two.schedule.lr(steps, two.group) - one.schedule.lr(steps, one.group)
    return replace(line, ahead=Stretch(steps.astype(np.float64), gap, gap), behind=None)


def _draw_panels(page: Page, lines: Sequence[Line], heights: Sequence[tuple[float, float]]) -> list[Line2D]:
    """Draw both panels; give the curves for the legend."""
    spans = shared_spans([line.curve for line in lines], "step")
    apart = differences(lines)
    zero = replace(lines[0], ahead=replace(lines[0].ahead, momentum=np.zeros(1)), behind=None)
    scales = [
        rate_scale(page, lines, heights[0], spans, log=False),
        momentum_scale(page, [*apart, zero], heights[1]),
    ]
    left = left_margin(page, [label for scale in scales for label in scale.labels])
    reach = Reach(0.0, max(line.ahead.x[-1] for line in lines), "step")
    grounds = [
        Ground(Box(left, foot, page.width - 1.5 * PAD, top), reach, scale)
        for (foot, top), scale in zip(heights, scales, strict=True)
    ]
    above = _panel(page, grounds[0], "learning rate", spans)
    draw_lines(above, lines, scales[0], momentum=False)
    handles = [each for each in above.get_lines() if each.get_alpha() is None]
    taken = name_phases(page, grounds[0], spans)
    if len(lines) <= MOST_ANNOTATED:
        write_notes(page, above, grounds[0], lines, taken)
    below = _panel(page, grounds[1], "difference", spans, above)
    below.axhline(0, color=LINES, linewidth=0.9, zorder=2)
    draw_lines(below, apart, scales[1], momentum=True)
    set_horizontal(page, below, grounds[1])
    above.tick_params(labelbottom=False)
    return handles


def _panel(page: Page, ground: Ground, word: str, spans: Sequence[Span], sharing: Axes | None = None) -> Axes:
    axes = add_panel(page, ground.box, sharing)
    set_vertical(axes, ground.scale)
    name_vertical(axes, ground, word)
    shade(axes, spans)
    return axes
