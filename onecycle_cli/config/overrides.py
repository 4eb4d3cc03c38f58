"""Flags over a file: a flag beats the file, also where the file says the same thing in another way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.formatting import flag_name

if TYPE_CHECKING:
    from collections.abc import Mapping

DATA = ("dataset_size", "batch_size", "gradient_accumulation", "world_size", "drop_last")

RIVALS: dict[str, tuple[str, ...]] = {
    "epochs": ("total_steps",),
    "steps_per_epoch": ("total_steps",),
    **dict.fromkeys(DATA, ("total_steps", "steps_per_epoch")),
    "final_lr": ("final_div_factor",),
    "final_div_factor": ("final_lr",),
}
"""By flag: the settings of a file that would otherwise win over it."""


def override(values: Mapping[str, object], flags: Mapping[str, object]) -> tuple[dict[str, object], tuple[str, ...]]:
    """Lay flags over a file's values; give the outcome, and a note for each setting of the file that was dropped."""
    merged = {**values, **flags}
    notes = []
    for flag in flags:
        for rival in RIVALS.get(flag, ()):
            if rival in flags or merged.get(rival) is None or _keeps(flag, rival, merged):
                continue
            notes.append(f"{flag_name(flag)} is given, so the file's {rival} {merged[rival]} is dropped")
            del merged[rival]
    return merged, tuple(notes)


def _keeps(flag: str, rival: str, merged: Mapping[str, object]) -> bool:
    """Keep total_steps where the flag gives no other length: steps_per_epoch then only numbers the epochs."""
    return rival == "total_steps" and flag != "epochs" and merged.get("epochs") is None
