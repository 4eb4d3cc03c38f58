"""Where the panels stand on the page, and their horizontal axes.

All lengths are inches from the figure's lower left corner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.render.figure.annotations import Path
from onecycle_cli.render.figure.page import PAD
from onecycle_cli.render.figure.ruler import line_height
from onecycle_cli.render.ticks import count_unit, even_ticks, tick_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.render.figure.annotations import Box
    from onecycle_cli.render.figure.page import Page
    from onecycle_cli.render.figure.panel import Scale
    from onecycle_cli.render.sampling import Across

TICK = 7 / 72  # a tick, and the space to its words
BETWEEN = 0.17
SHARE = 0.66  # of the panels' height that the learning rate takes
MOST_TICKS = 11
MARGIN = 0.015  # of the axis, beside its ends


def add_panel(page: Page, box: Box, sharing: Axes | None = None) -> Axes:
    """Add a panel to the figure, sharing the horizontal axis of another one."""
    place = (box.left / page.width, box.bottom / page.height)
    size = ((box.right - box.left) / page.width, (box.top - box.bottom) / page.height)
    return page.figure.add_axes((*place, *size), sharex=sharing)


def cut_height(page: Page, used: float, legend: float, *, epochs: bool, two: bool) -> tuple[tuple[float, float], ...]:
    """Share the height between title, panels, their axes and the legend; give each panel's foot and top."""
    words = line_height(page.sizes.small) + TICK
    foot = PAD / 2 + legend + line_height(page.sizes.text) + words
    top = page.height - used - (words + PAD / 4 if epochs else PAD / 2)
    if not two:
        return ((foot, top),)
    middle = foot + (top - foot - BETWEEN) * (1 - SHARE)
    return ((middle + BETWEEN, top), (foot, middle))


def left_margin(page: Page, labels: Sequence[str]) -> float:
    """Leave room for the vertical axis: its name, and the widest of its tick labels."""
    widest = max(page.ruler.width(label, page.sizes.small) for label in labels)
    return PAD + line_height(page.sizes.text) + 1.4 * TICK + widest


@dataclass(frozen=True, slots=True)
class Reach:
    """The horizontal axis: its ends, where values begin and end, and what it counts."""

    first: float
    last: float
    across: Across

    @property
    def limits(self) -> tuple[float, float]:
        """Give the axis' ends, a little beyond the values."""
        margin = (self.last - self.first) * MARGIN or 0.5
        return self.first - margin, self.last + margin


@dataclass(frozen=True, slots=True)
class Ground:
    """A panel as a place on the page: where its values stand, in inches."""

    box: Box
    reach: Reach
    scale: Scale

    def across(self, x: float) -> float:
        """Say how far from the left a place on the horizontal axis is."""
        low, high = self.reach.limits
        return self.box.left + (x - low) / (high - low) * (self.box.right - self.box.left)

    def path(self, x: FloatArray, values: FloatArray) -> Path:
        """Say where a curve runs on the page."""
        low, high = self.reach.limits
        return Path(
            self.box.left + (x - low) / (high - low) * (self.box.right - self.box.left),
            self.box.bottom + self.scale.height(values) * (self.box.top - self.box.bottom),
        )


def name_vertical(axes: Axes, ground: Ground, word: str) -> None:
    """Name a panel's vertical axis along the page's left edge, as high as the panel is."""
    box = ground.box
    axes.set_ylabel(word, va="top")
    axes.yaxis.set_label_coords((PAD - box.left) / (box.right - box.left), 0.5)


def set_horizontal(page: Page, axes: Axes, ground: Ground) -> None:
    """Give the lowest panel its horizontal axis."""
    reach = ground.reach
    unit, word = count_unit(reach.last) if reach.across == "step" else (1, "")
    ticks, labels = _fitting_ticks(page, reach, unit, ground.box.right - ground.box.left)
    axes.set_xlim(*reach.limits)
    axes.set_xticks(ticks, labels)
    name = {"step": "step", "epoch": "epoch", "percent": "% of the cycle"}[reach.across]
    axes.set_xlabel(f"{name} ({word})" if word else name)
    below = TICK * 1.2 + line_height(page.sizes.small)
    axes.xaxis.set_label_coords(0.5, -below / (ground.box.top - ground.box.bottom))


def _fitting_ticks(page: Page, reach: Reach, unit: float, room: float) -> tuple[list[float], list[str]]:
    """Place as many ticks as there is room for, where one unit of the labels is `unit` of the axis."""
    low, high = reach.first / unit, reach.limits[1] / unit
    for most in range(MOST_TICKS, 1, -1):
        ticks = even_ticks(low, high, most, whole=reach.across == "step" and unit == 1)
        labels = tick_labels(ticks)
        if len(ticks) * page.ruler.width(max(labels, key=len), page.sizes.small) * 1.4 <= room:
            break
    return [tick * unit for tick in ticks], labels


def add_epochs(page: Page, axes: Axes, ground: Ground, steps_per_epoch: int) -> None:
    """Add an axis of epochs along the top of a panel, its name beside its ticks to save a row."""
    width, height = ground.box.right - ground.box.left, ground.box.top - ground.box.bottom
    epochs = Reach(0.0, ground.reach.last / steps_per_epoch, "epoch")
    ticks, labels = _fitting_ticks(page, epochs, 1, width)
    top = axes.secondary_xaxis("top")
    top.set_xticks([tick * steps_per_epoch for tick in ticks], labels)
    top.set_xlabel("epoch", ha="right", fontsize=page.sizes.small)
    top.xaxis.set_label_coords(-0.15 / width, 1 + TICK / height, transform=axes.transAxes)
