"""A plan's own formula written out in Python: a row a phase, and the one function that reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.policy.conventions.fastai import FastaiRamp
from onecycle_cli.policy.conventions.smith import Dips, Line
from onecycle_cli.policy.ramps import CosineRamp, LinearRamp, Phase
from onecycle_cli.policy.schedule import Schedule
from onecycle_cli.render.code.match import compare_schedules
from onecycle_cli.render.code.snippet import literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.policy.ramps import Ramp

Row = tuple[int, float, float, float, float]

WAYS: dict[type[Ramp], str] = {
    CosineRamp: "end + (start - end) / 2.0 * (COS(math.pi * ((step - edge) / span)) + 1)",
    LinearRamp: "(end - start) * ((step - edge) / span) + start",
    Line: "start + (end - start) * (step - edge) / span",
}
"""By ramp: its formula, in its own order of evaluation."""

DIP = """\
def dip(step, high, low, half):
    cycle = step // (2 * half)
    x = abs((step - 2 * cycle * half) / half - 1)
    return high - (high - low) * (1 - x) * 0.5**cycle"""


@dataclass(frozen=True, slots=True)
class Formula:
    """What a plan's curves are made of: rows (last step, start, end, edge, span) by group, and the way between.

    `dips` are high, low and half by group, where momentum dips as in the papers; `apart` says how far the formula is
    from the plan where it is not the plan's own.
    """

    way: str
    lr: tuple[tuple[Row, ...], ...]
    momentum: tuple[tuple[Row, ...], ...]
    dips: tuple[tuple[float, float, float], ...]
    apart: str

    @property
    def cycles_momentum(self) -> bool:
        """Whether the plan cycles momentum."""
        return bool(self.momentum or self.dips)


def formula_of(schedule: Schedule) -> Formula:
    """Take a schedule's curves apart; fastai's float32 positions are written as the real steps they stand for."""
    apart = ""
    if isinstance(schedule.phases[0].lr[0], FastaiRamp):
        smooth = Schedule(schedule.plan, [_smooth(phase, schedule.total_steps) for phase in schedule.phases])
        held = compare_schedules(schedule, smooth)
        apart = (
            "fastai counts its position in float32; here it is counted in steps. "
            f"The learning rates differ by {abs(held.here - held.planned):.1e} at the most."
        )
        schedule = smooth
    groups = range(len(schedule.groups))
    first = schedule.phases[0]
    dips = tuple((ramp.start, ramp.low, ramp.span) for ramp in first.momentum if isinstance(ramp, Dips))
    cycles = schedule.cycles_momentum and not dips
    return Formula(
        WAYS[type(first.lr[0])],
        tuple(tuple(_row(each, each.lr[group]) for each in schedule.phases) for group in groups),
        tuple(tuple(_row(each, each.momentum[group]) for each in schedule.phases) for group in groups)
        if cycles
        else (),
        dips if schedule.cycles_momentum else (),
        apart,
    )


def in_python(formula: Formula) -> str:
    """Return a formula as Python functions of a step and a group's rows."""
    tables = [f"LR = {table(formula.lr)}"]
    if formula.momentum:
        tables.append(f"MOMENTUM = {table(formula.momentum)}")
    if formula.dips:
        rows = [f"({', '.join(map(literal, each))})" for each in formula.dips]
        tables.append(
            f"MOMENTUM = {rows[0] if len(rows) == 1 else '[' + ', '.join(rows) + ']'}  # high, low, half a cycle"
        )
    function = (
        "def one_cycle(step, phases):\n"
        "    start, end, edge, span = next(phase for last, *phase in phases if step <= last)\n"
        f"    return {formula.way.replace('COS', 'math.cos')}"
    )
    head = "# a row a phase: its last step, start, end, the step it is counted from, its length in steps\n"
    return head + "\n".join(tables) + "\n\n\n" + function + (f"\n\n\n{DIP}" if formula.dips else "")


def momentum_in_python(formula: Formula, step: str, group: str) -> str:
    """Return the momentum of a step in Python; `group` names the group's rows."""
    return f"dip({step}, *{group})" if formula.dips else f"one_cycle({step}, {group})"


def table(groups: Sequence[Sequence[Row]]) -> str:
    """Return rows in Python, once a group where there are several."""
    if len(groups) == 1:
        return _rows(groups[0], "")
    return "[\n" + "".join(f"    {_rows(rows, '    ')},\n" for rows in groups) + "]"


def _rows(rows: Sequence[Row], indent: str) -> str:
    lines = [f"{indent}    ({', '.join(map(literal, row))}),\n" for row in rows]
    return "[\n" + "".join(lines) + indent + "]"


def _row(phase: Phase, ramp: Ramp) -> Row:
    return (phase.last_step, ramp.start, ramp.end, float(ramp.edge), float(ramp.span))


def _smooth(phase: Phase, total: int) -> Phase:
    def cosine(ramp: Ramp) -> Ramp:
        return CosineRamp(ramp.start, ramp.end, ramp.edge * total, ramp.span * total)

    return Phase(
        phase.name,
        phase.first_step,
        phase.last_step,
        tuple(map(cosine, phase.lr)),
        tuple(map(cosine, phase.momentum)),
    )
