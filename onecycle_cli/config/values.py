"""What a node says for one setting, leniently: the settings' own declaration then decides whether it will do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from onecycle_cli.config.nodes import Scalar, Sequence, place_at
from onecycle_cli.config.scalars import read_by_pyyaml, read_plain, same_to_both
from onecycle_cli.config.tree import PLAIN_TAGS
from onecycle_cli.findings import Fix
from onecycle_cli.findings.keys import NUMBER_KIND, WRONG_TYPE, YAML_VERSIONS
from onecycle_cli.policy.settings import SETTINGS

if TYPE_CHECKING:
    from onecycle_cli.config.nodes import Node
    from onecycle_cli.config.scalars import Plain
    from onecycle_cli.findings import Finding

TORCH_COUNTS = ("total_steps", "epochs", "steps_per_epoch")
"""Settings of which PyTorch demands that they are ints."""

KNOWN_TAGS = {"!", "tag:yaml.org,2002:str", *PLAIN_TAGS}

Found = tuple[object, list["Finding"]]
"""A value, and what is to say of how it is written."""


def read_value(setting: str, node: Node) -> Found:
    """Read the value of a setting; what fits none of its kinds is handed on as it is, to be refused there."""
    if isinstance(node, Scalar):
        return _read_scalar(setting, node, None)
    if not isinstance(node, Sequence):
        return {}, []
    values, findings = [], []
    for index, item in enumerate(node.items):
        value, found = _read_scalar(setting, item, index) if isinstance(item, Scalar) else ([], [])
        values.append(value)
        findings += found
    return values, findings


def _read_scalar(setting: str, node: Scalar, index: int | None) -> Found:
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
    if (node.origin or node.place).flag is not None:
        return number, []  # given by a flag: no other reader will see how it is written
    return number, [place_at(each, node.origin) if node.origin else each for each in findings]


def number_of(node: Node, named: str) -> tuple[float | None, list[Finding]]:
    """Read a number that is no setting's, and say if YAML 1.1 reads it differently; None where it is no number."""
    if not isinstance(node, Scalar) or not node.plain:
        return None, []
    value, by_pyyaml = read_plain(node.text), read_by_pyyaml(node.text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None, []
    if (node.origin or node.place).flag is not None or (type(value) is type(by_pyyaml) and value == by_pyyaml):
        return value, []
    return value, [place_at(_yaml_versions(named, node.text, value, by_pyyaml, None), node.origin or node.place)]


def _read_number(setting: str, text: str, value: Plain, index: int | None) -> Found:
    """Read a number or a truth value, and compare with what PyYAML makes of it."""
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
    seen = [
        f"PyYAML (YAML 1.1) reads {text} as {_say(by_pyyaml)}",
        f"YAML 1.2 as {_say(plain)}",
    ]
    better = str(value) if isinstance(value, int) and not isinstance(value, bool) else same_to_both(text, value)
    found = YAML_VERSIONS.finding(f"{setting}: {', '.join(seen)}", f"write {better}", setting, index)
    # Where both read a number, and not the same one, only the author knows which is meant.
    is_safe = isinstance(by_pyyaml, str) or isinstance(plain, str)
    return replace(found, fix=Fix(text, better)) if is_safe else found


def _number_kind(setting: str, text: str, wanted: str, better: str, index: int | None) -> Finding:
    message = f"{setting}: PyTorch takes only {wanted} and refuses {text}"
    found = NUMBER_KIND.finding(message, f"write {better}", setting, index)
    return replace(found, fix=Fix(text, better))


def _say(value: Plain) -> str:
    return f"the text '{value}'" if isinstance(value, str) else f"{value!r}".lower()
