"""A test of learning rates in plain PyTorch, before there is a peak: it writes a log that `onecycle range` reads."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from onecycle_cli.formatting import format_number
from onecycle_cli.policy.summary import summarize
from onecycle_cli.render.code import comment, join
from onecycle_cli.render.code.torch import make_optimizer

if TYPE_CHECKING:
    from onecycle_cli.render.code import Task

STEPS, FIRST, LAST = 100, "1e-7", "10"
"""How many rates are tested, and from where to where: as in fastai and torch-lr-finder."""

LOG = "range-test.csv"


def range_test(task: Task) -> str:
    """Return a loop that trains with rising rates and logs their losses, and puts the model back as it was.

    The optimizer, its parameter groups and the accumulated batches are the plan's, and so is the momentum at its peak.
    """
    peaks = [group.max_lr for group in task.plan.groups]
    shares = [peak / max(peaks) for peak in peaks]
    differ = len(set(shares)) > 1
    highest = task.schedule.groups[peaks.index(max(peaks))]
    head = comment(
        f"LR range test: {STEPS} steps, in which the learning rate rises from {FIRST} to {LAST} by equal factors. It "
        f"writes {LOG}, for `onecycle range {LOG}`. Run it on the model as it is before training, which is put back "
        "at the end.",
        f"The rate in the log is that of the group with the highest peak, {highest}." if differ else "",
    )
    imports = "import copy\nimport csv\nimport itertools\nimport math\n\nimport torch"
    before = [
        make_optimizer(task, "model"),
        *_momentum(task),
        *([f"shares = [{', '.join(map(format_number, shares))}]  # of the learning rate, by group"] if differ else []),
        "model_before = copy.deepcopy(model.state_dict())",
        "batches = itertools.chain.from_iterable(itertools.repeat(train_loader))  # over as many epochs as it takes",
        "mean, lowest = 0.0, math.inf",
        "model.train()",
    ]
    return join(head, imports, "\n".join(before), _loop(task, differ=differ)) + "\n"


def _momentum(task: Task) -> list[str]:
    """Return code that sets the momentum that the plan has at its peak, if it cycles momentum."""
    if not task.schedule.cycles_momentum:
        return []
    values = [summarize(task.schedule, group).turning_momentum for group in range(len(task.schedule.groups))]
    listed = ", ".join(map(format_number, (value for value in values if value is not None)))
    value = listed if len(set(values)) > 1 else format_number(values[0] or 0.0)
    groups, one = "group in optimizer.param_groups", value
    if len(set(values)) > 1:
        groups, one = f"group, momentum in zip(optimizer.param_groups, [{listed}], strict=True)", "momentum"
    name = "beta1" if task.beta1 else "momentum"
    setting = f'group["betas"] = ({one}, *group["betas"][1:])' if task.beta1 else f'group["momentum"] = {one}'
    return [f"for {groups}:", f"    {setting}  # the plan's {name} at its peak"]


def _loop(task: Task, *, differ: bool) -> str:
    groups = (
        "group, share in zip(optimizer.param_groups, shares, strict=True)"
        if differ
        else ("group in optimizer.param_groups")
    )
    train = ["loss = compute_loss(model, next(batches))", "loss.backward()", "value = loss.item()"]
    if task.accumulation > 1:
        train = [
            "value = 0.0",
            f"for _ in range({task.accumulation}):",
            f"    loss = compute_loss(model, next(batches)) / {task.accumulation}",
            "    loss.backward()",
            "    value += loss.item()",
        ]
    step = [
        f"lr = {FIRST} * ({LAST} / {FIRST}) ** (step / {STEPS - 1})",
        f"for {groups}:",
        f'    group["lr"] = lr{" * share" if differ else ""}',
        "optimizer.zero_grad()",
        *train,
        "optimizer.step()",
        "log.writerow([step, lr, value])",
        "mean = 0.98 * mean + 0.02 * value",
        "smoothed = mean / (1 - 0.98 ** (step + 1))",
        "lowest = min(lowest, smoothed)",
        "if not smoothed <= 4 * lowest:  # also where it is NaN",
        "    break",
    ]
    inner = [
        "log = csv.writer(file)",
        'log.writerow(["step", "lr", "loss"])',
        f"for step in range({STEPS}):",
        *(f"    {line}" for line in step),
    ]
    block = f'with open("{LOG}", "w", newline="") as file:\n' + textwrap.indent("\n".join(inner), "    ")
    return f"{block}\nmodel.load_state_dict(model_before)"
