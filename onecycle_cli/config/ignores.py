"""Comments that silence a finding on their line: `# onecycle: ignore[OC104]`, or several codes with commas."""

from __future__ import annotations

import re

_COMMENT = re.compile(r"(?:^|\s)#\s*onecycle:\s*ignore\[([^\]]*)\]")


def ignored_codes(text: str) -> dict[int, frozenset[str]]:
    """Give the codes that a comment silences, by line (1-based)."""
    if "ignore[" not in text:
        return {}
    comments = ((number, _COMMENT.search(line)) for number, line in enumerate(text.splitlines(), 1))
    return {
        number: frozenset(code.strip() for code in comment[1].split(",")) for number, comment in comments if comment
    }
