"""The real PyTorch, stepped over random settings: equal in every bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onecycle_cli import OneCycle

from .strategies import sound_settings

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.numeric

torch = pytest.importorskip("torch", reason="PyTorch is not installed; `pip install torch` also runs these tests")

OPTIMIZERS: dict[str, Callable[..., Any]] = {
    "sgd": lambda groups: torch.optim.SGD(groups, lr=0.5, momentum=0.5),
    "adam": lambda groups: torch.optim.Adam(groups, lr=0.5),
    "adamw": lambda groups: torch.optim.AdamW(groups, lr=0.5),
    "rmsprop": lambda groups: torch.optim.RMSprop(groups, lr=0.5, momentum=0.5),
}


def step_the_real_one(optimizer: str, groups: int, arguments: dict[str, Any]) -> list[list[float]]:
    """Give lr and momentum of each group for every step of the real scheduler."""
    parameters = [{"params": [torch.nn.Parameter(torch.zeros(1))]} for _ in range(groups)]
    made = OPTIMIZERS[optimizer](parameters)
    resumes = arguments.get("last_epoch", -1) >= 0
    if resumes:
        torch.optim.lr_scheduler.OneCycleLR(made, **{**arguments, "last_epoch": -1})
    scheduler = torch.optim.lr_scheduler.OneCycleLR(made, **arguments)
    rows = []
    for step in range(arguments.get("last_epoch", -1) + 1, arguments["total_steps"]):
        row = []
        for group in made.param_groups:
            row += [group["lr"], group["betas"][0] if "betas" in group else group["momentum"]]
        rows.append(row)
        made.step()
        if step < arguments["total_steps"] - 1:
            scheduler.step()
    return rows


def as_columns(schedule: Any, steps: np.ndarray[Any, Any], *, momentum: bool) -> list[list[float]]:
    columns = []
    for group in range(len(schedule.groups)):
        columns.append(schedule.lr(steps, group))
        if momentum:
            columns.append(schedule.momentum(steps, group))
    return [list(row) for row in zip(*(column.tolist() for column in columns), strict=True)]


@settings(max_examples=150)
@given(sound_settings(most_steps=200), st.sampled_from(sorted(OPTIMIZERS)))
def test_one_group(arguments: dict[str, Any], optimizer: str) -> None:
    real = step_the_real_one(optimizer, 1, arguments)
    schedule = OneCycle(**arguments, optimizer=optimizer).schedule(strict=False)
    cycles = arguments["cycle_momentum"]
    ours = as_columns(schedule, np.arange(schedule.total_steps), momentum=cycles)
    assert ours == (real if cycles else [row[:1] for row in real])


@settings(max_examples=60)
@given(
    sound_settings(most_steps=60),
    st.lists(st.tuples(st.floats(1e-5, 1.0), st.floats(0.5, 0.99), st.floats(0.5, 0.99)), min_size=2, max_size=4),
)
def test_parameter_groups(arguments: dict[str, Any], groups: list[tuple[float, float, float]]) -> None:
    rates, bases, tops = (list(each) for each in zip(*groups, strict=True))
    arguments |= {"max_lr": rates, "base_momentum": bases, "max_momentum": tops, "cycle_momentum": True}
    real = step_the_real_one("sgd", len(groups), arguments)
    schedule = OneCycle(**arguments).schedule(strict=False)
    assert as_columns(schedule, np.arange(schedule.total_steps), momentum=True) == real


@settings(max_examples=60)
@given(sound_settings(most_steps=60), st.data())
def test_resume(arguments: dict[str, Any], data: st.DataObject) -> None:
    arguments |= {"cycle_momentum": True}
    if arguments["total_steps"] < 2:
        arguments["total_steps"], arguments["pct_start"] = 2, 0.3
    arguments["last_epoch"] = data.draw(st.integers(0, arguments["total_steps"] - 2))
    real = step_the_real_one("sgd", 1, arguments)
    schedule = OneCycle(**arguments).schedule(strict=False)
    steps = np.arange(schedule.first_step, schedule.total_steps)
    assert as_columns(schedule, steps, momentum=True) == real


@pytest.mark.parametrize(("total", "pct"), [(20, 0.05), (10, 0.1), (50, 0.02), (100, 0.01)])
def test_where_pytorch_divides_by_zero_there_is_a_finding(total: int, pct: float) -> None:
    with pytest.raises(ZeroDivisionError):
        step_the_real_one("sgd", 1, {"max_lr": 0.1, "total_steps": total, "pct_start": pct})
    codes = {each.code for each in OneCycle(max_lr=0.1, total_steps=total, pct_start=pct).findings()}
    assert "OC302" in codes


def test_pct_start_of_one_fails_at_the_end_of_the_usual_loop_and_the_finding_says_so() -> None:
    made = OPTIMIZERS["sgd"]([torch.nn.Parameter(torch.zeros(1))])
    scheduler = torch.optim.lr_scheduler.OneCycleLR(made, max_lr=0.1, total_steps=10, pct_start=1.0)
    for _ in range(9):
        made.step()
        scheduler.step()
    with pytest.raises(ZeroDivisionError):
        scheduler.step()
    messages = [each.message for each in OneCycle(max_lr=0.1, total_steps=10, pct_start=1.0).findings()]
    assert any("ZeroDivisionError" in message for message in messages)


@pytest.mark.parametrize("optimizer", ["Adagrad", "Adadelta", "Rprop", "ASGD", "LBFGS", "Adafactor"])
def test_where_pytorch_finds_no_momentum_there_is_a_finding(optimizer: str) -> None:
    made = getattr(torch.optim, optimizer)([torch.nn.Parameter(torch.zeros(1))])
    with pytest.raises(ValueError, match="momentum"):
        torch.optim.lr_scheduler.OneCycleLR(made, max_lr=0.1, total_steps=100)
    codes = {each.code for each in OneCycle(max_lr=0.1, total_steps=100, optimizer=optimizer).findings()}
    assert "OC204" in codes


def test_lr_lambda_drives_training() -> None:
    schedule = OneCycle(max_lr=0.1, total_steps=25).schedule(strict=False)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule.lr_lambda())
    seen = []
    for _ in range(schedule.total_steps):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert seen == schedule.lr(np.arange(25)).tolist()
