"""Which column of a log is held against which parameter group of the plan, and in which quantity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from onecycle_cli.formatting import count, format_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.run.logs.log import Log

LOOKED_AT = 400
"""Rows from which is told which group a column belongs to."""


@dataclass(frozen=True, slots=True)
class Track:
    """One column of a log: what it holds, and the plan's parameter group that it is held against."""

    field: Literal["lr", "momentum"]
    column: int
    group: int

    def name(self, schedule: Schedule) -> str:
        """Name what is compared: lr or momentum, and the plan's group where there are several."""
        return self.field if len(schedule.groups) == 1 else f"{self.field}_{schedule.groups[self.group]}"

    def values(self, log: Log) -> NDArray[np.float64]:
        """Give the column's values."""
        columns = log.lr if self.field == "lr" else log.momentum
        assert columns is not None  # noqa: S101 (a momentum track is made only where momenta are logged)
        return columns[:, self.column]


@dataclass(frozen=True, slots=True)
class Pairing:
    """The tracks to compare, and what is to be said of how they came about."""

    tracks: tuple[Track, ...]
    notes: tuple[str, ...]


def pair(schedule: Schedule, log: Log) -> Pairing:
    """Pair the log's columns with the plan's groups: by name, else by order, else by what fits."""
    groups, notes = _groups(schedule, log)
    rates = [Track("lr", column, group) for column, group in enumerate(groups)]
    momenta = [Track("momentum", column, group) for column, group in enumerate(groups)]
    if log.momentum is None:
        momenta = []
    elif not schedule.cycles_momentum:
        notes += _stray_momentum(momenta, log)
        momenta = []
    return Pairing(tuple(track for track in [*rates, *momenta] if _holds_values(track, log)), tuple(notes))


def _groups(schedule: Schedule, log: Log) -> tuple[list[int], list[str]]:
    """Give the plan's group of each column."""
    names, planned = [name.rpartition("/")[2] for name in log.groups], list(schedule.groups)
    if set(names) <= set(planned) and len(set(names)) == len(names):
        return [planned.index(name) for name in names], _partly(names, planned)
    if len(names) == len(planned):
        return list(range(len(names))), []
    if len(planned) == 1:
        return [0] * len(names), [f"the log has {len(names)} parameter groups, the plan one: all are held against it"]
    found = [_best_group(schedule, log, column) for column in range(len(names))]
    pairs = zip(log.groups, found, strict=True)
    shown = ", ".join(f"{name or 'the learning rate'} with {planned[group]}" for name, group in pairs)
    groups = count(len(names), "parameter group")
    return found, [f"the log has {groups}, the plan {len(planned)}: compared as the values fit best, {shown}"]


def _partly(names: list[str], planned: list[str]) -> list[str]:
    missing = [name for name in planned if name not in names]
    return [f"the log does not hold the plan's group {name}" for name in missing]


def _best_group(schedule: Schedule, log: Log, column: int) -> int:
    """Find the group whose learning rates come closest, as a ratio, whichever way the log counts."""
    import numpy as np

    here = np.flatnonzero(np.isfinite(log.lr[:, column]) & (log.lr[:, column] != 0))
    if not here.size:
        return 0
    rows = here[np.unique(np.linspace(0, here.size - 1, LOOKED_AT).astype(np.int64))]
    logged = np.abs(log.lr[rows, column])
    distances = []
    for group in range(len(schedule.groups)):
        by_offset = []
        for offset in (0, -1, 1):
            steps = np.clip(log.steps[rows] + offset, 0, schedule.total_steps - 1)
            with np.errstate(all="ignore"):
                gaps = np.abs(np.log(logged / np.abs(schedule.lr(steps, group))))
            by_offset.append(float(np.median(np.nan_to_num(gaps, nan=1e3, posinf=1e3))))
        distances.append(min(by_offset))
    return distances.index(min(distances))


def _holds_values(track: Track, log: Log) -> bool:
    import numpy as np

    return bool(np.isfinite(track.values(log)).any())


def _stray_momentum(momenta: list[Track], log: Log) -> list[str]:
    """Say so where a momentum moves that the plan does not cycle; one that stands still is as it should be."""
    import numpy as np

    for track in momenta:
        values = track.values(log)
        known = values[~np.isnan(values)]
        if known.size and known.min() != known.max():
            low, high = format_number(known.min()), format_number(known.max())
            return [f"the log's momentum moves between {low} and {high}; the plan does not cycle it"]
    return []
