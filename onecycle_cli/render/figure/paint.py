"""Drawing a chart with matplotlib where its layout says, without pyplot and its global state."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from onecycle_cli.render.figure.fonts import fonts_for
from onecycle_cli.render.figure.labels import Ruler, line_height
from onecycle_cli.render.figure.layout import PAD, TICK, Page, lay_out
from onecycle_cli.render.figure.legend import HANDLE, extra_height
from onecycle_cli.render.figure.style import own_style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from onecycle_cli.render.figure.chart import Chart, Panel
    from onecycle_cli.render.figure.layout import Ground, Layout, Scale
    from onecycle_cli.render.figure.legend import Legend
    from onecycle_cli.render.figure.style import Style

MOMENT: dict[str, Any] = {"linewidth": 1.0, "linestyle": (0, (4, 2)), "zorder": 2.5}
NOTED: dict[str, Any] = {
    "linestyle": "none",
    "marker": "o",
    "markersize": 5.5,
    "markeredgewidth": 1,
}


def paint(
    chart: Chart, style: Style, size: tuple[float, float], dpi: float, *, grows: bool, transparent: bool
) -> Figure:
    """Draw a chart into a new figure of a size in inches; higher if it `grows` with a long legend."""
    with own_style(style):
        figure, page = _blank_page(chart, style, *size, dpi)
        if grows and len(chart.legend) > len(chart.curve_names):
            page = replace(page, height=page.height + extra_height(page, chart.legend))
            figure.set_size_inches(page.width, page.height)
        layout = lay_out(chart, page)
        panels: list[Axes] = []
        strokes: list[list[Line2D]] = []
        for panel, ground in zip(chart.panels, layout.grounds, strict=True):
            axes = _add_panel(figure, page, ground, panels[0] if panels else None)
            strokes.append(_fill(axes, chart, panel, ground.scale, style))
            panels.append(axes)
        for x, y, colour in layout.dots:
            edge = "none" if transparent else style.background
            look = NOTED | {"markeredgecolor": edge, "markerfacecolor": colour}
            panels[0].plot([x], [y], zorder=4, clip_on=False, **look)
        if transparent:
            for patch in (figure.patch, *(axes.patch for axes in panels)):
                patch.set_alpha(0.0)
        lead = layout.grounds[0]
        _set_steps(panels, layout)
        if layout.epochs:
            # Its name is beside its ticks to save a row.
            top = panels[0].secondary_xaxis("top")
            top.set_xticks(layout.epochs.places, layout.epochs.labels)
            top.set_xlabel(layout.epochs.name, ha="right", fontsize=page.small)
            place = (-0.15 / lead.box.width, 1 + TICK / (lead.box.top - lead.box.bottom))
            top.xaxis.set_label_coords(*place, transform=panels[0].transAxes)
        _write(figure, layout)
        if layout.legend:
            entries = zip(chart.panels[0].strokes, strokes[0], strict=True)
            handles = [line for stroke, line in entries if stroke.legend is not None]
            _write_legend(figure, layout, layout.legend, handles)
    return figure


def _blank_page(chart: Chart, style: Style, width: float, height: float, dpi: float) -> tuple[Figure, Page]:
    """Make an empty figure in whose fonts a chart's texts can be written."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # 10 points at 9 × 5.5 inches, and more slowly smaller than it.
    text = 10 * min(max(min(width / 9, height / 5.5), 0.3), 2.5) ** 0.5
    small, title = text * 0.9, text * 1.25
    texts = [*chart.titles, chart.details, *chart.legend, *(name for panel in chart.panels for name in panel.captions)]
    fonts: dict[Any, Any] = {"font.family": fonts_for(texts, style.font), "font.size": text}
    mpl.rcParams.update(fonts | {"xtick.labelsize": small, "ytick.labelsize": small})
    figure = Figure(figsize=(width, height), dpi=dpi)
    canvas: Any = FigureCanvasAgg(figure)  # its renderer is not typed
    return figure, Page(style, width, height, Ruler(canvas.get_renderer(), dpi), text, small, title)


def _add_panel(figure: Figure, page: Page, ground: Ground, sharing: Axes | None) -> Axes:
    """Add a panel with its vertical axis, whose name runs along the page's left edge."""
    box, scale = ground.box, ground.scale
    place = (box.left / page.width, box.bottom / page.height)
    size = (box.width / page.width, (box.top - box.bottom) / page.height)
    axes = figure.add_axes((*place, *size), sharex=sharing)
    if scale.log:
        axes.set_yscale("log")
        axes.minorticks_off()
    axes.set_ylim(scale.low, scale.high)
    axes.set_yticks(scale.ticks, scale.labels)
    axes.set_ylabel(ground.name, va="top", fontsize=ground.points)
    axes.yaxis.set_label_coords((PAD - box.left) / box.width, 0.5)
    return axes


def _fill(axes: Axes, chart: Chart, panel: Panel, scale: Scale, style: Style) -> list[Line2D]:
    """Draw what a panel shows; return the lines of its strokes."""
    for band in chart.bands:
        axes.axvspan(band.begin, band.end, color=band.shade, alpha=style.shade, linewidth=0, zorder=0)
    if panel.level is not None:
        axes.axhline(panel.level, color=style.lines, linewidth=0.9, zorder=2)
    lines = []
    for stroke in panel.strokes:
        # What a logarithmic axis cannot hold runs out of its foot.
        y = np.where(stroke.y > 0, stroke.y, scale.low / 1e3) if scale.log else stroke.y
        lines += axes.plot(stroke.x, y, **stroke.style)
    if chart.moment:
        axes.axvline(chart.moment.x, color=chart.moment.colour, label="first divergence", **MOMENT)
    return lines


def _set_steps(panels: Sequence[Axes], layout: Layout) -> None:
    """Give the lowest panel its horizontal axis."""
    *others, lowest = panels
    ground, ticks = layout.grounds[-1], layout.ticks
    lowest.set_xlim(*ground.reach.limits)
    lowest.set_xticks(ticks.places, ticks.labels)
    lowest.set_xlabel(ticks.name)
    below = TICK * 1.2 + line_height(layout.page.small)
    lowest.xaxis.set_label_coords(0.5, -below / (ground.box.top - ground.box.bottom))
    for axes in others:
        axes.tick_params(labelbottom=False)


def _write(figure: Figure, layout: Layout) -> None:
    """Write the title, and the words in the first panel."""
    from matplotlib.lines import Line2D

    page, inches = layout.page, figure.dpi_scale_trans
    for text, top, points, bold, colour in layout.title:
        weight = "bold" if bold else "normal"
        place = (PAD / page.width, top / page.height)
        figure.text(*place, text, fontsize=points, fontweight=weight, color=colour, va="top")
    for words in layout.words:
        box, points = words.box, page.small
        middle = (box.bottom + box.top) / 2
        style: dict[str, Any] = {"va": "center_baseline", "transform": inches}
        figure.text(box.left, middle, words.text, fontsize=points, color=words.colour, **style)
    for leader in layout.leaders:
        ends = zip(leader.start, leader.end, strict=True)
        figure.add_artist(Line2D(*ends, color=leader.colour, linewidth=0.8, transform=inches))


def _write_legend(figure: Figure, layout: Layout, legend: Legend, handles: Sequence[Line2D]) -> None:
    """Write the legend at the right of the panels, or along the foot of the page."""
    from matplotlib.lines import Line2D

    page = layout.page
    keys = [handles[at] for at in legend.shown]
    if legend.left_out:
        keys.append(Line2D([], [], linestyle="none"))
    left, y = PAD, PAD / 2
    if legend.beside:
        left, y = page.width - legend.width, layout.grounds[0].box.top
    drawn = figure.legend(
        handles=keys,
        labels=[str(at) for at in range(len(keys))],
        loc="upper left" if legend.beside else "lower left",
        bbox_to_anchor=(left / page.width, y / page.height),
        ncols=legend.columns,
        fontsize=legend.points,
        handlelength=HANDLE,
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        labelspacing=0.25,
    )
    # Written afterwards, because matplotlib leaves out labels that begin with an underscore.
    for text, entry in zip(drawn.get_texts(), legend.entries, strict=True):
        text.set_text(entry)
