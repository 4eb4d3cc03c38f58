"""Marks that stand for a value which is set at run time: `???`, `auto`, -1, null, `$LR`, `${oc.env:LR}`, `{{ lr }}`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.config.loaders import MISSING
from onecycle_cli.config.nodes import ScalarNode
from onecycle_cli.config.scalars import KNOWN_TAGS, read_plain

if TYPE_CHECKING:
    from onecycle_cli.config.nodes import Node


@dataclass(frozen=True, slots=True)
class Mark:
    """What stands in a value's place.

    Attributes:
        how: how the program gets the value, as it follows "it is".
        default: the value that the file itself gives for the case that the environment has none.
    """

    how: str
    default: str = ""


_PLACEHOLDER = re.compile(r"<[A-Za-z][\w .-]*>|%\(\w+\)[a-z]|@\w+@|__[A-Z][A-Z0-9_]*__")
_BRACES = re.compile(r"\{[A-Za-z_]\w*\}")
_ENVIRONMENT = re.compile(r"\$\{(?:oc\.)?env:\s*['\"]?(\w+)['\"]?\s*(?:,\s*([^{}]*?)\s*)?\}()")
_SHELL = re.compile(r"\$\{(\w+)(?::?-([^{}]*))?\}|\$(\w+)")


def mark_of(node: ScalarNode) -> Mark | None:
    """Return the mark that a scalar is, for any kind of value; None if it is a value itself.

    `auto`, -1 and null are left to `is_open`, because some settings take them as values.
    """
    if node.tag is not None and node.tag not in KNOWN_TAGS:
        return Mark("computed at run time")
    text = node.text.strip()
    if text == MISSING:
        return Mark("set at run time")
    if not (text.startswith("$") or "${" in text or "{{" in text or _is_placeholder(node, text)):
        return None
    found = _ENVIRONMENT.search(text) or _SHELL.fullmatch(text)
    if found is None:
        return Mark("computed at run time")
    name, default = found[1] or found[3], (found[2] or "").strip("'\"")
    return Mark(f"the environment variable {name}" + (f", or {default} without it" if default else ""), default)


def _is_placeholder(node: ScalarNode, text: str) -> bool:
    return bool(_PLACEHOLDER.fullmatch(text) or (not node.plain and _BRACES.fullmatch(text)))


def is_open(node: Node) -> bool:
    """Return whether a node leaves its value to the program, as an empty one does, null, -1 or `auto`."""
    if not isinstance(node, ScalarNode):
        return False
    return is_auto(node) or (node.plain and read_plain(node.text.strip()) in (None, -1))


def is_auto(node: ScalarNode) -> bool:
    """Return whether a node leaves its value to the program in so many words."""
    return node.text.strip().lower() == "auto"
