"""onecycle compare: what differs, where and by how much, compared with brute force, and the translations evaluated."""

from __future__ import annotations

import io
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from onecycle_cli import OneCycle, OnecycleError
from onecycle_cli.cli import main
from onecycle_cli.policy.comparison import compare
from onecycle_cli.policy.conventions import CONVENTIONS
from onecycle_cli.policy.schedule import Schedule
from onecycle_cli.policy.summary import MOST_COMPARED, area
from onecycle_cli.policy.translation import translate
from onecycle_cli.render.figure import FigureOptions, comparison_figure
from onecycle_cli.render.picture import Curve
from onecycle_cli.render.short_names import short_names, without_common_parts

from .strategies import sound_settings

pytestmark = pytest.mark.numeric

PLAN = ["--max-lr", "0.1", "--total-steps", "10", "--pct-start", "0.3"]
ALL = "torch,r-torch,mmengine,paddle,fastai,optax,openpcdet,optax-linear,tinygrad"
A = "max_lr: 0.1\ntotal_steps: 1000\n"

WORKED_EXAMPLE = {
    "torch": ".004 .052 .1 .0950485 .0811746 .0611262 .0388742 .0188258 .00495194 4e-07",
    "r-torch": ".004 .052 .1 .0950485 .0811746 .0611262 .0388742 .0188258 .00495194 4e-07",
    "mmengine": ".004 .052 .1 .0950485 .0811746 .0611262 .0388742 .0188258 .00495194 4e-07",
    "paddle": ".004 .052 .1 .0950534 .0811933 .0611649 .0389351 .0189067 .00504661 .0001",
    "fastai": ".004 .028 .076 .1 .0950485 .0811747 .0611264 .0388746 .0188263 .00495251",
    "optax": ".004 .028 .076 .1 .0950485 .0811746 .0611262 .0388742 .0188258 .00495194",
    "openpcdet": ".004 .028 .076 .1 .0950485 .0811746 .0611262 .0388742 .0188258 .00495194",
    "optax-linear": ".004 .036 .068 .1 .0808 .0616 .0424 .0232 .004 .0020002",
    "tinygrad": ".004 .036 .068 .1 .0857143 .0714287 .057143 .0428574 .0285717 .0142861",
}


def plan(**given: Any) -> Schedule:
    return OneCycle(**{"max_lr": 0.1, "total_steps": 1000, **given}).schedule()


@pytest.fixture
def configs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text(A)
    return tmp_path


def compared(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["compare", *arguments, "--format", "json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    "other",
    [A, "total_steps: 1000\nmax_lr: 1.0e-1\nname: b\n", "max_lr: 0.1\nepochs: 10\nsteps_per_epoch: 100\n"],
)
def test_equal_plans_exit_0_however_they_are_written(
    other: str, configs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("b.yaml").write_text(other)
    assert main(["compare", "a.yaml", "b.yaml"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("b is bit-identical to a\n")
    assert "no setting differs" in out
    assert err == ""
    code, found = compared(capsys, "a.yaml", "b.yaml")
    assert (code, found["equal"]) == (0, True)
    assert found["plans"][1]["first_difference"] is found["plans"][1]["largest_difference"] is None


def test_plans_that_differ_exit_1_and_say_where(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("b.yaml").write_text(A + "pct_start: 0.25\nbase_momentum: 0.8\n")
    code, found = compared(capsys, "a.yaml", "b.yaml")
    assert (code, found["equal"], found["reference"], found["tolerance"]) == (1, False, "a", 0.0)
    one, two = found["plans"]
    assert one["settings_that_differ"] == {}
    assert one["first_difference"] is None
    assert two["settings_that_differ"] == {
        "pct_start": {"reference": 0.3, "plan": 0.25},
        "base_momentum": {"reference": 0.85, "plan": 0.8},
    }
    assert two["first_difference"]["step"] == 1
    assert (one["peak_step"], two["peak_step"]) == (299, 249)
    assert (one["warmup_steps"], two["warmup_steps"]) == (300, 250)
    assert (one["final_lr"], two["total_steps"]) == (plan().lr(999), 1000)
    assert main(["compare", "a.yaml", "b.yaml"]) == 1
    out = capsys.readouterr().out
    assert out.startswith("b differs from a by up to 15.8 % of the peak, first at step 1\n")
    assert found["summary"] == [out.splitlines()[0]]
    for words in ("pct_start", "0.25", "first at step", "area under lr", "final lr"):
        assert words in out


def test_json_keys(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, found = compared(capsys, "a.yaml", "--convention", "torch,paddle")
    assert set(found) >= {"equal", "tolerance", "reference", "plans"}
    for each in found["plans"]:
        assert set(each) >= {
            *("name", "convention", "total_steps", "peak_step", "peak_lr", "final_lr", "warmup_steps", "area"),
            *("first_difference", "largest_difference", "settings_that_differ", "translation"),
        }
    paddle = found["plans"][1]
    assert set(paddle["first_difference"]) == {"step", "field", "group", "values"}
    assert set(paddle["largest_difference"]) >= {"step", "absolute", "relative"}
    assert set(paddle["translation"]) >= {"settings", "largest_difference"}
    assert paddle["translation"]["settings"]["final_lr"] == plan().lr(999)
    assert paddle["translation"]["largest_difference"]["absolute"] == 0


def test_tolerance_is_a_share_of_the_peak(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("b.yaml").write_text("max_lr: 0.1001\ntotal_steps: 1000\n")
    for tolerance, wanted in (("0", 1), ("0.00099", 1), ("0.00101", 0), ("1", 0)):
        code, found = compared(capsys, "a.yaml", "b.yaml", "--tolerance", tolerance)
        assert (code, found["equal"]) == (wanted, wanted == 0)
        assert math.isclose(found["plans"][1]["largest_difference"]["relative"], 0.001, rel_tol=1e-9)
    Path("b.yaml").write_text(A + "base_momentum: 0.849\n")
    assert compared(capsys, "a.yaml", "b.yaml", "--tolerance", "0.001")[0] == 1
    assert compared(capsys, "a.yaml", "b.yaml", "--tolerance", "0.0011")[0] == 0


def test_the_worked_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *PLAN, "--convention", ALL]) == 1
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    names = lines[lines.index("settings that differ") - 2].split()
    start = lines.index("lr at step") + 1
    columns = np.array([[float(cell) for cell in line.split()] for line in lines[start : start + 10]]).T
    assert names == list(WORKED_EXAMPLE)
    for at, name in enumerate(names, 1):
        assert columns[at].tolist() == [float(each) for each in WORKED_EXAMPLE[name].split()], name
    assert [line.split()[0] for line in lines[:7]] == [
        "paddle",
        "fastai",
        "optax",
        "openpcdet",
        "optax-linear",
        "tinygrad",
        "r-torch",
    ]
    assert lines[2].startswith("optax differs from torch by up to 24 % of the peak, first at step 1")
    assert lines[6].startswith("r-torch and mmengine are bit-identical to torch")
    assert "only the learning rate" in lines[6]


def test_a_framework_without_momentum_is_compared_by_the_learning_rate(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *PLAN, "--convention", "torch,mmengine"]) == 0
    assert "only the learning rate" in capsys.readouterr().out
    found = compare(plan(), plan(cycle_momentum=False)).first
    assert found is not None
    assert (found.step, found.field, found.values) == (0, "momentum", (0.95, None))


def brute(one: Schedule, two: Schedule, tolerance: float) -> tuple[int | None, float]:
    first, largest = None, 0.0
    for step in range(max(one.total_steps, two.total_steps)):
        if step >= min(one.total_steps, two.total_steps):
            return (step if first is None else first), largest
        values = [(one.lr(step), two.lr(step)), (one.momentum(step), two.momentum(step))]
        largest = max(largest, abs(values[0][1] - values[0][0]))  # type: ignore[operator]
        peaks = (
            max(one.lr(each) for each in range(one.total_steps)),
            max(one.plan.groups[0].max_momentum, one.plan.groups[0].base_momentum) or 1.0,
        )
        for (a, b), peak in zip(values, peaks, strict=True):
            differs = (a is None) != (b is None) or (a is not None and b is not None and abs(b - a) > tolerance * peak)
            if differs and first is None:
                first = step
    return first, largest


@given(sound_settings(40), sound_settings(40), st.sampled_from([0.0, 1e-9, 0.1]), st.booleans())
def test_first_and_largest_difference_against_brute_force(
    one: dict[str, Any], two: dict[str, Any], tolerance: float, near: bool
) -> None:
    if near:
        two = {**one, "final_div_factor": two["final_div_factor"]}
    a, b = OneCycle(**one).schedule(), OneCycle(**two).schedule()
    found = compare(a, b, tolerance)
    first, largest = brute(a, b, tolerance)
    assert (found.first.step if found.first else None) == first
    assert (found.lr.absolute if found.lr else 0.0) == largest
    assert compare(a, a).first is None


@given(sound_settings(300))
def test_area_is_the_sum(given_settings: dict[str, Any]) -> None:
    one = OneCycle(**given_settings).schedule()
    wanted = math.fsum(one.lr(step) for step in range(one.total_steps))
    assert math.isclose(area(one), wanted, rel_tol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["cos", "linear"])
def test_area_and_differences_of_a_cycle_too_long_to_look_at_every_step(strategy: str) -> None:
    length = {"total_steps": 3 * MOST_COMPARED, "anneal_strategy": strategy}
    mean = (0.004 + 0.1) / 2 * 0.3 + (0.1 + 4e-7) / 2 * 0.7
    assert math.isclose(area(plan(**length)) / length["total_steps"], mean, rel_tol=1e-6)  # type: ignore[operator]
    found = compare(plan(**length), plan(**length, final_div_factor=1.0))
    assert found.sampled
    assert found.lr is not None
    assert found.lr.step == 3 * MOST_COMPARED - 1
    assert found.first is not None
    assert not compare(plan(), plan(max_lr=0.2)).sampled


def test_lengths_differ() -> None:
    found = compare(plan(), plan(total_steps=999)).first
    assert found is not None
    assert found.step == 1
    flat: dict[str, Any] = {"div_factor": 1.0, "final_div_factor": 1.0, "cycle_momentum": False}
    longer = compare(plan(**flat), plan(**flat, total_steps=1200))
    assert longer.lr is None
    assert longer.first is not None
    assert (longer.first.step, longer.first.values) == (1000, (None, 0.1))


def test_a_resumed_plan_trains_fewer_steps() -> None:
    found = compare(plan(), plan(last_epoch=499))
    assert found.lr is None
    assert found.first is not None
    assert (found.first.step, found.first.values) == (0, (plan().lr(0), None))
    assert compare(plan(last_epoch=499), plan(last_epoch=499)).first is None
    apart = compare(plan(total_steps=100), plan(last_epoch=499)).first
    assert apart is not None
    assert apart.step == 0


def test_groups_differ() -> None:
    two = plan(max_lr=(0.1, 0.01))
    missing = compare(plan(), two).first
    assert missing is not None
    assert (missing.step, missing.group, missing.values) == (0, "1", (None, two.lr(0, 1)))
    lower = compare(two, plan(max_lr=(0.1, 0.02)))
    assert lower.lr is not None
    assert (lower.lr.group, lower.lr.step) == ("1", 299)
    assert math.isclose(lower.lr.relative, 1)
    named = plan(max_lr=(0.1, 0.01), groups=("head", "backbone"))
    turned = plan(max_lr=(0.01, 0.1), groups=("backbone", "head"))
    assert compare(named, turned).first is None


def test_every_group_is_shown(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.yaml").write_text("max_lr: [0.1, 0.01]\ngroups: [head, backbone]\ntotal_steps: 1000\n")
    Path("b.yaml").write_text("max_lr: [0.1, 0.02]\ngroups: [head, backbone]\ntotal_steps: 1000\n")
    code, found = compared(capsys, "a.yaml", "b.yaml", "-o", "a.svg")
    assert code == 1
    assert [each["peak_lr"] for each in found["plans"][1]["groups"]] == [0.1, 0.02]
    assert found["plans"][1]["first_difference"]["group"] == "backbone"
    assert main(["compare", "a.yaml", "b.yaml"]) == 1
    out = capsys.readouterr().out
    assert "lr head at step" in out
    assert "lr backbone at step" in out


def translated(source: dict[str, Any], target: str) -> tuple[dict[str, Any], float, Schedule]:
    reference = OneCycle(**{"max_lr": 0.1, "total_steps": 1000, **source})
    found = translate(reference, reference.schedule(), target)
    assert found is not None
    schedule = OneCycle(**found.settings).schedule()
    common = np.arange(min(schedule.total_steps, reference.schedule().total_steps))
    assert np.max(abs(schedule.lr(common) - reference.schedule().lr(common))) <= found.largest.absolute
    return found.settings, found.largest.relative, schedule


def test_torch_is_paddle_with_another_final_rate() -> None:
    for steps, factor in ((1000, 1e4), (999, 300.0), (22, 7.0)):
        source = {"total_steps": steps, "final_div_factor": factor, "div_factor": 10.0}
        found, left, _ = translated(source, "paddle")
        assert found["final_lr"] == 0.1 / 10.0 / factor
        assert left == 0.0
    assert translated({"convention": "paddle"}, "torch")[1] == 0.0


def test_div_final_is_the_product_of_the_factors() -> None:
    found, left, _ = translated({"div_factor": 10.0, "final_div_factor": 500.0}, "fastai")
    assert found["final_div_factor"] == 5000.0
    assert 0 < left < 0.002
    found, left, _ = translated({"convention": "fastai"}, "optax")
    assert found["final_div_factor"] == 4000.0
    assert left < 1e-6


def test_optax_and_torch_are_a_step_apart() -> None:
    found, left, shorter = translated({}, "optax")
    assert (found["total_steps"], left) == (999, 0.0)
    assert int(found["pct_start"] * 999) == 299
    assert shorter.phases[-1].lr[0].end == pytest.approx(plan().lr(999), rel=1e-12)
    found, left, _ = translated({"convention": "optax"}, "torch")
    assert found["total_steps"] == 1001
    assert left < 1e-12
    found, left, _ = translated({"anneal_strategy": "linear"}, "tinygrad")
    assert found["total_steps"] == 1000
    assert left < 0.01, "its final rate comes one step later"
    three: dict[str, Any] = {"three_phase": True, "anneal_strategy": "linear"}
    found, left, _ = translated(three, "optax-linear")
    assert found["total_steps"] == 999
    assert left < 1e-12


def test_there_is_not_always_a_translation() -> None:
    linear = OneCycle(max_lr=0.1, total_steps=100, anneal_strategy="linear")
    for target in ("fastai", "optax", "openpcdet", "optax-linear", "smith"):
        assert translate(linear, linear.schedule(), target) is None
    ends_at_nothing = OneCycle(max_lr=0.1, total_steps=100, final_lr=0.0)
    assert translate(ends_at_nothing, ends_at_nothing.schedule(), "paddle") is None


@given(sound_settings(60), st.sampled_from(sorted(CONVENTIONS)), st.sampled_from(sorted(CONVENTIONS)))
def test_a_translation_is_as_close_as_it_says(given_settings: dict[str, Any], source: str, target: str) -> None:
    lacks = CONVENTIONS[source].unsupported
    kept = {setting: value for setting, value in given_settings.items() if setting not in lacks}
    reference = OneCycle(**{**kept, "convention": source})
    try:
        schedule = reference.schedule()
    except OnecycleError:
        return
    found = translate(reference, schedule, target)
    if found is None:
        return
    other = OneCycle(**found.settings).schedule()
    for step in range(min(schedule.total_steps, other.total_steps)):
        assert abs(schedule.lr(step) - other.lr(step)) <= found.largest.absolute


def test_lacked_settings_are_noted_and_left_out(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lacking = ["--base-momentum", "0.8", "--final-div-factor", "100"]
    assert main(["compare", *PLAN, *lacking, "--convention", "torch,optax,paddle"]) == 1
    err = capsys.readouterr().err
    assert "note: base_momentum is ignored for optax: " in err
    assert "note: base_momentum is ignored for paddle: " in err
    assert "note: final_div_factor is ignored for paddle: " in err
    assert "torch:" not in err
    assert "final_div_factor is ignored for optax" not in err
    Path("a.yaml").write_text(A + "anneal_strategy: linear\n")
    assert main(["compare", "a.yaml", "--convention", "torch,optax"]) == 1
    assert "note: anneal_strategy is ignored for optax" in capsys.readouterr().err
    assert main(["show", "a.yaml", "--convention", "optax"]) == 2
    Path("b.yaml").write_text(A + "convention: optax\nbase_momentum: 0.8\n")
    assert main(["compare", "a.yaml", "b.yaml"]) == 2
    assert "error[OC205]" in capsys.readouterr().err


def test_a_list_left_out_still_counts_the_groups(capsys: pytest.CaptureFixture[str]) -> None:
    lists = ["--base-momentum", "0.8", "--base-momentum", "0.7"]
    _, found = compared(capsys, *PLAN, *lists, "--convention", "torch,optax")
    assert [len(each["groups"]) for each in found["plans"]] == [2, 2]
    assert found["plans"][1]["first_difference"]["field"] == "lr"
    assert found["plans"][1]["translation"]["settings"]["groups"] == 2


def test_the_steps_asked_for_are_shown(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("b.yaml").write_text("max_lr: 0.1\ntotal_steps: 500\n")
    _, found = compared(capsys, "a.yaml", "b.yaml", "--at", "0,499,999")
    assert [row["step"] for row in found["rows"]] == [0, 499, 999]
    assert found["rows"][2]["lr"] == [plan().lr(999), None]


def test_names_tell_plans_apart(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("old").mkdir()
    Path("old/a.yaml").write_text(A)
    for arguments, names in (
        (["a.yaml", "old/a.yaml"], ["a.yaml", "old/a.yaml"]),
        (["a.yaml", "a.yaml"], ["a.yaml", "a.yaml #2"]),
        (["a.yaml", "--convention", "torch,paddle"], ["torch", "paddle"]),
        ([*PLAN, "--convention", "torch,torch"], ["torch", "torch #2"]),
    ):
        _, found = compared(capsys, *arguments)
        assert [each["name"] for each in found["plans"]] == names


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_a_picture_is_made(ending: str, configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *PLAN, "--convention", ALL, "-o", f"a.{ending}", "--format", "json"]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["equal"] is False
    assert err == f"wrote a.{ending}\n"
    assert Path(f"a.{ending}").stat().st_size > 5000
    if ending == "png":
        with Image.open("a.png") as picture:
            assert picture.size == (1350, 825)


def test_the_lower_panel_shows_the_differences() -> None:
    one, two = plan(), plan(max_lr=0.08, total_steps=900)
    figure = comparison_figure([Curve("one", one), Curve("two", two)], FigureOptions())
    above, below = figure.axes
    line = next(each for each in below.get_lines() if each.get_label() == "two")
    steps = np.asarray(line.get_xdata()).astype(np.int64)
    assert steps[-1] == 899
    assert np.array_equal(np.asarray(line.get_ydata()), two.lr(steps) - one.lr(steps))
    assert [each.get_label() for each in above.get_lines()][:2] == ["one", "two"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a.yaml"], "needs two plans"),
        (PLAN, "needs two plans"),
        (["a.yaml", "missing.yaml"], "no such file"),
        (["a.yaml", "a.yaml", "--tolerance", "-1"], "--tolerance"),
        (["a.yaml", "a.yaml", "--tolerance", "nan"], "--tolerance"),
        (["a.yaml", "a.yaml", "--tolerance", "inf"], "--tolerance inf is not a finite number"),
        (["a.yaml", "a.yaml", "--at", "1000"], "past the end"),
        (["a.yaml", "a.yaml", "-o", "a.gif"], ".png, .svg or .pdf"),
        (["a.yaml", "a.yaml", "-o", "no/a.png"], "cannot write no/a.png"),
        (["--convention", "torch,optax"], "nothing to plan"),
    ],
)
def test_wrong_input_exits_2(
    arguments: list[str], words: str, configs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *arguments]) == 2
    out, err = capsys.readouterr()
    assert words in err
    assert err.startswith("error: ")
    assert out == ""


def test_only_settings_of_one_meaning_are_beside_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    _, found = compared(capsys, *PLAN, "--convention", "torch,fastai,paddle")
    _, fastai, paddle = found["plans"]
    assert fastai["settings_that_differ"]["final_lr"] == {"reference": 4e-7, "plan": 1e-6}
    assert paddle["settings_that_differ"]["final_lr"] == {"reference": 4e-7, "plan": 1e-4}
    assert "final_div_factor" not in fastai["settings_that_differ"] | paddle["settings_that_differ"]
    assert paddle["settings_that_differ"]["cycle_momentum"]["plan"] is None
    _, found = compared(capsys, *PLAN, "--final-div-factor", "100", "--convention", "torch,mmengine")
    assert found["plans"][1]["settings_that_differ"].keys() <= {"convention", "cycle_momentum"}


@given(sound_settings(60), st.sampled_from(sorted(CONVENTIONS)))
def test_the_first_visible_difference_is_where_six_digits_differ(
    given_settings: dict[str, Any], convention: str
) -> None:
    one = two = OneCycle(**given_settings).schedule()
    try:
        kept = {name: value for name, value in given_settings.items() if CONVENTIONS[convention].supports(name)}
        two = OneCycle(**kept, convention=convention).schedule()
    except OnecycleError:
        pass
    found = compare(one, two, momentum=False).visible
    common = range(min(one.total_steps, two.total_steps))
    wanted = next((step for step in common if f"{one.lr(step):.6g}" != f"{two.lr(step):.6g}"), None)
    if wanted is None and one.total_steps != two.total_steps:
        wanted = len(common)
    assert (None if found is None else found.step) == wanted


def test_what_differs_by_rounding_only_is_said(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("b.yaml").write_text("max_lr: 0.10000000000000002\ntotal_steps: 1000\n")
    code, found = compared(capsys, "a.yaml", "b.yaml")
    assert code == 1
    assert found["plans"][1]["first_difference"] is not None
    assert found["plans"][1]["first_visible_difference"] is None
    assert "only by rounding" in found["summary"][0]
    assert "first at step" not in found["summary"][0]


@pytest.mark.parametrize("unit", ["step", "epoch", "percent"])
def test_rows_are_in_the_unit_of_the_axis(unit: str, configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.yaml").write_text("max_lr: 0.1\nepochs: 10\nsteps_per_epoch: 100\n")
    Path("b.yaml").write_text("max_lr: 0.1\nepochs: 10\nsteps_per_epoch: 50\n")
    _, found = compared(capsys, "a.yaml", "b.yaml", "--x", unit)
    one = OneCycle(max_lr=0.1, total_steps=1000).schedule()
    two = OneCycle(max_lr=0.1, total_steps=500).schedule()
    divisors = {"step": (1, 1), "epoch": (100, 50), "percent": (10, 5)}[unit]
    assert len(found["rows"]) > 5
    for row in found["rows"]:
        for schedule, divisor, lr in zip((one, two), divisors, row["lr"], strict=True):
            step = round(row[unit] * divisor)
            if step < schedule.total_steps:
                assert lr == schedule.lr(step)
    assert main(["compare", "a.yaml", "b.yaml", "--x", unit]) == 1
    assert {"step": "lr at step", "epoch": "lr at epoch", "percent": "lr at % of the cycle"}[
        unit
    ] in capsys.readouterr().out


def test_epochs_that_are_not_known_are_refused(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("b.yaml").write_text(A)
    assert main(["compare", "a.yaml", "b.yaml", "--x", "epoch"]) == 2
    assert "steps_per_epoch" in capsys.readouterr().err


def test_no_absolute_paths_in_names(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in ("one", "two"):
        Path(folder).mkdir()
        Path(folder, "a.yaml").write_text(A)
    paths = [str(Path(folder, "a.yaml").absolute()) for folder in ("one", "two")]
    _, found = compared(capsys, *paths)
    assert [each["name"] for each in found["plans"]] == ["one/a.yaml", "two/a.yaml"]
    _, found = compared(capsys, paths[0], paths[0])
    assert [each["name"] for each in found["plans"]] == ["a.yaml", "a.yaml #2"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_comparison_fits_80_columns(configs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    names = [f"an-experiment-with-{word}-and-a-long-name.yaml" for word in ("one", "two", "three", "four", "five")]
    for at, name in enumerate(names):
        Path(name).write_text(A + f"pct_start: {0.1 + at / 10}\n")
    for arguments in (names, [*PLAN, "--convention", ALL]):
        stream = Terminal()
        monkeypatch.setattr("sys.stdout", stream)
        assert main(["compare", *arguments]) == 1
        lines = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue()).splitlines()
        assert len(lines) > 40
        assert max(map(len, lines)) <= 80


def test_the_pictures_title_is_the_answer_and_its_names_the_tables(configs: Path) -> None:
    Path("b.yaml").write_text(A + "pct_start: 0.25\n")
    assert main(["compare", "a.yaml", "b.yaml", "-o", "a.svg", "--x", "percent", "--log", "--size", "7x4"]) == 1
    picture = Path("a.svg").read_text()
    assert ">b differs from a by up to 15.8 % of the peak, first at step 1</text>" in picture
    assert ">% of the cycle</text>" in picture
    assert ">b, peak at 24.9 %</text>" in picture
    assert 'width="504pt"' in picture


@pytest.mark.parametrize(
    ("names", "short"),
    [
        (["resnet-lr-0.1", "resnet-lr-0.3"], ["lr-0.1", "lr-0.3"]),
        (["smith-cifar10-a", "smith-cifar100-b"], ["cifar10-a", "cifar100-b"]),
        (["one-run-v2", "two-run-v2"], ["one", "two"]),
        (["a", "b"], ["a", "b"]),
        (["a", "a-b"], ["a", "a-b"]),
        (["same", "same"], ["same", "same"]),
    ],
)
def test_names_without_common_parts(names: list[str], short: list[str]) -> None:
    assert without_common_parts(names) == short


def test_short_names_say_what_differs() -> None:
    plans = [{"max_lr": rate, "pct_start": 0.3, "three_phase": False} for rate in (0.1, 0.3)]
    assert short_names(["a", "b"], plans) == ["max_lr 0.1", "max_lr 0.3"]
    assert short_names(["mine", "yours"], plans, given=True) == ["mine", "yours"]
    plans[1] |= {"pct_start": 0.2, "three_phase": True}
    assert short_names(["a", "b"], plans) == ["a", "b"]
    names = ["torch", "optax"]
    conventions = [
        {"convention": name, "final_lr": None if name == "torch" else 0.1, "pct_start": 0.3} for name in names
    ]
    assert short_names(["plan", "plan"], conventions) == names
    assert short_names(["plan", "plan"], [{}, {}]) == ["plan", "plan #2"]
