"""The causes that `check` names: each found in logs of several lengths, shapes, sampling intervals and precisions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from onecycle_cli import OneCycle
from onecycle_cli.run import Verdict
from onecycle_cli.run.checker import check
from onecycle_cli.run.logs.log import Log

from .logged_runs import KINDS, Kind, Run, log_of, make_log, run_of

pytestmark = pytest.mark.numeric

PLANS: dict[str, dict[str, Any]] = {
    "plain": {"max_lr": 0.1, "epochs": 10, "steps_per_epoch": 60},
    "adam": {"max_lr": 3e-4, "epochs": 6, "steps_per_epoch": 97, "pct_start": 0.1, "optimizer": "adamw"},
    "linear": {"max_lr": 0.5, "epochs": 8, "steps_per_epoch": 40, "anneal_strategy": "linear", "div_factor": 10.0},
    "three": {"max_lr": 0.02, "epochs": 12, "steps_per_epoch": 75, "three_phase": True, "cycle_momentum": False},
    "groups": {"max_lr": [0.01, 0.1], "epochs": 5, "steps_per_epoch": 90, "groups": ["backbone", "head"]},
}
EACH_PLAN = pytest.mark.parametrize("name", PLANS)
EXACT, DIGITS, SPARSE = KINDS[0], KINDS[2], KINDS[3]
EACH_KIND = pytest.mark.parametrize("kind", [EXACT, DIGITS, SPARSE], ids=lambda kind: kind.name)


def total_of(plan: dict[str, Any]) -> int:
    return OneCycle(**plan).schedule().total_steps


def checked(plan: dict[str, Any], log: Log) -> Verdict:
    return check(OneCycle(**plan), log)


def logged(plan: dict[str, Any], clock: Any, kind: Kind) -> Log:
    """Log a run whose scheduler was at step clock[n] in step n; the last value is not logged."""
    return log_of(run_of(plan, clock), kind)


def spliced(*runs: Run) -> Run:
    """Join runs into one."""
    momenta = [run.momentum for run in runs if run.momentum is not None]
    return Run(np.concatenate([run.lr for run in runs]), np.concatenate(momenta) if momenta else None)


# --- Several parts ---------------------------------------------------------------------------------------------------


@EACH_KIND
@EACH_PLAN
def test_a_scheduler_that_is_not_stepped_any_more_stands_still(name: str, kind: Kind) -> None:
    plan = PLANS[name]
    total = total_of(plan)
    for stop in (total // 5, total * 2 // 3):
        found = checked(plan, logged(plan, np.minimum(np.arange(total + 1), stop), kind))
        assert (found.cause.slug, found.cause.fit) == ("constant", 1)
        assert found.first_divergence is not None
        assert stop < found.first_divergence.step <= stop + kind.every
        assert f"to step {stop // kind.every * kind.every:,}" in found.cause.summary


@EACH_KIND
@EACH_PLAN
def test_a_scheduler_that_is_made_in_each_epoch_restarts_in_each(name: str, kind: Kind) -> None:
    plan, steps = PLANS[name], np.arange(total_of(PLANS[name]) + 1)
    each = plan["steps_per_epoch"]
    found = checked(plan, logged(plan, steps % each, kind))
    assert (found.cause.slug, found.cause.fit) == (f"restarted-at:{each}", 1)
    assert "in each epoch" in found.cause.summary
    unknown = {setting: value for setting, value in plan.items() if setting not in ("epochs", "steps_per_epoch")}
    found = checked({**unknown, "total_steps": total_of(plan)}, logged(plan, steps % each, kind))
    assert (found.cause.slug, found.cause.fit) == (f"restarted-at:{each}", 1)
    assert f"every {each} steps" in found.cause.summary


@EACH_KIND
def test_two_restarts_are_both_named(kind: Kind) -> None:
    plan, steps = PLANS["plain"], np.arange(601)
    clock = np.where(steps < 140, steps, np.where(steps < 420, steps - 140, steps - 420))
    found = checked(plan, logged(plan, clock, kind)).cause
    assert (found.slug, found.fit) == ("restarted-at:140", 1)
    assert "140 and 420" in found.summary


@EACH_PLAN
def test_steps_more_and_less_in_each_epoch_are_counted(name: str) -> None:
    plan, steps = PLANS[name], np.arange(total_of(PLANS[name]) + 1)
    past = steps // plan["steps_per_epoch"]
    for extra in (1, 3, -1):
        found = checked(plan, logged(plan, steps + extra * past, EXACT))
        assert found.cause.slug.startswith(f"shifted:{'+' if extra > 0 else '-'}")
        assert found.cause.fit > 0.999
        assert "in each epoch" in found.cause.summary
        assert f"{abs(extra)} time" in found.cause.summary


def test_skipped_steps_are_counted_in_a_log_of_every_fifth() -> None:
    plan, clock = PLANS["adam"], np.arange(total_of(PLANS["adam"]) + 1)
    for skip in (57, 203, 204, 311, 502):
        clock[skip + 1 :] -= 1
    for form in ("exact", "float32", "%.7g"):
        found = checked(plan, logged(plan, clock, Kind("sparse", every=5, form=form)))
        assert (found.cause.slug, found.cause.fit) == ("shifted:-5", 1)


def test_a_crash_with_repeated_steps_and_another_last_epoch_is_one_jump() -> None:
    plan = PLANS["plain"]
    before, after = run_of(plan, np.arange(250)), run_of(plan, np.minimum(np.arange(200, 600) + 40, 600))
    whole = spliced(before, after)
    log = make_log(np.concatenate([np.arange(250), np.arange(200, 600)]), whole.lr, whole.momentum)
    found = checked(plan, log)
    assert (found.cause.slug, found.cause.fit) == ("shifted:+40", 1)
    assert found.first_divergence is not None
    assert found.first_divergence.row == 250


def test_the_size_of_a_jump_is_read_from_coarse_rows_too() -> None:
    plan, steps = {"max_lr": 3e-5, "total_steps": 2940, "pct_start": 0.05, "div_factor": 10.0}, np.arange(2941)
    for jump in (10, -7, 40):
        run = run_of(plan, np.minimum(np.where(steps < 850, steps, steps + jump), 2940))
        rates = [f"{rate:.6f}" for rate in run.lr[:2940:25, 0]]
        log = make_log(steps[:2940:25], np.array(rates, dtype=float), texts=(tuple(rates),))
        found = checked(plan, log).cause
        assert found.fit == 1
        # Of neighbouring sizes, several have all of the rounded values.
        assert abs(int(found.slug.removeprefix("shifted:")) - jump) <= 2


def test_a_log_that_is_nowhere_near_its_plan_has_no_parts() -> None:
    noise = np.random.default_rng(5).uniform(0.004, 0.1, 600)
    assert checked(PLANS["plain"], make_log(np.arange(600), noise)).cause.slug == "unknown"


# --- Another scheduler begins ----------------------------------------------------------------------------------------


@EACH_KIND
@EACH_PLAN
def test_a_new_scheduler_for_the_rest_of_the_run(name: str, kind: Kind) -> None:
    plan = PLANS[name]
    total = total_of(plan)
    start = total // 3
    lengths = {setting: value for setting, value in plan.items() if setting not in ("epochs", "steps_per_epoch")}
    rest = run_of({**lengths, "total_steps": total - start}, np.arange(total - start + 1))
    found = checked(plan, log_of(spliced(run_of(plan, np.arange(start)), rest), kind))
    assert (found.cause.slug, found.cause.fit) == (f"restarted-at:{start}", 1)
    assert f"{total - start:,} steps that remain" in found.cause.summary


@EACH_PLAN
def test_a_cycle_in_each_epoch(name: str) -> None:
    plan = PLANS[name]
    each = plan["steps_per_epoch"]
    one = {setting: value for setting, value in plan.items() if setting not in ("epochs", "steps_per_epoch")}
    steps = np.arange(total_of(plan) + 1)
    log = logged({**one, "total_steps": each}, steps % each, EXACT)
    for without in (plan, {**one, "total_steps": total_of(plan)}):
        found = checked(without, log)
        assert (found.cause.slug, found.cause.fit) == (f"restarted-at:{each}", 1)
        assert f"a cycle of {each} steps" in found.cause.summary


# --- Several times per step ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [2, 4, 8, 16, 48])
@EACH_PLAN
def test_stepped_after_each_micro_batch_and_logged_before_the_last(name: str, times: int) -> None:
    plan = {**PLANS[name], "gradient_accumulation": times}
    total = total_of(plan)
    for further in {times - 1, times // 2}:
        clock = np.arange(total // times + 1) * times + further
        found = checked(plan, logged(plan, np.minimum(clock, total), EXACT))
        assert (found.cause.slug, found.cause.fit) == (f"stepped-n-times:{times}", 1)
        assert "micro-batch" in found.cause.advice


@pytest.mark.parametrize("world", [2, 3])
@EACH_KIND
@EACH_PLAN
def test_accelerate_steps_a_prepared_scheduler_once_per_process(name: str, kind: Kind, world: int) -> None:
    plan, total = {**PLANS[name], "world_size": world}, total_of(PLANS[name])
    updates = plan["epochs"] * -(-plan["steps_per_epoch"] // world)
    clock = np.minimum(np.arange(updates + 1) * world, total)
    right = checked(plan, logged(plan, clock, kind))
    assert (right.verdict, right.cause.slug) == ("ok", "none")
    assert "accelerate" in right.notes[0]
    # One process, or none known: the same log shows a scheduler that is stepped too often.
    for other in (None, 1, world + 1):
        assert (
            checked({**plan, "world_size": other}, logged(plan, clock, kind)).cause.slug == f"stepped-n-times:{world}"
        )


def test_accelerate_is_no_excuse_for_a_run_that_goes_on_after_its_cycle() -> None:
    plan = {"max_lr": 0.1, "total_steps": 400, "world_size": 2}
    clock = np.minimum(np.arange(401) * 2, 400)
    found = checked(plan, logged(plan, clock, EXACT))
    assert (found.verdict, found.cause.slug) == ("diverges", "stepped-n-times:2")
    assert "accelerate" in found.cause.advice


def test_a_plan_of_the_steps_that_accelerate_leaves_is_near_the_run() -> None:
    plan = {"max_lr": 0.001, "epochs": 5, "dataset_size": 640, "batch_size": 8, "world_size": 2}
    made = {"max_lr": 0.001, "total_steps": 400}
    found = checked(plan, log_of(run_of(made, np.arange(201) * 2), EXACT))
    assert (found.verdict, found.cause.slug, found.cause.fit) == ("diverges", "stepped-n-times:2", 1)
    assert "as accelerate means it" in found.cause.summary
    assert "total_steps: 400" in found.cause.advice
    advised = {"max_lr": 0.001, "total_steps": 400, "world_size": 2}
    assert checked(advised, log_of(run_of(made, np.arange(201) * 2), EXACT)).verdict == "ok"


# --- Several settings ------------------------------------------------------------------------------------------------

SEVERAL: dict[str, tuple[dict[str, Any], list[str]]] = {
    "peak and pct_start": ({"max_lr": 0.4, "pct_start": 0.1}, ["max_lr 0.4 not 0.1", "pct_start 0.1 not 0.3"]),
    "length and pct_start": (
        {"total_steps": 700, "pct_start": 0.2},
        ["total_steps 700 not 600", "pct_start 0.2 not 0.3"],
    ),
    "length and peak": ({"total_steps": 2400, "max_lr": 0.2}, ["total_steps 2400 not 600", "max_lr 0.2 not 0.1"]),
    "both factors": (
        {"div_factor": 10.0, "final_div_factor": 100.0},
        ["div_factor 10 not 25", "final_div_factor 100 not 10000"],
    ),
    "line and peak": (
        {"anneal_strategy": "linear", "max_lr": 0.05},
        ["anneal_strategy linear not cos", "max_lr 0.05 not 0.1"],
    ),
    "phases and peak": ({"three_phase": True, "max_lr": 0.05}, ["three_phase true not false", "max_lr 0.05 not 0.1"]),
    "rate and momentum": ({"max_lr": 0.2, "base_momentum": 0.8}, ["max_lr 0.2 not 0.1", "base_momentum 0.8 not 0.85"]),
    "three": (
        {"max_lr": 0.3, "pct_start": 0.45, "div_factor": 7.0},
        ["max_lr 0.3 not 0.1", "pct_start 0.45 not 0.3", "div_factor 7 not 25"],
    ),
}


@pytest.mark.parametrize("case", SEVERAL)
def test_several_settings_that_were_others_are_named(case: str) -> None:
    plan, kind = {"max_lr": 0.1, "total_steps": 600}, KINDS[(0, 2, 3, 5)[list(SEVERAL).index(case) % 4]]
    changes, expected = SEVERAL[case]
    found = checked(plan, logged({**plan, **changes}, np.arange(601), kind)).cause
    assert (found.slug, found.fit, found.is_found) == ("unknown", 1, True)
    said = found.summary.partition(": ")[2].partition("; others may")[0].split("; ")
    assert sorted(said) == sorted(expected)
    assert ("does not determine total_steps" in found.summary) == (changes.get("total_steps", 0) > 2000)
    for change in expected:
        setting, run, _, planned = change.split()
        assert f"{setting} to {planned}" in found.advice.partition(" in the run, or ")[0]
        assert f"{setting} to {run}" in found.advice.partition(" in the run, or ")[2]


def test_settings_of_several_groups_are_lists() -> None:
    plan = {"max_lr": [0.01, 0.1], "total_steps": 300, "groups": ["backbone", "head"]}
    run = run_of({**plan, "max_lr": [0.02, 0.3], "pct_start": 0.1}, np.arange(301))
    found = checked(plan, log_of(run, EXACT)).cause
    assert "max_lr [0.02, 0.3] not [0.01, 0.1]" in found.summary
    assert "pct_start 0.1 not 0.3" in found.summary


def test_an_absolute_final_rate_is_compared_as_such() -> None:
    plan = {"max_lr": 0.1, "total_steps": 300, "convention": "paddle", "final_lr": 1e-5}
    found = checked(plan, log_of(run_of({**plan, "max_lr": 0.3, "final_lr": 1e-3}, np.arange(301)), EXACT)).cause
    assert sorted(found.summary.partition(": ")[2].split("; ")) == ["final_lr 0.001 not 1e-05", "max_lr 0.3 not 0.1"]


def test_what_is_no_cycle_stays_unknown() -> None:
    found = checked({"max_lr": 0.1, "total_steps": 300}, make_log(np.arange(300), 0.1 / (np.arange(300) + 1)))
    assert (found.cause.slug, found.cause.is_found) == ("unknown", False)
    assert "max 0.1" in found.cause.summary


# --- Certainty -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [1, 2])
def test_a_row_or_two_show_no_cause(rows: int) -> None:
    plan = {"max_lr": 0.1, "total_steps": 400}
    for first in (0, 37, 250):
        run = run_of({**plan, "max_lr": 0.2}, np.arange(401))
        log = make_log(np.arange(first, first + rows), run.lr[first : first + rows])
        found = checked(plan, log)
        assert (found.verdict, found.cause.slug) == ("diverges", "unknown")
        assert "max_lr was 0.2" in found.cause.summary or not found.cause.is_found


def test_one_wrong_row_is_named_and_not_explained() -> None:
    plan = {"max_lr": 0.1, "total_steps": 400}
    for at in (5, 200, 398, 399):
        run = run_of(plan, np.arange(401))
        run.lr[at] = 0.0123
        found = checked(plan, log_of(run, EXACT)).cause
        assert (found.slug, found.is_found) == ("unknown", False)
        assert f"1 row, at step {at}" in found.summary


def test_causes_that_a_warm_up_alone_does_not_distinguish_are_both_named() -> None:
    """To the peak of a linear warm-up, twice the pace and half the pct_start are the same."""
    plan = {"max_lr": 0.1, "total_steps": 1000, "anneal_strategy": "linear", "cycle_momentum": False}
    found = checked(plan, make_log(np.arange(100), run_of(plan, 2 * np.arange(100)).lr)).cause
    assert found.slug == "stepped-n-times:2"
    assert "advances 2 steps" in found.summary
    assert "pct_start was 0.1505" in found.summary
    assert "does not show which" in found.summary


def test_a_whole_cycle_that_is_written_in_full_has_one_cause() -> None:
    plan = {"max_lr": 0.1, "total_steps": 1000}
    for clock, slug in ((2 * np.arange(501), "stepped-n-times:2"), (np.arange(1001) // 20, "epoch-stepped")):
        found = checked(plan, make_log(np.arange(clock.size), run_of(plan, clock).lr)).cause
        assert found.slug == slug
        assert "does not show which" not in found.summary


# --- float32 ---------------------------------------------------------------------------------------------------------


def test_values_that_were_computed_in_float32_have_causes_too() -> None:
    plan, f, steps = {"max_lr": 0.1, "total_steps": 400}, np.float32, np.arange(400)
    peak, low, last = f(0.2), f(0.2 / 25), f(0.2 / 25e4)
    rise = low + (peak - low) / f(2) * (f(1) - np.cos(f(np.pi) * steps.astype(f) / f(119)))
    fall = last + (peak - last) / f(2) * (np.cos(f(np.pi) * (steps.astype(f) - f(119)) / f(280)) + f(1))
    found = checked(plan, make_log(steps, np.where(steps <= 119, rise, fall).astype(f)))
    assert (found.cause.slug, found.cause.fit) == ("wrong-max_lr", 1)
    assert "float32" in found.notes[-1]


def test_a_log_with_one_row_per_epoch_shows_the_plans_epoch() -> None:
    plan: dict[str, Any] = {"max_lr": 0.1, "epochs": 30, "steps_per_epoch": 175}
    schedule = OneCycle(**plan).schedule()
    epochs = np.arange(30)
    found = checked(plan, make_log(175 * epochs, schedule.lr(epochs), schedule.momentum(epochs)))
    assert found.cause.slug == "epoch-stepped"
    assert " 175 steps" in found.cause.summary  # rows from step 0 to 5,075 would also allow 170


# --- What is said of the rest ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [12, 30])
@pytest.mark.parametrize("every", [1, 5])
def test_a_cycle_that_begins_late_is_behind_from_there_on(before: int, every: int) -> None:
    plan = PLANS["plain"]
    rates = run_of(plan, np.arange(601)).lr[:600]
    late = np.concatenate([np.full((before, 1), 0.001), rates])[:600]
    found = checked(plan, make_log(np.arange(600)[::every], late[::every]))
    assert (found.cause.slug, found.cause.fit) == (f"shifted:-{before}", 1)
    assert f"{before} steps behind the plan" in found.cause.summary
    wrong = np.concatenate([np.full((before, 1), 0.001), 1.1 * rates])[:600]
    assert checked(plan, make_log(np.arange(600)[::every], wrong[::every])).cause.slug != f"shifted:-{before}"


@pytest.mark.parametrize("rows", [(155,), (40, 300, 301)])
def test_a_few_wrong_rows_are_named(rows: tuple[int, ...]) -> None:
    rates = run_of(PLANS["plain"], np.arange(601)).lr[:600].copy()
    rates[list(rows)] *= 0.5
    found = checked(PLANS["plain"], make_log(np.arange(600), rates))
    assert (found.cause.slug, found.cause.is_found) == ("unknown", False)
    assert found.first_divergence is not None
    assert found.first_divergence.step == rows[0]
    assert all(str(row) in found.cause.summary for row in rows)


def test_of_several_groups_the_wrong_one_is_described() -> None:
    plan = PLANS["groups"]
    rates = run_of(plan, np.arange(451)).lr[:450].copy()
    rates[:, 1] = 0.02 + 0.01 * (np.arange(450) % 7)
    found = checked(plan, make_log(np.arange(450), rates, groups=("backbone", "head")))
    assert found.cause.slug == "unknown"
    assert "group head" in found.cause.summary
    assert "max 0.08" in found.cause.summary


@pytest.mark.parametrize("every", [2, 4])
@pytest.mark.parametrize("first", [1, 2])
def test_one_equal_row_does_not_say_how_a_log_counts(every: int, first: int) -> None:
    plan = PLANS["plain"]
    rates = run_of(plan, np.arange(601) // every).lr[:600]
    rows = np.arange(first * every, 600, 3)
    found = checked(plan, make_log(rows, rates[rows]))
    assert (found.cause.slug, found.cause.fit, found.offset) == ("epoch-stepped", 1, 0)
    assert found.first_divergence is not None
    assert found.first_divergence.step == rows[0]


def test_moves_in_each_fourth_row_are_even() -> None:
    rates = run_of(PLANS["plain"], (np.arange(601) + 1) // 4).lr[:600]
    found = checked(PLANS["plain"], make_log(np.arange(600), rates))
    assert found.cause.slug == "epoch-stepped"
    assert "uneven" not in found.cause.summary
    assert "every 4" in found.cause.summary


# --- A run that was made longer --------------------------------------------------------------------------------------


def extended(name: str, at: int, total: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give a plan that anneals again from a step on, and the plan of one cycle of its length."""
    plan = PLANS[name]
    longer = {setting: value for setting, value in plan.items() if setting not in ("epochs", "steps_per_epoch")}
    segment = {"shape": "anneal", "from": at, "total_steps": total}
    return plan | {"then": [segment]}, longer | {"total_steps": total}


@EACH_KIND
@EACH_PLAN
def test_a_restored_scheduler_leaves_the_segments_out(name: str, kind: Kind) -> None:
    total = total_of(PLANS[name])
    plan, _ = extended(name, total // 2, total * 3 // 2)
    assert checked(plan, logged(plan, np.arange(total * 3 // 2 + 1), kind)).verdict == "ok"
    found = checked(plan, logged(PLANS[name], np.arange(total + 1), kind))
    assert (found.cause.slug, found.cause.fit) == ("segments-missing", 1)


@EACH_KIND
@EACH_PLAN
def test_a_new_scheduler_of_the_whole_length_takes_over(name: str, kind: Kind) -> None:
    total = total_of(PLANS[name])
    at, whole = total // 2, total * 3 // 2
    plan, longer = extended(name, at, whole)
    before, after = run_of(PLANS[name], np.arange(at)), run_of(longer, np.arange(at, whole + 1))
    # The old plan does not have the length: it is known where the log has the last step.
    for planned in [plan] if kind is SPARSE else [plan, PLANS[name]]:
        found = checked(planned, log_of(spliced(before, after), kind))
        assert (found.cause.slug.partition(":")[0], found.cause.fit) == ("one-cycle-from", 1)
        first = int(found.cause.slug.partition(":")[2])
        assert at <= first <= at + 2 * kind.every


@EACH_PLAN
def test_a_run_of_another_length_from_its_beginning_is_no_new_scheduler(name: str) -> None:
    _, longer = extended(name, 1, total_of(PLANS[name]) * 3 // 2)
    whole = longer["total_steps"]
    found = checked(PLANS[name], logged(longer, np.arange(whole + 1), EXACT))
    assert found.cause.slug == "wrong-total_steps"
