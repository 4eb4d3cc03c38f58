"""Lightning: `configure_optimizers`, with the interval without which it steps once an epoch."""

from __future__ import annotations

import textwrap

from onecycle_cli.render.code import Argument, Task, call, comment, imports, join, length_check
from onecycle_cli.render.code.torch import make_scheduler, optimizer_of

STEPS = "self.trainer.estimated_stepping_batches"
"""What Lightning knows of the run's length: loader, epochs, accumulation and devices."""


def snippet(task: Task) -> str:
    """Return the method for the LightningModule, and the Trainer that goes with it."""
    total = Argument("total_steps", STEPS if task.from_loader else str(task.total), task.planned())
    scheduler = make_scheduler(task, [total])
    body = join(
        optimizer_of(task, "self"),
        length_check(task, STEPS) if scheduler.definition else "",
        scheduler.make,
        'return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}',
        between="\n",
    )
    method = "# in the LightningModule\ndef configure_optimizers(self):\n" + textwrap.indent(body, "    ")
    trainer = join(
        task.guard(scheduler.schedule),
        f"trainer = {call('lightning.Trainer', _arguments(task))}",
        comment("train_loader has the batch size of one process.") if task.world > 1 else "",
        "trainer.fit(model, train_loader)" if not task.first_step else _resume(task),
        between="\n",
    )
    needed = imports(scheduler.definition, "import lightning", "import torch", *filter(None, [task.guard_import]))
    return join(task.head(*scheduler.remarks), needed, join(scheduler.definition, method, trainer, between="\n\n\n"))


def _arguments(task: Task) -> list[Argument]:
    if task.from_loader:
        given = [Argument("max_epochs", str(task.epochs))]
    else:
        given = [Argument("max_epochs", "-1"), Argument("max_steps", str(task.total), "updates of the weights")]
    if task.accumulation > 1:
        given.append(Argument("accumulate_grad_batches", str(task.accumulation)))
    if task.world > 1:
        given.append(Argument("devices", str(task.world), "on one machine; else devices x num_nodes"))
    if task.guarded:
        given.append(Argument("callbacks", "[guard.for_lightning()]"))
    return given


def _resume(task: Task) -> str:
    return (
        f"# Goes on at step {task.first_step}: the checkpoint has the scheduler's state, which needs no last_epoch.\n"
        'trainer.fit(model, train_loader, ckpt_path="checkpoint.ckpt")'
    )
