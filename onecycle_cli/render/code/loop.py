"""A training loop in Python: which epochs and batches are still ahead, and what each update calls."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.render.code import Task

TORCH_UPDATE = ("optimizer.step()", "scheduler.step()", "optimizer.zero_grad()")
GUARD_STEP = "guard.step()  # raises at the first step that is not the plan's"


def training_loop(task: Task, update: Sequence[str] = TORCH_UPDATE, *, sampler: str = "") -> str:
    """Return a loop like PyTorch's over the steps still ahead: `update` is what follows the gradients.

    `sampler` names what shuffles for several processes, and needs to know the epoch.
    """
    apart = task.accumulation > 1
    divided = f" / {task.accumulation}" if apart else ""
    when = "update, not after every batch" if apart else "batch, not after every epoch"
    lines = [f"{line}  # after every {when}" if line == "scheduler.step()" else line for line in update]
    if task.guarded:
        lines.insert(lines.index("optimizer.step()") + 1, GUARD_STEP)
    if not task.from_loader:
        lines.append("step += 1")
    if apart:
        whole = f"if number % {task.accumulation} == 0 or number == len(train_loader):"
        lines = [whole, *(f"    {line}" for line in lines)]
    body = [f"loss = compute_loss(model, batch){divided}", "loss.backward()", *lines]
    return loop(task, body, numbered=apart, sampler=sampler)


def batch_loop(task: Task, body: Sequence[str]) -> str:
    """Return a loop over the batches still ahead, where the optimizer itself knows which of them make an update."""
    count = [] if task.from_loader else [f"{_counter(task)} += 1"]
    return loop(task, [*body, *count], by_batch=True)


def loop(task: Task, body: Sequence[str], *, numbered: bool = False, by_batch: bool = False, sampler: str = "") -> str:
    """Return the loop around a batch's lines; they may use its `number` in the epoch, from 1, if it is numbered."""
    if not task.from_loader:
        return _over_steps(task, body, numbered=numbered, by_batch=by_batch, sampler=sampler)
    first, start = task.first_epoch, f"{task.first_epoch}, " if task.first_epoch else ""
    lines = list(body)
    if task.trained_batches:
        numbered = True
        skip = f"if epoch == {first} and number <= {task.trained_batches}:"
        lines = [skip, "    continue  # trained before the checkpoint", *lines]
    batches = "for number, batch in enumerate(train_loader, 1):" if numbered else "for batch in train_loader:"
    inner = [f"{sampler}.set_epoch(epoch)"] if sampler else []
    return _block(f"for epoch in range({start}{task.epochs}):", [*inner, *_block(batches, lines).splitlines()])


def _over_steps(task: Task, body: Sequence[str], *, numbered: bool, by_batch: bool, sampler: str) -> str:
    """Return the loop of a plan that counts steps: over as many epochs as they take, and not one batch more."""
    each = task.accumulation if by_batch else 1
    name = _counter(task) if by_batch else "step"
    left = f"{task.total * each} - {name}"
    if task.accumulation > 1 and not by_batch:
        left = f"({left}) * {task.accumulation}"
    batches = f"itertools.islice(train_loader, {left})"
    line = f"for number, batch in enumerate({batches}, 1):" if numbered else f"for batch in {batches}:"
    inner = [f"{sampler}.set_epoch({name})  # another order in each epoch"] if sampler else []
    whole = _block(
        f"while {name} < {task.total * each}:  # over as many epochs as they take",
        [*inner, *_block(line, body).splitlines()],
    )
    return f"{name} = {task.first_step * each}\n{whole}"


def _counter(task: Task) -> str:
    return "step" if task.accumulation == 1 else "batches"


def _block(head: str, lines: Sequence[str]) -> str:
    return f"{head}\n" + textwrap.indent("\n".join(lines), "    ")
