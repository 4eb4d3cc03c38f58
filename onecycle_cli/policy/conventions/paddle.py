"""paddle: PaddlePaddle's `paddle.optimizer.lr.OneCycleLR` (run in 3.3.1).

Formula
    PyTorch's arithmetic, learning rate only, with an absolute final learning rate: m = `end_learning_rate`, here
    final_lr. p is called `phase_pct` there, d `divide_factor`.

Defaults
    pct_start 0.3, cos, div_factor 25, final_lr 0.0001, two phases.

Lacks
    Momentum; final_div_factor. Three phases need pct_start below 0.5.

Known bugs
    Those of the torch convention: p*T == 1 divides by zero.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from onecycle_cli.findings.plan_rules import NO_ROOM_TO_ANNIHILATE
from onecycle_cli.policy.conventions import torch
from onecycle_cli.policy.conventions.base import SETTINGS_OF_OTHERS, WITHOUT_MOMENTUM, Defaults, check_warmup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.plan import Plan


def check(plan: Plan) -> Iterator[Finding]:
    """Find what PyTorch fails on too, and three phases that leave nothing to annihilate."""
    yield from check_warmup(plan)
    if plan.three_phase and plan.pct_start == 0.5:
        yield NO_ROOM_TO_ANNIHILATE.finding(
            "three_phase with pct_start 0.5: Paddle requires less", "set pct_start below 0.5", "pct_start"
        )


CONVENTION = replace(
    torch.CONVENTION,
    name="paddle",
    manual=__doc__,
    framework="PaddlePaddle",
    version="3.3.1",
    check=check,
    defaults=Defaults(cycle_momentum=False, final_lr=1e-4),
    unsupported={
        **SETTINGS_OF_OTHERS,
        **WITHOUT_MOMENTUM,
        "final_div_factor": "Paddle's end_learning_rate is the final learning rate; set final_lr",
    },
    raises_past_end=False,
    restores_length=False,
    checks_types=False,
    removed={},
    computes_like="torch",
    aliases={"final_lr": "end_learning_rate", "div_factor": "divide_factor", "pct_start": "phase_pct"},
    modules=("paddle",),
)
