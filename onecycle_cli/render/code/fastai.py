"""fastai: `fit_one_cycle`, or a ParamScheduler with the plan's formula."""

from __future__ import annotations

from onecycle_cli.policy.conventions import fastai
from onecycle_cli.render.code import Argument, Task, call, join, literal, peak_argument, shape_arguments
from onecycle_cli.render.code.formula import formula_of, in_python, momentum_in_python
from onecycle_cli.render.code.match import Match, match_scheduler, why_not

NAMES = {"pct_start": "pct_start", "div_factor": "div", "final_div_factor": "div_final"}
SINGLE = 1e-6
"""Of the peak: how near fit_one_cycle must come, which counts in float32."""

BATCHES = "fastai moves its schedule by batches, also while gradients accumulate: not the plan's steps exactly."
ONE_EPOCH = "fit takes epochs: plan with epochs and steps_per_epoch where one epoch is not the whole run."


def snippet(task: Task) -> str:
    """Return the call that trains, on a Learner named `learn`."""
    match = match_scheduler(task.schedule, "fastai", momentum=task.schedule.cycles_momentum, tolerance=SINGLE)
    notes = [BATCHES if task.accumulation > 1 else "", ONE_EPOCH if task.plan.length.steps_per_epoch is None else ""]
    momenta = {(group.base_momentum, group.max_momentum, group.final_momentum) for group in task.plan.groups}
    resume = task.resuming("load the checkpoint with learn.load(...), and give start_epoch.")
    # fit takes epochs, not steps.
    times = f"{_epochs(task)} * " if _epochs(task) != "1" else ""
    check = f"assert {times}{task.steps_of_an_epoch('learn.dls.train')} == {task.total}"
    if match is not None and match.close and (len(momenta) == 1 or not task.schedule.cycles_momentum):
        run = join(check, _own(task, match), resume, between="\n")
        return join(task.head(match.remark("fit_one_cycle"), *notes), _imports(task, match), run)
    formula = formula_of(task.schedule)
    why = "" if match is not None and match.close else why_not(match, "fit_one_cycle")
    functions, curves = [_function(task, "lr", "one_cycle(step, {})", "LR")], '{"lr": lr}'
    if formula.cycles_momentum:
        functions.append(_function(task, "momentum", momentum_in_python(formula, "step", "{}"), "MOMENTUM"))
        curves = '{"lr": lr, "mom": momentum}'
    fit = f"learn.fit({_epochs(task)}, cbs=ParamScheduler({curves}))"
    run = join(check, fit, resume, between="\n")
    body = join(in_python(formula), *functions, run, between="\n\n\n")
    return join(task.head(why, formula.remark, *notes), _imports(task, None), body)


def _imports(task: Task, match: Match | None) -> str:
    if match is not None and task.schedule.cycles_momentum:
        lines = "import fastai.callback.schedule  # gives a Learner fit_one_cycle"
    else:
        names = "ParamScheduler" if match is None else "ParamScheduler, combined_cos"
        numpy = "import numpy as np\n" if task.several else ""
        lines = f"{numpy}from fastai.callback.schedule import {names}"
    return f"import math\n\n{lines}" if match is None or task.accumulation > 1 else lines


def _own(task: Task, match: Match) -> str:
    plan = match.schedule.plan
    if not task.schedule.cycles_momentum:
        # The call itself would cycle momentum too.
        peak = peak_argument(plan, "").value
        rates = f"lr_max / {literal(plan.div_factor)}, lr_max, lr_max / {literal(plan.final_div_factor)}"
        return (
            f"lr_max = {f'np.array({peak})' if task.several else peak}\n"
            f"schedule = combined_cos({literal(plan.pct_start)}, {rates})\n"
            f'learn.fit({_epochs(task)}, cbs=ParamScheduler({{"lr": schedule}}))  # momentum stays as it is'
        )
    group = plan.groups[0]
    momenta = (group.max_momentum, group.base_momentum, group.final_momentum)
    given = [
        Argument("n_epoch", _epochs(task)),
        peak_argument(plan, "lr_max"),
        *shape_arguments(plan, fastai.CONVENTION.defaults, NAMES),
    ]
    if momenta != (0.95, 0.85, 0.95):
        given.append(Argument("moms", f"({', '.join(map(literal, momenta))})"))
    return call("learn.fit_one_cycle", given)


def _epochs(task: Task) -> str:
    per_epoch = task.plan.length.steps_per_epoch
    if per_epoch is None or per_epoch * task.plan.epochs != task.total:
        return "1"
    return str(task.plan.epochs)


def _function(task: Task, name: str, value: str, rows: str) -> str:
    """Return a curve as a function of fastai's position in the run; `value` has a place for a group's rows."""
    step = f"int(position * {task.total} + 1e-3)" if task.accumulation > 1 else f"round(position * {task.total})"
    found = f"np.array([{value.format('phases')} for phases in {rows}])" if task.several else value.format(rows)
    return f"def {name}(position):\n    step = {step}\n    return {found}"
