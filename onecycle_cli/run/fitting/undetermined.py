"""What a log does not tell of its schedule, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.formatting import join_words
from onecycle_cli.policy.conventions import CONVENTIONS, DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onecycle_cli.run.fitting.evidence import Evidence
    from onecycle_cli.run.fitting.settling import Settled
    from onecycle_cli.run.logs.log import Log


def undetermined(log: Log, evidence: Evidence, settled: Settled, settings: Mapping[str, object]) -> tuple[str, ...]:
    """Say what the log does not tell, and what stands in for it."""
    rates = _of_rates(evidence, settled, settings)
    return (*_of_length(evidence, settled, settings), *rates, *_of_momentum(log, settled, settings))


def _of_length(evidence: Evidence, settled: Settled, settings: Mapping[str, object]) -> Iterator[str]:
    last, total = evidence.last + settled.draft.offset, settled.draft.total_steps
    guessed = settled.draft.guessed
    if last + 1 < total and guessed:
        yield (
            f"the log ends before the annealing does: total_steps {total:,} is a guess, and with it pct_start "
            "and final_div_factor"
        )
    elif last + 1 < total:
        sure = f"its curve leads to total_steps {total:,}"
        yield f"the log ends at step {evidence.last:,}, before the cycle does: {sure}"
    elif guessed:
        yield f"total_steps {total:,} is taken from the last logged step"
    if last >= total and CONVENTIONS[str(settings.get("convention", DEFAULT))].ends_at_last_step:
        yield f"step {evidence.last:,} is one past the end of the cycle: its learning rate rises again there"


def _of_rates(evidence: Evidence, settled: Settled, settings: Mapping[str, object]) -> Iterator[str]:
    last, total = evidence.last + settled.draft.offset, settled.draft.total_steps
    if "final_div_factor" in settled.undetermined and not settled.draft.guessed:
        reason = "the log ends before the annealing does" if last + 1 < total else "the log is too coarse at its end"
        yield f"{reason}: final_div_factor cannot be told{_stands_in(settings, 'final_div_factor')}"
    if "div_factor" in settled.undetermined:
        yield (
            f"the log begins at step {evidence.first:,}, after the rise: div_factor cannot be told"
            f"{_stands_in(settings, 'div_factor')}; final_div_factor counts from it"
        )


def _of_momentum(log: Log, settled: Settled, settings: Mapping[str, object]) -> Iterator[str]:
    momenta = [each for each in ("base_momentum", "max_momentum", "final_momentum") if each in settled.undetermined]
    if momenta:
        yield f"the log does not reach far enough to tell {join_words(momenta)}"
    if not CONVENTIONS[str(settings.get("convention", DEFAULT))].supports("cycle_momentum"):
        return
    if log.momentum is None:
        yield "no momentum is logged: cycle_momentum, base_momentum and max_momentum cannot be told"
    elif "cycle_momentum" not in settings:
        yield "the logged momentum follows another curve: cycle_momentum is left open"


def _stands_in(settings: Mapping[str, object], setting: str) -> str:
    value = settings.get(setting)
    return f" ({value!r} stands in)" if value is not None else ""
