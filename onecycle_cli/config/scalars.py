"""Scalars: their values in YAML 1.2 and in PyYAML, which reads YAML 1.1, and the values of settings."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import yaml

from onecycle_cli.config.nodes import ScalarNode, SequenceNode, place_at
from onecycle_cli.findings import Fix
from onecycle_cli.findings.config_rules import NUMBER_KIND, WRONG_TYPE, YAML_VERSIONS
from onecycle_cli.formatting import yaml_number
from onecycle_cli.policy.settings import SETTINGS

if TYPE_CHECKING:
    from onecycle_cli.config.nodes import Node
    from onecycle_cli.findings import Finding

NUMBER_TAGS = frozenset({"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"})
"""Tags that make a number of what PyYAML would otherwise read as text."""

PLAIN_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool", "null"))
"""Tags under which quotes do not matter: `!!int '10'` is a number."""

KNOWN_TAGS = {"!", "tag:yaml.org,2002:str", *PLAIN_TAGS}

TORCH_COUNTS = ("total_steps", "epochs", "steps_per_epoch")
"""Settings that PyTorch requires to be ints."""

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
_EXPONENT = re.compile(r"[-+]?([0-9]+(_[0-9]+)*(\.[0-9_]*)?|\.[0-9]+(_[0-9]+)*)[eE][-+]?[0-9]+")
"""The floats that OmegaConf 2.3 and jsonargparse 4.53 read in addition to PyYAML's, such as 1e-3."""

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

ValueFound = tuple[object, list["Finding"]]
"""A value, and the findings about how it is written."""


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
    power = 10 ** min(nearest, 10_000) if digits else 0
    return -power if text.startswith("-") else power


def read_by_pyyaml(text: str) -> Plain:
    """Read a plain scalar as PyYAML's safe loader does; what it cannot convert is a string."""
    if _AGREED.fullmatch(text) and text.lower() not in ("yes", "no", "on", "off"):
        return read_plain(text)
    tag: str = _PYYAML.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    construct = _CONSTRUCTORS.get(tag.rpartition(":")[2])
    if construct is None:
        return text
    try:
        value: Plain = construct(yaml.ScalarNode(tag, text))
    except (ValueError, OverflowError):
        return text
    return value


def portable(text: str, value: Plain) -> str:
    """Return a number as both YAML 1.1 and 1.2 read it, close to how it is written: 1e-3 becomes 1.0e-3."""
    if isinstance(value, bool):
        return str(value).lower()
    written = yaml_number(text)
    return written if written != text else repr(value)


def read_value(setting: str, node: Node) -> ValueFound:
    """Read the value of a setting; a value of the wrong type is returned unchanged, for validation to reject."""
    if isinstance(node, ScalarNode):
        return _read_scalar(setting, node, None)
    if not isinstance(node, SequenceNode):
        return {}, []
    values, findings = [], []
    for index, item in enumerate(node.items):
        value, found = _read_scalar(setting, item, index) if isinstance(item, ScalarNode) else ([], [])
        values.append(value)
        findings += found
    return values, findings


def _read_scalar(setting: str, node: ScalarNode, index: int | None) -> ValueFound:
    wanted = SETTINGS[setting].single if index is None else SETTINGS[setting].item
    if node.tag is not None and node.tag not in KNOWN_TAGS:
        named = node.tag if node.tag.startswith("!") else f"!<{node.tag}>"
        message = f"{setting} has the tag {named}, which PyYAML's safe loader refuses"
        return None, [WRONG_TYPE.finding(message, "write the value without the tag", setting, index)]
    if not node.plain or wanted is None:
        return node.text, []
    value = read_plain(node.text)
    if value is None:
        return None, []
    if wanted is str or (setting == "groups" and isinstance(value, str)):
        return node.text, []
    number, findings = _read_number(setting, node.text, value, index)
    if node.tag in NUMBER_TAGS:
        findings = [finding for finding in findings if finding.rule is not YAML_VERSIONS]
    if node.written.flag is not None:
        return number, []  # given by a flag: no other reader will see how it is written
    return number, [place_at(finding, node.written) for finding in findings]


def is_text_to_pyyaml_alone(finding: Finding) -> bool:
    """Return whether a finding is about a number that only PyYAML's own loaders read as text."""
    text = finding.fix.old if finding.rule is YAML_VERSIONS and finding.fix is not None else ""
    return _EXPONENT.fullmatch(text) is not None


def number_of(node: Node, named: str) -> tuple[float | None, list[Finding]]:
    """Read a number beside the settings, with a finding if YAML 1.1 reads another; None for other values."""
    if not isinstance(node, ScalarNode) or not node.plain:
        return None, []
    value, by_pyyaml = read_plain(node.text), read_by_pyyaml(node.text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None, []
    is_number = node.tag in NUMBER_TAGS or (type(value) is type(by_pyyaml) and value == by_pyyaml)
    if node.written.flag is not None or is_number:
        return value, []
    return value, [place_at(_yaml_versions(named, node.text, value, by_pyyaml, None), node.written)]


def _read_number(setting: str, text: str, value: Plain, index: int | None) -> ValueFound:
    """Read a number or a boolean, and compare with PyYAML's reading."""
    by_pyyaml = read_by_pyyaml(text)
    differs = type(by_pyyaml) is not type(value) or (by_pyyaml != value and value == value)  # NaN is not itself
    if differs and isinstance(value, str):
        wants_bool = SETTINGS[setting].single is bool
        if isinstance(by_pyyaml, str) or ":" in text or isinstance(by_pyyaml, bool) != wants_bool:
            return value, []
        value = by_pyyaml
    intended, findings = value, []
    if SETTINGS[setting].single is int and isinstance(value, float) and value.is_integer():
        intended = int(value)
    if differs:
        findings.append(_yaml_versions(setting, text, intended, by_pyyaml, index))
    elif type(intended) is not type(value) and setting in TORCH_COUNTS:
        findings.append(_number_kind(setting, text, "an int", str(intended), index))
    elif setting == "pct_start" and type(value) is int and value in (0, 1):
        findings.append(_number_kind(setting, text, "a float", f"{value}.0", index))
    return intended, findings


def _yaml_versions(setting: str, text: str, value: Plain, by_pyyaml: Plain, index: int | None) -> Finding:
    plain = read_plain(text)
    better = str(value) if isinstance(value, int) and not isinstance(value, bool) else portable(text, value)
    message = f"{setting}: PyYAML (YAML 1.1) reads {text} as {_say(by_pyyaml)}, YAML 1.2 as {_say(plain)}"
    found = YAML_VERSIONS.finding(message, f"write {better}", setting, index)
    # Where both read a number, but not the same one, only the author knows which is meant.
    is_safe = isinstance(by_pyyaml, str) or isinstance(plain, str)
    return replace(found, fix=Fix(text, better)) if is_safe else found


def _number_kind(setting: str, text: str, wanted: str, better: str, index: int | None) -> Finding:
    message = f"{setting}: PyTorch accepts only {wanted}, not {text}"
    return replace(NUMBER_KIND.finding(message, f"write {better}", setting, index), fix=Fix(text, better))


def _say(value: Plain) -> str:
    return f"the string '{value}'" if isinstance(value, str) else f"{value!r}".lower()
