"""Findings as text: in full with the source line and a caret, in one line each, or as JSON; and the rules' pages."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from dataclasses import replace
from typing import IO, TYPE_CHECKING

from onecycle_cli.findings import RULES, Severity
from onecycle_cli.formatting import count, flag_name, json_text, printable
from onecycle_cli.policy.validation import LENGTH
from onecycle_cli.render.lines import cells, has_colour, labelled, styled, width_of, wrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from onecycle_cli.findings import Finding, Rule

MOST_LISTED = 3
"""Files with the same info that are listed one by one; of more, the report gives the number."""

WIDEST = 100
"""Characters of a source line that are shown; of a longer line, those around the finding."""


def concise_lines(findings: Iterable[Finding]) -> Iterator[str]:
    """Yield one line per finding: place, severity, code, message, hint."""
    for finding in findings:
        where = place_of(finding)
        place = f"{where}: " if where else ""
        hint = f" ({finding.hint})" if finding.hint else ""
        yield printable(f"{place}{finding.severity}[{finding.code}] {finding.message}{hint}") + "\n"


def findings_json(findings: Iterable[Finding], files: int) -> str:
    """Return findings as `onecycle validate --format json` writes them; `files` is how many were checked."""
    entries = [
        {
            "path": finding.file or finding.flag,
            "line": finding.line,
            "column": finding.column,
            "code": finding.code,
            "severity": finding.severity.value,
            "message": finding.message,
            "hint": finding.hint,
        }
        for finding in findings
    ]
    return json_text({"version": 1, "files": files, "findings": entries})


def print_findings(findings: Sequence[Finding], texts: Mapping[str, str], stream: IO[str]) -> None:
    """Print findings with their source lines and carets, an empty line between them, in colour on a terminal.

    `texts` holds the texts of files by path.
    """
    lines = {path: text.splitlines() for path, text in texts.items()}
    for number, finding in enumerate(findings):
        stream.write("\n" * bool(number) + _full(finding, lines.get(finding.file or "", ()), stream))


def print_briefly(findings: Iterable[Finding], stream: IO[str]) -> None:
    """Print each finding as `print_findings` does, without its source line."""
    for finding in findings:
        stream.write(_full(finding, (), stream))


def findings_summary(findings: Sequence[Finding], files: int, skipped: int, unreadable: int = 0) -> str:
    """Return the closing line: how many files, of which some could not be checked, and findings of each severity."""
    counts = Counter(finding.severity for finding in findings)
    found = [
        f"{counts[severity]:,} info" if severity is Severity.INFO else count(counts[severity], severity.value)
        for severity in Severity
        if counts[severity]
    ]
    without = f" ({count(skipped, 'file')} without a one-cycle schedule skipped)" if skipped else ""
    refused = f", {count(unreadable, 'file')} not checked" if unreadable else ""
    summary = f"{count(files, 'file')} checked{without}{refused}: {', '.join(found) or 'nothing found'}\n"
    return summary + "".join(
        f"{number:,} {'file gets its' if number == 1 else 'files get their'} length at run time: "
        f"pass {flag_name(setting)} to check it\n"
        for setting, number in Counter(_without_length(findings).values()).most_common()
    )


def listed(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings that are worth a place of their own in a report that ends with the summary.

    Files whose length is known only at run time are in the summary if there are many, and an info that many files
    share is listed once, with their number.
    """
    files: dict[tuple[str, str], set[str | None]] = {}
    for finding in findings:
        files.setdefault((finding.code, finding.message), set()).add(finding.file)
    are_many = len(_without_length(findings)) > MOST_LISTED
    kept, shared = [], set()
    for finding in findings:
        about = finding.code, finding.message
        others, in_summary = len(files[about]) - 1, are_many and finding.needs in LENGTH
        if finding.severity is not Severity.INFO or not (in_summary or others >= MOST_LISTED):
            kept.append(finding)
        elif not in_summary and about not in shared:
            shared.add(about)
            kept.append(replace(finding, message=f"{finding.message} (also in {others:,} other files)"))
    return kept


def _without_length(findings: Iterable[Finding]) -> dict[str | None, str]:
    """Return the files whose length is known only at run time, each with the setting that gives it."""
    needs: dict[str | None, set[str]] = {}
    for finding in findings:
        if finding.severity is Severity.INFO and finding.needs in LENGTH:
            needs.setdefault(finding.file, set()).add(finding.needs)
    per_epoch = {"steps_per_epoch"}  # all that is missing where the epochs are known
    return {file: "steps_per_epoch" if names == per_epoch else "total_steps" for file, names in needs.items()}


def _full(finding: Finding, lines: Sequence[str], stream: IO[str]) -> str:
    colour, number = has_colour(stream), str(finding.line or "")
    said = labelled(f"{finding.severity}[{finding.code}]", finding.severity, printable(finding.message), stream)
    margin = " " * len(number)
    if where := place_of(finding):
        said += f"{margin}{styled('-->', 'frame', colour=colour)} {printable(where)}\n"
    if finding.line is not None and finding.column is not None and finding.line <= len(lines):
        shown = max(20, min(WIDEST, (width_of(stream) or WIDEST + len(number) + 3) - len(number) - 3))
        source, caret = _marked(lines[finding.line - 1], finding.column - 1, shown)
        bar = styled("|", "frame", colour=colour)
        said += f"{margin} {bar}\n{styled(number, 'frame', colour=colour)} {bar} {source}\n"
        said += f"{margin} {bar} {styled(caret, finding.severity, colour=colour)}\n"
    return said + (labelled("hint", "hint", printable(finding.hint), stream) if finding.hint else "")


def _marked(line: str, at: int, most: int) -> tuple[str, str]:
    """Return at most so many characters of a source line, and carets under what begins at one of them."""
    start = max(0, at - most // 2) if len(line) > most else 0
    source, at = printable(line[start : start + most]), at - start
    word = re.match(r"\[[^\]#]*\]|[^\s,:\]}#]*", source[at:])
    return source, " " * cells(source[:at]) + "^" * max(1, cells(word[0]) if word else 0)


def place_of(finding: Finding) -> str:
    """Return where a finding is: the flag as typed, else the place in its file."""
    if finding.flag is not None or finding.line is None:
        return finding.flag or finding.file or ""
    return f"{finding.file}:{finding.line}:{finding.column}"


PAGE_WIDTH = 80
LONGEST_LINE = 70


def rule_page(rule: Rule, width: int = PAGE_WIDTH) -> str:
    """Return the page of `onecycle explain`: what a rule means, a config that breaks it, and the same config fixed."""
    silence = (
        f"To silence this finding on a line, end it with `# onecycle: ignore[{rule.code}]`; everywhere, use "
        f'`--ignore {rule.code}`, or ignore = ["{rule.code}"] under [tool.onecycle] in pyproject.toml.'
    )
    return (
        f"{rule.code} ({rule.severity}): {rule.title}\n\n"
        f"{_paragraph(rule.means, width)}\n"
        f"For example:\n\n{_indent(rule.example)}\n"
        f"Fixed:\n\n{_indent(rule.fixed)}\n"
        f"{_paragraph(silence, width)}"
    )


def _paragraph(text: str, width: int) -> str:
    return "\n".join(wrap(text, width)) + "\n"


def rule_index() -> str:
    """Return every code with its severity and title."""
    return "".join(f"{rule.code}  {rule.severity:<8} {rule.title}\n" for rule in RULES.values())


def _indent(text: str) -> str:
    lines = [line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…" for line in text.splitlines()]
    return textwrap.indent("\n".join(lines) + "\n", "    ")
