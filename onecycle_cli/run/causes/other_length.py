"""A run that is longer than its cycle: its scheduler kept the old length, or was made with the new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.policy.continuation import description
from onecycle_cli.run.causes.hypothesis import Case, Hypothesis

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.run.series import Floats, Samples


def kept_the_cycle(case: Case) -> Iterator[Hypothesis]:
    """Suppose that the run stayed on the plan's cycle, as where its scheduler's state was loaded."""
    plan = case.schedule.plan
    cycle = case.variant(then=()) if plan.then else None
    if cycle is None:
        return
    yield Hypothesis(
        "segments-missing",
        f"the run stays on the cycle of {cycle.total_steps:,} steps; what follows in the plan had no effect: "
        f"{description(plan)}",
        "use the scheduler that `onecycle code` writes for the plan: another one has the old length, also after "
        "load_state_dict",
        case.follows(cycle),
    )


def took_a_longer_cycle(case: Case) -> Iterator[Hypothesis]:
    """Suppose that from the first wrong row on the run follows one cycle of the whole length, and not the plan's own.

    Without segments in the plan, that is the length of the log.
    """
    plan, total = case.schedule.plan, case.schedule.total_steps
    seen = total if plan.then else int(case.whole.steps.max()) + 1
    if not plan.then and seen <= total:
        return
    per_epoch = case.schedule.steps_per_epoch or seen
    longer = case.variant(then=(), total_steps=seen, epochs=max(1, seen // per_epoch))
    if longer is None:
        return
    step = int(case.whole.steps[case.first_wrong])

    def predict(rows: Samples) -> Floats:
        after = rows.predicted(longer, rows.steps)
        return np.where((rows.steps >= step)[:, None], after, rows.predicted(case.schedule, rows.steps))

    instead = f"in place of the plan's segments: {description(plan)}" if plan.then else f"the plan's has {total:,}"
    advice = f"`onecycle extend --at {step} --total-steps {seen}` makes a plan that goes on without a jump"
    if plan.then:
        advice = "use the scheduler that `onecycle code` writes for the plan, in place of a new one of the whole length"
    slug = f"one-cycle-from:{step}"
    yield Hypothesis(
        slug, f"from step {step:,} on the run follows a cycle of {seen:,} steps, {instead}", advice, predict
    )
