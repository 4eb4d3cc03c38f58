"""--vary and --scale-lr: one plan per value and combination, and the peak that follows the batch."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest

from onecycle_cli import OneCycle
from onecycle_cli.cli import main
from onecycle_cli.cli.variations import MOST_PLANS, read_variations

if TYPE_CHECKING:
    from pathlib import Path

LENGTH = ["--total-steps", "1000"]
PLAN = ["--max-lr", "0.1", *LENGTH]


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert main(["show", *arguments, "--format", "json"]) == 0
    plans: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return plans


def test_each_value_makes_the_plan_that_its_flag_makes(capsys: pytest.CaptureFixture[str]) -> None:
    plans = shown(capsys, *PLAN, "--vary", "pct_start=0.2,0.3,0.4")
    assert [plan["name"] for plan in plans] == [f"onecycle (pct_start {share})" for share in (0.2, 0.3, 0.4)]
    for plan, share in zip(plans, (0.2, 0.3, 0.4), strict=True):
        main(["show", *PLAN, "--pct-start", str(share), "--format", "json"])
        assert {**json.loads(capsys.readouterr().out), "name": plan["name"]} == plan


def test_several_settings_make_every_combination_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    plans = shown(capsys, "--vary", "max_lr=0.1,0.2", "--vary", "total_steps=100,2e3,300", "--pct-start", "0.5")
    made = [(plan["groups"][0]["peak_lr"], plan["total_steps"]) for plan in plans]
    assert made == [(peak, steps) for peak in (0.1, 0.2) for steps in (100, 2000, 300)]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("max_lr=[0.1,0.2],0.3", [[0.1, 0.2], 0.3]),
        ("max-lr = 1e-3, .5", [0.001, 0.5]),
        ("three_phase=true,False", [True, False]),
        ("anneal_strategy=cos,linear", ["cos", "linear"]),
        ("total_steps=1e3,2_000", [1000, 2000]),
        ("groups=[stem,head],3", [["stem", "head"], 3]),
        ("optimizer=sgd,adamw", ["sgd", "adamw"]),
    ],
)
def test_values_are_read_as_their_flags_read_them(text: str, values: list[Any]) -> None:
    read = read_variations([text], {})
    assert [value for each in read for value in each.values.values()] == values
    assert len({each.words for each in read}) == len(values)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--vary", "max_lr"], "max_lr=0.1"),
        (["--vary", "mx_lr=1,2"], "max_lr"),
        (["--vary", "max_lr=0.1,x"], "'x'"),
        (["--vary", "max_lr=0.1,,0.2"], "''"),
        (["--vary", "max_lr=0.1,0.1"], "repeated"),
        (["--vary", "max_lr=0.1", "--vary", "max_lr=0.2"], "twice"),
        (["--vary", "max_lr=0.1", "--max-lr", "0.2"], "--max-lr"),
        (["--vary", "convention=torch,fastai"], "--convention"),
        (["--vary", "three_phase=maybe"], "true, false"),
        (["--vary", "anneal_strategy=cosine"], "cos, linear"),
        (["--vary", "max_lr=" + ",".join(map(str, range(1, MOST_PLANS + 2)))], str(MOST_PLANS)),
        (["--vary", "=1"], "setting"),
    ],
)
def test_a_variation_that_is_not_one(arguments: list[str], part: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot", *LENGTH, "--terminal", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert part in captured.err


def test_a_config_is_varied_with_flags_over_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "run.yaml"
    config.write_text("max_lr: 0.1\ntotal_steps: 1000\n", encoding="utf-8")
    plans = shown(capsys, str(config), "--vary", "epochs=1,2", "--steps-per-epoch", "100")
    assert [plan["total_steps"] for plan in plans] == [100, 200]
    assert [plan["name"] for plan in plans] == ["run (epochs 1)", "run (epochs 2)"]


def test_compare_names_plans_by_what_varies(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["compare", *LENGTH, "--vary", "max_lr=0.1,0.2,0.4", "--format", "json"]
    assert main(arguments) == 1
    compared = json.loads(capsys.readouterr().out)
    assert [plan["name"] for plan in compared["plans"]] == ["max_lr 0.1", "max_lr 0.2", "max_lr 0.4"]
    assert main([*arguments, "--convention", "torch,fastai"]) == 1
    compared = json.loads(capsys.readouterr().out)
    assert len({plan["name"] for plan in compared["plans"]}) == 6


def test_a_picture_of_variations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot", *LENGTH, "--vary", "max_lr=0.1,0.2", "--terminal"]) == 0
    drawn = capsys.readouterr().out
    assert "max_lr 0.1" in drawn
    assert "max_lr 0.2" in drawn
    assert main(["plot", *LENGTH, "--vary", "max_lr=0.1,0.2", "-o", str(tmp_path / "both.svg")]) == 0
    assert "max_lr 0.2" in (tmp_path / "both.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", [["code", "--framework", "torch"], ["export"]])
def test_a_command_for_one_plan_refuses_several(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*command, *LENGTH, "--vary", "max_lr=0.1,0.2"]) == 2
    assert "--vary" in capsys.readouterr().err
    assert main([*command, *LENGTH, "--vary", "max_lr=0.1"]) == 0


BATCH = ["--batch-size", "64", "--gradient-accumulation", "2", "--world-size", "8"]


@pytest.mark.parametrize(("rule", "factor"), [("linear", 4.0), ("sqrt", 2.0)])
def test_the_peak_follows_the_batch(rule: str, factor: float, capsys: pytest.CaptureFixture[str]) -> None:
    scale = ["--scale-lr", rule, "--from-batch", "256"]
    assert main(["show", "--max-lr", "0.1,0.2", *LENGTH, *BATCH, *scale, "--format", "json"]) == 0
    captured = capsys.readouterr()
    peaks = [group["peak_lr"] for group in json.loads(captured.out)["groups"]]
    assert peaks == [0.1 * factor, 0.2 * factor]
    assert "1,024 / 256" in captured.err
    assert f"{0.1 * factor:g}" in captured.err


def test_layer_peaks_are_scaled_too(capsys: pytest.CaptureFixture[str]) -> None:
    scale = ["--scale-lr", "sqrt", "--from-batch", "32"]
    layers = ["--lr-decay", "0.5", "--groups", "2"]
    assert main(["show", *PLAN, *layers, "--batch-size", "64", *scale, "--format", "json"]) == 0
    peaks = [group["peak_lr"] for group in json.loads(capsys.readouterr().out)["groups"]]
    plan = OneCycle(max_lr=0.1 * math.sqrt(2), total_steps=1000, lr_decay=0.5, groups=2)
    assert peaks == list(plan.max_lr if isinstance(plan.max_lr, tuple) else ())


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--scale-lr", "linear"], "--from-batch"),
        (["--from-batch", "256", "--batch-size", "64"], "--scale-lr"),
        (["--scale-lr", "linear", "--from-batch", "256"], "--batch-size"),
        (["--scale-lr", "linear", "--from-batch", "0", "--batch-size", "64"], "--from-batch"),
        (["--scale-lr", "cubic", "--from-batch", "256", "--batch-size", "64"], "--scale-lr"),
        (["--scale-lr", "linear", "--from-batch", "256", "--batch-size", "0"], "batch"),
    ],
)
def test_a_scaling_that_is_not_one(arguments: list[str], part: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", *PLAN, *arguments]) == 2
    assert part in capsys.readouterr().err


@pytest.mark.parametrize("batch", ["1" + "0" * 400, "1.5", "0"])
def test_a_batch_that_is_not_one_is_reported_as_such(
    batch: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "run.yaml"
    config.write_text(f"max_lr: 0.1\ntotal_steps: 100\nbatch_size: {batch}\n", encoding="utf-8")
    assert main(["show", str(config), "--scale-lr", "linear", "--from-batch", "3"]) == 2
    assert "batch_size" in capsys.readouterr().err.splitlines()[0]
