"""Findings as text: with the source line and a caret, a line each, or as JSON."""

from __future__ import annotations

import re
from collections import Counter
from typing import IO, TYPE_CHECKING

from onecycle_cli.findings import Severity
from onecycle_cli.formatting import count, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rich.text import Text

    from onecycle_cli.findings import Finding

COLOURS = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.INFO: "bold cyan"}
WIDEST = 100
"""Characters of a source line that are shown; of a longer line, those around the place."""


def concise_lines(findings: Iterable[Finding]) -> Iterator[str]:
    """Give one line a finding: place, severity, code, message, hint."""
    for each in findings:
        place = printable(_where(each))
        hint = f" ({printable(each.hint)})" if each.hint else ""
        yield f"{place}{': ' if place else ''}{each.severity}[{each.code}] {printable(each.message)}{hint}\n"


def as_json(findings: Iterable[Finding], files: int) -> str:
    """Give the findings as JSON of version 1."""
    import json

    entries = [
        {
            "path": each.file or each.flag,
            "line": each.line,
            "column": each.column,
            "code": each.code,
            "severity": each.severity.value,
            "message": each.message,
            "hint": each.hint,
        }
        for each in findings
    ]
    return json.dumps({"version": 1, "files": files, "findings": entries}, indent=2) + "\n"


def print_full(findings: Sequence[Finding], texts: Mapping[str, str], stream: IO[str]) -> None:
    """Print each finding with its source line and a caret; coloured where the stream is a terminal."""
    from onecycle_cli.render.console import Console

    lines = {path: text.splitlines() for path, text in texts.items()}
    console = Console(stream)
    for each in findings:
        console.print(_full(each, lines.get(each.file or "", ())), soft_wrap=True)


def summary(findings: Sequence[Finding], files: int, skipped: int) -> str:
    """Give the closing line: how many files, how many findings of each severity."""
    counts = Counter(each.severity for each in findings)
    found = [
        f"{counts[severity]:,} info" if severity is Severity.INFO else count(counts[severity], severity.value)
        for severity in Severity
        if counts[severity]
    ]
    passed_over = f" ({count(skipped, 'file')} without a one-cycle schedule passed over)" if skipped else ""
    return f"{count(files, 'file')} checked{passed_over}: {', '.join(found) or 'nothing found'}\n"


def _full(finding: Finding, lines: Sequence[str]) -> Text:
    from rich.text import Text

    text = Text()
    text.append(f"{finding.severity}[{finding.code}]", COLOURS[finding.severity])
    text.append(f": {printable(finding.message)}\n", "bold")
    number = str(finding.line or "")
    margin = " " * len(number)
    if where := _where(finding):
        text.append(f"{margin}--> ", "blue").append(f"{printable(where)}\n")
    if finding.line is not None and finding.column is not None and finding.line <= len(lines):
        source, before, width = _excerpt(lines[finding.line - 1], finding.column)
        text.append(f"{margin} |\n{number} | ", "blue").append(f"{source}\n")
        text.append(f"{margin} | ", "blue").append(" " * before + "^" * width + "\n", COLOURS[finding.severity])
    if finding.hint:
        text.append(f"{margin} = ", "blue").append("hint: ", "bold").append(f"{printable(finding.hint)}\n")
    return text


def _where(finding: Finding) -> str:
    """Return where a finding is: the flag as typed, else the place in its file."""
    if finding.flag is not None or finding.line is None:
        return finding.flag or finding.file or ""
    return f"{finding.file}:{finding.line}:{finding.column}"


def _excerpt(line: str, column: int) -> tuple[str, int, int]:
    """Cut a line around a column; give it with the cells before the word there, and the cells of that word."""
    from rich.cells import cell_len

    start = max(0, column - 1 - WIDEST // 2) if len(line) > WIDEST else 0
    shown = printable(line[start : start + WIDEST])
    at = column - 1 - start
    word = re.match(r"\[[^\]#]*\]|[^\s,:\]}#]*", shown[at:])
    width = cell_len(word[0]) if word else 0
    return shown, cell_len(shown[:at]), max(1, width)
