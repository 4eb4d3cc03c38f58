"""A test of a range of learning rates: what several rules read off its losses, as values.

The rate rises from step to step, and the loss first stays, then falls, then explodes. Frameworks choose a peak from
that curve in different ways, and none of them is always right: all are shown, each as its framework computes it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RuleName = Literal["valley", "slide", "minimum", "steep", "lr-finder", "lightning"]
"""The rules that suggest a peak."""

Spacing = Literal["exponential", "linear", "irregular"]
"""How the learning rate rises: by equal factors, by equal amounts, or in another way."""


@dataclass(frozen=True, slots=True)
class Points:
    """The learning rates of a test, rising, each with its loss.

    Attributes:
        lr: the learning rates, above zero, each larger than the one before it.
        loss: the losses as they were logged, all finite.
        steps: the step of each, as it was logged.
        spacing: how the learning rate rises.
        rows: how many rows of the log are a part of the test, those that are not in `lr` too.
        lost_at: the learning rate from which on no loss is finite; None where the last one is.
        lr_column: the column with the learning rates.
        loss_column: the column with the losses.
    """

    lr: Floats
    loss: Floats
    steps: NDArray[np.int64]
    spacing: Spacing
    rows: int
    lost_at: float | None
    lr_column: str
    loss_column: str

    @property
    def decades(self) -> float:
        """How many powers of ten the learning rates span."""
        return math.log10(self.lr[-1]) - math.log10(self.lr[0])  # their ratio may be out of range


@dataclass(frozen=True, slots=True)
class Reading:
    """What one rule reads off a test.

    Attributes:
        rule: its name.
        lr: the learning rate; None where it gives none.
        row: the row that it is read at, of those in `Points.lr`; None where it gives none. The rate of `minimum` is a
            tenth of that row's.
        loss: the smoothed loss there.
        how: what it takes, in a few words.
        source: the framework and its version that compute it so.
        smoothing: how the losses were smoothed for it.
        first: the first row that it looks at.
        last: the last row that it looks at.
        is_limit: whether it is a limit that a peak should stay below, and no suggestion.
        why_not: why it gives none.
        without_spikes: what it gives where single high losses are replaced by those around them; None where it gives
            none then, or where there are none.
    """

    rule: str
    lr: float | None
    row: int | None
    loss: float | None
    how: str
    source: str
    smoothing: str
    first: int
    last: int
    is_limit: bool = False
    why_not: str = ""
    without_spikes: float | None = None


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a test may not answer its question.

    Attributes:
        code: a short name, such as `few-rows`.
        message: what is wrong, and what to do.
    """

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class RangeTest:
    """A test with all readings.

    Attributes:
        points: the learning rates and losses.
        smoothed: the losses as they are drawn: smoothed once, by the program that logged them or here.
        is_raw: whether the log's losses were smoothed here, as no one had done it before.
        readings: what each rule reads, suggestions first.
        spikes: the rows with single high losses.
        doubts: why the test may not answer its question.
        fell: whether the loss fell at all.
    """

    points: Points
    smoothed: Floats
    is_raw: bool
    readings: tuple[Reading, ...]
    spikes: tuple[int, ...]
    doubts: tuple[Doubt, ...]
    fell: bool

    @property
    def suggestions(self) -> list[Reading]:
        """The readings that suggest a peak, from the lowest to the highest."""
        found = [reading for reading in self.readings if reading.lr is not None and not reading.is_limit]
        return sorted(found, key=lambda reading: reading.lr or 0.0)

    @property
    def answers(self) -> bool:
        """Whether any rule has something to go by."""
        return self.fell and bool(self.suggestions)
