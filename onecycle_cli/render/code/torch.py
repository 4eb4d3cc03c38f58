"""PyTorch: `OneCycleLR`, or a scheduler with the plan's formula, for its own loop, Lightning and transformers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.policy.conventions import torch
from onecycle_cli.render.code import (
    TORCH_NAMES,
    Argument,
    Task,
    call,
    imports,
    is_attribute,
    join,
    length_check,
    peak_argument,
    per_group,
    shape_arguments,
)
from onecycle_cli.render.code.formula import formula_of, in_python, momentum_in_python
from onecycle_cli.render.code.loop import training_loop
from onecycle_cli.render.code.match import match_scheduler, why_not

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.render.code.formula import Formula


def snippet(task: Task) -> str:
    """Return the scheduler, the optimizer that it sets, and the loop that steps it."""
    length = [Argument("total_steps", str(task.total))]
    if task.from_loader:
        per_epoch = Argument("steps_per_epoch", task.steps_of_an_epoch(), f"planned: {task.per_epoch}")
        length = [Argument("epochs", str(task.epochs)), per_epoch]
    scheduler = make_scheduler(task, length)
    make = join(
        _loader(task),
        optimizer_of(task, "model"),
        length_check(task, task.steps_of_the_run()) if scheduler.definition else "",
        scheduler.make,
        resume(task),
        task.guard(scheduler.schedule, "optimizer"),
        "model = torch.nn.parallel.DistributedDataParallel(model)" if task.world > 1 else "",
        between="\n",
    )
    body = join(scheduler.definition, make, between="\n\n\n")
    loop = training_loop(task, sampler="sampler" if task.world > 1 else "")
    needed = imports(f"{body}\n{loop}", join("import torch", task.guard_import, between="\n"))
    return join(task.head(*scheduler.remarks), needed, body, loop)


def _loader(task: Task) -> str:
    """Return the loader of one of several processes, which has a part of the data."""
    if task.world == 1:
        return ""
    given = [
        Argument("batch_size", str(task.settings.batch_size or "batch_size")),
        Argument("sampler", "sampler"),
        *([Argument("drop_last", "True")] if task.settings.drop_last else []),
    ]
    return (
        f"torch.distributed.init_process_group()  # start it with torchrun, {task.world} processes in all\n"
        f"assert torch.distributed.get_world_size() == {task.world}\n"
        "sampler = torch.utils.data.DistributedSampler(train_dataset)\n"
        f"train_loader = {call('torch.utils.data.DataLoader', given, ['train_dataset'])}"
    )


def resume(task: Task) -> str:
    """Return code that takes model, optimizer and scheduler from a checkpoint, if the plan resumes."""
    return task.resuming(
        f'checkpoint = torch.load("checkpoint.pt")  # saved after the first {task.first_step} steps',
        'model.load_state_dict(checkpoint["model"])',
        'optimizer.load_state_dict(checkpoint["optimizer"])',
        'scheduler.load_state_dict(checkpoint["scheduler"])  # has the step: no last_epoch for the scheduler',
        f"assert scheduler.last_epoch == {task.first_step}",
    )


NAME = "torch.optim.lr_scheduler.OneCycleLR"
MOMENTA = ("base_momentum", "max_momentum")

_CLASSES = ("SGD", "Adam", "AdamW", "RMSprop", "Adamax", "NAdam", "RAdam", "Muon", "SparseAdam", "Adagrad", "Adadelta")
OPTIMIZERS = {name.lower(): f"torch.optim.{name}" for name in (*_CLASSES, "Rprop", "ASGD", "LBFGS", "Adafactor")}
"""PyTorch's optimizers by their plain names."""


LOAD = (
    "    def load_state_dict(self, state_dict):  # of the first cycle's scheduler too: only its step counts",
    '        self.last_epoch = state_dict["last_epoch"]',
    "        self._last_lr = self.get_lr()",
    "        for group, lr in zip(self.optimizer.param_groups, self._last_lr, strict=True):",
    '            group["lr"] = lr',
)
"""What a plan with segments needs where its checkpoint is from the cycle: the optimizer in it has that one's rate."""


@dataclass(frozen=True, slots=True)
class Scheduler:
    """A scheduler as code.

    Attributes:
        definition: its class, which goes first; empty for PyTorch's own scheduler.
        make: the call that makes it.
        remarks: what the comment at the top says of it.
        schedule: its values.
    """

    definition: str
    make: str
    remarks: tuple[str, ...]
    schedule: Schedule


def make_scheduler(task: Task, length: Sequence[Argument]) -> Scheduler:
    """Return the plan as `OneCycleLR` where that matches it, else as a scheduler with the plan's formula."""
    match = match_scheduler(task.schedule, "torch")
    if match is not None and match.close:
        plan, defaults = match.schedule.plan, torch.CONVENTION.defaults
        given = [peak_argument(plan, "max_lr"), *length, *shape_arguments(plan, defaults, TORCH_NAMES)]
        if plan.cycle_momentum:
            momenta = {name: [getattr(group, name) for group in plan.groups] for name in MOMENTA}
            differing = [name for name in MOMENTA if set(momenta[name]) != {getattr(defaults, name)}]
            given += [Argument(name, per_group(momenta[name])) for name in differing]
        else:
            given.append(Argument("cycle_momentum", "False"))
        make = f"scheduler = {call(NAME, given, ['optimizer'])}"
        return Scheduler("", make, (match.remark("OneCycleLR"),), match.schedule)
    formula = formula_of(task.schedule)
    words = (why_not(match, "PyTorch's OneCycleLR", task.schedule), formula.remark)
    definition = join(in_python(formula), _class(task, formula), between="\n\n\n")
    return Scheduler(definition, "scheduler = OneCycleScheduler(optimizer)", words, formula.schedule)


def optimizer_of(task: Task, owner: str) -> str:
    """Return code that makes the optimizer, and says what the scheduler sets in it."""
    momentum = f" and {'beta1' if task.beta1 else 'momentum'}" if task.schedule.cycles_momentum else ""
    return f"{make_optimizer(task, owner)}  # the scheduler sets lr{momentum}"


def make_optimizer(task: Task, owner: str) -> str:
    """Return the call that makes the optimizer, over the parameter groups in their order."""
    name = OPTIMIZERS.get(task.optimizer or "sgd", "make_optimizer")
    names = task.schedule.groups
    if not task.several:
        over = f"{owner}.parameters()"
    elif all(map(is_attribute, names)):
        entries = [f'    {{"params": {owner}.{name}.parameters()}},\n' for name in names]
        over = "[\n" + "".join(entries) + "]"
    else:
        over = "parameter_groups"
    return f"optimizer = {name}({over}, lr=1e-3)"


def _class(task: Task, formula: Formula) -> str:
    lines = [
        "class OneCycleScheduler(torch.optim.lr_scheduler.LRScheduler):",
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
    if task.plan.then:
        lines += ["", *LOAD]
    return "\n".join(lines)
