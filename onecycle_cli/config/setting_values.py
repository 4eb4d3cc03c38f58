"""The values that a file gives to settings, and what is found in how they are written."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from onecycle_cli.config.loaders import EXACT, OMEGACONF, PYYAML
from onecycle_cli.config.nodes import MappingNode, ScalarNode, SequenceNode, place_at
from onecycle_cli.config.scalars import KNOWN_TAGS, NUMBER_TAGS, construct, portable, read_plain
from onecycle_cli.findings import Fix
from onecycle_cli.findings.config_rules import DUPLICATE_KEY, NUMBER_KIND, WRONG_TYPE, YAML_VERSIONS
from onecycle_cli.formatting import shorten
from onecycle_cli.policy.settings import SEGMENT, SETTINGS

if TYPE_CHECKING:
    from onecycle_cli.config.loaders import Loader
    from onecycle_cli.config.nodes import Node
    from onecycle_cli.config.scalars import Plain
    from onecycle_cli.findings import Finding

TORCH_COUNTS = ("total_steps", "epochs", "steps_per_epoch")
"""Settings that PyTorch requires to be ints."""

DECLARED = {**SEGMENT, **SETTINGS}
"""The declarations of settings, and of a segment's keys that are not settings too."""

LONGEST_SHOWN = 60

ValueFound = tuple[object, list["Finding"]]
"""A value, and the findings about how it is written."""


def read_value(setting: str, node: Node, loader: Loader) -> ValueFound:
    """Read the value of a setting; a value of the wrong type is returned unchanged, for validation to reject."""
    if isinstance(node, ScalarNode):
        return _read_scalar(setting, node, loader, None)
    if DECLARED[setting].parts:
        return _read_segments(setting, node, loader)
    if not isinstance(node, SequenceNode):
        return {}, []
    values, findings = [], []
    for index, item in enumerate(node.items):
        value, found = _read_scalar(setting, item, loader, index) if isinstance(item, ScalarNode) else ([], [])
        values.append(value)
        findings += found
    return values, findings


def _read_segments(setting: str, node: Node, loader: Loader) -> ValueFound:
    """Read mappings whose values are written as those of settings."""
    values: list[object] = []
    findings: list[Finding] = []
    for index, item in enumerate(node.items if isinstance(node, SequenceNode) else [node]):
        if not isinstance(item, MappingNode):
            value, _ = _read_scalar(setting, item, loader, None) if isinstance(item, ScalarNode) else ([], [])
            values.append(value)
            continue
        given: dict[str, object] = {}
        values.append(given)
        named = f"{setting}[{index}]"
        for key, inner in item.entries:
            name = key.text if isinstance(key, ScalarNode) else "a list or a mapping"
            if name in given:
                message = f"{named}: duplicate key {name}"
                findings.append(place_at(DUPLICATE_KEY.finding(message, "remove one of the two", setting), key.place))
            if name not in SEGMENT:
                given[name] = inner  # which is not a key, and refused as one
                continue
            given[name], found = read_value(name, inner, loader)
            said = [replace(one, setting=setting, index=index, message=f"{named}: {one.message}") for one in found]
            findings += [one if one.line else place_at(one, inner.place) for one in said]
    return values, findings


def number_of(node: Node, named: str = "", loader: Loader = EXACT) -> tuple[float | None, list[Finding]]:
    """Read a number beside the settings, and what is found in how it is written; None for other values."""
    if not isinstance(node, ScalarNode) or not (node.plain or loader.converts):
        return None, []
    value, found = _read_number(named, node, loader)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > sys.float_info.max:
        return None, []
    return value, [] if found is None or node.written.flag is not None else [place_at(found, node.written)]


def _read_scalar(setting: str, node: ScalarNode, loader: Loader, index: int | None) -> ValueFound:
    wanted = DECLARED[setting].single if index is None else DECLARED[setting].item
    if node.tag is not None and node.tag not in KNOWN_TAGS:
        named = node.tag if node.tag.startswith("!") else f"!<{node.tag}>"
        message = f"{setting} has the tag {named}, which PyYAML's safe loader refuses"
        return None, [WRONG_TYPE.finding(message, "write the value without the tag", setting, index)]
    is_number = wanted in (int, float) and loader.converts
    if wanted is None or not (node.plain or is_number):
        return node.text, []
    if node.plain and loader.read(node.text) is None:
        return None, []
    if wanted is str or (setting == "groups" and isinstance(read_plain(node.text), str)):
        return node.text, []
    value, found = _read_number(setting, node, loader, index)
    if value is None or isinstance(value, str):
        return value, []
    findings = [found] if found is not None else []
    intended = int(value) if wanted is int and isinstance(value, float) and value.is_integer() else value
    kind = None if isinstance(value, bool) or findings else _kind_of_number(setting, value, loader)
    if kind is not None:
        findings.append(_number_kind(setting, node.text, value, kind, loader, index))
    if node.written.flag is not None:
        return intended, []  # given by a flag: no other reader will see how it is written
    return intended, [place_at(finding, node.written) for finding in findings]


def _read_number(
    setting: str, node: ScalarNode, loader: Loader, index: int | None = None
) -> tuple[Plain, Finding | None]:
    """Read a number or a boolean, and compare what the file's loader makes of it with what it looks like."""
    text = node.text
    if node.tag in NUMBER_TAGS:
        return construct(node.tag, text), None
    looks, loaded = read_plain(text), loader.read(text)
    if type(looks) is type(loaded) and (looks == loaded or looks != looks):  # NaN is not itself
        return looks, None
    if isinstance(looks, str) and isinstance(loaded, str):
        return text, None
    if loader.is_ours:
        if isinstance(looks, str):
            wants_bool = setting in DECLARED and DECLARED[setting].single is bool
            if ":" in text or isinstance(loaded, bool) != wants_bool:
                return text, None
        value = loaded if isinstance(looks, str) else looks
    else:
        value = looks if isinstance(loaded, str) else loaded
        if isinstance(looks, str) and ":" not in text:
            return value, None  # such as 1_000 and yes, which every loader reads so
    return value, _misread(setting, text, value, loader, index)


def _misread(setting: str, text: str, value: Plain, loader: Loader, index: int | None) -> Finding:
    """Return the finding about a number that is not what it looks like, or that other readers take for another."""
    looks, loaded = read_plain(text), loader.read(text)
    is_count = setting in DECLARED and DECLARED[setting].single is int
    number = int(value) if is_count and isinstance(value, float) and value.is_integer() else value
    better = str(number) if isinstance(number, int) and not isinstance(number, bool) else portable(text, number)
    shown = shorten(text, LONGEST_SHOWN)
    others = f"YAML 1.2 as {_say(looks)}"
    if loader is PYYAML and not isinstance(OMEGACONF.read(text), str) and isinstance(loaded, str):
        others = f"OmegaConf (Hydra) and jsonargparse (LightningCLI) as {_say(OMEGACONF.read(text))}"
    # Where both read a number, but not the same one, only the author knows which is meant.
    is_safe = isinstance(loaded, str) or isinstance(looks, str)
    hint = f"write {better}" if is_safe or loader.is_ours else f"write {better}, or {looks} if that is meant"
    message = f"{setting}: {loader.name} reads {shown} as {_say(loaded)}, {others}"
    found = YAML_VERSIONS.finding(message, hint, setting, index)
    return replace(found, fix=Fix(text, better)) if is_safe else found


def _kind_of_number(setting: str, value: float, loader: Loader) -> str | None:
    """Return the type that a number must have to be accepted, if it does not have it."""
    if setting in TORCH_COUNTS and isinstance(value, float) and value.is_integer():
        return "an int"
    if setting == "pct_start" and isinstance(value, int) and value in (0, 1) and not loader.converts:
        return "a float"
    return None


def _number_kind(setting: str, text: str, value: float, wanted: str, loader: Loader, index: int | None) -> Finding:
    better = str(int(value)) if wanted == "an int" else f"{value}.0"
    who = loader.name if loader.converts else "PyTorch"
    message = f"{setting}: {who} accepts only {wanted}, not {text}"
    return replace(NUMBER_KIND.finding(message, f"write {better}", setting, index), fix=Fix(text, better))


def _say(value: Plain) -> str:
    return f"the string '{shorten(value, LONGEST_SHOWN)}'" if isinstance(value, str) else f"{value!r}".lower()
