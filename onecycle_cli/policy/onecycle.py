"""The one-cycle policy as a value: its settings, their schedule, and the findings about them."""

from __future__ import annotations

from difflib import get_close_matches
from functools import wraps
from typing import TYPE_CHECKING, Any, Self

from onecycle_cli.errors import PlanError
from onecycle_cli.findings import Severity
from onecycle_cli.policy.checks import UNCOMPUTABLE, check_settings
from onecycle_cli.policy.checks.types import check_types
from onecycle_cli.policy.plan import plan_of
from onecycle_cli.policy.schedule import schedule_of
from onecycle_cli.policy.settings import SETTINGS, Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.schedule import Schedule


class OneCycle(Settings):
    """The settings of one schedule, its curve, and the findings about them.

    Raises:
        TypeError: an argument is unknown, or max_lr is missing.
        PlanError: max_lr is None, or a value has the wrong type.
    """

    if not TYPE_CHECKING:  # which sees the settings' own signature, as `inspect.signature` does

        @wraps(Settings.__init__, assigned=())
        def __init__(self, **settings: Any) -> None:
            """Take the settings by name; max_lr is required."""
            check_names(settings)
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
    def from_values(cls, values: Mapping[str, object]) -> Self:
        """Return the settings in a mapping from names to values; raises what the constructor raises."""
        arguments: dict[str, Any] = dict(values)
        return cls(**arguments)

    def findings(self) -> tuple[Finding, ...]:
        """Return all findings about the settings, as `onecycle validate` reports them: errors, warnings and infos.

        Each has a `code` (which `onecycle explain` explains), a `severity`, the `setting` it is about, a `message` with
        the arithmetic, and a `hint`, the one thing to change. Nothing is raised.

        Example:
            >>> [(found.code, found.setting) for found in OneCycle(max_lr=0.1, total_steps=99, pct_start=30).findings()]
            [('OC202', 'pct_start')]
        """
        return tuple(check_settings(self))

    def schedule(self, *, strict: bool = True) -> Schedule:
        """Return the schedule; if not strict, also where settings have errors and the framework computes a curve.

        Raises:
            PlanError: there are errors in the settings or, if not strict, they have no schedule at all.
        """
        errors = [finding for finding in self.findings() if finding.severity is Severity.ERROR]
        computable = not any(strict or finding.rule in UNCOMPUTABLE for finding in errors)
        schedule = schedule_of(plan_of(self)) if computable else None
        if schedule is None:
            raise PlanError(errors)
        return schedule


def check_names(names: Iterable[str]) -> None:
    """Raise TypeError for a name that is not a setting, under the name of the class that people call."""
    for name in names:
        if name not in SETTINGS:
            near = get_close_matches(name, SETTINGS, 1)
            raise TypeError(f"OneCycle has no setting {name!r}" + (f"; did you mean {near[0]}?" if near else ""))
