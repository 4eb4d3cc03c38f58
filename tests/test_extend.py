"""`onecycle extend`: the numbers by other computations, the configs that it writes, and what it refuses."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from onecycle_cli import OneCycle
from onecycle_cli.cli import main

PLAN = "max_lr: 0.1\ntotal_steps: 1000\noptimizer: sgd\n"
LONGER = ["extend", "plan.yaml", "--at", "400", "--total-steps", "1500"]


@pytest.fixture(autouse=True)
def _plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plan.yaml").write_text(PLAN)


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main([*(arguments or LONGER), "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def half_wave(start: float, end: float, part: float) -> float:
    return end + (start - end) * math.cos(math.pi / 2 * part) ** 2


def test_the_numbers_of_an_extension(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys)
    assert [found[key] for key in ("name", "convention", "at", "old_total_steps", "total_steps")] == [
        "plan",
        "torch",
        400,
        1000,
        1500,
    ]
    today = half_wave(0.1, 4e-7, (399 - 299) / 700), half_wave(0.85, 0.95, (399 - 299) / 700)
    done = found["last_step_done"]
    assert (done["step"], done["phase"]) == (399, "anneal")
    assert [done["groups"][0][key] for key in ("lr", "momentum")] == pytest.approx(today, abs=1e-15)
    longer = half_wave(0.004, 0.1, 400 / 449), half_wave(0.95, 0.85, 400 / 449)
    jump = found["new_length"]["groups"][0]
    assert (jump["lr"], jump["momentum"]) == pytest.approx(longer, abs=1e-15)
    assert jump["lr_change"] == pytest.approx(longer[0] - today[0], abs=1e-15)
    assert jump["lr_change_of_peak"] == pytest.approx((longer[0] - today[0]) / 0.1, abs=1e-14)
    assert jump["momentum_change"] == pytest.approx(longer[1] - today[1], abs=1e-15)
    assert (found["new_length"]["phase"], found["new_length"]["peak_step"]) == ("warm-up", 449)
    restored = found["state_restored"]
    assert (restored["total_steps"], restored["last_step"], restored["raises"]) == (1000, 1000, True)
    assert restored["groups"][0]["lr"] == pytest.approx(half_wave(0.1, 4e-7, 701 / 700), abs=1e-15)


def test_the_ways_go_on_from_the_rate_of_the_step_before(capsys: pytest.CaptureFixture[str]) -> None:
    ways = {way["way"]: way for way in answer(capsys)["ways"]}
    assert {name: way["from"] for name, way in ways.items()} == {"hold": 1000, "anneal": 400, "cycle": 1000}
    for way in ways.values():
        group, schedule = way["groups"][0], OneCycle(**way["settings"]).schedule()
        assert schedule.total_steps == 1500
        assert group["lr_before"] == schedule.lr(way["from"] - 1)
        assert group["lr"] == schedule.lr(way["from"])
        assert abs(group["lr_change_of_peak"]) < 1e-4
        assert abs(group["momentum_change"]) < 1e-4
        assert group["final_lr"] == 4e-7
        assert group["area_ahead"] == pytest.approx(sum(schedule.lr(step) for step in range(400, 1500)), rel=1e-12)
    assert ways["cycle"]["settings"]["then"] == [{"shape": "cycle", "from": 1000, "total_steps": 1500, "max_lr": 0.05}]


@pytest.mark.parametrize("way", ["hold", "anneal", "cycle"])
def test_every_command_takes_the_config_of_a_way(way: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*LONGER, "--way", way, "-o", "longer.yaml"]) == 0
    text = Path("longer.yaml").read_text()
    assert yaml.safe_load(text)["then"][0]["shape"] == way
    [command] = [line.removeprefix("#   ") for line in text.splitlines() if "onecycle code" in line]
    assert command == "onecycle code longer.yaml --framework torch --last-epoch 399"
    for arguments in (
        ["validate", "--strict", "longer.yaml"],
        ["show", "longer.yaml"],
        ["plot", "--terminal", "longer.yaml"],
        ["plot", "longer.yaml", "plan.yaml", "-o", "both.svg"],
        ["export", "longer.yaml", "-o", "longer.csv"],
        ["check", "longer.yaml", "longer.csv"],
        command.split()[1:],
    ):
        assert main(arguments) == 0, arguments
    assert main(["compare", "plan.yaml", "longer.yaml"]) == 1
    assert "1,500 steps" in capsys.readouterr().out


def test_the_config_is_printed_without_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*LONGER, "--way", "cycle", "--second-peak", "0.03"]) == 0
    written = yaml.safe_load(capsys.readouterr().out)
    assert written == {
        **yaml.safe_load(PLAN),
        "then": [{"shape": "cycle", "from": 1000, "total_steps": 1500, "max_lr": 0.03}],
    }


def test_epochs_and_flags(capsys: pytest.CaptureFixture[str]) -> None:
    plan = ["--max-lr", "0.1", "--old-epochs", "9", "--steps-per-epoch", "98"]
    found = answer(capsys, "extend", *plan, "--at", "700", "--epochs", "15")
    assert (found["old_total_steps"], found["total_steps"], found["steps_per_epoch"]) == (882, 1470, 98)
    with_steps = answer(
        capsys, "extend", "plan.yaml", "--old-total-steps", "900", "--at", "1e2", "--total-steps", "1,200"
    )
    assert (with_steps["old_total_steps"], with_steps["at"], with_steps["total_steps"]) == (900, 100, 1200)


def test_the_step_of_a_resumed_plan_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    Path("plan.yaml").write_text(f"{PLAN}last_epoch: 399\n")
    found = answer(capsys, "extend", "plan.yaml", "--total-steps", "1500")
    assert found["at"] == 400
    assert all("last_epoch" not in way["settings"] for way in found["ways"])


def test_groups_keep_their_own_peaks(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, *LONGER, "--max-lr", "0.1,0.02", "--groups", "body,head")
    cycle = found["ways"][2]
    assert cycle["settings"]["then"][0]["max_lr"] == [0.05, 0.01]
    assert [(group["name"], group["lr_before"]) for group in cycle["groups"]] == [("body", 4e-7), ("head", 8e-8)]
    assert main([*LONGER, "--max-lr", "0.1,0.02", "--groups", "body,head"]) == 0
    rows = [line.split()[:3] for line in capsys.readouterr().out.splitlines()]
    assert all(
        [way, group, step] in rows
        for way, step in (("anneal", "400"), ("cycle", "1,000"))
        for group in ("body", "head")
    )


def test_an_extended_plan_is_extended_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*LONGER, "--way", "anneal", "-o", "longer.yaml"]) == 0
    found = answer(capsys, "extend", "longer.yaml", "--at", "900", "--total-steps", "2000")
    assert (found["state_restored"], found["new_length"]) == (None, None)
    shapes = {way["way"]: [(part["shape"], part["from"]) for part in way["settings"]["then"]] for way in found["ways"]}
    assert shapes == {
        "hold": [("anneal", 400), ("hold", 1500)],
        "anneal": [("anneal", 400), ("anneal", 900)],
        "cycle": [("anneal", 400), ("cycle", 1500)],
    }
    before = answer(capsys, "extend", "longer.yaml", "--at", "300", "--total-steps", "2000")
    assert [part["from"] for part in before["ways"][1]["settings"]["then"]] == [300]


def test_a_finished_cycle_cannot_be_annealed_again(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "extend", "plan.yaml", "--at", "1000", "--total-steps", "1500")
    assert [way["way"] for way in found["ways"]] == ["hold", "cycle"]
    assert found["notes"] == ["anneal is not possible: step 999 has the final rate already"]
    assert found["new_length"]["groups"][0]["lr_change_of_peak"] == pytest.approx(0.461, abs=1e-3)


def test_a_shorter_run_is_annealed_early(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "extend", "plan.yaml", "--at", "600", "--total-steps", "900")
    assert [way["way"] for way in found["ways"]] == ["anneal"]
    cycle = OneCycle(max_lr=0.1, total_steps=1000).schedule()
    restored = found["state_restored"]
    assert (restored["last_step"], restored["raises"], restored["groups"][0]["lr"]) == (899, False, cycle.lr(899))


def test_an_anneal_in_the_warm_up_says_that_the_peak_is_missed(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "extend", "plan.yaml", "--at", "100", "--total-steps", "1500")
    assert [len(way["notes"]) for way in found["ways"]] == [0, 1, 0]
    assert found["ways"][1]["groups"][0]["peak_lr"] < 0.03


@pytest.mark.parametrize("convention", ["fastai", "optax", "openpcdet", "paddle", "mmengine"])
def test_other_frameworks_do_not_restore_a_length(convention: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, *LONGER, "--convention", convention)
    assert found["state_restored"] is None
    assert len(found["ways"]) == 3
    wanted = OneCycle(max_lr=0.1, total_steps=1500, convention=convention).schedule().lr(400)
    assert found["new_length"]["groups"][0]["lr"] == wanted


def test_a_trillion_steps_take_no_longer(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(
        capsys, *("extend", "--max-lr", "0.1", "--old-total-steps", "1e12", "--at", "5e11", "--total-steps", "2e12")
    )
    assert [way["from"] for way in found["ways"]] == [10**12, 5 * 10**11, 10**12]
    anneal = found["ways"][1]["groups"][0]
    assert anneal["area_ahead"] == pytest.approx((anneal["lr_before"] + 4e-7) / 2 * 1.5e12, rel=1e-6)


def test_the_overview_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*LONGER, "--curve", "-o", "ways.svg"]) == 0
    out = capsys.readouterr().out
    assert "ends there with ValueError, 499 steps before the new end" in out
    assert "lr from 0.0950485 to 0.0972065 (+2.16 % of the peak)" in out
    assert "--way hold|anneal|cycle -o FILE" in out
    assert "+ new length" in out
    assert "from 1,000 to 1,500 steps at step 400" in Path("ways.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--at", "0", "--total-steps", "1500"], "at step 0 nothing is trained yet"),
        (["--at", "-1", "--total-steps", "1500"], "at step -1 nothing is trained yet"),
        (["--at", "1001", "--total-steps", "1500"], "step 1,001 is past the end: the plan has 1,000 steps"),
        (["--at", "400", "--total-steps", "400"], "a run of 400 steps ends before step 400"),
        (["--at", "400", "--total-steps", "1000"], "the plan has 1,000 steps already"),
        (["--at", "400", "--total-steps", "1e16"], "is too long"),
        (["--at", "400", "--total-steps", "1e60"], "is too long"),
        (["--at", "400", "--epochs", "15"], "the steps of an epoch are not known"),
        (["--at", "400", "--epochs", "15", "--total-steps", "1500"], "both give the new length"),
        (["--at", "400"], "the new length is not given"),
        (["--total-steps", "1500"], "the step at which the run goes on is not given"),
        (["--at", "four", "--total-steps", "1500"], "invalid --at 'four'"),
        (["--at", "400", "--total-steps", "0"], "invalid --total-steps 0"),
        (["--at", "400", "--total-steps", "1500", "--way", "spin"], "invalid --way 'spin'"),
        (["--at", "400", "--total-steps", "900", "--way", "hold"], "hold is not possible"),
        (["--at", "400", "--total-steps", "1001", "--way", "cycle"], "below 1: no steps come before its peak"),
        (["--at", "400", "--total-steps", "1500", "--way", "hold", "--format", "json"], "--way writes a config"),
        (["--at", "400", "--total-steps", "1500", "-o", "longer.yaml"], "longer.yaml is not a picture"),
        (["--at", "400", "--total-steps", "1500", "--way", "hold", "-o", "plan.yaml"], "is an input of this command"),
        (["--at", "400", "--total-steps", "1500", "--way", "hold", "-o", "there.yaml"], "already exists"),
        (["--at", "400", "--total-steps", "1500", "--second-peak", "0"], "--second-peak 0 is not above 0"),
        (["--at", "400", "--total-steps", "1500", "--second-peak", "inf"], "--second-peak inf is not above 0"),
        (["--at", "400", "--total-steps", "1500", "--convention", "smith"], "smith has no segments after the cycle"),
        (["plan.yaml", "--at", "400", "--total-steps", "1500"], "takes one plan"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("there.yaml").write_text("kept\n")
    assert main(["extend", "plan.yaml", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert said in captured.err
    assert Path("there.yaml").read_text() == "kept\n"
    assert Path("plan.yaml").read_text() == PLAN


def test_hints_name_the_flags_of_the_old_length(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["extend", "--at", "400", "--total-steps", "1500"]) == 2
    assert "--old-total-steps 1000" in capsys.readouterr().err
    Path("train.py").write_text(
        "import torch\ntorch.optim.lr_scheduler.OneCycleLR(o, 0.1, epochs=args.epochs, steps_per_epoch=len(loader))\n"
    )
    assert main(["extend", "train.py", "--at", "400", "--total-steps", "1500"]) == 2
    assert "use --old-epochs 10 --steps-per-epoch 100" in capsys.readouterr().err
    assert main(["extend", "--max-lr", "0.1", "--old-total-steps", "0", "--at", "1", "--total-steps", "1500"]) == 2
    assert "--old-total-steps" in capsys.readouterr().err
