"""Our own config files: one mapping from settings to values."""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from onecycle_cli.config.config import Config
from onecycle_cli.config.keys import LONGEST_KEY, duplicate, mistyped, take
from onecycle_cli.config.nodes import Mapping, Place, Scalar, Sequence, is_merge, place_at
from onecycle_cli.findings.documents import NOT_A_MAPPING
from onecycle_cli.findings.keys import NUMBER_KIND, UNKNOWN_KEY, WRONG_TYPE
from onecycle_cli.policy.conventions import CONVENTIONS, DEFAULT
from onecycle_cli.policy.settings import SETTINGS
from onecycle_cli.policy.validation import meant, unknown_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onecycle_cli.config.nodes import Node
    from onecycle_cli.findings import Finding

TELLING = frozenset(
    {
        "max_lr", "total_steps", "pct_start", "anneal_strategy", "cycle_momentum", "base_momentum",
        "max_momentum", "div_factor", "final_div_factor", "three_phase",
    }
)  # fmt: skip
"""Keys that tell a config of ours, or a schedule's block, from any other YAML file."""

MOST_KEYS = 60
"""Keys above which a file is none of ours unless one of them tells of a schedule."""

_TELLING_LINE = re.compile(rf"^\s*[{{]?\s*({'|'.join(sorted(TELLING))})\s*:", re.MULTILINE)


def tells(root: Mapping) -> bool:
    """Say whether a mapping's keys, mistyped or not, tell of a one-cycle schedule."""
    return any(isinstance(key, Scalar) and _tells(key.text) for key, _ in root.entries)


def _is_mostly_ours(keys: Iterable[str]) -> bool:
    """Say whether more than half of the keys may be meant as settings: `max_lr` alone stands in other files too."""
    meant_so = [meant(key) is not None for key in keys]
    return 2 * sum(meant_so) > len(meant_so)


def could_be_settings(root: Mapping) -> bool:
    """Say whether a mapping is a config of ours: a key tells of a schedule, or all of them may be meant as settings."""
    keys = [key.text for key, _ in root.entries if isinstance(key, Scalar)]
    return tells(root) or (bool(keys) and len(keys) < MOST_KEYS and all(map(meant, keys)))


def _tells(key: str) -> bool:
    return key in TELLING or (len(key) <= LONGEST_KEY and bool(get_close_matches(key, TELLING, 1, 0.85)))


def tells_of_a_schedule(text: str) -> bool:
    """Say whether a text that is no YAML mapping was meant to be a config of ours, by its keys."""
    return _TELLING_LINE.search(text) is not None


def read_native(path: str, text: str, root: Mapping) -> Config:
    """Read a config of ours, all of whose keys are settings."""
    config = Config(path, text)
    findings: list[Finding] = []
    places: dict[str, Place] = {}
    settings: dict[str, Node] = {}
    settings_given = {key.text for key, _ in root.entries if isinstance(key, Scalar)}
    for key, node in root.entries:
        if not isinstance(key, Scalar):
            hint = "write the name of a setting, such as max_lr"
            findings.append(place_at(WRONG_TYPE.finding("a key must be a text", hint), key.place))
            continue
        if key.text in places:
            findings.append(duplicate(key, places[key.text]))
        elif key.text not in SETTINGS:
            findings.append(place_at(_unknown(key, settings_given), key.place))
        places.setdefault(key.text, key.place)
        if key.text in SETTINGS:
            settings[key.text] = node
    for setting, node in settings.items():
        findings += take(config, setting, node)
    convention = CONVENTIONS.get(str(config.values.get("convention") or DEFAULT))
    if convention is None or not convention.checks_types:
        findings = [each for each in findings if each.rule is not NUMBER_KIND]
    return replace(config, findings=tuple(findings), is_ours=tells(root) and _is_mostly_ours(places))


def _unknown(key: Scalar, given: set[str]) -> Finding:
    if is_merge(key):
        return UNKNOWN_KEY.finding("unknown key '<<'", "merge a mapping, such as one under an anchor: <<: *base")
    return replace(unknown_key(key.text), fix=mistyped(key.text, given))


def not_a_mapping(root: Node | None) -> Finding:
    """Say that there is no mapping of settings."""
    kind = {Sequence: "a list", Scalar: "a single text"}.get(type(root), "nothing but comments, or empty")
    hint = "write settings, such as `max_lr: 0.1`; `onecycle init` begins a config"
    if isinstance(root, Scalar) and ":" in root.text:
        hint = "put a space after each colon: `max_lr: 0.1`"
    finding = NOT_A_MAPPING.finding(f"no settings: the file is {kind}", hint)
    return place_at(finding, root.place if root else Place(1, 1))
