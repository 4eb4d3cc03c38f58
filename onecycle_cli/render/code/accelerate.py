"""Accelerate: PyTorch's loop with an Accelerator; the scheduler is not prepared, so that it steps once per update."""

from __future__ import annotations

from onecycle_cli.render.code import Argument, Task, comment, imports, join, length_check
from onecycle_cli.render.code.loop import GUARD_STEP, loop
from onecycle_cli.render.code.torch import make_scheduler, optimizer_of

NOT_PREPARED = (
    "The scheduler is not given to prepare: a prepared one is stepped once per process, and then the plan's length "
    "would be too short."
)


def snippet(task: Task) -> str:
    """Return the Accelerator, the scheduler, the optimizer that it sets, and the loop that steps it."""
    length = [Argument("total_steps", str(task.total))]
    if task.from_loader:
        per_epoch = Argument("steps_per_epoch", task.steps_of_an_epoch(), f"planned: {task.per_epoch}")
        length = [Argument("epochs", str(task.epochs)), per_epoch]
    scheduler = make_scheduler(task, length)
    apart = task.accumulation > 1
    size = f", with batches of {task.settings.batch_size}" if task.settings.batch_size else ""
    make = join(
        f"accelerator = Accelerator({f'gradient_accumulation_steps={task.accumulation}' if apart else ''})",
        f"assert accelerator.num_processes == {task.world}  # start it with accelerate launch"
        if task.world > 1
        else "",
        optimizer_of(task, "model"),
        comment(f"train_loader: as for one process{size}; prepare gives each process its share.")
        if task.world > 1
        else "",
        "model, optimizer, train_loader = accelerator.prepare(model, optimizer, train_loader)",
        length_check(task, task.steps_of_the_run()) if scheduler.definition else "",
        scheduler.make,
        task.resuming(
            "accelerator.register_for_checkpointing(scheduler)",
            f'accelerator.load_state("checkpoint")  # saved by save_state after the first {task.first_step} steps',
            f"assert scheduler.last_epoch == {task.first_step}",
        ),
        task.guard(scheduler.schedule, "optimizer"),
        between="\n",
    )
    body = join(scheduler.definition, make, between="\n\n\n")
    trained = loop(task, _batch(task))
    lines = ["import torch", "from accelerate import Accelerator", *filter(None, [task.guard_import])]
    head = task.head(*scheduler.remarks, NOT_PREPARED)
    return join(head, imports(f"{body}\n{trained}", *lines), body, trained)


def _batch(task: Task) -> list[str]:
    """Return the lines of a batch; Accelerate knows itself which batches make an update."""
    update = [GUARD_STEP] if task.guarded else []
    when = "update, not after every batch" if task.accumulation > 1 else "batch, not after every epoch"
    update.append(f"scheduler.step()  # after every {when}")
    update += [] if task.from_loader else ["step += 1"]
    forward = ["loss = compute_loss(model, batch)", "accelerator.backward(loss)", "optimizer.step()"]
    if task.accumulation == 1:
        return [*forward, *update, "optimizer.zero_grad()"]
    update = ["if accelerator.sync_gradients:", *(f"    {line}" for line in update)]
    inside = [*forward, *update, "optimizer.zero_grad()"]
    return ["with accelerator.accumulate(model):", *(f"    {line}" for line in inside)]
