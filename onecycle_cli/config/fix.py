"""Safe fixes: replace words where findings are, keep every other character, and show the difference."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import replace
from difflib import unified_diff
from pathlib import Path
from typing import TYPE_CHECKING

from onecycle_cli.config import findings_of
from onecycle_cli.config.files import PYTHON, read_source
from onecycle_cli.errors import OnecycleError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onecycle_cli.config import Loaded, Request
    from onecycle_cli.config.files import Source
    from onecycle_cli.findings import Finding, Fix

    Edit = tuple[int, int, str]
    """Begin and end of the text to replace, and the text to write there."""

_YAML_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_PYTHON_BREAK = re.compile("\r\n|[\r\n]")
_BEFORE = frozenset(" \t\r\n\x85\u2028\u2029,:=[{('\"")
_AFTER = re.compile("[ \t\r\n\x85\u2028\u2029,=\\]})]|:(?=\\s|$)|$")
_NO_END = "\\ No newline at end of file\n"


def fixed_files(loaded: Loaded, request: Request) -> Iterator[tuple[Source, str]]:
    """Return every file that has findings with a safe fix, and its fixed text if fewer findings are left.

    Files that were not asked for, but are part of one that was, are left as they are.
    """
    by_file: dict[str, list[Finding]] = {}
    for finding in loaded.findings:
        if finding.fix is not None and finding.file is not None:
            by_file.setdefault(finding.file, []).append(finding)
    for path, findings in by_file.items():
        source, reader = loaded.sources[path], loaded.readers[path]
        if path not in loaded.given:
            continue
        text = fix_text(source.text, findings, python=path.endswith(PYTHON))
        if text == source.text or source.finding is not None:
            continue
        changed = replace(source, text=text)
        if len(findings_of(reader, request, changed)) < len(findings_of(reader, request)):
            yield source, text


def check_fixable(source: Source) -> None:
    """Check that a file can be replaced by its fixed text.

    Raises:
        OnecycleError: it is read-only, or no longer what was read.
    """
    if read_source(source.path).text != source.text:
        raise OnecycleError(f"cannot fix {source.path}: it was changed in the meantime", "run it again")
    # Another file could take the place of a read-only one, and the superuser may write to all: the mode is asked, too.
    path = Path(source.path)
    if not path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH) or not os.access(path, os.W_OK):
        raise OnecycleError(f"cannot fix {path}: it is read-only", "make it writable, and run it again")


def fix_text(text: str, findings: Sequence[Finding], *, python: bool = False) -> str:
    """Replace each finding's word by its fix, where exactly that word is at the finding's place.

    A quoted word is found behind its quote, and the quotes stay. Fixes that overlap, or whose word is not there as a
    whole, are left out.

    Args:
        text: the text that was read, without its byte-order mark, so that columns are those of the findings.
        findings: what was found in this text.
        python: count lines as Python does; in YAML a line also ends at U+0085, U+2028 and U+2029. (In
            `str.splitlines` it ends at a form feed, too, which neither takes for a line break.)
    """
    starts = line_starts(text, python=python)
    edits = {
        edit
        for finding in findings
        if finding.fix is not None and (edit := _edit(text, starts, finding.line, finding.column, finding.fix))
    }
    pieces, end = [], 0
    for begin, stop, new in _without_overlaps(sorted(edits)):
        pieces += [text[end:begin], new]
        end = stop
    return "".join([*pieces, text[end:]])


def line_starts(text: str, *, python: bool) -> list[int]:
    """Return the character at which each line begins."""
    return [0, *(found.end() for found in (_PYTHON_BREAK if python else _YAML_BREAK).finditer(text))]


def difference(path: str, before: str, after: str) -> str:
    """Return the unified difference as `git apply` and `patch -p1` take it; empty where the texts are the same.

    To these programs a line ends at a line feed alone, so that other line endings pass through untouched.
    """
    name = path.removeprefix("./").lstrip("/")
    return "".join(unified_diff(_lines(before), _lines(after), _quoted("a/" + name), _quoted("b/" + name)))


def _edit(text: str, starts: list[int], line: int | None, column: int | None, fix: Fix) -> Edit | None:
    if not fix.old or line is None or column is None or not 1 <= line <= len(starts) or column < 1:
        return None
    begin = starts[line - 1] + column - 1
    if begin > (starts[line] if line < len(starts) else len(text)):
        return None
    if begin and text[begin - 1] not in _BEFORE:
        return None
    quote = text[begin : begin + 1]
    if quote in ("'", '"') and not fix.old.startswith(quote):
        begin += 1
        whole = text.startswith(fix.old + quote, begin) and not set(fix.new) & {quote, "\\"}
    else:
        whole = text.startswith(fix.old, begin) and _AFTER.match(text, begin + len(fix.old)) is not None
    return (begin, begin + len(fix.old), fix.new) if whole else None


def _without_overlaps(edits: list[Edit]) -> Iterator[Edit]:
    """Leave out every edit that overlaps another: which of them is meant cannot be known."""
    reached = -1
    for at, (begin, end, new) in enumerate(edits):
        following = edits[at + 1][0] if at + 1 < len(edits) else end
        if begin >= reached and following >= end:
            yield begin, end, new
        reached = max(reached, end)


def _lines(text: str) -> list[str]:
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop()
    return [*lines, last + _NO_END] if last != "\n" else lines


def _quoted(name: str) -> str:
    """Write a path as git does: quoted if it must be, and followed by a tab if it holds a space."""
    if re.search(r'[\x00-\x1f\x7f"\\]', name):
        return '"' + re.sub(r'[\x00-\x1f\x7f"\\]', lambda char: f"\\{ord(char[0]):03o}", name) + '"'
    return f"{name}\t" if " " in name else name
