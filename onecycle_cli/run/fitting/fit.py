"""The fit itself: from a log to the settings that give it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.policy.conventions import CONVENTIONS
from onecycle_cli.run.fitting.evidence import gather, moves
from onecycle_cli.run.fitting.fitted import Fitted
from onecycle_cli.run.fitting.precision import EXACT, LOOSER, NEARLY_EXACT, find_precision
from onecycle_cli.run.fitting.proving import explained
from onecycle_cli.run.fitting.refusal import refusal, refuse_at_sight
from onecycle_cli.run.fitting.searching import search
from onecycle_cli.run.fitting.tuning import tune
from onecycle_cli.run.fitting.undetermined import undetermined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.run.fitting.evidence import Evidence
    from onecycle_cli.run.fitting.precision import Precision
    from onecycle_cli.run.fitting.settling import Settled
    from onecycle_cli.run.logs.log import Log

ENOUGH = 0.95
"""Share of the log's values that settings must give to be its settings."""

FAR = 1e-3
"""Difference that the nearest curve leaves, as a share of the peak, at which no precision is too high."""

TRIED = 4
"""How many of the settings that meet the evidence are held against all rows."""


def fit(log: Log) -> Fitted:
    """Recover the settings of the one-cycle schedule that a run followed.

    Args:
        log: the run's learning rates and, if logged, momenta.

    Returns:
        The settings, shortest decimals where they give every value; PyTorch's where several conventions do.

    Raises:
        OnecycleError: the log holds no one-cycle schedule.
    """
    refuse_at_sight(log)
    nearest = 0.0
    for precision, momentum in _views(log):
        evidence = gather(log, precision, momentum=momentum)
        share, settled, off = _best(log, evidence)
        if settled is not None and share >= ENOUGH:
            return _finish(log, evidence, settled)
        nearest = max(nearest, share)
        if off > FAR and not momentum:  # nor would it be met less precisely
            break
    raise refusal(log, nearest)


def _best(log: Log, evidence: Evidence) -> tuple[float, Settled | None, float]:
    """Hold the best of the settings that meet the evidence against all rows."""
    found, off = search(evidence)
    best: Settled | None = None
    most = 0.0
    for settled in found[:TRIED]:
        share = explained(log, settled.settings, settled.draft.offset, evidence.precision)
        if best is None or share > most + 0.001:
            best, most = settled, share
        if share == 1:
            break
    return most, best, off


def _views(log: Log) -> Iterator[tuple[Precision, bool]]:
    """Give the log as it shows itself; then less precise; then without a momentum that goes its own way."""
    import numpy as np

    precision = find_precision(log.lr[np.isfinite(log.lr)])
    moving = log.momentum is not None and moves(log.momentum)
    for momentum in (True, False) if moving else (False,):
        yield precision, momentum
        if precision in LOOSER:
            yield LOOSER[precision], momentum


def _finish(log: Log, evidence: Evidence, settled: Settled) -> Fitted:
    """Fix last bits, name groups and convention, and say what is not told."""
    settings, offset = dict(settled.settings), settled.draft.offset
    if (
        log.momentum is not None
        and not moves(log.momentum)
        and CONVENTIONS[settled.draft.convention].supports("cycle_momentum")
    ):
        settings["cycle_momentum"] = False
    if evidence.precision in (EXACT, NEARLY_EXACT):
        settings = tune(settings, offset, evidence)
    settings = _as_paddle(settings, log)
    if _are_names(log.groups):
        settings["groups"] = list(log.groups)
    share = explained(log, settings, offset, evidence.precision)
    ordered = dict(sorted(settings.items(), key=lambda pair: _ORDER.index(pair[0])))
    return Fitted(ordered, offset, share, evidence.precision.tolerance, undetermined(log, evidence, settled, ordered))


def _are_names(groups: tuple[str, ...]) -> bool:
    """Say whether several groups have names of their own, and not the numbers that they have anyway."""
    numbers = tuple(map(str, range(len(groups))))
    return len(groups) > 1 and len(set(groups)) == len(groups) and all(groups) and groups != numbers


def _as_paddle(settings: dict[str, object], log: Log) -> dict[str, object]:
    """Name Paddle where the end is a round rate rather than a round fraction, and no momentum speaks against it."""
    if "final_lr" not in settings or (log.momentum is not None and moves(log.momentum)):
        return settings
    convention = next(convention for convention in CONVENTIONS.values() if convention.final_is_absolute)
    supported = {setting: value for setting, value in settings.items() if convention.supports(setting)}
    return {**supported, "convention": convention.name}


_ORDER = (
    "convention",
    "groups",
    "max_lr",
    "div_factor",
    "final_div_factor",
    "final_lr",
    "total_steps",
    "pct_start",
    "pct_final",
    "stepsize",
    "anneal_strategy",
    "three_phase",
    "cycle_momentum",
    "base_momentum",
    "max_momentum",
    "final_momentum",
)
