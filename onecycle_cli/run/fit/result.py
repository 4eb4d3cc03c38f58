"""What was recovered from a log, and what the log does not determine of it, in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.formatting import count, join_words
from onecycle_cli.policy.conventions import CONVENTIONS, DEFAULT
from onecycle_cli.run.fit.evidence import moves

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onecycle_cli.run.fit.evidence import Evidence
    from onecycle_cli.run.fit.solution import Solution
    from onecycle_cli.run.logs.log import Log
    from onecycle_cli.run.precision import Precision
    from onecycle_cli.run.series import Series

Settings = dict[str, object]


@dataclass(frozen=True, slots=True)
class Fitted:
    """The settings that a log was made with, as far as it shows them.

    Attributes:
        settings: our settings with their values; what is neither determined nor needed is left out.
        offset: what is added to a logged step to get the schedule's step: -1 where the log counts from 1.
        explained: the share of logged values, from 0 to 1, that the settings give within the tolerance.
        tolerance: how near counts as equal, by the log's own precision.
        undetermined: what the log does not determine, a sentence each.
    """

    settings: Settings
    offset: int
    explained: float
    tolerance: Precision
    undetermined: tuple[str, ...]


def undetermined(log: Log, evidence: Evidence, solution: Solution, settings: Settings, series: Series) -> Iterator[str]:
    """Yield what the log does not determine, what is used instead, and what `check` will say against it."""
    yield from _of_length(evidence, solution)
    yield from _of_rates(evidence, solution, settings)
    yield from _of_momentum(log, solution, settings)
    if not series.right:
        yield from _of_check(series)


def _of_length(evidence: Evidence, solution: Solution) -> Iterator[str]:
    last, total = evidence.last + solution.candidate.offset, solution.candidate.total_steps
    guessed = solution.candidate.guessed
    if last + 1 < total and guessed:
        yield (
            f"the log ends before the annealing does: total_steps {total:,} is a guess, and with it pct_start "
            "and final_div_factor"
        )
    elif last + 1 < total:
        sure = f"the curve implies total_steps {total:,}"
        yield f"the log ends at step {evidence.last:,}, before the cycle does: {sure}"
    elif guessed:
        yield f"total_steps {total:,} is taken from the last logged step"


def _of_rates(evidence: Evidence, solution: Solution, settings: Settings) -> Iterator[str]:
    last, total = evidence.last + solution.candidate.offset, solution.candidate.total_steps
    if "final_div_factor" in solution.undetermined and not solution.candidate.guessed:
        reason = "the log ends before the annealing does" if last + 1 < total else "the log is too coarse at its end"
        yield f"{reason}: final_div_factor is undetermined{_used(settings, 'final_div_factor')}"
    if "div_factor" in solution.undetermined:
        yield (
            f"the log begins at step {evidence.first:,}, after the rise: div_factor is undetermined"
            f"{_used(settings, 'div_factor')}; final_div_factor depends on it"
        )


def _of_momentum(log: Log, solution: Solution, settings: Settings) -> Iterator[str]:
    names = ("base_momentum", "max_momentum", "final_momentum")
    momenta = [name for name in names if name in solution.undetermined]
    if momenta:
        yield f"the log does not reach far enough to determine {join_words(momenta)}"
    if not CONVENTIONS[str(settings.get("convention", DEFAULT))].supports("cycle_momentum"):
        return
    if log.momentum is None:
        yield "no momentum is logged: cycle_momentum, base_momentum and max_momentum are undetermined"
    elif moves(log.momentum) and not settings.get("cycle_momentum"):
        yield "the logged momentum follows another curve: cycle_momentum false leaves it out of the check"


def _of_check(series: Series) -> Iterator[str]:
    """Say what of the log these settings do not give: `check` finds the same."""
    total, past = series.schedule.total_steps, series.steps >= series.schedule.total_steps
    if past.any() and not series.wrong[~past].any():
        step = int(series.logged_steps[past].min())
        yield f"step {step:,} is past the end of the cycle of {total:,} steps: `check` calls it an overrun"
        return
    step, wrong = int(series.logged_steps[series.prefix]), int(series.wrong.sum())
    yield f"{count(wrong, 'logged value')} {'is' if wrong == 1 else 'are'} not of this schedule, first at step {step:,}"


def _used(settings: Mapping[str, object], setting: str) -> str:
    value = settings.get(setting)
    return f" ({value!r} is used)" if value is not None else ""
