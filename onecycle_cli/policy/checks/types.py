"""Whether each value is of its setting's type, and each segment after the cycle a mapping with a segment's keys."""

from __future__ import annotations

import math
from dataclasses import replace
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING

from onecycle_cli.findings.config_rules import MISSING_SETTING, UNKNOWN_CHOICE, UNKNOWN_KEY, WRONG_TYPE
from onecycle_cli.findings.plan_rules import OUT_OF_RANGE
from onecycle_cli.formatting import THOUSANDS, flag_name
from onecycle_cli.policy.checks.ranges import show, shown
from onecycle_cli.policy.settings import SEGMENT, SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.settings import Setting

TYPE_NAMES = {float: "a number", int: "an integer", bool: "true or false", str: "a string"}

NEEDS = {"cycle": ("max_lr",)}
"""By shape: what it needs beside its last step."""


def check_types(values: Mapping[str, object]) -> Iterator[Finding]:
    """Find values that are not of their setting's type, one finding per setting; None means not given."""
    for name, setting in SETTINGS.items():
        value = values.get(name)
        if value is None:
            if setting.required:
                hint = f"set {name} to the highest learning rate of the run, or use {flag_name(name)} {setting.example}"
                yield MISSING_SETTING.finding(f"{name}, the peak, is not given", hint, name)
            continue
        check = _check_segments if setting.parts else _check_type
        yield from check(name, setting, value)


def _check_type(name: str, setting: Setting, value: object) -> Iterator[Finding]:
    """Find a value that is not of its setting's type."""
    if setting.choices:
        if not (isinstance(value, str) and value in setting.choices):
            choices = list(setting.choices)
            near = get_close_matches(str(value).lower().replace("_", "-")[:60], choices, 1, 0.4)
            hint = f"did you mean {near[0]}?" if near else f"set {name} to {choices[0]}"
            message = f"{name} is {shown(value)}, not one of: {', '.join(choices)}"
            yield UNKNOWN_CHOICE.finding(message, hint, name)
    elif isinstance(value, list | tuple) and setting.item is not None:
        misfits = (index for index, item in enumerate(value) if not _is_of(setting.item, item))
        for index in islice(misfits, 1):
            yield _wrong_type(name, setting, value[index], index)
    elif not _is_of(setting.single, value):
        yield _wrong_type(name, setting, value)


def _is_of(kind: type, value: object) -> bool:
    """Return whether a value is of a type: an integer is a number too, and a boolean is not an integer."""
    if isinstance(value, bool) or kind is bool:
        return isinstance(value, bool) and kind is bool
    if kind is float and isinstance(value, int):
        try:
            float(value)
        except OverflowError:
            return False
        return True
    return isinstance(value, kind)


def _wrong_type(name: str, setting: Setting, value: object, index: int | None = None) -> Finding:
    """Return the finding about a value, which is an item of a list where there is an index."""
    kind = setting.single if index is None else setting.item
    named = name if index is None else f"{name}[{index}]"
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        hint = f"set {name} to a value such as {setting.example}"
        return OUT_OF_RANGE.finding(f"{named} is {show(value)}, not a finite number", hint, name, index)
    unquoted = _unquoted(setting.single, value)
    hint = f"write {unquoted} without quotes" if unquoted else f"write a value such as {setting.example}"
    if isinstance(value, float) and setting.single is int and math.isfinite(value):
        hint = f"write {round(value)}"
    if isinstance(value, str) and setting.single is int and THOUSANDS.fullmatch(value.strip()):
        hint = f"write {value.strip().replace(',', '')}"
    wanted = TYPE_NAMES[kind or str]
    if index is None and setting.item is not None:
        wanted += f" or a list of {TYPE_NAMES[setting.item].removeprefix('a ')}s, one per parameter group"
    article = "the float " if isinstance(value, float) and setting.single is int else ""
    return WRONG_TYPE.finding(f"{named} must be {wanted}, not {article}{shown(value)}", hint, name, index)


def _unquoted(kind: type, value: object) -> str | None:
    """Return a quoted number or boolean without its quotes, or None if it is neither."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    if kind is bool:
        return text.lower() if text.lower() in ("true", "false") else None
    try:
        number = float(text) if text.isascii() else math.nan
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    return str(int(number)) if kind is int and number.is_integer() else shown(text)[1:-1]


# --- Segments ---


def _check_segments(name: str, setting: Setting, value: object) -> Iterator[Finding]:
    """Find segments that are not mappings with the keys of a segment, and values of the wrong type in them."""
    segments = value if isinstance(value, list | tuple) else [value]
    for index, given in enumerate(segments):
        if not isinstance(given, dict):
            message = f"{name}[{index}] must be a segment, not {shown(given)}"
            yield WRONG_TYPE.finding(message, f"write it as {setting.example[1:-1]}", name, index)
            continue
        yield from (replace(found, setting=name, index=index) for found in _check_keys(f"{name}[{index}]", given))


def _check_keys(named: str, given: dict[object, object]) -> Iterator[Finding]:
    for key in given:
        if key not in SEGMENT:
            near = get_close_matches(str(key)[:60], SEGMENT, 1)
            hint = f"did you mean {near[0]}?" if near else f"remove it; a segment has {', '.join(SEGMENT)}"
            yield UNKNOWN_KEY.finding(f"{named}: unknown key {shown(key)}", hint)
    for key, part in SEGMENT.items():
        if given.get(key) is not None:
            yield from (
                replace(found, message=f"{named}: {found.message}") for found in _check_type(key, part, given[key])
            )
        elif part.required or key in NEEDS.get(str(given.get("shape")), ()):
            yield MISSING_SETTING.finding(f"{named}: {key} is not given", f"add {key}: {part.example}")
