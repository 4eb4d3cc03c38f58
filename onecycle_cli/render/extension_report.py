"""What becomes of an extended run: its jump if only the length changes, the ways without one, and their configs."""

from __future__ import annotations

import shlex
from typing import IO, TYPE_CHECKING, Any

from onecycle_cli.formatting import count, finite, format_number, percent, printable
from onecycle_cli.policy.summary import summarize
from onecycle_cli.render.config_text import comments, settings_lines
from onecycle_cli.render.lines import has_colour, styled, table, width_of, wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.policy.extension import Extension, Move, Way
    from onecycle_cli.policy.schedule import Schedule

MOST_GROUPS = 20
"""Parameter groups that are listed one by one."""

MEANINGS = {
    "hold": "finish the cycle, then keep its last rate",
    "anneal": "anneal again, from today's rate",
    "cycle": "finish the cycle, then a second one with a smaller peak",
}

NONE = "–"


def extension_json(name: str, found: Extension) -> dict[str, Any]:
    """Return what `onecycle extend --format json` writes."""
    last, plan = found.at - 1, found.schedule.plan
    restored = {
        "total_steps": found.schedule.total_steps,
        "last_step": found.last_restored_step,
        "raises": found.last_restored_step == found.schedule.total_steps,
        "groups": [_move_json(move) for move in found.restored],
    }
    stretched = found.stretched
    return {
        "name": name,
        "convention": plan.convention.name,
        "at": found.at,
        "old_total_steps": found.schedule.total_steps,
        "total_steps": found.total_steps,
        "steps_per_epoch": found.schedule.steps_per_epoch,
        "last_step_done": {
            "step": last,
            "phase": phase_at(found.schedule, last),
            "groups": [
                {"name": move.group, "lr": move.lr_before, "momentum": move.momentum_before} for move in found.today
            ],
        },
        "state_restored": restored if found.restored else None,
        "new_length": None
        if stretched is None
        else {
            "phase": phase_at(stretched, found.at),
            "peak_step": summarize(stretched, 0).peak_step,
            "groups": [_move_json(move) for move in found.jumps],
        },
        "ways": [_way_json(way) for way in found.ways],
        "notes": list(found.impossible),
    }


def _way_json(way: Way) -> dict[str, Any]:
    last = way.schedule.total_steps - 1
    groups = [
        _move_json(move)
        | {"peak_lr": summarize(way.schedule, group).peak_lr, "final_lr": way.schedule.lr(last, group)}
        | {"area_ahead": finite(way.areas_ahead[group])}
        for group, move in enumerate(way.moves)
    ]
    given = {key: value for key, value in way.settings.given.items() if key != "verbose"}
    return {
        "way": way.name,
        "from": way.first_step,
        "settings": given,
        "groups": groups,
        "notes": list(way.notes),
    }


def _move_json(move: Move) -> dict[str, Any]:
    return {
        "name": move.group,
        "lr_before": move.lr_before,
        "lr": move.lr,
        "lr_change": move.lr_change,
        "lr_change_of_peak": move.share,
        "momentum_before": move.momentum_before,
        "momentum": move.momentum,
        "momentum_change": move.momentum_change,
    }


def phase_at(schedule: Schedule, step: int) -> str:
    """Return the name of the phase that a step is in."""
    return next(phase.name for phase in schedule.phases if step <= phase.last_step)


def print_extension(name: str, found: Extension, word: str, stream: IO[str], drawing: str = "") -> None:
    """Print what becomes of a run, for people; `word` is what its optimizer calls momentum, `drawing` the curves."""
    colour, width = has_colour(stream), width_of(stream)
    total = f"{found.schedule.total_steps:,} → {count(found.total_steps, 'step')}, at step {found.at:,}"
    about = styled(f"({found.schedule.plan.convention.name} convention)", "dim", colour=colour)
    stream.write(f"{styled(f'{printable(name)}: {total}', 'bold', colour=colour)}  {about}\n")
    facts = [("today", _today(found, word))]
    changed = [*_restored(found), *_stretched(found, word)]
    _write_facts(facts, stream, width)
    if changed:
        stream.write(f"\n{styled('if only the length changes', 'bold', colour=colour)}\n")
        _write_facts(changed, stream, width)
    if drawing:
        stream.write(f"\n{drawing}")
    if found.ways:
        stream.write(f"\n{styled('ways that go on from the rate of the step before', 'bold', colour=colour)}\n")
        stream.write(table(_rows(found.ways, word), width, left=(0,), colour=colour))
        _write_facts([(way.name, MEANINGS[way.name]) for way in found.ways], stream, width)
    notes = [*found.impossible, *(f"{way.name}: {note}" for way in found.ways for note in way.notes)]
    for note in notes:
        stream.write("\n".join(wrap(f"  {note}", width, indent=2)) + "\n")


def _write_facts(facts: Sequence[tuple[str, str]], stream: IO[str], width: int | None) -> None:
    begin = max(len(name) for name, _ in facts) + 4
    for name, text in facts:
        shown = "\n".join(wrap(printable(text), width, first=begin, indent=begin))
        stream.write(f"  {name:<{begin - 4}}  {shown}\n")


def _today(found: Extension, word: str) -> str:
    step, move = found.at - 1, found.today[0]
    momentum = "" if move.momentum_before is None else f", {word} {format_number(move.momentum_before)}"
    place = f"step {step:,}, the last one done, in the {phase_at(found.schedule, step)}"
    return f"{place}: lr {format_number(move.lr_before)}{momentum}{_of_group(found)}"


def _of_group(found: Extension) -> str:
    return f" in the group {found.today[0].group}" if len(found.today) > 1 else ""


def _restored(found: Extension) -> list[tuple[str, str]]:
    if not found.restored:
        return []
    planned, last = found.schedule.total_steps, found.last_restored_step
    rate, missing = format_number(found.restored[0].lr), found.total_steps - last - 1
    if last < planned:
        end = f"and ends in step {last:,} with lr {rate}, before it is annealed"
    else:
        early = f"{count(missing, 'step')} before the new end" if missing else "in what was to be its last step"
        end = f"trains step {last:,} with lr {rate}, which rises again, and ends there with ValueError, {early}"
    framework = found.schedule.plan.convention.framework
    how = f"{framework}'s load_state_dict restores total_steps {planned:,} silently"
    return [("state loaded", f"{how}: the run follows the old plan, {end}")]


def _stretched(found: Extension, word: str) -> list[tuple[str, str]]:
    if found.stretched is None:
        return []
    move, peak = found.jumps[0], summarize(found.stretched, 0).peak_step
    momentum = ""
    if move.momentum is not None and move.momentum_before is not None:
        change = move.momentum - move.momentum_before
        momentum = (
            f", {word} from {format_number(move.momentum_before)} to {format_number(move.momentum)} ({change:+.3g})"
        )
    again = f"; its peak is still ahead, at step {peak:,}" if peak >= found.at else ""
    if again and phase_at(found.schedule, found.at - 1) != "warm-up":
        again = f"; it warms up again, to its peak at step {peak:,}"
    made = f"a new schedule of {count(found.total_steps, 'step')}"
    if found.schedule.plan.convention.restores_length:
        made = f"a new scheduler with total_steps {found.total_steps:,} and last_epoch {found.at - 1:,}"
    made += f" goes on at step {found.at:,}"
    jump = f"lr from {format_number(move.lr_before)} to {format_number(move.lr)} ({_change(move)} of the peak)"
    return [("new length", f"{made}, {jump}{momentum}{_of_group(found)}{again}")]


def _change(move: Move) -> str:
    """Return by how much the learning rate changes, as a share of the peak."""
    return percent(move.share, sign="+") if move.share else "0 %"


def _rows(ways: Sequence[Way], word: str) -> list[tuple[str, ...]]:
    groups = range(min(len(ways[0].moves), MOST_GROUPS))
    several, cycled = len(ways[0].moves) > 1, ways[0].moves[0].momentum is not None
    titles = ["way", *(["group"] if several else []), "from step", "lr before", "lr", "change (of peak)"]
    rows = [(*titles, *([f"{word} change"] if cycled else []), "last lr", "sum of lr ahead")]
    for way in ways:
        last = way.schedule.total_steps - 1
        for group in groups:
            move = way.moves[group]
            momentum = move.momentum_change
            rows.append(
                (
                    way.name,
                    *([move.group] if several else []),
                    f"{way.first_step:,}",
                    format_number(move.lr_before),
                    format_number(move.lr),
                    _change(move),
                    *([NONE if momentum is None else f"{momentum:+.3g}" if momentum else "0"] if cycled else []),
                    format_number(way.schedule.lr(last, group)),
                    format_number(way.areas_ahead[group], 4),
                )
            )
    return rows


def extended_config(name: str, found: Extension, way: Way, target: str) -> str:
    """Return the text of a way's config; `target` is the file that it is written to."""
    lines = comments(
        f"{printable(name)}, extended at step {found.at:,} from {found.schedule.total_steps:,} to "
        f"{count(found.total_steps, 'step')}: {MEANINGS[way.name]}."
    )
    lines += comments(
        "It is the plan of the whole run. Training code that goes on from the checkpoint: "
        f"onecycle code {shlex.quote(printable(target))} --framework torch --last-epoch {found.at - 1}"
    )
    given = {setting: value for setting, value in way.settings.given.items() if setting != "verbose"}
    return "\n".join([*lines, *settings_lines(given)]) + "\n"
