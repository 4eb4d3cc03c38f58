"""r-torch: `lr_one_cycle` of the R package torch (read and run in the development version after 0.17.0).

Formula
    As the torch convention with two phases, but the divisors are computed in another order: with up = p*T - 1 and
    down = (T - up) - 1, a step n <= up has x = n / up, a later one x = (n - up) / down. For some cycles down
    differs from PyTorch's divisor in the last bit (T = 11 and 22 at p = .3 among them).

Defaults
    Those of the torch convention.

Lacks
    three_phase. `verbose` prints each group's learning rate at every step.

Known bugs
    Versions up to 0.17.0 cannot construct a scheduler with `anneal_strategy = "linear"` ("attempt to apply
    non-function"), nor one with two or more groups and a single max_momentum while cycle_momentum is TRUE
    ("subscript out of bounds"). p*T == 1 makes the first learning rate NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.findings.plan_rules import KNOWN_BUG
from onecycle_cli.policy.conventions.base import SETTINGS_OF_OTHERS, Convention, check_warmup, cut

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.plan import Plan
    from onecycle_cli.policy.ramps import Phase


def phases(plan: Plan) -> tuple[Phase, ...]:
    """Cut the cycle as R torch does. Raises ZeroDivisionError where p*T is 1 (R gives NaN there)."""
    up = plan.pct_start * plan.total_steps - 1
    down = (plan.total_steps - up) - 1
    return cut(plan, (up, float(plan.total_steps - 1)), (up, down))


def check(plan: Plan) -> Iterator[Finding]:
    """Find what PyTorch fails on too, and what R torch's released versions fail on."""
    yield from check_warmup(plan)
    if plan.anneal_strategy == "linear":
        message = "R torch up to 0.17.0 fails on anneal_strategy 'linear' with 'attempt to apply non-function'"
        hint = "train with a version after 0.17.0, or set anneal_strategy to cos"
        yield KNOWN_BUG.finding(message, hint, "anneal_strategy")
    groups = len(plan.groups)
    if groups > 1 and plan.cycle_momentum and not plan.listed_momentum:
        value = plan.groups[0].max_momentum
        written = ", ".join([f"{value:g}"] * min(groups, 3) + ["…"] * (groups > 3))
        message = f"R torch fails on a single max_momentum for {groups} groups with 'subscript out of bounds'"
        yield KNOWN_BUG.finding(message, f"set max_momentum to one value per group: [{written}]", "max_momentum")


CONVENTION = Convention(
    name="r-torch",
    manual=__doc__,
    framework="R torch",
    version="development version after 0.17.0",
    phases=phases,
    check=check,
    unsupported={**SETTINGS_OF_OTHERS, "three_phase": "R torch's lr_one_cycle has only two phases"},
    ends_at_last_step=True,
    computes_like="torch",
    classes=("lr_one_cycle",),
)
