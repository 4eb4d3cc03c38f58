"""The scheduler moves at another pace than the run: several times per step, or once in several steps."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.formatting import count, format_number
from onecycle_cli.run.causes.hypothesis import Case, Hypothesis, at_other_steps, steps_with
from onecycle_cli.run.series import values_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from onecycle_cli.run.series import Samples, Steps

MOST_TIMES = 1024
"""The largest number of scheduler steps per step that is tried: as many processes."""

MOST_BETWEEN = 64
"""The same where a row may be logged after any of them."""

TRIAL_ROWS = 48
"""Rows on which numbers of steps, and lengths of blocks, are tried."""

EVEN = 0.95
"""The share of equal distances between moves from which on they are even."""

KEPT = 20
"""Lengths of blocks that are then tried on the whole sample."""

MOST_LENGTHS = 200
"""Lengths of blocks that one row may suggest; a row that suggests more says nothing."""


# --- It moves several times per step ---------------------------------------------------------------------------------


def several_times(case: Case) -> Iterator[Hypothesis]:
    """Suppose that each step of the run moved the scheduler N times, until it reached its end.

    Rows may be logged between these moves: where the scheduler is stepped after each micro-batch, most loops log before
    the last of them, so that row n shows step N·n + N - 1.
    """
    total = case.schedule.total_steps
    tried = np.array(
        [(times, 0) for times in range(2, MOST_TIMES + 1)]
        + [(times, further) for times in range(2, MOST_BETWEEN + 1) for further in range(1, times)]
        + [(times, times - 1) for times in range(MOST_BETWEEN + 1, MOST_TIMES + 1)]
    )
    times, further = best_clock(case, tried, lambda each, rows: each[:, :1] * rows.steps + each[:, 1:])
    between = f", and a row is logged {count(further, 'step')} further" if further else ""
    yield from at_other_steps(
        case,
        f"stepped-n-times:{times}",
        f"the scheduler advances {times} steps per optimizer step{between}, so the cycle of {total:,} steps ends after "
        f"{-(-total // times):,}",
        _once_per_step(case, times),
        lambda rows: times * rows.steps + further,
    )


def _once_per_step(case: Case, times: int) -> str:
    """Advise on a scheduler that advances several steps per optimizer step."""
    if times == case.settings.gradient_accumulation:
        return "step the scheduler with the optimizer, not after every micro-batch"
    if times == case.settings.world_size:
        return (
            f"accelerate steps a prepared scheduler once per process: make it for {times} times as many steps as the "
            "run has, or make it without prepare() or with split_batches"
        )
    return (
        f"step the scheduler once per optimizer step; if accelerate steps it once for each of {times} processes, set "
        f"world_size to {times} in the plan"
    )


def prepared(case: Case) -> Iterator[Hypothesis]:
    """Suppose that accelerate stepped a scheduler once per process, which was made for as many times the steps."""
    world, total = case.settings.world_size or 1, case.schedule.total_steps
    schedule = case.variant(total_steps=world * total) if world > 1 else None
    if schedule is not None:
        yield from at_other_steps(
            case,
            f"stepped-n-times:{world}",
            f"the run is as accelerate means it: a scheduler of {world * total:,} steps, prepared, advances {world} "
            f"steps per optimizer step, one per process, and comes near the plan of {total:,} steps",
            f"nothing in the run: plan the scheduler that it has, with total_steps: {world * total} and world_size: "
            f"{world}",
            lambda rows: world * rows.steps,
            schedule,
        )


# --- It moves less often than the run --------------------------------------------------------------------------------


def once_per_epoch(case: Case) -> Iterator[Hypothesis]:
    """Suppose that the scheduler moved once in B steps."""
    lengths = _likeliest(case, _trial_rows(case), _block_lengths(case))
    if lengths:
        length = _likeliest(case, case.sample, lengths)[0]
        found = _blocks(case, f"once every {length:,} steps", lambda rows: np.maximum(rows.steps, 0) // length)
        if length < (case.schedule.steps_per_epoch or 0):  # as where a step is made of several batches
            advice = (
                f"step the scheduler after every step of the log, or, if {length} batches make an optimizer step under "
                f"gradient accumulation, plan these: divide total_steps by {length}"
            )
            found = dataclasses.replace(found, advice=advice)
        yield found


def unevenly(case: Case) -> Iterator[Hypothesis]:
    """Suppose that the scheduler moved whenever the logged learning rate changed, and seldom."""
    counted = _counted(case)
    if counted is None:
        return
    clock, moves = counted
    if moves * 2 <= len(clock):
        apart = np.diff(np.flatnonzero(np.diff(clock)))
        evenly = apart.size and (apart == apart[0]).mean() >= EVEN
        rows = f"once every {count(int(apart[0]), 'row')}" if evenly else f"{moves:,} times in {len(clock):,} rows"
        pace = rows if evenly else f"{rows}, at uneven intervals"
        yield _blocks(case, pace, lambda rows: clock[rows.rows])


def _blocks(case: Case, pace: str, clock: Callable[[Samples], Steps]) -> Hypothesis:
    total, whole, column = case.schedule.total_steps, case.whole, case.whole.rates[0]
    reached = int(clock(whole).max()) + 1
    seen = int(whole.steps.max() - whole.steps.min()) + 1
    rates = whole.values[:, column]
    ends, planned = float(rates[np.isfinite(rates)][-1]), case.schedule.lr(total - 1, whole.tracks[column].group)
    summary = (
        f"the learning rate changes {pace}, so {seen:,} steps cover {100 * reached / total:.1f} % of the cycle "
        f"of {total:,}; it ends at {format_number(ends)} instead of {format_number(planned)}"
    )
    if reached >= total:
        summary += ". If the log counts micro-batches or rows, not optimizer steps, the run itself is right"
    advice = (
        "step the scheduler after every optimizer step, not after every epoch; in Lightning return "
        '{"scheduler": scheduler, "interval": "step"}'
    )
    return Hypothesis("epoch-stepped", summary, advice, lambda rows: rows.predicted(case.schedule, clock(rows)))


def skipped(case: Case) -> Iterator[Hypothesis]:
    """Suppose that the scheduler was not stepped in a few steps, each of which repeats the learning rate before it."""
    counted = _counted(case)
    if counted is None:
        return
    clock, _ = counted
    behind = int(case.whole.steps[-1] - clock[-1])
    if not 0 < behind < len(clock) // 2:
        return
    yield Hypothesis(
        f"shifted:-{behind}",
        f"the scheduler was not stepped in {behind} steps, from step "
        f"{int(case.whole.logged_steps[case.first_wrong]):,} on",
        "step the scheduler in every step, or reduce total_steps by the skipped steps; with mixed precision the "
        "first steps are skipped when GradScaler finds infinite gradients",
        lambda rows: rows.predicted(case.schedule, clock[rows.rows]),
        is_local=True,
    )


def _counted(case: Case) -> tuple[Steps, int] | None:
    """Count how often the learning rate changed before each row, from the first row's step on, and in all."""
    whole = case.whole
    rates = whole.values[:, whole.rates]
    if np.isnan(rates).any() or len(rates) < 3:
        return None
    changes = (np.diff(rates, axis=0) != 0).any(axis=1)
    start = max(int(whole.steps[0]), 0) if case.first_wrong else 0
    clock = start + np.concatenate([[0], np.cumsum(changes)]).astype(np.int64)
    return clock, int(changes.sum())


def _block_lengths(case: Case) -> list[int]:
    """Suggest lengths of blocks: from where the rate first changes, and from how far it has come in some rows."""
    whole, column = case.whole, case.whole.rates[0]
    rates, steps = whole.values[:, column], whole.steps
    changed = steps[1:][np.diff(rates) != 0][:3]
    found = {int(step) for step in changed[:1]} | {int(gap) for gap in np.diff(changed)}
    some = _trial_rows(case)
    places = steps_with(case.schedule, whole.tracks[column].group, some.values[:, column])
    for step, reached in zip(some.steps.tolist(), places.tolist(), strict=True):
        for blocks in reached:
            shortest = step // (blocks + 1) + 1
            longest = step // blocks if blocks else shortest - 1
            if longest - shortest < MOST_LENGTHS:
                found.update(range(shortest, longest + 1))
    return sorted(length for length in found if length > 1)


def _likeliest(case: Case, some: Samples, lengths: list[int]) -> list[int]:
    """Return the lengths of blocks that explain most of some rows' rates, the best first.

    A log with few rows may allow several: the plan's epoch is then the likeliest.
    """
    hits = {length: int(_hits(case, some, np.maximum(some.steps, 0) // length)[0]) for length in lengths}
    epoch = case.schedule.steps_per_epoch
    return sorted(hits, key=lambda length: (-hits[length], length != epoch, length))[:KEPT]


# --- Shared ----------------------------------------------------------------------------------------------------------


def _trial_rows(case: Case) -> Samples:
    return case.some_rows(TRIAL_ROWS // 2, first=TRIAL_ROWS // 2)


def best_clock(case: Case, tried: Steps, clocks: Callable[[Steps, Samples], Steps]) -> list[int]:
    """Return the numbers, a row of `tried`, with which a clock explains most rows of a trial."""
    some = _trial_rows(case)
    hits = _hits(case, some, np.minimum(clocks(tried, some), case.schedule.total_steps))
    numbers: list[int] = tried[int(hits.argmax())].tolist()
    return numbers


def _hits(case: Case, some: Samples, clocks: Steps) -> NDArray[np.int64]:
    """Count, for each clock, the rows whose first learning rate is that of the clock's steps.

    Args:
        case: the case.
        some: rows of its log.
        clocks: steps of the schedule, shape (clocks, rows) or (rows,).
    """
    column = some.rates[0]
    clocks = np.atleast_2d(clocks)
    predicted = values_at(case.schedule, some.tracks[column], clocks.ravel()).reshape(clocks.shape)
    limits = some.limits[:, column] + some.relative * np.abs(predicted)
    with np.errstate(invalid="ignore"):
        hits: NDArray[np.int64] = (np.abs(predicted - some.values[:, column]) <= limits).sum(axis=1)
    return hits
