"""MMEngine: entries of its Python config for the schedule, the optimizer and the length of the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.policy.conventions import mmengine
from onecycle_cli.render.code import TORCH_NAMES, Argument, Task, call, comment, join, peak_argument, shape_arguments
from onecycle_cli.render.code.match import FAILS, match_scheduler
from onecycle_cli.render.code.torch import OPTIMIZERS

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
            "its steps are one of the plan's, and in between its learning rate moves on. An epoch's last, incomplete "
            "accumulation is completed in the next epoch; the plan counts it as an update."
        )
    if task.several:
        words.append(f"The optimizer needs the parameter groups {', '.join(task.schedule.groups)}, in this order.")
    length = (
        f"by_epoch=True, max_epochs={task.epochs}"
        if task.from_loader
        else f"by_epoch=False, max_iters={task.total * task.accumulation}"
    )
    parts = join(
        _scheduler(task, plan),
        f"train_cfg = dict({length})",
        _optimizer(task),
        _processes(task),
        _resume(task),
        between="\n",
    )
    return join(task.head(*words), parts)


def _scheduler(task: Task, plan: Plan) -> str:
    length = [Argument("total_steps", str(task.total * task.accumulation)), Argument("by_epoch", "False")]
    if task.from_loader:
        length = [
            Argument("end", str(task.epochs), f"epochs; planned: {task.total} updates"),
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


def _optimizer(task: Task) -> str:
    """Return the optimizer's entry: the schedule sets its learning rate."""
    name = OPTIMIZERS.get(task.optimizer or "sgd", "").rpartition(".")[2]
    optimizer = f'dict(type="{name}", lr=1e-3)' if name else "dict(...)"
    given = [Argument("type", '"OptimWrapper"'), Argument("optimizer", optimizer, "the scheduler sets lr")]
    if task.accumulation > 1:
        given.append(Argument("accumulative_counts", str(task.accumulation)))
    return f"optim_wrapper = {call('dict', given)}"


def _processes(task: Task) -> str:
    if task.world == 1:
        return ""
    size = task.settings.batch_size
    each = f"; train_dataloader has batch_size={size}, of one process" if size else ""
    return comment(f"Start it with torchrun, {task.world} processes in all, and --launcher pytorch{each}.")


def _resume(task: Task) -> str:
    name = f"epoch_{task.first_epoch}" if task.from_loader else f"iter_{task.first_step * task.accumulation}"
    return task.resuming(
        f'load_from = "work_dirs/{name}.pth"  # of the first {task.first_step} steps; the scheduler needs no last_step',
        "resume = True",
        comment(
            "MMEngine 0.10.7 loads its checkpoints under PyTorch 2.6 or later only with the environment variable "
            "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1."
        ),
    )
