"""What a figure shows, as values: panels of strokes, bands, notes, and a moment. No place on the page is known yet.

The charts of plans and of their comparison are made in `plan_charts`, those of checks in `check_chart`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from onecycle_cli.formatting import printable
from onecycle_cli.render.figure.style import looks
from onecycle_cli.render.picture import MOST_STEPS, steps_to_draw, x_divisor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.render.figure.style import Style
    from onecycle_cli.render.picture import Across, Curve, Horizontal

FEW_STEPS = 50
"""Up to so many steps a curve is drawn as stairs, as it is in the terminal: there are no rates between two steps."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """One line or marker: its points, and its style in the terms of matplotlib's Line2D.

    `legend` is its entry in the legend, if it has one. NaN breaks a line. Words that find no
    other place may be written over what is `behind`.
    """

    x: FloatArray
    y: FloatArray
    style: dict[str, Any]
    legend: str | None = None
    behind: bool = False

    def outline(self) -> tuple[FloatArray, FloatArray]:
        """Return the points of the line as it is drawn: the corners of stairs, where it has them."""
        if "drawstyle" not in self.style or len(self.x) < 2:
            return self.x, self.y
        middles = np.repeat((self.x[1:] + self.x[:-1]) / 2, 2)
        return np.concatenate([self.x[:1], middles, self.x[-1:]]), np.repeat(self.y, 2)


@dataclass(frozen=True, slots=True)
class Note:
    """Words about one point of a curve: `colour` is the curve's, `ink` that of the words."""

    x: float
    y: float
    text: str
    colour: Any
    ink: Any


@dataclass(frozen=True, slots=True)
class Name:
    """A curve's name, which is written beside it: best at the point `x`, `y`, else elsewhere along its strokes."""

    text: str
    x: float
    y: float
    colour: Any
    ink: Any
    strokes: tuple[Stroke, ...]


@dataclass(frozen=True, slots=True)
class Band:
    """A shaded stretch of the horizontal axis, with its name."""

    name: str
    begin: float
    end: float
    shade: str
    ink: str


@dataclass(frozen=True, slots=True)
class Moment:
    """One place on the horizontal axis that all panels mark with a vertical line, with words beside it.

    The words are at the top of the first panel, or `at_foot`.
    """

    x: float
    text: str
    colour: str
    at_foot: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Attributes:
        names: names of the vertical axis; the first that fits is shown.
        strokes: what is drawn, and what the axis is fitted to.
        notes: words about points of the strokes.
        log: whether the axis is logarithmic.
        level: the value at which a horizontal line is drawn.
        top: the highest value that the axis is fitted to; lines run out of the panel above it.
        captions: words above the curves; the first that fit are shown.
    """

    names: tuple[str, ...]
    strokes: tuple[Stroke, ...]
    notes: tuple[Note, ...] = ()
    log: bool = False
    level: float | None = None
    top: float | None = None
    captions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chart:
    """A whole figure.

    Attributes:
        titles: titles, of which the first that fits in one line is shown; the last is wrapped where none does.
        details: a smaller line below the title.
        panels: one above the other, over the same steps.
        across: what the horizontal axis counts.
        bands: stretches of it, such as phases.
        moment: one place on it.
        steps_per_epoch: where given, an axis of epochs is drawn along the top.
        curve_names: names to write beside the first panel's curves; there is a legend where they do not fit.
    """

    titles: tuple[str, ...]
    details: str
    panels: tuple[Panel, ...]
    across: Horizontal = "step"
    bands: tuple[Band, ...] = ()
    moment: Moment | None = None
    steps_per_epoch: int | None = None
    curve_names: tuple[Name, ...] = ()

    @property
    def legend(self) -> list[str]:
        """The entries of the legend, in the order of the first panel's strokes."""
        return [stroke.legend for stroke in self.panels[0].strokes if stroke.legend is not None]


@dataclass(frozen=True, slots=True)
class Line:
    """A curve evaluated where it is drawn, in one part, or in two where a resumed run has steps behind it."""

    curve: Curve
    look: dict[str, Any]
    parts: tuple[Part, ...]

    @property
    def label(self) -> str:
        """The curve's name."""
        return printable(self.curve.label) or "unnamed"

    @property
    def colour(self) -> Any:
        """The curve's colour."""
        return self.look["color"]


@dataclass(frozen=True, slots=True)
class Part:
    """Places on the horizontal axis, learning rates, and momenta where they are cycled; `done` is behind the run."""

    x: FloatArray
    lr: FloatArray
    momentum: FloatArray | None
    done: bool


def evaluate(curves: Sequence[Curve], across: Across, style: Style) -> list[Line]:
    """Evaluate every curve where it is drawn."""
    found = []
    for curve, look in zip(curves, looks(len(curves), style), strict=True):
        last = curve.schedule.total_steps - 1
        first = min(curve.schedule.first_step, last)
        behind = (_part(curve, across, 0, first, done=True),) if first else ()
        found.append(Line(curve, look, (*behind, _part(curve, across, first, last, done=False))))
    return found


def _part(curve: Curve, across: Across, first: int, last: int, *, done: bool) -> Part:
    schedule = curve.schedule
    steps = steps_to_draw(schedule, first, last)
    return Part(
        steps / x_divisor(schedule, across),
        schedule.lr(steps, curve.group),
        schedule.momentum(steps, curve.group),
        done,
    )


def stairs(steps: int) -> dict[str, Any]:
    """Return the style of a curve over so many steps: stairs if they are few."""
    return {"drawstyle": "steps-mid"} if 1 < steps <= FEW_STEPS else {}


def rows_to_draw(values: FloatArray) -> NDArray[np.int64]:
    """Choose rows that draw like all of them: of each small part of the log its ends, and its extreme values."""
    rows = len(values)
    if rows <= MOST_STEPS:
        return np.arange(rows, dtype=np.int64)
    part = np.arange(rows, dtype=np.int64) * (MOST_STEPS // 2) // rows
    begins = np.searchsorted(part, np.arange(part[-1] + 1))
    ends = np.append(begins[1:], rows) - 1
    by_value = np.lexsort((values, part))  # sorted inside each part, the parts in their order
    return np.unique(np.concatenate([begins, ends, by_value[begins], by_value[ends]]))
