"""`--set`: what it gives is used wherever the file would give it, and what nothing uses is refused."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from onecycle_cli.cli import main
from onecycle_cli.config.suggestions import nearest

from .conftest import DATA

TORCH = "_target_: torch.optim.lr_scheduler.OneCycleLR"
BLOCK = "s: {type: OneCycleLR, max_lr: 0.1, total_steps: 100}\n"


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["show", "--format", "json", *arguments])
    out = capsys.readouterr().out
    return code, json.loads(out) if out else {}


def codes(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    main(["validate", "--format", "json", *arguments])
    return [found["code"] for found in json.loads(capsys.readouterr().out)["findings"]]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path("train.yaml")


def test_what_is_set_and_used_by_nothing_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    name = str(DATA / "training" / "05_lightningcli.yaml")
    for path, near in {
        "trainr.max_epochs": "trainer.max_epochs",
        "trainer.max_epochz": "trainer.max_epochs",
        "trainer.max_stesp": "trainer.max_steps",
        "lr_scheduler.init_args.pct_strat": "lr_scheduler.init_args.pct_start",
        "lr_scheduler.pct_start": "lr_scheduler.init_args.pct_start",
        "max_lr": "lr_scheduler.init_args.max_lr",
        "weight_decay": "",
    }.items():
        for command in ("show", "validate", "plot", "export"):
            assert main([command, name, "--set", f"{path}=5", "--set", "trainer.max_epochs=5"]) == 2
            error, hint = capsys.readouterr().err.splitlines()
            assert f"--set {path} has no effect: {name} has no such key" in error
            assert (f"did you mean {near}?" in hint) == bool(near)


@pytest.mark.parametrize(
    ("text", "given"),
    [
        (BLOCK, "s.pct_start=0.2"),
        (BLOCK, "s.by_epoch=false"),
        (BLOCK, "s.interval=step"),
        (BLOCK, "trainer.max_epochs=3"),
        (BLOCK, "trainer={max_epochs: 3}"),
        (BLOCK, "trainer.max_steps=-1"),
        (BLOCK, "trainer.devices=auto"),
        (BLOCK, "optimizer.lr=0.1"),
        (BLOCK, "optimizer.type=Adam"),
        (BLOCK, "optimizer.betas=[0.9, 0.99]"),
        (BLOCK, "data.batch_size=32"),
        (f"trainer: {{max_epochs: 3}}\n{BLOCK}", "trainer.max_steps=100"),
        (f"trainer:\n{BLOCK}", "trainer.max_steps=100"),
        (f"trainer: {{max_epochs: 3}}\n{BLOCK}", "trainer={}"),
        ("s: {type: OneCycleLR, max_lr: 0.1, total_steps: '${a.b}'}\n", "a.b=100"),
        ("s: {type: OneCycleLR, max_lr: 0.1, total_steps: '${a}'}\n", "a=100"),
        ("a: {b: '${c.d}'}\ns: {type: OneCycleLR, max_lr: 0.1, total_steps: '${a.b}'}\n", "c.d=100"),
        # A key of the file, and a path that the file refers to elsewhere, are not mistyped.
        (f"model: {{depth: 3}}\n{BLOCK}", "model.depth=4"),
        (f"out: runs/${{exp.name}}\n{BLOCK}", "exp.name=x"),
        ("s: {type: OneCycleLR, args: {max_lr: 0.1}, total_steps: 10}\n", "s.args.total_steps=100"),
        (
            "s: {type: OneCycleLR, max_lr: 0.1, total_steps: 10}\n",
            "s={type: OneCycleLR, max_lr: 0.2, total_steps: 100}",
        ),
        (f"{TORCH}\nmax_lr: ${{lr}}\ntotal_steps: 100\n", "lr=0.1"),
        (f"{TORCH}\nmax_lr: 0.1\ntotal_steps: 100\n", "trainer.max_epochs=3"),
        ("max_lr: 0.1\ntotal_steps: 10\n", "pct_start=0.2"),
        ("max_lr: 0.1\ntotal_steps: ${N}\n", "N=100"),
        ("scheduler: onecycle\nmax_lr: 0.1\ntotal_steps: 10\n", "epochs=2"),
    ],
)
def test_what_is_used_is_accepted(text: str, given: str, config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(text)
    assert main(["validate", str(config), "--set", given]) == 0
    assert main(["show", str(config), "--set", given]) == 0
    assert "--set" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "given", "near"),
    [
        (BLOCK, "a=1", ""),
        (BLOCK, "lr=1", ""),
        (BLOCK, "s.x=1", ""),
        (BLOCK, "s.max_lr.0=1", "s.max_lr"),
        (BLOCK, "s.total_step=1", "s.total_steps"),
        (
            "s: {type: OneCycleLR, max_lr: 0.1, total_steps: '${trainer.max_steps}'}\n",
            "trainer.max_step=1",
            "trainer.max_steps",
        ),
        (f"trainer: {{max_epochs: 5}}\n{BLOCK}", "trainer.max_stpes=1", "trainer.max_steps"),
        (f"cfg: {{trainer: {{max_epochs: 5}}}}\n{BLOCK}", "trainer.max_epchs=1", "cfg.trainer.max_epochs"),
        (f"cfg: {{trainer: {{max_epochs: 5}}}}\n{BLOCK}", "run.of.mine.max_epochs=1", "cfg.trainer.max_epochs"),
        (f"{TORCH}\nmax_lr: 0.1\ntotal_steps: 100\n", "max_lrs=1", "max_lr"),
        ("max_lr: 0.1\ntotal_steps: 10\n", "total_step=1", "total_steps"),
        ("max_lr: 0.1\ntotal_steps: 10\n", "trainer.max_epochs=1", ""),
    ],
)
def test_what_is_not_used_is_refused_with_the_nearest_path(
    text: str, given: str, near: str, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(text)
    for command in ("validate", "show"):
        assert main([command, str(config), "--set", given]) == 2
        error, hint = capsys.readouterr().err.splitlines()
        assert f"--set {given.partition('=')[0]} has no effect" in error
        assert hint.endswith(f"did you mean {near}?" if near else "or of a setting of its schedule")


def test_what_only_set_gives_is_found_around_the_block(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text("s: {type: OneCycleLR, max_lr: 0.1}\n")
    given = ["--set", "trainer.max_epochs=30", "--steps-per-epoch", "10"]
    assert shown(capsys, str(config), *given)[1]["total_steps"] == 300
    config.write_text(BLOCK)
    assert codes(capsys, str(config), "--set", "optimizer.lr=0.5") == ["OC511"]
    assert codes(capsys, str(config), "--set", "optimizer._target_=torch.optim.Adagrad") == ["OC204"]
    assert codes(capsys, str(config), "--set", "trainer.max_steps=50", "--set", "s.interval=step") == ["OC514"]
    # A group file read alone is nothing but its scheduler's arguments.
    config.write_text(f"{TORCH}\nmax_lr: 0.1\n")
    assert shown(capsys, str(config), *given)[1]["total_steps"] == 300
    config.write_text("s: [{type: OneCycleLR, eta_max: 0.1, total_steps: 10}]\n")
    assert codes(capsys, str(config), "--set", "auto_scale_lr.enable=true", "--set", "s.0.by_epoch=false") == ["OC517"]


def test_of_many_files_one_must_use_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.yaml").write_text("s: {type: OneCycleLR, max_lr: '${lr}', total_steps: 100}\n")
    (tmp_path / "b.yaml").write_text(BLOCK)
    (tmp_path / "c.yaml").write_text("max_lr: 0.1\ntotal_steps: 100\n")
    (tmp_path / "d.yaml").write_text("services: {}\n")
    assert main(["validate", str(tmp_path), "--strict", "--set", "lr=0.1"]) == 0
    assert main(["validate", str(tmp_path), "--set", "lr=0.1", "--set", "trainer.max_epochs=3"]) == 0
    capsys.readouterr()
    assert main(["validate", str(tmp_path), "--set", "lr=0.1", "--set", "lrs=0.1"]) == 2
    assert "did you mean lr?" in capsys.readouterr().err
    assert main(["show", str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml"), "--set", "lr=0.1"]) == 0


def test_the_nearest_of_very_many_paths_is_found_in_no_time() -> None:
    known = [f"model.layers.{at}.block{at}.weight" for at in range(20_000)]
    began = time.process_time()
    assert nearest("model.layers.77.blok77.weight", known) == "model.layers.77.block77.weight"
    assert time.process_time() - began < 10
