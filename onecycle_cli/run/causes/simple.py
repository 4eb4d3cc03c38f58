"""What is seen at once: the log goes past the end, nothing moves, groups are exchanged; and what no cause explains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.formatting import count, format_number, join_words
from onecycle_cli.run import Cause
from onecycle_cli.run.causes.hypothesis import Case, Hypothesis, first_value
from onecycle_cli.run.groups import nearest_group

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.run.series import Floats, Samples

FEW_ROWS, FEW_OF_ALL = 6, 0.02
"""Wrong rows, and their share, up to which these are named one by one."""

PLANNED_RATES = 100_000
"""Planned learning rates from which the highest is taken: a cycle may have 10**12 steps."""


def overrun(case: Case) -> Iterator[Hypothesis]:
    """Suppose that the run went on after the cycle's end, all before it being right."""
    whole, total = case.whole, case.schedule.total_steps
    past = whole.steps >= total
    if not past.any() or whole.wrong[~past].any():
        return
    later = whole.take(np.flatnonzero(past))
    if len(later.values) > 1 and later.agrees(later.predicted(case.schedule, later.steps % total))[later.present].all():
        return  # the cycle begins again, once or more
    seen = int(whole.steps.max()) + 1

    def predict(rows: Samples) -> Floats:
        values = rows.predicted(case.schedule, rows.steps)
        beyond = rows.steps >= total
        values[beyond] = np.where(np.isnan(rows.values[beyond]), values[beyond], rows.values[beyond])
        return values

    yield Hypothesis(
        "overrun",
        f"the cycle ends after {total:,} steps, and the log goes on to {seen:,}: PyTorch sets one more learning "
        "rate, which rises again, and then stops with an error",
        f"set total_steps to {seen:,} or more: count the loader's batches (len(loader)), not dataset size // batch "
        "size, which drops the last one",
        predict,
    )


def constant(case: Case) -> Iterator[Hypothesis]:
    """Suppose that nothing ever moved."""
    whole = case.whole
    rates = whole.values[:, whole.rates]
    if len(rates) < 2 or (np.nanmin(rates, axis=0) != np.nanmax(rates, axis=0)).any():
        return
    held = [first_value(whole.values[:, at]) for at in range(len(whole.tracks))]
    yield Hypothesis(
        "constant",
        f"the learning rate is constant at {format_number(held[whole.rates[0]])} in all {len(rates):,} rows",
        "call scheduler.step() after every optimizer step, on the scheduler that was made from this optimizer",
        lambda rows: np.tile(np.array(held), (len(rows.values), 1)),
    )


def swapped_groups(case: Case) -> Iterator[Hypothesis]:
    """Suppose that the run has its parameter groups in another order."""
    order = _order(case)
    if order is None:
        return
    names = case.schedule.groups
    moved = [f"{names[group]} follows {names[other]}" for group, other in order.items() if group != other]

    def predict(rows: Samples) -> Floats:
        planned = rows.predicted(case.schedule, rows.steps)
        places = {(track.field, track.group): at for at, track in enumerate(rows.tracks)}
        taken = [
            places.get((track.field, order.get(track.group, track.group)), at) for at, track in enumerate(rows.tracks)
        ]
        return planned[:, taken]

    yield Hypothesis(
        "swapped-groups",
        f"the parameter groups are in another order than in the plan: {', '.join(moved)}",
        "list max_lr in the order of optimizer.param_groups",
        predict,
    )


def _order(case: Case) -> dict[int, int] | None:
    """Find for each group the one whose learning rates it has; None where groups are not exchanged."""
    sample = case.sample
    groups = {sample.tracks[column].group: column for column in sample.rates}
    if len(groups) < len(sample.rates):
        return None
    found = {
        group: nearest_group(case.schedule, sample.steps, sample.values[:, column]) for group, column in groups.items()
    }
    exchanged = sorted(found) == sorted(found.values()) and any(group != other for group, other in found.items())
    return found if exchanged else None


def unknown(case: Case) -> Cause:
    """Describe a log that no single cause explains: the few rows that are wrong, or its rates and length.

    Of several groups that with the most wrong rates is described.
    """
    whole, total = case.whole, case.schedule.total_steps
    column = max(whole.rates, key=lambda at: int(whole.wrong[:, at].sum()))
    track, rows = whole.tracks[column], case.wrong_rows
    if rows.size <= FEW_ROWS and rows.size <= FEW_OF_ALL * len(whole.wrong):
        steps = join_words([f"{step:,}" for step in whole.logged_steps[rows].tolist()])
        what = f"all rows are as planned but {count(rows.size, 'row')}, at step{'s' if rows.size > 1 else ''} {steps}"
        advice = "look for what else sets the learning rate there, or for a slip in the log"
    else:
        planned = case.schedule.lr(np.unique(np.linspace(0, total - 1, PLANNED_RATES).astype(np.int64)), track.group)
        logged = whole.values[:, column]
        group = f" in group {case.schedule.groups[track.group]}" if len(case.schedule.groups) > 1 else ""
        planned, seen = planned[np.isfinite(planned)], whole.steps[np.isfinite(logged)]
        what = (
            f"over steps {int(seen.min()):,} to {int(seen.max()):,} it has{group} "
            f"{_rates(logged[np.isfinite(logged)])}; the plan has {_rates(planned)} over steps 0 to {total - 1:,}"
        )
        advice = "compare these numbers with the run's settings; if several of them are wrong, fix one and check again"
    share = whole.right_values / max(whole.compared, 1)
    return Cause("unknown", f"no single cause explains the log: {what}", advice, share, is_found=False)


def _rates(rates: Floats) -> str:
    first, highest, last = (format_number(float(rate)) for rate in (rates[0], rates.max(), rates[-1]))
    return f"first {first}, max {highest}, last {last}"
