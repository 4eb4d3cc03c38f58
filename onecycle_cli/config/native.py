"""Our own config files: one mapping from settings to values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from onecycle_cli.config.ignores import ignored_codes
from onecycle_cli.config.tree import Mapping, Place, Scalar, Sequence, UnreadableError, parse, place_at
from onecycle_cli.config.values import read_value
from onecycle_cli.findings.documents import NOT_A_MAPPING
from onecycle_cli.findings.keys import DUPLICATE_KEY, NUMBER_KIND, UNKNOWN_KEY, WRONG_TYPE
from onecycle_cli.policy.admission import unknown_key
from onecycle_cli.policy.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onecycle_cli.config.tree import Node
    from onecycle_cli.findings import Finding

TELLING = frozenset(
    {
        "max_lr", "total_steps", "pct_start", "anneal_strategy", "cycle_momentum", "base_momentum",
        "max_momentum", "div_factor", "final_div_factor", "three_phase",
    }
)  # fmt: skip
"""Keys that tell a config of ours, or a schedule's block, from any other YAML file."""

SETTINGS = frozenset(Settings.model_fields)

LONGEST_KEY = 24
"""Characters above which a key is no mistyped one of ours."""

_TELLING_LINE = re.compile(rf"^\s*[{{]?\s*({'|'.join(sorted(TELLING))})\s*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Config:
    """What a file says: its settings' values, where each stands, and what was found while reading.

    `readable` is False where there is no mapping of settings to judge, `is_ours` where nothing tells of a one-cycle
    schedule.
    """

    path: str
    text: str
    values: dict[str, object] = field(default_factory=dict)
    places: dict[tuple[str, int | None], Place] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    readable: bool = True
    is_ours: bool = True

    def place(self, findings: Iterable[Finding]) -> list[Finding]:
        """Give findings their place in the file, drop those that a comment silences, sort by place."""
        placed = [self._place(finding) for finding in findings]
        ignored = ignored_codes(self.text) if placed else {}
        kept = [each for each in placed if each.line is None or each.code not in ignored.get(each.line, ())]
        return sorted(kept, key=lambda each: (each.line or 0, each.column or 0, each.code))

    def _place(self, finding: Finding) -> Finding:
        if finding.path is not None:
            return finding
        place = Place(finding.line or 1, finding.column or 1)
        if finding.setting is not None and finding.line is None:
            whole = self.places.get((finding.setting, None), place)
            place = self.places.get((finding.setting, finding.index), whole)
        return replace(place_at(finding, place), path=self.path)


def read_config(path: str, text: str) -> Config:
    """Read a config's text; whatever is wrong with it is a finding."""
    try:
        root = parse(text)
    except UnreadableError as error:
        is_ours = tells_of_a_schedule(text)
        return Config(path, text, findings=(error.finding,), readable=False, is_ours=is_ours)
    if not isinstance(root, Mapping):
        return Config(path, text, findings=(_not_a_mapping(root),), readable=False, is_ours=False)
    return _read_mapping(path, text, root)


def _tells(key: str) -> bool:
    """Say whether a key tells of a one-cycle schedule, mistyped or not."""
    return key in TELLING or (len(key) <= LONGEST_KEY and bool(get_close_matches(key, TELLING, 1, 0.85)))


def tells_of_a_schedule(text: str) -> bool:
    """Say whether a text that is no YAML mapping was meant to be a config of ours, by its keys."""
    return _TELLING_LINE.search(text) is not None


def _read_mapping(path: str, text: str, root: Mapping) -> Config:
    config = Config(path, text)
    findings: list[Finding] = []
    places: dict[str, Place] = {}
    settings: dict[str, Node] = {}
    for key, node in root.entries:
        if not isinstance(key, Scalar):
            hint = "write the name of a setting, such as max_lr"
            findings.append(place_at(WRONG_TYPE.finding("a key must be a text", hint), key.place))
            continue
        if key.text in places:
            findings.append(_duplicate(key, places[key.text]))
        elif key.text not in SETTINGS:
            findings.append(place_at(_unknown(key.text), key.place))
        places.setdefault(key.text, key.place)
        if key.text in SETTINGS:
            settings[key.text] = node
    for setting, node in settings.items():
        findings += _take(config, setting, node)
    if config.values.get("convention") not in (None, "torch"):
        findings = [each for each in findings if each.rule is not NUMBER_KIND]
    return replace(config, findings=tuple(findings), is_ours=any(map(_tells, places)))


def _unknown(key: str) -> Finding:
    if key == "<<":
        return UNKNOWN_KEY.finding("unknown key '<<'", "write the merged settings themselves")
    return unknown_key(key)


def _take(config: Config, setting: str, node: Node) -> list[Finding]:
    """Note a setting's value and the places of the value and its items."""
    value, findings = read_value(setting, node)
    config.values[setting] = value
    config.places[setting, None] = node.place
    if isinstance(node, Sequence):
        config.places.update(((setting, at), item.place) for at, item in enumerate(node.items))
    return [place_at(each, config.places[setting, each.index]) for each in findings]


def _duplicate(key: Scalar, first: Place) -> Finding:
    message = f"{key.text} stands twice, in line {first.line} and line {key.place.line}; PyYAML keeps the last"
    return place_at(DUPLICATE_KEY.finding(message, "remove one of the two"), key.place)


def _not_a_mapping(root: Node | None) -> Finding:
    kind = {Sequence: "a list", Scalar: "a single text"}.get(type(root), "nothing but comments, or empty")
    hint = "write settings, such as `max_lr: 0.1`; `onecycle init` begins a config"
    if isinstance(root, Scalar) and ":" in root.text:
        hint = "put a space after each colon: `max_lr: 0.1`"
    finding = NOT_A_MAPPING.finding(f"no settings: the file is {kind}", hint)
    return place_at(finding, root.place if root else Place(1, 1))
