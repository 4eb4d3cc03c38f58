"""Whether lists and parameter groups agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.findings.values import GROUP_NAMES, LIST_LENGTHS
from onecycle_cli.policy.settings import MOST_GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.settings import Settings

LISTS = ("max_lr", "base_momentum", "max_momentum", "final_momentum")


def check_groups(settings: Settings) -> Iterator[Finding]:
    """Judge the names of the groups, and the lengths of the lists against their number."""
    yield from _judge_names(settings)
    lengths = {setting: len(value) for setting in LISTS if isinstance(value := getattr(settings, setting), tuple)}
    expected, source = _expected(settings, lengths)
    for setting, length in lengths.items():
        if length == 0:
            yield LIST_LENGTHS.finding(
                f"{setting} is an empty list", f"give {setting} one value, or one a group", setting
            )
        elif length > MOST_GROUPS:
            yield LIST_LENGTHS.finding(
                f"{setting} has {length:,} values; there can be up to {MOST_GROUPS:,} parameter groups",
                f"give {setting} a single value for all",
                setting,
            )
        elif expected is not None and length != expected:
            yield LIST_LENGTHS.finding(
                f"{setting} has {length} values, {source} {expected}",
                f"give {setting} {expected} values, one a parameter group, or a single one for all",
                setting,
            )


def groups_agree(settings: Settings) -> bool:
    """Say whether the lists make parameter groups of which a plan can be made."""
    return not any(check_groups(settings)) and (not isinstance(settings.groups, int) or settings.groups >= 1)


def _expected(settings: Settings, lengths: dict[str, int]) -> tuple[int | None, str]:
    """Give the number of groups that lists must keep to, and what says so; None where nothing does."""
    if isinstance(settings.groups, tuple):
        return len(settings.groups), "groups names"
    if settings.groups is not None:
        return settings.groups, "groups says"
    if lengths:
        setting, length = next(iter(lengths.items()))
        return length, f"{setting} has"
    return None, ""


def _judge_names(settings: Settings) -> Iterator[Finding]:
    groups = settings.groups
    if not isinstance(groups, tuple):
        return
    if not 1 <= len(groups) <= MOST_GROUPS:
        yield GROUP_NAMES.finding(
            f"groups names {len(groups):,} parameter groups; there can be 1 to {MOST_GROUPS:,}",
            "name each parameter group once, such as [backbone, head]",
            "groups",
        )
        return
    for index, name in enumerate(groups):
        if not name.strip() or not name.isprintable():
            yield GROUP_NAMES.finding(
                f"groups[{index}] is {name!r}: a name heads a column, and this one cannot be read there",
                "give the group a name of letters, such as head",
                "groups",
                index,
            )
        elif name in groups[:index]:
            yield GROUP_NAMES.finding(
                f"groups[{index}] repeats the name {name!r}",
                "give each parameter group a name of its own",
                "groups",
                index,
            )
