"""The figure: learning rate above, momentum below, drawn by matplotlib without pyplot and its global state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import printable
from onecycle_cli.render.figure.annotations import Box
from onecycle_cli.render.figure.data import MOST_ANNOTATED, headlines, legend_entries, read_lines, shared_spans
from onecycle_cli.render.figure.frame import (
    Ground,
    Reach,
    add_epochs,
    add_panel,
    cut_height,
    left_margin,
    name_vertical,
    set_horizontal,
)
from onecycle_cli.render.figure.notes import name_phases, write_notes
from onecycle_cli.render.figure.page import PAD, Page, Sizes, plan_legend, write_legend, write_title
from onecycle_cli.render.figure.panel import draw_lines, momentum_scale, rate_scale, set_vertical, shade
from onecycle_cli.render.figure.ruler import Ruler
from onecycle_cli.render.figure.style import fonts_for, own_style
from onecycle_cli.render.sampling import check_drawable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from onecycle_cli.render.figure.data import Line, Span
    from onecycle_cli.render.sampling import Across, Curve

SMALLEST = (2.5, 2.0)
ROOMY = 2.6
"""The height in inches from which on there is room for a line of details and an axis of epochs."""

MOST_PIXELS = 30_000


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureOptions:
    """How the figure is drawn.

    Attributes:
        title: what stands above it, on several lines if it has them; empty for nothing, None for the curves'
            names and their telling numbers.
        width_inches: the figure's width.
        height_inches: the figure's height.
        dpi: dots per inch.
        log: whether the learning rate's axis is logarithmic.
        x: what the horizontal axis counts.
        momentum: whether momentum is drawn, where it is cycled.
    """

    title: str | None = None
    width_inches: float = 9.0
    height_inches: float = 5.5
    dpi: float = 150.0
    log: bool = False
    x: Across = "step"
    momentum: bool = True


def draw(curves: Sequence[Curve], options: FigureOptions) -> Figure:
    """Draw curves into a new figure.

    Raises:
        OnecycleError: the figure's size or the rates are none that can be drawn, or epochs are wanted and not known.
    """
    check_size(options)
    check_drawable(curves)
    lines = read_lines(curves, options.x)
    title, details = headlines(lines) if options.title is None else (options.title, "")
    title = "\n".join(map(printable, title.splitlines()))
    with own_style():
        page = blank_page(options, [title, *(line.label for line in lines)])
        used = write_title(page, title, details if page.height > ROOMY else "")
        _draw_panels(page, lines, options, used)
    return page.figure


def check_size(options: FigureOptions) -> None:
    """Refuse, by an OnecycleError, a size that cannot be drawn."""
    width, height = options.width_inches, options.height_inches
    if width < SMALLEST[0] or height < SMALLEST[1]:
        raise OnecycleError(
            f"a figure of {width:g} × {height:g} inches has no room for curves and their axes",
            f"make it at least {SMALLEST[0]:g} × {SMALLEST[1]:g} inches",
        )
    if max(width, height) * options.dpi > MOST_PIXELS:
        raise OnecycleError(
            f"a figure of {width:g} × {height:g} inches at {options.dpi:g} dpi is larger than {MOST_PIXELS:,} pixels",
            f"give at most {int(MOST_PIXELS / max(width, height))} dpi, or draw to SVG or PDF",
        )


def blank_page(options: FigureOptions, texts: Sequence[str]) -> Page:
    """Make an empty page in whose fonts the texts can be written; to be called within our own style."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    sizes = Sizes.of(options.width_inches, options.height_inches)
    mpl.rcParams.update(
        {
            "font.family": fonts_for(texts),
            "font.size": sizes.text,
            "xtick.labelsize": sizes.small,
            "ytick.labelsize": sizes.small,
        }
    )
    figure = Figure(figsize=(options.width_inches, options.height_inches), dpi=options.dpi)
    canvas: Any = FigureCanvasAgg(figure)  # its renderer is not typed
    return Page(figure, Ruler(canvas.get_renderer(), options.dpi), sizes)


def _draw_panels(page: Page, lines: Sequence[Line], options: FigureOptions, used: float) -> None:
    curves = [line.curve for line in lines]
    spans = shared_spans(curves, options.x)
    epoch = _shared_epoch(curves) if options.x == "step" and page.height > ROOMY else None
    two = options.momentum and any(curve.schedule.cycles_momentum for curve in curves)
    legend = plan_legend(page, legend_entries(lines)) if len(lines) > 1 else None
    heights = cut_height(page, used, legend.height if legend else 0, epochs=epoch is not None, two=two)
    scales = [rate_scale(page, lines, heights[0], spans, log=options.log)]
    scales += [momentum_scale(page, lines, heights[1])] if two else []
    left = left_margin(page, [label for scale in scales for label in scale.labels])
    boxes = [Box(left, foot, page.width - 1.5 * PAD, top) for foot, top in heights]
    grounds = [
        Ground(box, Reach(0.0, max(line.ahead.x[-1] for line in lines), options.x), scale)
        for box, scale in zip(boxes, scales, strict=True)
    ]
    panels = _fill_panels(page, grounds, lines, spans)
    drawn = [each for each in panels[0].get_lines() if each.get_alpha() is None]
    taken = name_phases(page, grounds[0], spans)
    if len(lines) <= MOST_ANNOTATED:
        write_notes(page, panels[0], grounds[0], lines, taken)
    if epoch:
        add_epochs(page, panels[0], grounds[0], epoch)
    if legend:
        write_legend(page, legend, drawn)


def _fill_panels(page: Page, grounds: Sequence[Ground], lines: Sequence[Line], spans: Sequence[Span]) -> list[Axes]:
    panels: list[Axes] = []
    for at, ground in enumerate(grounds):
        axes = add_panel(page, ground.box, panels[0] if panels else None)
        height = ground.box.top - ground.box.bottom
        words = [_momentum_word([line.curve for line in lines])] if at else ["learning rate", "lr"]
        fitting = [word for word in words if page.ruler.width(word, page.sizes.text) < height]
        set_vertical(axes, ground.scale)
        name_vertical(axes, ground, fitting[0] if fitting else "")
        shade(axes, spans)
        draw_lines(axes, lines, ground.scale, momentum=bool(at))
        panels.append(axes)
    set_horizontal(page, panels[-1], grounds[-1])
    for axes in panels[:-1]:
        axes.tick_params(labelbottom=False)
    return panels


def _shared_epoch(curves: Sequence[Curve]) -> int | None:
    rhythms = {curve.schedule.steps_per_epoch for curve in curves}
    return rhythms.pop() if len(rhythms) == 1 else None


def _momentum_word(curves: Sequence[Curve]) -> str:
    return " / ".join(dict.fromkeys(each.momentum_word for each in curves if each.schedule.cycles_momentum))
