"""The real fastai, training a model of one weight over random settings: equal in every bit."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onecycle_cli import OneCycle

WHY = "fastai is not installed; `pip install fastai` runs these tests"
learner = pytest.importorskip("fastai.learner", reason=WHY)
pytest.importorskip("fastai.callback.schedule", reason=WHY)  # gives learners their fit_one_cycle


def train(plan: dict[str, Any]) -> list[tuple[float, float]]:
    """Give the learning rate and momentum that each batch of a real run trained with."""
    import torch
    from fastai.callback.core import Callback
    from fastai.data.core import DataLoaders
    from torch.utils.data import DataLoader, TensorDataset

    seen: list[tuple[float, float]] = []

    class Watch(Callback):  # type: ignore[misc]
        order = 90

        def before_step(self) -> None:
            hypers = self.learn.opt.hypers[-1]
            seen.append((float(hypers["lr"]), float(hypers["mom"])))

    data = TensorDataset(torch.ones(plan["steps_per_epoch"], 1), torch.ones(plan["steps_per_epoch"], 1))
    loader = DataLoader(data, batch_size=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = learner.Learner(
            DataLoaders(loader, loader), torch.nn.Linear(1, 1), loss_func=torch.nn.MSELoss(), cbs=[Watch()]
        )
        made.fit_one_cycle(
            plan["epochs"],
            plan["max_lr"],
            div=plan["div_factor"],
            div_final=plan["final_div_factor"],
            pct_start=plan["pct_start"],
            moms=(plan["max_momentum"], plan["base_momentum"], plan["final_momentum"]),
        )
    return seen


@settings(max_examples=12)
@given(
    st.fixed_dictionaries(
        {
            "epochs": st.integers(1, 4),
            "steps_per_epoch": st.integers(2, 25),
            "max_lr": st.floats(1e-5, 0.1),
            "div_factor": st.floats(1.0, 100.0),
            "final_div_factor": st.floats(1.0, 1e6),
            "pct_start": st.floats(0.05, 0.95),
            "max_momentum": st.floats(0.5, 0.99),
            "base_momentum": st.floats(0.5, 0.99),
            "final_momentum": st.floats(0.5, 0.99),
        }
    )
)
def test_fit_one_cycle(plan: dict[str, Any]) -> None:
    schedule = OneCycle(**plan, convention="fastai").schedule(strict=False)
    ours = [(schedule.lr(step), schedule.momentum(step)) for step in range(schedule.total_steps)]
    assert ours == train(plan)
