"""MMEngine: an entry of `param_scheduler` in its Python config."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.policy.conventions import mmengine
from onecycle_cli.render.code import TORCH_NAMES, Argument, Task, call, join, peak_argument, shape_arguments
from onecycle_cli.render.code.match import FAILS, match_scheduler

if TYPE_CHECKING:
    from onecycle_cli.policy.plan import Plan


def snippet(task: Task) -> str:
    """Return the scheduler and the length of the run; what it cannot follow is said at the top."""
    match = match_scheduler(task.schedule, "mmengine", momentum=False)
    plan = task.plan if match is None else match.schedule.plan
    name = "MMEngine's OneCycleLR"
    words = [f"{name} {FAILS}." if match is None else match.remark(name)]
    if task.schedule.cycles_momentum:
        group = task.plan.groups[0]
        words.append(
            f"The plan cycles momentum between {group.max_momentum!r} and {group.base_momentum!r}; MMEngine's OneCycle "
            "schedules the learning rate alone."
        )
    if task.accumulation > 1:
        words.append(
            f"MMEngine steps the schedule with every batch, also while gradients accumulate: {task.accumulation} of "
            "its steps are one of the plan's, and in between its learning rate moves on."
        )
    if task.several:
        words.append(f"The optimizer needs the parameter groups {', '.join(task.schedule.groups)}, in this order.")
    resume = task.resuming("resume=True with the checkpoint restores the scheduler; leave last_step alone.")
    iterations = task.total * task.accumulation
    length = (
        f"by_epoch=True, max_epochs={task.plan.epochs}"
        if task.from_loader
        else f"by_epoch=False, max_iters={iterations}"
    )
    train = f"train_cfg = dict({length})"
    return join(task.head(*words), join(_scheduler(task, plan), train, resume, between="\n"))


def _scheduler(task: Task, plan: Plan) -> str:
    length = [Argument("total_steps", str(task.total * task.accumulation)), Argument("by_epoch", "False")]
    if task.from_loader:
        length = [
            Argument("end", str(task.plan.epochs), f"epochs; planned: {task.total} updates"),
            Argument("by_epoch", "True"),
            Argument("convert_to_iter_based", "True", "without it the schedule moves once an epoch"),
        ]
    entry = call(
        "dict",
        [
            Argument("type", '"OneCycleLR"'),
            peak_argument(plan, "eta_max"),
            *length,
            *shape_arguments(plan, mmengine.CONVENTION.defaults, TORCH_NAMES),
        ],
    )
    return "param_scheduler = [\n" + "".join(f"    {line}\n" for line in entry.splitlines())[:-1] + ",\n]"
