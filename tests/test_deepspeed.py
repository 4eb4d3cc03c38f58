"""DeepSpeed's configs: its OneCycle counts in steps, and becomes a plan once the run's length is known."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from onecycle_cli import OneCycle
from onecycle_cli.cli import main
from onecycle_cli.policy.conventions.base import fraction_of

from .conftest import DATA, findings_in

if TYPE_CHECKING:
    from pathlib import Path

PARAMS = {
    "cycle_min_lr": 1e-4,
    "cycle_max_lr": 1e-3,
    "cycle_first_step_size": 1000,
    "cycle_second_step_size": 500,
    "decay_step_size": 100,
    "decay_lr_rate": 0.5,
    "cycle_min_mom": 0.85,
    "cycle_max_mom": 0.99,
}


def written(folder: Path, **changed: Any) -> str:
    """Write a config, as DeepSpeed's own examples have it; None removes an argument."""
    params = {name: value for name, value in {**PARAMS, **changed}.items() if value is not None}
    config = {
        "train_batch_size": 4,
        "optimizer": {"type": "Adam", "params": {"lr": 1e-4, "betas": [0.99, 0.999]}},
        "scheduler": {"type": "OneCycle", "params": params},
    }
    path = folder / "ds_config.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    return str(path)


def shown(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main(["show", "--format", "json", *words]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_steps_become_shares_of_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = shown(capsys, written(tmp_path), "--total-steps", "2000", "--at", "0,1000,1500,1600")
    assert found["convention"] == "deepspeed"
    assert [row["lr"] for row in found["rows"]] == pytest.approx([1e-4, 1e-3, 1e-4, 1e-4 / 1.5], rel=1e-14)
    assert [row["momentum"] for row in found["rows"]] == [0.85, 0.85, 0.99, 0.99]
    assert found["groups"][0]["peak_step"] == 1000


@pytest.mark.parametrize(("first", "second"), [(1e300, 500), (1000, 1e300), (1.7e308, None), (-1e300, 500)])
def test_sides_out_of_range_are_an_error(
    first: float, second: float | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = written(tmp_path, cycle_first_step_size=first, cycle_second_step_size=second)
    assert main(["validate", "--format", "json", config]) == 1
    assert "OC201" in {finding["code"] for finding in json.loads(capsys.readouterr().out)["findings"]}
    assert main(["show", "--total-steps", "2000", config]) == 2


def test_what_is_not_given_is_deepspeeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bare = dict.fromkeys(PARAMS) | {"cycle_min_lr": 1e-4, "cycle_max_lr": 1e-3}
    found = shown(capsys, written(tmp_path, **bare), "--total-steps", "5000", "--at", "1,2000,4000,4999")
    assert [row["lr"] for row in found["rows"]] == pytest.approx([1e-4 + 9e-4 / 2000, 1e-3, 1e-4, 1e-4])
    assert found["rows"][1]["momentum"] == 0.8
    assert found["rows"][3]["momentum"] == 0.9


def test_a_recorded_run_is_met(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = json.loads((DATA / "golden" / "deepspeed.json").read_text())
    [case] = [case for case in recording["cases"] if case["name"] == "uneven"]
    given = case["settings"]
    changed = {
        "cycle_max_lr": given["max_lr"],
        "cycle_min_lr": given["max_lr"] / given["div_factor"],
        "cycle_first_step_size": 29,
        "cycle_second_step_size": 41,
        "decay_step_size": 270,  # ten times as long, and ten times as fast, as was recorded
        "decay_lr_rate": 10 * (given["final_div_factor"] - 1),
    }
    steps = ",".join(str(row[0]) for row in case["rows"])
    found = shown(capsys, written(tmp_path, **changed), "--total-steps", "97", "--at", steps)
    for row, (step, lr, momentum) in zip(found["rows"], case["rows"], strict=True):
        assert row["step"] == step
        assert row["lr"] == pytest.approx(float.fromhex(lr), rel=1e-14)  # in another order of evaluation
        assert row["momentum"] == float.fromhex(momentum)


def test_a_run_that_is_too_short_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", written(tmp_path), "--total-steps", "1200"]) == 2
    said = capsys.readouterr().err
    assert "error[OC401]" in said
    assert "1,500 steps, but the run ends after 1,200" in said


@pytest.mark.parametrize(
    ("changed", "codes"),
    [
        ({}, {"OC301"}),
        ({"cycle_min_lr": None}, {"OC107", "OC301"}),
        ({"cycle_min_lr": 0.0}, {"OC301", "OC502"}),
        ({"cycle_first_stair_count": 50, "cycle_second_stair_count": 0}, {"OC301", "OC504"}),
        ({"decay_mom_rate": 0.1}, {"OC301", "OC504"}),
        ({"cycle_first_steps": 50}, {"OC101", "OC301"}),
        ({"last_batch_iteration": -1}, {"OC301"}),
    ],
)
def test_findings(changed: dict[str, Any], codes: set[str], tmp_path: Path) -> None:
    path = written(tmp_path, **changed)
    with open(path, encoding="utf-8") as stream:
        found = findings_in(stream.read(), path)
    assert {each.code for each in found} == codes


@pytest.mark.parametrize("total", [1, 7, 100, 29_000, 10**9 + 7])
def test_a_fraction_of_whole_steps_is_cut_off_to_them(total: int) -> None:
    for step in {0, 1, total // 3, total // 2, total - 1, total}:
        assert int(fraction_of(step, total) * total) == step


def test_the_momentum_of_step_0_is_the_lowest() -> None:
    schedule = OneCycle(max_lr=0.1, total_steps=100, convention="deepspeed").schedule()
    assert [schedule.momentum(step) for step in (0, 45, 90, 99)] == [0.8, 0.8, 0.9, 0.9]
    assert schedule.momentum(1) == pytest.approx(0.9 - 0.1 / 45)
