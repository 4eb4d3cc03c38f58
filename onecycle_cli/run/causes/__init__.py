"""Causes: each module has hypotheses of one kind, which are put to the test in the order of their simplicity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.run.causes.hypothesis import Case
from onecycle_cli.run.causes.jumps import jumped
from onecycle_cli.run.causes.numbers import wrong_div_factor, wrong_final, wrong_max_lr, wrong_momentum
from onecycle_cli.run.causes.pace import once_an_epoch, several_times, skipped, unevenly
from onecycle_cli.run.causes.plain import constant, overrun, swapped_groups
from onecycle_cli.run.causes.shape import momentum_still, other_convention, other_lines, other_phases
from onecycle_cli.run.causes.turns import micro_batches_counted, wrong_pct_start, wrong_total_steps
from onecycle_cli.run.causes.unknown import unknown
from onecycle_cli.run.verdict import Cause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from onecycle_cli.policy.onecycle import OneCycle
    from onecycle_cli.run.causes.hypothesis import Hypothesis
    from onecycle_cli.run.series import Series

IN_ORDER: tuple[Callable[[Case], Iterator[Hypothesis]], ...] = (
    overrun,
    constant,
    momentum_still,
    swapped_groups,
    jumped,
    several_times,
    once_an_epoch,
    micro_batches_counted,
    other_lines,
    other_phases,
    wrong_max_lr,
    wrong_final,
    wrong_div_factor,
    wrong_pct_start,
    wrong_total_steps,
    wrong_momentum,
    other_convention,
)
"""The kinds of hypotheses, those that assume least first: of several that explain everything the first is believed."""

BY_COUNTING: tuple[Callable[[Case], Iterator[Hypothesis]], ...] = (unevenly, skipped)
"""Those that take from the log itself when the scheduler moved, and therefore fit under more than one offset."""


def find_cause(settings: OneCycle, alignments: Sequence[Series]) -> tuple[Cause, Series]:
    """Find why a log is not as planned: the simplest cause that explains everything, else the one that does best.

    It is looked for under every offset, as a log whose first row is wrong does not show how it counts. The offset
    that comes back with the cause is the likeliest of all where the log agrees with the plan under it for a while.
    """
    best: tuple[float, Cause, Series] | None = None
    cases = [Case(settings, alignment) for alignment in alignments]
    # A hypothesis under another offset must explain more than the plan itself does under the likeliest.
    planned = alignments[0].right_values / max(int(alignments[0].present.sum()), 1)
    for case, hypothesis in _hypotheses(cases):
        if not case.fit(hypothesis).good:
            continue
        fit = case.fit(hypothesis, whole=True)
        cause = Cause(hypothesis.slug, hypothesis.summary, hypothesis.advice, fit.of_all)
        if fit.perfect:
            return cause, _shown(alignments, case.alignment)
        if fit.good and fit.of_all > (planned if best is None else best[0]):
            best = fit.of_all, cause, case.alignment
    if best is None:
        return unknown(cases[0]), alignments[0]
    return best[1], _shown(alignments, best[2])


def _hypotheses(cases: Sequence[Case]) -> Iterator[tuple[Case, Hypothesis]]:
    for kinds in (IN_ORDER, BY_COUNTING):
        for case in cases:
            for propose in kinds:
                for hypothesis in propose(case):
                    yield case, hypothesis


def _shown(alignments: Sequence[Series], found: Series) -> Series:
    return alignments[0] if alignments[0].prefix else found
