"""What `onecycle extend` says of PyTorch, done with the real one: equal in every bit."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onecycle_cli import OneCycle
from onecycle_cli.policy.extension import WAYS, extend
from onecycle_cli.policy.ramps import CosineRamp, LinearRamp
from onecycle_cli.render.code import code

pytestmark = pytest.mark.numeric

torch = pytest.importorskip("torch", reason="PyTorch is not installed; `pip install torch` also runs these tests")


def make_optimizer(name: str, groups: int = 1) -> Any:
    parameters = [{"params": [torch.nn.Parameter(torch.zeros(1))]} for _ in range(groups)]
    if name == "adamw":
        return torch.optim.AdamW(parameters, lr=0.5)
    return torch.optim.SGD(parameters, lr=0.5, momentum=0.5)


def values(optimizer: Any) -> list[tuple[float, float]]:
    groups = optimizer.param_groups
    return [(group["lr"], group["betas"][0] if "betas" in group else group["momentum"]) for group in groups]


def trained(optimizer: Any, scheduler: Any, steps: int) -> list[list[tuple[float, float]]]:
    """Train so many steps; give the values of each."""
    rows = []
    for _ in range(steps):
        rows.append(values(optimizer))
        optimizer.step()
        scheduler.step()
    return rows


def saved_after(
    plan: dict[str, Any], at: int, name: str = "sgd", groups: int = 1
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Train with the first cycle; give the states of optimizer and scheduler as a file keeps them."""
    optimizer = make_optimizer(name, groups)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, **plan)
    trained(optimizer, scheduler, at)
    file = io.BytesIO()
    torch.save((optimizer.state_dict(), scheduler.state_dict()), file)
    file.seek(0)
    loaded: tuple[Any, Any] = torch.load(file)
    return loaded


@pytest.mark.parametrize("name", ["sgd", "adamw"])
@pytest.mark.parametrize("at", [1, 20, 29, 30, 64, 99, 100])
def test_a_restored_scheduler_ends_the_run_where_it_is_said(at: int, name: str) -> None:
    plan = OneCycle(max_lr=0.1, total_steps=100, optimizer=name)
    found = extend(plan, plan.schedule(), at, 150)
    optimizer = make_optimizer(name)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=150)
    states = saved_after({"max_lr": 0.1, "total_steps": 100}, at, name)
    optimizer.load_state_dict(states[0])
    scheduler.load_state_dict(states[1])
    assert scheduler.total_steps == 100
    rows = trained(optimizer, scheduler, found.last_restored_step - at)
    last = values(optimizer)
    optimizer.step()
    with pytest.raises(ValueError, match="Tried to step 101 times"):
        scheduler.step()
    assert at + len(rows) == found.last_restored_step == 100
    assert [(move.lr, move.momentum) for move in found.restored] == last
    if rows:
        assert [(move.lr_before, move.momentum_before) for move in found.restored] == rows[-1]


@pytest.mark.parametrize("at", [1, 30, 64, 100])
def test_a_new_scheduler_jumps_as_it_is_said(at: int) -> None:
    plan = OneCycle(max_lr=0.1, total_steps=100)
    found = extend(plan, plan.schedule(), at, 150)
    optimizer = make_optimizer("sgd")
    optimizer.load_state_dict(saved_after({"max_lr": 0.1, "total_steps": 100}, at)[0])
    torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=150, last_epoch=at - 1)
    assert [(move.lr, move.momentum) for move in found.jumps] == values(optimizer)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(5, 80),
    st.data(),
    st.sampled_from(WAYS),
    st.sampled_from(["cos", "linear"]),
    st.sampled_from(["sgd", "adamw"]),
    st.integers(1, 2),
)
def test_training_goes_on_with_every_rate_of_the_plan(
    total: int, data: st.DataObject, way: str, strategy: str, name: str, groups: int
) -> None:
    """Train k steps with OneCycleLR, save, load into the written scheduler, and go on."""
    at, more = data.draw(st.integers(1, total)), data.draw(st.integers(1, 60))
    peaks = [0.1, 0.3][:groups]
    shared: dict[str, Any] = {"max_lr": peaks if groups > 1 else 0.1, "total_steps": total, "anneal_strategy": strategy}
    shared["pct_start"] = 0.35
    plan = OneCycle(**shared, optimizer=name)
    found = extend(plan, plan.schedule(strict=False), at, total + more)
    chosen = next((each for each in found.ways if each.name == way), None)
    if chosen is None:
        return
    optimizer_state, scheduler_state = saved_after(shared, at, name, groups)
    optimizer, written = make_optimizer(name, groups), replace(chosen.settings, last_epoch=at - 1)
    text = code("torch", "plan", written, written.schedule(strict=False))
    made: dict[str, Any] = {"optimizer": optimizer}
    exec(text.partition("\n\n\noptimizer = ")[0], made)
    scheduler = made["OneCycleScheduler"](optimizer)
    optimizer.load_state_dict(optimizer_state)
    scheduler.load_state_dict(scheduler_state)
    rows = trained(optimizer, scheduler, total + more - at)
    whole = chosen.schedule
    wanted = [
        [(whole.lr(step, group), whole.momentum(step, group)) for group in range(groups)]
        for step in range(at, whole.total_steps)
    ]
    assert rows == wanted
    assert scheduler.last_epoch == total + more  # asked once more at the end, as loops do


def test_a_checkpoint_of_the_extended_run_goes_on_as_well() -> None:
    plan = OneCycle(max_lr=0.1, total_steps=40, then=({"shape": "anneal", "from": 20, "total_steps": 60},))
    made: dict[str, Any] = {}
    exec(code("torch", "plan", plan, plan.schedule()).partition("\n\n\noptimizer = ")[0], made)
    first = make_optimizer("sgd")
    scheduler = made["OneCycleScheduler"](first)
    rows = trained(first, scheduler, 47)
    second = make_optimizer("sgd")
    again = made["OneCycleScheduler"](second)
    second.load_state_dict(first.state_dict())
    again.load_state_dict(scheduler.state_dict())
    rows += trained(second, again, 13)
    schedule = plan.schedule()
    assert rows == [[(schedule.lr(step), schedule.momentum(step))] for step in range(60)]


@pytest.mark.parametrize(("start", "end"), [(0.0950485, 4e-7), (1e-9, 0.3), (0.85, 0.95)])
def test_segments_move_as_pytorchs_own_functions(start: float, end: float) -> None:
    scheduler = torch.optim.lr_scheduler.OneCycleLR
    for ramp, function in ((CosineRamp, scheduler._annealing_cos), (LinearRamp, scheduler._annealing_linear)):
        for step in range(400, 1500):
            part = (step - 399) / 1100
            assert ramp(start, end, 399.0, 1100.0).at(step, math.cos) == function(start, end, part)
