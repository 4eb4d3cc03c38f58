"""From values of any kind, as a file or the flags gave them, to settings and the findings about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onecycle_cli.findings import Severity
from onecycle_cli.findings.plan_rules import EPOCHS_AS_STEPS, NO_LENGTH
from onecycle_cli.policy.checks import check_training
from onecycle_cli.policy.checks.types import check_types
from onecycle_cli.policy.onecycle import OneCycle
from onecycle_cli.policy.settings import SETTINGS, Section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.context import TrainingContext

LENGTH = frozenset(name for name, setting in SETTINGS.items() if setting.section is Section.LENGTH)


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """Settings, or None if the values are not valid settings, and all findings about them."""

    settings: OneCycle | None
    findings: tuple[Finding, ...]


def validate_settings(values: Mapping[str, object], context: TrainingContext | None = None) -> ValidationResult:
    """Validate the values of settings against their declaration, and check those that have the right type.

    A value of the wrong type is reported and ignored, so that the others are still checked. Values given
    as None count as not given. With a training config's `context`, the numbers around the schedule are checked too.
    """
    given: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
    findings = list(check_types(given))
    refused = {finding.setting for finding in findings}
    sound = {name: value for name, value in given.items() if name not in refused}
    # Length and phases do not depend on the peak, so they are checked without it as with any other one.
    settings = OneCycle(**{"max_lr": 1.0, **sound})
    found = settings.findings()
    if "max_lr" not in sound:
        found = tuple(finding for finding in found if finding.severity is not Severity.INFO)
    if not LENGTH.isdisjoint(finding.setting for finding in findings):
        found = tuple(finding for finding in found if finding.rule is not NO_LENGTH)
    if context is not None:  # which says how often the scheduler is stepped, as far as it is known
        found = tuple(finding for finding in found if finding.rule is not EPOCHS_AS_STEPS)
    findings += found
    if context is not None:
        findings += check_training(settings, context, knows_peak="max_lr" in sound)
    return ValidationResult(settings if "max_lr" in sound else None, tuple(findings))
