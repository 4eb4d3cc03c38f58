"""fastai: `fit_one_cycle`; where that is not the plan exactly, also a ParamScheduler with the plan's formula."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from typing import TYPE_CHECKING

from onecycle_cli.formatting import format_number, percent
from onecycle_cli.policy.conventions import fastai
from onecycle_cli.policy.schedule import schedule_of
from onecycle_cli.policy.summary import edge_steps
from onecycle_cli.render.code import (
    WIDTH,
    Argument,
    Task,
    call,
    comment,
    imports,
    join,
    literal,
    peak_argument,
    shape_arguments,
)
from onecycle_cli.render.code.formula import formula_of, in_python, momentum_in_python
from onecycle_cli.render.code.match import SAMPLE, match_scheduler, why_not

if TYPE_CHECKING:
    from onecycle_cli.render.code.match import Match

NAMES = {"pct_start": "pct_start", "div_factor": "div", "final_div_factor": "div_final"}
SINGLE = 1e-6
"""Of the peak: how near fit_one_cycle must come, which counts in float32."""

ONE_EPOCH = "fit takes epochs: plan with epochs and steps_per_epoch where one epoch is not the whole run."

ACCUMULATION = """\
class Accumulation(GradientAccumulation):
    def before_step(self):
        if self.iter == self.n_iter - 1:
            self.count = self.n_acc  # an epoch's last batches are an update too
        super().before_step()"""

TRAINED = """\
class Trained(Callback):  # skips the batches before the checkpoint
    run_valid = False

    def before_batch(self):
        if self.epoch == {epoch} and self.iter < {batches}:
            raise CancelBatchException"""


def snippet(task: Task) -> str:
    """Return the call that trains, on a Learner named `learn`."""
    match = match_scheduler(task.schedule, "fastai", momentum=task.schedule.cycles_momentum, tolerance=SINGLE)
    notes = [ONE_EPOCH if task.plan.length.steps_per_epoch is None else ""]
    momenta = {(group.base_momentum, group.max_momentum, group.final_momentum) for group in task.plan.groups}
    callable_ = match is not None and (len(momenta) == 1 or not task.schedule.cycles_momentum)
    callbacks = _callbacks(task)
    if match is not None and callable_ and match.close and task.accumulation == 1:
        fit = _own(task, match, callbacks)
        head = task.head(match.remark("fit_one_cycle"), *notes)
        names = ["combined_cos", "ParamScheduler"] if not task.schedule.cycles_momentum else []
        return _whole(task, head, names, [], fit, callbacks)
    formula = formula_of(task.schedule)
    functions = [in_python(formula), *_curves(task, momentum=momentum_in_python(formula, "step", "{}"))]
    curves = '{"lr": lr, "mom": momentum}'
    if not formula.cycles_momentum:
        functions, curves = functions[:-1], '{"lr": lr}'
    fit = _call("fit", [_epochs(task)], task, [f"ParamScheduler({curves})", *callbacks])
    head = task.head(*notes)
    if match is not None and callable_ and task.schedule.cycles_momentum:
        short = _own(task, match, callbacks, plain=True)
        exact = comment(f"The plan itself. {formula.remark}" if formula.remark else "The plan itself:")
        head = join(head, comment(_deviation(task, match)), textwrap.indent(short, "#     "), exact, between="\n#\n")
    else:
        close = match is not None and match.close
        head = task.head("" if close else why_not(match, "fit_one_cycle", task.schedule), formula.remark, *notes)
    return _whole(task, head, ["ParamScheduler"], functions, fit, callbacks)


def _whole(task: Task, head: str, names: list[str], functions: list[str], fit: str, callbacks: list[str]) -> str:
    """Return the snippet: imports, classes and functions, then the run."""
    lines = ["import numpy as np"] if "np." in f"{fit}{functions}" else []
    if any(name.startswith("Trained") for name in callbacks):
        epoch, updates = _start(task)
        functions = [*functions, TRAINED.format(epoch=epoch, batches=updates * task.accumulation)]
        lines.append("from fastai.callback.core import Callback, CancelBatchException")
    lines.append(f"from fastai.callback.schedule import {', '.join(sorted(names))}" if names else FITS)
    if task.accumulation > 1:
        functions = [*functions, ACCUMULATION]
        lines.append("from fastai.callback.training import GradientAccumulation")
    if task.world > 1:
        lines.insert(0, "import fastai.distributed  # gives a Learner distrib_ctx")
        fit = f"with learn.distrib_ctx():  # start it with accelerate launch\n{textwrap.indent(fit, '    ')}"
    batches = task.accumulation * task.world
    each = f"math.ceil(len(learn.dls.train) / {batches})" if batches > 1 else "len(learn.dls.train)"
    times = f"{_epochs(task)} * " if _epochs(task) != "1" else ""
    load = task.resuming(f'learn.load("checkpoint")  # model and optimizer after the first {task.first_step} steps')
    run = join(f"assert {times}{each} == {task.total}", load, fit, between="\n")
    body = join(*functions, run, between="\n\n\n" if functions else "\n\n")
    return join(head, imports(body, *lines), body, between="\n\n")


FITS = "import fastai.callback.schedule  # gives a Learner fit_one_cycle"


def _callbacks(task: Task) -> list[str]:
    """Return the callbacks that the run around the plan needs."""
    found = []
    if task.accumulation > 1:
        size = task.settings.batch_size or "learn.dls.train.bs"
        found.append(f"Accumulation(n_acc={task.accumulation} * {size})")
    if _start(task)[1]:
        found.append("Trained()")
    return found


def _start(task: Task) -> tuple[int, int]:
    """Return the epoch in which the run goes on, and the updates of it that are done."""
    return divmod(task.first_step, task.total // int(_epochs(task)))


def _call(name: str, arguments: list[str], task: Task, callbacks: list[str]) -> str:
    given = list(arguments)
    if callbacks:
        given.append(f"cbs={callbacks[0]}" if len(callbacks) == 1 else f"cbs=[{', '.join(callbacks)}]")
    if start := _start(task)[0]:
        given.append(f"start_epoch={start}")
    line = f"learn.{name}({', '.join(given)})"
    return line if len(line) <= WIDTH else call(f"learn.{name}", (), given)


def _own(task: Task, match: Match, callbacks: list[str], *, plain: bool = False) -> str:
    """Return fastai's own schedule; `plain` for the call as people write it, with fastai's own accumulation."""
    plan = match.schedule.plan
    if plain:
        plan = replace(plan, final_div_factor=float(format_number(plan.final_div_factor)))
    if not task.schedule.cycles_momentum:
        # The call itself would cycle momentum too.
        peak = peak_argument(plan, "").value
        rates = f"lr_max / {literal(plan.div_factor)}, lr_max, lr_max / {literal(plan.final_div_factor)}"
        fit = _call("fit", [_epochs(task)], task, ['ParamScheduler({"lr": schedule})', *callbacks])
        return (
            f"lr_max = {f'np.array({peak})' if task.several else peak}\n"
            f"schedule = combined_cos({literal(plan.pct_start)}, {rates})\n"
            f"{fit}  # momentum stays as it is"
        )
    group = plan.groups[0]
    momenta = (group.max_momentum, group.base_momentum, group.final_momentum)
    given = [peak_argument(plan, "lr_max"), *shape_arguments(plan, fastai.CONVENTION.defaults, NAMES)]
    if momenta != (0.95, 0.85, 0.95):
        given.append(Argument("moms", f"({', '.join(map(literal, momenta))})"))
    arguments = [_epochs(task), *(f"{argument.name}={argument.value}" for argument in given)]
    callbacks = [name.replace("Accumulation(", "GradientAccumulation(") if plain else name for name in callbacks]
    return _call("fit_one_cycle", arguments, task, callbacks)


def _deviation(task: Task, match: Match) -> str:
    """Return how far fit_one_cycle is from the plan, which it follows batch by batch where gradients accumulate."""
    step, here, planned, why = match.step, match.here, match.planned, ""
    if task.accumulation > 1:
        why = " because fastai moves its schedule with every batch,"
        length = replace(task.plan.length, total_steps=task.total * task.accumulation)
        own = schedule_of(replace(match.schedule.plan, length=length))
        if own is not None:
            spread = range(0, task.total, max(1, task.total // SAMPLE))
            last = task.accumulation - 1
            pairs = [
                (at, own.lr(at * task.accumulation + last, group), task.schedule.lr(at, group))
                for at in sorted({*edge_steps(task.schedule), *spread})
                for group in range(len(task.schedule.groups))
            ]
            step, here, planned = max(pairs, key=lambda pair: abs(pair[1] - pair[2]))
    share = percent(abs(here - planned) / max(group.max_lr for group in task.plan.groups), 2)
    return (
        f"In one line, which differs from the plan by up to {share} of the peak,{why} at step {step} "
        f"({format_number(here)}, planned {format_number(planned)}):"
    )


def _epochs(task: Task) -> str:
    per_epoch = task.plan.length.steps_per_epoch
    if per_epoch is None or per_epoch * task.epochs != task.total:
        return "1"
    return str(task.epochs)


def _curves(task: Task, momentum: str) -> list[str]:
    """Return learning rate and momentum as functions of fastai's position in the run, and of what they share."""
    step, found = f"round(position * {task.total})", []
    if task.accumulation > 1:
        step = "step_of(position)"
        batches = "round({} * len(learn.dls.train)) // " + str(task.accumulation)
        lines = [f"return {batches.format('position')}"]
        if _epochs(task) != "1":
            lines = [
                f"epoch, part = divmod(position * {_epochs(task)} + 1e-9, 1)",
                f"return int(epoch) * {task.per_epoch} + {batches.format('part')}",
            ]
        found.append("def step_of(position):\n    " + "\n    ".join(lines))
    for name, value, rows in (("lr", "one_cycle(step, {})", "LR"), ("momentum", momentum, "MOMENTUM")):
        code = f"np.array([{value.format('phases')} for phases in {rows}])" if task.several else value.format(rows)
        found.append(f"def {name}(position):\n    step = {step}\n    return {code}")
    return found
