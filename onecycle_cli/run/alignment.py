"""A log beside a schedule, under every reading of what its rows count that may be meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.counting import given_readings, possible_readings
from onecycle_cli.run.coverage import first_missing_step, usual_gap
from onecycle_cli.run.groups import pair, scale_of
from onecycle_cli.run.precision import EXACT, SINGLE_ULPS, Precision, thinned
from onecycle_cli.run.series import Series, align, read_samples

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.policy.settings import Settings
    from onecycle_cli.run import RowIs
    from onecycle_cli.run.logs.log import Log
    from onecycle_cli.run.reading import Reading
    from onecycle_cli.run.series import Samples

LONGER = 3
"""Rows by which another reading must agree longer than the first does, as a flat start agrees with several."""

TRIED_ROWS = 400
"""Rows on which a reading is tried before it is compared with all."""

ENOUGH_VALUES = {"epoch": 3}
"""Different values that a log must show, to be read as anything else than its columns say; of epochs there are few."""

MANY_VALUES = 8
"""The same for what is not among these."""

ALLOWED = f"in float32: {SINGLE_ULPS:.1g} of the peak is allowed for that"
IN_SINGLE = f"the run computed {ALLOWED}"

NOISE = 8
"""Values off by more than their rounding from which their signs must differ, to come from float32 arithmetic."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A log beside a schedule.

    Attributes:
        alignments: the log under each reading that may be meant, the likeliest first; one without a wrong value is
            alone.
        looser: the same with what float32 arithmetic may differ by, where the log may come from that, and the stricter
            comparison does not make it right.
        tolerance: how near counts as equal.
        unclaimed: columns with learning rates that belong to no group of the plan.
        notes: what the user should know about the comparison.
    """

    alignments: list[Series]
    looser: list[Series]
    tolerance: Precision
    unclaimed: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether every logged value is the planned one."""
        return self.alignments[0].right


def compare(
    settings: Settings, schedule: Schedule, log: Log, tolerance: float | None = None, row_is: RowIs | None = None
) -> Comparison:
    """Lay a log beside a schedule.

    A log of values that are not exact may have been computed in float32 as well. Unless the convention does so anyway,
    that is allowed for only where it makes every value right.

    Raises:
        OnecycleError: the log holds no learning rate, or the plan lacks a number that `row_is` needs.
    """
    given = given_readings(log, settings, schedule, row_is)
    paired = pair(schedule, log, given[0].clock + given[0].offset, settings.optimizer)
    tracks, notes = paired.tracks, paired.notes
    if not any(track.field == "lr" for track in tracks):
        raise OnecycleError(f"{log.path}: no learning rate in the log", "log the optimizer's lr once per step")
    convention = schedule.plan.convention
    scales = [scale_of(schedule, track, log) for track in tracks]
    samples, written = read_samples(log, tracks, scales, tolerance=tolerance, single=convention.float32)

    def possible() -> Iterable[Reading]:
        return () if row_is else possible_readings(log, settings, schedule)

    alignments, looser = _aligned(samples, schedule, given, possible()), []
    in_single = convention.float32 and tolerance is None and written is not EXACT
    if not (alignments[0].right or convention.float32) and tolerance is None and written is not EXACT:
        in_float32, _ = read_samples(log, tracks, scales, single=True)
        looser = _aligned(in_float32, schedule, given, possible())
        # Of several readings one may be right by chance.
        if looser[0].right and (len(alignments) == 1 or _is_noise(align(samples, schedule, looser[0].reading))):
            alignments, looser, in_single = looser, [], True
    if in_single:
        notes += (f"{convention.name} computes {ALLOWED}" if convention.float32 else IN_SINGLE,)
    if alignments[0].right and tolerance is None and written is EXACT:
        agreed, more = _agreement(alignments[0])
        return Comparison(alignments, looser, agreed, paired.unclaimed, (*notes, *more))
    near = written if tolerance is None else Precision("given", tolerance)
    return Comparison(alignments, looser, near, paired.unclaimed, notes)


def _aligned(
    samples: Samples, schedule: Schedule, given: Iterable[Reading], possible: Iterable[Reading]
) -> list[Series]:
    """Lay a log beside a schedule under every reading, the likeliest first.

    Where a given one makes everything right it is alone, else a possible one that does so and shows the whole cycle.
    Else the given one that agrees longest from the log's beginning comes first; at the flat start of a long cycle other
    offsets than 0 agree a little longer, which says nothing.
    """
    found: list[Series] = []
    for reading in given:
        tried = align(samples, schedule, reading)
        if tried.right:
            return [tried]
        found.append(tried)
    some = samples.take(thinned(np.arange(len(samples.values)), TRIED_ROWS))
    for reading in possible:
        if align(some, schedule, reading).right:
            tried = align(samples, schedule, reading)
            if tried.right and _shows_the_cycle(tried):
                return [tried]
    # The first row of any epoch-wise log has the initial rate of a scheduler that was not stepped before it.
    plain, fewest = found[0].prefix, 2 if found[0].reading.unit == "epoch" else 1
    least = max(plain + LONGER, plain * 1.5)

    def agreed(tried: Series) -> int:
        # At the cycle's first step one row says how the log counts; anywhere else it may be there by chance.
        begins = tried.reading.unit == "epoch" or int(tried.steps[0]) == schedule.first_step
        enough = least if plain or not begins else fewest
        return tried.prefix if tried.prefix >= enough or tried is found[0] else 0

    return sorted(found, key=lambda tried: -agreed(tried))


def _shows_the_cycle(series: Series) -> bool:
    """Return whether a log goes through the whole cycle, and moves while it does."""
    begins = int(series.steps.min()) <= max(usual_gap(series), series.schedule.first_step)
    moves = np.unique(series.values[:, series.rates[0]]).size >= ENOUGH_VALUES.get(series.reading.unit, MANY_VALUES)
    return begins and moves and first_missing_step(series) is None


def _is_noise(strict: Series) -> bool:
    """Return whether values that are only right in float32 arithmetic lie on both sides of the planned ones."""
    size, above, below = 0, False, False
    for at, rows in strict.pieces():
        off = (rows.values - rows.predicted(strict.schedule, rows.steps))[strict.wrong[at]]
        size, above, below = size + off.size, above or bool((off > 0).any()), below or bool((off < 0).any())
    return size < NOISE or (above and below)


def _agreement(series: Series) -> tuple[Precision, tuple[str, ...]]:
    """Return how closely the values of an exact log agree, and why not to the last bit."""
    size, off, relative = 0, 0, 0.0
    exact = np.array([form is EXACT for form in series.nearness.written])  # momentum may be rounded beside exact rates
    for _, rows in series.pieces():
        planned = rows.predicted(series.schedule, rows.steps)
        cycle = rows.present & exact & (rows.steps < series.schedule.total_steps)[:, None]
        gaps = np.where(cycle, np.abs(rows.values - planned), 0.0)
        size, off = size + int(cycle.sum()), off + int((gaps > 0).sum())
        relative = max(relative, float(np.nanmax(np.where(gaps > 0, gaps / np.abs(planned), 0.0))))
    if not off:
        return EXACT, ()
    why = (
        f"{off:,} of {size:,} values differ in the last bits, by up to {relative:.1g}: another "
        "library's cosine, or another order of evaluation"
    )
    return Precision("a few ulp", relative), (why,)
