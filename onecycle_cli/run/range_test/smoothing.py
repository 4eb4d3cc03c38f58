"""Running means of losses, as each framework computes them, and whether a log's losses are such means already."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from onecycle_cli.run.range_test import Floats

LARGEST_NEW = 0.05
"""The weight of a new loss in torch-lr-finder's mean, the largest of the known ones: no mean of positive losses falls
by a larger share in one step, except where it begins."""

SUDDEN = 0.1
"""By which share more a loss falls at once that was not smoothed, with any weight."""

ROUGH, VERY_ROUGH = -0.2, -0.38
"""The correlation of a loss's change with the next change below which it was not smoothed: where it falls by more than
a mean can, and elsewhere.

It is -0.5 where each batch has its own noise, and about 0 or above for a running mean of such losses, but spreads by
0.1 in a hundred rows, and a trend raises it. In 32 tests of small networks and 128 means of these, no mean was below
-0.33.
"""

CLIPPED = 3.0
"""Changes larger than so many typical ones count as so many: a spike or the end of a test decides nothing."""

OLD_OF_MEAN = 0.98
"""The weight of the mean so far for fastai and Lightning, whose means begin at zero and are divided by all weights."""

ROUNDED = 1e-3
"""How far a ratio of two losses may be off: a log may have four digits of each."""

LATE, HALF = 10, 0.65
"""Rows by which a mean that counts one weight too many is recognized, and below which share of the last of them,
counted rightly, it begins."""

FEWEST = 3
"""Changes without which nothing can be said."""

ENOUGH = 10_000
"""Rows that are looked at, and windows whose medians are computed at once."""

TREND = 10
"""Changes before and behind each one that show the loss's trend, which is taken away from it."""

TYPICAL = 1.4826
"""The standard deviation of normally distributed values, in median deviations."""


@dataclass(frozen=True, slots=True)
class Smoothing:
    """An exponential running mean.

    Attributes:
        new: the weight of the next loss against the mean so far.
        ahead: for a mean that starts at zero and is divided by the weights so far, how many more weights than losses
            are counted; None for a mean that starts at the first loss.
    """

    new: float
    ahead: int | None = None

    def __call__(self, loss: Floats) -> Floats:
        """Return the running means of losses."""
        old = 1 - self.new
        mean = 0.0 if self.ahead is not None else float(loss[0])
        means = [] if self.ahead is not None else [mean]
        for value in loss[len(means) :].tolist():
            mean = old * mean + self.new * value
            means.append(mean)
        found = np.array(means)
        if self.ahead is None:
            return found
        counted = np.arange(1 + self.ahead, len(found) + 1 + self.ahead)
        divided: Floats = found / (1 - old**counted)
        return divided

    def __str__(self) -> str:
        """Return it in words."""
        return f"exponential mean, {self.new:g} of each new loss"


def is_raw(loss: Floats) -> bool:
    """Return whether losses are those of single batches, and no running mean."""
    beginning = loss[:ENOUGH]
    change = np.diff(beginning)
    if len(change) < FEWEST:
        return False
    excess = float("-inf")
    if beginning.min() > 0:
        counted = np.arange(2, len(beginning) + 1)
        old = 1 - OLD_OF_MEAN ** (counted - 1)
        least = np.minimum(OLD_OF_MEAN * old / (1 - OLD_OF_MEAN**counted), 1 - LARGEST_NEW)
        excess = float((least - beginning[1:] / beginning[:-1]).max())
    return excess > SUDDEN or _roughness(change) < (ROUGH if excess > ROUNDED else VERY_ROUGH)


def taken_in(mean: Floats) -> Floats:
    """Return by how much each loss was above the mean so far, of which fastai's running mean took in a part."""
    counted = np.arange(1, len(mean) + 1)
    found: Floats = np.diff(mean, prepend=mean[:1]) * (1 - OLD_OF_MEAN**counted) / (1 - OLD_OF_MEAN)
    return found


def unsmoothed(mean: Floats) -> Floats:
    """Return the losses of which a running mean was made, as far as its weight is known."""
    counted = np.arange(2, len(mean) + 1)
    least = OLD_OF_MEAN * (1 - OLD_OF_MEAN ** (counted - 1)) / (1 - OLD_OF_MEAN**counted)
    if mean.min() > 0 and (mean[1:] < (least - ROUNDED) * mean[:-1]).any():  # it falls faster than fastai's can
        return np.concatenate([mean[:1], mean[:-1] + np.diff(mean) / LARGEST_NEW])
    found: Floats = np.concatenate([mean[:1], mean[:-1]]) + taken_in(mean)
    return found


def without_late_start(mean: Floats) -> Floats | None:
    """Return a running mean as it would be if it counted its weights as fastai does; None where it does.

    Lightning counts one weight more than there are losses: its first means are 0.51, 0.67, 0.76 … of what they should
    be.
    """
    if len(mean) < LATE or mean[0] <= 0:
        return None
    counted = np.arange(1, len(mean) + 1)
    found: Floats = mean * ((1 - OLD_OF_MEAN ** (counted + 1)) / (1 - OLD_OF_MEAN**counted))
    before, after = np.ptp(mean[:LATE]), np.ptp(found[:LATE])
    return found if 2 * after < before and mean[0] < HALF * found[LATE - 1] else None


def _roughness(change: Floats) -> float:
    """Return the correlation of changes with the next ones, without their trend."""
    change = change - local_median(change, TREND)
    typical = TYPICAL * float(np.median(np.abs(change)))
    if typical == 0:
        return 0.0
    change = np.clip(change, -CLIPPED * typical, CLIPPED * typical)
    return float((change[1:] * change[:-1]).sum() / (change**2).sum())


def local_median(values: Floats, reach: int) -> Floats:
    """Return for each value the median of those up to so far around it; at the ends the nearest such median."""
    width = min(2 * reach + 1, len(values))
    windows = np.lib.stride_tricks.sliding_window_view(values, width)
    # Block by block: the medians of all windows at once would take as many times the memory as a window is wide.
    medians = np.concatenate(
        [np.median(windows[begin : begin + ENOUGH], axis=1) for begin in range(0, len(windows), ENOUGH)]
    )
    before = (len(values) - len(medians)) // 2
    return np.pad(medians, (before, len(values) - len(medians) - before), mode="edge")
