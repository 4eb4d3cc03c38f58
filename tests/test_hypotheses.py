"""Causes before they are accepted: what each proposes for a log, in numbers, and how well it must fit."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from onecycle_cli import OneCycle
from onecycle_cli.run.alignment import compare
from onecycle_cli.run.causes import curve, epochs, jumps, pace, parts, simple, wrong_settings
from onecycle_cli.run.causes.hypothesis import Case, Fit, Hypothesis, first_value, rows_with_rate, steps_with
from onecycle_cli.run.logs.log import Log

from .logged_runs import at, make_log

pytestmark = pytest.mark.numeric

Propose = Callable[[Case], Iterator[Hypothesis]]

PLAN: dict[str, Any] = {"max_lr": 0.1, "epochs": 5, "steps_per_epoch": 20}
RATES: dict[str, Any] = {**PLAN, "cycle_momentum": False}
TOTAL = 100
STEPS = np.arange(TOTAL)


def case_of(plan: dict[str, Any], log: Log) -> Case:
    settings = OneCycle(**plan)
    return Case(settings, compare(settings, settings.schedule(), log).alignments[0])


def moved(clock: Any, plan: dict[str, Any] = RATES, steps: Any = STEPS, of: dict[str, Any] | None = None) -> Case:
    """Return the case of a log of a run whose scheduler was at other steps, or was made from other settings."""
    schedule = OneCycle(**(of or plan)).schedule()
    momentum = at(schedule, clock, momentum=True) if schedule.cycles_momentum else None
    return case_of(plan, make_log(steps, at(schedule, clock), momentum))


def perfect(propose: Propose, case: Case) -> list[Hypothesis]:
    """Return the hypotheses that explain every row; all have words."""
    every = list(propose(case))
    assert all(isinstance(text, str) and text for found in every for text in (found.slug, found.summary, found.advice))
    return [found for found in every if case.fit(found).perfect and case.fit(found, whole=True).perfect]


def slugs(propose: Propose, case: Case) -> list[str]:
    return [found.slug for found in propose(case)]


# --- Fits ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of_all", "of_wrong", "is_perfect", "is_good"),
    [
        (1.0, 1.0, True, True), (0.999, 0.99, True, True), (0.9989, 1.0, False, True), (1.0, 0.9899, False, True),
        (0.95, 0.9, False, True), (0.9499, 1.0, False, False), (1.0, 0.8999, False, False),
    ],
)  # fmt: skip
def test_how_much_a_cause_must_explain(of_all: float, of_wrong: float, is_perfect: bool, is_good: bool) -> None:
    fit = Fit(of_all, of_wrong)
    assert (fit.perfect, fit.good) == (is_perfect, is_good)


def test_a_fit_counts_all_values_and_the_wrong_ones() -> None:
    case = moved(np.where(STEPS < 60, STEPS, 60))
    assert case.first_wrong == 61
    assert case.wrong_rows.tolist() == list(range(61, 100))
    planned = Hypothesis("made-up:1", "", "", lambda rows: rows.predicted(case.schedule, rows.steps))
    held = Hypothesis("made-up", "", "", lambda rows: np.full(rows.values.shape, case.whole.values[-1, 0]))
    assert planned.kind == held.kind == "made-up"
    for whole in (False, True):
        assert case.fit(planned, whole=whole) == Fit(0.61, 0.0)
        assert case.fit(held, whole=whole) == Fit(0.4, 1.0)


def test_missing_values_do_not_count_in_a_fit() -> None:
    values = at(OneCycle(**RATES).schedule(), np.where(STEPS < 50, STEPS, 0))
    values[10:20] = math.nan
    case = case_of(RATES, make_log(STEPS, values))
    planned = Hypothesis("planned", "", "", lambda rows: rows.predicted(case.schedule, rows.steps))
    assert case.fit(planned).of_all == pytest.approx(40 / 90)
    assert rows_with_rate(case.whole).tolist() == [*range(10), *range(20, 100)]


def test_a_sample_has_both_ends_and_the_first_wrong_rows() -> None:
    steps = np.arange(20_000)
    plan = {"max_lr": 0.1, "total_steps": 20_000, "cycle_momentum": False}
    case = moved(np.where(steps < 9_001, steps, 0), plan, steps)
    rows = case.sample_rows.tolist()
    assert rows == sorted(set(rows))
    assert set(rows) >= {*range(200), *range(8_999, 9_201), *range(19_800, 20_000)}
    assert 8_998 not in rows
    assert len(rows) < 2_200
    assert np.diff(rows).max() <= 14
    some = case.some_rows(5, first=3).indices
    assert some[:3].tolist() == [0, 1, 2]
    assert (some.size, some[-1]) == (7, 19_999)


def test_the_first_value_that_was_logged() -> None:
    assert first_value(np.array([math.nan, math.nan, 3.0, 4.0])) == 3.0
    assert first_value(np.array([2.0, math.nan])) == 2.0


@pytest.mark.parametrize("anneal", ["cos", "linear"])
def test_the_steps_that_have_a_rate(anneal: str) -> None:
    schedule = OneCycle(**RATES, anneal_strategy=anneal).schedule()
    for step in (1, 12, 40, 77, 98):
        found = steps_with(schedule, 0, np.array([schedule.lr(step)]))
        assert found.shape == (1, 2)
        assert step in found[0].tolist()
    above = steps_with(schedule, 0, np.array([1.0, 0.0]))
    assert above.tolist() == [[29, 30], [0, 99]]


def test_a_variant_has_other_numbers() -> None:
    case = moved(STEPS // 2)
    longer = case.variant(total_steps=200)
    assert longer is not None
    assert (longer.total_steps, longer.lr(0)) == (200, case.schedule.lr(0))
    other = case.variant(pct_start=0.5)
    assert other is not None
    assert (other.total_steps, other.plan.pct_start) == (100, 0.5)


def test_a_run_keeps_what_a_shorter_schedule_leaves() -> None:
    case = moved(np.minimum(STEPS, 50), PLAN, of={**PLAN, "epochs": 2})
    shorter = case.variant(total_steps=40)
    assert shorter is not None
    values = case.follows(shorter)(case.whole)
    assert np.array_equal(values[:40, 0], [shorter.lr(step) for step in range(40)])
    assert len(set(values[40:, 0].tolist())) == 1
    still = OneCycle(**RATES).schedule()
    assert set(case.follows(still)(case.whole)[:, 1].tolist()) == {case.whole.values[0, 1]}


# --- At once ---------------------------------------------------------------------------------------------------------


def test_the_log_goes_past_the_end() -> None:
    steps = np.arange(105)
    case = moved(steps, steps=steps)
    [found] = perfect(simple.overrun, case)
    assert (found.slug, found.is_local) == ("overrun", False)
    assert "after 100 steps" in found.summary
    assert "to 105" in found.summary
    assert "total_steps to 105 or more" in found.advice
    assert slugs(simple.overrun, moved(STEPS // 2)) == []
    assert slugs(simple.overrun, moved(steps // 2, steps=steps)) == []
    longer = np.arange(5 * TOTAL // 2)
    assert slugs(simple.overrun, moved(longer % TOTAL, steps=longer)) == []  # the cycle begins again


def test_nothing_ever_moves() -> None:
    case = moved(np.zeros(100, dtype=np.int64))
    [found] = perfect(simple.constant, case)
    assert found.slug == "constant"
    assert "at 0.004 in all 100 rows" in found.summary
    assert slugs(simple.constant, moved(STEPS // 60)) == []
    assert slugs(simple.constant, moved([50], steps=[0])) == []
    assert slugs(simple.constant, moved([50, 50], steps=[0, 1])) == ["constant"]


GROUPS: dict[str, Any] = {**RATES, "max_lr": [0.1, 0.2, 0.4], "groups": ["a", "b", "c"]}


def test_groups_are_exchanged() -> None:
    values = at(OneCycle(**GROUPS).schedule(), STEPS)
    case = case_of(GROUPS, make_log(STEPS, values[:, [1, 0, 2]]))
    [found] = perfect(simple.swapped_groups, case)
    assert found.slug == "swapped-groups"
    assert found.summary.endswith(": a follows b, b follows a")
    other = case_of(GROUPS, make_log(STEPS, values[:, [1, 1, 2]]))
    assert slugs(simple.swapped_groups, other) == []
    assert slugs(simple.swapped_groups, case_of(GROUPS, make_log(STEPS, values[STEPS // 2]))) == []


def test_a_few_wrong_rows_are_listed() -> None:
    values = at(OneCycle(**RATES).schedule(), STEPS)
    values[[40, 41]] = 0.5
    cause = simple.unknown(case_of(RATES, make_log(STEPS + 1, values)))
    assert (cause.slug, cause.is_found, cause.fit) == ("unknown", False, 0.98)
    assert cause.summary.endswith("but 2 rows, at steps 41 and 42")
    values[42] = 0.5
    cause = simple.unknown(case_of(RATES, make_log(STEPS, values)))
    assert cause.fit == 0.97
    assert "over steps 0 to 99 it has first 0.004, max 0.5, last 4e-07" in cause.summary
    assert "the plan has first 0.004, max 0.1, last 4e-07 over steps 0 to 99" in cause.summary


def test_of_several_groups_the_worst_is_described() -> None:
    values = at(OneCycle(**GROUPS).schedule(), STEPS)
    values[50:, 1] = 7.0
    values[60:, 2] = 9.0
    assert (
        "it has in group b first 0.008, max 7, last 7;"
        in simple.unknown(case_of(GROUPS, make_log(STEPS, values))).summary
    )


# --- Jumps -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shift", [-3, -1, 2, 9])
def test_the_schedule_jumps(shift: int) -> None:
    case = moved(np.where(STEPS < 50, STEPS, STEPS + shift))
    found = perfect(jumps.jumped, case)
    assert {hypothesis.slug for hypothesis in found} == {f"shifted:{shift:+d}"}
    assert all(hypothesis.is_local for hypothesis in found)
    ahead = "ahead of" if shift > 0 else "behind"
    assert f"from step 50 on, the learning rate is {abs(shift)} step" in found[0].summary
    assert f"{ahead} the plan" in found[0].summary
    assert ("moves the scheduler more than once" if shift > 0 else "without scheduler.step()") in found[0].advice


def test_a_log_begins_with_a_resumed_run() -> None:
    found = perfect(jumps.jumped, moved(STEPS + 30))
    assert {hypothesis.slug for hypothesis in found} == {"shifted:+30"}
    assert "set last_epoch to 29 in the plan" in found[0].advice


@pytest.mark.parametrize("restart", [2, 40, 90])
def test_the_cycle_restarts(restart: int) -> None:
    found = perfect(jumps.jumped, moved(np.where(restart > STEPS, STEPS, STEPS - restart)))
    assert {hypothesis.slug for hypothesis in found} == {f"restarted-at:{restart}"}
    assert f"at step {restart} of the plan the cycle restarts (the log's step {restart})" in found[0].summary
    assert f"covered {100 - restart}.0 % of its 100 steps" in found[0].summary
    assert f"last_epoch={restart - 1}" in found[0].advice


def test_a_scheduler_for_the_rest_begins() -> None:
    whole, rest = OneCycle(**RATES).schedule(), OneCycle(max_lr=0.1, total_steps=60, cycle_momentum=False).schedule()
    values = np.concatenate([at(whole, STEPS[:40]), at(rest, STEPS[:60])])
    [found] = perfect(jumps.made_for_the_rest, case_of(RATES, make_log(STEPS, values)))
    assert (found.slug, found.is_local) == ("restarted-at:40", True)
    assert "at step 40 another cycle begins, of the 60 steps that remain of 100" in found.summary
    every = case_of(RATES, make_log(STEPS[::7], values[::7]))
    assert [hypothesis.slug for hypothesis in perfect(jumps.made_for_the_rest, every)] == ["restarted-at:40"]
    assert slugs(jumps.made_for_the_rest, moved(STEPS + 30)) == []


@pytest.mark.parametrize(("late", "is_late"), [(2, False), (3, True), (10, True)])
def test_a_cycle_begins_late(late: int, is_late: bool) -> None:
    values = at(OneCycle(**RATES).schedule(), np.maximum(STEPS - late, 0))
    values[:late] = 0.02
    found = perfect(jumps.started_late, case_of(RATES, make_log(STEPS, values)))
    assert [hypothesis.slug for hypothesis in found] == ([f"shifted:-{late}"] if is_late else [])
    if is_late:
        assert f"stands at 0.02 for {late} steps; from step {late} on" in found[0].summary


# --- Pace ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("times", "further"), [(2, 0), (3, 1), (4, 3), (8, 0)])
def test_several_steps_at_a_time(times: int, further: int) -> None:
    case = moved(np.minimum(STEPS * times + further, 100))
    found = perfect(pace.several_times, case)
    assert {hypothesis.slug for hypothesis in found} == {f"stepped-n-times:{times}"}
    assert f"advances {times} steps per optimizer step" in found[0].summary
    assert (f"logged {further} step" in found[0].summary) is (further > 0)
    assert f"ends after {-(-100 // times)}" in found[0].summary


@pytest.mark.parametrize(
    ("more", "advice"),
    [
        ({"gradient_accumulation": 2}, "not after every micro-batch"),
        ({"world_size": 2}, "make it for 2 times as many steps"),
        ({}, "set world_size to 2 in the plan"),
        ({"gradient_accumulation": 3, "world_size": 4}, "set world_size to 2 in the plan"),
    ],
)
def test_what_steps_several_times(more: dict[str, Any], advice: str) -> None:
    plan = {**RATES, **more}
    schedule = OneCycle(**plan).schedule()
    values = at(schedule, np.minimum(STEPS * 2, 100))
    settings = OneCycle(**plan)
    log = make_log(STEPS, values)
    case = Case(settings, compare(settings, schedule, log, row_is="step").alignments[0])
    assert advice in next(iter(pace.several_times(case))).advice


def test_a_prepared_scheduler_has_more_steps() -> None:
    plan = {**RATES, "world_size": 3}
    longer = {"max_lr": 0.1, "total_steps": 300, "cycle_momentum": False, "div_factor": 20.0}
    case = moved(STEPS * 3, plan, of=longer)
    assert slugs(pace.prepared, case) == ["stepped-n-times:3"] * 2
    assert perfect(pace.prepared, case) == []  # a sum of the same steps, but from another first rate
    [found] = perfect(pace.prepared, moved(STEPS * 3, plan, of={**longer, "div_factor": 25.0}))[:1]
    assert "a scheduler of 300 steps, prepared, advances 3 steps per optimizer step" in found.summary
    assert "total_steps: 300 and world_size: 3" in found.advice
    assert slugs(pace.prepared, moved(STEPS // 2)) == []
    most = {**plan, "world_size": 2**53 - 1}  # more steps than a cycle can have
    assert slugs(pace.prepared, moved(STEPS * 3, most)) == []


@pytest.mark.parametrize("length", [2, 7, 20])
def test_once_in_several_steps(length: int) -> None:
    case = moved(STEPS // length)
    [first] = pace.once_per_epoch(case)
    assert ("every epoch" in first.advice, "gradient accumulation" in first.advice) == (length == 20, length != 20)
    [found] = perfect(pace.once_per_epoch, case)
    assert found.slug == "epoch-stepped"
    reached = 99 // length + 1
    assert f"changes once every {length} steps, so 100 steps cover {reached}.0 % of the cycle of 100" in found.summary
    assert "the run itself is right" not in found.summary


def test_uneven_moves_are_counted() -> None:
    clock = np.cumsum(np.isin(STEPS, [9, 20, 41, 70]))
    [found] = perfect(pace.unevenly, moved(clock))
    assert found.slug == "epoch-stepped"
    assert "changes 4 times in 100 rows, at uneven intervals" in found.summary
    assert "cover 5.0 % of the cycle" in found.summary
    [even] = perfect(pace.unevenly, moved(STEPS // 4))
    assert "changes once every 4 rows" in even.summary
    assert slugs(pace.unevenly, moved(np.maximum(STEPS - 45, 0))) == []  # it moves in more than half of the rows


def test_skipped_steps_are_counted_one_by_one() -> None:
    skipped = np.isin(STEPS, [30, 31, 47])
    case = moved(STEPS - np.cumsum(skipped))
    [found] = perfect(pace.skipped, case)
    assert (found.slug, found.is_local) == ("shifted:-3", True)
    assert "was not stepped in 3 steps, from step 30 on" in found.summary
    assert slugs(pace.skipped, moved(STEPS // 3)) == []  # it changes in fewer than half of them


# --- Epochs ----------------------------------------------------------------------------------------------------------


def test_the_cycle_begins_again_in_each_epoch() -> None:
    case = moved(STEPS % 20)
    found = perfect(epochs.made_in_each_epoch, case)
    assert {hypothesis.slug for hypothesis in found} == {"restarted-at:20"}
    assert "the cycle of 100 steps starts over every 20 steps, in each epoch" in found[0].summary
    plan = {"max_lr": 0.1, "total_steps": 100, "cycle_momentum": False}
    assert slugs(epochs.made_in_each_epoch, moved(STEPS % 20, plan)) == []


@pytest.mark.parametrize("plan", [RATES, {"max_lr": 0.1, "total_steps": 100, "cycle_momentum": False}])
def test_a_whole_cycle_in_each_epoch(plan: dict[str, Any]) -> None:
    short = {"max_lr": 0.1, "total_steps": 20, "cycle_momentum": False}
    case = moved(STEPS % 20, plan, of=short)
    [found] = perfect(epochs.cycle_in_each_epoch, case)
    assert found.slug == "restarted-at:20"
    each = ", in each epoch," if "epochs" in plan else ""
    assert f"every 20 steps{each} a cycle of 20 steps begins, in place of one of 100" in found.summary


@pytest.mark.parametrize("extra", [-2, 1, 5])
def test_more_or_fewer_steps_in_each_epoch(extra: int) -> None:
    case = moved(np.minimum(STEPS + extra * (STEPS // 20), 100))
    found = perfect(epochs.stepped_more_in_each_epoch, case)
    assert {hypothesis.slug for hypothesis in found} == {f"shifted:{extra * 4:+d}"}
    often = "often" if extra > 0 else "seldom"
    assert f"in each epoch of 20 steps the scheduler is stepped {abs(extra)} time" in found[0].summary
    assert f"too {often}; in the end the learning rate is {abs(extra) * 4} steps" in found[0].summary
    assert ("ahead of the plan" if extra > 0 else "behind the plan") in found[0].summary


# --- Parts -----------------------------------------------------------------------------------------------------------


def parts_of(clock: Any) -> list[tuple[int, int, bool]]:
    return [(part.row, part.shift, part.still) for part in parts.Parts(moved(clock)).found]


def test_the_parts_of_a_run() -> None:
    assert parts_of(np.minimum(STEPS, 60)) == [(0, 0, False), (61, -1, True)]
    assert parts_of(np.where(STEPS < 30, STEPS, STEPS - 30)) == [(0, 0, False), (30, -30, False)]
    twice = np.where(STEPS < 30, STEPS, np.where(STEPS < 60, STEPS + 5, STEPS - 4))
    assert parts_of(twice) == [(0, 0, False), (30, 5, False), (60, -4, False)]


def test_a_run_stands_still_from_a_step_on() -> None:
    found = perfect(parts.several_parts, moved(np.minimum(STEPS, 60)))
    assert {hypothesis.slug for hypothesis in found} == {"constant"}
    assert "follows the plan to step 60, and from then on the learning rate stands still" in found[0].summary


def test_a_run_restarts_several_times() -> None:
    found = perfect(parts.several_parts, moved(STEPS % 25))
    assert {hypothesis.slug for hypothesis in found} == {"restarted-at:25"}
    assert (
        "follows the plan to step 24; the cycle starts over at step 25, 50 and 75, every 25 steps" in found[0].summary
    )
    uneven = perfect(
        parts.several_parts, moved(np.where(STEPS < 30, STEPS, np.where(STEPS < 80, STEPS - 30, STEPS - 80)))
    )
    assert {hypothesis.slug for hypothesis in uneven} == {"restarted-at:30"}
    assert uneven[0].summary.endswith("at step 30 and 80")


def test_a_run_jumps_several_times() -> None:
    clock = np.where(STEPS < 30, STEPS, np.where(STEPS < 60, STEPS + 5, STEPS - 4))
    found = perfect(parts.several_parts, moved(clock))
    assert {hypothesis.slug for hypothesis in found} == {"shifted:-4"}
    assert "steps 0 to 29 as planned; steps 30 to 59 5 steps ahead; from step 60 on 4 steps behind" in found[0].summary
    assert found[0].summary.endswith("in the end the learning rate is 4 steps behind the plan")
    more = perfect(parts.several_parts, moved(STEPS + STEPS // 20))
    assert {hypothesis.slug for hypothesis in more} == {"shifted:+4"}
    assert "stepped 1 time too often at 4 places; in the end the learning rate is 4 steps ahead of" in more[0].summary


def test_a_curve_of_its_own_has_no_parts() -> None:
    values = np.linspace(0.004, 0.1, 100)
    assert slugs(parts.several_parts, case_of(RATES, make_log(STEPS, values))) == []


# --- Settings and curves ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("propose", "setting", "value", "ending"),
    [
        (wrong_settings.wrong_max_lr, "max_lr", 0.2, "max_lr was 0.2, the plan says 0.1: twice as much"),
        (wrong_settings.wrong_max_lr, "max_lr", 0.3, ": 3 times as much"),
        (wrong_settings.wrong_max_lr, "max_lr", 0.05, ": half of it"),
        (wrong_settings.wrong_max_lr, "max_lr", 0.01, ": a tenth of it"),
        (wrong_settings.wrong_max_lr, "max_lr", 0.02, ": 1/5 of it"),
        (wrong_settings.wrong_max_lr, "max_lr", 0.12, "max_lr was 0.12, the plan says 0.1"),
        (wrong_settings.wrong_div_factor, "div_factor", 10.0, "div_factor was 10, the plan says 25: 1/2.5 of it"),
        (
            wrong_settings.wrong_final,
            "final_div_factor",
            100.0,
            "final_div_factor was 100, the plan says 10000: 1/100 of it",
        ),
        (wrong_settings.wrong_pct_start, "pct_start", 0.5, ": the peak came near step 50 instead of 30"),
    ],
)
def test_another_number(propose: Propose, setting: str, value: float, ending: str) -> None:
    case = moved(STEPS, of={**RATES, setting: value})
    [found] = perfect(propose, case)
    assert (found.slug, found.is_local) == (f"wrong-{setting}", False)
    assert found.summary.endswith(ending)
    planned = getattr(case.schedule.plan, setting, 0.1)
    assert found.advice == f"set {setting} to {planned:g} in the run, or to {value:g} in the plan"


@pytest.mark.parametrize(("setting", "value"), [("base_momentum", 0.8), ("max_momentum", 0.99)])
def test_another_momentum(setting: str, value: float) -> None:
    [found] = perfect(wrong_settings.wrong_momentum, moved(STEPS, PLAN, of={**PLAN, setting: value}))
    assert found.slug == f"wrong-{setting}"
    assert slugs(wrong_settings.wrong_momentum, moved(STEPS // 2)) == []


def test_another_peak_in_each_group() -> None:
    [found] = perfect(wrong_settings.wrong_max_lr, moved(STEPS, GROUPS, of={**GROUPS, "max_lr": [0.1, 0.3, 0.8]}))
    assert found.summary.endswith("max_lr was [0.1, 0.3, 0.8], the plan says [0.1, 0.2, 0.4]")


@pytest.mark.parametrize("length", [60, 99, 101, 150, 1000])
def test_another_length(length: int) -> None:
    plan = {"max_lr": 0.1, "total_steps": 100, "cycle_momentum": False}
    case = moved(np.minimum(STEPS, length), plan, of={**plan, "total_steps": length})
    [found] = perfect(wrong_settings.wrong_total_steps, case)
    assert found.slug == "wrong-total_steps"
    assert f"total_steps was {length:,}, the plan says 100" in found.summary
    assert f"100 in the run, or {length:,} in the plan" in found.advice


@pytest.mark.parametrize("pct_start", [5e-324, 2.3e-308])
def test_a_pct_start_next_to_zero_bounds_no_length(pct_start: float) -> None:
    planned = OneCycle(max_lr=0.1, total_steps=1, pct_start=pct_start, cycle_momentum=False)
    logged = make_log(STEPS[:20], np.linspace(0.004, 0.1, 20))
    case = Case(planned, compare(planned, planned.schedule(), logged).alignments[0])
    assert set(slugs(wrong_settings.wrong_total_steps, case)) <= {"wrong-total_steps"}


@pytest.mark.parametrize("times", [2, 5, 64])
def test_micro_batches_count_as_steps(times: int) -> None:
    case = moved(STEPS, of={"max_lr": 0.1, "total_steps": 100 * times, "cycle_momentum": False})
    [found] = perfect(wrong_settings.micro_batches_counted, case)
    assert found.slug == "no-accumulation"
    assert f"has {100 * times:,} steps, {times} times the plan's 100" in found.summary
    assert f"covers {100 / times:.1f} %" in found.summary
    assert found.advice.endswith(f"divide it by {times}")


@pytest.mark.parametrize(("planned", "other"), [("cos", "linear"), ("linear", "cos")])
def test_other_lines(planned: str, other: str) -> None:
    plan = {**RATES, "anneal_strategy": planned}
    [found] = perfect(curve.other_lines, moved(STEPS, plan, of={**plan, "anneal_strategy": other}))
    assert found.slug == other
    assert found.summary == f"the run's anneal_strategy was {other}, the plan says {planned}"


@pytest.mark.parametrize(
    ("planned", "ending"),
    [(False, "three phases, the plan's has two phases"), (True, "two phases, the plan's has three phases")],
)
def test_other_phases(planned: bool, ending: str) -> None:
    plan = {**RATES, "three_phase": planned}
    [found] = perfect(curve.other_phases, moved(STEPS, plan, of={**plan, "three_phase": not planned}))
    assert found.slug == "wrong-three_phase"
    assert found.summary.endswith(ending)
    assert found.advice.startswith(f"set three_phase to {str(planned).lower()} in the run")


def test_momentum_stands_still() -> None:
    schedule = OneCycle(**PLAN).schedule()
    case = case_of(PLAN, make_log(STEPS, at(schedule, STEPS), np.full(100, 0.9)))
    [found] = perfect(curve.momentum_still, case)
    assert found.slug == "no-momentum-cycle"
    assert found.summary.endswith("momentum was constant at 0.9")
    assert slugs(curve.momentum_still, moved(STEPS // 2)) == []


def test_another_framework_draws_the_curve() -> None:
    case = moved(STEPS, of={**RATES, "convention": "optax"})
    assert "convention:optax" in {found.slug for found in perfect(curve.other_convention, case)}
    assert "convention:torch" not in slugs(curve.other_convention, case)
    found = next(found for found in curve.other_convention(case) if found.slug == "convention:optax")
    assert found.advice.startswith(
        "set convention to optax in the plan; the same settings give a different curve in torch"
    )
