"""A plan as text or JSON: key facts, phases and a table of steps, and where each setting comes from."""

from __future__ import annotations

from dataclasses import asdict
from typing import IO, TYPE_CHECKING, Any

from onecycle_cli.formatting import count, flag_name, format_number, percent, printable, setting_text, short
from onecycle_cli.policy.continuation import description
from onecycle_cli.policy.conventions import convention_of
from onecycle_cli.policy.plan import epoch_from_data, find_length
from onecycle_cli.policy.settings import SETTINGS, Settings
from onecycle_cli.policy.summary import edge_steps, peak_is_reached, summarize, warmup_steps
from onecycle_cli.render.lines import has_colour, styled, table, width_of, wrap
from onecycle_cli.render.step_table import columns, table_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from onecycle_cli.policy.ramps import Phase
    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.policy.summary import GroupSummary

MOST_GROUPS = 20
"""Parameter groups that are listed one by one."""

FEW_STEPS = 12
"""A cycle of at most so many steps is shown whole."""

NARROW = 60
"""Columns of a terminal below which titles are short."""

Fact = tuple[str, str]
"""A name and what is said of it, in one line."""


def key_steps(schedule: Schedule) -> list[int]:
    """Return the steps shown by default: first, last, peaks, the phases' edges, and the quarters between them.

    Only steps still ahead are among them; of a short cycle all are.
    """
    first, last = schedule.first_step, schedule.total_steps - 1
    if last - first < FEW_STEPS:
        return list(range(first, last + 1))
    steps = {first, last, *edge_steps(schedule)}
    steps.update(summarize(schedule, group).peak_step for group in range(len(schedule.groups)))
    for phase in schedule.phases:
        steps.update(phase.first_step + (phase.last_step - phase.first_step) * quarter // 4 for quarter in (1, 2, 3))
    return sorted(step for step in steps if step >= first)


def phase_rates(schedule: Schedule, phase: Phase) -> list[tuple[float, float]]:
    """Return each group's learning rates between which a phase moves; one that is cut short ends at its last step."""
    return [
        (ramp.start, schedule.lr(phase.last_step, group) if phase.is_cut else ramp.end)
        for group, ramp in enumerate(phase.lr)
    ]


def plan_json(name: str, schedule: Schedule, convention: str, steps: Sequence[int]) -> dict[str, Any]:
    """Return a plan as `onecycle show --format json` writes it."""
    warmup, phases = warmup_steps(schedule), []
    for phase in schedule.phases:
        rates = [{"start_lr": start, "end_lr": end} for start, end in phase_rates(schedule, phase)]
        entry = {"name": phase.name, "first_step": phase.first_step, "last_step": phase.last_step, **rates[0]}
        phases.append(entry | ({"groups": rates} if len(rates) > 1 else {}))
    return {
        "name": name,
        "total_steps": schedule.total_steps,
        "steps_per_epoch": schedule.steps_per_epoch,
        "length_from": schedule.plan.length.came_from,
        "convention": convention,
        "groups": [asdict(summarize(schedule, group)) for group in range(len(schedule.groups))],
        "phases": phases,
        "warmup": {"steps": warmup, "fraction": warmup / schedule.total_steps},
        "rows": list(table_rows(schedule, steps)),
    }


def print_plan(
    name: str,
    schedule: Schedule,
    convention: str,
    momentum_word: str,
    steps: Sequence[int],
    stream: IO[str],
    drawing: str = "",
) -> None:
    """Print a plan for people, in colour if the stream is a terminal; `drawing` is its curve as text."""
    groups, width = schedule.groups[:MOST_GROUPS], width_of(stream)
    ends = ("first step", "last step") if width is None or width >= NARROW else ("first", "last")
    lr_titles = [f"lr {name}" if len(groups) > 1 else "lr" for name in groups]
    phases: list[tuple[str, ...]] = [("phase", *ends, "steps", *lr_titles)]
    for phase in schedule.phases:
        rates = phase_rates(schedule, phase)[:MOST_GROUPS]
        ramps = (f"{format_number(start)} → {format_number(end)}" for start, end in rates)
        phases.append((phase.name, f"{phase.first_step:,}", f"{phase.last_step:,}", f"{phase.steps:,}", *ramps))
    names = columns(schedule)
    titles = [name.replace("momentum", momentum_word, 1) if name.startswith("momentum") else name for name in names]
    rows: list[tuple[str, ...]] = [(*titles, "phase")]
    for row in table_rows(schedule, steps):
        cells = (f"{value:,}" if isinstance(value, int) else format_number(value) for value in row.values())
        rows.append((*cells, next(phase.name for phase in schedule.phases if row["step"] <= phase.last_step)))
    colour, facts = has_colour(stream), key_facts(schedule, momentum_word)
    begin = max(len(word) for word, _ in facts) + 4
    about = styled(f"({convention} convention)", "dim", colour=colour)
    stream.write(f"{styled(printable(name), 'bold', colour=colour)}  {about}\n")
    for word, line in facts:
        shown = "\n".join(wrap(printable(line), width, first=begin, indent=begin))
        stream.write(f"  {printable(word):<{begin - 4}}  {shown}\n")
    tables = table(phases, width, left=(0, -1), colour=colour), table(rows, width, left=(-1,), colour=colour)
    for part in (drawing, *tables):
        stream.write(f"\n{part}" if part else "")


def key_facts(schedule: Schedule, momentum_word: str) -> list[Fact]:
    """Return what people ask first of a plan: how long, from which rates to which, when the peak comes."""
    summaries = [summarize(schedule, group) for group in range(min(len(schedule.groups), MOST_GROUPS))]
    length, per_epoch = schedule.plan.length, schedule.steps_per_epoch
    origin = f" = {length.sum}"
    if length.came_from == "total_steps":
        epochs = f" = {_epochs(length.total_steps, per_epoch)} of {count(per_epoch, 'step')}" if per_epoch else ""
        origin = f", total_steps as given{epochs}"
    facts = [("length", f"{count(length.total_steps, 'step')}{origin}")]
    if schedule.plan.then:
        facts[0] = ("cycle", facts[0][1])
        epochs = f" = {_epochs(schedule.total_steps, per_epoch)}" if per_epoch else ""
        then = description(schedule.plan)
        facts.insert(0, ("length", f"{count(schedule.total_steps, 'step')}{epochs}: the cycle, then {then}"))
    if schedule.first_step:
        ahead = f"{schedule.total_steps - schedule.first_step:,} of {count(schedule.total_steps, 'step')} are ahead"
        facts.append(("resume", f"at step {schedule.first_step:,}; {ahead}"))
    for summary in summaries:
        label = f" {summary.name}" if len(schedule.groups) > 1 else ""
        rates = map(format_number, (summary.initial_lr, summary.peak_lr, summary.final_lr))
        facts.append((f"lr{label}", f"{' → '.join(rates)}   (initial, peak, final)"))
    if len(schedule.groups) > MOST_GROUPS:
        facts.append(("", f"… and {len(schedule.groups) - MOST_GROUPS:,} more parameter groups"))
    peak, warmup = summaries[0].peak_step, warmup_steps(schedule)
    highest = format_number(schedule.plan.groups[0].max_lr)
    reached = "" if peak_is_reached(schedule) else f"; no step has max_lr {highest} itself"
    epoch = f" in epoch {peak // per_epoch:,}" if per_epoch else ""
    facts.append(("peak", f"step {peak:,}{epoch}, {_share(peak, schedule)}{reached}"))
    epochs = f"{_epochs(warmup, per_epoch)}, " if per_epoch else ""
    ramp = f"{count(warmup, 'step')}, {epochs}{_share(warmup, schedule)}"
    facts.append(("warm-up", ramp if warmup else "none"))
    return [*facts, *_momenta(schedule, summaries, momentum_word)]


def _share(steps: int, schedule: Schedule) -> str:
    what = "run" if schedule.plan.then else "cycle"
    return f"{percent(steps / schedule.total_steps)} of the {what}"


def _epochs(steps: int, per_epoch: int) -> str:
    """Return a number of steps in epochs: how long they take, not the number of an epoch."""
    if steps % per_epoch == 0:
        return count(steps // per_epoch, "epoch")
    return f"{short(steps / per_epoch)} epochs"


def _momenta(schedule: Schedule, summaries: list[GroupSummary], word: str) -> list[Fact]:
    if not schedule.cycles_momentum:
        return [(word, "not cycled")]
    values = [(summary.initial_momentum, summary.turning_momentum, summary.final_momentum) for summary in summaries]
    lines = [" → ".join(format_number(value) for value in row if value is not None) for row in values]
    turns = ["highest" if summary.momentum_rises else "lowest" for summary in summaries]
    lines = [f"{line}   (initial, {turn}, final)" for line, turn in zip(lines, turns, strict=True)]
    if len(set(lines)) == 1:
        return [(word, lines[0])]
    return [(f"{word} {summary.name}", line) for summary, line in zip(summaries, lines, strict=True)]


def settings_origin(
    settings: Settings, path: str, in_file: Collection[str], flags: Collection[str], width: int | None = None
) -> str:
    """Return each setting's value, and whether a flag, the file at `path`, a default or a sum gave it.

    It is a line per setting, or more in a terminal that is too narrow.
    """
    convention, lines = convention_of(settings), list[tuple[str, str, str]]()
    for setting in SETTINGS:
        if setting == "verbose":
            continue  # it is what prints this, and has no effect on the plan
        value = getattr(settings, setting)
        default = getattr(convention.defaults, setting, None)
        if setting in flags:
            lines.append((setting, setting_text(value), flag_name(setting)))
        elif value is not None and setting in in_file:
            lines.append((setting, setting_text(value), path))
        elif (
            default is not None
            and convention.supports(setting)
            and not (setting == "final_div_factor" and settings.final_lr is not None)
        ):
            lines.append((setting, setting_text(default), f"default of {convention.name}"))
    epoch, length = epoch_from_data(settings), find_length(settings)
    if settings.steps_per_epoch is None and epoch is not None:
        lines.append(("steps_per_epoch", f"{epoch.steps}", f"derived: {epoch.sum}"))
    if settings.total_steps is None and length is not None:
        lines.append(("total_steps", f"{length.total_steps}", f"derived: {length.sum}"))
    name_width = max(len(name) for name, _, _ in lines)
    value_width = max(len(value) for _, value, _ in lines)
    said = []
    for name, value, origin in lines:
        begin = f"{name:<{name_width}}  {value:<{value_width}}  "
        said += [begin + "\n".join(wrap(origin, width, first=len(begin), indent=4)) + "\n"]
    return "".join(said)
