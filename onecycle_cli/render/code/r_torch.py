"""R's torch: `lr_one_cycle`, or `lr_lambda` with the plan's formula."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from onecycle_cli.policy.conventions import r_torch
from onecycle_cli.render.code import Argument, Task, comment, join
from onecycle_cli.render.code.formula import COLUMNS, Language, formula_of
from onecycle_cli.render.code.match import match_scheduler, why_not

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.policy.plan import Plan
    from onecycle_cli.render.code.formula import Formula, Row

SHAPE = ("pct_start", "anneal_strategy", "div_factor", "final_div_factor")
OPTIMIZERS = {"sgd": "optim_sgd", "adam": "optim_adam", "adamw": "optim_adamw", "rmsprop": "optim_rmsprop"}
LINEAR = 'Needs a version after 0.17.0: before, "linear" stops with "attempt to apply non-function".'
EXACT_DIGITS = 15
"""Significant digits that R's parser reads to the nearest double; longer numbers are written in hexadecimal."""


R = Language(
    cos="cos",
    pi="pi",
    column="phases${}[at]",
    one_cycle="""\
one_cycle <- function(step, phases) {
  step <- min(step, LAST)  # asked once more after the last step
  at <- which(step <= phases$last)[1]
  CURVE
}""",
    dip="""\
dip <- function(step, high, low, half) {
  cycle <- step %/% (2 * half)
  x <- abs((step - 2 * cycle * half) / half - 1)
  high - (high - low) * (1 - x) * 0.5^cycle
}""",
)


def snippet(task: Task) -> str:
    """Return the scheduler, the optimizer that it sets, and the loop that steps it."""
    match = match_scheduler(task.schedule, "r-torch")
    optimizer = OPTIMIZERS.get(task.optimizer or "sgd", "make_optimizer")
    if match is not None and match.close:
        plan = match.schedule.plan
        head = task.head(match.remark("lr_one_cycle"), LINEAR if plan.anneal_strategy == "linear" else "")
        *arguments, last = _arguments(task, plan)
        lines = [f"  {argument.name} = {argument.value},{argument.comment}" for argument in arguments]
        lines.append(f"  {last.name} = {last.value}{last.comment}")  # R takes no comma after the last
        make = "scheduler <- lr_one_cycle(\n  optimizer,\n" + "\n".join(lines) + "\n)"
        lr, definition, momentum, check = "0.001", "", "", ""
    else:
        formula = formula_of(task.schedule)
        head = task.head(why_not(match, "lr_one_cycle", task.schedule), formula.remark)
        lr, definition = "1", _formula(task, formula)
        rates = [f"function(step) one_cycle(step, {name})" for name in _names("lr", task)]
        curves = "list(\n  " + ",\n  ".join(rates) + "\n)" if task.several else rates[0]
        make = f"scheduler <- lr_lambda(optimizer, {curves})"
        momentum = _momentum(task, formula)
        check = f"stopifnot({task.epochs} * {_batches(task)} == {task.total})" if task.from_loader else ""
    over, given = "model$parameters", ""
    if task.several:
        groups = ", ".join(task.schedule.groups)
        over, given = "parameter_groups", f"parameter_groups: list(list(params = ...), ...), in this order: {groups}"
    made = f"optimizer <- {optimizer}({over}, lr = {lr})"
    step = (
        ("scheduler$load_state_dict(checkpoint$scheduler)  # has the step: no last_epoch for the scheduler",)
        if not task.plan.then
        else (
            f"scheduler$last_epoch <- {task.first_step - 1}  # the checkpoint's scheduler is another one",
            "scheduler$step()",
        )
    )
    resume = task.resuming(
        f'checkpoint <- torch_load("checkpoint.pt")  # a list, saved after the first {task.first_step} steps',
        "model$load_state_dict(checkpoint$model)",
        "optimizer$load_state_dict(checkpoint$optimizer)",
        *step,
        f"stopifnot(scheduler$last_epoch == {task.first_step})",
    )
    setup = join(comment(given, _processes(task)), made, check, make, resume, between="\n")
    return join(head, "library(torch)", definition, setup, _loop(task, momentum))


def _processes(task: Task) -> str:
    """Return how one process takes the place of several, which R's torch does not have."""
    if task.world == 1:
        return ""
    size = f"{task.world} x {task.settings.batch_size}" if task.settings.batch_size else f"{task.world} times as many"
    return f"R's torch trains in one process: train_dl has {size} samples in a batch, for {task.world} processes."


def r_number(value: float) -> str:
    """Return a number in R so that it reads back exactly."""
    if math.isinf(value):
        return "Inf"
    if isinstance(value, int):
        return str(value)
    text = repr(value)
    digits = text.partition("e")[0].replace(".", "").replace("-", "").strip("0")
    return text.removesuffix(".0") if len(digits) <= EXACT_DIGITS else value.hex()


def _arguments(task: Task, plan: Plan) -> list[Argument]:
    given = [Argument("max_lr", _per_group([group.max_lr for group in plan.groups]))]
    if task.from_loader:
        given.append(Argument("epochs", str(task.epochs)))
        given.append(Argument("steps_per_epoch", _batches(task), f"planned: {task.per_epoch}"))
    else:
        given.append(Argument("total_steps", str(task.total)))
    for setting in SHAPE:
        value = getattr(plan, setting)
        if value != getattr(r_torch.CONVENTION.defaults, setting):
            given.append(Argument(setting, f'"{value}"' if isinstance(value, str) else r_number(value)))
    if not plan.cycle_momentum:
        return [*given, Argument("cycle_momentum", "FALSE")]
    for name, usual in (("base_momentum", 0.85), ("max_momentum", 0.95)):
        values = [getattr(group, name) for group in plan.groups]
        if set(values) != {usual} or task.several:
            given.append(Argument(name, _per_group(values)))
    return given


def _batches(task: Task) -> str:
    return f"ceiling(length(train_dl) / {task.accumulation})" if task.accumulation > 1 else "length(train_dl)"


def _per_group(values: Sequence[float]) -> str:
    return r_number(values[0]) if len(values) == 1 else f"list({', '.join(map(r_number, values))})"


def _names(kind: str, task: Task) -> list[str]:
    return [f"{kind}_{at}" for at in range(1, len(task.schedule.groups) + 1)] if task.several else [f"{kind}_phases"]


def _formula(task: Task, formula: Formula) -> str:
    tables = [f"{name} <- {_table(rows)}" for name, rows in zip(_names("lr", task), formula.lr, strict=True)]
    if formula.momentum:
        named = zip(_names("momentum", task), formula.momentum, strict=True)
        tables += [f"{name} <- {_table(rows)}" for name, rows in named]
    functions = R.functions(formula).replace("2.0", "2").replace("\n\n\n", "\n")
    return join("\n".join(tables), functions)


def _table(rows: Sequence[Row]) -> str:
    columns = [
        f"  {title} = c({', '.join(map(r_number, values))})"
        for title, values in zip(COLUMNS, zip(*rows, strict=True), strict=True)
    ]
    return "list(\n" + ",\n".join(columns) + "\n)"


def _momentum(task: Task, formula: Formula) -> str:
    """Return the lines of the loop that set momentum, which lr_lambda does not."""
    if not formula.cycles_momentum:
        return ""
    place = "betas[1]" if task.beta1 else "momentum"
    if formula.dips:
        values = [f"dip(step, {', '.join(map(r_number, dip))})" for dip in formula.dips]
    else:
        values = [f"one_cycle(step, {name})" for name in _names("momentum", task)]
    lines = [f"optimizer$param_groups[[{at}]]${place} <- {value}" for at, value in enumerate(values, 1)]
    return "".join(f"{line}\n" for line in lines)


def _loop(task: Task, momentum: str) -> str:
    apart, by_steps, skipped = task.accumulation > 1, not task.from_loader, task.trained_batches
    counted, numbered = by_steps or bool(momentum), apart or bool(skipped)
    divided = f" / {task.accumulation}" if apart else ""
    where = "update, not after every batch" if apart else "batch, not after every epoch"
    update = [*momentum.splitlines(), "optimizer$step()", f"scheduler$step()  # after every {where}"]
    update += ["optimizer$zero_grad()", *(["step <- step + 1"] if counted else [])]
    if apart:
        whole = f"if (number %% {task.accumulation} == 0 || number == length(train_dl)) {{"
        update = [whole, *(f"  {line}" for line in update), "}"]
    batch = ["number <- number + 1"] if numbered else []
    if skipped:
        past = f"epoch == {task.first_epoch + 1} && number <= {skipped}"
        batch.append(f"if ({past}) next  # trained before the checkpoint")
    batch += ["loss <- compute_loss(model, batch)" + divided, "loss$backward()", *update]
    batch += [f"if (step == {task.total}) break"] if by_steps else []
    epoch = ["number <- 0"] if numbered else []
    epoch += ["coro::loop(for (batch in train_dl) {", *(f"  {line}" for line in batch), "})"]
    head = f"for (epoch in {task.first_epoch + 1}:{task.epochs}) {{" if not by_steps else ""
    head = head or f"while (step < {task.total}) {{  # over as many epochs as they take"
    start = [f"step <- {task.first_step}"] if counted else []
    return "\n".join([*start, head, *(f"  {line}" for line in epoch), "}"])
