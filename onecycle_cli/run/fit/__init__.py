"""From a log back to the settings: which one-cycle schedule a run followed, as far as its learning rates show it."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from onecycle_cli.errors import PlanError
from onecycle_cli.policy.conventions import CONVENTIONS
from onecycle_cli.policy.onecycle import OneCycle
from onecycle_cli.run.alignment import compare
from onecycle_cli.run.fit.evidence import moves, refusal, views
from onecycle_cli.run.fit.refinement import refine
from onecycle_cli.run.fit.result import Fitted, undetermined
from onecycle_cli.run.fit.search import search
from onecycle_cli.run.groups import leading
from onecycle_cli.run.precision import EXACT

if TYPE_CHECKING:
    from onecycle_cli.run.fit.evidence import Evidence
    from onecycle_cli.run.fit.result import Settings
    from onecycle_cli.run.fit.solution import Solution
    from onecycle_cli.run.logs.log import Log

__all__ = ["Fitted", "fit"]

ENOUGH = 0.95
"""Share of the log's values that settings must give to be its settings; the rest may be another mistake."""

FAR = 1e-3
"""Difference that the nearest curve leaves, as a share of the peak, at which more slack would not help either."""

TRIED = 6
"""How many of the settings that meet the evidence are checked against all rows."""

IN_ORDER = [field.name for field in fields(OneCycle)]
"""The settings, in the order in which a config is written."""


def fit(log: Log) -> Fitted:
    """Recover the settings of the one-cycle schedule that a run followed.

    They are compared with the log as `check` does it, and the simplest that it accepts are returned. Where it accepts
    none, those that explain most of the values are, and what `check` finds is among what is undetermined.

    Args:
        log: the run's learning rates and, if logged, momenta.

    Returns:
        The settings, shortest decimals where they give every value; PyTorch's where several conventions do.

    Raises:
        OnecycleError: the log holds no one-cycle schedule.
    """
    log = leading(log)
    best: Fitted | None = None
    for evidence, written in views(log):
        dropped = moves(log.momentum) and not evidence.momentum
        if dropped and best is not None and best.explained >= ENOUGH:
            break
        solutions, off = search(evidence)
        for solution in solutions[:TRIED]:
            try:
                found, accepted = _check(log, evidence, solution, exact=written is EXACT)
            except PlanError:  # settings that no framework takes, such as a momentum above 1
                continue
            if accepted:
                return found
            # Better by more than a value in a thousand, as the simpler settings come first.
            if best is None or found.explained > best.explained + 0.001:
                best = found
        if off > FAR and not evidence.momentum:
            break
    if best is None or best.explained < ENOUGH:
        raise refusal(log, 0.0 if best is None else best.explained)
    return best


def _check(log: Log, evidence: Evidence, solution: Solution, *, exact: bool) -> tuple[Fitted, bool]:
    """Finish settings, compare them with every row of the log, and return whether `check` accepts them.

    Raises:
        PlanError: they are invalid.
    """
    settings, offset = dict(solution.settings), solution.candidate.offset
    if log.momentum is not None and not evidence.momentum and solution.candidate.traits.supports("cycle_momentum"):
        settings["cycle_momentum"] = False
    if exact:
        settings = refine(settings, offset, evidence)
    settings = _with_absolute_end(settings, log)
    if _are_names(log.groups):
        settings["groups"] = list(log.groups)
    settings = dict(sorted(settings.items(), key=lambda pair: IN_ORDER.index(pair[0])))
    with np.errstate(all="ignore"):
        plan = OneCycle(**settings)  # type: ignore[arg-type]
        comparison = compare(plan, plan.schedule(), log)
        series = next((found for found in comparison.alignments if found.offset == offset), comparison.alignments[0])
        agreeing = sum(
            int(rows.agrees(rows.predicted(series.schedule, rows.steps)).sum()) for _, rows in series.pieces()
        )
        explained = agreeing / max(series.compared, 1)
    unknown = tuple(undetermined(log, evidence, solution, settings, series))
    return Fitted(settings, series.offset, explained, comparison.tolerance, unknown), comparison.right


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
