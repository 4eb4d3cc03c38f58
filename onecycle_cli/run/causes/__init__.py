"""Causes of a divergence: each module has hypotheses of one kind; they are tested in the order given here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.formatting import count
from onecycle_cli.run import Cause
from onecycle_cli.run.causes.curve import momentum_still, other_convention, other_lines, other_phases
from onecycle_cli.run.causes.epochs import cycle_in_each_epoch, made_in_each_epoch, stepped_more_in_each_epoch
from onecycle_cli.run.causes.hypothesis import Case, rows_with_rate
from onecycle_cli.run.causes.jumps import jumped, made_for_the_rest, started_late
from onecycle_cli.run.causes.other_length import kept_the_cycle, took_a_longer_cycle
from onecycle_cli.run.causes.pace import once_per_epoch, prepared, several_times, skipped, unevenly
from onecycle_cli.run.causes.parts import several_parts
from onecycle_cli.run.causes.simple import constant, overrun, swapped_groups, unknown
from onecycle_cli.run.causes.wrong_settings import (
    micro_batches_counted,
    wrong_div_factor,
    wrong_final,
    wrong_max_lr,
    wrong_momentum,
    wrong_pct_start,
    wrong_total_steps,
)
from onecycle_cli.run.coverage import first_missing_step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from onecycle_cli.policy.onecycle import OneCycle
    from onecycle_cli.run.causes.hypothesis import Hypothesis
    from onecycle_cli.run.series import Series

IN_ORDER: tuple[Callable[[Case], Iterator[Hypothesis]], ...] = (
    overrun,
    constant,
    kept_the_cycle,
    momentum_still,
    swapped_groups,
    jumped,
    made_for_the_rest,
    started_late,
    prepared,
    several_times,
    once_per_epoch,
    made_in_each_epoch,
    cycle_in_each_epoch,
    stepped_more_in_each_epoch,
    micro_batches_counted,
    other_lines,
    other_phases,
    wrong_max_lr,
    wrong_final,
    wrong_div_factor,
    wrong_pct_start,
    wrong_total_steps,
    took_a_longer_cycle,
    wrong_momentum,
    other_convention,
)
"""The kinds of hypotheses, those that assume least first: of several that explain everything the first is chosen."""

ENOUGH_ROWS = 3
"""Rows without which no cause is certain."""

CLEAR_ROWS = 50
"""Wrong rows that one cause alone explains, where they are written in full."""

MORE_GENERAL = {"no-accumulation": ("wrong-total_steps",)}
"""Causes of which another is a special case."""

CERTAIN = ("overrun", "constant")
"""Causes that assume nothing: they are seen in the rows themselves."""

MOST_NAMED = 2
"""Other causes that are named."""

BY_COUNTING: tuple[Callable[[Case], Iterator[Hypothesis]], ...] = (several_parts, unevenly, skipped)
"""Those that take from the log itself when the scheduler moved, and therefore fit under more than one offset."""


def find_cause(settings: OneCycle, alignments: Sequence[Series]) -> tuple[Cause, Series]:
    """Find why a log is not as planned: the simplest cause that explains everything, else the one that does best.

    It is looked for under every offset, as a log whose first row is wrong does not show how it counts.

    Args:
        settings: the plan.
        alignments: the log beside the plan under every offset, the likeliest first.

    Returns:
        The cause, and the alignment to show: the likeliest where the log agrees with the plan under it for a while,
        else the one that the cause was found under.
    """
    likeliest = alignments[0]
    best: tuple[float, Cause, Series] | None = None
    # A hypothesis under another offset must explain more than the plan itself does under the likeliest.
    least = likeliest.right_values / max(likeliest.compared, 1)
    for case, hypothesis in _hypotheses([Case(settings, series) for series in alignments]):
        if not case.fit(hypothesis).good or (hypothesis.is_local and case.wrong_rows.size < ENOUGH_ROWS):
            continue
        fit = case.fit(hypothesis, whole=True)
        if fit.perfect:
            best = fit.of_all, _with_doubts(case, hypothesis, fit.of_all), case.whole
            break
        if fit.good and fit.of_all > (least if best is None else best[0]):
            found = Cause(hypothesis.slug, hypothesis.summary, hypothesis.advice, fit.of_all)
            best = fit.of_all, found, case.whole
    if best is None:
        return unknown(Case(settings, likeliest)), likeliest
    return best[1], likeliest if likeliest.prefix else best[2]


def _with_doubts(case: Case, found: Hypothesis, share: float) -> Cause:
    """Return a hypothesis that explains everything as the cause, and name the others that do so, too.

    A log of a row or two does not show a cause: then it is only one that is possible.
    """
    alike = list(_alike(case, found))
    summary = "; or ".join([found.summary, *(other.summary for other in alike[:MOST_NAMED])])
    if alike:
        summary = f"{summary}: the log does not show which"
    rows = rows_with_rate(case.whole).size
    if rows < ENOUGH_ROWS and found.kind not in CERTAIN:
        return Cause("unknown", f"{count(rows, 'row')} cannot show the cause; possible: {summary}", found.advice, share)
    return Cause(found.slug, summary, found.advice, share)


def _alike(case: Case, found: Hypothesis) -> Iterator[Hypothesis]:
    """Yield the hypotheses of other kinds that explain everything, but for those that say the same more generally.

    Many rows, written in full, over the whole cycle leave room for one.
    """
    clear = case.wrong_rows.size >= CLEAR_ROWS and case.whole.is_precise and first_missing_step(case.whole) is None
    if found.kind in CERTAIN or clear:
        return
    kinds = {found.kind, *MORE_GENERAL.get(found.kind, ())}
    for propose in IN_ORDER:
        for other in propose(case):
            if other.kind in kinds or (other.is_local and case.wrong_rows.size < ENOUGH_ROWS):
                continue
            if case.fit(other).perfect and case.fit(other, whole=True).perfect:
                kinds.add(other.kind)
                yield other


def _hypotheses(cases: Sequence[Case]) -> Iterator[tuple[Case, Hypothesis]]:
    for kinds in (IN_ORDER, BY_COUNTING):
        for case in cases:
            for propose in kinds:
                for hypothesis in propose(case):
                    yield case, hypothesis
