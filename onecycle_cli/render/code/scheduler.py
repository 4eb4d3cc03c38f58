"""A plan as a PyTorch scheduler, for PyTorch's own loop, Lightning and transformers alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.policy.conventions import torch
from onecycle_cli.render.code import arguments
from onecycle_cli.render.code.following import follow, why_not
from onecycle_cli.render.code.formula import formula_of, in_python, momentum_in_python
from onecycle_cli.render.code.writing import call, is_attribute, join

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.render.code.formula import Formula
    from onecycle_cli.render.code.task import Task
    from onecycle_cli.render.code.writing import Argument

NAME = "torch.optim.lr_scheduler.OneCycleLR"

_CLASSES = ("SGD", "Adam", "AdamW", "RMSprop", "Adamax", "NAdam", "RAdam", "Muon", "SparseAdam", "Adagrad", "Adadelta")
OPTIMIZERS = {each.lower(): f"torch.optim.{each}" for each in (*_CLASSES, "Rprop", "ASGD", "LBFGS", "Adafactor")}
"""PyTorch's optimizers, by their plain names."""


@dataclass(frozen=True, slots=True)
class Written:
    """A scheduler as code.

    `definition` goes before everything else and is empty where PyTorch's own scheduler serves; `make` makes the
    scheduler from the arguments for its length; `own` says that it is PyTorch's own. `words` are for the top.
    """

    definition: str
    make: str
    own: bool
    words: tuple[str, ...]


def write(task: Task, length: Sequence[Argument], optimizer: str = "optimizer") -> Written:
    """Write the plan as `OneCycleLR` where that follows it, else as a scheduler with the plan's formula."""
    following = follow(task.schedule, "torch")
    if following is not None and following.close:
        plan = following.schedule.plan
        given = [
            arguments.peak(plan, "max_lr"),
            *length,
            *arguments.shape(plan, torch.CONVENTION.defaults, arguments.TORCH_NAMES),
            *arguments.momentum(plan, torch.CONVENTION.defaults),
        ]
        return Written(
            "", f"scheduler = {call(NAME, given, [optimizer])}", own=True, words=(following.words("OneCycleLR"),)
        )
    formula = formula_of(task.schedule)
    words = (why_not(following, "PyTorch's OneCycleLR"), formula.apart)
    definition = join(in_python(formula), _class(task, formula), between="\n\n\n")
    return Written(definition, f"scheduler = OneCycle({optimizer})", own=False, words=words)


def optimizer_of(task: Task, owner: str, otherwise: str = "sgd") -> str:
    """Write how the optimizer is made, over the parameter groups in their order."""
    name = OPTIMIZERS.get(task.optimizer or otherwise, "make_optimizer")
    names = task.schedule.groups
    if not task.several:
        over = f"{owner}.parameters()"
    elif all(map(is_attribute, names)):
        entries = [f'    {{"params": {owner}.{each}.parameters()}},\n' for each in names]
        over = "[\n" + "".join(entries) + "]"
    else:
        over = "parameter_groups"
    return f"optimizer = {name}({over}, lr=1e-3)  # the scheduler sets lr" + (
        " and " + ("beta1" if task.beta1 else "momentum") if task.schedule.cycles_momentum else ""
    )


def _class(task: Task, formula: Formula) -> str:
    lines = [
        "class OneCycle(torch.optim.lr_scheduler.LRScheduler):",
        "    def get_lr(self):",
        f"        step = min(self.last_epoch, {task.total - 1})  # loops ask once more after the last step",
    ]
    if formula.cycles_momentum:
        if task.several:
            lines.append("        for group, phases in zip(self.optimizer.param_groups, MOMENTUM, strict=True):")
        else:
            lines.append("        for group in self.optimizer.param_groups:")
        value = momentum_in_python(formula, "step", "phases" if task.several else "MOMENTUM")
        if task.beta1:
            lines.append(f'            group["betas"] = ({value}, *group["betas"][1:])')
        else:
            lines.append(f'            group["momentum"] = {value}')
    if task.several:
        lines.append("        return [one_cycle(step, phases) for phases in LR]")
    else:
        lines.append("        return [one_cycle(step, LR)] * len(self.optimizer.param_groups)")
    return "\n".join(lines)
