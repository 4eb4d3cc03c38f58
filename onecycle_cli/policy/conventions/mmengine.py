"""mmengine: MMEngine's `OneCycleLR` (read and run in 0.10.7).

Formula
    PyTorch's to the last bit, for the learning rate; `eta_max` is max_lr.

Defaults
    Those of the torch convention, without momentum.

Lacks
    Momentum: `OneCycleLR` sets the learning rate, and no scheduler beside it cycles momentum along the same curve.

Known bugs
    Without `total_steps` and without an end, T is 1e9 and the learning rate looks constant.
"""

from __future__ import annotations

from dataclasses import replace

from onecycle_cli.policy.conventions import torch
from onecycle_cli.policy.conventions.base import SETTINGS_OF_OTHERS, WITHOUT_MOMENTUM, Defaults

CONVENTION = replace(
    torch.CONVENTION,
    name="mmengine",
    manual=__doc__,
    framework="MMEngine",
    version="0.10.7",
    defaults=Defaults(cycle_momentum=False),
    unsupported={**SETTINGS_OF_OTHERS, **WITHOUT_MOMENTUM},
    raises_past_end=False,
    restores_length=False,
    checks_types=False,
    removed={},
    counts_in_epochs=True,
    scaled_by="auto_scale_lr",
    computes_like="torch",
    aliases={"max_lr": "eta_max"},
    modules=("mmengine",),
    class_keys=("policy",),  # mmcv's hooks, which leave momentum alone as well
)
