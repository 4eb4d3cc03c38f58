"""What several settings of a run were, where no single cause explains its log: those that `fit` recovers from it.

Of the recovered settings, only those are named without which the log is not explained. So what the log does not
determine, and what only `fit` prefers, stays as it was planned.
"""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import format_number, join_words, setting_text
from onecycle_cli.policy.onecycle import OneCycle
from onecycle_cli.run import Cause
from onecycle_cli.run.causes.hypothesis import Case, Hypothesis
from onecycle_cli.run.fit import nearest_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.run.groups import Track
    from onecycle_cli.run.logs.log import Log
    from onecycle_cli.run.series import Series

OF_GROUPS = ("max_lr", "base_momentum", "max_momentum")
"""Settings that each parameter group has for itself."""

IN_ORDER = (
    "convention",
    "three_phase",
    "anneal_strategy",
    *OF_GROUPS[1:],
    "final_lr",
    "final_div_factor",
    "div_factor",
    "pct_start",
    "total_steps",
    OF_GROUPS[0],
)
"""The settings, those that are least likely to have been others first: they are the first to be left as planned."""

DIGITS = 10
"""Digits of a setting that are shown, as many as where a single one is wrong."""


def several_settings(settings: OneCycle, alignments: Sequence[Series], log: Log) -> tuple[Cause, Series] | None:
    """Find the settings with which a log is explained in place of the plan's; None where there are none."""
    tracks = _one_of_each_group(alignments[0].tracks)
    try:
        found = nearest_settings(_as_compared(log, alignments[0], tracks))
        if found is None:
            return None
        made = OneCycle(**found.settings).schedule()  # type: ignore[arg-type]
    except OnecycleError:
        return None
    clock = alignments[0].clock
    for series in alignments:
        if series.offset == found.offset and (series.clock is clock or np.array_equal(series.clock, clock)):
            return _differing(Case(settings, series), made, tracks, found.undetermined)
    return None


def _one_of_each_group(tracks: Sequence[Track]) -> list[Track]:
    """Return one track for each group and quantity, in the order of the groups."""
    first = {(track.field, track.group): track for track in reversed(tracks)}
    return [first[key] for key in sorted(first)]


def _as_compared(log: Log, series: Series, tracks: list[Track]) -> Log:
    """Return the log with the rates that are compared alone, by the schedule's steps."""
    rates = [track for track in tracks if track.field == "lr"]
    momenta = [track for track in tracks if track.field == "momentum"]
    momenta = momenta if len(momenta) == len(rates) else []
    places = [track.place(log) for track in (*rates, *momenta)]
    return replace(
        log,
        steps=series.clock,
        values=log.values[:, places],
        groups=tuple(log.groups[track.column] for track in rates),
        others=0,
        texts=tuple(log.texts[place] for place in places) if log.texts else (),
        counts="step",
        epochs=None,
    )


class _Variants:
    """The plan with some settings as they were recovered."""

    def __init__(self, case: Case, made: Schedule, tracks: list[Track]) -> None:
        self.case, self.planned, self.made = case, case.schedule.plan, made.plan
        self.groups = [track.group for track in tracks if track.field == "lr"]
        self.values = {name: (self._found(name, made), self._planned(name)) for name in IN_ORDER}
        self.names = [name for name, (found, planned) in self.values.items() if found != planned]

    def _found(self, name: str, made: Schedule) -> Any:
        """Return what was recovered; None where the plan has no such setting."""
        if name in OF_GROUPS:
            return [getattr(group, name) for group in self.made.groups]
        if name == "final_lr":
            return None if self.planned.final_lr is None else float(f"{made.lr(made.total_steps - 1):.{DIGITS}g}")
        if name == "final_div_factor" and self.planned.final_lr is not None:
            return self.planned.final_div_factor
        return getattr(self.made, name)

    def _planned(self, name: str) -> Any:
        if name in OF_GROUPS:
            return [getattr(self.planned.groups[at], name) for at in self.groups]
        return getattr(self.planned, name)

    def hypothesis(self, names: Sequence[str]) -> Hypothesis | None:
        """Return the hypothesis that some settings were as recovered, and the others as planned."""
        changes = {name: self.values[name][0] for name in names if name not in OF_GROUPS}
        groups = list(self.planned.groups)
        for name in (name for name in names if name in OF_GROUPS):
            for at, value in zip(self.groups, self.values[name][0], strict=True):
                changed: dict[str, Any] = {name: value}
                groups[at] = dataclasses.replace(groups[at], **changed)
        schedule = self.case.variant(**changes, groups=tuple(groups))
        return None if schedule is None else Hypothesis("unknown", *self._in_words(names), self.case.follows(schedule))

    def explains(self, names: Sequence[str]) -> bool:
        """Return whether that hypothesis explains the log."""
        hypothesis = self.hypothesis(names)
        return hypothesis is not None and self.case.fit(hypothesis).perfect

    def _in_words(self, names: Sequence[str]) -> tuple[str, str]:
        shown = {name: [self._shown(value) for value in self.values[name]] for name in names}
        others = "; ".join(f"{name} {run} not {planned}" for name, (run, planned) in shown.items())
        run, plan = (join_words([f"{name} to {each[at]}" for name, each in shown.items()]) for at in (1, 0))
        return (
            f"no single cause explains the log, but several settings do together: {others}",
            f"set {run} in the run, or {plan} in the plan",
        )

    def _shown(self, value: Any) -> str:
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        return setting_text(getattr(value, "name", value), lambda number: format_number(number, DIGITS))


def _differing(
    case: Case, made: Schedule, tracks: list[Track], undetermined: Sequence[str]
) -> tuple[Cause, Series] | None:
    """Leave as planned every setting without which the log is still explained, and describe the others."""
    variants = _Variants(case, made, tracks)
    if len(variants.made.groups) != len(variants.groups) or not variants.explains(variants.names):
        return None
    names = variants.names
    for name in IN_ORDER:
        without = [other for other in names if other != name]
        if name in names and variants.explains(without):
            names = without
    hypothesis = variants.hypothesis(names)
    fit_of_all = None if hypothesis is None or not names else case.fit(hypothesis, whole=True)
    if hypothesis is None or fit_of_all is None or not fit_of_all.perfect:
        return None
    slug, summary = "unknown" if len(names) > 1 else f"wrong-{names[0]}", hypothesis.summary
    if guessed := [name for name in names if name in undetermined]:
        slug, summary = "unknown", f"{summary}; others may do so, too: the log does not determine {join_words(guessed)}"
    return Cause(slug, summary, hypothesis.advice, fit_of_all.of_all), case.whole
