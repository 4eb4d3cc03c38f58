"""The figure of a check: the plan as a wide pale road, what was logged as a line on it, and where the two part."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from onecycle_cli.formatting import printable
from onecycle_cli.render.check_report import compared_values, outcome
from onecycle_cli.render.figure.annotations import Box
from onecycle_cli.render.figure.data import Span, Stretch, read_lines
from onecycle_cli.render.figure.drawing import ROOMY, blank_page, check_size
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
from onecycle_cli.render.figure.logged import traces
from onecycle_cli.render.figure.notes import name_phases
from onecycle_cli.render.figure.page import PAD, plan_legend, write_legend, write_title
from onecycle_cli.render.figure.panel import momentum_scale, rate_scale, set_vertical, shade
from onecycle_cli.render.figure.ruler import line_height
from onecycle_cli.render.figure.style import LINES, own_style
from onecycle_cli.render.sampling import Curve, check_drawable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from onecycle_cli.render.figure.data import Line
    from onecycle_cli.render.figure.drawing import FigureOptions
    from onecycle_cli.render.figure.logged import Trace
    from onecycle_cli.render.figure.page import Page
    from onecycle_cli.run.verdict import Verdict

ROAD = 5.0
"""The width of the planned curve, in points: wide enough to be seen below a line that follows it."""

PALE = 0.35
WRONG = "#b2182b"
GAP = 0.06


@dataclass(frozen=True, slots=True)
class _Panel:
    """What one panel shows: the plan's curves, and what was logged of them."""

    field: str
    word: str
    lines: Sequence[Line]
    traces: Sequence[Trace]

    def shown(self) -> list[Line]:
        """Give everything in it as lines, to fit the axis to."""
        stretches = [(self.line_of(each), Stretch(each.x, each.y, each.y)) for each in self.traces]
        return [*self.lines, *(replace(line, ahead=ahead, behind=None) for line, ahead in stretches)]

    def line_of(self, trace: Trace) -> Line:
        """Give the plan's curve that a trace was held against."""
        return next(line for line in self.lines if line.curve.group == trace.track.group)


def draw_run(found: Verdict, plan: str, momentum_word: str, options: FigureOptions) -> Figure:
    """Draw a log over its plan, which is called `plan`.

    Raises:
        OnecycleError: the figure's size or the rates are none that can be drawn.
    """
    check_size(options)
    schedule = found.series.schedule
    groups = dict.fromkeys(track.group for track in found.series.tracks)
    curves = [Curve(schedule.groups[group], schedule, group, momentum_word) for group in groups]
    check_drawable(curves)
    lines = read_lines(curves, "step")
    panels = [_Panel("lr", "learning rate", lines, traces(found.series, "lr"))]
    if momenta := traces(found.series, "momentum"):
        panels.append(_Panel("momentum", momentum_word, lines, momenta))
    title, details = _title(found, plan)
    with own_style():
        page = blank_page(options, [title, *(line.label for line in lines)])
        used = write_title(page, title, details if page.height > ROOMY else "")
        _draw(page, found, panels, used)
    return page.figure


def _title(found: Verdict, plan: str) -> tuple[str, str]:
    """Give the title, verdict and cause, and the details below it."""
    cause = found.cause
    if found.verdict == "ok":
        return outcome(found, plan), compared_values(found)
    if found.first_divergence is None:
        return f"{found.verdict}: {printable(cause.slug)}", printable(cause.summary)
    return f"{outcome(found, plan)}: {printable(cause.slug)}", printable(cause.summary)


def _draw(page: Page, found: Verdict, panels: Sequence[_Panel], used: float) -> None:
    legend = plan_legend(page, _entries(panels[0]))
    per_epoch = found.series.schedule.steps_per_epoch if page.height > ROOMY else None
    heights = cut_height(page, used, legend.height, epochs=per_epoch is not None, two=len(panels) > 1)
    grounds = _grounds(page, found, panels, heights)
    spans = _missing(found)
    drawn: list[Axes] = []
    handles: list[Line2D] = []
    for panel, ground in zip(panels, grounds, strict=True):
        axes = add_panel(page, ground.box, drawn[0] if drawn else None)
        set_vertical(axes, ground.scale)
        name_vertical(axes, ground, panel.word)
        shade(axes, spans)
        handles += _fill(axes, panel)
        _mark(axes, found, panel.field)
        drawn.append(axes)
    set_horizontal(page, drawn[-1], grounds[-1])
    for axes in drawn[:-1]:
        axes.tick_params(labelbottom=False)
    name_phases(page, grounds[0], spans)
    _name_divergence(page, found, grounds[0])
    if per_epoch:
        add_epochs(page, drawn[0], grounds[0], per_epoch)
    write_legend(page, legend, handles)


def _grounds(
    page: Page, found: Verdict, panels: Sequence[_Panel], heights: Sequence[tuple[float, float]]
) -> list[Ground]:
    """Fit the axes to what the panels show."""
    above, *below = panels
    # Words along the top need a row there, whether they name the missing part or the divergence.
    words = _missing(found) or ([Span("", 0, 0)] if found.first_divergence else [])
    scales = [rate_scale(page, above.shown(), heights[0], words, log=False)]
    scales += [momentum_scale(page, panel.shown(), heights[1]) for panel in below]
    left = left_margin(page, [label for scale in scales for label in scale.labels])
    reach = _reach(panels)
    return [
        Ground(Box(left, foot, page.width - 1.5 * PAD, top), reach, scale)
        for (foot, top), scale in zip(heights, scales, strict=True)
    ]


def _entries(panel: _Panel) -> list[str]:
    """Name what the legend shows: the planned curves, then the logged ones."""
    if len(panel.lines) == len(panel.traces) == 1:
        return ["planned", "logged"]
    logged = [printable(each.track.label.removeprefix("lr_")) for each in panel.traces]
    return [*(f"planned {_group(line.label)}" for line in panel.lines), *(f"logged {_group(each)}" for each in logged)]


def _group(name: str) -> str:
    return f"group {name}" if name.isdecimal() else name


def _missing(found: Verdict) -> list[Span]:
    """Give the part of the cycle that the log does not reach."""
    missing = found.first_missing_step
    return [] if missing is None else [Span("not in the log", missing - 1, found.series.schedule.total_steps - 1)]


def _reach(panels: Sequence[_Panel]) -> Reach:
    every = [trace.x for panel in panels for trace in panel.traces]
    first = min([0.0, *(float(x.min()) for x in every)])
    last = max([line.ahead.x[-1] for line in panels[0].lines] + [float(x.max()) for x in every])
    return Reach(first, last, "step")


def _fill(axes: Axes, panel: _Panel) -> list[Line2D]:
    """Draw a panel's curves; give those for the legend."""
    several = len(panel.lines) > 1
    handles: list[Line2D] = []
    for line in panel.lines:
        colour = line.look.colour if several else LINES
        for part in line.stretches:
            values = part.lr if panel.field == "lr" else part.momentum
            if values is not None:
                road = axes.plot(part.x, values, color=colour, linewidth=ROAD, alpha=PALE, zorder=2, label="planned")[0]
        handles.append(road)
    for trace in panel.traces:
        look = panel.line_of(trace).look
        handles += axes.plot(
            *trace.connected(),
            color=look.colour,
            linewidth=1.4,
            marker="o" if trace.few else None,
            markersize=3,
            zorder=3,
            label="logged",
        )
    return handles


def _mark(axes: Axes, found: Verdict, field: str) -> None:
    """Draw a line where log and plan part, and a ring around the first value that is not the planned one."""
    first = found.first_divergence
    if first is None:
        return
    x = first.step + found.offset
    axes.axvline(x, color=WRONG, linewidth=1.0, linestyle=(0, (4, 2)), zorder=2.5, label="first divergence")
    if found.series.tracks[first.column].field == field and abs(first.logged) < float("inf"):
        axes.plot([x], [first.logged], "o", markersize=7, markerfacecolor="none", markeredgecolor=WRONG, zorder=4)


def _name_divergence(page: Page, found: Verdict, ground: Ground) -> None:
    """Write beside the line at which step it stands, where there is more room."""
    first = found.first_divergence
    if first is None:
        return
    text = f"first divergence: step {first.step:,}, {printable(first.field)}"
    points, at = page.sizes.small, ground.across(first.step + found.offset)
    right = at - ground.box.left < ground.box.right - at
    page.figure.text(
        at + GAP if right else at - GAP,
        ground.box.top - GAP - line_height(points) / 2,
        text,
        fontsize=points,
        color=WRONG,
        ha="left" if right else "right",
        va="center_baseline",
        transform=page.figure.dpi_scale_trans,
    )
