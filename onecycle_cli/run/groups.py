"""Which column of a log belongs to which of a plan's parameter groups."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from onecycle_cli.formatting import count, format_number, join_words
from onecycle_cli.run.logs.columns import optimizer_of
from onecycle_cli.run.precision import thinned

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.run.logs.log import Log

    Floats = NDArray[np.float64]
    Steps = NDArray[np.int64]

SAMPLE_SIZE = 400
"""Rows that decide which group an unnamed column belongs to."""

OWN_OPTIMIZERS = frozenset({"d", "g", "gen", "generator", "disc", "discriminator", "critic", "actor"})
"""Words in the name of a learning rate that say that it is of an optimizer beside others."""

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

    def place(self, log: Log) -> int:
        """Return its column of the log's values."""
        return self.column + (0 if self.field == "lr" else len(log.groups))

    def values(self, log: Log) -> Floats:
        """Return the column's values."""
        return log.values[:, self.place(log)]

    def texts(self, log: Log) -> Sequence[str]:
        """Return how some of the column's numbers were written; nothing where that is not known."""
        return log.texts[self.place(log)] if log.texts else ()


def scale_of(schedule: Schedule, track: Track, log: Log) -> float:
    """Return the size of a track's largest value, planned or logged."""
    group = schedule.plan.groups[track.group]
    planned = [group.max_lr] if track.field == "lr" else [group.max_momentum, group.base_momentum]
    return max(*map(abs, planned), largest(track.values(log)))


def largest(values: Floats) -> float:
    """Return the size of the largest of the finite values."""
    finite = np.isfinite(values)
    return float(max(values.max(initial=0.0, where=finite), -values.min(initial=0.0, where=finite)))


@dataclass(frozen=True, slots=True)
class Pairing:
    """Which columns of a log are compared with which groups of a plan.

    Attributes:
        tracks: the columns that are compared, learning rates first.
        unclaimed: learning rates that belong to no group of the plan, by their names, with what they hold.
        notes: how they were paired, where that is not plain.
    """

    tracks: tuple[Track, ...]
    unclaimed: tuple[str, ...]
    notes: tuple[str, ...]


def pair(schedule: Schedule, log: Log, steps: Steps, optimizer: str | None = None) -> Pairing:
    """Pair the log's columns with the plan's groups: by name, else by order, else by what fits.

    Args:
        schedule: what was planned.
        log: the log.
        steps: the schedule's step of each row, or nearly so, by which fits are judged.
        optimizer: the optimizer's name, where the plan has it.
    """
    columns = [Column(log, at) for at in range(log.lr.shape[1])]
    columns = [column for column in columns if column.has_values]
    if not columns:
        return Pairing((), (), ())
    groups, notes = _Pairer(schedule, columns, steps, optimizer).groups()
    tracks = _tracks("lr", groups, schedule, log)
    if log.momentum is not None:
        momenta = _tracks("momentum", groups, schedule, log)
        if schedule.cycles_momentum:
            tracks += momenta
        else:
            notes += _stray_momentum(momenta, log)
    unclaimed = [column for column in columns if column.at not in groups and not column.repeats(columns, groups)]
    if unclaimed:
        are, listed = ("is", "it") if len(unclaimed) == 1 else ("are", "them")
        shown = join_words([f"{column.name} ({column.holds})" for column in unclaimed])
        notes.append(f"{shown} {are} of no group of the plan, and not compared; to compare {listed}, use --column lr=")
    return Pairing(tuple(tracks), tuple(column.name for column in unclaimed), tuple(notes))


def leading(log: Log) -> Log:
    """Return a log without the columns that only may be learning rates, unless these alone move."""
    if not log.others:
        return log
    columns = [Column(log, at) for at in range(log.lr.shape[1])]
    first, others = columns[: -log.others], columns[-log.others :]
    kept = first if any(column.moves for column in first) else [column for column in others if column.moves] or first
    places = [column.at for column in kept]
    names = [column.name for column in columns if column not in kept and column.has_values]
    besides = f"{join_words(names)} may be learning rates too: name them with --column lr="
    read = join_words([column.name for column in kept])
    kinds = log.values.shape[1] // len(columns)
    both = [kind * len(columns) + at for kind in range(kinds) for at in places]
    return replace(
        log,
        values=log.values[:, both],
        groups=tuple(log.groups[at] for at in places),
        others=0,
        lr_columns=tuple(column.name for column in kept),
        texts=tuple(log.texts[at] for at in both) if log.texts else (),
        notes=(*log.notes, f"read {read}; {besides}") if names else log.notes,
    )


class Column:
    """A learning rate of a log."""

    def __init__(self, log: Log, at: int) -> None:
        """Take a column by its number."""
        self.at, self.rates = at, log.lr[:, at]
        self.name = log.lr_columns[at] if log.lr_columns else log.groups[at]
        self.label = log.groups[at]
        self.is_other = at >= log.lr.shape[1] - log.others
        known = np.isfinite(self.rates)
        self.has_values = bool(known.any())
        self.lowest = float(self.rates.min(initial=math.inf, where=known))
        self.highest = float(self.rates.max(initial=-math.inf, where=known))

    @property
    def moves(self) -> bool:
        """Whether it has different values."""
        return self.lowest < self.highest

    @property
    def holds(self) -> str:
        """Its values in words."""
        ends = [format_number(self.lowest), format_number(self.highest)]
        return " to ".join(ends) if self.moves else f"constant at {ends[0]}"

    @property
    def optimizer(self) -> str:
        """What tells its optimizer from others; "" where nothing does."""
        found = optimizer_of(self.name)
        if found:
            return found
        return next((word for word in words_of(self.name) if word in OWN_OPTIMIZERS), "")

    def is_named(self, group: str) -> bool:
        """Return whether its name has a group's name in it."""
        wanted = words_of(group)
        for said in (words_of(self.label), words_of(self.name)):
            places = range(len(said) - len(wanted) + 1)
            if any(said[place : place + len(wanted)] == wanted for place in places):
                return bool(wanted)
        return False

    def repeats(self, columns: Sequence[Column], claimed: Iterable[int]) -> bool:
        """Return whether a claimed column has the same values."""
        return any(other.at in claimed and np.array_equal(other.rates, self.rates, equal_nan=True) for other in columns)


def words_of(name: str) -> list[str]:
    """Return the words of a name, in lower case."""
    return [word for word in re.split(r"[\W_]+", name.casefold()) if word]


class _Pairer:
    """Finds the column of each group."""

    def __init__(self, schedule: Schedule, columns: list[Column], steps: Steps, optimizer: str | None) -> None:
        self.schedule, self.columns, self.steps = schedule, columns, steps
        self.planned = schedule.groups
        self.optimizer = (optimizer or "").casefold()

    def groups(self) -> tuple[dict[int, int], list[str]]:
        """Return the plan's group of each column that has one, by the column's number, and notes."""
        named = self._by_name()
        if not named:
            return self._by_order(self._likely())
        rest = [group for group in range(len(self.planned)) if group not in named.values()]
        left = [column for column in self.columns if column.at not in named and not self._names(column)]
        return {**named, **self._matched(rest, left)}, []

    def _by_name(self) -> dict[int, int]:
        """Return the groups whose names columns have; of several columns for one group, the likeliest."""
        found: dict[int, int] = {}
        for group, name in enumerate(self.planned):
            if name.isdigit():
                continue
            columns = [column for column in self.columns if group in self._names(column)]
            columns.sort(key=lambda column: (column.label != name, not column.moves, column.is_other))
            if columns:
                found[columns[0].at] = group
        return found

    def _names(self, column: Column) -> list[int]:
        """Return the group whose name is the longest in a column's name; none where it has none."""
        found = [group for group, name in enumerate(self.planned) if not name.isdigit() and column.is_named(name)]
        return sorted(found, key=lambda group: -len(words_of(self.planned[group])))[:1]

    def _matched(self, groups: list[int], columns: list[Column]) -> dict[int, int]:
        """Match what names leave over: the columns that move first, by order where they are as many."""
        if len(columns) > len(groups):
            moving = [column for column in columns if column.moves]
            columns = moving if len(moving) >= len(groups) else columns
        if len(columns) > len(groups):
            first = [column for column in columns if not column.is_other]
            columns = first if len(first) >= len(groups) else columns
        if len(columns) <= len(groups):
            return {column.at: group for column, group in zip(columns, groups, strict=False)}
        found: dict[int, int] = {}
        for group in groups:
            best = min(columns, key=lambda column: self._distance(column, group))
            columns = [column for column in columns if column is not best]
            found[best.at] = group
        return found

    def _likely(self) -> list[Column]:
        """Return the columns of the optimizer that is planned: those that move, if any do; its groups, if it has any.

        The first ones are of one naming. Others are only taken where these do not move, or are too few.
        """
        columns, many = self.columns, len(self.planned)
        first = [column for column in columns if not column.is_other]
        if len(first) != many and len(columns) == many:
            return columns
        if not any(column.moves for column in first):
            moving = [column for column in columns if column.moves]
            first = moving[:many] if moving else first
        parts: dict[str, list[Column]] = {}
        for column in first:
            parts.setdefault(column.optimizer, []).append(column)
        if len(parts) == 1:
            return first
        likely = [part for part in parts.values() if len(part) == many] or list(parts.values())
        likely = [part for part in likely if any(column.moves for column in part)] or likely
        own = [part for part in likely if part[0].optimizer.casefold().split("-")[0] == self.optimizer]
        if len(own or likely) == 1 or many == 1:
            return min(own or likely, key=lambda part: self._distance(part[0], 0))
        return first

    def _by_order(self, columns: list[Column]) -> tuple[dict[int, int], list[str]]:
        """Pair columns without the groups' names: by their order where they are as many, else by what fits."""
        planned = self.planned
        if len(columns) == len(planned):
            return {column.at: group for group, column in enumerate(columns)}, []
        if len(planned) == 1:
            note = f"the log has {len(columns)} parameter groups, the plan one: all are compared with it"
            return {column.at: 0 for column in columns}, [note]
        found = {column.at: nearest_group(self.schedule, self.steps, column.rates) for column in columns}
        groups = f"the log has {count(len(columns), 'parameter group')}, the plan {len(planned)}"
        shown = join_words([f"{column.name} with {planned[found[column.at]]}" for column in columns])
        how = f"each was compared with the group that it fits best: {shown}"
        if len(columns) == 1:
            best = planned[found[columns[0].at]]
            how = f"the logged learning rate fits group {best} best and was compared with it"
        return found, [f"{groups}: {how}"]

    def _distance(self, column: Column, group: int) -> float:
        return distances(self.schedule, self.steps, column.rates)[group]


def _tracks(field: Literal["lr", "momentum"], groups: Mapping[int, int], schedule: Schedule, log: Log) -> list[Track]:
    """Make the tracks of the columns that hold values."""
    found = []
    for column, group in sorted(groups.items()):
        name = field if len(schedule.groups) == 1 else f"{field}_{schedule.groups[group]}"
        shared = list(groups.values()).count(group) > 1
        label = f"{name} ({log.groups[column]})" if shared else name
        track = Track(field, column, group, name, label)
        if np.isfinite(track.values(log)).any():
            found.append(track)
    return found


def nearest_group(schedule: Schedule, steps: Steps, rates: Floats) -> int:
    """Return the group whose learning rates come closest to logged ones, as a ratio."""
    found = distances(schedule, steps, rates)
    return found.index(min(found))


def distances(schedule: Schedule, steps: Steps, rates: Floats) -> list[float]:
    """Return how far logged learning rates are from those of each group, as the logarithm of a ratio, by the median.

    A column may be a step off, as its offset is not known yet.
    """
    here = thinned(np.flatnonzero(np.isfinite(rates) & (rates != 0)), SAMPLE_SIZE)
    if not here.size:
        return [0.0] * len(schedule.groups)
    logged = np.abs(rates[here])
    found = []
    for group in range(len(schedule.groups)):
        by_offset = []
        for offset in NEARBY:
            inside = np.clip(steps[here] + offset, 0, schedule.total_steps - 1)
            with np.errstate(all="ignore"):
                gaps = np.abs(np.log(logged / np.abs(schedule.lr(inside, group))))
            by_offset.append(float(np.median(np.nan_to_num(gaps, nan=1e3, posinf=1e3))))
        found.append(min(by_offset))
    return found


def _stray_momentum(momenta: list[Track], log: Log) -> list[str]:
    """Note a momentum that changes although the plan does not cycle it."""
    for track in momenta:
        values = track.values(log)
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        if low != high:
            between = f"{format_number(low)} and {format_number(high)}"
            return [f"the log's momentum moves between {between}; the plan does not cycle it"]
    return []
