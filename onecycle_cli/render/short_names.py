"""Short names of several plans: what differs between them, or their names without what all begin or end with."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from onecycle_cli.formatting import format_number, setting_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_SETTINGS = 2
"""Settings that a short name may consist of."""

OWN_WORDS = {
    "three_phase": ("two phases", "three phases"),
    "cycle_momentum": ("momentum not cycled", "momentum cycled"),
}
"""Settings that are true or false, and the words for both."""

SAY_IT_ALL = ("convention", "optimizer", "anneal_strategy")
"""Settings whose value is enough of a name."""

_TOKENS = re.compile(r"[^-_. /:]+|[-_. /:]")


def short_names(names: Sequence[str], settings: Sequence[Mapping[str, Any]], *, given: bool = False) -> list[str]:
    """Return a short name for each of several plans, all different.

    Args:
        names: the plans' names.
        settings: the settings in effect of each plan; several parameter groups have lists.
        given: whether the names were given to the plans by people, and are not those of their files.

    Returns:
        What differs between the plans, as `max_lr 0.3`, where this is at most two settings and they have no names of
        their own; else their names, without what is common to all.
    """
    if len(names) == 1:
        return list(names)
    if len(set(names)) == len(names) and (given or not _few_differ(settings)):
        return without_common_parts(names)
    differ = [setting for setting in settings[0] if len({str(own.get(setting)) for own in settings}) > 1]
    if len(set(names)) == 1 and len({own.get("convention") for own in settings}) == len(names):
        differ = ["convention"]  # what else differs follows from it
    found = [
        ", ".join(setting_words(setting, own.get(setting)) for setting in differ[:MOST_SETTINGS]) for own in settings
    ]
    if differ and len(differ) <= MOST_SETTINGS and len(set(found)) == len(found):
        return found
    return numbered(without_common_parts(names) if len(set(names)) == len(names) else names)


def _few_differ(settings: Sequence[Mapping[str, Any]]) -> bool:
    differ = [setting for setting in settings[0] if len({str(own.get(setting)) for own in settings}) > 1]
    values = [[own.get(setting) for setting in differ] for own in settings]
    plain = not any(value is None or isinstance(value, list) for own in values for value in own)
    return plain and 0 < len(differ) <= MOST_SETTINGS and len(set(map(str, values))) == len(values)


def setting_words(setting: str, value: object) -> str:
    """Return a setting and its value as a name says them: max_lr 0.3, two phases, linear."""
    if setting in OWN_WORDS and isinstance(value, bool):
        return OWN_WORDS[setting][value]
    if value is None:
        return f"no {setting}"
    if setting == "last_epoch" and isinstance(value, int):
        return f"from step {value + 1:,}"
    text = (
        f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else setting_text(value, format_number)
    )
    return text if setting in SAY_IT_ALL else f"{setting} {text}"


def without_common_parts(names: Sequence[str]) -> list[str]:
    """Return names without the words that all begin with, and those that all end with.

    Words end at separators. What is left begins with a letter: `lr-0.1`, not `0.1`.
    """
    parts = [_TOKENS.findall(name) for name in names]
    shortest = min(map(len, parts))
    begin = 0
    while begin < shortest - 1 and len({tuple(part[: begin + 1]) for part in parts}) == 1:
        begin += 1
    while begin and not all(part[begin][:1].isalpha() for part in parts):
        begin -= 1
    end = 0
    while end < shortest - begin - 1 and len({tuple(part[len(part) - end - 1 :]) for part in parts}) == 1:
        end += 1
    while end and not all(part[len(part) - end][:1] in "-_. /:" for part in parts):
        end -= 1
    found = ["".join(part[begin : len(part) - end]) for part in parts]
    return found if all(found) and len(set(found)) == len(set(names)) else list(names)


def numbered(names: Sequence[str]) -> list[str]:
    """Return names that are all different: the second of the same name gets a number."""
    seen, found = Counter[str](), list[str]()
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name} #{seen[name]}")
    return found


def short_tails(paths: Sequence[str]) -> list[str]:
    """Return the last parts of paths, as many as it takes to keep different paths different."""
    parts = [[part for part in path.split("/") if part] for path in paths]
    for length in range(1, max(map(len, parts), default=0) + 1):
        tails = ["/".join(part[-length:]) for part in parts]
        if len(set(tails)) == len(set(paths)):
            return tails
    return list(paths)
