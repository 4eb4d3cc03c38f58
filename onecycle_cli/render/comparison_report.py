"""What `onecycle compare` found: as JSON, and as a table for people with one column per plan."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING, Any

from onecycle_cli.formatting import finite, format_number, percent, printable, setting_text, shorten
from onecycle_cli.policy.conventions import CONVENTIONS
from onecycle_cli.policy.summary import area, summarize, warmup_steps
from onecycle_cli.render.comparison_answer import answers
from onecycle_cli.render.lines import wrap
from onecycle_cli.render.output import UNBOUNDED, unbroken_lines
from onecycle_cli.render.picture import AXIS_NAMES, x_divisor
from onecycle_cli.render.plan_report import MOST_GROUPS, key_steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onecycle_cli.policy.comparison import Largest, Outcome
    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.policy.summary import GroupSummary
    from onecycle_cli.policy.translation import Translation
    from onecycle_cli.render.picture import Across


@dataclass(frozen=True, slots=True)
class Entry:
    """One plan of a comparison.

    Attributes:
        name: its name, unique in the comparison.
        schedule: its values.
        settings: its settings in effect, by name.
        differing: the settings that differ from the reference: the reference's value and its own.
        outcome: how its curve differs; None for the reference itself.
        translation: the reference's curve in its convention, where that comes closer than the plan itself.
        is_reference: whether it is a schedule of another shape, beside the plans.
    """

    name: str
    schedule: Schedule
    settings: dict[str, Any]
    differing: dict[str, tuple[Any, Any]]
    outcome: Outcome | None
    translation: Translation | None
    is_reference: bool = False

    @property
    def equal(self) -> bool:
        """Whether it is the reference, or equal to it."""
        return self.outcome is None or self.outcome.first is None


@dataclass(frozen=True, slots=True)
class Places:
    """The places on the horizontal axis at which a comparison shows values.

    Attributes:
        across: what the axis counts.
        values: the places, in that unit.
    """

    across: Across
    values: tuple[float, ...]

    def step(self, schedule: Schedule, value: float) -> int | None:
        """Return a schedule's step at a place: the nearest; None where it trains none."""
        step = round(value * x_divisor(schedule, self.across))
        last = schedule.total_steps - 1
        # The last steps of cycles of different lengths are at different percents, such as 99.9 and 99.8.
        step = min(step, last) if self.across == "percent" else step
        return step if schedule.first_step <= step <= last else None

    def name(self, value: float) -> str:
        """Return how a place is written in front of its row."""
        if self.across == "step":
            return f"{round(value):,}"
        return f"{value:,.4g}"


def places_of(entries: Sequence[Entry], across: Across, asked: Sequence[int] | None) -> Places:
    """Return the places to show: the steps asked for, or the reference's, each plan's peak and end, and differences.

    Steps are those of the reference, and are turned into the unit of the axis.

    Raises:
        OnecycleError: epochs are wanted, and a plan does not know its steps per epoch.
    """
    reference = entries[0].schedule
    divisors = [x_divisor(entry.schedule, across) for entry in entries]
    steps = set(key_steps(reference)) if asked is None else set(asked)
    found = {step / divisors[0] for step in steps}
    for entry, divisor in zip(entries, divisors, strict=True):
        if asked is None:
            found |= {
                step / divisor for step in (summarize(entry.schedule, 0).peak_step, entry.schedule.total_steps - 1)
            }
        if asked is None and entry.outcome is not None and across == "step":
            differences = (entry.outcome.visible, entry.outcome.lr, entry.outcome.momentum)
            found |= {float(difference.step) for difference in differences if difference is not None}
    order = list(dict.fromkeys(asked or ()))
    places = Places(across, tuple(sorted(found)) if asked is None else tuple(step / divisors[0] for step in order))
    names = {places.name(value): value for value in reversed(places.values)}  # of places of one name the first
    return Places(across, tuple(value for value in places.values if names[places.name(value)] == value))


def most_differing_group(entries: Sequence[Entry]) -> str:
    """Return the name of the group in which a plan differs most from the reference; the first if none does."""
    largest = [entry.outcome.lr for entry in entries if entry.outcome and entry.outcome.lr]
    worst = max(largest, key=lambda difference: difference.relative, default=None)
    return worst.group if worst else entries[0].schedule.groups[0]


def group_number(schedule: Schedule, name: str) -> int:
    """Return the number of a parameter group in a schedule; 0 if it has none of this name."""
    return schedule.groups.index(name) if name in schedule.groups else 0


def values_at(schedule: Schedule, step: int | None, group: int = 0) -> tuple[float | None, float | None]:
    """Return a step's learning rate and momentum; None for a step that the plan does not train."""
    if step is None or group >= len(schedule.groups):
        return None, None
    return schedule.lr(step, group), schedule.momentum(step, group)


def comparison_json(entries: Sequence[Entry], tolerance: float, places: Places) -> dict[str, Any]:
    """Return a comparison as `onecycle compare --format json` writes it."""
    rows = []
    for place in places.values:
        values = [values_at(entry.schedule, places.step(entry.schedule, place)) for entry in entries]
        key = round(place) if places.across == "step" else place
        rows.append({places.across: key, "lr": [lr for lr, _ in values], "momentum": [own for _, own in values]})
    return {
        "equal": all(entry.equal for entry in entries if not entry.is_reference),
        "summary": list(answers(entries, tolerance)),
        "tolerance": tolerance,
        "reference": entries[0].name,
        "plans": [_plan_json(entry) for entry in entries],
        "rows": rows,
    }


def _plan_json(entry: Entry) -> dict[str, Any]:
    schedule, found = entry.schedule, entry.outcome
    summaries = [summarize(schedule, group) for group in range(len(schedule.groups))]
    entry_json = {
        "name": entry.name,
        "convention": entry.settings["convention"],
        "total_steps": schedule.total_steps,
        "warmup_steps": warmup_steps(schedule),
        **_measures(schedule, 0, summaries[0]),
        "first_difference": asdict(found.first) if found and found.first else None,
        "first_visible_difference": asdict(found.visible) if found and found.visible else None,
        "largest_difference": _largest_json(found.lr) if found else None,
        "largest_momentum_difference": _largest_json(found.momentum) if found else None,
        "sampled": found.sampled if found else False,
        "settings_that_differ": {
            setting: {"reference": reference, "plan": own} for setting, (reference, own) in entry.differing.items()
        },
        "translation": None,
    }
    if closest := entry.translation:
        largest = _largest_json(closest.largest)
        entry_json["translation"] = {
            "settings": closest.settings,
            "largest_difference": largest,
            "note": closest.note or None,
        }
    if len(summaries) > 1:
        entry_json["groups"] = [
            {"name": summary.name, **_measures(schedule, group, summary)} for group, summary in enumerate(summaries)
        ]
    return entry_json


def _measures(schedule: Schedule, group: int, summary: GroupSummary) -> dict[str, Any]:
    return {
        "peak_step": summary.peak_step,
        "peak_lr": summary.peak_lr,
        "final_lr": summary.final_lr,
        "area": finite(area(schedule, group)),
    }


def _largest_json(found: Largest | None) -> dict[str, Any] | None:
    return None if found is None else {**asdict(found), "relative": finite(found.relative)}


NONE = "–"
GAP = 2
Row = tuple[str, list[str]]
"""A title, and one cell per plan; a row without cells is the heading of those below."""


LONGEST_HEADER = 24


def print_comparison(entries: Sequence[Entry], tolerance: float, places: Places, stream: IO[str]) -> None:
    """Print a comparison for people; in colour and in blocks of its width if the stream is a terminal."""
    names = [shorten(printable(entry.name), LONGEST_HEADER) for entry in entries]
    differing = [setting for setting in entries[0].settings if any(setting in entry.differing for entry in entries)]
    rows: list[Row] = [("settings that differ" if differing else "no setting differs", [])]
    for setting in differing:
        values = [entry.settings[setting] for entry in entries]
        rows.append((setting, [NONE if value is None else setting_text(value, format_number) for value in values]))
    rows += [*_curves(entries), *_differences(entries), *_values(entries, places)]
    with unbroken_lines(stream, fit_terminal=True) as console:
        width, console.width = console.width, UNBOUNDED
        for line in answers(entries, tolerance):
            console.print("\n".join(wrap(line, width, indent=2)), style="bold")
        for shown in _blocks(rows, names, width):
            console.print("", _table(rows, names, shown), sep="\n")
        for entry in entries:
            if entry.translation:
                console.print("")
                for at, line in enumerate(_translated(entry.name, entry.translation)):
                    margin = "  " if at else ""
                    console.print("\n".join(margin + part for part in wrap(line, width - len(margin), indent=2)))


def _curves(entries: Sequence[Entry]) -> Iterator[Row]:
    schedules = [entry.schedule for entry in entries]
    summaries = [summarize(schedule, 0) for schedule in schedules]
    group = "" if all(len(schedule.groups) == 1 for schedule in schedules) else f" of group {summaries[0].name}"
    yield f"curve{group}", []
    yield "steps", [f"{schedule.total_steps:,}" for schedule in schedules]
    yield "warm-up steps", [f"{warmup_steps(schedule):,}" for schedule in schedules]
    yield "peak step", [f"{summary.peak_step:,}" for summary in summaries]
    yield "peak lr", [format_number(summary.peak_lr) for summary in summaries]
    yield "final lr", [format_number(summary.final_lr) for summary in summaries]
    yield "area under lr", [format_number(area(schedule)) for schedule in schedules]


def _differences(entries: Sequence[Entry]) -> Iterator[Row]:
    outcomes = [entry.outcome for entry in entries]
    yield shorten(f"difference from {printable(entries[0].name)}", LONGEST_HEADER + 16), []
    firsts = [outcome.visible if outcome else None for outcome in outcomes]
    yield "first at step", [_first(outcome) if outcome else NONE for outcome in outcomes]
    several = any(len(entry.schedule.groups) > 1 for entry in entries)
    of = [f"{first.field} {first.group}" if first and several else first.field if first else NONE for first in firsts]
    yield "field", [printable(name) for name in of]
    largest = {"lr": [outcome.lr if outcome else None for outcome in outcomes]}
    if any(outcome and outcome.momentum for outcome in outcomes):
        largest["momentum"] = [outcome.momentum if outcome else None for outcome in outcomes]
    for field, found in largest.items():
        yield f"largest {field} difference", [f"{most.absolute:.3g}" if most else NONE for most in found]
        yield "  relative to peak", [percent(most.relative) if most else NONE for most in found]
        yield "  at step", [f"{most.step:,}" if most else NONE for most in found]


def _first(outcome: Outcome) -> str:
    if outcome.visible is not None:
        return f"{outcome.visible.step:,}"
    return NONE if outcome.first is None else "rounding"


def _values(entries: Sequence[Entry], places: Places) -> Iterator[Row]:
    """Yield learning rates place by place, and momenta if they differ."""
    schedules = [entry.schedule for entry in entries]
    most = min(max(len(schedule.groups) for schedule in schedules), MOST_GROUPS)
    momenta_differ = any(
        entry.outcome.momentum or entry.schedule.cycles_momentum != schedules[0].cycles_momentum
        for entry in entries
        if entry.outcome and not entry.is_reference
    )
    for field, word in enumerate(("lr", "momentum") if momenta_differ else ("lr",)):
        for group in range(most):
            longest = max(schedules, key=lambda schedule: len(schedule.groups))
            of = word if most == 1 else f"{word} {printable(longest.groups[group])}"
            yield f"{of} at {AXIS_NAMES[places.across]}", []
            for place in places.values:
                values = [values_at(schedule, places.step(schedule, place), group)[field] for schedule in schedules]
                yield places.name(place), [NONE if value is None else format_number(value) for value in values]


def _translated(name: str, found: Translation) -> Iterator[str]:
    """Yield the closest settings, with the framework's own names for them, and the difference that remains."""
    convention = found.settings["convention"]
    given = []
    for setting, value in found.settings.items():
        own = CONVENTIONS[convention].aliases.get(setting)
        exact = setting_text(value, repr if isinstance(value, float) else format_number)
        given.append(f"{setting} {exact}" + (f" ({own})" if own else ""))
    plan = "" if name == convention else f" ({printable(name)})"
    yield f"{convention} settings closest to the reference{plan}:"
    yield ", ".join(given[1:])
    rest = found.largest
    remains = f"{format_number(rest.absolute)} ({percent(rest.relative)} of the peak) at step {rest.step:,}"
    yield f"largest remaining difference: {remains}" if rest.absolute else "the learning rates are bit-identical"
    if found.note:
        yield found.note


def _blocks(rows: Sequence[Row], names: Sequence[str], room: int) -> Iterator[list[int]]:
    """Divide the plans into blocks as wide as there is room for, the reference in each."""
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
