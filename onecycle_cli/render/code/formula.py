"""A plan's own formula as code: one row per phase, and one function that reads the rows, in a language's syntax."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from onecycle_cli.policy.conventions.fastai import FastaiRamp
from onecycle_cli.policy.conventions.smith import Dips, Line
from onecycle_cli.policy.conventions.tinygrad import Slope
from onecycle_cli.policy.ramps import CosineRamp, LinearRamp, Phase
from onecycle_cli.policy.schedule import Schedule
from onecycle_cli.render.code import join, literal
from onecycle_cli.render.code.match import ROUNDING, compare_schedules

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from onecycle_cli.policy.ramps import Ramp

Row = tuple[int, float, float, float, float]
COLUMNS = ("last", "start", "end", "edge", "span")
ROWS = "one row per phase: its last step, start, end, the step it is counted from, its length in steps"

CURVES: dict[type[Ramp], str] = {
    CosineRamp: "end + (start - end) / 2.0 * (COS(PI * ((step - edge) / span)) + 1)",
    LinearRamp: "(end - start) * ((step - edge) / span) + start",
    Line: "start + (end - start) * (step - edge) / span",
    Slope: "(step - edge) * (1 / span * (end - start)) + start",
}
"""The formula of each ramp, in its own order of evaluation."""

PIECES = 100
"""The most straight pieces per phase whose ramp has no formula here."""


@dataclass(frozen=True, slots=True)
class Language:
    """How a language writes a formula.

    Attributes:
        cos: its cosine.
        pi: its π.
        column: a column of the step's row; `{}` is the column's name.
        one_cycle: the function that reads the rows; CURVE is a ramp's formula, LAST the last step.
        dip: a function of high, low and half: momentum that dips from high to low and back in 2 * half steps, each
            time half as deep.
    """

    cos: str
    pi: str
    column: str
    one_cycle: str
    dip: str

    def functions(self, formula: Formula) -> str:
        """Return the functions that a formula needs."""
        curve = formula.curve.replace("COS", self.cos).replace("PI", self.pi)
        curve = re.sub("|".join(COLUMNS), lambda name: self.column.format(name[0]), curve)
        one_cycle = self.one_cycle.replace("CURVE", curve).replace("LAST", str(formula.lr[0][-1][0]))
        return join(one_cycle, self.dip if formula.dips else "", between="\n\n\n")


PYTHON = Language(
    cos="math.cos",
    pi="math.pi",
    column="{}",
    one_cycle="""\
def one_cycle(step, phases):
    start, end, edge, span = next(phase for last, *phase in phases if step <= last)
    return CURVE""",
    dip="""\
def dip(step, high, low, half):
    cycle = step // (2 * half)
    x = abs((step - 2 * cycle * half) / half - 1)
    return high - (high - low) * (1 - x) * 0.5**cycle""",
)


@dataclass(frozen=True, slots=True)
class Formula:
    """What a plan's curves are made of.

    Attributes:
        curve: the formula between a row's start and end.
        lr: each group's rows.
        momentum: each group's rows; empty where momentum is not cycled, or dips.
        dips: each group's high, low and half cycle, where momentum dips as in the papers.
        remark: how far the formula is from the plan, where it is not the plan's own.
        schedule: the values of the formula.
    """

    curve: str
    lr: tuple[tuple[Row, ...], ...]
    momentum: tuple[tuple[Row, ...], ...]
    dips: tuple[tuple[float, float, float], ...]
    remark: str
    schedule: Schedule

    @property
    def cycles_momentum(self) -> bool:
        """Whether the plan cycles momentum."""
        return bool(self.momentum or self.dips)


def formula_of(schedule: Schedule) -> Formula:
    """Return the formula of a schedule's curves.

    A convention whose ramps have no formula here is approximated by straight pieces; fastai's float32 positions are
    replaced by steps.
    """
    groups = range(len(schedule.groups))
    curve, own, remark = _written(schedule)
    first = own.phases[0]
    pieced = own is not schedule and curve is LinearRamp

    def rows(ramps: Iterable[tuple[Phase, Ramp]]) -> tuple[Row, ...]:
        found = [_row(phase, ramp) for phase, ramp in ramps]
        return tuple(_joined(found) if pieced else found)

    dips = tuple((ramp.start, ramp.low, ramp.span) for ramp in first.momentum if isinstance(ramp, Dips))
    cycled = own.cycles_momentum and not dips
    return Formula(
        CURVES[curve],
        tuple(rows((phase, phase.lr[group]) for phase in own.phases) for group in groups),
        tuple(rows((phase, phase.momentum[group]) for phase in own.phases) for group in groups) if cycled else (),
        dips if own.cycles_momentum else (),
        remark,
        own,
    )


def _written(schedule: Schedule) -> tuple[type[Ramp], Schedule, str]:
    """Return a ramp that has a formula, the schedule made of it alone, and how far that is from the plan."""
    ramps = {type(ramp) for phase in schedule.phases for ramp in (*phase.lr, *phase.momentum)} - {Dips}
    if len(ramps) == 1 and (kind := ramps.pop()) in CURVES:
        return kind, schedule, ""
    if isinstance(schedule.phases[0].lr[0], FastaiRamp):
        kind, total = CosineRamp, schedule.plan.total_steps

        def in_steps(ramps: Sequence[Ramp]) -> tuple[Ramp, ...]:
            return tuple(
                CosineRamp(ramp.start, ramp.end, ramp.edge * total, ramp.span * total)
                if isinstance(ramp, FastaiRamp)
                else ramp
                for ramp in ramps
            )

        phases = [replace(part, lr=in_steps(part.lr), momentum=in_steps(part.momentum)) for part in schedule.phases]
        remark = "fastai counts its position in float32; here it is counted in steps."
    else:
        kind, phases = LinearRamp, [piece for phase in schedule.phases for piece in _pieces(phase, schedule)]
        remark = f"The curves are written as straight pieces, at most {PIECES} per phase."
    own = Schedule(schedule.plan, phases)
    match = compare_schedules(schedule, own)
    return kind, own, f"{remark} The learning rates differ by {abs(match.here - match.planned):.1e} at the most."


def _pieces(phase: Phase, schedule: Schedule) -> list[Phase]:
    """Return a phase cut into straight pieces between the schedule's own values."""
    groups = range(len(schedule.groups))

    def line(begin: int, end: int, values: list[tuple[float, float]]) -> tuple[Ramp, ...]:
        return tuple(LinearRamp(one, other, float(begin), float(max(end - begin, 1))) for one, other in values)

    length = phase.last_step - phase.first_step
    cuts = sorted(
        {phase.first_step + length * at // PIECES for at in range(PIECES + 1)} | {phase.first_step + min(length, 1)}
    )
    found = []
    for begin, end in pairwise([*cuts, phase.last_step]):
        rates = [(schedule.lr(begin, group), schedule.lr(end, group)) for group in groups]
        momenta = [(schedule.momentum(begin, group) or 0.0, schedule.momentum(end, group) or 0.0) for group in groups]
        last = end if end == phase.last_step else end - 1
        momentum = line(begin, end, momenta) if schedule.cycles_momentum else ()
        found.append(Phase(phase.name, begin, last, line(begin, end, rates), momentum))
        if last == phase.last_step:
            break
    return found


def _joined(rows: Sequence[Row]) -> list[Row]:
    """Return straight pieces with those joined that lie on one line, apart from rounding, within a phase."""
    rounding = ROUNDING * max(abs(value) for _, start, end, *_ in rows for value in (start, end))
    found: list[Row] = []
    slopes = (-math.inf, math.inf)  # of the lines from the last piece's start that meet all values inside it
    for row in rows:
        if found:
            last, start, end, edge, span = found[-1]
            longer = span + row[4]
            low, high = max(slopes[0], (end - rounding - start) / span), min(slopes[1], (end + rounding - start) / span)
            follows = row[3] == edge + span and last == row[3] - 1
            if follows and low <= (row[2] - start) / longer <= high:
                found[-1], slopes = (row[0], start, row[2], edge, longer), (low, high)
                continue
        found.append(row)
        slopes = (-math.inf, math.inf)
    return found


def _row(phase: Phase, ramp: Ramp) -> Row:
    return (phase.last_step, ramp.start, ramp.end, float(ramp.edge), float(ramp.span))


def in_python(formula: Formula) -> str:
    """Return a formula as Python functions of a step and a group's rows, and the rows."""
    tables = [f"# {ROWS}", f"LR = {table(formula.lr)}"]
    if formula.momentum:
        tables.append(f"MOMENTUM = {table(formula.momentum)}")
    if formula.dips:
        rows = ", ".join(f"({', '.join(map(literal, dip))})" for dip in formula.dips)
        tables.append(f"MOMENTUM = {rows if len(formula.dips) == 1 else f'[{rows}]'}  # high, low, half a cycle")
    return join("\n".join(tables), PYTHON.functions(formula), between="\n\n\n")


def momentum_in_python(formula: Formula, step: str, group: str) -> str:
    """Return the momentum of a step in Python; `group` is the code for the group's rows."""
    return f"dip({step}, *{group})" if formula.dips else f"one_cycle({step}, {group})"


def table(groups: Sequence[Sequence[Row]]) -> str:
    """Return rows in Python, once per group where there are several."""
    if len(groups) == 1:
        return _rows(groups[0], "")
    return "[\n" + "".join(f"    {_rows(rows, '    ')},\n" for rows in groups) + "]"


def _rows(rows: Sequence[Row], indent: str) -> str:
    lines = [f"{indent}    ({', '.join(map(literal, row))}),\n" for row in rows]
    return "[\n" + "".join(lines) + indent + "]"
