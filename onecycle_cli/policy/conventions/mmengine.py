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

from onecycle_cli.policy.conventions.base import (
    SETTINGS_OF_OTHERS,
    WITHOUT_MOMENTUM,
    Convention,
    Defaults,
    check_warmup,
    cut,
    torch_ends,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.plan import Plan
    from onecycle_cli.policy.ramps import Phase


def phases(plan: Plan) -> tuple[Phase, ...]:
    """Cut the cycle as MMEngine does. Raises ZeroDivisionError where p*T is 1."""
    return cut(plan, torch_ends(plan))


def check(plan: Plan) -> Iterator[Finding]:
    """Find what PyTorch fails on too."""
    yield from check_warmup(plan)


CONVENTION = Convention(
    name="mmengine",
    framework="MMEngine",
    version="0.10.7",
    phases=phases,
    check=check,
    defaults=Defaults(cycle_momentum=False),
    unsupported={**SETTINGS_OF_OTHERS, **WITHOUT_MOMENTUM},
    ends_at_last_step=True,
    counts_in_epochs=True,
    computes_like="torch",
    aliases={"max_lr": "eta_max"},
    modules=("mmengine",),
    class_keys=("policy",),  # mmcv's hooks, which leave momentum alone as well
)
