"""torch: PyTorch's `torch.optim.lr_scheduler.OneCycleLR` (read and run in 2.13.0), the reference.

Formula
    T total steps, p pct_start, M max_lr, i = M / div_factor, m = i / final_div_factor.
    Phases end at the real numbers p*T - 1 and T - 1 or, with three_phase, at p*T - 1, 2*p*T - 2 and T - 1; each
    begins where the one before ends, the first at 0. A step belongs to the first phase that ends at or after it.
    Within a phase x = (step - begin) / (end - begin), and from a to b it is
    cos:     b + (a - b) / 2 * (cos(pi * x) + 1)
    linear:  (b - a) * x + a
    Learning rate: i → M → m, or i → M → i → m. Momentum: max → base → max, or max → base → max → max.

Defaults
    pct_start 0.3, cos, cycle_momentum, base_momentum 0.85, max_momentum 0.95, div_factor 25,
    final_div_factor 10,000, two phases.

Worth knowing
    The peak is on the grid only where p*T is whole. The last step, T - 1, sees exactly m. PyTorch lets one step too
    many pass without an error, at which the learning rate rebounds. p*T == 1 raises ZeroDivisionError. The
    optimizer's own learning rate and momentum (or beta1) are overwritten. load_state_dict restores total_steps with
    the rest: a scheduler made for more steps keeps the old length without a word.

Elsewhere
    OneFlow's OneCycleLR computes the same (read). So do, without momentum, MindCV's one_cycle_lr (run in 0.3.0) and
    Cerebras' OneCycleLR (run in 2.10), which takes initial_learning_rate and computes in 32-bit floats.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.policy.conventions.base import SETTINGS_OF_OTHERS, Convention, check_warmup, cut, torch_ends

if TYPE_CHECKING:
    from onecycle_cli.policy.plan import Plan
    from onecycle_cli.policy.ramps import Phase


def phases(plan: Plan) -> tuple[Phase, ...]:
    """Cut the cycle as PyTorch does. Raises ZeroDivisionError where p*T is 1."""
    return cut(plan, torch_ends(plan))


CONVENTION = Convention(
    name="torch",
    manual=__doc__,
    framework="PyTorch",
    version="2.13.0",
    phases=phases,
    check=check_warmup,
    unsupported=SETTINGS_OF_OTHERS,
    ends_at_last_step=True,
    raises_past_end=True,
    restores_length=True,
    checks_types=True,
    removed={"verbose": "PyTorch 2.7"},
)
