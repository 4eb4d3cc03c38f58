"""The check of a run against its plan: the right verdict, first step, offset and cause, however the run was logged."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onecycle_cli import OneCycle
from onecycle_cli.errors import OnecycleError
from onecycle_cli.run import Verdict
from onecycle_cli.run.checker import check
from onecycle_cli.run.logs import read_log
from onecycle_cli.run.logs.log import Log

from .conftest import seeds
from .logged_runs import (
    KINDS,
    MANIFEST,
    RUNS_OF_PAPERS,
    Kind,
    Run,
    log_of,
    log_of_paper,
    make_log,
    mistakes,
    plan_of_paper,
    random_plan,
    read_trace,
    run_of,
    written,
)

pytestmark = pytest.mark.numeric

PLAN: dict[str, Any] = {"max_lr": 0.1, "total_steps": 500}
EXACT = KINDS[0]


def checked(plan: dict[str, Any], log: Log, **options: Any) -> Verdict:
    return check(OneCycle(**plan), log, **options)


def right_run(plan: dict[str, Any]) -> Run:
    return run_of(plan, np.arange(plan["total_steps"] + 1))


@pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: entry["file"].partition(".")[0])
def test_recorded_logs(entry: dict[str, Any]) -> None:
    found = checked(entry["plan"], read_trace(entry))
    step = found.first_divergence.step if found.first_divergence else None
    assert (found.verdict, found.cause.slug, found.offset) == (entry["verdict"], entry["cause"], entry["offset"])
    assert (step, found.first_missing_step) == (entry["first_diverging_step"], entry["first_missing_step"])
    assert found.cause.summary
    assert found.cause.fit == 1
    assert found.cause.advice or found.cause.slug == "none"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("seed", seeds(8))
def test_a_right_run_is_right_however_it_is_logged(seed: int, kind: Kind) -> None:
    plan = random_plan(seed)
    found = checked(plan, log_of(right_run(plan), kind))
    assert (found.verdict, found.cause.slug, found.offset) == ("ok", "none", kind.offset)


def shows_mistake(name: str, kind: Kind, log: Log, plan: dict[str, Any]) -> bool:
    """Say whether a log shows its mistake: one step too many is not seen between samples."""
    return name != "overrun" or kind.every == 1


def offset_shown(name: str, kind: Kind, log: Log) -> bool:
    """Say whether a log shows how it counts: one that is constant at first may have been read after the step."""
    still = name == "constant" or (name == "epoch-stepped" and (kind.offset == 1 or kind.every > 1))
    return not (still and kind.offset) or (kind.offset == -1 and kind.every == 1)


@pytest.mark.parametrize("seed", seeds(len(KINDS)))  # every mistake in every kind of log
def test_every_mistake_is_found(seed: int) -> None:
    plan = random_plan(seed)
    for at, (name, mistake) in enumerate(mistakes(plan, seed).items()):
        kind = KINDS[(seed + at) % len(KINDS)]
        log = log_of(mistake.run, kind)
        if len(log.steps) < 5 or not shows_mistake(name, kind, log, plan):
            continue
        found = checked(plan, log)
        said = name, kind.name, plan, found
        assert (found.verdict, found.cause.slug) == ("diverges", mistake.slug), said
        assert found.cause.fit > 0.999, said
        assert found.first_divergence is not None
        if offset_shown(name, kind, log):
            assert found.offset == kind.offset, said
            assert found.first_divergence.step == first_wrong_step(plan, log, kind), said


def first_wrong_step(plan: dict[str, Any], log: Log, kind: Kind) -> int:
    """Find the first row that the plan does not have, by rule of thumb: to 4 ulp of the peak, or what was written."""
    schedule = OneCycle(**plan).schedule()
    steps = log.steps + kind.offset
    inside = steps < schedule.total_steps
    rebound = (steps == schedule.total_steps) & (kind.offset == 1)
    wrong = ~(inside | rebound)
    for curve, logged in [(schedule.lr, log.lr)] + (
        [] if log.momentum is None else [(schedule.momentum, log.momentum)]
    ):
        for group in range(logged.shape[1]):
            planned, values = curve(steps[inside], group), logged[inside, group]
            assert planned is not None
            again = written(planned[:, None], kind.form)
            assert again is not None
            ulps = 4 * 2.0**-52 * float(np.abs(logged[:, group]).max())
            wrong[inside] |= (values != again[:, 0]) & (np.abs(values - planned) > ulps)
    assert wrong.any()
    return int(log.steps[wrong.argmax()])


@pytest.mark.parametrize(
    ("setting", "implied", "shown"),
    [
        ("max_lr", 0.3, "0.3"),
        ("pct_start", 0.45, "0.45"),
        ("div_factor", 10.0, "10"),
        ("final_div_factor", 1e6, "1000000"),
        ("total_steps", 611, "611"),
        ("base_momentum", 0.8, "0.8"),
        ("max_momentum", 0.99, "0.99"),
    ],
)
@pytest.mark.parametrize("kind", KINDS[:4], ids=lambda kind: kind.name)
def test_the_implied_value_is_named_as_it_was_typed(setting: str, implied: Any, shown: str, kind: Kind) -> None:
    found = checked(PLAN, log_of(run_of({**PLAN, setting: implied}, np.arange(501)), kind))
    assert found.cause.slug == f"wrong-{setting}"
    assert f"{setting} was {shown}" in found.cause.summary


def test_values_that_nobody_would_type_are_found_too() -> None:
    for setting, implied in (("max_lr", 0.0312345678912), ("pct_start", 0.271828182845), ("div_factor", 17.320508)):
        found = checked(PLAN, log_of(run_of({**PLAN, setting: implied}, np.arange(501)), EXACT))
        assert (found.cause.slug, found.cause.fit) == (f"wrong-{setting}", 1.0)
        assert f"{implied:.10g}" in found.cause.summary


@pytest.mark.parametrize("factor", [5870.0, 106000.0])
def test_a_number_that_moves_only_the_last_digits_of_a_rounded_log_is_found(factor: float) -> None:
    plan = {"max_lr": 0.01, "total_steps": 400}
    run = run_of({**plan, "final_div_factor": factor}, np.arange(400))
    rates = np.round(run.lr[:400], 8)
    found = checked(plan, make_log(np.arange(400), rates))
    assert (found.cause.slug, found.cause.fit) == ("wrong-final_div_factor", 1.0)


def test_a_rate_wrong_by_a_hundred_thousandth_diverges_in_an_exact_log() -> None:
    run = right_run(PLAN)
    run.lr[200:] *= 1.00001
    found = checked(PLAN, log_of(run, EXACT))
    assert found.verdict == "diverges"
    assert found.first_divergence is not None
    assert found.first_divergence.step == 200
    assert checked(PLAN, log_of(run, EXACT), tolerance=1e-4).verdict == "ok"


def test_the_tolerance_is_the_log_s_own_precision() -> None:
    names = {}
    for form in ("exact", "float32", "%.6g", "%.4g", "%.6f"):
        found = checked(PLAN, log_of(right_run(PLAN), Kind(form, form=form)))
        names[form] = found.tolerance.name
        assert found.verdict == "ok"
    assert names == {
        "exact": "exact",
        "float32": "float32",
        "%.6g": "6 digits",
        "%.4g": "4 digits",
        "%.6f": "6 decimals",
    }


def test_another_cosine_differs_in_the_last_bits_and_that_is_said() -> None:
    run = right_run(PLAN)
    run.lr[100] = np.nextafter(run.lr[100], 1)
    found = checked(PLAN, log_of(run, EXACT))
    assert (found.verdict, found.tolerance.name) == ("ok", "a few ulp")
    assert "last bits" in found.notes[-1]


def test_a_log_that_stops_is_incomplete_and_partial_accepts_it() -> None:
    whole = log_of(right_run(PLAN), EXACT)
    cut = make_log(whole.steps[:350], whole.lr[:350], None if whole.momentum is None else whole.momentum[:350])
    for partial, verdict in ((False, "incomplete"), (True, "ok")):
        found = checked(PLAN, cut, partial=partial)
        assert (found.verdict, found.cause.slug, found.first_missing_step) == (verdict, "truncated", 350)


def test_what_only_the_end_would_show_is_not_seen_in_a_log_that_stops_before() -> None:
    run = run_of({**PLAN, "final_div_factor": 1e6}, np.arange(140))
    assert checked(PLAN, log_of(run, EXACT)).verdict == "incomplete"


def test_in_a_warm_up_alone_a_faster_scheduler_and_a_shorter_warm_up_look_alike() -> None:
    shorter = run_of({**PLAN, "pct_start": 76 / 500}, np.arange(60))
    assert checked({**PLAN, "pct_start": 151 / 500}, log_of(shorter, EXACT)).cause.slug == "stepped-n-times:2"


def test_random_samples_reach_the_end() -> None:
    plan = {"max_lr": 0.03, "total_steps": 5000}
    kept = np.sort(np.random.default_rng(3).choice(4990, 1000, replace=False))
    run = right_run(plan)
    assert run.momentum is not None
    log = make_log(kept, run.lr[kept].astype(np.float32), run.momentum[kept])
    assert checked(plan, log).verdict == "ok"


def test_a_resumed_log_may_begin_late_or_count_anew() -> None:
    run = right_run(PLAN)
    late = make_log(np.arange(200, 500), run.lr[200:500])
    assert checked({**PLAN, "last_epoch": 199}, late).verdict == "ok"
    assert checked(PLAN, late).verdict == "ok"
    anew = checked({**PLAN, "last_epoch": 199}, make_log(np.arange(300), run.lr[200:500]))
    assert (anew.verdict, anew.offset) == ("ok", 200)


def test_rows_of_one_step_may_repeat() -> None:
    run = right_run(PLAN)
    rows = np.repeat(np.arange(500), 4)
    assert checked(PLAN, make_log(rows, run.lr[rows])).verdict == "ok"


def test_steps_skipped_one_by_one_are_counted() -> None:
    clock = np.arange(501)
    for skip in (100, 180, 320):
        clock[skip + 1 :] -= 1
    found = checked(PLAN, log_of(run_of(PLAN, clock), EXACT))
    assert found.cause.slug == "shifted:-3"
    assert found.first_divergence is not None
    assert found.first_divergence.step == 101


@pytest.mark.parametrize(
    ("convention", "more"),
    [
        ("fastai", {"epochs": 10, "steps_per_epoch": 50}),
        ("optax", {}),
        ("optax", {"div_factor": 25.0, "final_div_factor": 1e4}),
        ("optax-linear", {}),
    ],
)
def test_another_framework_s_arithmetic_is_named(convention: str, more: dict[str, Any]) -> None:
    plan = {**PLAN, "div_factor": 10.0, "cycle_momentum": False, **more}
    kept = {"cycle_momentum"} if "optax" in convention else set()
    theirs = {setting: value for setting, value in plan.items() if setting not in kept}
    schedule = OneCycle(**{**theirs, "convention": convention}).schedule()
    log = make_log(np.arange(500), schedule.lr(np.arange(500)))
    assert checked(plan, log).cause.slug == f"convention:{convention}"


@pytest.mark.parametrize("epochs", [1, 4, 10])
@pytest.mark.parametrize("more", [{}, {"final_div_factor": 4000.0}, {"final_div_factor": 1e5}])
@pytest.mark.parametrize("digits", [17, 6])
def test_fastai_is_found_though_the_plan_has_steps_alone(epochs: int, more: dict[str, float], digits: int) -> None:
    per_epoch = 500 // epochs
    run = OneCycle(max_lr=0.1, epochs=epochs, steps_per_epoch=per_epoch, convention="fastai").schedule()
    rates = [float(f"{rate:.{digits}g}") for rate in run.lr(np.arange(500)).tolist()]
    found = checked({"max_lr": 0.1, "total_steps": 500, "pct_start": 0.25, **more}, make_log(np.arange(500), rates))
    assert (found.cause.slug, found.cause.fit) == ("convention:fastai", 1.0)
    assert ("with final_div_factor 100000" in found.cause.summary) == (more.get("final_div_factor") != 1e5)
    wrong = make_log(np.arange(500), [rate * (1.001 if at % 2 else 1) for at, rate in enumerate(rates)])
    assert checked({"max_lr": 0.1, "total_steps": 500, "pct_start": 0.25}, wrong).cause.slug != "convention:fastai"


def test_a_final_rate_of_paddle_is_described_as_a_factor() -> None:
    schedule = OneCycle(max_lr=0.1, total_steps=500, convention="paddle").schedule()
    found = checked(PLAN, make_log(np.arange(500), schedule.lr(np.arange(500))))
    assert found.cause.slug == "wrong-final_div_factor"
    assert "was 40, the plan says 10000" in found.cause.summary


@pytest.mark.parametrize(
    ("times", "words"),
    [(2, "twice as much"), (7, "7 times as much"), (0.5, "half of it"), (0.1, "a tenth of it"), (0.04, "1/25 of it")],
)
def test_a_peak_is_given_as_a_ratio_of_the_planned_one(times: float, words: str) -> None:
    schedule = OneCycle(**{**PLAN, "max_lr": 0.1 * times}).schedule()
    found = checked({**PLAN, "max_lr": 0.1}, make_log(np.arange(500), schedule.lr(np.arange(500)))).cause
    assert found.slug == "wrong-max_lr"
    assert found.summary.endswith(f"the plan says 0.1: {words}")


def test_one_column_is_compared_with_the_group_it_fits() -> None:
    plan = {**PLAN, "max_lr": [0.01, 0.1], "groups": ["backbone", "head"]}
    rates = OneCycle(**plan).schedule().lr(np.arange(500), 1)
    found = checked(plan, make_log(np.arange(500), rates))
    assert found.verdict == "ok"
    assert "head" in " ".join(found.notes)
    rates[300:] *= 2
    found = checked(plan, make_log(np.arange(500), rates))
    assert found.first_divergence is not None
    assert (found.first_divergence.field, found.first_divergence.group) == ("lr_head", 1)


def test_groups_are_paired_by_name_and_else_by_order() -> None:
    plan = {**PLAN, "max_lr": [0.01, 0.1], "groups": ["backbone", "head"]}
    schedule = OneCycle(**plan).schedule()
    steps = np.arange(500)
    turned = np.column_stack([schedule.lr(steps, 1), schedule.lr(steps, 0)])
    assert checked(plan, make_log(steps, turned, groups=("AdamW/head", "AdamW/backbone"))).verdict == "ok"
    assert checked(plan, make_log(steps, turned, groups=("pg1", "pg2"))).cause.slug == "swapped-groups"
    assert checked(PLAN, make_log(steps, np.column_stack([OneCycle(**PLAN).schedule().lr(steps)] * 2))).verdict == "ok"


def test_a_momentum_that_is_not_planned_is_let_be_and_mentioned_when_it_moves() -> None:
    plan = {**PLAN, "cycle_momentum": False}
    run = right_run(PLAN)
    assert run.momentum is not None
    still = checked(plan, make_log(np.arange(500), run.lr[:500], np.full(500, 0.9)))
    moving = checked(plan, make_log(np.arange(500), run.lr[:500], run.momentum[:500]))
    assert (still.verdict, still.notes) == ("ok", ())
    assert (moving.verdict, moving.compared) == ("ok", 500)
    assert "does not cycle" in moving.notes[0]


def test_parts_are_looked_for_in_rows_of_a_single_step() -> None:
    plan = OneCycle(max_lr=0.1, total_steps=100)
    rates = plan.schedule().lr(np.repeat([7, 20], 5))
    found = check(plan, make_log([5] * 10, rates))
    assert (found.verdict, found.coverage.steps) == ("diverges", 1)


def test_a_log_without_learning_rates_cannot_be_checked() -> None:
    with pytest.raises(OnecycleError, match="no learning rate"):
        checked(PLAN, make_log([0, 1], [math.nan, math.nan]))


@pytest.mark.parametrize("name", RUNS_OF_PAPERS)
def test_the_papers_own_logs_are_ok(name: str) -> None:
    found = checked(plan_of_paper(name), log_of_paper(name))
    assert (found.verdict, found.offset) == ("ok", 0)
    assert "float32" in " ".join(found.notes)


def test_real_scheduler_runs() -> None:
    torch = pytest.importorskip("torch")

    def stepped(moves: list[int], **settings: Any) -> Log:
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, **settings)
        rates, momenta = [], []
        for times in moves:
            rates.append(optimizer.param_groups[0]["lr"])
            momenta.append(optimizer.param_groups[0]["momentum"])
            optimizer.step()
            for _ in range(times):
                scheduler.step()
        return make_log(np.arange(len(moves)), rates, momenta)

    plan = {"max_lr": 0.1, "total_steps": 120}
    assert checked(plan, stepped([1] * 120, **plan)).verdict == "ok"
    assert checked(plan, stepped([2] * 60, **plan)).cause.slug == "stepped-n-times:2"
    assert checked(plan, stepped([0] * 120, **plan)).cause.slug == "constant"
    assert checked(plan, stepped(([0] * 9 + [1]) * 12, **plan)).cause.slug == "epoch-stepped"
    assert checked(plan, stepped([1] * 50 + [0] + [1] * 69, **plan)).cause.slug == "shifted:-1"
    assert checked(plan, stepped([1] * 50 + [2] + [1] * 68, **plan)).cause.slug == "shifted:+1"
    assert checked(plan, stepped([1] * 120, **{**plan, "total_steps": 480})).cause.slug == "no-accumulation"
    assert checked(plan, stepped([1] * 120, **plan, anneal_strategy="linear")).cause.slug == "linear"
    assert checked(plan, stepped([1] * 120, **plan, three_phase=True)).cause.slug == "wrong-three_phase"
    assert checked(plan, stepped([1] * 120, **plan, cycle_momentum=False)).cause.slug == "no-momentum-cycle"


@pytest.mark.parametrize("cut", range(4, 24))
@pytest.mark.parametrize("header", ["step,lr", "step,lr,momentum"])
def test_a_number_that_is_cut_off_is_left_out(cut: int, header: str, tmp_path: Path) -> None:
    plan = OneCycle(max_lr=0.1, total_steps=100)
    schedule = plan.schedule()
    rows = [f"{step},{schedule.lr(step)!r},{schedule.momentum(step)!r}" for step in range(98)]
    text = "".join(f"{row.rpartition(',')[0] if header == 'step,lr' else row}\n" for row in rows[:97])
    log = tmp_path / "log.csv"
    log.write_text(f"{header}\n{text}{rows[97][:cut]}")
    found = check(plan, read_log(str(log)))
    assert (found.verdict, found.first_missing_step in (97, 98)) == ("incomplete", True)


def test_a_wrong_last_value_is_not_cut_off(tmp_path: Path) -> None:
    plan = OneCycle(max_lr=0.1, total_steps=100)
    rates = plan.schedule().lr(np.arange(100)).tolist()
    log = tmp_path / "log.csv"
    for end, verdict in (("0.05", "diverges"), ("0.05\n", "diverges"), (repr(rates[-1]), "ok")):
        log.write_text(
            "step,lr\n" + "".join(f"{step},{rate!r}\n" for step, rate in enumerate(rates[:-1])) + f"99,{end}"
        )
        assert check(plan, read_log(str(log))).verdict == verdict
