"""Why a test may not answer its question: too few rows, too narrow a range, a loss that never falls, spikes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.formatting import count, format_number
from onecycle_cli.run.range_test import Doubt
from onecycle_cli.run.range_test.smoothing import TYPICAL, local_median, taken_in, unsmoothed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.run.range_test import Floats, Points

FEW_ROWS = 50
"""Fewer rows are doubtful: frameworks take 100, and drop up to 15 of them."""

FEW_DECADES = 2.0
"""A range of less than so many powers of ten is doubtful: rules alone differ by more than one."""

BEGINNING = 0.1
"""The share of the rows whose loss is that of the beginning."""

NO_FALL = 0.01
"""The share of the loss by which it must fall at least."""

OF_NOISE = 5.0
"""How many standard errors of a tenth of the rows it must fall at least: the lowest tenth of pure noise is often two or
three below the first ones."""

RISES = 0.1
"""The share of its fall that the loss must rise again for the end of the useful range to be in the test."""

HIGH = 8.0
"""How many standard deviations above the losses around it a single loss is a spike."""

FAR, FAR_SMOOTHED = 0.25, 0.6
"""And by which share of the loss. What a running mean took in is known only up to its weight, 0.02 or 0.05, so that the
share must be larger."""

NEAR = 15
"""Rows before and behind a loss that show the noise there, which grows where the loss falls."""

MOST_SPIKES = 0.05
"""The share of rows above which high losses are not single ones."""

AROUND = 3
"""Rows before and behind a loss that it is compared with."""


def spikes_in(loss: Floats, smoothed: Floats, *, raw: bool) -> list[int]:
    """Return the rows of single high losses from which the loss recovers; of smoothed losses those that jump up.

    A smoothed loss rises at once by a part of the spike, and falls back slowly.
    """
    # The end, where the loss explodes, is left out; of losses that are smoothed here, the mean follows late.
    before = slice(0, int((local_median(loss, AROUND) if raw else smoothed).argmin()) + 1)
    values = loss[before] if raw else taken_in(loss[before])
    if len(values) < 2 * AROUND + 1:
        return []
    above = values - local_median(values, AROUND)
    noise = TYPICAL * np.maximum(local_median(np.abs(above), NEAR), np.median(np.abs(above)))
    far = (FAR if raw else FAR_SMOOTHED) * np.abs(local_median(loss[before], AROUND))
    found = np.flatnonzero(above > np.maximum(HIGH * noise, far))
    return found.tolist() if len(found) <= max(1, MOST_SPIKES * len(values)) else []


def without(loss: Floats, spikes: list[int]) -> Floats:
    """Return losses with each spike replaced by the median of the losses around it."""
    replaced = loss.copy()
    replaced[spikes] = local_median(loss, AROUND)[spikes]
    return replaced


def level(smoothed: Floats) -> float:
    """Return the loss of the beginning."""
    return float(np.median(smoothed[: max(1, int(BEGINNING * len(smoothed)))]))


def falls(loss: Floats, *, raw: bool) -> bool:
    """Return whether the loss falls by more than its noise: from the first tenths of the rows to the lowest tenth."""
    single = loss if raw else unsmoothed(loss)
    size = max(1, int(BEGINNING * len(single)))
    tenths = [float(np.median(part)) for part in np.array_split(single, len(single) // size)]
    begin = float(np.mean(tenths[:2]))
    change = np.diff(single)
    noise = TYPICAL * float(np.median(np.abs(change - np.median(change)))) / 2**0.5
    return bool(begin - min(tenths) > max(NO_FALL * abs(begin), OF_NOISE * noise / size**0.5))


def doubts_about(
    points: Points, smoothed: Floats, spikes: list[int], *, raw: bool, fell: bool, exploded: bool
) -> Iterator[Doubt]:
    """Yield why a test may not answer its question."""
    if points.rows < FEW_ROWS:
        message = f"the test has {count(points.rows, 'row')}: rules need about 100 to be stable"
        yield Doubt("few-rows", message)
    if points.decades < FEW_DECADES:
        message = (
            f"the learning rate rises only from {format_number(points.lr[0], 4)} to {format_number(points.lr[-1], 4)}, "
            f"{points.lr[-1] / points.lr[0]:.3g} times: test several powers of ten"
        )
        yield Doubt("narrow-range", message)
    if points.spacing == "linear":
        message = (
            "the learning rate rises by equal amounts, so that most rows have high rates; the rules are made for equal "
            "factors"
        )
        yield Doubt("linear-spacing", message)
    elif points.spacing == "irregular":
        message = "the learning rate rises neither by equal factors nor by equal amounts; rules that count rows suffer"
        yield Doubt("irregular-spacing", message)
    if not fell:
        begin, low = level(smoothed), float(smoothed.min())
        message = (
            f"the loss never falls by more than its noise (from {format_number(begin, 4)} to {format_number(low, 4)}): "
            "no rule has anything to go by"
        )
        yield Doubt("never-falls", message)
    else:
        yield from _end(points, smoothed, exploded=exploded)
    if spikes:
        yield _spikes(points, spikes, raw=raw)


def _end(points: Points, smoothed: Floats, *, exploded: bool) -> Iterator[Doubt]:
    at = int(smoothed.argmin())
    fall, rise = level(smoothed) - float(smoothed[at]), float(smoothed[at:].max() - smoothed[at])
    if not exploded and rise < RISES * fall:
        message = (
            f"the loss still falls at the last learning rate, {format_number(points.lr[-1], 4)}: test higher rates, as "
            "the best one may be above it"
        )
        yield Doubt("never-diverges", message)
    if at < BEGINNING * len(smoothed):
        message = f"the loss is lowest at row {at:,}, near the beginning: start with a lower learning rate"
        yield Doubt("starts-high", message)


def _spikes(points: Points, spikes: list[int], *, raw: bool) -> Doubt:
    listed = ", ".join(format_number(points.lr[row], 4) for row in spikes[:3])
    more = f" and {len(spikes) - 3} more" if len(spikes) > 3 else ""
    what = "a single high loss" if len(spikes) == 1 else f"{len(spikes)} single high losses"
    effect = "" if raw else ": it is smoothed in, and the loss falls steeply behind it without learning"
    return Doubt("spikes", f"{what} at the learning rate {listed}{more}{effect}")
