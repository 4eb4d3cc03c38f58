"""How much of a cycle a log shows: where it begins and ends, what is missing between, and which groups it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from onecycle_cli.formatting import count, join_words
from onecycle_cli.run.reading import different

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.run.series import Series, Steps

REGULAR = 0.5
"""The share of equal gaps from which a log samples regularly."""

ALONE = 1.5
"""How many times the next largest gap one must be to be a hole: crashes leave few, and each of another size."""

MOST_HOLES = 0.02
"""The share of a log's gaps that may be holes, beyond the first three."""

HOLES_SHOWN = 3
"""Holes that are named in words."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What of a plan a log shows.

    Attributes:
        steps: how many different steps of the cycle were logged.
        of: how many the cycle has.
        first: the first of the logged steps, in the schedule's count.
        last: the last of them inside the cycle.
        gaps: what is missing before the last, each as its first and last step; what a log leaves out regularly does
            not count.
        groups: the plan's groups that were compared.
        groups_not_checked: those that the log does not show.
        columns_not_compared: learning rates in the log that belong to no group of the plan.
        momentum: whether it was compared, or why not.
    """

    steps: int
    of: int
    first: int
    last: int
    gaps: tuple[tuple[int, int], ...]
    groups: tuple[str, ...]
    groups_not_checked: tuple[str, ...]
    columns_not_compared: tuple[str, ...]
    momentum: Literal["compared", "not logged", "not cycled"]

    @property
    def is_partial(self) -> bool:
        """Whether more is missing than the steps that a log leaves out regularly."""
        return bool(self.gaps or self.groups_not_checked or self.momentum == "not logged")

    def __str__(self) -> str:
        """Say it in a line."""
        return "; ".join(self._parts())

    def _parts(self) -> Iterator[str]:
        whole = self.steps >= self.of
        yield f"covers {'all' if whole else f'{self.steps:,} of'} {count(self.of, 'step')}"
        if self.gaps:
            shown = [f"{first:,}" if first == last else f"{first:,} to {last:,}" for first, last in self.gaps]
            more = f" and {len(shown) - HOLES_SHOWN} more gaps" if len(shown) > HOLES_SHOWN else ""
            yield f"steps {join_words(shown[:HOLES_SHOWN])}{more} are missing"
        if self.groups_not_checked:
            yield f"group {join_words(list(self.groups_not_checked))} is not in the log"
        if self.momentum == "not logged":
            yield "momentum is not logged"


def coverage_of(series: Series, columns_not_compared: tuple[str, ...] = ()) -> Coverage:
    """Return what of its plan a series shows."""
    schedule, tracks, seen = series.schedule, series.tracks, seen_steps(series)
    inside = seen[(seen >= 0) & (seen < schedule.total_steps)]
    shown = {track.group for track in tracks if track.field == "lr"}
    momentum: Literal["compared", "not logged", "not cycled"] = "not logged"
    if not schedule.cycles_momentum:
        momentum = "not cycled"
    elif any(track.field == "momentum" for track in tracks):
        momentum = "compared"
    return Coverage(
        steps=inside.size,
        of=schedule.total_steps,
        first=int(seen[0]),
        last=int(inside[-1]) if inside.size else -1,
        gaps=tuple(_holes(inside, usual_gap(series), schedule.first_step)),
        groups=tuple(name for at, name in enumerate(schedule.groups) if at in shown),
        groups_not_checked=tuple(name for at, name in enumerate(schedule.groups) if at not in shown),
        columns_not_compared=columns_not_compared,
        momentum=momentum,
    )


def _holes(seen: Steps, usual: int, begin: int) -> Iterator[tuple[int, int]]:
    """Yield what is missing before and between the steps that a log shows."""
    if not seen.size:
        return
    if int(seen[0]) > begin + usual - 1:
        yield begin, int(seen[0]) - 1
    for at in np.flatnonzero(np.diff(seen) > usual).tolist():
        yield int(seen[at]) + 1, int(seen[at + 1]) - 1


def seen_steps(series: Series) -> Steps:
    """Return the different steps of the schedule for which a value was logged, in order."""
    shown = series.present.any(axis=1)
    return different(series.steps if shown.all() else series.steps[shown])


def usual_gap(series: Series) -> int:
    """Return the largest distance between two logged steps that is usual in a log; holes are not.

    A log may be denser in some places than in others, or sample at random.
    """
    gaps = np.diff(seen_steps(series))
    if not gaps.size:
        return 1
    gaps.sort()
    kept = gaps.size
    for _ in range(3 + int(MOST_HOLES * gaps.size)):
        if kept < 2 or gaps[kept - 1] <= ALONE * gaps[kept - 2]:
            break
        kept -= 1
    median = (gaps[(gaps.size - 1) // 2] + gaps[gaps.size // 2]) / 2
    regular = np.count_nonzero(gaps == median) >= REGULAR * gaps.size
    return int(gaps[kept - 1]) * (1 if regular else 2)


def first_missing_step(series: Series) -> int | None:
    """Return the first step after the log's last one, where the log stops short of the cycle's end; else None.

    A log that samples every 50 steps ends up to 49 steps before the end; one that samples at random may end before it
    by more than most of its gaps.
    """
    last = int(seen_steps(series)[-1])
    return last + 1 if last + usual_gap(series) < series.schedule.total_steps else None
