"""A comparison for people: what differs, in one table with a column a plan, then the values step by step."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from onecycle_cli.formatting import format_number, percent, printable, setting_text
from onecycle_cli.policy.conventions import CONVENTIONS
from onecycle_cli.policy.summary import area, summarize, warmup_steps
from onecycle_cli.render.comparison import values_at
from onecycle_cli.render.overview import UNBOUNDED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onecycle_cli.policy.comparison import Largest
    from onecycle_cli.policy.translation import Translation
    from onecycle_cli.render.comparison import Entry

NONE = "–"
GAP = 2
MOST_GROUPS = 20
"""Parameter groups whose values are shown step by step."""

Row = tuple[str, list[str]]
"""A title, and a cell a plan; a row without cells heads the ones below it."""


def print_comparison(entries: Sequence[Entry], tolerance: float, steps: Sequence[int], stream: IO[str]) -> None:
    """Print a comparison; coloured where the stream is a terminal, and never cut off where it is not."""
    from onecycle_cli.render.console import Console

    console = Console(stream)
    if not console.is_terminal:
        console.width = UNBOUNDED
    names = [printable(each.name) for each in entries]
    rows = [*_settings(entries), *_curves(entries), *_differences(entries), *_values(entries, steps)]
    with console.capture() as printed:
        console.print(verdict(entries, tolerance), style="bold")
        for shown in _blocks(rows, names, console.width):
            console.print("", _table(rows, names, shown), sep="\n")
        for each in entries:
            if each.translation:
                console.print("", *_translated(each.name, each.translation), sep="\n")
    stream.writelines(f"{line.rstrip()}\n" for line in printed.get().splitlines())


def verdict(entries: Sequence[Entry], tolerance: float) -> str:
    """Say in a line whether the plans are equal."""
    within = f"within {percent(tolerance, 6)} of its peak" if tolerance else "in every bit"
    reference, others = printable(entries[0].name), entries[1:]
    differing = [printable(each.name) for each in others if not each.equal]
    if not differing:
        line = f"equal to {reference} {within}: {', '.join(printable(each.name) for each in others)}"
    else:
        line = f"not equal to {reference} {within}: {', '.join(differing)}"
    if any(each.outcome and each.outcome.sampled for each in others):
        line += " (a dense sample of the steps was compared)"
    if any(each.equal and each.schedule.cycles_momentum != entries[0].schedule.cycles_momentum for each in others):
        line += " (learning rate alone: not every framework here schedules momentum)"
    return line


def _settings(entries: Sequence[Entry]) -> Iterator[Row]:
    named = [setting for setting in entries[0].settings if any(setting in each.differing for each in entries)]
    yield ("settings that differ" if named else "no setting differs"), []
    for setting in named:
        yield setting, [_setting(each.settings[setting]) for each in entries]


def _setting(value: Any) -> str:
    return NONE if value is None else setting_text(value, format_number)


def _curves(entries: Sequence[Entry]) -> Iterator[Row]:
    schedules = [each.schedule for each in entries]
    summaries = [summarize(schedule, 0) for schedule in schedules]
    group = "" if all(len(schedule.groups) == 1 for schedule in schedules) else f" of group {summaries[0].name}"
    yield f"curve{group}", []
    yield "steps", [f"{schedule.total_steps:,}" for schedule in schedules]
    yield "warm-up steps", [f"{warmup_steps(schedule):,}" for schedule in schedules]
    yield "peak step", [f"{each.peak_step:,}" for each in summaries]
    yield "peak lr", [format_number(each.peak_lr) for each in summaries]
    yield "last lr used", [format_number(each.final_lr) for each in summaries]
    yield "area under lr", [format_number(area(schedule)) for schedule in schedules]


def _differences(entries: Sequence[Entry]) -> Iterator[Row]:
    found = [each.outcome for each in entries]
    yield f"difference from {printable(entries[0].name)}", []
    firsts = [each.first if each else None for each in found]
    yield "first at step", [f"{each.step:,}" if each else NONE for each in firsts]
    several = any(len(each.schedule.groups) > 1 for each in entries)
    of = [f"{each.field} {each.group}" if each and several else each.field if each else NONE for each in firsts]
    yield "in", [printable(each) for each in of]
    yield from _largest("lr", [each.lr if each else None for each in found])
    if any(each and each.momentum for each in found):
        yield from _largest("momentum", [each.momentum if each else None for each in found])


def _largest(what: str, found: Sequence[Largest | None]) -> Iterator[Row]:
    yield f"largest in {what}", [format_number(each.absolute) if each else NONE for each in found]
    yield "  of the peak", [percent(each.relative) if each else NONE for each in found]
    yield "  at step", [f"{each.step:,}" if each else NONE for each in found]


def _values(entries: Sequence[Entry], steps: Sequence[int]) -> Iterator[Row]:
    """Give learning rates step by step, and momenta where they differ."""
    schedules = [each.schedule for each in entries]
    most = min(max(len(schedule.groups) for schedule in schedules), MOST_GROUPS)
    momenta = [0] if any(each.outcome and _momentum_differs(entries[0], each) for each in entries) else []
    for field, word in enumerate(("lr", "momentum")):
        for group in range(most) if field == 0 or momenta else ():
            longest = max(schedules, key=lambda each: len(each.groups))
            yield (f"{word} at step" if most == 1 else f"{word} {printable(longest.groups[group])} at step"), []
            for step in steps:
                values = [values_at(schedule, step, group)[field] for schedule in schedules]
                yield f"{step:,}", [NONE if value is None else format_number(value) for value in values]


def _momentum_differs(reference: Entry, other: Entry) -> bool:
    one, two = reference.schedule, other.schedule
    return one.cycles_momentum != two.cycles_momentum or bool(other.outcome and other.outcome.momentum)


def _translated(name: str, found: Translation) -> Iterator[str]:
    """Say the closest settings, under the framework's own names where they are others, and what remains."""
    convention = found.settings["convention"]
    given = []
    for setting, value in found.settings.items():
        own = CONVENTIONS[convention].aliases.get(setting)
        given.append(f"{setting} {_exact(value)}" + (f" ({own})" if own else ""))
    yield f"closest to the reference in {convention}'s settings ({printable(name)}):"
    yield "  " + ", ".join(given[1:])
    rest = found.largest
    remains = f"{format_number(rest.absolute)} ({percent(rest.relative)} of the peak) at step {rest.step:,}"
    yield "  " + (f"largest difference left: {remains}" if rest.absolute else "no difference in lr is left, in any bit")
    if found.note:
        yield f"  {found.note}"


def _exact(value: Any) -> str:
    return repr(value) if isinstance(value, float) else _setting(value)


def _blocks(rows: Sequence[Row], names: Sequence[str], room: int) -> Iterator[list[int]]:
    """Part the plans into blocks as wide as there is room for, the reference in each."""
    widths = [max(len(name), *(len(cells[at]) for _, cells in rows if cells)) + GAP for at, name in enumerate(names)]
    used = start = max(len(title) for title, _ in rows) + GAP + widths[0]
    block = [0]
    for at in range(1, len(names)):
        if used + widths[at] > room and len(block) > 1:
            yield block
            block, used = [0], start
        block.append(at)
        used += widths[at]
    yield block


def _table(rows: Sequence[Row], names: Sequence[str], shown: Sequence[int]) -> Any:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", padding=(0, GAP, 0, 0))
    table.add_column("")
    for at in shown:
        table.add_column(names[at], justify="right", overflow="fold")
    for title, cells in rows:
        if not cells:
            table.add_row()
            table.add_row(Text(title, style="bold"))
            continue
        styles = ["yellow" if cells[at] != cells[0] else "" for at in shown]
        table.add_row(title, *(Text(cells[at], style) for at, style in zip(shown, styles, strict=True)))
    return table
