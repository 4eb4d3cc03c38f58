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

from typing import TYPE_CHECKING

from onecycle_cli.policy.conventions import torch
from onecycle_cli.policy.conventions.family import WITHOUT_MOMENTUM, check_warmup, cut, torch_ends
from onecycle_cli.policy.plan import Defaults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.plan import Plan
    from onecycle_cli.policy.ramps import Phase

NAME = "mmengine"
FRAMEWORK = "MMEngine 0.10.7"
DEFAULTS = Defaults(cycle_momentum=False)
LACKS = {
    **torch.LACKS,
    **WITHOUT_MOMENTUM,
}


def phases(plan: Plan) -> tuple[Phase, ...]:
    """Cut the cycle as MMEngine does. Raises ZeroDivisionError where p*T is 1."""
    return cut(plan, torch_ends(plan))


def judge(plan: Plan) -> Iterator[Finding]:
    """Find what PyTorch fails on too."""
    yield from check_warmup(plan)
