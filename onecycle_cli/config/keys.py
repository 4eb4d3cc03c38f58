"""Keys that name settings: mistyped ones, those that stand twice, and the taking of their values."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from onecycle_cli.config.nodes import Scalar, Sequence, place_at
from onecycle_cli.config.values import read_value
from onecycle_cli.findings import Fix
from onecycle_cli.findings.keys import DUPLICATE_KEY
from onecycle_cli.policy.settings import SETTINGS
from onecycle_cli.policy.validation import meant

if TYPE_CHECKING:
    from onecycle_cli.config.config import Config
    from onecycle_cli.config.nodes import Node, Place
    from onecycle_cli.findings import Finding

LONGEST_KEY = 24
"""Characters above which a key is no mistyped one of ours."""


def mistyped(key: str, given: set[str]) -> Fix | None:
    """Give the change that mends a mistyped key, where only one setting can be meant and it is not given itself."""
    near = get_close_matches(key[:LONGEST_KEY].lower().replace("-", "_"), SETTINGS, 2, 0.8)
    if len(near) != 1 or near[0] in given or meant(key) != near[0] or len(key) > LONGEST_KEY:
        return None
    given.add(near[0])  # of two keys mistyped for one setting, only the first may become it
    return Fix(key, near[0])


def take(config: Config, setting: str, node: Node) -> list[Finding]:
    """Note a setting's value and the places of the value and its items."""
    value, findings = read_value(setting, node)
    config.values[setting] = value
    config.places[setting, None] = node.place
    if isinstance(node, Sequence):
        config.places.update(((setting, at), item.place) for at, item in enumerate(node.items))
    return [each if each.line else place_at(each, config.places[setting, each.index]) for each in findings]


def duplicate(key: Scalar, first: Place) -> Finding:
    """Say that a key stands twice."""
    message = f"{key.text} stands twice, in line {first.line} and line {key.place.line}; PyYAML keeps the last"
    return place_at(DUPLICATE_KEY.finding(message, "remove one of the two"), key.place)
