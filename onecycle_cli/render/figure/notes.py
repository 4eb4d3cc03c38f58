"""The words inside the panel of the learning rate: the phases' names and the telling values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.render.figure.annotations import CLEAR, Box, notes, place
from onecycle_cli.render.figure.ruler import line_height
from onecycle_cli.render.figure.style import INK, OTHER_PHASE, PHASES
from onecycle_cli.render.sampling import x_divisor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from matplotlib.axes import Axes

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.render.figure.data import Line, Span
    from onecycle_cli.render.figure.frame import Ground
    from onecycle_cli.render.figure.page import Page

SPACE = 0.08
FAR = 0.2


def name_phases(page: Page, ground: Ground, spans: Sequence[Span]) -> list[Box]:
    """Name each phase along the top of the panel, with an arrow where its stretch is narrower than its name."""
    area, points, boxes = ground.box, page.sizes.small, list[Box]()
    height, after = line_height(points), area.left
    for span in spans:
        begin, end = ground.across(span.begin), ground.across(span.end)
        text, width = span.name, page.ruler.width(span.name, points)
        start = (begin + end - width) / 2
        if width > end - begin:
            on_the_left = begin + end < area.left + area.right
            text = f"← {span.name}" if on_the_left else f"{span.name} →"
            width = page.ruler.width(text, points)
            start = end + SPACE / 2 if on_the_left else begin - SPACE / 2 - width
        start = max(start, after)
        box = Box(start, area.top - SPACE / 2 - height, start + width, area.top - SPACE / 2)
        if area.holds(box):
            _write(page, box, text, PHASES.get(span.name, OTHER_PHASE)[1])
            boxes.append(box)
            after = box.right + SPACE
    return boxes


def write_notes(page: Page, axes: Axes, ground: Ground, lines: Sequence[Line], taken: list[Box]) -> None:
    """Mark the telling values of every curve, and write each where there is room for it."""
    paths = [
        ground.path(
            np.concatenate([part.x for part in line.stretches]),
            np.concatenate([part.lr for part in line.stretches]),
        )
        for line in lines
    ]
    height = line_height(page.sizes.small)
    for line in lines:
        divisor = x_divisor(line.curve.schedule, ground.reach.across)
        said = notes(line.curve, only_peak=len(lines) > 1)
        x, values = np.array([each.step / divisor for each in said]), np.array([each.value for each in said])
        _mark(axes, x, np.maximum(values, ground.scale.low), line.look.colour)
        points = ground.path(x, values)
        for note, left, bottom in zip(said, points.x, points.y, strict=True):
            size = (page.ruler.width(note.text, page.sizes.small), height)
            box = place((left, bottom), size, ground.box.within(CLEAR), taken, paths)
            if box is not None:
                taken.append(box)
                _write(page, box, note.text, INK if len(lines) == 1 else line.look.colour)
                _lead(page, (left, bottom), box, line.look.colour)


def _mark(axes: Axes, x: FloatArray, y: FloatArray, colour: object) -> None:
    axes.plot(
        x,
        y,
        linestyle="none",
        marker="o",
        markersize=5.5,
        markerfacecolor=colour,
        markeredgecolor="white",
        markeredgewidth=1,
        zorder=4,
        clip_on=False,
    )


def _lead(page: Page, point: tuple[float, float], box: Box, colour: Any) -> None:
    """Draw a thin line from a point to its words where they stand farther off."""
    from matplotlib.lines import Line2D

    (x, y), near = point, box.within(-CLEAR / 2)
    end = (min(max(x, near.left), near.right), min(max(y, near.bottom), near.top))
    if math.dist(point, end) > FAR:
        ends = zip(point, end, strict=True)
        leader = Line2D(*ends, color=colour, linewidth=0.8, transform=page.figure.dpi_scale_trans)
        page.figure.add_artist(leader)


def _write(page: Page, box: Box, text: str, colour: object) -> None:
    page.figure.text(
        box.left,
        (box.bottom + box.top) / 2,
        text,
        fontsize=page.sizes.small,
        color=colour,
        va="center_baseline",
        transform=page.figure.dpi_scale_trans,
    )
