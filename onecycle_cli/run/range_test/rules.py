"""The rules: what each framework reads off the losses of a range test, from its mathematics.

* fastai 2.8.12 smooths the losses (0.02 of each new one), drops a tenth of the planned steps at the beginning and
  five at the end, and reads off the rest: `valley` the middle of the longest subsequence of falling losses, `steep`
  where the loss falls most over the logarithm of the rate, `minimum` a tenth of the rate with the lowest loss, and
  `slide` the rate where, seen from the end, slopes 15 rows apart first differ by no more than 0.005.
* torch-lr-finder 0.2.2 smooths with 0.05 of each new loss, drops ten rows at the beginning and five at the end, and
  takes where the loss falls most from row to row.
* Lightning 2.6.6 smooths with 0.02, counts one weight too many (so that its first means are too low), drops ten rows
  and one, and takes where the loss falls most over the rate itself, in single precision.
* fastai and Lightning end a test where the smoothed loss is above four times its lowest value.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.run.range_test import Reading
from onecycle_cli.run.range_test.smoothing import Smoothing

if TYPE_CHECKING:
    from collections.abc import Callable

    from onecycle_cli.run.range_test import Floats, Points, RuleName

FASTAI, LR_FINDER, LIGHTNING = "fastai 2.8.12", "torch-lr-finder 0.2.2", "Lightning 2.6.6"

OF_FASTAI, OF_LR_FINDER, OF_LIGHTNING = Smoothing(0.02, 0), Smoothing(0.05), Smoothing(0.02, 1)

END_OF_FASTAI, END_OF_LR_FINDER, END_OF_LIGHTNING = 5, 5, 1
BEGINNING = 10
"""Rows at the end, and at the beginning, that are dropped."""

APART, ALIKE = 15, 0.005
"""Of `slide`: how many rows apart the slopes are, and how much they may differ."""

EXPLODED = 4.0
"""How many times its lowest value the loss is where a test is ended."""

FEWEST_SLOPES = 2
"""Rows between which there is a slope."""

POWER = 1e-3
"""How near the logarithm of a rate is to a whole number where the rate is taken for a planned end such as 10 or 1."""

MOST_ENDS = 3
"""How many powers of ten above its last rate a test may have been planned to reach."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule.

    Attributes:
        name: its name.
        how: what it takes, in a few words.
        source: the framework and its version that compute it so.
        smoothing: how this framework smooths losses.
        dropped: how many rows it drops at the end.
        least: the fewest rows that it works on.
        take: returns the row that it takes, given rates and losses; None where there is none.
        share: what the rate is divided by.
    """

    name: RuleName
    how: str
    source: str
    smoothing: Smoothing
    dropped: int
    least: int
    take: Callable[[Floats, Floats], int | None]
    share: float = 1.0


def valley(lr: Floats, loss: Floats) -> int:  # noqa: ARG001
    """Return the row in the middle of the longest subsequence of falling losses.

    The subsequence need not be of neighbours. It counts as ending where it first reaches its length, and as beginning
    that many rows before.
    """
    lasts: list[float] = []  # by length: the highest loss, negated, with which a falling subsequence ends
    end, longest = 0, 1
    for row, value in enumerate(loss.tolist()):
        length = bisect_left(lasts, -value) + 1
        if length > len(lasts):
            lasts.append(-value)
            end, longest = row, length
        else:
            lasts[length - 1] = -value
    if longest == 1:
        return 0
    third = longest / 3
    return (end - longest + int(third) + int(third / 2)) % len(loss)


def slide(lr: Floats, loss: Floats) -> int | None:  # noqa: ARG001
    """Return the row from which on, seen from the end, slopes 15 rows apart are not alike."""
    slope = np.gradient(loss)
    differ = np.abs(slope[APART:] - slope[:-APART])[::-1] > ALIKE
    # The first comparison always counts; those before the first pair that is alike follow it.
    alike = int(differ.argmin()) if not differ.all() else len(differ)
    return len(loss) - APART - max(alike, 1)


def lowest(lr: Floats, loss: Floats) -> int:  # noqa: ARG001
    """Return the row with the lowest loss."""
    return int(loss.argmin())


def steepest_over_log_rate(lr: Floats, loss: Floats) -> int:
    """Return the row from which the loss falls most to the next one, over the logarithm of the rate."""
    return int((np.diff(loss) / np.diff(np.log(lr))).argmin())


def steepest_by_row(lr: Floats, loss: Floats) -> int:  # noqa: ARG001
    """Return the row at which the loss falls most from row to row."""
    return int(np.gradient(loss).argmin())


def steepest_over_rate(lr: Floats, loss: Floats) -> int | None:
    """Return the row at which the loss falls most over the rate, both rounded to single precision.

    Losses that are too large for it are left out, as Lightning leaves out what is not finite.
    """
    single, rates = (values.astype(np.float32).astype(np.float64) for values in (loss, lr))
    kept = np.flatnonzero(np.isfinite(single))
    single, rates = single[kept], rates[kept]
    if len(kept) < FEWEST_SLOPES or not (np.diff(rates) > 0).all():
        return None
    return int(kept[np.gradient(single, rates).argmin()])


RULES = (
    Rule("valley", "middle of the longest fall", FASTAI, OF_FASTAI, END_OF_FASTAI, 1, valley),
    Rule("slide", "end of the fall, seen from the end", FASTAI, OF_FASTAI, END_OF_FASTAI, APART + 1, slide),
    Rule("minimum", "lowest loss, its rate / 10", FASTAI, OF_FASTAI, END_OF_FASTAI, 1, lowest, 10.0),
    Rule("steep", "steepest fall over log(lr)", FASTAI, OF_FASTAI, END_OF_FASTAI, 2, steepest_over_log_rate),
    Rule("lr-finder", "steepest fall from row to row", LR_FINDER, OF_LR_FINDER, END_OF_LR_FINDER, 2, steepest_by_row),
    Rule("lightning", "steepest fall over lr", LIGHTNING, OF_LIGHTNING, END_OF_LIGHTNING, 2, steepest_over_rate),
)
"""The rules that suggest a peak."""

LIMIT = "divergence"
"""The name of the limit below which a peak should be."""


def planned_rows(points: Points) -> int:
    """Return for how many rows a test was planned.

    fastai drops a tenth of the planned rows, and a test that diverges ends before them. Where its rate rises
    exponentially, it is taken to have been planned up to the next power of ten that it would reach after a whole
    number of steps; else its rows are all.
    """
    rows = points.rows
    if points.spacing != "exponential":
        return rows
    each = points.decades / (len(points.lr) - 1)
    first = math.log10(points.lr[0])
    reached = math.ceil(first + each * rows - POWER)
    for end in range(reached, reached + MOST_ENDS):
        steps = (end - first) / each
        if abs(steps - round(steps)) * each < POWER:
            return round(steps)
    return rows


def readings(points: Points, loss: Floats, *, smooth: bool, corrected: Floats | None = None) -> list[Reading]:
    """Return what each rule reads off losses.

    Args:
        points: the points of the test.
        loss: their losses, which may be others than those of the log.
        smooth: whether no one has smoothed them yet.
        corrected: where Lightning has, what its running mean would be if it counted its weights as fastai does.
    """
    tenth = planned_rows(points) // 10
    means = {each: each(loss) if smooth else loss for each in (OF_FASTAI, OF_LR_FINDER, OF_LIGHTNING)}
    if corrected is not None:
        means[OF_FASTAI] = means[OF_LR_FINDER] = corrected
    found = []
    for rule in RULES:
        first = tenth if rule.source == FASTAI else BEGINNING
        last = min(points.rows - rule.dropped, len(points.lr)) - 1
        found.append(_reading(rule, points, means[rule.smoothing], first, last, smooth=smooth))
    return [*found, _limit(points, means[OF_FASTAI], smooth=smooth)]


def _reading(rule: Rule, points: Points, loss: Floats, first: int, last: int, *, smooth: bool) -> Reading:
    lr, row, why = None, None, ""
    rows = slice(first, last + 1)
    if last + 1 - first < rule.least:
        need = first + points.rows - last - 1 + rule.least
        why = f"needs {need:,} rows, the test has {points.rows:,}"
    else:
        taken = rule.take(points.lr[rows], loss[rows])
        if taken is None:
            why = "two of the rates or losses are the same, or too large, in single precision"
        else:
            row = first + taken
            lr = float(points.lr[row]) / rule.share
    smoothing = str(rule.smoothing) if smooth else "as logged"
    at = None if row is None else float(loss[row])
    return Reading(rule.name, lr, row, at, rule.how, rule.source, smoothing, first, last, why_not=why)


def _limit(points: Points, loss: Floats, *, smooth: bool) -> Reading:
    """Return where the loss explodes, or is lost."""
    smoothing = str(OF_FASTAI) if smooth else "as logged"
    how, source = "loss above 4 × its lowest", f"{FASTAI}, {LIGHTNING}"
    exploded = np.flatnonzero(loss > EXPLODED * np.minimum.accumulate(loss))
    lr, row, why = points.lost_at, None, ""
    if loss.min() <= 0:
        why = "the loss is not above zero, so four times its lowest value says nothing"
    elif exploded.size:
        row = int(exploded[0])
        lr = float(points.lr[row])
    elif lr is None:
        highest = float((loss[int(loss.argmin()) :] / loss.min()).max())
        why = f"the loss rises to no more than {highest:.3g} × its lowest"
    at = None if row is None else float(loss[row])
    last = len(points.lr) - 1
    return Reading(LIMIT, lr, row, at, how, source, smoothing, 0, last, is_limit=True, why_not="" if lr else why)
