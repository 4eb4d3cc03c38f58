"""Findings: what is said about settings, each with a stable code, a place and the way to mend it."""

from __future__ import annotations

from onecycle_cli.findings import documents, keys, length, notes, practice, surroundings, training, values
from onecycle_cli.findings.rule import Finding, Fix, Rule, Severity

__all__ = ["RULES", "Finding", "Fix", "Rule", "Severity"]

RULES: dict[str, Rule] = {
    rule.code: rule
    for module in (documents, keys, values, length, practice, training, surroundings, notes)
    for rule in vars(module).values()
    if isinstance(rule, Rule)
}
"""Every rule, by code, in the order of the codes."""
