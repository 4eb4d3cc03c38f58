"""Settings recovered from logs: from real traces, from random plans in every kind of log, and from other curves."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import yaml

from onecycle_cli import OneCycle
from onecycle_cli.errors import OnecycleError
from onecycle_cli.policy.plan import find_length, make_plan
from onecycle_cli.render.fit_report import fit_yaml
from onecycle_cli.run.checker import check
from onecycle_cli.run.fit import Fitted, fit
from onecycle_cli.run.logs.log import Log

from .conftest import seeds
from .logged_runs import MANIFEST, at, make_log, read_trace

pytestmark = pytest.mark.numeric

TRACES: dict[str, dict[str, Any]] = {entry["file"].partition("_")[0]: entry for entry in MANIFEST}

KINDS = ("exact", "float32", "%.6g", "sparse", "from-1", "after-step")


def drawn_plan(random: np.random.Generator, convention: str = "torch") -> dict[str, Any]:
    """Draw settings as people write them, that the convention takes and that its formula distinguishes from torch's."""
    linear = convention in ("torch", "r-torch", "paddle") and random.random() < 0.3
    plan: dict[str, Any] = {
        "total_steps": int(random.choice([20, 60, 100, 250, 937, 1000, 1564, 2000, 4690, 5000])),
        "pct_start": float(random.choice([0.1, 0.2, 0.25, 0.3, 0.4, 0.45])),
        "max_lr": float(random.choice([0.001, 0.0015, 0.01, 0.03, 0.1, 0.37, 1.0, 3.2])),
        "div_factor": float(random.choice([10.0, 25.0, 25.0, 4.0, 100.0, 16.5])),
    }
    if convention != "openpcdet":
        plan["final_div_factor"] = float(random.choice([1e4, 1e4, 100.0, 1e3, 1e5, 20.0]))
    if convention != "torch":
        plan["convention"] = convention
    if convention == "paddle":
        plan["final_lr"] = float(random.choice([1e-4, 1e-5, 3e-6]))
        del plan["final_div_factor"]
    if convention == "optax-linear":
        plan["pct_final"] = float(random.choice([0.85, 0.8, 0.95]))
    if linear:
        plan["anneal_strategy"] = "linear"
    if convention in ("torch", "paddle") and random.random() < 0.3:
        plan["three_phase"] = True
    groups = int(random.integers(1, 4))
    if groups > 1:
        plan["max_lr"] = tuple(round(plan["max_lr"] * factor, 9) for factor in (1.0, 0.1, 2.5)[:groups])
        plan["groups"] = groups
    if convention in ("torch", "fastai", "openpcdet", "r-torch"):
        plan["cycle_momentum"] = bool(random.random() < 0.6)
        if plan["cycle_momentum"] and random.random() < 0.4:
            plan |= {"base_momentum": 0.8, "max_momentum": 0.9}
    return plan


def logged(plan: Mapping[str, Any], kind: str) -> Log:
    """Log a run of a plan."""
    schedule = OneCycle(**plan).schedule()
    total, count = schedule.total_steps, len(schedule.groups)
    steps = np.arange(total)
    if kind == "after-step":
        steps = steps[:-1] + 1
    rates = np.stack([schedule.lr(steps, group) for group in range(count)], axis=1)
    momenta = None
    if schedule.cycles_momentum:
        momenta = np.stack([np.asarray(schedule.momentum(steps, group)) for group in range(count)], axis=1)
    if kind == "float32":
        rates = rates.astype(np.float32)
        momenta = None if momenta is None else momenta.astype(np.float32)
    if kind == "%.6g":
        rates = np.vectorize(lambda value: float(f"{value:.6g}"))(rates)
        momenta = None if momenta is None else np.vectorize(lambda value: float(f"{value:.6g}"))(momenta)
    steps = steps + {"from-1": 1, "after-step": -1}.get(kind, 0)
    log = make_log(steps, rates, momenta)
    return cut(log, slice(0, None, max(1, total // 40))) if kind == "sparse" else log


def numbers(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Give every number that acts on the curve, defaults filled in."""
    made = OneCycle(**settings)
    length = find_length(made)
    assert length is not None
    plan = make_plan(made, length)
    return {
        "convention": made.convention or "torch",
        "total_steps": plan.total_steps,
        "pct_start": plan.pct_start,
        "div_factor": plan.div_factor,
        "final": plan.final_div_factor if plan.final_lr is None else plan.final_lr,
        "strategy": plan.anneal_strategy,
        "three_phase": plan.three_phase,
        "max_lr": [group.max_lr for group in plan.groups],
    }


def cut(log: Log, rows: slice) -> Log:
    return replace(log, steps=log.steps[rows], values=log.values[rows])


def gives_the_log(found: Fitted, log: Log, relative: float) -> bool:
    """Evaluate the recovered settings through the public way, where the schedule has the step."""
    schedule = OneCycle(**found.settings).schedule()  # type: ignore[arg-type]
    steps = log.steps + found.offset
    inside = steps < schedule.total_steps
    for group in range(log.lr.shape[1]):
        planned = schedule.lr(steps[inside], group)
        if not np.allclose(planned, log.lr[inside, group], rtol=relative, atol=1e-15 * log.lr.max()):
            return False
    return bool(inside.sum() >= len(steps) - 1)


PRECISION = {"float32": 1.3e-7, "%.6g": 5.1e-6}


@pytest.mark.parametrize("name", [name for name, about in TRACES.items() if about["verdict"] == "ok"])
def test_right_traces_give_their_plan(name: str) -> None:
    about = TRACES[name]
    found = fit(read_trace(about))
    assert numbers(found.settings) == numbers(about["plan"])
    assert found.offset == about["offset"]
    assert found.explained == 1
    assert ("cycle_momentum" in found.settings) == (about["momentum_columns"] is not None)


@pytest.mark.parametrize(
    ("name", "changed", "words"),
    [
        ("p05", {"total_steps": 480}, "the log ends before the annealing does: total_steps 480 is a guess"),
        ("p09", {"max_lr": 0.06}, ""),
        ("p12", {}, "the log ends at step 195, before the cycle does"),
        ("p13", {}, "step 150 is past the end of the cycle"),
    ],
)
def test_clean_runs_of_another_plan_give_what_they_were_run_with(
    name: str, changed: dict[str, Any], words: str
) -> None:
    about = TRACES[name]
    found = fit(read_trace(about))
    assert numbers(found.settings) == numbers({**about["plan"], **changed})
    assert found.explained == 1
    assert words in " ".join(found.notes)


@pytest.mark.parametrize(
    ("name", "words"),
    [("p02", "once per epoch"), ("p08", "rise and fall 2 times"), ("p11", "advances 4 steps per optimizer step")],
)
def test_disturbed_runs_are_refused(name: str, words: str) -> None:
    with pytest.raises(OnecycleError, match=words):
        fit(read_trace(TRACES[name]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", seeds(2))
def test_plans_come_back_from_every_kind_of_log(kind: str, seed: int) -> None:
    plan = drawn_plan(np.random.default_rng([seed, KINDS.index(kind)]))
    log = logged(plan, kind)
    found = fit(log)
    assert numbers(found.settings) == numbers(plan)
    assert found.offset == {"from-1": -1, "after-step": 1}.get(kind, 0)
    assert gives_the_log(found, log, PRECISION.get(kind, 1e-14))


@pytest.mark.parametrize("convention", ["fastai", "optax", "optax-linear", "openpcdet"])
@pytest.mark.parametrize("seed", seeds(2))
def test_conventions_are_distinguished(convention: str, seed: int) -> None:
    plan = drawn_plan(np.random.default_rng([seed, 7]), convention)
    plan["total_steps"] = max(plan["total_steps"], 60)
    if convention == "openpcdet":
        plan["cycle_momentum"] = True
    found = fit(logged(plan, "exact"))
    assert numbers(found.settings) == numbers(plan)
    assert found.explained == 1


@pytest.mark.parametrize("kind", KINDS)
def test_an_early_mirrored_peak_is_found_from_every_offset(kind: str) -> None:
    plan = {"max_lr": 0.01, "total_steps": 60, "pct_start": 0.1, "div_factor": 10.0, "three_phase": True}
    assert numbers(fit(logged(plan, kind)).settings) == numbers(plan)


def test_very_many_rows_are_thinned_and_all_of_them_met() -> None:
    plan = {"max_lr": 0.1, "total_steps": 300_000, "pct_start": 0.25}
    found = fit(logged(plan, "exact"))
    assert numbers(found.settings) == numbers(plan)
    assert found.explained == 1


def test_paddle_is_named_where_the_end_is_a_round_rate() -> None:
    plan = {"convention": "paddle", "max_lr": 0.37, "div_factor": 16.5, "total_steps": 300, "final_lr": 1e-4}
    assert numbers(fit(logged(plan, "exact")).settings) == numbers(plan)


def test_r_torch_is_named_where_its_bits_alone_are_met() -> None:
    plan = {"convention": "r-torch", "max_lr": 0.1, "total_steps": 22}
    assert fit(logged(plan, "exact")).settings["convention"] == "r-torch"


def test_the_papers_cycle_is_known() -> None:
    plan = {"convention": "smith", "max_lr": 0.8, "div_factor": 10.0, "total_steps": 1000, "stepsize": 430}
    found = fit(logged({**plan, "cycle_momentum": False}, "%.6g"))
    assert found.settings["convention"] == "smith"
    assert found.settings["stepsize"] == 430
    assert found.settings["max_lr"] == 0.8
    assert found.explained == 1


@pytest.mark.parametrize("seed", range(4))
def test_numbers_that_are_not_round_are_met_to_the_last_digits(seed: int) -> None:
    random = np.random.default_rng(seed)
    plan = {
        "max_lr": float(random.uniform(0.001, 1)),
        "total_steps": int(random.integers(30, 3000)),
        "pct_start": float(random.uniform(0.1, 0.45)),
        "div_factor": float(random.uniform(2, 50)),
        "final_div_factor": float(random.uniform(10, 1e5)),
        "anneal_strategy": ("cos", "linear")[seed % 2],
        "three_phase": seed == 3,
    }
    log = logged(plan, "exact")
    found = fit(log)
    planned = OneCycle(**found.settings).schedule().lr(log.steps)  # type: ignore[arg-type]
    assert np.allclose(planned, log.lr[:, 0], rtol=2e-13, atol=0)
    for setting in ("max_lr", "pct_start", "div_factor"):
        assert found.settings[setting] == pytest.approx(plan[setting], rel=1e-12)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (slice(500, None), "div_factor is undetermined"),
        (slice(0, 600), "implies total_steps 1,000"),
        (slice(0, 200), "total_steps 1,000 is a guess"),
        (slice(600, 900), "div_factor is undetermined"),
    ],
)
def test_parts_of_a_run_give_what_they_show(rows: slice, words: str) -> None:
    plan = {"max_lr": 0.1, "total_steps": 1000}
    found = fit(cut(logged(plan, "exact"), rows))
    assert numbers(found.settings) == numbers(plan)
    assert words in " ".join(found.notes)


def test_values_that_are_missing_or_repeated_do_not_matter() -> None:
    log = logged({"max_lr": (0.1, 0.2), "total_steps": 300}, "exact")
    again = np.concatenate([np.arange(120), np.arange(100, 300)])
    lr = log.lr[again].copy()
    lr[5, 0] = np.nan
    found = fit(make_log(again, lr, log.momentum[again] if log.momentum is not None else None, ("backbone", "head")))
    assert found.settings["max_lr"] == [0.1, 0.2]
    assert found.settings["groups"] == ["backbone", "head"]
    assert found.explained == 1


def test_a_constant_momentum_is_not_cycled() -> None:
    log = logged({"max_lr": 0.1, "total_steps": 100, "cycle_momentum": False}, "exact")
    found = fit(make_log(log.steps, log.lr, np.full(100, 0.9)))
    assert found.settings["cycle_momentum"] is False
    assert "base_momentum" not in found.settings


# --- What fit recovers, check accepts -------------------------------------------------------------------------------

PLAN: dict[str, Any] = {"max_lr": 0.1, "total_steps": 300, "cycle_momentum": False}


def paced(plan: dict[str, Any], clock: Any) -> Log:
    steps = np.asarray(clock)
    return make_log(np.arange(steps.size), at(OneCycle(**plan).schedule(), steps))


def completed_steps(every: int, *, held: bool) -> Log:
    """Log a run after `every`, 2 * `every` … 300 steps; the last row has the rebound, or the last rate once more."""
    steps = np.arange(every, 301, every)
    return make_log(steps, at(OneCycle(**PLAN).schedule(), np.minimum(steps, 299 if held else 300)))


def in_single_arithmetic() -> Log:
    """Log PyTorch's formula computed in float32 throughout."""
    steps, f = np.arange(300), np.float32
    peak, low, last = f(0.1), f(0.1 / 25), f(0.1 / 25e4)
    rise = low + (peak - low) / f(2) * (f(1) - np.cos(f(np.pi) * steps.astype(f) / f(89)))
    fall = last + (peak - last) / f(2) * (np.cos(f(np.pi) * (steps.astype(f) - f(89)) / f(210)) + f(1))
    return make_log(steps, np.where(steps <= 89, rise, fall).astype(f))


def rounded(plan: dict[str, Any], form: str) -> Log:
    log = logged(plan, "exact")
    return make_log(log.steps, np.vectorize(lambda value: float(form % value))(log.lr))


ACCEPTED = {
    "six decimals": (rounded({"max_lr": 0.001, "total_steps": 250, "pct_start": 0.25}, "%.6f"), "6 decimals"),
    "four digits": (rounded({"max_lr": 0.02, "total_steps": 250, "pct_start": 0.2}, "%.4g"), "4 digits"),
    "completed steps": (completed_steps(1, held=False), "exact"),
    "completed steps, sparse": (completed_steps(25, held=False), "exact"),
    "completed steps, the last held": (completed_steps(1, held=True), "exact"),
    "completed steps, sparse, the last held": (completed_steps(20, held=True), "exact"),
    "once per epoch, the whole cycle": (paced({**PLAN, "total_steps": 20}, np.arange(600) // 30), "exact"),
    "float32 arithmetic": (in_single_arithmetic(), "float32"),
    "the last ten rows": (cut(logged(PLAN, "exact"), slice(-10, None)), "exact"),
    "a momentum of its own": (
        make_log(range(300), at(OneCycle(**PLAN).schedule(), np.arange(300)), 0.9 + np.sin(np.arange(300)) / 50),
        "exact",
    ),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_the_check_accepts_what_was_recovered(case: str) -> None:
    log, precision = ACCEPTED[case]
    found = fit(log)
    verdict = check(OneCycle(**found.settings), log)  # type: ignore[arg-type]
    assert (verdict.verdict, verdict.offset) == ("ok", found.offset)
    assert verdict.tolerance == found.tolerance
    assert found.tolerance.name == precision
    assert found.explained == 1
    assert found.settings["max_lr"] == pytest.approx(log.lr.max() if "last" not in case else 0.1, rel=0.02)


@pytest.mark.parametrize("every", [1, 25])
def test_completed_steps_end_at_total_steps_and_a_step_more_is_an_overrun(every: int) -> None:
    for held in (False, True):
        verdict = check(OneCycle(**PLAN), completed_steps(every, held=held))
        assert (verdict.verdict, verdict.offset) == ("ok", 0)
        assert "completed steps" in verdict.notes[0]
    steps = np.arange(0, 301, every)
    overrun = make_log(steps, at(OneCycle(**PLAN).schedule(), steps))
    assert check(OneCycle(**PLAN), overrun).cause.slug == "overrun"
    found = fit(overrun)
    assert "overrun" in found.notes[-1]
    assert not found.accepted


def test_values_of_another_schedule_are_counted() -> None:
    plan = {**PLAN, "total_steps": 20_000}
    log = logged(plan, "exact")
    log.lr[[3001, 9003]] *= 0.5
    found = fit(log)
    assert numbers(found.settings) == numbers(plan)
    assert found.explained == pytest.approx(19_998 / 20_000)
    assert "2 logged values" in found.notes[-1]
    assert "3,001" in found.notes[-1]


@pytest.mark.parametrize(("times", "pct"), [(2, 0.3), (2, 0.2), (3, 0.2), (4, 0.3), (8, 0.2)])
def test_a_schedule_that_is_stepped_several_times_per_step_is_said(times: int, pct: float) -> None:
    plan = {**PLAN, "total_steps": 600, "pct_start": pct}
    for clock in (np.minimum(np.arange(600) * times, 600), np.arange(600 // times) * times + times - 1):
        with pytest.raises(OnecycleError, match=f"total_steps 600.* advances {times} steps") as refused:
            fit(paced(plan, clock))
        assert ("pct_start 0.2" in str(refused.value)) == (pct == 0.2)
        assert "step the scheduler once per optimizer step" in str(refused.value.hint)


def test_another_cycle_with_the_same_values_is_noted() -> None:
    """Of 373 steps, taken two at a time, one cycle of 187 steps has the same values, with an odd pct_start."""
    found = fit(paced({**PLAN, "total_steps": 373, "pct_start": 0.2}, np.arange(187) * 2))
    assert (found.accepted, found.settings["total_steps"]) == (True, 187)
    assert "total_steps 373 and pct_start 0.2" in found.notes[-1]
    assert "advances 2 steps" in found.notes[-1]


@pytest.mark.parametrize("ends", ["even", "uneven"])
def test_a_schedule_that_is_stepped_once_per_epoch_is_said(ends: str) -> None:
    lengths = np.resize([30] if ends == "even" else [31, 28, 30], 24)
    with pytest.raises(OnecycleError, match="total_steps 40, the learning rate changes") as refused:
        fit(paced({**PLAN, "total_steps": 40}, np.repeat(np.arange(24), lengths)))
    assert "not after every epoch" in str(refused.value.hint)


def test_what_is_undetermined_is_named() -> None:
    log = logged(PLAN, "exact")
    momentum = ("cycle_momentum", "base_momentum", "max_momentum")
    assert fit(log).undetermined == momentum
    assert fit(cut(log, slice(150, None))).undetermined == ("div_factor", "final_div_factor", *momentum)
    assert set(fit(cut(log, slice(0, 60))).undetermined) == {
        "total_steps",
        "pct_start",
        "final_div_factor",
        *momentum,
    }
    assert fit(logged({"max_lr": 0.1, "total_steps": 300}, "exact")).undetermined == ()


# --- What is not a cycle --------------------------------------------------------------------------------------------

N = np.arange(400)
CYCLE = OneCycle(max_lr=0.1, total_steps=200).schedule().lr(np.arange(200))
NO_CYCLE = {
    "constant": (np.full(400, 0.1), "constant"),
    "linear decay": (0.1 * (1 - N / 400), "falls from the first step"),
    "step decay": (0.1 * 0.1 ** (N // 150), "falls from the first step"),
    "noise": (np.random.default_rng(1).random(400), "rise and fall"),
    "restarts": (0.05 * (1 + np.cos(np.pi * (N % 100) / 100)), "rise and fall 3 times"),
    "two cycles": (np.tile(CYCLE, 2), "rise and fall 2 times"),
    "linear warm-up": (0.1 * N / 400, "only rise"),
    "warm-up, then cosine": (np.where(N < 40, (N + 1) / 400, 0.05 * (1 + np.cos(np.pi * (N - 40) / 360))), "no one-cy"),
    "warm-up, then root": (np.minimum((N + 1) ** -0.5, (N + 1) / 1000), "no one-cycle"),
    "five rows": (CYCLE[:5], "5 steps"),
}


@pytest.mark.parametrize("case", NO_CYCLE)
def test_what_is_not_a_cycle_is_refused(case: str) -> None:
    rates, words = NO_CYCLE[case]
    with pytest.raises(OnecycleError, match=words) as error:
        fit(make_log(range(len(rates)), rates))
    assert error.value.hint


def test_the_config_says_it_again() -> None:
    found = fit(read_trace(TRACES["p05"]))
    settings = {**found.settings, "groups": ["back bone", "1", "head", "no", "a: b"], "final_lr": 1e-05}
    text = fit_yaml(replace(found, settings=settings), "logs/run.csv")
    assert "Recovered from the learning rates in logs/run.csv" in text
    assert "guessed:\n# - the log ends before the annealing does" in text
    assert "final_lr: 1.0e-05" in text
    assert yaml.safe_load(text) == settings
    assert yaml.safe_load(fit_yaml(found, "run.csv")) == found.settings


# --- Numbers that are not round ---------------------------------------------------------------------------------


def random_plan(seed: int) -> OneCycle:
    """Make a plan such as a sweep draws it, with seven or seventeen digits."""
    draw = random.Random(seed)
    digits = 17 if seed % 2 else 7

    def drawn(number: float) -> float:
        return float(f"{number:.{digits - 1}e}")

    peak = drawn(10 ** draw.uniform(-4, 0))
    return OneCycle(
        total_steps=draw.randint(60, 3000),
        max_lr=(peak, drawn(0.37 * peak)) if seed % 5 == 1 else peak,
        pct_start=drawn(draw.uniform(0.1, 0.45)),
        div_factor=drawn(draw.uniform(3, 60)),
        final_div_factor=drawn(10 ** draw.uniform(1, 5)),
        anneal_strategy="linear" if seed % 5 == 2 else None,
        three_phase=True if seed % 5 == 3 else None,
        cycle_momentum=False if seed % 5 == 4 else None,
    )


@pytest.mark.parametrize("seed", seeds(10))  # five features, each with seven and with seventeen digits
def test_what_a_sweep_draws_passes_the_check(seed: int) -> None:
    plan = random_plan(seed)
    schedule = plan.schedule()
    steps = np.arange(schedule.total_steps)
    groups = range(len(schedule.groups))
    momenta = [schedule.momentum(steps, group) for group in groups]
    values = [*(schedule.lr(steps, group) for group in groups), *(each for each in momenta if each is not None)]
    names = tuple(map(str, groups)) if len(groups) > 1 else ("",)
    log = Log("run.csv", "csv", steps, np.stack(values, axis=1), names)
    found = fit(log).settings
    assert check(OneCycle(**found), log).verdict == "ok"  # type: ignore[arg-type]
    if seed % 2 == 0:
        given = {name: value for name, value in plan.given.items() if name != "cycle_momentum"}
        assert {name: tuple(each) if isinstance(each, list) else each for name, each in found.items()}.items() >= (
            given.items()
        )
