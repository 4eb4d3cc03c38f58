"""Which column of a log belongs to which of a plan's parameter groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from onecycle_cli.formatting import count, format_number
from onecycle_cli.run.precision import thinned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.run.logs.log import Log

    Floats = NDArray[np.float64]
    Steps = NDArray[np.int64]

SAMPLE_SIZE = 400
"""Rows that decide which group an unnamed column belongs to."""

NEARBY = (0, -1, 1)
"""Steps by which a column may be off its group's while that is looked for."""


@dataclass(frozen=True, slots=True)
class Track:
    """One column of a log, and the plan's parameter group that it is compared with.

    Attributes:
        field: what it holds.
        column: its number among the log's learning rates or momenta.
        group: the plan's parameter group, by number.
        name: lr or momentum, with the plan's group behind it where there are several (`lr_head`).
        label: the name, with the log's own name behind it where several columns have the same.
    """

    field: Literal["lr", "momentum"]
    column: int
    group: int
    name: str
    label: str

    def values(self, log: Log) -> Floats:
        """Return the column's values."""
        columns = log.lr if self.field == "lr" else log.momentum
        assert columns is not None  # noqa: S101 (a momentum track is made only where momenta are logged)
        return columns[:, self.column]

    def texts(self, log: Log) -> Sequence[str]:
        """Return how some of the column's numbers were written; nothing where that is not known."""
        texts = log.lr_texts if self.field == "lr" else log.momentum_texts
        return texts[self.column] if texts else ()


def scale_of(schedule: Schedule, track: Track, log: Log) -> float:
    """Return the size of a track's largest value, planned or logged."""
    group = schedule.plan.groups[track.group]
    planned = [group.max_lr] if track.field == "lr" else [group.max_momentum, group.base_momentum]
    return max(*map(abs, planned), largest(track.values(log)))


def largest(values: Floats) -> float:
    """Return the size of the largest of the finite values."""
    finite = np.isfinite(values)
    return float(max(values.max(initial=0.0, where=finite), -values.min(initial=0.0, where=finite)))


def pair(schedule: Schedule, log: Log) -> tuple[tuple[Track, ...], tuple[str, ...]]:
    """Pair the log's columns with the plan's groups: by name, else by order, else by what fits.

    Returns:
        The tracks to compare, learning rates first, and notes on how they were paired.
    """
    groups, notes = _groups(schedule, log)
    tracks = _tracks("lr", groups, schedule, log)
    if log.momentum is not None:
        momenta = _tracks("momentum", groups, schedule, log)
        if schedule.cycles_momentum:
            tracks += momenta
        else:
            notes += _stray_momentum(momenta, log)
    return tuple(tracks), tuple(notes)


def _tracks(field: Literal["lr", "momentum"], groups: list[int], schedule: Schedule, log: Log) -> list[Track]:
    """Make the tracks of the columns that hold values."""
    found = []
    for column, group in enumerate(groups):
        name = field if len(schedule.groups) == 1 else f"{field}_{schedule.groups[group]}"
        label = name if groups.count(group) == 1 else f"{name} ({log.groups[column]})"
        track = Track(field, column, group, name, label)
        if np.isfinite(track.values(log)).any():
            found.append(track)
    return found


def _groups(schedule: Schedule, log: Log) -> tuple[list[int], list[str]]:
    """Return the plan's group of each column, and notes."""
    names, planned = [name.rpartition("/")[2] for name in log.groups], list(schedule.groups)
    if set(names) <= set(planned) and len(set(names)) == len(names):
        missing = [name for name in planned if name not in names]
        return [planned.index(name) for name in names], [f"the log has no group {name} of the plan" for name in missing]
    if len(names) == len(planned):
        return list(range(len(names))), []
    if len(planned) == 1:
        return [0] * len(names), [f"the log has {len(names)} parameter groups, the plan one: all are compared with it"]
    found = [nearest_group(schedule, log.steps, log.lr[:, column]) for column in range(len(names))]
    pairs = zip(log.groups, found, strict=True)
    groups = f"the log has {count(len(names), 'parameter group')}, the plan {len(planned)}"
    if len(names) == 1:
        how = f"the logged learning rate fits group {planned[found[0]]} best and was compared with it"
    else:
        shown = ", ".join(f"{name} with {planned[group]}" for name, group in pairs)
        how = f"each was compared with the group that it fits best: {shown}"
    return found, [f"{groups}: {how}"]


def nearest_group(schedule: Schedule, logged_steps: Steps, rates: Floats) -> int:
    """Return the group whose learning rates come closest to logged ones, as a ratio, under any offset."""
    here = thinned(np.flatnonzero(np.isfinite(rates) & (rates != 0)), SAMPLE_SIZE)
    if not here.size:
        return 0
    logged = np.abs(rates[here])
    distances = []
    for group in range(len(schedule.groups)):
        by_offset = []
        for offset in NEARBY:
            steps = np.clip(logged_steps[here] + offset, 0, schedule.total_steps - 1)
            with np.errstate(all="ignore"):
                gaps = np.abs(np.log(logged / np.abs(schedule.lr(steps, group))))
            by_offset.append(float(np.median(np.nan_to_num(gaps, nan=1e3, posinf=1e3))))
        distances.append(min(by_offset))
    return distances.index(min(distances))


def _stray_momentum(momenta: list[Track], log: Log) -> list[str]:
    """Note a momentum that changes although the plan does not cycle it."""
    for track in momenta:
        values = track.values(log)
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        if low != high:
            between = f"{format_number(low)} and {format_number(high)}"
            return [f"the log's momentum moves between {between}; the plan does not cycle it"]
    return []
