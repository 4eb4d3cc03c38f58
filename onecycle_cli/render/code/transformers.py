"""transformers: a Trainer that makes this scheduler in place of its own."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

from onecycle_cli.render.code import Argument, Task, comment, guard, join
from onecycle_cli.render.code.torch import make_scheduler, optimizer_of

if TYPE_CHECKING:
    from collections.abc import Iterator


OPTIM = ("sgd", "rmsprop")
"""The Trainer's own names of optimizers other than its AdamW."""


def snippet(task: Task) -> str:
    """Return the Trainer and the arguments that give the run its length."""
    if task.optimizer is None:
        task = replace(task, settings=replace(task.settings, optimizer="adamw"))
    total = Argument("total_steps", "num_training_steps" if task.from_loader else str(task.total), task.planned())
    scheduler = make_scheduler(task, [total])
    method = join(
        "optimizer = self.optimizer if optimizer is None else optimizer",
        guard(task, "num_training_steps") if scheduler.definition else "",
        scheduler.make.replace("scheduler = ", "self.lr_scheduler = ", 1),
        "return self.lr_scheduler",
        between="\n",
    )
    own = task.several or task.optimizer not in ("adamw", *OPTIM)
    given = "\n".join(['    output_dir="checkpoints",', *_arguments(task, own=own)])
    over = ", optimizers=(optimizer, None)" if own else ""
    use = join(
        f"training_args = TrainingArguments(\n{given}\n)",
        optimizer_of(task, "model") if own else "",
        f"trainer = OneCycleTrainer(model=model, args=training_args, train_dataset=train_dataset{over})",
        comment("The Trainer's own warm-up and learning rate are not used."),
        task.resuming("trainer.train(resume_from_checkpoint=True) restores the scheduler; leave last_epoch alone."),
        between="\n",
    )
    trainer = (
        "class OneCycleTrainer(Trainer):\n"
        "    def create_scheduler(self, num_training_steps, optimizer=None):\n" + textwrap.indent(method, " " * 8)
    )
    imports = "import torch\nfrom transformers import Trainer, TrainingArguments"
    if "math." in scheduler.definition:
        imports = "import math\n\n" + imports
    body = join(scheduler.definition, trainer, use, between="\n\n\n")
    return join(task.head(*scheduler.remarks), imports, body)


def _arguments(task: Task, *, own: bool) -> Iterator[str]:
    if task.from_loader:
        yield f"    num_train_epochs={task.plan.epochs},"
    else:
        yield f"    max_steps={task.total},  # must be the plan's"
    if task.settings.batch_size:
        yield f"    per_device_train_batch_size={task.settings.batch_size},"
    if task.accumulation > 1:
        yield f"    gradient_accumulation_steps={task.accumulation},"
    if task.settings.drop_last:
        yield "    dataloader_drop_last=True,"
    if not own and task.optimizer in OPTIM:
        yield f'    optim="{task.optimizer}",'
