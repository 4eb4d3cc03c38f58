"""onecycle fit: from a log to a config, and back again through files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from onecycle_cli import OneCycle
from onecycle_cli.cli import main

from .logged_runs import MANIFEST, TRACES

pytestmark = pytest.mark.numeric

RIGHT = [entry for entry in MANIFEST if entry["verdict"] == "ok"]


def fitted(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["fit", *words])
    said = capsys.readouterr()
    return code, said.out, said.err


ONE_OF_EACH_FORMAT = {entry["format"]: entry for entry in RIGHT}


@pytest.mark.parametrize("entry", ONE_OF_EACH_FORMAT.values(), ids=ONE_OF_EACH_FORMAT)
def test_a_fitted_config_passes_the_check(
    entry: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, config = str(TRACES / entry["file"]), str(tmp_path / "fitted.yaml")
    code, out, _ = fitted(capsys, log, "-o", config)
    assert (code, out) == (0, "")
    assert main(["validate", config]) == 0
    assert main(["check", config, log]) == 0
    assert capsys.readouterr().out.splitlines()[-1]


def test_the_config_is_printed_and_what_is_undetermined_is_noted(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = fitted(capsys, str(TRACES / "p10_tb_ok_sparse50.csv"))
    settings = yaml.safe_load(out)
    assert code == 0
    assert (settings["max_lr"], settings["total_steps"], settings["pct_start"]) == (0.03, 2000, 0.3)
    assert out.startswith("# Recovered from ")
    assert "note: no momentum is logged" in err


def test_settings_come_as_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = fitted(capsys, str(TRACES / "p14_mmengine_ok.json"), "--format", "json")
    found = json.loads(out)
    assert code == 0
    assert found.keys() == {
        "settings",
        "offset",
        "explained",
        "tolerance",
        "precision",
        "accepted",
        "undetermined",
        "notes",
    }
    assert (found["offset"], found["explained"], found["accepted"]) == (-1, 1.0, True)
    assert found["undetermined"] == ["cycle_momentum", "base_momentum", "max_momentum"]
    assert OneCycle(**found["settings"]).schedule().total_steps == 200


def test_a_file_is_overwritten_only_by_force(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log, config = str(TRACES / "p06_loop_ok.csv"), tmp_path / "mine.yaml"
    config.write_text("mine\n")
    code, out, err = fitted(capsys, log, "-o", str(config))
    assert (code, out, config.read_text()) == (2, "", "mine\n")
    assert "--force" in err
    code, out, _ = fitted(capsys, log, "-o", str(config), "--force")
    assert (code, out) == (0, "")
    assert yaml.safe_load(config.read_text())["total_steps"] == 300
    code, out, err = fitted(capsys, log, "-o", str(tmp_path), "--force")
    assert (code, out) == (2, "")
    assert "is a folder" in err


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("step,lr\n" + "".join(f"{at},0.1\n" for at in range(100)), "constant"),
        ("step,lr\n0,0.1\n", "too few"),
        ("step,loss\n0,0.1\n", "no learning-rate column"),
        ("", "empty"),
    ],
)
def test_what_cannot_be_recovered_is_said(
    rows: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log, config = tmp_path / "run.csv", tmp_path / "plan.yaml"
    log.write_text(rows)
    code, out, err = fitted(capsys, str(log), "-o", str(config))
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert said in err
    assert not config.exists()


def test_a_config_that_the_check_does_not_accept_is_written_with_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rates = [OneCycle(max_lr=0.2, total_steps=80).schedule().lr(step) for step in range(80)]
    log, config = tmp_path / "run.csv", tmp_path / "plan.yaml"
    log.write_text("step,lr\n" + "".join(f"{at},{lr!r}\n" for at, lr in enumerate([*rates, rates[78]])))
    code, _, err = fitted(capsys, str(log), "-o", str(config))
    assert code == 1
    assert "overrun" in err
    assert main(["check", str(config), str(log)]) == 1
    capsys.readouterr()
    code, out, _ = fitted(capsys, str(log), "--format", "json")
    assert (code, json.loads(out)["accepted"]) == (1, False)


def test_columns_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schedule = OneCycle(max_lr=0.2, total_steps=80).schedule()
    log = tmp_path / "run.csv"
    log.write_text("at,speed\n" + "".join(f"{at},{schedule.lr(at)!r}\n" for at in range(80)))
    code, out, _ = fitted(capsys, str(log), "--column", "lr=speed", "--column", "step=at")
    assert (code, yaml.safe_load(out)["max_lr"]) == (0, 0.2)
