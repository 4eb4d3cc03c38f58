"""transformers: a Trainer that makes this scheduler in place of its own."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

from onecycle_cli.render.code import Argument, Task, call, comment, imports, join, length_check, literal
from onecycle_cli.render.code.torch import make_scheduler, optimizer_of

if TYPE_CHECKING:
    from collections.abc import Iterator


OPTIM = ("sgd", "rmsprop")
"""The Trainer's own names of optimizers other than its AdamW."""

FOLDER = "checkpoints"


def snippet(task: Task) -> str:
    """Return the Trainer and the arguments that give the run its length."""
    if task.optimizer is None:
        task = replace(task, settings=replace(task.settings, optimizer="adamw"))
    total = Argument("total_steps", "num_training_steps" if task.from_loader else str(task.total), task.planned())
    scheduler = make_scheduler(task, [total])
    method = join(
        "optimizer = self.optimizer if optimizer is None else optimizer",
        length_check(task, "num_training_steps") if scheduler.definition else "",
        scheduler.make.replace("scheduler = ", "self.lr_scheduler = ", 1),
        "return self.lr_scheduler",
        between="\n",
    )
    own = task.several or task.optimizer not in ("adamw", *OPTIM)
    over = [Argument("model", "model"), Argument("args", "training_args"), Argument("train_dataset", "train_dataset")]
    over += [Argument("optimizers", "(optimizer, None)")] if own else []
    over += [Argument("callbacks", "[guard.for_transformers()]")] if task.guarded else []
    use = join(
        f"training_args = {call('TrainingArguments', _arguments(task, own=own))}",
        f"assert training_args.world_size == {task.world}  # start it with torchrun" if task.world > 1 else "",
        optimizer_of(task, "model") if own else "",
        task.guard(scheduler.schedule),
        f"trainer = {call('OneCycleTrainer', over)}",
        comment("The Trainer's own warm-up and learning rate are not used."),
        "trainer.train()" if not task.first_step else _resume(task),
        between="\n",
    )
    trainer = (
        "class OneCycleTrainer(Trainer):\n"
        "    def create_scheduler(self, num_training_steps, optimizer=None):\n" + textwrap.indent(method, " " * 8)
    )
    lines = ["import torch", *filter(None, [task.guard_import]), "from transformers import Trainer, TrainingArguments"]
    body = join(scheduler.definition, trainer, use, between="\n\n\n")
    return join(task.head(*scheduler.remarks), imports(scheduler.definition, *lines), body)


def _arguments(task: Task, *, own: bool) -> Iterator[Argument]:
    yield Argument("output_dir", literal(FOLDER))
    if task.from_loader:
        yield Argument("num_train_epochs", str(task.epochs))
    else:
        yield Argument("max_steps", str(task.total), "must be the plan's")
    if task.settings.batch_size:
        yield Argument("per_device_train_batch_size", str(task.settings.batch_size))
    if task.accumulation > 1:
        yield Argument("gradient_accumulation_steps", str(task.accumulation))
    if task.settings.drop_last:
        yield Argument("dataloader_drop_last", "True")
    if not own and task.optimizer in OPTIM:
        yield Argument("optim", literal(task.optimizer))


def _resume(task: Task) -> str:
    return (
        "# The checkpoint has the scheduler's state, which needs no last_epoch.\n"
        f'trainer.train(resume_from_checkpoint="{FOLDER}/checkpoint-{task.first_step}")'
    )
