"""Lightning: `configure_optimizers`, with the interval without which it steps once an epoch."""

from __future__ import annotations

import textwrap

from onecycle_cli.render.code import Argument, Task, comment, guard, join
from onecycle_cli.render.code.torch import make_scheduler, optimizer_of

STEPS = "self.trainer.estimated_stepping_batches"
"""What Lightning knows of the run's length: loader, epochs, accumulation and devices."""


def snippet(task: Task) -> str:
    """Return the method for the LightningModule, and the Trainer that goes with it."""
    total = Argument("total_steps", STEPS if task.from_loader else str(task.total), task.planned())
    scheduler = make_scheduler(task, [total])
    body = join(
        optimizer_of(task, "self"),
        guard(task, STEPS) if scheduler.definition else "",
        scheduler.make,
        'return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}',
        between="\n",
    )
    length = f"max_epochs={task.plan.epochs}" if task.from_loader else f"max_epochs=-1, max_steps={task.total}"
    accumulated = f", accumulate_grad_batches={task.accumulation}" if task.accumulation > 1 else ""
    trainer = join(
        f"trainer = lightning.Trainer({length}{accumulated})",
        comment("max_steps counts updates of the weights.") if not task.from_loader and accumulated else "",
        task.resuming("trainer.fit(model, ckpt_path=...) restores the scheduler; leave last_epoch alone."),
        between="\n",
    )
    method = "# in the LightningModule\ndef configure_optimizers(self):\n" + textwrap.indent(body, "    ")
    return join(
        task.head(*scheduler.remarks),
        ("import math\n\n" if "math." in scheduler.definition else "") + "import lightning\nimport torch",
        join(scheduler.definition, method, trainer, between="\n\n\n"),
    )
