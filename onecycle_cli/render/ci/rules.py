"""Rules as SARIF describes them: what `onecycle explain` says, for whoever reads an alert."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from onecycle_cli.findings import Severity
from onecycle_cli.formatting import printable
from onecycle_cli.render.manual import page

if TYPE_CHECKING:
    from onecycle_cli.findings import Rule

LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
PROBLEMS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "recommendation"}
"""By severity: the word of GitHub's code scanning for what is no matter of security."""


def descriptor(rule: Rule) -> dict[str, Any]:
    """Describe a rule."""
    return {
        "id": rule.code,
        "name": _name(rule.title),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.means},
        "help": {"text": _shown(page(rule)), "markdown": _shown(_markdown(rule))},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {"precision": "high", "problem.severity": PROBLEMS[rule.severity]},
    }


def _name(title: str) -> str:
    """Give a title as one word, as SARIF wants names."""
    return "".join(word[0].upper() + word[1:] for word in re.findall(r"[^\W_]+", title))


def _markdown(rule: Rule) -> str:
    return (
        f"{rule.means}\n\n"
        f"For example:\n\n```yaml\n{rule.example.rstrip()}\n```\n\n"
        f"Mended:\n\n```yaml\n{rule.fixed.rstrip()}\n```\n\n"
        f"To silence it where it is meant, end the line with `# onecycle: ignore[{rule.code}]`.\n"
    )


def _shown(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))
