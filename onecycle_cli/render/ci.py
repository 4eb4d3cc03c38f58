"""Findings in the formats that CI systems read: GitHub's workflow commands, SARIF 2.1.0, JUnit XML."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from onecycle_cli.findings import Severity
from onecycle_cli.formatting import inert, json_text, printable, without_markers
from onecycle_cli.render.findings_report import concise_lines, rule_page

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence
    from xml.etree.ElementTree import Element

    from onecycle_cli.errors import OnecycleError
    from onecycle_cli.findings import Finding, Fix, Rule

# --- Paths ------------------------------------------------------------------------------------------------------------


STDIN = "<stdin>"
ROOTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR", "BUILD_SOURCESDIRECTORY", "WORKSPACE")
"""Variables in which GitHub, GitLab, Azure and Jenkins give the folder of the repository."""


def repository_root(environment: Mapping[str, str]) -> str:
    """Return the folder to which a CI system's paths are relative; the current one if none is named."""
    return next((environment[name] for name in ROOTS if environment.get(name)), os.curdir)


def from_root(path: str, root: str) -> str:
    """Return a path relative to the repository's root, else to the current folder; absolute if it is in neither."""
    try:
        for base in (root, os.curdir):
            # The root may be given through a link. A link inside it keeps its own name, which diffs show.
            for resolve in (os.path.abspath, os.path.realpath):
                full = Path(resolve(path))
                if full.is_relative_to(resolve(base)):
                    return full.relative_to(resolve(base)).as_posix()
        return Path(os.path.abspath(path)).as_posix()  # noqa: PTH100 - Path.absolute() keeps `..`
    except ValueError:
        return path  # an invalid file name


def uri(path: str) -> str:
    """Return a path of `from_root` as a URI reference: relative if it is, else with `file:`."""
    scheme, text, safe = ("file:///", path.lstrip("/"), "/:") if Path(path).is_absolute() else ("", path, "/")
    try:
        return scheme + quote(text, safe, errors="surrogateescape")
    except UnicodeEncodeError:
        return scheme + quote(text, safe, errors="replace")


# --- GitHub's workflow commands ---------------------------------------------------------------------------------------


COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
LIMIT = 10
"""Annotations of each kind that GitHub shows per step; it silently drops the rest."""


def github_lines(findings: Sequence[Finding], root: str = os.curdir) -> Iterator[str]:
    """Yield one command per finding, the most severe first, as many as GitHub shows; then all findings for the log.

    `root` is the folder to which the paths in the commands are relative.
    """
    shown = [
        finding
        for severity in COMMANDS
        for finding in islice((finding for finding in findings if finding.severity is severity), LIMIT)
    ]
    for finding in shown:
        yield _command(finding, root)
    if left_out := len(findings) - len(shown):
        yield (
            f"GitHub shows {LIMIT} annotations of each kind per step: {left_out:,} of {len(findings):,} findings "
            "are not annotated. All findings:\n"
        )
    for line in concise_lines(findings):
        yield inert(line)  # the runner reads every line of the log, and none of these may be a command


def _command(finding: Finding, root: str) -> str:
    properties = {"title": f"{finding.code} {finding.rule.title}"}
    if finding.file is not None and finding.file != STDIN:
        place = {"file": from_root(finding.file, root), "line": finding.line, "col": finding.column}
        properties = {name: str(value) for name, value in place.items() if value is not None} | properties
    written = ",".join(f"{name}={escape_property(value)}" for name, value in properties.items())
    text = "\n".join(part for part in (finding.message, finding.hint) if part)
    return f"::{COMMANDS[finding.severity]} {written}::{escape_data(text)}\n"


def escape_data(text: str) -> str:
    """Escape the text of a command, which follows its second `::`."""
    # Line ends can be escaped; other control characters would act on the terminal of a reader of the log.
    shown = "".join(char if char in "\r\n" else printable(char) for char in text)
    return without_markers(shown).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """Escape the value of a property, which a colon or a comma would end."""
    return escape_data(text).replace(":", "%3A").replace(",", "%2C")


# --- SARIF ------------------------------------------------------------------------------------------------------------


SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
FINGERPRINT = "onecycleFinding/v1"
"""Not `primaryLocationLineHash`: GitHub computes that from the file, and warns about a different one."""


def sarif(
    findings: Sequence[Finding], version: str, unreadable: Sequence[OnecycleError] = (), root: str = os.curdir
) -> str:
    """Return findings as a SARIF log of one run, with their rules.

    `unreadable` are the errors of files that were not checked, `root` is the folder to which paths are relative.
    """
    rules = sorted({finding.code: finding.rule for finding in findings}.items())
    indices = {code: index for index, (code, _) in enumerate(rules)}
    seen: Counter[tuple[object, ...]] = Counter()
    files = {finding.file for finding in findings if finding.file is not None}
    places = {file: uri(STDIN if file == STDIN else from_root(file, root)) for file in files}
    errors = [{"level": "error", "message": _message(error.message, error.hint)} for error in unreadable]
    run = {
        "tool": {"driver": {"name": "onecycle", "version": version, "rules": [descriptor(rule) for _, rule in rules]}},
        "invocations": [
            {"executionSuccessful": not errors} | ({"toolExecutionNotifications": errors} if errors else {})
        ],
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, indices[finding.code], places, seen) for finding in findings],
    }
    return json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _result(
    finding: Finding, index: int, places: Mapping[str, str], seen: Counter[tuple[object, ...]]
) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": LEVELS[finding.severity],
        "message": _message(finding.message, finding.hint),
    }
    place, start, artifact = "", {"startLine": finding.line or 1}, {}
    if finding.column is not None:
        start["startColumn"] = finding.column
    if finding.file is not None:
        place = places[finding.file]
        outside = finding.file == STDIN or place.startswith("file:///")
        artifact = {"uri": place} if outside else {"uri": place, "uriBaseId": ROOT}
        # Code scanning requires a line even for a finding about the whole file.
        result["locations"] = [{"physicalLocation": {"artifactLocation": artifact, "region": start}}]
    # It stays the same when lines move or numbers change.
    key = (place, finding.code, finding.setting or finding.key, finding.index)
    seen[key] += 1
    words = json.dumps([*key, seen[key]])
    result["partialFingerprints"] = {FINGERPRINT: hashlib.sha256(words.encode()).hexdigest()[:32]}
    if finding.fix is not None and artifact and finding.column is not None:
        result["fixes"] = [_fix(finding.fix, start, artifact)]
    return result


def _message(message: str, hint: str) -> dict[str, str]:
    text = "\n".join(printable(part) for part in (message, hint) if part)
    # What looks like a link would become one.
    return {"text": re.sub(r"\[(?=[^\[\]]*\]\()", r"\\[", text)}


def _fix(fix: Fix, start: dict[str, int], artifact: dict[str, str]) -> dict[str, Any]:
    deleted = start | {"endColumn": start["startColumn"] + len(fix.old)}
    return {
        "description": {"text": f"write `{printable(fix.new)}`"},
        "artifactChanges": [
            {
                "artifactLocation": artifact,
                "replacements": [{"deletedRegion": deleted, "insertedContent": {"text": fix.new}}],
            }
        ],
    }


# --- Rules in SARIF ---------------------------------------------------------------------------------------------------


LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
PROBLEMS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "recommendation"}
"""GitHub code scanning's words for problems that do not concern security."""


def descriptor(rule: Rule) -> dict[str, Any]:
    """Return a rule as SARIF describes it; its name is one word there."""
    markdown = (
        f"{rule.means}\n\n"
        f"For example:\n\n```yaml\n{rule.example.rstrip()}\n```\n\n"
        f"Fixed:\n\n```yaml\n{rule.fixed.rstrip()}\n```\n\n"
        f"To silence this finding on a line, end it with `# onecycle: ignore[{rule.code}]`.\n"
    )
    return {
        "id": rule.code,
        "name": "".join(word[0].upper() + word[1:] for word in re.findall(r"[^\W_]+", rule.title)),
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.means},
        "help": {"text": _shown(rule_page(rule)), "markdown": _shown(markdown)},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
        "properties": {"precision": "high", "problem.severity": PROBLEMS[rule.severity]},
    }


def _shown(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))


# --- JUnit XML --------------------------------------------------------------------------------------------------------


SUITE = "onecycle validate"
CLASS = "onecycle.validate"
"""With a dot: Jenkins reads the part before the last one as the package."""

ERRORS = frozenset({Severity.ERROR})
NO_FILE = "(settings)"
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(
    findings: Sequence[Finding],
    files: Sequence[str],
    failing: Container[Severity] = ERRORS,
    unreadable: Sequence[OnecycleError] = (),
    root: str = os.curdir,
) -> str:
    """Return a report with one test case for each file that was checked, and one for each that could not be.

    Findings of a `failing` severity fail their file; the others are its output. `root` is the folder to which paths
    are relative. The report is in ASCII, which every stream can encode. GitLab, Jenkins and Azure all read it.
    """
    from xml.etree.ElementTree import indent, tostring

    by_file: dict[str, list[Finding]] = {path: [] for path in files}
    for finding in findings:
        by_file.setdefault(finding.file or NO_FILE, []).append(finding)
    cases = [_case(path, found, failing, root) for path, found in by_file.items()]
    cases += [_unreadable(error) for error in unreadable]
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": str(len(unreadable)),
        "time": "0",
    }
    suites = _element("testsuites", counts)
    suite = _element("testsuite", {"name": SUITE, **counts})
    suite.extend(cases)
    suites.append(suite)
    indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(suites, "us-ascii", xml_declaration=False).decode()}\n'


def _case(path: str, findings: Sequence[Finding], failing: Container[Severity], root: str) -> Element:
    is_file = path not in (NO_FILE, STDIN)
    name = from_root(path, root) if is_file else path
    case = _element("testcase", {"classname": CLASS, "name": name, "time": "0"} | ({"file": name} if is_file else {}))
    # One failure per case, with all that failed: of several, readers show only the first or none.
    if failed := [finding for finding in findings if finding.severity in failing]:
        codes = ", ".join(dict.fromkeys(finding.code for finding in failed))
        headline = f"{codes}: {failed[0].message}" if len(failed) == 1 else f"{len(failed)} findings: {codes}"
        attributes = {"message": headline, "type": failed[0].code}
        case.append(_element("failure", attributes, "".join(concise_lines(failed))))
    if others := [finding for finding in findings if finding.severity not in failing]:
        case.append(_element("system-out", {}, "".join(concise_lines(others))))
    return case


def _unreadable(error: OnecycleError) -> Element:
    case = _element("testcase", {"classname": CLASS, "name": error.message, "time": "0"})
    text = f"{error.message}\n{error.hint}\n" if error.hint else f"{error.message}\n"
    case.append(_element("error", {"message": error.message, "type": "unreadable"}, text))
    return case


def _element(tag: str, attributes: dict[str, str], text: str | None = None) -> Element:
    """Make an element; characters that are invalid in XML 1.0 are replaced."""
    from xml.etree.ElementTree import Element

    element = Element(tag, {name: _FORBIDDEN.sub("\ufffd", value) for name, value in attributes.items()})
    element.text = None if text is None else _FORBIDDEN.sub("\ufffd", text)
    return element
