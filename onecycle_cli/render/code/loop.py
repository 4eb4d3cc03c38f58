"""The training loop around a scheduler that is stepped by hand, and where in it the step belongs."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onecycle_cli.render.code.task import Task


def training_loop(task: Task, clear: str = "optimizer.zero_grad()") -> str:
    """Write a loop in the manner of PyTorch: the scheduler is stepped after each update of the weights."""
    batches = _plain(clear) if task.accumulation == 1 else _accumulated(task.accumulation, clear)
    if task.settings.epochs is None or not task.from_loader:
        return f"# {task.total} steps in all, over as many epochs as they take\n{batches}"
    return f"for epoch in range({task.plan.epochs}):\n{textwrap.indent(batches, '    ')}"


def guard(task: Task, steps: str) -> str:
    """Write the check that the run is as long as the plan, where the numbers of the plan are written out."""
    return f"assert {steps} == {task.total}" if task.from_loader else ""


def _plain(clear: str) -> str:
    return (
        "for batch in train_loader:\n"
        "    loss = compute_loss(model, batch)\n"
        "    loss.backward()\n"
        "    optimizer.step()\n"
        "    scheduler.step()  # after every batch, not after every epoch\n"
        f"    {clear}"
    )


def _accumulated(accumulation: int, clear: str) -> str:
    return (
        "for number, batch in enumerate(train_loader, 1):\n"
        f"    loss = compute_loss(model, batch) / {accumulation}\n"
        "    loss.backward()\n"
        f"    if number % {accumulation} == 0 or number == len(train_loader):\n"
        "        optimizer.step()\n"
        "        scheduler.step()  # after every update, not after every batch\n"
        f"        {clear}"
    )
