"""Schedules of other shapes beside a plan: read from --against, drawn, compared, and matched in size."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from onecycle_cli import OneCycle, OnecycleError
from onecycle_cli.cli import main
from onecycle_cli.policy.references import MOST_ITERATED, SHAPES, read_reference, read_references
from onecycle_cli.policy.summary import area

if TYPE_CHECKING:
    from pathlib import Path

PLAN = ["--max-lr", "0.1", "--total-steps", "1000"]
ONE_CYCLE = OneCycle(max_lr=0.1, total_steps=1000).schedule()


@pytest.mark.parametrize("by", ["transformers", "torch", "optax"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_has_the_values_of_its_definition(shape: str, by: str) -> None:
    schedule = read_reference(f"{shape}:warmup=100,by={by}").beside(ONE_CYCLE)
    decay = {"cosine": 900, "linear": 900, "constant": 0, "wsd": 200}[shape]
    assert schedule.total_steps == 1000
    assert [phase.steps for phase in schedule.phases] == [part for part in (100, 900 - decay, decay) if part]
    assert schedule.lr(100) == 0.1
    first = 1 / 3 if by == "torch" else 0.0
    assert schedule.lr(50) == pytest.approx(0.1 * (first + (1 - first) / 2), rel=1e-12)
    if decay:
        middle = 1000 - decay // 2
        assert schedule.lr(middle) == pytest.approx(0.05, rel=1e-9)
        left = 1 / decay if shape == "linear" else (1 - math.cos(math.pi / decay)) / 2
        assert schedule.lr(999) == pytest.approx(0.1 * left, rel=1e-6)
    else:
        assert schedule.lr(999) == 0.1
    steps = np.arange(1000)
    assert schedule.lr(steps).tolist() == [schedule.lr(step) for step in range(1000)]


def test_a_share_of_the_run_is_rounded_up() -> None:
    found = read_reference("wsd:warmup=0.0501,decay=0.1999,form=1-sqrt,final=0.1").beside(ONE_CYCLE)
    assert [phase.steps for phase in found.phases] == [51, 749, 200]
    assert found.lr(0) == pytest.approx(0.01)
    assert found.lr(850) == pytest.approx(0.1 * ((1 - math.sqrt(0.25)) * 0.9 + 0.1))


@pytest.mark.parametrize("text", ["cosine", "wsd:warmup=50,by=torch", "linear:by=optax,warmup=0.1,final=0.2"])
def test_it_can_have_the_same_area(text: str) -> None:
    separator = "," if ":" in text else ":"
    matched = read_reference(f"{text}{separator}match=area").beside(ONE_CYCLE)
    assert area(matched) == pytest.approx(area(ONE_CYCLE), rel=1e-12)


@pytest.mark.parametrize("by", ["transformers", "torch", "optax"])
@pytest.mark.parametrize(
    ("text", "form"), [("cosine", "cosine"), ("linear", "linear"), ("wsd", "cosine"), ("wsd", "linear")]
)
@pytest.mark.parametrize("peak", [0.1, 4.0])
def test_a_decay_ends_at_its_share_of_the_peak(text: str, form: str, peak: float, by: str) -> None:
    more = f",form={form},decay=500" if text == "wsd" else ""
    found = read_reference(f"{text}:final=0.25,max_lr={peak},by={by}{more}").beside(ONE_CYCLE)
    length = 500 if text == "wsd" else 1000
    for share in (0.0, 0.2, 0.5, 0.8):
        left = 1 - share if form == "linear" else (1 + math.cos(math.pi * share)) / 2
        rate = found.lr(1000 - length + round(share * length))
        assert rate == pytest.approx(peak * (0.25 + 0.75 * left), rel=1e-9)
    assert [ramp.end for ramp in found.phases[-1].lr] == [pytest.approx(0.25 * peak)]


@pytest.mark.parametrize("by", ["torch", "optax"])
def test_a_warmup_starts_at_its_share_of_the_peak(by: str) -> None:
    found = read_reference(f"constant:start=0.2,warmup=10,max_lr=2,by={by}").beside(ONE_CYCLE)
    assert [found.lr(step) for step in (0, 5, 10, 999)] == pytest.approx([0.4, 1.2, 2.0, 2.0], rel=1e-12)


def test_the_warmup_of_transformers_wsd_starts_at_the_final_share() -> None:
    found = read_reference("wsd:final=0.2,warmup=10,max_lr=2").beside(ONE_CYCLE)
    assert [found.lr(step) for step in (0, 5, 10)] == pytest.approx([0.4, 1.2, 2.0], rel=1e-12)


def test_it_can_have_its_own_peak_and_length_and_any_length() -> None:
    found = read_reference("cosine:max_lr=0.3,total_steps=2e3").beside(ONE_CYCLE)
    assert (found.total_steps, found.lr(0)) == (2000, 0.3)
    long = OneCycle(max_lr=0.1, total_steps=10**12).schedule()
    assert read_reference("linear").beside(long).lr(5 * 10**11) == pytest.approx(0.05)


def test_it_has_the_groups_of_the_plan_and_resumes_with_it() -> None:
    plan = OneCycle(max_lr=(0.1, 0.02), groups=("body", "head"), total_steps=100, last_epoch=9).schedule()
    found = read_reference("constant").beside(plan)
    assert (found.groups, found.first_step) == (("body", "head"), 10)
    assert [found.lr(50, group) for group in found.groups] == [0.1, 0.02]


def test_it_is_as_long_as_a_plan_of_several_segments() -> None:
    plan = OneCycle(max_lr=0.1, total_steps=100, then=({"shape": "hold", "total_steps": 150},)).schedule()
    found = read_reference("linear").beside(plan)
    assert (found.total_steps, [phase.name for phase in found.phases]) == (plan.total_steps, ["anneal"])


def test_several_are_separated_by_commas_or_given_one_by_one() -> None:
    texts = ["cosine,wsd:warmup=10,decay=0.3,linear", "constant:warmup=5"]
    assert [found.shape for found in read_references(texts)] == ["cosine", "wsd", "linear", "constant"]
    assert [found.decay for found in read_references(texts)][1] == 0.3


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("cosin", "cosine"),
        ("", "wsd"),
        (":warmup=1", "wsd"),
        ("cosine:warmup=2.5", "steps"),
        ("cosine:warmup=-1", "steps"),
        ("cosine:warmup=nan", "steps"),
        ("cosine:warm=1", "warmup"),
        ("cosine:warmup", "warmup"),
        ("cosine:decay=0.2", "takes"),
        ("cosine:warmup=1,warmup=2", "twice"),
        ("linear:by=jax", "optax"),
        ("cosine:start=0.1,warmup=5", "by=torch"),
        ("cosine:start=0.1,by=optax", "warmup=0.05"),
        ("cosine:start=0,by=torch,warmup=3", "0.001"),
        ("wsd:form=1-sqrt,by=optax", "transformers"),
        ("cosine:match=area,max_lr=1", "one"),
        ("wsd:warmup=0.5,decay=0.6", "no room"),
        ("cosine:warmup=1001", "no room"),
        (f"cosine:by=torch,total_steps={MOST_ITERATED + 1}", "by=transformers"),
        ("cosine:max_lr=0", "0.1"),
        ("cosine:total_steps=1e400", "1000"),
    ],
)
def test_a_reference_that_is_not_one(text: str, part: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OnecycleError):
        read_reference(text).beside(ONE_CYCLE)
    assert main(["plot", *PLAN, "--terminal", "--against", text]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert part in captured.err


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("cosin", "--against 'cosin' is not a schedule", "did you mean cosine?"),
        ("x", "--against 'x' is not a schedule", "use cosine, linear, constant or wsd"),
        (
            "linear:warm=1",
            "--against linear: 'warm=1' is not a setting of it",
            "did you mean warmup=0.05 (of the run) or 500 (steps)?",
        ),
        ("linear:match=areas", "--against linear: invalid match 'areas'", "give peak or area"),
        ("linear:by=", "--against linear: invalid by ''", "give transformers, torch or optax"),
        (
            "linear:final=1.1",
            "--against linear: invalid final '1.1'",
            "give 0.1, the final rate as a share of the peak",
        ),
        ("linear:total_steps=0", "--against linear: invalid total_steps '0'", "give 1000"),
        ("wsd:decay=1.5", "--against wsd: invalid decay '1.5'", "give 0.2 (of the run) or 500 (steps)"),
        ("linear:final=1,final=1", "--against linear: final is given twice", "remove one"),
        (
            "linear:start=0.1,warmup=5",
            "--against linear: the warm-ups of transformers 5.24 start at 0",
            "use by=torch or by=optax, or remove start",
        ),
        (
            "linear:start=0,by=torch,warmup=3",
            "--against linear: the warm-up of PyTorch 2.13 cannot start at 0",
            "give start=0.001 or more",
        ),
        (
            "linear:start=0.1,by=optax",
            "--against linear: start is the first rate of a warm-up, and there is none",
            "give warmup=0.05 as well",
        ),
        (
            "wsd:form=1-sqrt,by=torch",
            "--against wsd: PyTorch 2.13 has no 1-sqrt decay",
            "use by=transformers, or another form",
        ),
        (
            "linear:match=area,max_lr=1",
            "--against linear: match=area sets the peak, and max_lr does as well",
            "remove one",
        ),
        (
            "wsd:warmup=600,decay=500",
            "wsd:warmup=600,decay=500: 1,000 steps have no room for a warm-up of 600 and a decay of 500",
            "shorten them",
        ),
        ("linear:warmup=1001", "linear:warmup=1001: 1,000 steps have no room for a warm-up of 1,001", "shorten them"),
        (
            "linear:by=torch,total_steps=2000001",
            (
                "linear:by=torch,total_steps=2000001: PyTorch 2.13 computes each rate from the one before it: "
                "2,000,001 are too many"
            ),
            "use by=transformers, or up to 2,000,000 steps",
        ),
    ],
)
def test_what_is_said_of_it(text: str, message: str, hint: str) -> None:
    with pytest.raises(OnecycleError) as caught:
        read_reference(text).beside(ONE_CYCLE)
    assert (caught.value.message, caught.value.hint) == (message, hint)


@pytest.mark.parametrize(
    "text",
    [
        "wsd:warmup=0,decay=0",
        "wsd:warmup=500,decay=500",
        "LINEAR: warmup = 0.999 , by = OPTAX",
        "wsd:warmup=1,decay=1,total-steps=2",
        "linear:final=1,start=1,by=optax,warmup=1",
        "constant:warmup=1000",
    ],
)
def test_the_ends_of_what_it_takes(text: str) -> None:
    found = read_reference(text).beside(ONE_CYCLE)
    assert sum(phase.steps for phase in found.phases) == found.total_steps
    assert np.isfinite(found.lr(np.arange(found.total_steps))).all()


def test_a_shorter_one_than_the_steps_done_begins_at_its_last_step() -> None:
    plan = OneCycle(max_lr=0.1, total_steps=100, last_epoch=79).schedule()
    assert read_reference("linear:total_steps=60").beside(plan).first_step == 59
    assert read_reference("linear:total_steps=90").beside(plan).first_step == 80


def test_compare_sets_it_beside_the_plans_without_a_word_on_momentum(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", *PLAN, "--against", "cosine,wsd:by=optax", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["equal"] is True
    assert [plan["name"] for plan in found["plans"]] == ["onecycle", "cosine", "wsd, by optax"]
    assert found["plans"][1]["largest_difference"]["step"] == 0
    assert not any("momentum" in sentence for sentence in found["summary"])
    assert main(["compare", *PLAN, "--against", "constant"]) == 0
    assert "momentum" not in capsys.readouterr().out.partition("curve")[0]
    assert main(["compare", *PLAN, "--vary", "pct_start=0.2,0.3", "--against", "cosine", "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert [plan["name"] for plan in found["plans"]] == ["pct_start 0.2", "pct_start 0.3", "cosine"]


def test_plot_draws_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "both.svg"
    assert main(["plot", *PLAN, "--against", "cosine:warmup=0.1", "-o", str(target)]) == 0
    drawn = target.read_text(encoding="utf-8")
    assert "onecycle beside cosine, warmup 0.1" in drawn
    assert "not cycled" not in drawn
    assert main(["plot", *PLAN, "--against", "cosine:warmup=0.1", "--terminal"]) == 0
    assert "cosine, warmup 0.1: peak 0.1 at step 100" in capsys.readouterr().out
