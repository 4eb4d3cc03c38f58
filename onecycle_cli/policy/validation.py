"""From values of any kind, as a file or the flags gave them, to settings: what will not do becomes a finding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from onecycle_cli.findings import Severity
from onecycle_cli.findings.keys import MISSING_SETTING, UNKNOWN_CHOICE, UNKNOWN_KEY, WRONG_TYPE
from onecycle_cli.findings.length import NO_LENGTH
from onecycle_cli.findings.values import OUT_OF_RANGE
from onecycle_cli.policy.checks.numbers import show
from onecycle_cli.policy.onecycle import OneCycle
from onecycle_cli.policy.settings import Section, Settings, about, kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onecycle_cli.findings import Finding

ALIASES = {
    "div_final": "final_div_factor",
    "divide_factor": "div_factor",
    "end_learning_rate": "final_lr",
    "eta_max": "max_lr",
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
    "peak_value": "max_lr",
    "phase_pct": "pct_start",
    "strategy": "anneal_strategy",
    "transition_steps": "total_steps",
    "warmup_pct": "pct_start",
}
"""What other frameworks and trainers call our settings."""


LENGTH = frozenset(setting for setting in Settings.model_fields if about(setting).section is Section.LENGTH)


@dataclass(frozen=True, slots=True)
class ValidationResult:
    """Settings, None where the values do not make any, and all that there is to say of them."""

    settings: OneCycle | None
    findings: tuple[Finding, ...]


def validate_settings(values: Mapping[str, object]) -> ValidationResult:
    """Validate values against the settings' declaration, and judge whatever of them is sound.

    A value of the wrong type is a finding and is left out, so that the rest is judged all the same. Values given as
    None count as not given.
    """
    given = {setting: value for setting, value in values.items() if value is not None}
    findings: list[Finding] = []
    try:
        settings = OneCycle(**_with_peak(given))
    except ValidationError as error:
        findings = _translate(error, given)
        refused = {finding.setting for finding in findings}
        given = {setting: value for setting, value in given.items() if setting not in refused}
        settings = OneCycle(**_with_peak(given))
    if "max_lr" not in values or values["max_lr"] is None:
        hint = "set max_lr to the highest learning rate of the run, such as 0.1"
        findings.append(MISSING_SETTING.finding("max_lr, the peak, is not given", hint, "max_lr"))
    judged = settings.findings()
    if "max_lr" not in given:
        judged = tuple(each for each in judged if each.severity is not Severity.INFO)
    if not LENGTH.isdisjoint(finding.setting for finding in findings):
        judged = tuple(each for each in judged if each.rule is not NO_LENGTH)
    findings += judged
    return ValidationResult(settings if "max_lr" in given else None, tuple(findings))


def unknown_key(key: str) -> Finding:
    """Say that a key is no setting, and which one was probably meant."""
    near = meant(key)
    hint = f"did you mean {near}?" if near else "remove it; `onecycle schema` lists the settings"
    return UNKNOWN_KEY.finding(f"unknown key {_short(key)}", hint)


def meant(key: str) -> str | None:
    """Guess the setting that a foreign or mistyped key means."""
    plain = key.strip().lower().replace("-", "_").replace(" ", "_")
    if plain in Settings.model_fields:
        return plain
    if plain in ALIASES:
        return ALIASES[plain]
    return next(iter(get_close_matches(plain[:60], Settings.model_fields, 1)), None)


def _with_peak(given: Mapping[str, object]) -> dict[str, Any]:
    """Stand a 1 in for a missing peak: length and phases, which are judged with it, do not hang on it."""
    return {"max_lr": 1.0, **given}


def _translate(error: ValidationError, given: Mapping[str, object]) -> list[Finding]:
    """Say in our words, once a setting, what pydantic objects to."""
    found: dict[str, Finding] = {}
    for each in error.errors(include_url=False):
        setting = str(each["loc"][0])
        if each["type"] == "extra_forbidden":
            found.setdefault(setting, unknown_key(setting))
        elif each["type"] == "literal_error":
            found.setdefault(setting, _unknown_choice(setting, given[setting]))
        else:
            found.setdefault(setting, _wrong_type(setting, given[setting]))
    return list(found.values())


def _unknown_choice(setting: str, value: object) -> Finding:
    choices = kind(setting).choices
    near = get_close_matches(str(value).lower().replace("_", "-")[:60], choices, 1, 0.4)
    hint = f"did you mean {near[0]}?" if near else f"set {setting} to {choices[0]}"
    message = f"{setting} is {_short(value)}, none of: {', '.join(choices)}"
    return UNKNOWN_CHOICE.finding(message, hint, setting)


def _wrong_type(setting: str, value: object) -> Finding:
    index = _misfit(setting, value)
    misfit = value[index] if index is not None and isinstance(value, list | tuple) else value
    named = setting if index is None else f"{setting}[{index}]"
    if isinstance(misfit, int) and not isinstance(misfit, bool) and float in (kind(setting).single, kind(setting).item):
        message = f"{named} is {show(misfit)}, not a finite number"
        return OUT_OF_RANGE.finding(message, f"give {setting} a value such as {about(setting).example}", setting, index)
    unquoted = _unquoted(setting, misfit)
    hint = f"write {unquoted} without quotes" if unquoted else f"write a value such as {about(setting).example}"
    if isinstance(misfit, float) and kind(setting).single is int and math.isfinite(misfit):
        hint = f"write {round(misfit)}"
    message = f"{named} must be {_wanted(setting, index)}, not {_short(misfit)}"
    return WRONG_TYPE.finding(message, hint, setting, index)


def _misfit(setting: str, value: object) -> int | None:
    """Give the index of the first item that is of the wrong type, where the list itself is right."""
    item = kind(setting).item
    if item is None or not isinstance(value, list | tuple):
        return None
    fits = (int, float) if item is float else (item,)
    return next((at for at, each in enumerate(value) if isinstance(each, bool) or not isinstance(each, fits)), None)


_NOUNS = {float: "a number", int: "a whole number", bool: "true or false", str: "a text"}


def _wanted(setting: str, index: int | None) -> str:
    single, item = kind(setting).single, kind(setting).item
    if item is None:
        return _NOUNS[single]
    if index is not None:
        return _NOUNS[item]
    return f"{_NOUNS[single]} or a list of {_NOUNS[item].removeprefix('a ')}s, one a parameter group"


def _unquoted(setting: str, misfit: object) -> str | None:
    """Give what a quoted number or truth value would be without its quotes, or None where it is neither."""
    if not isinstance(misfit, str):
        return None
    text = misfit.strip()
    if kind(setting).single is bool:
        return text.lower() if text.lower() in ("true", "false") else None
    try:
        number = float(text) if text.isascii() else math.nan
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    return str(int(number)) if kind(setting).single is int and number.is_integer() else _short(text)[1:-1]


def _short(value: object) -> str:
    """Show a value in a message, however long it is."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    shown = str(value).lower() if isinstance(value, bool) else repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}…{shown[-1]}"
