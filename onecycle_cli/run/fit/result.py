"""What was recovered from a log: the settings, those that the log does not determine, and notes in sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

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
class Doubt:
    """Something that a log does not show: the settings that it leaves open, and a sentence about it."""

    sentence: str
    settings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fitted:
    """The settings that a log was made with, as far as it shows them.

    Attributes:
        settings: our settings with their values; what is neither determined nor needed is left out.
        offset: what is added to a logged step to get the schedule's step: -1 where the log counts from 1.
        explained: the share of logged values, from 0 to 1, that the settings give within the tolerance.
        tolerance: how near counts as equal, by the log's own precision.
        accepted: whether `check` finds that the log follows these settings.
        doubts: what the log does not determine, and what `check` will say against the settings.
    """

    settings: Settings
    offset: int
    explained: float
    tolerance: Precision
    accepted: bool
    doubts: tuple[Doubt, ...]

    @property
    def undetermined(self) -> tuple[str, ...]:
        """The settings that the log does not determine."""
        return tuple(dict.fromkeys(setting for doubt in self.doubts for setting in doubt.settings))

    @property
    def notes(self) -> tuple[str, ...]:
        """The doubts, a sentence each."""
        return tuple(doubt.sentence for doubt in self.doubts)


def doubts_on(log: Log, evidence: Evidence, solution: Solution, settings: Settings, series: Series) -> Iterator[Doubt]:
    """Yield what the log does not determine, what is used instead, and what `check` will say against it."""
    yield from _of_length(evidence, solution)
    yield from _of_counts(log, solution)
    yield from _of_rates(evidence, solution, settings)
    yield from _of_momentum(log, solution, settings)
    if not series.right:
        yield Doubt(_of_check(series))


def _of_length(evidence: Evidence, solution: Solution) -> Iterator[Doubt]:
    last, total = evidence.last + solution.candidate.offset, solution.candidate.total_steps
    guessed = solution.candidate.guessed
    if last + 1 < total and guessed:
        yield Doubt(
            f"the log ends before the annealing does: total_steps {total:,} is a guess, and with it pct_start "
            "and final_div_factor",
            ("total_steps", "pct_start", "final_div_factor"),
        )
    elif last + 1 < total:
        sure = f"the curve implies total_steps {total:,}"
        yield Doubt(f"the log ends at step {evidence.last:,}, before the cycle does: {sure}")
    elif guessed:
        yield Doubt(f"total_steps {total:,} is taken from the last logged step", ("total_steps",))


def _of_counts(log: Log, solution: Solution) -> Iterator[Doubt]:
    """Say that steps from 0 may be counts of something else, where the last of the cycle is such a multiple, too.

    A run of 1,000 steps that logs every tenth ends at 990, and only one of 991 ends with a row.
    """
    total, times = solution.candidate.total_steps, int(np.gcd.reduce(log.steps))
    if log.counts == "step" and solution.candidate.offset == 0 and times > 1 and int(log.steps.max()) == total - 1:
        yield Doubt(
            f"every logged step is a multiple of {times:,}, to the last of the cycle: if the log counts samples or "
            f"micro-batches, {times:,} to a step, total_steps is {(total - 1) // times + 1:,}",
            ("total_steps",),
        )


def _of_rates(evidence: Evidence, solution: Solution, settings: Settings) -> Iterator[Doubt]:
    last, total = evidence.last + solution.candidate.offset, solution.candidate.total_steps
    if "final_div_factor" in solution.undetermined and not solution.candidate.guessed:
        reason = "the log ends before the annealing does" if last + 1 < total else "the log is too coarse at its end"
        used = _used(settings, "final_div_factor")
        yield Doubt(f"{reason}: final_div_factor is undetermined{used}", ("final_div_factor",))
    if "div_factor" in solution.undetermined:
        yield Doubt(
            f"the log begins at step {evidence.first:,}, after the rise: div_factor is undetermined"
            f"{_used(settings, 'div_factor')}; final_div_factor depends on it",
            ("div_factor", "final_div_factor"),
        )


def _of_momentum(log: Log, solution: Solution, settings: Settings) -> Iterator[Doubt]:
    names = ("base_momentum", "max_momentum", "final_momentum")
    momenta = [name for name in names if name in solution.undetermined]
    if momenta:
        yield Doubt(f"the log does not reach far enough to determine {join_words(momenta)}", tuple(momenta))
    if not CONVENTIONS[str(settings.get("convention", DEFAULT))].supports("cycle_momentum"):
        return
    if log.momentum is None:
        open_ = ("cycle_momentum", "base_momentum", "max_momentum")
        yield Doubt(f"no momentum is logged: {join_words(open_)} are undetermined", open_)
    elif moves(log.momentum) and not settings.get("cycle_momentum"):
        yield Doubt("the logged momentum follows another curve: cycle_momentum false leaves it out of the check")


def _of_check(series: Series) -> str:
    """Say what of the log these settings do not give: `check` finds the same."""
    total, past = series.schedule.total_steps, series.steps >= series.schedule.total_steps
    if past.any() and not series.wrong[~past].any():
        step = int(series.logged_steps[past].min())
        return f"step {step:,} is past the end of the cycle of {total:,} steps: `check` calls it an overrun"
    step, wrong = int(series.logged_steps[series.prefix]), int(series.wrong.sum())
    return (
        f"{count(wrong, 'logged value')} {'is' if wrong == 1 else 'are'} not of this schedule, first at step {step:,}"
    )


def _used(settings: Mapping[str, object], setting: str) -> str:
    value = settings.get(setting)
    return f" ({value!r} is used)" if value is not None else ""
