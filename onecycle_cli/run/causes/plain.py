"""What is seen at once: the log goes on past the end, the rate stands still, or two groups are exchanged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.formatting import format_number
from onecycle_cli.run.causes.hypothesis import Case, Hypothesis, first_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.run.series import Samples

    Floats = NDArray[np.float64]


def overrun(case: Case) -> Iterator[Hypothesis]:
    """Suppose that the run went on after the cycle's end, all before it being right."""
    whole, total = case.whole, case.schedule.total_steps
    past = whole.steps >= total
    if not past.any() or case.alignment.wrong[~past].any():
        return
    seen = int(whole.steps.max()) + 1

    def predict(evidence: Samples) -> Floats:
        import numpy as np

        values = evidence.predicted(case.schedule, evidence.steps)
        beyond = evidence.steps >= total
        values[beyond] = np.where(np.isnan(evidence.values[beyond]), values[beyond], evidence.values[beyond])
        return values

    yield Hypothesis(
        "overrun",
        f"the cycle is over after {total:,} steps, and the log goes on to {seen:,}: PyTorch sets one learning rate "
        "more, which rises again, and then stops with an error",
        f"set total_steps to {seen:,} or more: count the loader's batches (len(loader)), not dataset size // batch "
        "size, which drops the last one",
        predict,
    )


def constant(case: Case) -> Iterator[Hypothesis]:
    """Suppose that nothing ever moved."""
    import numpy as np

    whole = case.whole
    rates = whole.values[:, whole.rates]
    if len(rates) < 2 or (np.nanmin(rates, axis=0) != np.nanmax(rates, axis=0)).any():
        return
    held = [first_value(whole.values[:, at]) for at in range(len(whole.tracks))]
    yield Hypothesis(
        "constant",
        f"the learning rate stands still at {format_number(held[whole.rates[0]])} in all {len(rates):,} rows",
        "call scheduler.step() after every optimizer step, on the scheduler that was made from this optimizer",
        lambda evidence: np.tile(np.array(held), (len(evidence.rows), 1)),
    )


def swapped_groups(case: Case) -> Iterator[Hypothesis]:
    """Suppose that parameter groups stand in another order in the run."""
    order = _order(case)
    if order is None:
        return
    names = case.schedule.groups
    moved = [f"{names[at]} follows {names[place]}" for at, place in order.items() if at != place]
    yield Hypothesis(
        "swapped-groups",
        f"the parameter groups stand in another order than in the plan: {', '.join(moved)}",
        "give max_lr in the order of the optimizer's param_groups",
        lambda evidence: _in_order(case, evidence, order),
    )


def _order(case: Case) -> dict[int, int] | None:
    """Find for each group the one whose learning rates it has; None where that is no exchange."""
    import numpy as np

    sample, found = case.sample, {}
    groups = {sample.tracks[column].group: column for column in sample.rates}
    if len(groups) < 2 or len(groups) < len(sample.rates):
        return None
    planned = sample.predicted(case.schedule, sample.steps)
    for group, column in groups.items():
        gaps = {
            other: float(np.nan_to_num(np.abs(sample.values[:, column] - planned[:, there])).sum())
            for other, there in groups.items()
        }
        found[group] = min(gaps, key=lambda other: gaps[other])
    exchanged = sorted(found) == sorted(found.values()) and any(at != place for at, place in found.items())
    return found if exchanged else None


def _in_order(case: Case, evidence: Samples, order: dict[int, int]) -> Floats:
    import numpy as np

    planned = evidence.predicted(case.schedule, evidence.steps)
    places = {(track.field, track.group): at for at, track in enumerate(evidence.tracks)}
    return np.column_stack(
        [
            planned[:, places.get((track.field, order.get(track.group, track.group)), at)]
            for at, track in enumerate(evidence.tracks)
        ]
    )
