"""The one-cycle policy as a value: its settings, their schedule, and the findings about them."""

from __future__ import annotations

from difflib import get_close_matches
from functools import wraps
from typing import TYPE_CHECKING, Any

from onecycle_cli.errors import PlanError
from onecycle_cli.findings import Severity
from onecycle_cli.policy.checks import UNCOMPUTABLE, check_settings
from onecycle_cli.policy.checks.ranges import check_types
from onecycle_cli.policy.plan import plan_of
from onecycle_cli.policy.schedule import schedule_of
from onecycle_cli.policy.settings import SETTINGS, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.schedule import Schedule


class OneCycle(Settings):
    """A one-cycle schedule's settings, under the names that PyTorch and R torch give them.

    The learning rate rises from max_lr / div_factor to max_lr over the first pct_start of the cycle, then falls to
    (max_lr / div_factor) / final_div_factor; momentum moves the opposite way between max_momentum and base_momentum.

    Example:
        >>> schedule = OneCycle(max_lr=0.1, total_steps=1000).schedule()
        >>> schedule.lr(299)
        0.1

    Raises:
        TypeError: an argument is unknown, or max_lr is missing.
        PlanError: max_lr is None, or a value has the wrong type. Integers are numbers, and lists may be tuples.
            Booleans are not numbers, and strings are never converted. It is a ValueError, and its
            `findings` say what is wrong.

    Values out of range, a missing length and the like are accepted here; `findings()` reports them all, and
    `schedule()` raises PlanError for them.

    Source: L. N. Smith and N. Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large
    Learning Rates" (arXiv:1708.07120); PyTorch 2.13 `OneCycleLR`; R torch `lr_one_cycle`.
    """

    if not TYPE_CHECKING:  # which sees the settings' own signature, as `inspect.signature` does

        @wraps(Settings.__init__, assigned=())
        def __init__(self, **settings: Any) -> None:
            """Refuse names that are not settings, under the name of the class that was called."""
            for name in (name for name in settings if name not in SETTINGS):
                near = get_close_matches(name, SETTINGS, 1)
                raise TypeError(f"OneCycle has no setting {name!r}" + (f"; did you mean {near[0]}?" if near else ""))
            if "max_lr" not in settings:
                raise TypeError("OneCycle needs max_lr, the peak learning rate")
            super().__init__(**settings)

    def __post_init__(self) -> None:
        """Reject values of the wrong type."""
        findings = tuple(check_types(vars(self)))
        if findings:
            raise PlanError(findings)
        super().__post_init__()

    @classmethod
    def from_values(cls, values: Mapping[str, object]) -> OneCycle:
        """Return the settings in a mapping, such as one read from a file; raises what the constructor raises."""
        arguments: dict[str, Any] = dict(values)
        return cls(**arguments)

    def findings(self) -> tuple[Finding, ...]:
        """Return all findings about the settings."""
        return tuple(check_settings(self))

    def schedule(self, *, strict: bool = True) -> Schedule:
        """Return the schedule of these settings.

        Args:
            strict: raise for every error in the settings. If false, compute wherever the framework itself would:
                its edge cases, such as an empty phase or a negative rate, stay computable.

        Raises:
            PlanError: there are errors in the settings or, if not strict, they have no schedule at all (no length,
                lists that disagree, a setting that the framework does not have, a division by zero). It is a
                ValueError, and its `findings` say why.
        """
        errors = [finding for finding in self.findings() if finding.severity is Severity.ERROR]
        computable = not any(strict or finding.rule in UNCOMPUTABLE for finding in errors)
        schedule = schedule_of(plan_of(self)) if computable else None
        if schedule is None:
            raise PlanError(errors)
        return schedule
