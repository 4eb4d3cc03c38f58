"""From values of any kind, as a file or the flags gave them, to settings and the findings about them."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from onecycle_cli.findings import Severity
from onecycle_cli.findings.config_rules import MISSING_SETTING, UNKNOWN_KEY
from onecycle_cli.findings.plan_rules import NO_LENGTH
from onecycle_cli.policy.checks import check_training
from onecycle_cli.policy.checks.ranges import check_types, shown
from onecycle_cli.policy.conventions import CONVENTIONS
from onecycle_cli.policy.onecycle import OneCycle
from onecycle_cli.policy.settings import SETTINGS, Section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.context import TrainingContext

TRAINER_ALIASES = {
    "final_learning_rate": "final_lr",
    "learning_rate": "max_lr",
    "lr": "max_lr",
    "lr_max": "max_lr",
    "max_learning_rate": "max_lr",
    "max_steps": "total_steps",
    "min_lr": "final_lr",
    "max_epochs": "epochs",
    "n_epochs": "epochs",
    "num_epochs": "epochs",
    "num_gpus": "world_size",
    "accumulate_grad_batches": "gradient_accumulation",
    "gradient_accumulation_steps": "gradient_accumulation",
    "num_training_steps": "total_steps",
    "peak_lr": "max_lr",
    "strategy": "anneal_strategy",
    "warmup_pct": "pct_start",
}
"""What trainers and other programs call our settings; the frameworks' own names are their conventions' `aliases`."""

LENGTH = frozenset(name for name, setting in SETTINGS.items() if setting.section is Section.LENGTH)


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """Settings, or None if the values do not make any, and all findings about them."""

    settings: OneCycle | None
    findings: tuple[Finding, ...]


def validate_settings(values: Mapping[str, object], context: TrainingContext | None = None) -> ValidationResult:
    """Validate values against the settings' declaration, and check those that have the right type.

    A value of the wrong type is a finding and is left out, so that the others are checked all the same. Values given
    as None count as not given. With a training config's `context`, the numbers around the schedule are checked too.
    """
    given: dict[str, Any] = {name: value for name, value in values.items() if value is not None}
    findings = [*check_types(given), *(unknown_key(name) for name in given if name not in SETTINGS)]
    refused = {finding.setting for finding in findings}
    sound = {name: value for name, value in given.items() if name in SETTINGS and name not in refused}
    if "max_lr" not in given:
        hint = "set max_lr to the highest learning rate of the run, such as 0.1"
        findings.append(MISSING_SETTING.finding("max_lr, the peak, is not given", hint, "max_lr"))
    # Length and phases do not depend on the peak, so they are checked without it as with any other one.
    settings = OneCycle(**{"max_lr": 1.0, **sound})
    found = settings.findings()
    if "max_lr" not in sound:
        found = tuple(finding for finding in found if finding.severity is not Severity.INFO)
    if not LENGTH.isdisjoint(finding.setting for finding in findings):
        found = tuple(finding for finding in found if finding.rule is not NO_LENGTH)
    findings += found
    if context is not None and "max_lr" in sound:
        findings += check_training(settings, context)
    return ValidationResult(settings if "max_lr" in sound else None, tuple(findings))


def unknown_key(key: str) -> Finding:
    """Return the finding about a key that is not a setting, with the one that was probably meant."""
    near = meant(key)
    hint = f"did you mean {near}?" if near else "remove it; `onecycle schema` lists the settings"
    return UNKNOWN_KEY.finding(f"unknown key {shown(key)}", hint)


def aliases() -> dict[str, str]:
    """Return what frameworks, trainers and other programs call our settings, by their names."""
    own = {alias: name for convention in CONVENTIONS.values() for name, alias in convention.aliases.items()}
    return {**own, **TRAINER_ALIASES}


def meant(key: str) -> str | None:
    """Return the setting that a foreign or mistyped key probably means."""
    plain = key.strip().lower().replace("-", "_").replace(" ", "_")
    if plain in SETTINGS:
        return plain
    return aliases().get(plain) or next(iter(get_close_matches(plain[:60], SETTINGS, 1)), None)
