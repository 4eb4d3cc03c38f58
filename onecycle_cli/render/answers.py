"""What a person asks of a plan before any table: how long, from where, to where, how warm, in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.formatting import count, format_number, percent
from onecycle_cli.policy.summary import peak_is_reached, summarize, warmup_steps

if TYPE_CHECKING:
    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.policy.summary import GroupSummary

Answer = tuple[str, str]
MOST_GROUPS = 20
"""Groups that are answered for one by one."""


def answers(schedule: Schedule, momentum_word: str) -> list[Answer]:
    """Give the answers as pairs of a word and a line."""
    summaries = [summarize(schedule, group) for group in range(min(len(schedule.groups), MOST_GROUPS))]
    lines = [("length", _length(schedule)), *_resume(schedule)]
    for each in summaries:
        label = f" {each.name}" if len(schedule.groups) > 1 else ""
        lines.append((f"lr{label}", _rates(each)))
    if len(schedule.groups) > MOST_GROUPS:
        lines.append(("", f"… and {len(schedule.groups) - MOST_GROUPS:,} parameter groups more"))
    lines.append(("peak", _peak(schedule, summaries[0])))
    lines.append(("warm-up", _warmup(schedule)))
    lines += _momenta(schedule, summaries, momentum_word)
    return lines


def _length(schedule: Schedule) -> str:
    length = schedule.plan.length
    if length.came_from == "total_steps":
        per_epoch = length.steps_per_epoch
        epochs = f" = {format_number(length.total_steps / per_epoch)} epochs of {per_epoch:,}" if per_epoch else ""
        return f"{length.total_steps:,} steps, total_steps as given{epochs}"
    return f"{length.total_steps:,} steps = {length.sum}"


def _resume(schedule: Schedule) -> list[Answer]:
    if schedule.first_step == 0:
        return []
    ahead = schedule.total_steps - schedule.first_step
    return [("resume", f"at step {schedule.first_step:,}; {ahead:,} of {schedule.total_steps:,} steps are ahead")]


def _rates(each: GroupSummary) -> str:
    rates = (each.initial_lr, each.peak_lr, each.final_lr)
    return " → ".join(map(format_number, rates)) + "   (initial, peak, final)"


def _peak(schedule: Schedule, each: GroupSummary) -> str:
    where = [f"step {each.peak_step:,}"]
    if schedule.steps_per_epoch:
        where.append(f"epoch {format_number(each.peak_step / schedule.steps_per_epoch)}")
    where.append(_share(each.peak_step, schedule))
    peak = format_number(schedule.plan.groups[0].max_lr)
    below = "" if peak_is_reached(schedule) else f"; max_lr {peak} itself falls on no step"
    return ", ".join(where) + below


def _share(steps: int, schedule: Schedule) -> str:
    return f"{percent(steps / schedule.total_steps)} of the cycle"


def _warmup(schedule: Schedule) -> str:
    steps = warmup_steps(schedule)
    if steps == 0:
        return "none"
    parts = [count(steps, "step")]
    if schedule.steps_per_epoch:
        parts.append(f"{format_number(steps / schedule.steps_per_epoch)} epochs")
    return ", ".join([*parts, _share(steps, schedule)])


def _momenta(schedule: Schedule, summaries: list[GroupSummary], word: str) -> list[Answer]:
    if not schedule.cycles_momentum:
        return [(word, "not cycled")]
    told = [_momentum(each) for each in summaries]
    if len(set(told)) == 1:
        return [(word, told[0])]
    return [(f"{word} {each.name}", line) for each, line in zip(summaries, told, strict=True)]


def _momentum(each: GroupSummary) -> str:
    values = (each.initial_momentum, each.lowest_momentum, each.final_momentum)
    return " → ".join(format_number(value) for value in values if value is not None) + "   (initial, lowest, final)"
