"""How each setting of a plan came about: flag, file, convention's default, or derived."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.formatting import flag_name, setting_text
from onecycle_cli.policy.conventions import convention_of
from onecycle_cli.policy.plan import epoch_from_data, find_length
from onecycle_cli.policy.settings import SETTINGS, Settings

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


def provenance(settings: Settings, path: str, in_file: Collection[str], flags: Collection[str]) -> str:
    """Give a line a setting: its value, and where that came from."""
    lines = list(_lines(settings, path, in_file, flags))
    width = max(len(name) for name, _, _ in lines)
    value_width = max(len(value) for _, value, _ in lines)
    return "".join(f"{name:<{width}}  {value:<{value_width}}  {source}\n" for name, value, source in lines)


def _lines(
    settings: Settings, path: str, in_file: Collection[str], flags: Collection[str]
) -> Iterator[tuple[str, str, str]]:
    convention = convention_of(settings)
    for setting in SETTINGS:
        value = getattr(settings, setting)
        default = getattr(convention.defaults, setting, None)
        if setting in flags:
            yield setting, setting_text(value), flag_name(setting)
        elif value is not None and setting in in_file:
            yield setting, setting_text(value), path
        elif default is not None and not (setting == "final_div_factor" and settings.final_lr is not None):
            yield setting, setting_text(default), f"default of {convention.name}"
    yield from _derived(settings)


def _derived(settings: Settings) -> Iterator[tuple[str, str, str]]:
    epoch = epoch_from_data(settings)
    if settings.steps_per_epoch is None and epoch is not None:
        yield "steps_per_epoch", f"{epoch.steps}", f"derived: {epoch.sum}"
    length = find_length(settings)
    if settings.total_steps is None and length is not None:
        yield "total_steps", f"{length.total_steps}", f"derived: {length.sum}"
