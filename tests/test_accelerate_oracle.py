"""The real accelerate: what its prepared scheduler does with N processes, and what `check` says of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onecycle_cli import OneCycle
from onecycle_cli.run.checker import check
from onecycle_cli.run.logs.log import Log

from .logged_runs import make_log

pytestmark = pytest.mark.numeric

accelerate = pytest.importorskip("accelerate", reason="accelerate is not installed")
state = pytest.importorskip("accelerate.state", reason="accelerate is not installed")
wrapped = pytest.importorskip("accelerate.scheduler", reason="accelerate is not installed")
torch = pytest.importorskip("torch", reason="PyTorch is not installed")


def prepared_run(
    monkeypatch: pytest.MonkeyPatch, total: int, world: int, updates: int, *, split: bool = False, accumulation: int = 1
) -> Log:
    """Log what a prepared OneCycleLR of so many steps gives one of so many processes, before each update."""
    accelerator = accelerate.Accelerator(cpu=True, gradient_accumulation_steps=accumulation)
    monkeypatch.setitem(state.PartialState._shared_state, "num_processes", world)
    assert state.AcceleratorState().num_processes == world
    gradients = accelerator.gradient_state
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
    inner = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=total)
    scheduler = wrapped.AcceleratedScheduler(inner, accelerator.prepare(optimizer), split_batches=split)
    rates, momenta = [], []
    for _ in range(updates):
        for batch in range(accumulation):
            gradients._set_sync_gradients(batch + 1 == accumulation)
            if gradients.sync_gradients:
                rates.append(optimizer.param_groups[0]["lr"])
                momenta.append(optimizer.param_groups[0]["momentum"])
                optimizer.step()
            scheduler.step()
    return make_log(np.arange(updates), rates, momenta)


def cause_of(log: Log, **plan: Any) -> str:
    return check(OneCycle(max_lr=0.1, **plan), log).cause.slug


@pytest.mark.parametrize(("total", "world", "updates"), [(400, 2, 200), (410, 4, 103), (1000, 8, 125), (90, 3, 30)])
def test_a_prepared_scheduler_is_right_with_the_length_of_one_process(
    monkeypatch: pytest.MonkeyPatch, total: int, world: int, updates: int
) -> None:
    log = prepared_run(monkeypatch, total, world, updates)
    assert cause_of(log, total_steps=total, world_size=world) == "none"
    assert cause_of(log, total_steps=total) == f"stepped-n-times:{world}"
    longer = prepared_run(monkeypatch, total, world, 2 * updates)
    assert cause_of(longer, total_steps=total, world_size=world) == f"stepped-n-times:{world}"


def test_the_last_epoch_s_incomplete_step_is_not_one_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    log = prepared_run(monkeypatch, 5 * 83, 4, 5 * 21)
    assert cause_of(log, epochs=5, steps_per_epoch=83, world_size=4) == "none"


def test_split_batches_step_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    log = prepared_run(monkeypatch, 200, 2, 200, split=True)
    assert cause_of(log, total_steps=200, world_size=2) == "none"


def test_accumulation_steps_it_once_per_update(monkeypatch: pytest.MonkeyPatch) -> None:
    """accelerate's manual says that the length need not be changed; the cycle is then longer than the run."""
    assert cause_of(prepared_run(monkeypatch, 100, 1, 100, accumulation=4), total_steps=100) == "none"
    log = prepared_run(monkeypatch, 400, 1, 100, accumulation=4)
    assert cause_of(log, total_steps=100, gradient_accumulation=4) == "no-accumulation"
