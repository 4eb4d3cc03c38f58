"""What a log holds, made ready to be drawn: thinned to what a picture can show, in the order of the log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.render.sampling import DRAWABLE, MOST_STEPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.run.series import Series, Track

FEW = 120
"""Points of a series that are still marked one by one."""


@dataclass(frozen=True, slots=True)
class Trace:
    """A logged series, ready to be drawn: the plan's steps, and the values there."""

    track: Track
    x: FloatArray
    y: FloatArray

    @property
    def few(self) -> bool:
        """Whether its points are marked one by one."""
        return len(self.x) <= FEW

    def connected(self) -> tuple[FloatArray, FloatArray]:
        """Give the points as a line, with a gap wherever the log goes back: nothing was trained in between."""
        back = np.flatnonzero(np.diff(self.x) < 0) + 1
        return np.insert(self.x, back, np.nan), np.insert(self.y, back, np.nan)


def traces(series: Series, field: str) -> list[Trace]:
    """Give the logged columns of a field; values that no axis can hold are left out."""
    found = []
    for column, track in enumerate(series.tracks):
        values = series.values[:, column]
        kept = np.abs(values) <= DRAWABLE[1]  # neither where it is not a number
        if track.field == field and kept.any():
            found.append(_thinned(track, series.steps[kept].astype(np.float64), values[kept]))
    return found


def _thinned(track: Track, x: FloatArray, y: FloatArray) -> Trace:
    kept = rows_to_draw(y)
    return Trace(track, x[kept], y[kept])


def rows_to_draw(values: FloatArray) -> NDArray[np.int64]:
    """Choose rows that draw like all of them: of each small part of the log its ends, and its extreme values."""
    rows = len(values)
    if rows <= MOST_STEPS:
        return np.arange(rows, dtype=np.int64)
    part = np.arange(rows, dtype=np.int64) * (MOST_STEPS // 2) // rows
    begins = np.searchsorted(part, np.arange(part[-1] + 1))
    ends = np.append(begins[1:], rows) - 1
    by_value = np.lexsort((values, part))  # each part stands where it stood, sorted inside
    return np.unique(np.concatenate([begins, ends, by_value[begins], by_value[ends]]))
