"""Findings as JUnit XML, in the subset that GitLab, Jenkins and Azure all read: a test case a file."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from onecycle_cli.findings import Severity
from onecycle_cli.render.ci.places import STDIN, from_root
from onecycle_cli.render.findings import concise_lines

if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from xml.etree.ElementTree import Element

    from onecycle_cli.errors import OnecycleError
    from onecycle_cli.findings import Finding

SUITE = "onecycle validate"
CLASS = "onecycle.validate"
"""With a dot: Jenkins takes what stands before the last one for the package."""

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
    """Give a report with one test case for each file checked, and one for each that could not be.

    What is of a `failing` severity fails its file; the rest stands in its output. `root` is the folder from which
    the repository counts its paths. It is written in ASCII, so that no stream's encoding can spoil it.
    """
    from xml.etree.ElementTree import indent, tostring

    cases = [_case(path, found, failing, root) for path, found in _by_file(findings, files).items()]
    cases += [_unreadable(each) for each in unreadable]
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


def _by_file(findings: Sequence[Finding], files: Sequence[str]) -> dict[str, list[Finding]]:
    cases: dict[str, list[Finding]] = {path: [] for path in files}
    for each in findings:
        cases.setdefault(each.file or NO_FILE, []).append(each)
    return cases


def _case(path: str, findings: Sequence[Finding], failing: Container[Severity], root: str) -> Element:
    is_file = path not in (NO_FILE, STDIN)
    name = from_root(path, root) if is_file else path
    case = _element("testcase", {"classname": CLASS, "name": name, "time": "0"} | ({"file": name} if is_file else {}))
    # One failure a case, with all that failed: of several, readers show the first or none.
    if failed := [each for each in findings if each.severity in failing]:
        told = {"message": _headline(failed), "type": failed[0].code}
        case.append(_element("failure", told, "".join(concise_lines(failed))))
    if others := [each for each in findings if each.severity not in failing]:
        case.append(_element("system-out", {}, "".join(concise_lines(others))))
    return case


def _headline(findings: Sequence[Finding]) -> str:
    first = findings[0]
    if len(findings) == 1:
        return f"{first.code}: {first.message}"
    codes = dict.fromkeys(each.code for each in findings)
    return f"{len(findings)} findings: {', '.join(codes)}"


def _unreadable(error: OnecycleError) -> Element:
    case = _element("testcase", {"classname": CLASS, "name": error.message, "time": "0"})
    text = f"{error.message}\n{error.hint}\n" if error.hint else f"{error.message}\n"
    case.append(_element("error", {"message": error.message, "type": "unreadable"}, text))
    return case


def _element(tag: str, attributes: dict[str, str], text: str | None = None) -> Element:
    """Make an element; characters that XML 1.0 has no way to write are replaced."""
    from xml.etree.ElementTree import Element

    element = Element(tag, {name: _FORBIDDEN.sub("\ufffd", value) for name, value in attributes.items()})
    element.text = None if text is None else _FORBIDDEN.sub("\ufffd", text)
    return element
