"""Whether each value can be trained with: its range, the length of its list, and its framework."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from onecycle_cli.findings.plan_rules import (
    FACTOR_BELOW_ONE,
    GROUP_NAMES,
    LAYER_PEAKS,
    LIST_LENGTHS,
    OUT_OF_RANGE,
    PCT_START_RANGE,
    TWO_FINALS,
    UNSUPPORTED,
)
from onecycle_cli.formatting import count
from onecycle_cli.policy.conventions import convention_of
from onecycle_cli.policy.settings import HUGE_POWER, MOST_GROUPS, SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.conventions.base import Convention
    from onecycle_cli.policy.settings import Setting, Settings

LISTS = tuple(name for name, setting in SETTINGS.items() if setting.item is float)
"""The settings that take a list with one number per parameter group."""

NEUTRAL = {"three_phase": False, "cycle_momentum": False}
"""Values that ask for nothing, so a framework without the setting has them anyway."""


# --- Ranges -----------------------------------------------------------------------------------------------------


def check_ranges(settings: Settings) -> Iterator[Finding]:
    """Check each number against its own range, then the quotients of two."""
    found = [finding for name, value in settings.given.items() for finding in check_range(name, SETTINGS[name], value)]
    yield from found
    yield from _check_factors(settings)
    if not found:
        yield from _check_ends(settings)


def check_range(name: str, setting: Setting, value: object) -> Iterator[Finding]:
    """Find the numbers of a setting that are outside its range."""
    listed = isinstance(value, tuple)
    for index, number in enumerate(value if isinstance(value, tuple) else (value,)):
        if isinstance(number, bool) or not isinstance(number, int | float):
            continue
        violation = _violation(number, setting)
        if violation is None:
            continue
        if name == "pct_start":
            hint = "set pct_start to the fraction of the cycle that warms up, such as 0.3"
            if 1 < number <= 100:
                fraction = max(f"{number / 100:.2f}", f"{number / 100:g}", key=len)
                hint = f"did you mean {fraction}?" if number >= 1.5 else "set pct_start to 1.0 or less"
            message = f"pct_start is {show(number)}, outside 0…1: it is a fraction of the cycle"
            yield PCT_START_RANGE.finding(message, hint, name)
        else:
            named = f"{name}[{index}]" if listed else name
            hint = f"set {name} to a value such as {setting.example}"
            yield OUT_OF_RANGE.finding(f"{named} is {show(number)}, {violation}", hint, name, index if listed else None)


def _violation(number: float, setting: Setting) -> str | None:
    if isinstance(number, float) and not math.isfinite(number):
        return "not a finite number"
    if setting.above is not None and number <= setting.above:
        return f"but must be above {setting.above:g}"
    if setting.at_least is not None and number < setting.at_least:
        return f"but must be at least {setting.at_least:g}"
    if setting.at_most is not None and number > setting.at_most:
        return f"but must be at most {setting.at_most:,}"
    return None


def _check_factors(settings: Settings) -> Iterator[Finding]:
    for name, consequence in (
        ("div_factor", "the cycle starts above its peak, at max_lr"),
        ("final_div_factor", "the cycle ends above its start, at the initial learning rate"),
    ):
        factor = getattr(settings, name)
        if factor is not None and 0 < factor < 1:
            turned = 1 / factor
            message = f"{name} is {show(factor)}: {consequence} × {turned:.4g}"
            large = math.isinf(turned)
            hint = f"set {name} to 1 or more" if large else f"{name} divides; did you mean {turned:.4g}?"
            yield FACTOR_BELOW_ONE.finding(message, hint, name)
    final = settings.final_lr
    if final is None:
        return
    lowest = min(values_of(settings.max_lr), default=math.inf)
    if 0 < lowest < final < math.inf:
        message = f"final_lr is {show(final)}, above the peak {show(lowest)}: the cycle ends above it"
        yield FACTOR_BELOW_ONE.finding(message, "set final_lr below max_lr, such as 4.0e-7", "final_lr")
    if settings.final_div_factor is not None:
        yield TWO_FINALS.finding(
            f"final_lr {show(final)} and final_div_factor {show(settings.final_div_factor)} are both given; "
            "final_lr wins",
            "remove final_div_factor",
            "final_div_factor",
        )


def _check_ends(settings: Settings) -> Iterator[Finding]:
    """Find learning rates outside the range of float64, computed from numbers that are each in range."""
    defaults = convention_of(settings).defaults
    div = settings.div_factor or defaults.div_factor
    final_div = settings.final_div_factor or defaults.final_div_factor
    for peak in values_of(settings.max_lr):
        initial = peak / div
        if not 0 < initial < math.inf:
            message = f"max_lr / div_factor = {show(peak)} / {show(div)} is {show(initial)} in float64"
            hint = "set div_factor to a value such as 25.0"
            yield OUT_OF_RANGE.finding(message, hint, "div_factor" if settings.div_factor is not None else "max_lr")
            return
        if settings.final_lr is None and not math.isfinite(initial / final_div):
            message = f"the final learning rate, {show(initial)} / {show(final_div)}, is not finite in float64"
            yield OUT_OF_RANGE.finding(message, "set final_div_factor to a value such as 1.0e+4", "final_div_factor")
            return


# --- Lists and parameter groups ---------------------------------------------------------------------------------


def check_groups(settings: Settings) -> Iterator[Finding]:
    """Check the names of the groups, and the lengths of the lists against their number."""
    yield from _check_names(settings)
    yield from _check_layer_peaks(settings)
    lengths = {name: len(value) for name in LISTS if isinstance(value := getattr(settings, name), tuple)}
    expected: int | None = None
    source = ""
    if isinstance(settings.groups, tuple):
        expected = len(settings.groups)
        source = f"groups has {count(expected, 'name')}"
    elif settings.groups is not None:
        expected, source = settings.groups, f"groups is {settings.groups}"
    elif lengths:
        first, expected = next(iter(lengths.items()))
        source = f"{first} has {expected}"
    for name, length in lengths.items():
        if length == 0:
            yield LIST_LENGTHS.finding(
                f"{name} is an empty list", f"set {name} to one value, or to one per group", name
            )
        elif length > MOST_GROUPS:
            message = f"{name} has {length:,} values, but there can be at most {MOST_GROUPS:,} parameter groups"
            yield LIST_LENGTHS.finding(message, f"set {name} to a single value for all groups", name)
        elif expected is not None and length != expected:
            message = f"{name} has {count(length, 'value')}, but {source}"
            hint = f"set {name} to {count(expected, 'value')}" + (", or to one for all groups" if expected > 1 else "")
            yield LIST_LENGTHS.finding(message, hint, name)


def groups_agree(settings: Settings) -> bool:
    """Return whether the lists agree on the parameter groups, so that a plan can be constructed."""
    return not any(check_groups(settings)) and (not isinstance(settings.groups, int) or settings.groups >= 1)


def _check_layer_peaks(settings: Settings) -> Iterator[Finding]:
    """Find an lr_decay that could not be turned into one peak per group; `check_ranges` reports one out of range."""
    decay = settings.lr_decay
    if decay is None or not 0 < decay <= 1:
        return
    if isinstance(settings.max_lr, tuple):
        message = f"lr_decay is {show(decay)}, but max_lr is a list, which gives each group its peak"
        yield LAYER_PEAKS.finding(message, "remove lr_decay, or set max_lr to the peak of the last group", "lr_decay")
    elif settings.groups is None:
        message = f"lr_decay is {show(decay)}, but groups, the number of layers, is not given"
        yield LAYER_PEAKS.finding(message, "set groups to the number of parameter groups, such as 12", "lr_decay")
    elif isinstance(settings.groups, tuple) or 1 <= settings.groups <= MOST_GROUPS:
        number = len(settings.groups) if isinstance(settings.groups, tuple) else settings.groups
        message = f"lr_decay is {show(decay)}: over {number:,} groups the peak of the first one is 0 in float64"
        yield LAYER_PEAKS.finding(message, "set lr_decay closer to 1", "lr_decay")


def _check_names(settings: Settings) -> Iterator[Finding]:
    groups = settings.groups
    if not isinstance(groups, tuple):
        return
    if not 1 <= len(groups) <= MOST_GROUPS:
        message = f"groups has {count(len(groups), 'name')}, but must have 1 to {MOST_GROUPS:,}"
        yield GROUP_NAMES.finding(message, "name each parameter group once, such as [backbone, head]", "groups")
        return
    for index, name in enumerate(groups):
        if not name.strip() or not name.isprintable():
            message = f"groups[{index}] is {name!r}, but must be printable: it appears in column names"
            yield GROUP_NAMES.finding(message, "set it to a word such as head", "groups", index)
        elif name in groups[:index]:
            message = f"groups[{index}] repeats the name {name!r}"
            yield GROUP_NAMES.finding(message, "use a different name for each parameter group", "groups", index)


# --- What the framework supports --------------------------------------------------------------------------------


def unsupported(values: Mapping[str, object], convention: Convention) -> Iterator[tuple[str, str]]:
    """Return the settings that ask for something a convention does not support, each with the reason."""
    neutral = {**NEUTRAL, "anneal_strategy": convention.defaults.anneal_strategy}
    for name, reason in convention.unsupported.items():
        value = values.get(name)
        if value is not None and value != neutral.get(name):
            yield name, reason


def check_support(settings: Settings) -> Iterator[Finding]:
    """Find settings that the convention's framework does not have."""
    convention = convention_of(settings)
    for name, reason in unsupported(settings.given, convention):
        action = f"set {name} to false" if name in NEUTRAL else f"remove {name}"
        yield UNSUPPORTED.finding(
            f"{name} is not supported by {convention.name}: {reason}", f"{action}, or choose another convention", name
        )


# --- Values in messages -----------------------------------------------------------------------------------------


def show(number: float) -> str:
    """Return a number as its author would write it, and exactly."""
    if isinstance(number, int):
        # Python refuses to write very long integers out, so their number of digits is computed from their bits.
        power = round((abs(number).bit_length() - 1) * math.log10(2))
        if abs(number) == 10**HUGE_POWER:
            return f"{'-' * (number < 0)}10^{power:,} or {'less' if number < 0 else 'more'}"
        return f"{number:,}" if abs(number) < 10**18 else f"about {'-' * (number < 0)}10^{power:,}"
    return repr(number)


def shown(value: object) -> str:
    """Return a value of any type as a message quotes it, however long it is."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, int) and abs(value) >= 10**18:
        return show(value)
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…{text[-1]}"


def values_of(given: float | tuple[float, ...] | None) -> tuple[float, ...]:
    """Return a setting's numbers: none, one, or one per parameter group."""
    return () if given is None else given if isinstance(given, tuple) else (given,)
