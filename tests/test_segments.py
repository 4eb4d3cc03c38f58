"""Segments after the cycle: their values by another computation, their steps, and what the commands make of them."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onecycle_cli import OneCycle, PlanError
from onecycle_cli.cli import main
from onecycle_cli.config import Request, load
from onecycle_cli.policy.conventions import CONVENTIONS

BASE: dict[str, Any] = {"max_lr": 0.1, "total_steps": 100}
WITH_SEGMENTS = [name for name, convention in CONVENTIONS.items() if convention.supports("then")]


def then(*segments: dict[str, Any], **settings: Any) -> Any:
    return OneCycle(**BASE | settings, then=segments).schedule()


def halfway(start: float, end: float, part: Fraction, shape: str) -> float:
    """Give the value between two others, by the cosine of half angles, or exactly."""
    if shape == "linear":
        return float(Fraction(start) + (Fraction(end) - Fraction(start)) * part)
    share = math.sin(math.pi / 2 * float(part)) ** 2
    return start + (end - start) * share


@pytest.mark.parametrize("shape", ["cos", "linear"])
@pytest.mark.parametrize("at", [1, 20, 29, 30, 64, 99, 100])
def test_an_anneal_goes_from_the_last_rate_to_the_final_one(shape: str, at: int) -> None:
    cycle = OneCycle(**BASE, anneal_strategy=shape).schedule()
    schedule = then({"shape": "anneal", "from": at, "total_steps": 250}, anneal_strategy=shape)
    assert schedule.total_steps == len(schedule) == 250
    steps = range(at)
    assert [schedule.lr(step) for step in steps] == [cycle.lr(step) for step in steps]
    assert [schedule.momentum(step) for step in steps] == [cycle.momentum(step) for step in steps]
    for step in range(at, 250):
        part = Fraction(step - (at - 1), 250 - at)
        wanted = (
            halfway(cycle.lr(at - 1), cycle.lr(99), part, shape),
            halfway(cycle.momentum(at - 1) or 0.0, 0.95, part, shape),
        )
        assert (schedule.lr(step), schedule.momentum(step)) == pytest.approx(wanted, rel=0, abs=1e-15)
    assert schedule.lr(249) == pytest.approx(cycle.lr(99), rel=0, abs=1e-15)


@pytest.mark.parametrize("at", [1, 50, 100])
def test_a_hold_keeps_the_bits_of_the_step_before(at: int) -> None:
    cycle = OneCycle(**BASE).schedule()
    schedule = then({"shape": "hold", "from": at, "total_steps": 10**12})
    steps = np.array([at, at + 1, 10**6, 10**12 - 1])
    assert set(schedule.lr(steps).tolist()) == {cycle.lr(at - 1)}
    assert set(schedule.momentum(steps).tolist()) == {cycle.momentum(at - 1)}


@pytest.mark.parametrize("pct_start", [0.0, 0.07, 0.3, 0.5, 1.0])
def test_a_cycle_rises_from_the_last_rate(pct_start: float) -> None:
    cycle = OneCycle(**BASE).schedule()
    schedule = then({"shape": "cycle", "total_steps": 150, "max_lr": 0.05, "pct_start": pct_start, "final_lr": 1e-3})
    turn = Fraction(99) + Fraction(pct_start) * 50
    for step in range(100, 150):
        if step <= turn:
            part = (step - 99) / (turn - 99)
            wanted = halfway(cycle.lr(99), 0.05, part, "cos"), halfway(0.95, 0.85, part, "cos")
        else:
            part = (step - turn) / (149 - turn)
            wanted = halfway(0.05, 1e-3, part, "cos"), halfway(0.85, 0.95, part, "cos")
        assert (schedule.lr(step), schedule.momentum(step)) == pytest.approx(wanted, rel=0, abs=1e-15)


def test_each_segment_begins_where_the_one_before_ends() -> None:
    schedule = then(
        {"shape": "anneal", "from": 40, "total_steps": 120},
        {"shape": "hold", "total_steps": 130},
        {"shape": "cycle", "from": 125, "total_steps": 200, "max_lr": 0.05},
    )
    assert [(phase.name, phase.first_step, phase.last_step) for phase in schedule.phases] == [
        ("warm-up", 0, 29),
        ("anneal", 30, 39),
        ("anneal", 40, 119),
        ("hold", 120, 124),
        ("warm-up", 125, 146),
        ("anneal", 147, 199),
    ]
    assert schedule.lr(124) == schedule.lr(119) == 4e-07


def test_the_array_path_has_the_bits_of_the_scalar_one() -> None:
    for convention in WITH_SEGMENTS:
        schedule = then(
            {"shape": "cycle", "from": 60, "total_steps": 170, "max_lr": 0.3},
            {"shape": "anneal", "total_steps": 171},
            convention=convention,
        )
        every = np.arange(171)
        assert schedule.lr(every).tolist() == [schedule.lr(step) for step in range(171)], convention
        if schedule.cycles_momentum:
            assert schedule.momentum(every).tolist() == [schedule.momentum(step) for step in range(171)]


def test_no_convention_changes_the_steps_before_a_segment() -> None:
    for convention in WITH_SEGMENTS:
        cycle = OneCycle(**BASE, convention=convention).schedule()
        schedule = then({"shape": "hold", "from": 61, "total_steps": 170}, convention=convention)
        assert [schedule.lr(step) for step in range(61)] == [cycle.lr(step) for step in range(61)]
        assert schedule.lr(169) == cycle.lr(60)


def test_parameter_groups_have_peaks_and_final_rates_of_their_own() -> None:
    schedule = then(
        {"shape": "cycle", "total_steps": 200, "max_lr": [0.05, 0.02], "pct_start": 0.5},
        max_lr=[0.1, 0.4],
        groups=["body", "head"],
        base_momentum=[0.8, 0.85],
    )
    assert [max(schedule.lr(np.arange(100, 200), group)) for group in (0, 1)] == [0.05, 0.02]
    assert [min(schedule.momentum(np.arange(100, 200), group)) for group in (0, 1)] == [0.8, 0.85]
    assert [schedule.lr(199, group) for group in (0, 1)] == [4e-07, 1.6e-06]


def test_a_single_cycle_has_no_segments() -> None:
    empty: Any = []
    assert OneCycle(**BASE, then=empty).schedule().phases == OneCycle(**BASE).schedule().phases
    assert OneCycle(**BASE).schedule().plan.then == ()


def test_a_segment_may_be_given_alone_and_settings_stay_hashable() -> None:
    one: Any = {"shape": "hold", "total_steps": 120}
    several: Any = [one]
    assert OneCycle(**BASE, then=one) == OneCycle(**BASE, then=several)
    assert len({OneCycle(**BASE, then=one), OneCycle(**BASE, then=several)}) == 1


@pytest.mark.parametrize(
    ("segments", "code"),
    [
        ([{"shape": "hold", "from": 101, "total_steps": 120}], "OC306"),
        ([{"shape": "hold", "from": 50, "total_steps": 50}], "OC306"),
        ([{"shape": "hold", "total_steps": 120}, {"shape": "hold", "from": 100, "total_steps": 130}], "OC306"),
        ([{"shape": "hold", "from": 0, "total_steps": 120}], "OC201"),
        ([{"shape": "hold", "total_steps": 2**60}], "OC201"),
        ([{"shape": "cycle", "total_steps": 120, "max_lr": [0.1, 0.2]}], "OC203"),
        ([{"shape": "cycle", "total_steps": 120, "max_lr": 0.0}], "OC201"),
        ([{"shape": "cycle", "total_steps": 120, "max_lr": 0.1, "pct_start": 2.0}], "OC202"),
    ],
)
def test_impossible_segments_have_no_schedule(segments: list[dict[str, Any]], code: str) -> None:
    with pytest.raises(PlanError) as error:
        then(*segments)
    assert [(finding.code, finding.setting) for finding in error.value.findings] == [(code, "then")]


@pytest.mark.parametrize(
    ("segments", "code"),
    [
        ([{"shape": "hold"}], "OC107"),
        ([{"total_steps": 120}], "OC107"),
        ([{"shape": "cycle", "total_steps": 120}], "OC107"),
        ([{"shape": "hold", "total_steps": True}], "OC103"),
        ([{"shape": "hold", "total_steps": 120.0}], "OC103"),
        ([{"shape": "hold", "total_steps": "120"}], "OC103"),
        ([{"shape": "spin", "total_steps": 120}], "OC106"),
        ([{"shape": "hold", "total_steps": 120, "lr": 1}], "OC101"),
        (["hold"], "OC103"),
        ([None], "OC103"),
        (7, "OC103"),
    ],
)
def test_what_is_not_a_segment_is_refused(segments: Any, code: str) -> None:
    with pytest.raises(PlanError) as error:
        OneCycle(**BASE, then=segments)
    assert [(finding.code, finding.setting) for finding in error.value.findings] == [(code, "then")]


YAML = "max_lr: 0.1\ntotal_steps: 100\n"
YAML += "then:\n  - {shape: cycle, from: 80, total_steps: 150, max_lr: 5.0e-2, pct_start: 0.4}\n"


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("plan.yaml").write_text(YAML)
    return "plan.yaml"


def test_a_config_with_segments_is_not_taken_for_a_training_config(plan: str) -> None:
    [loaded] = load(Request((plan,))).plans
    assert loaded.plan is not None
    assert loaded.plan.schedule.total_steps == 150
    assert loaded.plan.settings.then == (
        {"shape": "cycle", "from": 80, "total_steps": 150, "max_lr": 0.05, "pct_start": 0.4},
    )


def test_show_names_the_segments_and_where_a_phase_is_cut(plan: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", plan, "--format", "json", "--at", "79,80,149"]) == 0
    shown = json.loads(capsys.readouterr().out)
    schedule = OneCycle(**BASE).schedule()
    assert shown["total_steps"] == 150
    assert shown["warmup"] == {"steps": 30, "fraction": 0.2}
    assert [phase["name"] for phase in shown["phases"]] == ["warm-up", "anneal", "warm-up", "anneal"]
    assert shown["phases"][1]["end_lr"] == shown["phases"][2]["start_lr"] == schedule.lr(79)
    assert [row["step"] for row in shown["rows"]] == [79, 80, 149]
    assert main(["show", plan]) == 0
    assert "150 steps: the cycle, then cycle from step 80" in capsys.readouterr().out


@pytest.mark.slow
def test_export_and_check_agree_on_a_plan_with_segments(plan: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", plan, "-o", "run.csv"]) == 0
    assert len(Path("run.csv").read_text().splitlines()) == 151
    assert main(["check", plan, "run.csv"]) == 0
    Path("cycle.yaml").write_text("max_lr: 0.1\ntotal_steps: 100\n")
    assert main(["check", "cycle.yaml", "run.csv", "--format", "json"]) == 1
    capsys.readouterr()


def test_compare_names_what_follows_the_cycle(plan: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("cycle.yaml").write_text("max_lr: 0.1\ntotal_steps: 100\n")
    assert main(["compare", "cycle.yaml", plan, "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)["plans"][1]
    assert found["settings_that_differ"] == {"then": {"reference": None, "plan": ["cycle 80–149 to 0.05"]}}
    assert found["first_difference"]["step"] == 80
    assert main(["compare", plan, "--convention", "torch,fastai"]) == 1


def test_a_picture_and_a_page_show_the_whole_run(plan: str) -> None:
    assert main(["plot", plan, "-o", "plan.svg"]) == 0
    assert main(["report", plan, "-o", "plan.html"]) == 0
    assert "150 steps" in Path("plan.svg").read_text()


@pytest.mark.parametrize(("last_epoch", "code"), [(120, 0), (148, 0), (149, 2)])
def test_a_run_may_resume_in_a_segment(plan: str, last_epoch: int, code: int) -> None:
    assert main(["show", plan, "--last-epoch", str(last_epoch)]) == code


def test_mmengine_has_no_code_for_segments(plan: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["code", plan, "--framework", "mmengine"]) == 2
    assert "mmengine cannot follow a plan that goes on after its cycle" in capsys.readouterr().err


def test_the_schema_takes_segments() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    from onecycle_cli.render.config_template import json_schema

    validator = jsonschema.Draft7Validator(json_schema())
    good: Any = {"shape": "cycle", "from": 80, "total_steps": 150, "max_lr": [0.05, 0.1]}
    value: Any
    for value in ([good], good, None, [{"shape": "hold", "total_steps": 1}]):
        assert validator.is_valid({**BASE, "then": value}), value
    for value in ([{**good, "shape": "spin"}], [{"shape": "hold"}], [{**good, "lr": 1}], "hold", [{**good, "from": 0}]):
        assert not validator.is_valid({**BASE, "then": value}), value
