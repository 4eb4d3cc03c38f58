"""What `onecycle compare` found, ready to be rendered, and its JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from onecycle_cli.formatting import finite
from onecycle_cli.policy.summary import area, summarize, warmup_steps
from onecycle_cli.render.telling import telling_steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from onecycle_cli.policy.comparison import Largest, Outcome
    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.policy.summary import GroupSummary
    from onecycle_cli.policy.translation import Translation


@dataclass(frozen=True, slots=True)
class Entry:
    """One plan of a comparison.

    Attributes:
        name: what tells it apart from the others.
        schedule: its values.
        settings: the settings that hold in it, by name.
        differing: those that differ from the reference's: the reference's value and its own.
        outcome: how its curve differs; None for the reference itself.
        translation: the reference's curve in its convention, where that comes closer than the plan itself.
    """

    name: str
    schedule: Schedule
    settings: dict[str, Any]
    differing: dict[str, tuple[Any, Any]]
    outcome: Outcome | None
    translation: Translation | None

    @property
    def equal(self) -> bool:
        """Whether it is the reference, or as good as it."""
        return self.outcome is None or self.outcome.first is None


def shown_steps(entries: Sequence[Entry]) -> list[int]:
    """Choose the steps that tell most: the reference's, each plan's peak and end, and where they differ."""
    steps = set(telling_steps(entries[0].schedule))
    for each in entries:
        steps |= {summarize(each.schedule, 0).peak_step, each.schedule.total_steps - 1}
        if each.outcome is not None:
            found = (each.outcome.first, each.outcome.lr, each.outcome.momentum)
            steps |= {at.step for at in found if at is not None}
    return sorted(steps)


def most_differing_group(entries: Sequence[Entry]) -> str:
    """Name the parameter group in which a plan differs most from the reference; the first where none does."""
    found = [each.outcome.lr for each in entries if each.outcome and each.outcome.lr]
    worst = max(found, key=lambda each: each.relative, default=None)
    return worst.group if worst else entries[0].schedule.groups[0]


def group_number(schedule: Schedule, name: str) -> int:
    """Give a parameter group's number in a schedule; 0 where it has none of the name."""
    return schedule.groups.index(name) if name in schedule.groups else 0


def values_at(schedule: Schedule, step: int, group: int = 0) -> tuple[float | None, float | None]:
    """Give a step's learning rate and momentum; None for a step that the plan does not train."""
    if group >= len(schedule.groups) or not schedule.first_step <= step < schedule.total_steps:
        return None, None
    return schedule.lr(step, group), schedule.momentum(step, group)


def comparison_json(entries: Sequence[Entry], tolerance: float, steps: Iterable[int]) -> dict[str, Any]:
    """Give a comparison as the JSON of `onecycle compare` has it."""
    rows = [(step, [values_at(each.schedule, step) for each in entries]) for step in steps]
    return {
        "equal": all(each.equal for each in entries),
        "tolerance": tolerance,
        "reference": entries[0].name,
        "plans": [_plan(each) for each in entries],
        "rows": [
            {"step": step, "lr": [lr for lr, _ in values], "momentum": [momentum for _, momentum in values]}
            for step, values in rows
        ],
    }


def _plan(entry: Entry) -> dict[str, Any]:
    schedule, found = entry.schedule, entry.outcome
    summaries = [summarize(schedule, group) for group in range(len(schedule.groups))]
    told = {
        "name": entry.name,
        "convention": entry.settings["convention"],
        "total_steps": schedule.total_steps,
        "warmup_steps": warmup_steps(schedule),
        **_measures(schedule, 0, summaries[0]),
        "first_difference": asdict(found.first) if found and found.first else None,
        "largest_difference": _largest(found.lr) if found else None,
        "largest_momentum_difference": _largest(found.momentum) if found else None,
        "sampled": found.sampled if found else False,
        "settings_that_differ": {
            setting: {"reference": reference, "plan": own} for setting, (reference, own) in entry.differing.items()
        },
        "translation": _translation(entry.translation),
    }
    if len(summaries) > 1:
        told["groups"] = [
            {"name": each.name, **_measures(schedule, group, each)} for group, each in enumerate(summaries)
        ]
    return told


def _measures(schedule: Schedule, group: int, each: GroupSummary) -> dict[str, Any]:
    return {
        "peak_step": each.peak_step,
        "peak_lr": each.peak_lr,
        "final_lr": each.final_lr,
        "area": finite(area(schedule, group)),
    }


def _largest(found: Largest | None) -> dict[str, Any] | None:
    return None if found is None else {**asdict(found), "relative": finite(found.relative)}


def _translation(found: Translation | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"settings": found.settings, "largest_difference": _largest(found.largest), "note": found.note or None}
