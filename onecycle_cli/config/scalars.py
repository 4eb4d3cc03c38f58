"""Plain scalars: their values in YAML 1.2, and in PyYAML, which reads YAML 1.1."""

from __future__ import annotations

import math
import re

import yaml

from onecycle_cli.formatting import yaml_number
from onecycle_cli.policy.settings import HUGE_POWER

NUMBER_TAGS = frozenset({"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"})
"""Tags that make a number of what PyYAML would otherwise read as text."""

PLAIN_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool", "null"))
"""Tags under which quotes do not matter: `!!int '10'` is a number."""

KNOWN_TAGS = {"!", "tag:yaml.org,2002:str", *PLAIN_TAGS}

_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL_OR_HEX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"([-+]?)\.(inf|Inf|INF)")
_WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_AGREED = re.compile(r"[-+]?(0|[1-9][0-9]*)|[-+]?[0-9]+\.[0-9]*([eE][-+][0-9]+)?|[A-Za-z ]*")
MOST_DIGITS = 400
"""More digits than any float64 has; of longer integers, all of which are rejected, only the magnitude is kept."""
_PYYAML = yaml.SafeLoader("")
_CONSTRUCTORS = {
    "int": _PYYAML.construct_yaml_int,
    "float": _PYYAML.construct_yaml_float,
    "bool": _PYYAML.construct_yaml_bool,
    "null": _PYYAML.construct_yaml_null,
}

Plain = str | int | float | bool | None
"""What a scalar can be."""


def read_plain(text: str) -> Plain:
    """Read a plain scalar by the YAML 1.2 core schema."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text) if len(text) <= MOST_DIGITS else _power_of_ten(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if infinite := _INFINITE.fullmatch(text):
        return -math.inf if infinite[1] == "-" else math.inf
    if len(text) <= MOST_DIGITS and _OCTAL_OR_HEX.fullmatch(text):
        return int(text, 0)
    return text


def _power_of_ten(text: str) -> int:
    digits = text.lstrip("+-0")
    nearest = len(digits) - (digits < "4")
    power = 10 ** min(nearest, HUGE_POWER) if digits else 0
    return -power if text.startswith("-") else power


def read_by_pyyaml(text: str) -> Plain:
    """Read a plain scalar as PyYAML's safe loader does; what it cannot convert is a string."""
    if _AGREED.fullmatch(text) and text.lower() not in ("yes", "no", "on", "off"):
        return read_plain(text)
    tag: str = _PYYAML.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return construct(tag, text) if tag.rpartition(":")[2] in _CONSTRUCTORS else text


def construct(tag: str, text: str) -> Plain:
    """Return the number that PyYAML makes of a text with a tag such as `!!float`; the text itself if it refuses."""
    try:
        value: Plain = _CONSTRUCTORS[tag.rpartition(":")[2]](yaml.ScalarNode(tag, text))
    except (ValueError, OverflowError, LookupError):
        return text
    return value


def portable(text: str, value: Plain) -> str:
    """Return a number as both YAML 1.1 and 1.2 read it, close to how it is written: 1e-3 becomes 1.0e-3."""
    if isinstance(value, bool):
        return str(value).lower()
    written = yaml_number(text)
    return written if written != text else repr(value)
