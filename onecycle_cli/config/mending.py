"""Mending a config's text: words replaced where findings stand, every other character kept, and the difference."""

from __future__ import annotations

import re
from difflib import unified_diff
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onecycle_cli.findings import Finding

    Edit = tuple[int, int, str]
    """From where to where, and what is written there."""

_YAML_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_PYTHON_BREAK = re.compile("\r\n|[\r\n]")
_BEFORE = frozenset(" \t\r\n\x85\u2028\u2029,:=[{('\"")
_AFTER = re.compile("[ \t\r\n\x85\u2028\u2029,=\\]})]|:(?=\\s|$)|$")
_NO_END = "\\ No newline at end of file\n"


def mend(text: str, findings: Sequence[Finding], *, python: bool = False) -> str:
    """Replace each finding's word by its mend, where exactly that word stands at the finding's place.

    A quoted word is found behind its quote, and the quotes stay. Mends that overlap, or whose word does not stand
    there as a whole, are left out.

    Args:
        text: the text that was read, without its byte-order mark, so that columns are those of the findings.
        findings: what was found in this text.
        python: count lines as Python does; to YAML a line also ends at U+0085, U+2028 and U+2029. (To
            `str.splitlines` it ends at a form feed, too, which neither takes for a line break.)
    """
    starts = [0, *(each.end() for each in (_PYTHON_BREAK if python else _YAML_BREAK).finditer(text))]
    edits = {edit for finding in findings if (edit := _edit(text, starts, finding)) is not None}
    pieces, end = [], 0
    for begin, stop, new in _apart(sorted(edits)):
        pieces += [text[end:begin], new]
        end = stop
    return "".join([*pieces, text[end:]])


def _edit(text: str, starts: list[int], finding: Finding) -> Edit | None:
    mend, line, column = finding.fix, finding.line, finding.column
    if mend is None or not mend.old or line is None or column is None or not 1 <= line <= len(starts) or column < 1:
        return None
    begin = starts[line - 1] + column - 1
    if begin > (starts[line] if line < len(starts) else len(text)):
        return None
    if begin and text[begin - 1] not in _BEFORE:
        return None
    quote = text[begin : begin + 1]
    if quote in ("'", '"') and not mend.old.startswith(quote):
        begin += 1
        whole = text.startswith(mend.old + quote, begin) and not set(mend.new) & {quote, "\\"}
    else:
        whole = text.startswith(mend.old, begin) and _AFTER.match(text, begin + len(mend.old)) is not None
    return (begin, begin + len(mend.old), mend.new) if whole else None


def _apart(edits: list[Edit]) -> Iterator[Edit]:
    """Leave out every edit that overlaps another: which of them was meant cannot be known."""
    reached = -1
    for at, (begin, end, new) in enumerate(edits):
        following = edits[at + 1][0] if at + 1 < len(edits) else end
        if begin >= reached and following >= end:
            yield begin, end, new
        reached = max(reached, end)


def difference(path: str, before: str, after: str) -> str:
    """Give the unified difference that `git apply` and `patch -p1` take; nothing where the texts are the same.

    To these programs a line ends at a line feed alone, so that other line endings pass through untouched.
    """
    name = path.removeprefix("./").lstrip("/")
    lines = unified_diff(_lines(before), _lines(after), _named("a/" + name), _named("b/" + name))
    return "".join(lines)


def _lines(text: str) -> list[str]:
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop()
    return [*lines, last + _NO_END] if last != "\n" else lines


def _named(name: str) -> str:
    """Write a path as git does: quoted if it must be, and with a tab behind it if it holds a space."""
    if re.search(r'[\x00-\x1f\x7f"\\]', name):
        return '"' + re.sub(r'[\x00-\x1f\x7f"\\]', lambda char: f"\\{ord(char[0]):03o}", name) + '"'
    return f"{name}\t" if " " in name else name
