"""A plan drives training itself: through PyTorch's LambdaLR, and in a plain loop."""

from __future__ import annotations

from typing import Any

import pytest

from onecycle_cli import OneCycle

CONVENTIONS = ["torch", "fastai", "optax", "paddle", "smith"]


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_lambda_lr(convention: Any) -> None:
    torch: Any = pytest.importorskip("torch")
    schedule = OneCycle(max_lr=0.1, epochs=3, steps_per_epoch=10, convention=convention).schedule()
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=1.0)  # LambdaLR multiplies; by 1.0 it is exact
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, schedule.lr_lambda())
    used = []
    for _ in range(3):
        for _ in range(10):
            weight.sum().backward()
            used.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()  # after every batch; the thirtieth asks past the end, and is answered
            optimizer.zero_grad()
    assert used == [schedule.lr(step) for step in range(30)]


def test_lambda_lr_with_a_function_a_group() -> None:
    torch: Any = pytest.importorskip("torch")
    schedule = OneCycle(max_lr=(0.01, 0.1), total_steps=20).schedule()
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))]} for _ in schedule.groups]
    optimizer = torch.optim.SGD(groups, lr=1.0)
    lambdas = [schedule.lr_lambda(group) for group in range(len(schedule.groups))]
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambdas)
    for step in range(schedule.total_steps):
        assert [group["lr"] for group in optimizer.param_groups] == [schedule.lr(step, 0), schedule.lr(step, 1)]
        optimizer.step()
        scheduler.step()


def test_a_plain_loop_sets_rate_and_momentum() -> None:
    torch: Any = pytest.importorskip("torch")
    arguments: dict[str, Any] = {"max_lr": 0.1, "total_steps": 25, "three_phase": True}
    schedule = OneCycle(**arguments).schedule()

    def train(follow: Any) -> list[float]:
        torch.manual_seed(0)
        weight = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
        optimizer = torch.optim.SGD([weight], lr=0.1, momentum=0.9)
        after = follow(optimizer)
        seen = []
        for step in range(schedule.total_steps):
            optimizer.zero_grad()
            (weight**2).sum().backward()
            after.before(step)
            optimizer.step()
            after.step()
            seen.append(weight.item())
        return seen

    class Loop:
        def __init__(self, optimizer: Any) -> None:
            self.optimizer = optimizer

        def before(self, step: int) -> None:
            for group in self.optimizer.param_groups:
                group["lr"], group["momentum"] = schedule.lr(step), schedule.momentum(step)

        def step(self) -> None:
            pass

    class Framework:
        def __init__(self, optimizer: Any) -> None:
            self.scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, **arguments)

        def before(self, step: int) -> None:
            pass

        def step(self) -> None:
            self.scheduler.step()

    assert train(Loop) == train(Framework)


def test_a_loop_without_any_framework() -> None:
    schedule = OneCycle(max_lr=0.4, total_steps=200).schedule()
    weight, velocity = 5.0, 0.0
    for step in range(schedule.total_steps):
        momentum = schedule.momentum(step)
        assert momentum is not None
        velocity = momentum * velocity + 2 * weight * 0.1
        weight -= schedule.lr(step) * velocity
    assert abs(weight) < 1e-2


def test_resuming_needs_the_step_alone() -> None:
    whole = OneCycle(max_lr=0.1, total_steps=30).schedule()
    resumed = OneCycle(max_lr=0.1, total_steps=30, last_epoch=11).schedule()
    assert [resumed.lr(step) for step in range(resumed.first_step, 30)] == [whole.lr(step) for step in range(12, 30)]
