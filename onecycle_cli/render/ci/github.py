"""Findings as GitHub's workflow commands, which the runner turns into annotations beside the lines of a diff."""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING

from onecycle_cli.findings import Severity
from onecycle_cli.formatting import printable
from onecycle_cli.render.ci.places import STDIN, from_root
from onecycle_cli.render.findings import concise_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onecycle_cli.findings import Finding

COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
LIMIT = 10
"""Annotations of each kind that GitHub shows of one step; it drops the rest without a word."""


def github_lines(findings: Sequence[Finding], root: str = os.curdir) -> Iterator[str]:
    """Give a command a finding, the most severe first, as many as GitHub shows; then every finding for the log.

    `root` is the folder from which the repository counts its paths.
    """
    shown = [
        each
        for severity in COMMANDS
        for each in islice((found for found in findings if found.severity is severity), LIMIT)
    ]
    for each in shown:
        yield _command(each, root)
    if left_out := len(findings) - len(shown):
        yield (
            f"GitHub shows {LIMIT} annotations of a kind a step: {left_out:,} of {len(findings):,} findings "
            "got none. All of them:\n"
        )
    for line in concise_lines(findings):
        yield _inert(line)


def _command(finding: Finding, root: str) -> str:
    properties = {"title": f"{finding.code} {finding.rule.title}"}
    if finding.file is not None and finding.file != STDIN:
        place = {"file": from_root(finding.file, root), "line": finding.line, "col": finding.column}
        properties = {name: str(value) for name, value in place.items() if value is not None} | properties
    written = ",".join(f"{name}={escape_property(value)}" for name, value in properties.items())
    text = "\n".join(part for part in (finding.message, finding.hint) if part)
    return f"::{COMMANDS[finding.severity]} {written}::{escape_data(text)}\n"


def escape_data(text: str) -> str:
    """Write what stands behind the second `::`."""
    # Line ends are what the escapes are for; any other control character would act on whoever reads the log.
    shown = "".join(char if char in "\r\n" else printable(char) for char in text)
    return shown.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """Write the value of a property, which a colon or a comma would end."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")


def _inert(line: str) -> str:
    """Keep what a config or a file's name holds from being run: the runner reads every line of the log."""
    line = printable(line.removesuffix("\n")).replace("##[", "## [") + "\n"
    return f"./{line}" if line.lstrip().startswith("::") else line
