"""From a log to a test with all readings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.run.range_test import RangeTest
from onecycle_cli.run.range_test.doubts import doubts_about, falls, spikes_in, without
from onecycle_cli.run.range_test.points import points_of
from onecycle_cli.run.range_test.rules import OF_FASTAI, readings
from onecycle_cli.run.range_test.smoothing import is_raw, without_late_start

if TYPE_CHECKING:
    from onecycle_cli.run.logs.log import Log


LATE_START = (
    "the log's first losses are too low, as Lightning's running mean counts one weight more than there are losses: "
    "they are corrected, except for its own rule"
)


def analyse(log: Log, *, raw: bool | None = None) -> tuple[RangeTest, list[str]]:
    """Return the test that a log holds, and notes on how it was read.

    Args:
        log: the log, with its losses.
        raw: whether the losses are those of single batches; by default that is found out.

    Raises:
        OnecycleError: the log is not one of a range test.
    """
    with np.errstate(all="ignore"):  # of losses near the largest number some sums are infinite
        return _analyse(log, raw)


def _analyse(log: Log, raw: bool | None) -> tuple[RangeTest, list[str]]:
    points, doubts, notes = points_of(log)
    smooth = is_raw(points.loss) if raw is None else raw
    smoothed = OF_FASTAI(points.loss) if smooth else points.loss
    corrected = None if smooth else without_late_start(points.loss)
    if corrected is not None:
        smoothed = corrected
        notes.append(LATE_START)
    found = readings(points, points.loss, smooth=smooth, corrected=corrected)
    shown = points.loss if smooth else smoothed
    spikes = spikes_in(shown, smoothed, raw=smooth)
    if spikes and smooth:
        others = readings(points, without(points.loss, spikes), smooth=smooth)
        found = [replace(one, without_spikes=other.lr) for one, other in zip(found, others, strict=True)]
    fell = falls(shown, raw=smooth)
    exploded = any(reading.is_limit and reading.lr is not None for reading in found)
    doubts += doubts_about(points, smoothed, spikes, raw=smooth, fell=fell, exploded=exploded)
    return RangeTest(points, smoothed, smooth, tuple(found), tuple(spikes), tuple(doubts), fell), notes
