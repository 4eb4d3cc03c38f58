"""The configs that come with the project: sound, sourced, and true to what they name."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from onecycle_cli.cli import main
from onecycle_cli.config.files import read_source
from onecycle_cli.config.reader import read
from onecycle_cli.findings import Severity
from onecycle_cli.policy.schedule import Schedule
from onecycle_cli.policy.validation import validate_settings

from .conftest import DATA, ROOT

pytestmark = pytest.mark.numeric

CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
LOGGED = sorted((DATA / "golden" / "smith").glob("*.csv"))


def schedule_of(path: Path) -> Schedule:
    settings = validate_settings(read(read_source(str(path)))[0].values).settings
    assert settings is not None
    return settings.schedule()


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_each_is_sound_names_its_source_and_can_be_shown(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "# Source: " in path.read_text() or "\n# Source:" in path.read_text()
    [config] = read(read_source(str(path)))
    found = [*config.findings, *validate_settings(config.values).findings]
    assert [each for each in found if each.severity is not Severity.INFO] == []
    assert main(["show", str(path)]) == 0
    assert f"{schedule_of(path).total_steps:,} steps" in capsys.readouterr().out


def test_there_are_enough_of_them() -> None:
    assert len(CONFIGS) >= 8


@pytest.mark.parametrize("log", LOGGED, ids=lambda path: path.stem)
def test_the_rise_is_what_smith_logged(log: Path) -> None:
    name = log.stem.replace("superconvergence-figure1a-triangle", "superconvergence-triangle")
    schedule = schedule_of(ROOT / "configs" / f"smith-{name}.yaml")
    rise = schedule.phases[0]
    with log.open() as stream:
        rows = [row for row in csv.DictReader(stream) if int(row["step"]) <= rise.last_step]
    assert len(rows) >= 10
    cycled = len({row.get("momentum") for row in rows}) > 1
    for row in rows:
        step = int(row["step"])
        assert schedule.lr(step) == pytest.approx(float(row["lr"]), rel=5e-5)
        assert schedule.momentum(step) == (pytest.approx(float(row["momentum"]), abs=6e-7) if cycled else None)


@pytest.mark.parametrize(
    ("name", "total_steps", "first_step"),
    [
        ("imagenet-resnet50-16-epochs", 16 * 312, 0),
        ("cifar10-resnet18-30-epochs", 30 * 175, 0),
        ("cifar10-resnet18-resumed", 30 * 175, 12 * 175),
        ("cifar10-94-percent-in-94-lines", 24 * 97, 0),
        ("pets-finetune-adamw", 8 * 58, 0),
        ("mnist-r-torch", 10 * 1875, 0),
    ],
)
def test_lengths_by_hand(name: str, total_steps: int, first_step: int) -> None:
    schedule = schedule_of(ROOT / "configs" / f"{name}.yaml")
    assert (schedule.total_steps, schedule.first_step) == (total_steps, first_step)
