"""What a plain scalar is to YAML 1.2, and whether PyYAML, which reads YAML 1.1, takes it for something else."""

from __future__ import annotations

import math
import re

import yaml

from onecycle_cli.formatting import yaml_number

_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
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
"""More digits than any float64 has; of longer whole numbers, all of which are refused, only the length is kept."""

_PYYAML = yaml.SafeLoader("")
_CONSTRUCTORS = {
    "int": _PYYAML.construct_yaml_int,
    "float": _PYYAML.construct_yaml_float,
    "bool": _PYYAML.construct_yaml_bool,
    "null": _PYYAML.construct_yaml_null,
}

Plain = str | int | float | bool | None


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
    if len(text) <= MOST_DIGITS:
        if _OCTAL.fullmatch(text):
            return int(text, 8)
        if _HEX.fullmatch(text):
            return int(text, 16)
    return text


def _power_of_ten(text: str) -> int:
    digits = text.lstrip("+-0")
    nearest = len(digits) - (digits < "4")
    power = 10 ** min(nearest, 10_000) if digits else 0
    return -power if text.startswith("-") else power


def read_by_pyyaml(text: str) -> Plain:
    """Read a plain scalar as PyYAML's safe loader does; what is no number, truth or null to it is a text."""
    if _AGREED.fullmatch(text) and text.lower() not in ("yes", "no", "on", "off"):
        return read_plain(text)
    return _ask_pyyaml(text)


def _ask_pyyaml(text: str) -> Plain:
    tag: str = _PYYAML.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    construct = _CONSTRUCTORS.get(tag.rpartition(":")[2])
    if construct is None:
        return text
    try:
        value: Plain = construct(yaml.ScalarNode(tag, text))
    except (ValueError, OverflowError):
        return text
    return value


def same_to_both(text: str, value: Plain) -> str:
    """Write a number so that YAML 1.1 and 1.2 agree on it, close to how it was written: 1e-3 becomes 1.0e-3."""
    if isinstance(value, bool):
        return str(value).lower()
    written = yaml_number(text)
    return written if "e" in written.lower() else repr(value)
