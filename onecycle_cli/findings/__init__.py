"""Findings: what is reported about a plan or a file, each with a stable code, a severity, a place and a hint."""

from __future__ import annotations

from onecycle_cli.findings import config_rules, plan_rules
from onecycle_cli.findings.rule import Finding, Fix, Rule, Severity

__all__ = ["RULES", "Finding", "Fix", "Rule", "Severity"]

RULES: dict[str, Rule] = {
    rule.code: rule
    for rule in sorted(
        (rule for module in (config_rules, plan_rules) for rule in vars(module).values() if isinstance(rule, Rule)),
        key=lambda rule: rule.code,
    )
}
"""Every rule by its code, in the order of the codes."""
