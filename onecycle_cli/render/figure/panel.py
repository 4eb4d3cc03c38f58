"""One panel of the figure: the range of its vertical axis, its ticks, and the lines in it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.formatting import short
from onecycle_cli.render.figure.data import MOST_ANNOTATED
from onecycle_cli.render.figure.ruler import line_height
from onecycle_cli.render.figure.style import OTHER_PHASE, PHASES
from onecycle_cli.render.ticks import DEEPEST, NEAR, even_ticks, log_ticks, tick_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.render.figure.data import Line, Span
    from onecycle_cli.render.figure.page import Page

FAINT = 0.35


@dataclass(frozen=True, slots=True)
class Scale:
    """The range of a vertical axis, and the ticks inside the part that holds values."""

    low: float
    high: float
    ticks: list[float]
    labels: list[str]
    log: bool

    def height(self, values: FloatArray) -> FloatArray:
        """Say how high up the axis values stand: 0 at its foot, 1 at its top."""
        import numpy as np

        if not self.log:
            return (values - self.low) / (self.high - self.low)
        return np.log(np.maximum(values, self.low) / self.low) / math.log(self.high / self.low)


def rate_scale(
    page: Page, lines: Sequence[Line], height: tuple[float, float], spans: Sequence[Span], *, log: bool
) -> Scale:
    """Fit the learning rate's axis.

    There is room above the curves for the phases' names and the peak's note, and below for the ends' notes.
    """
    inches, row = height[1] - height[0], line_height(page.sizes.small)
    above = row * (bool(spans) + (len(lines) <= MOST_ANNOTATED)) + 0.18
    below = row + 0.16 if len(lines) == 1 else 0.12
    free = min(1, 0.55 * inches / (above + below))
    values = [part.lr for line in lines for part in line.stretches]
    head, foot = above * free / inches, below * free / inches
    most = int(inches * (1 - head - foot) / row / 1.5)
    return _make_scale(values, max(2, min(7, most)), head, foot, log=log)


def momentum_scale(page: Page, lines: Sequence[Line], height: tuple[float, float]) -> Scale:
    """Fit momentum's axis."""
    every = [part.momentum for line in lines for part in line.stretches]
    values = [momentum for momentum in every if momentum is not None]
    most = max(2, min(4, int((height[1] - height[0]) / line_height(page.sizes.small) / 1.8)))
    return _make_scale(values, most, 0.12, 0.12, log=False)


def _make_scale(values: Sequence[FloatArray], most_ticks: int, head: float, foot: float, *, log: bool) -> Scale:
    """Fit an axis to values, leaving the fractions `head` and `foot` of it free above and below them."""
    import numpy as np

    everything = np.concatenate(values)
    low, high = float(everything.min()), float(everything.max())
    if log and high > 0:
        return _log_scale(everything, high, most_ticks, head, foot)
    if low > 0 and low < high / 2:
        low = 0.0
    if low == high:
        low, high = low - (abs(low) or 1.0) / 10, high + (abs(high) or 1.0) / 10
    near = NEAR * (high - low)
    ticks = even_ticks(low - near, high + near, most_ticks)
    span = (high - low) / (1 - head - foot)
    return Scale(low - foot * span, high + head * span, ticks, tick_labels(ticks), log=False)


def _log_scale(values: FloatArray, high: float, most_ticks: int, head: float, foot: float) -> Scale:
    low = float(values[values >= high * DEEPEST].min())
    if low == high:
        low, high = low / 2, high * 2
    ticks = log_ticks(low, high, most_ticks)
    span = (high / low) ** (1 / (1 - head - foot))
    return Scale(low / span**foot, high * span**head, ticks, [short(tick) for tick in ticks], log=True)


def set_vertical(axes: Axes, scale: Scale) -> None:
    """Give an axes its vertical axis."""
    if scale.log:
        axes.set_yscale("log")
        axes.minorticks_off()
    axes.set_ylim(scale.low, scale.high)
    axes.set_yticks(scale.ticks, scale.labels)


def draw_lines(axes: Axes, lines: Sequence[Line], scale: Scale, *, momentum: bool) -> None:
    """Draw the curves, faint where a resumed run has them behind it, as a dot where there is one step only."""
    import numpy as np

    for at, line in enumerate(lines):
        for part in line.stretches:
            values = part.momentum if momentum else part.lr
            if values is None:
                continue
            shown = np.where(values > 0, values, scale.low / 1e3) if scale.log else values
            axes.plot(
                part.x,
                shown,
                color=line.look.colour,
                linestyle=line.look.dashes,
                alpha=FAINT if part is line.behind else None,
                marker="o" if len(part.x) == 1 else None,
                label=line.label,
                zorder=3 + at / 1000,
            )


def shade(axes: Axes, spans: Sequence[Span]) -> None:
    """Shade the phases."""
    for span in spans:
        colour = PHASES.get(span.name, OTHER_PHASE)[0]
        axes.axvspan(span.begin, span.end, color=colour, alpha=0.13, linewidth=0, zorder=0)
