"""Findings as SARIF 2.1.0, which code scanning, editors and dashboards read."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from onecycle_cli.formatting import printable
from onecycle_cli.render.ci.places import STDIN, from_root, uri
from onecycle_cli.render.ci.rules import LEVELS, descriptor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.errors import OnecycleError
    from onecycle_cli.findings import Finding, Fix

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"
FINGERPRINT = "onecycleFinding/v1"
"""Not `primaryLocationLineHash`: that one GitHub computes from the file, and warns where it finds another."""


def sarif(
    findings: Sequence[Finding], version: str, unreadable: Sequence[OnecycleError] = (), root: str = os.curdir
) -> str:
    """Give findings as a SARIF log of one run, with the rules that occur in it.

    `unreadable` is what kept files from being checked, `root` the folder from which the repository counts its paths.
    """
    rules = sorted({each.code: each.rule for each in findings}.items())
    indices = {code: index for index, (code, _) in enumerate(rules)}
    seen: Counter[tuple[object, ...]] = Counter()
    run = {
        "tool": {"driver": {"name": "onecycle", "version": version, "rules": [descriptor(rule) for _, rule in rules]}},
        "invocations": [_invocation(unreadable)],
        "columnKind": "unicodeCodePoints",
        "results": [_result(each, indices[each.code], root, seen) for each in findings],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _invocation(unreadable: Sequence[OnecycleError]) -> dict[str, Any]:
    told = [{"level": "error", "message": _message(each.message, each.hint)} for each in unreadable]
    return {"executionSuccessful": not told} | ({"toolExecutionNotifications": told} if told else {})


def _result(finding: Finding, index: int, root: str, seen: Counter[tuple[object, ...]]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": LEVELS[finding.severity],
        "message": _message(finding.message, finding.hint),
    }
    artifact = _artifact(finding.file, root) if finding.file is not None else {}
    if artifact:
        result["locations"] = [{"physicalLocation": {"artifactLocation": artifact, "region": _start(finding)}}]
    result["partialFingerprints"] = {FINGERPRINT: _fingerprint(finding, artifact.get("uri", ""), seen)}
    if finding.fix is not None and artifact and finding.column is not None:
        result["fixes"] = [_fix(finding.fix, finding, artifact)]
    return result


def _message(message: str, hint: str) -> dict[str, str]:
    text = "\n".join(printable(part) for part in (message, hint) if part)
    # What looks like a link would be one.
    return {"text": re.sub(r"\[(?=[^\[\]]*\]\()", r"\\[", text)}


def _artifact(path: str, root: str) -> dict[str, str]:
    if path == STDIN:
        return {"uri": uri(path)}
    place = uri(from_root(path, root))
    return {"uri": place} if place.startswith("file:///") else {"uri": place, "uriBaseId": ROOT}


def _start(finding: Finding) -> dict[str, int]:
    """Give where a finding begins; code scanning wants a line also for what concerns the whole file."""
    place = {"startLine": finding.line or 1}
    return place if finding.column is None else place | {"startColumn": finding.column}


def _fingerprint(finding: Finding, place: str, seen: Counter[tuple[object, ...]]) -> str:
    """Give what stays when lines move or numbers change: file, rule, setting, and which of several it is."""
    key = (place, finding.code, finding.setting or finding.key, finding.index)
    seen[key] += 1
    words = json.dumps([*key, seen[key]])
    return hashlib.sha256(words.encode()).hexdigest()[:32]


def _fix(mend: Fix, finding: Finding, artifact: dict[str, str]) -> dict[str, Any]:
    start = _start(finding)
    deleted = start | {"endColumn": start["startColumn"] + len(mend.old)}
    return {
        "description": {"text": f"write `{printable(mend.new)}`"},
        "artifactChanges": [
            {
                "artifactLocation": artifact,
                "replacements": [{"deletedRegion": deleted, "insertedContent": {"text": mend.new}}],
            }
        ],
    }
