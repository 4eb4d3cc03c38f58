"""`--vary`: several values of a setting, each of which makes a plan, and every combination of several settings."""

from __future__ import annotations

import math
import re
from itertools import product
from typing import TYPE_CHECKING, Any

from onecycle_cli.cli.flag_values import group_names, number, numbers, whole
from onecycle_cli.cli.usage import nearest
from onecycle_cli.config import Variation
from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import flag_name, shorten
from onecycle_cli.policy.settings import SETTINGS
from onecycle_cli.render.short_names import setting_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MOST_PLANS = 500
"""Plans that one command makes of variations: more are a mistyped grid, and could not be distinguished."""

NOT_VARIED = {
    "convention": "use --convention torch,fastai",
    "name": "give each config its own",
    "then": "write it in a config",
    "verbose": "use -v",
}
"""Settings that make no plans of their own, and what to do instead."""

_OUTSIDE_BRACKETS = re.compile(r",(?![^\[]*\])")


def read_variations(texts: Sequence[str], flags: Mapping[str, object]) -> tuple[Variation, ...]:
    """Read `--vary SETTING=V1,V2,…`, given once per setting, into every combination of the values.

    Raises:
        OnecycleError: a setting is unknown, or is given twice or by a flag as well; a value is not one of the setting;
            there are too many combinations.
    """
    values: dict[str, list[Any]] = {}
    for text in texts:
        name, equals, listed = text.partition("=")
        setting = name.strip().replace("-", "_")
        if setting not in SETTINGS or setting in NOT_VARIED or not equals:
            raise _not_a_setting(text, setting)
        if setting in values or setting in flags:
            other = "--vary" if setting in values else flag_name(setting)
            raise OnecycleError(
                f"{setting} is given twice, by --vary and {other}", "put all its values after one --vary"
            )
        values[setting] = [read_value(setting, item.strip()) for item in _OUTSIDE_BRACKETS.split(listed)]
        if len({str(value) for value in values[setting]}) < len(values[setting]):
            raise OnecycleError(f"--vary {shorten(text, 60)}: a value is repeated", "give each value once")
    if math.prod(map(len, values.values())) > MOST_PLANS:
        plans = " × ".join(str(len(items)) for items in values.values())
        raise OnecycleError(f"--vary makes {plans} plans, above {MOST_PLANS}", "vary fewer values at a time")
    made = (dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())) if values else ()
    return tuple(Variation(", ".join(setting_words(*item) for item in each.items()), each) for each in made)


def _not_a_setting(text: str, setting: str) -> OnecycleError:
    near = nearest(setting, [name for name in SETTINGS if name not in NOT_VARIED])
    hint = NOT_VARIED.get(setting) or (f"did you mean {near}={SETTINGS[near].example}?" if near else "")
    if setting in SETTINGS and setting not in NOT_VARIED:
        hint = f"give its values: --vary {setting}={SETTINGS[setting].example},…"
    return OnecycleError(f"--vary {shorten(text, 60)!r} is not a setting with values", hint or "such as max_lr=0.1,0.2")


def read_value(setting: str, text: str) -> Any:
    """Read one value as its flag does; a list is in brackets, which are not part of the flag's value."""
    what = SETTINGS[setting]
    wanted = "a value between the commas"
    try:
        if text.startswith("[") and text.endswith("]") and what.item is not None:
            items = text[1:-1]
            return group_names(items) if what.item is str else numbers(items)
        if what.single is int:
            return whole(text)
        if what.single is float:
            return number(text)
    except ValueError as error:
        wanted = str(error)
    else:
        booleans: dict[str, Any] = {"true": True, "false": False}
        words = booleans if what.single is bool else {word: word for word in what.choices or (text,)}
        typed = text.lower() if what.single is bool else text
        if typed and typed in words:
            return words[typed]
        wanted = f"one of {', '.join(words)}" if text else wanted
    raise OnecycleError(f"{shorten(text, 40)!r} is not a value of {setting}", f"give {wanted}")
