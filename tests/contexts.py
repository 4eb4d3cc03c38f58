"""Training contexts, and what is found of settings in them."""

from __future__ import annotations

from typing import Any

from onecycle_cli import OneCycle
from onecycle_cli.findings import Finding
from onecycle_cli.policy.checks import check_training
from onecycle_cli.policy.context import ConfigValue, TrainingContext

PATHS = {
    "optimizer_lr": "optimizer.lr",
    "optimizer_momentum": "optimizer.momentum",
    "epochs": "trainer.max_epochs",
    "max_steps": "trainer.max_steps",
    "accumulation": "trainer.accumulate_grad_batches",
    "devices": "trainer.devices",
    "dataset_size": "data.size",
    "batch_size": "data.batch_size",
    "interval": "lr_scheduler.interval",
    "scaling": "auto_scale_lr.enable",
}
BY_CLI: dict[str, Any] = {"stepping": "epoch", "stepped_by": "LightningCLI", "overridable": True}


def around(**stated: Any) -> TrainingContext:
    """Return a training context of bare values, at the usual paths."""
    made: dict[str, Any] = {
        name: ConfigValue(value, PATHS[name]) if name in PATHS else value for name, value in stated.items()
    }
    return TrainingContext(**made)


def found_by(around: TrainingContext, **values: Any) -> list[Finding]:
    return list(check_training(OneCycle(**values), around))


def whole(around: TrainingContext, **values: Any) -> Finding:
    (found,) = found_by(around, **values)
    return found
