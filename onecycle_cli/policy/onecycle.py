"""The one-cycle policy as a value: its settings, the schedule they make, and what there is to say of them."""

from __future__ import annotations

from pydantic import ConfigDict

from onecycle_cli.errors import PlanError
from onecycle_cli.findings import Finding, Severity
from onecycle_cli.policy.checks import UNCOMPUTABLE, check_settings
from onecycle_cli.policy.length import find_length
from onecycle_cli.policy.plan import make_plan
from onecycle_cli.policy.schedule import Schedule
from onecycle_cli.policy.settings import Settings


class OneCycle(Settings):
    """A one-cycle schedule's settings, under the names that PyTorch and R torch give them.

    The learning rate rises from max_lr / div_factor to max_lr over the first pct_start of the cycle and then falls
    to that start / final_div_factor; momentum goes the other way between max_momentum and base_momentum.

    Example:
        >>> schedule = OneCycle(max_lr=0.1, total_steps=1000).schedule()
        >>> schedule.lr(299)
        0.1

    Raises:
        pydantic.ValidationError: a setting is unknown or of the wrong type. It is a ValueError.

    Source: L. N. Smith and N. Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large
    Learning Rates" (arXiv:1708.07120); PyTorch 2.13 `OneCycleLR`; R torch `lr_one_cycle`.
    """

    model_config = ConfigDict(defer_build=False)

    def findings(self) -> tuple[Finding, ...]:
        """Say what is wrong with the settings, or worth knowing of them."""
        return tuple(check_settings(self))

    def schedule(self) -> Schedule:
        """Make the schedule wherever the framework would, also where a finding objects.

        Raises:
            PlanError: the settings describe no schedule (no length, lists that disagree, a division by zero).
                It is a ValueError, and its `findings` say why.
        """
        errors = [each for each in self.findings() if each.severity is Severity.ERROR]
        length = find_length(self)
        if length is None or any(each.rule in UNCOMPUTABLE for each in errors):
            raise PlanError(errors)
        try:
            return Schedule(make_plan(self, length))
        except (ArithmeticError, ValueError):
            raise PlanError(errors) from None
