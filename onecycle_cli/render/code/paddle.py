"""PaddlePaddle: its OneCycleLR has PyTorch's arithmetic, an absolute last learning rate, and no momentum."""

from __future__ import annotations

from dataclasses import replace

from onecycle_cli.policy.conventions import paddle
from onecycle_cli.policy.schedule import Schedule
from onecycle_cli.render.code import (
    Argument,
    Task,
    call,
    imports,
    is_attribute,
    join,
    length_check,
    literal,
    shape_arguments,
)
from onecycle_cli.render.code.formula import formula_of, in_python
from onecycle_cli.render.code.loop import training_loop
from onecycle_cli.render.code.match import match_scheduler, why_not

NAMES = {
    "pct_start": "phase_pct",
    "anneal_strategy": "anneal_strategy",
    "three_phase": "three_phase",
    "div_factor": "divide_factor",
    "final_lr": "end_learning_rate",
}
OPTIMIZERS = {
    "sgd": "Momentum",
    "adam": "Adam",
    "adamw": "AdamW",
    "rmsprop": "RMSProp",
    "adamax": "Adamax",
    "lamb": "Lamb",
}

UPDATE = ("optimizer.step()", "scheduler.step()", "optimizer.clear_grad()")


def snippet(task: Task) -> str:
    """Return the scheduler, the optimizer over it, and the loop."""
    # Its optimizers have a learning rate per group only as a multiple of the first group's.
    phases = [replace(phase, lr=phase.lr[:1], momentum=phase.momentum[:1]) for phase in task.schedule.phases]
    first = Schedule(replace(task.plan, groups=task.plan.groups[:1]), phases)
    match = match_scheduler(first, "paddle", momentum=False)
    definition, words, check = "", [], ""
    if match is not None and match.close:
        plan = match.schedule.plan
        given = [
            Argument("max_learning_rate", literal(plan.groups[0].max_lr)),
            Argument("total_steps", task.steps_of_the_run(), task.planned()),
            *shape_arguments(plan, paddle.CONVENTION.defaults, NAMES),
        ]
        make = f"scheduler = {call('paddle.optimizer.lr.OneCycleLR', given)}"
        words.append(match.remark("Paddle's OneCycleLR"))
    else:
        formula = formula_of(task.schedule)
        definition = in_python(replace(formula, lr=formula.lr[:1], momentum=(), dips=()))
        words += [why_not(match, "Paddle's OneCycleLR", task.schedule), formula.remark]
        check = length_check(task, task.steps_of_the_run())
        ask = f"lambda step: one_cycle(min(step, {task.total - 1}), LR)"
        make = f"scheduler = paddle.optimizer.lr.LambdaDecay(1.0, {ask})"
    several = "model = paddle.DataParallel(model)" if task.world > 1 else ""
    parts = join(_loader(task), check, make, _optimizer(task), _resume(task), several, between="\n")
    body = join(definition, parts, between="\n\n\n")
    loop = training_loop(task, UPDATE, sampler="sampler" if task.world > 1 else "")
    return join(task.head(*words, _lost(task)), imports(f"{body}\n{loop}", "import paddle"), body, loop)


def _loader(task: Task) -> str:
    """Return the loader of one of several processes, which has a part of the data."""
    if task.world == 1:
        return ""
    given = [Argument("batch_size", str(task.settings.batch_size or "batch_size")), Argument("shuffle", "True")]
    given += [Argument("drop_last", "True")] if task.settings.drop_last else []
    return (
        f"paddle.distributed.init_parallel_env()  # start it with paddle.distributed.launch, {task.world} in all\n"
        f"assert paddle.distributed.get_world_size() == {task.world}\n"
        f"sampler = {call('paddle.io.DistributedBatchSampler', given, ['train_dataset'])}\n"
        "train_loader = paddle.io.DataLoader(train_dataset, batch_sampler=sampler)"
    )


def _resume(task: Task) -> str:
    return task.resuming(
        'model.set_state_dict(paddle.load("checkpoint.pdparams"))',
        'optimizer.set_state_dict(paddle.load("checkpoint.pdopt"))  # has the scheduler: no last_epoch for it',
        *([f"scheduler.step({task.first_step})  # the checkpoint has the rate of the cycle"] if task.plan.then else []),
        f"assert scheduler.last_epoch == {task.first_step}",
    )


def _optimizer(task: Task) -> str:
    name = OPTIMIZERS.get(task.optimizer or "sgd")
    make = f"paddle.optimizer.{name}" if name else "make_optimizer"
    if not task.several:
        return f"optimizer = {make}(learning_rate=scheduler, parameters=model.parameters())"
    first = task.plan.groups[0].max_lr
    rows = []
    for group in task.plan.groups:
        over = f"model.{group.name}.parameters()" if is_attribute(group.name) else f"parameters[{literal(group.name)}]"
        share = literal(group.max_lr / first)
        rows.append(f'    {{"params": {over}, "learning_rate": {share}}},\n')
    groups = f"groups = [  # each with its share of the learning rate\n{''.join(rows)}]"
    return f"{groups}\noptimizer = {make}(learning_rate=scheduler, parameters=groups)"


def _lost(task: Task) -> str:
    """Return what Paddle has no place for."""
    lost = []
    if task.schedule.cycles_momentum:
        low, high = task.plan.groups[0].base_momentum, task.plan.groups[0].max_momentum
        lost.append(f"The plan cycles momentum between {high!r} and {low!r}; Paddle's optimizers keep theirs.")
    if task.several:
        lost.append(
            "Each group's learning rate is the first one's times a constant, equal to the plan's up to rounding"
        )
        but = "" if task.plan.final_lr is None else ", but for the last phase: the plan's final_lr is the same for all"
        if any(segment.max_lr or segment.final_lr is not None for segment in task.plan.then):
            but = ", but for what follows the cycle, which has rates of its own"
        lost[-1] += f"{but}."
    return " ".join(lost)
