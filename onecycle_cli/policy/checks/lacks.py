"""Whether the framework that is asked for can do what is asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.findings.values import LACKS
from onecycle_cli.policy.conventions import convention_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.conventions.base import Convention
    from onecycle_cli.policy.settings import Settings

NEUTRAL = {"three_phase": False, "cycle_momentum": False}
"""Values that ask for nothing: a framework without the thing can do them."""


def lacking(values: Mapping[str, object], convention: Convention) -> Iterator[tuple[str, str]]:
    """Give the settings that a convention lacks among those that ask for something, each with the reason."""
    neutral = {**NEUTRAL, "anneal_strategy": convention.defaults.anneal_strategy}
    for setting, reason in convention.unsupported.items():
        value = values.get(setting)
        if value is not None and value != neutral.get(setting):
            yield setting, reason


def check_lacks(settings: Settings) -> Iterator[Finding]:
    """Find settings that act on nothing in the convention's framework."""
    convention = convention_of(settings)
    for setting, reason in lacking(dict(settings), convention):
        message = f"{setting} is nothing to {convention.name}: {reason}"
        yield LACKS.finding(message, _hint(setting, convention.name), setting)


def _hint(setting: str, convention: str) -> str:
    if setting in NEUTRAL:
        return f"set {setting} to false, or another convention than {convention}"
    return f"remove {setting}, or set another convention than {convention}"
