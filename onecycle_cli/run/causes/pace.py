"""The scheduler moves at another pace than the run: several times a step, or once an epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.formatting import format_number
from onecycle_cli.run.causes.hypothesis import Case, Hypothesis
from onecycle_cli.run.causes.inversion import steps_with
from onecycle_cli.run.series import values_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.run.series import Samples

    Floats = NDArray[np.float64]
    Steps = NDArray[np.int64]

MOST_TIMES = 1024
"""The largest number of scheduler steps in one step that is looked for: as many processes."""

LOOKED_AT = 48
"""Rows on which numbers of steps, and lengths of blocks, are tried."""

KEPT = 20
"""Lengths that are weighed on the whole sample."""

MOST_LENGTHS = 200
"""Lengths of blocks that one row may suggest; a row that suggests more says nothing."""


def several_times(case: Case) -> Iterator[Hypothesis]:
    """Suppose that each step of the run moved the scheduler N times, until it stood at its end."""
    import numpy as np

    rows = _few_rows(case)
    total, column = case.schedule.total_steps, case.sample.rates[0]
    some = case.sample.take(rows)
    counts = np.arange(2, MOST_TIMES + 1)[:, None]
    clock = np.minimum(counts * some.steps[None, :], total).ravel()
    predicted = _column(case, some, column, clock).reshape(len(counts), -1)
    limits = some.limits[:, column] + some.relative * np.abs(predicted)
    with np.errstate(invalid="ignore"):
        hits = (np.abs(predicted - some.values[:, column]) <= limits).sum(axis=1)
    times = 2 + int(hits.argmax())
    for last in (total, total - 1):
        yield _several(case, times, last)


def _several(case: Case, times: int, last: int) -> Hypothesis:
    import numpy as np

    total = case.schedule.total_steps
    return Hypothesis(
        f"stepped-n-times:{times}",
        f"the scheduler moves {times} steps in each step of the run, so the cycle of {total:,} steps is over after "
        f"{-(-total // times):,}",
        f"step the scheduler once an optimizer step; under {times} processes (accelerate) count total_steps for all of "
        "them together, or make the scheduler with split_batches or without prepare()",
        lambda evidence: evidence.predicted(case.schedule, np.minimum(times * evidence.steps, last)),
    )


def once_an_epoch(case: Case) -> Iterator[Hypothesis]:
    """Suppose that the scheduler moved once in B steps."""
    import numpy as np

    lengths = _likeliest(case, case.sample.take(_few_rows(case)), _block_lengths(case))
    if lengths:
        length = _likeliest(case, case.sample, lengths)[0]
        yield _blocks(case, f"once every {length:,} steps", lambda evidence: np.maximum(evidence.steps, 0) // length)


def _likeliest(case: Case, some: Samples, lengths: list[int]) -> list[int]:
    """Keep the lengths of blocks that explain most of some rows' rates."""
    import numpy as np

    column, hits = some.rates[0], {}
    for length in lengths:
        predicted = _column(case, some, column, np.maximum(some.steps, 0) // length)
        gaps = np.abs(predicted - some.values[:, column])
        hits[length] = int((gaps <= some.limits[:, column] + some.relative * np.abs(predicted)).sum())
    return sorted(hits, key=lambda length: (-hits[length], length))[:KEPT]


def unevenly(case: Case) -> Iterator[Hypothesis]:
    """Suppose that the scheduler moved whenever the logged learning rate changed, and seldom."""
    counted = _counted(case)
    if counted is None:
        return
    clock, moves = counted
    if moves * 2 <= len(clock):
        pace = f"{moves:,} times in {len(clock):,} rows, at uneven distances"
        yield _blocks(case, pace, lambda evidence: clock[evidence.rows])


def _blocks(case: Case, pace: str, clock: Callable[[Samples], Steps]) -> Hypothesis:
    total = case.schedule.total_steps
    reached = int(clock(case.whole).max()) + 1
    seen = int(case.whole.steps.max() - case.whole.steps.min()) + 1
    ends, planned = _last_rate(case), case.schedule.lr(total - 1, case.whole.tracks[case.whole.rates[0]].group)
    says = (
        f"the learning rate moves {pace}, so {seen:,} steps cross {100 * reached / total:.1f} % of the cycle "
        f"of {total:,}; it ends at {format_number(ends)} instead of {format_number(planned)}"
    )
    if reached >= total:
        says += ". If the log counts micro-batches, or rows, and not optimizer steps, the run itself is right"
    advice = (
        "step the scheduler after every optimizer step, not after every epoch; in Lightning return "
        '{"scheduler": scheduler, "interval": "step"}'
    )
    return Hypothesis(
        "epoch-stepped", says, advice, lambda evidence: evidence.predicted(case.schedule, clock(evidence))
    )


def skipped(case: Case) -> Iterator[Hypothesis]:
    """Suppose that the scheduler was left out in a few steps, each of which repeats the learning rate before it."""
    counted = _counted(case)
    if counted is None:
        return
    clock, _ = counted
    behind = int(case.whole.steps[-1] - clock[-1])
    if not 0 < behind < len(clock) // 2:
        return
    yield Hypothesis(
        f"shifted:-{behind}",
        f"the scheduler stood still in {behind} steps on the way, from step "
        f"{int(case.whole.logged_steps[case.first_wrong]):,} on",
        "step the scheduler in every step, or make total_steps shorter by what is skipped; with mixed precision the "
        "first steps are skipped when GradScaler finds infinite gradients",
        lambda evidence: evidence.predicted(case.schedule, clock[evidence.rows]),
    )


def _counted(case: Case) -> tuple[Steps, int] | None:
    """Count how often the learning rate changed before each row, and in all, beginning with the first row's step."""
    import numpy as np

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
    import numpy as np

    whole, column = case.whole, case.whole.rates[0]
    rates, steps = whole.values[:, column], whole.steps
    changed = steps[1:][np.diff(rates) != 0][:3]
    found = {int(step) for step in changed[:1]} | {int(gap) for gap in np.diff(changed)}
    some = case.sample.take(_few_rows(case))
    places = steps_with(case.schedule, whole.tracks[column].group, some.values[:, column])
    for step, reached in zip(some.steps.tolist(), places.tolist(), strict=True):
        for blocks in reached:
            shortest = step // (blocks + 1) + 1
            longest = step // blocks if blocks else shortest - 1
            if longest - shortest < MOST_LENGTHS:
                found.update(range(shortest, longest + 1))
    return sorted(length for length in found if length > 1)


def _few_rows(case: Case) -> Steps:
    """Pick rows of the sample, half of them from its beginning, in which a learning rate was logged."""
    import numpy as np

    sample = case.sample
    known = np.flatnonzero(np.isfinite(sample.values[:, sample.rates[0]]))
    spread = known[np.linspace(0, known.size - 1, LOOKED_AT // 2).astype(np.int64)]
    return np.unique(np.concatenate([known[: LOOKED_AT // 2], spread]))


def _column(case: Case, evidence: Samples, column: int, steps: Steps) -> Floats:
    return values_at(case.schedule, evidence.tracks[column], steps)


def _last_rate(case: Case) -> float:
    import numpy as np

    rates = case.whole.values[:, case.whole.rates[0]]
    return float(rates[np.isfinite(rates)][-1])
