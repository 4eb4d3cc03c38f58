"""The pages of `onecycle explain`."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from onecycle_cli.findings import RULES

if TYPE_CHECKING:
    from onecycle_cli.findings import Rule

WIDTH = 80
LONGEST_LINE = 70


def page(rule: Rule) -> str:
    """Give a rule's page: what it means, a config that breaks it, and the same config mended."""
    return (
        f"{rule.code} ({rule.severity}): {rule.title}\n\n"
        f"{textwrap.fill(rule.means, WIDTH)}\n\n"
        f"For example:\n\n{_indent(rule.example)}\n"
        f"Mended:\n\n{_indent(rule.fixed)}\n"
        f"To silence it where it is meant, end the line with `# onecycle: ignore[{rule.code}]`.\n"
    )


def index() -> str:
    """Give every code with its severity and title."""
    lines = [f"{rule.code}  {rule.severity:<8} {rule.title}\n" for rule in RULES.values()]
    return "".join(lines) + "\n`onecycle explain CODE` says more.\n"


def _indent(text: str) -> str:
    lines = [line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…" for line in text.splitlines()]
    return textwrap.indent("\n".join(lines) + "\n", "    ")
