"""Keras: a LearningRateSchedule with the plan's values; its optimizers have one learning rate and one momentum."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from onecycle_cli.formatting import printable
from onecycle_cli.render.code import Task, imports, join, length_check
from onecycle_cli.render.code.formula import formula_of, in_python

if TYPE_CHECKING:
    from onecycle_cli.policy.schedule import Schedule

NAMES = (
    "SGD",
    "Adam",
    "AdamW",
    "RMSprop",
    "Adamax",
    "Nadam",
    "Lion",
    "Adagrad",
    "Adadelta",
    "Lamb",
    "Adafactor",
    "Muon",
)
OPTIMIZERS = {name.lower(): f"keras.optimizers.{name}" for name in NAMES}

SCHEDULE = """\
@keras.saving.register_keras_serializable("onecycle")
class OneCycleSchedule(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self):
        self.rates = keras.ops.convert_to_tensor([one_cycle(step, LR) for step in range(TOTAL)], "float32")

    def __call__(self, step):
        return keras.ops.take(self.rates, keras.ops.minimum(STEP, LAST))

    def get_config(self):
        return {}"""

STOP = """\
class Stop(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        self.model.stop_training = int(self.model.optimizer.iterations) >= TOTAL"""

MIDDLE = "fit begins with an epoch's first batch: resume from a checkpoint that was saved at an epoch's end."


def snippet(task: Task) -> str:
    """Return the schedule, the optimizer over it, and the call that trains; `model` and `loss` are the user's."""
    formula = formula_of(task.schedule)
    step = f"step // {task.accumulation}" if task.accumulation > 1 else "step"
    schedule = SCHEDULE.replace("TOTAL", str(task.total)).replace("LAST", str(task.total - 1)).replace("STEP", step)
    definition = join(
        in_python(replace(formula, lr=formula.lr[:1], momentum=(), dips=())),
        schedule,
        "" if task.from_loader else STOP.replace("TOTAL", str(task.total)),
        between="\n\n\n",
    )
    guarded = task.guarded and task.accumulation == 1
    run = join(
        length_check(task, task.steps_of_the_run()),
        _model(task),
        _guard(task, formula.schedule) if guarded else "",
        _fit(task, guarded=guarded),
        between="\n",
    )
    body = join(definition, run, between="\n\n\n")
    lines = ["import keras", *([task.guard_import] if guarded else [])]
    return join(task.head(formula.remark, *_lost(task)), imports(body, *lines), body)


def _model(task: Task) -> str:
    """Return the compiled model: a new one, or the checkpoint's."""
    if task.first_step:
        return (
            f'model = keras.models.load_model("checkpoint.keras")  # saved after the first {task.first_step} steps\n'
            f"assert int(model.optimizer.iterations) == {task.first_step}"
        )
    name = OPTIMIZERS.get(task.optimizer or "sgd", "make_optimizer")
    more = f", gradient_accumulation_steps={task.accumulation}" if task.accumulation > 1 else ""
    return f"optimizer = {name}(learning_rate=OneCycleSchedule(){more})\nmodel.compile(optimizer=optimizer, loss=loss)"


def _guard(task: Task, written: Schedule) -> str:
    """Return the guard, for the learning rate alone."""
    settings = task.settings
    if task.schedule.cycles_momentum:
        settings = replace(settings, cycle_momentum=False, base_momentum=None, max_momentum=None, final_momentum=None)
    return replace(task, settings=settings).guard(written)


def _fit(task: Task, *, guarded: bool) -> str:
    callbacks = ["guard.for_keras()"] if guarded else []
    given = [f"epochs={task.epochs}"]
    if task.from_loader:
        given += [f"initial_epoch={task.first_epoch}"] if task.first_epoch else []
    else:
        given, callbacks = ["epochs=10**9"], [*callbacks, "Stop()"]
    given += [f"callbacks=[{', '.join(callbacks)}]"] if callbacks else []
    return f"model.fit(train_loader, {', '.join(given)})"


def _lost(task: Task) -> list[str]:
    """Return what Keras has no place for."""
    lost = []
    if task.schedule.cycles_momentum:
        low, high = task.plan.groups[0].base_momentum, task.plan.groups[0].max_momentum
        lost.append(f"The plan cycles momentum between {high!r} and {low!r}; Keras' optimizers keep theirs.")
    if task.several:
        first = printable(task.schedule.groups[0])
        lost.append(f"Keras' optimizers have one learning rate, here that of the group {first}.")
    if task.accumulation > 1:
        lost.append(
            "Keras counts batches, and completes an epoch's last, incomplete accumulation in the next epoch: where an "
            f"epoch's batches are not a multiple of {task.accumulation}, the run has fewer updates than the plan."
        )
        if task.guarded:
            lost.append("ScheduleGuard compares every batch in Keras, and so it is left out here.")
    if task.world > 1:
        each = (
            f"{task.world} x {task.settings.batch_size}" if task.settings.batch_size else f"{task.world} times as many"
        )
        lost.append(
            f"{task.world} processes: train_loader has {each} samples in a batch, which "
            "keras.distribution.DataParallel shares among the devices."
        )
    if task.trained_batches:
        lost.append(MIDDLE)
    return lost
