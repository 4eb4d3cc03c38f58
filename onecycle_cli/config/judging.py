"""All that there is to say of one plan: what reading found, what its settings are, and what stands around it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from onecycle_cli.findings.keys import MISSING_SETTING
from onecycle_cli.findings.length import NO_LENGTH
from onecycle_cli.findings.training import NOT_KNOWN
from onecycle_cli.formatting import flag_name
from onecycle_cli.policy.validation import LENGTH

if TYPE_CHECKING:
    from collections.abc import Container

    from onecycle_cli.config.config import Config
    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.validation import ValidationResult


def findings_of(config: Config, validated: ValidationResult, flags: Container[str] = ()) -> list[Finding]:
    """Gather the findings of a plan of which `flags` give some settings in place of the file.

    What the file does not tell is no finding where a flag gives it, or where the length is known without it.
    """
    read = [each for each in config.findings if each.rule is not NOT_KNOWN or each.setting not in flags]
    judged = list(validated.findings)
    has_length = not any(each.rule is NO_LENGTH for each in judged)
    if has_length:
        read = [each for each in read if each.rule is not NOT_KNOWN or each.setting not in LENGTH]
    unknown = {each.setting for each in read if each.rule is NOT_KNOWN}
    if not unknown.isdisjoint(LENGTH):
        judged = [each for each in judged if each.rule is not NO_LENGTH]
    if "max_lr" in unknown:
        judged = [each for each in judged if each.rule is not MISSING_SETTING]
    if config.block is None:
        return [*read, *judged]
    read = [_with_steps(each, config, flags) for each in read]
    judged = [_with_flags(each, config) for each in judged]
    if validated.settings is None or config.context is None:
        return [*read, *judged]
    from onecycle_cli.policy.checks import check_training

    return [*read, *judged, *check_training(validated.settings, config.context)]


def _with_steps(finding: Finding, config: Config, flags: Container[str]) -> Finding:
    """Say with unknown epochs that how many steps an epoch has is not given either."""
    if finding.rule is not NOT_KNOWN or finding.setting != "epochs":
        return finding
    if "steps_per_epoch" in flags or config.values.get("steps_per_epoch") is not None:
        return finding
    if "dataset_size" in config.values or any(each.setting == "steps_per_epoch" for each in config.findings):
        return finding
    return replace(finding, hint=f"{finding.hint}; and --steps-per-epoch 100, or --total-steps 1000 for both")


def _with_flags(finding: Finding, config: Config) -> Finding:
    """Say how to give a training config its length: it is mostly filled in when the program runs."""
    if finding.rule is not NO_LENGTH:
        return finding
    missing, example = ("steps_per_epoch", "100") if config.values.get("epochs") else ("total_steps", "1000")
    path = f"{config.arguments}.{missing}" if config.arguments else missing
    known = next((each for each in ("total_steps", "steps_per_epoch") if (each, None) in config.places), None)
    flag = flag_name(missing)
    hint = f"give it: {flag} {example}, or --set {path}={example}"
    return replace(finding, hint=hint, setting=finding.setting or known)
