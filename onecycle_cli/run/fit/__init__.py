"""From a log back to the settings: which one-cycle schedule a run followed, as far as its learning rates show it."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.errors import OnecycleError, PlanError
from onecycle_cli.formatting import format_number, join_words, setting_text
from onecycle_cli.policy.conventions import CONVENTIONS, DEFAULT
from onecycle_cli.policy.onecycle import OneCycle
from onecycle_cli.run.alignment import compare
from onecycle_cli.run.causes import find_cause
from onecycle_cli.run.causes.hypothesis import PERFECT
from onecycle_cli.run.fit.evidence import FEWEST_ROWS, moves, refusal, views
from onecycle_cli.run.fit.paces import TIMES, before_the_end, in_blocks, several_times
from onecycle_cli.run.fit.refinement import refine
from onecycle_cli.run.fit.result import Doubt, Fitted, doubts_on
from onecycle_cli.run.fit.row_counts import by_steps, counts_fractions
from onecycle_cli.run.fit.search import price, search
from onecycle_cli.run.fit.solution import READABLE
from onecycle_cli.run.groups import leading
from onecycle_cli.run.precision import EXACT, written_digits

if TYPE_CHECKING:
    from onecycle_cli.run.fit.evidence import Evidence
    from onecycle_cli.run.fit.result import Settings
    from onecycle_cli.run.fit.solution import Solution
    from onecycle_cli.run.logs.log import Log

__all__ = ["Fitted", "fit", "nearest_settings"]

ENOUGH = 0.95
"""Share of the log's values that settings must give to be its settings; the rest may be another mistake."""

FAR = 1e-3
"""Difference that the nearest curve leaves, as a share of the peak, at which more slack would not help either."""

UNLIKE = 0.05
"""The same, at which no other pace is tried: a row that is logged between two steps is off by a part of a step."""

DIGITS = 10
"""Digits of a fraction that its own rounding, and that of the steps it is multiplied with, leave as they were."""

TYPED = ("max_lr", "div_factor", "final_div_factor", "final_lr")
"""Settings that their authors write as short numbers."""

TRIED = 6
"""How many of the settings that meet the evidence are checked against all rows."""

IN_ORDER = [field.name for field in fields(OneCycle)]
"""The settings, in the order in which a config is written."""


@np.errstate(all="ignore")  # what a wrong curve or a damaged log gives meets no value, which is all that counts
def fit(log: Log) -> Fitted:
    """Recover the settings of the one-cycle schedule that a run followed.

    They are compared with the log as `check` does it, and the simplest that it accepts are returned. Where it accepts
    none, those that explain most of the values are, and what `check` finds is among the notes.

    Args:
        log: the run's learning rates and, if logged, momenta.

    Returns:
        The settings, shortest decimals where they give every value; PyTorch's where several conventions do.

    Raises:
        OnecycleError: the log holds no one-cycle schedule.
    """
    log = leading(log)
    for rows, per_epoch in by_steps(log):
        found, _ = _fit(rows)
        if found is not None and found.accepted:
            settings = _in_order({**found.settings, "steps_per_epoch": per_epoch})
            return _as_logged(replace(found, settings=settings), log)
    if counts_fractions(log):
        message = f"{log.path}: fractions of an epoch alone count its rows, which does not show what steps they are"
        raise OnecycleError(message, "log the step too")
    return _by_steps(log)


def nearest_settings(log: Log) -> Fitted | None:
    """Return the settings that explain most of a log whose rows count steps, one each; None where there are none.

    Raises:
        OnecycleError: it shows at a glance that it holds no one-cycle schedule.
    """
    return _fit(log)[0]


def _by_steps(log: Log) -> Fitted:
    """Recover settings from a log whose rows count steps; the errors are those of `fit`."""
    found, _ = _fit(log)
    if found is not None and found.explained >= ENOUGH:
        shorter = _faster(found)
        return found if shorter is None else replace(found, doubts=(*found.doubts, Doubt(_alike(shorter, log))))
    cut = before_the_end(log)
    plain, off = _fit(cut) if cut.steps.size >= FEWEST_ROWS else (None, math.inf)
    plain = _at_another_pace(log, off) if plain is None or not plain.accepted else _faster(plain) or plain
    if plain is None:
        raise refusal(log, 0.0 if found is None else found.explained)
    return _as_logged(plain, log)


def _faster(found: Fitted) -> Fitted | None:
    """Return a longer cycle that gives the same values if it is stepped several times per step, and is simpler to say.

    With N times as many steps between its first and its last, and up to its peak, it is at the same place in each step.
    """
    pct, total = found.settings.get("pct_start"), found.settings["total_steps"]
    traits = CONVENTIONS[str(found.settings.get("convention", DEFAULT))]
    if not isinstance(pct, float) or not isinstance(total, int) or not traits.ends_at_last_step or traits.whole_steps:
        return None
    for times in TIMES if written_digits(pct)[0] > READABLE else ():
        longer = times * (total - 1) + 1
        shorter = float(f"{(times * (pct * total - 1) + 1) / longer:.{DIGITS}g}")
        if written_digits(shorter)[0] <= READABLE:
            return replace(found, settings={**found.settings, "total_steps": longer, "pct_start": shorter})
    return None


def _at_another_pace(log: Log, off: float) -> Fitted | None:
    """Return the settings of a scheduler that moved several times per step, or once in several, by its own steps."""
    blocks = in_blocks(log)
    tried = [blocks] if blocks is not None else several_times(before_the_end(log)) if off < UNLIKE else ()
    for other in tried:
        found, _ = _fit(other)
        if found is not None and found.accepted:
            return found
    return None


def _as_logged(found: Fitted, log: Log) -> Fitted:
    """Return settings that some rows of a log have given, or its rows by the scheduler's own steps, for the whole log.

    Raises:
        OnecycleError: `check` does not accept them; the message has the cause that it finds, and the settings.
    """
    plan = OneCycle(**found.settings)  # type: ignore[arg-type]
    comparison = compare(plan, plan.schedule(), log)
    series = comparison.alignments[0]
    if comparison.right:
        # What only the chosen rows leave open does not hold for the whole log.
        doubts = [doubt for doubt in found.doubts if doubt.settings]
        doubts += [Doubt(series.reading.note)] if series.reading.note else []
        return replace(found, offset=series.offset, doubts=tuple(doubts))
    cause, _ = find_cause(plan, comparison.alignments)
    if cause.fit < PERFECT:
        raise refusal(log, cause.fit)
    message = f"{log.path}: no one-cycle schedule that is stepped once per step gives these learning rates"
    raise OnecycleError(f"{message}. With {_in_words(found.settings)}, {cause.summary}", cause.advice)


def _alike(paced: Fitted, log: Log) -> str:
    """Say that another cycle, at another pace, gives the same values."""
    plan = OneCycle(**paced.settings)  # type: ignore[arg-type]
    cause, _ = find_cause(plan, compare(plan, plan.schedule(), log).alignments)
    return f"another cycle gives the same values: with {_in_words(paced.settings)}, {cause.summary}"


def _in_words(settings: Settings) -> str:
    """Return settings that are not the convention's defaults in one line."""
    defaults = CONVENTIONS[str(settings.get("convention", DEFAULT))].defaults
    chosen = {setting: value for setting, value in settings.items() if value != getattr(defaults, setting, None)}
    return join_words([f"{setting} {setting_text(value, format_number)}" for setting, value in chosen.items()])


def _fit(log: Log) -> tuple[Fitted | None, float]:
    """Return the settings that explain most of a log, and what the nearest smooth curve leaves of it."""
    best, nearest, least = None, math.inf, math.inf
    for evidence, written in views(log):
        if moves(log.momentum) and not evidence.momentum and best is not None and best.explained >= ENOUGH:
            break
        solutions, off = search(evidence)
        nearest = min(nearest, off)
        for solution in solutions[:TRIED]:
            found = _check(log, evidence, solution, exact=written is EXACT)
            if found is None:
                continue
            if found.accepted:
                if (spent := price(solution, evidence)) < least:
                    best, least = found, spent
                break
            # Better by more than a value in a thousand, as the simpler settings come first.
            if best is None or found.explained > best.explained + 0.001:
                best = found
        # With less slack than arithmetic in float32 needs, numbers that nobody typed may come nearer.
        if best is not None and best.accepted and (written is EXACT or _is_typed(best.settings)):
            break
        if off > FAR and not evidence.momentum:
            break
    return best, nearest


def _is_typed(settings: Settings) -> bool:
    """Return whether every rate and factor is short enough that someone may have typed it."""
    values = [settings[name] for name in TYPED if name in settings]
    numbers = [number for value in values for number in (value if isinstance(value, list) else [value])]
    return all(isinstance(number, float) and written_digits(number)[0] <= READABLE for number in numbers)


def _check(log: Log, evidence: Evidence, solution: Solution, *, exact: bool) -> Fitted | None:
    """Finish settings, and compare them with every row of the log; None where no framework takes them."""
    settings, offset = dict(solution.settings), solution.candidate.offset
    if log.momentum is not None and not evidence.momentum and solution.candidate.traits.supports("cycle_momentum"):
        settings["cycle_momentum"] = False
    if exact:
        settings = refine(settings, offset, evidence)
    settings = _with_absolute_end(settings, log)
    if _are_names(log.groups):
        settings["groups"] = list(log.groups)
    settings = _in_order(settings)
    plan = OneCycle(**settings)  # type: ignore[arg-type]
    try:
        schedule = plan.schedule()
    except PlanError:  # such as a momentum above 1
        return None
    comparison = compare(plan, schedule, log)
    series = next((found for found in comparison.alignments if found.offset == offset), comparison.alignments[0])
    agreeing = sum(int(rows.agrees(rows.predicted(series.schedule, rows.steps)).sum()) for _, rows in series.pieces())
    explained = agreeing / max(series.compared, 1)
    doubts = tuple(doubts_on(log, evidence, solution, settings, series))
    return Fitted(settings, series.offset, explained, comparison.tolerance, comparison.right, doubts)


def _in_order(settings: Settings) -> Settings:
    return dict(sorted(settings.items(), key=lambda pair: IN_ORDER.index(pair[0])))


def _are_names(groups: tuple[str, ...]) -> bool:
    """Return whether several groups have names of their own, and not the numbers that they have anyway."""
    numbers = tuple(map(str, range(len(groups))))
    return len(groups) > 1 and len(set(groups)) == len(groups) and all(groups) and groups != numbers


def _with_absolute_end(settings: Settings, log: Log) -> Settings:
    """Name the convention with an absolute final rate where the end is a round rate, unless momentum is cycled."""
    absolute = next((convention for convention in CONVENTIONS.values() if convention.final_is_absolute), None)
    if absolute is None or "final_lr" not in settings or moves(log.momentum):
        return settings
    supported = {setting: value for setting, value in settings.items() if absolute.supports(setting)}
    return {**supported, "convention": absolute.name}
