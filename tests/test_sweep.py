"""onecycle sweep: a folder of configs that keep their comments and are the plans of the table."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onecycle_cli import OneCycle, OnecycleError
from onecycle_cli.cli import main
from onecycle_cli.config.changes import with_settings
from onecycle_cli.config.files import Source

from .conftest import posix

CONFIG = """\
# ResNet on CIFAR
max_lr: 0.1  # from the range test
epochs: 30
steps_per_epoch: 100

momentum_note: &n 1
"""


def changed(text: str, settings: dict[str, object], path: str = "plan.yaml") -> str:
    return with_settings(Source(path, True, text), settings)  # noqa: FBT003 - it is named


@pytest.mark.parametrize(
    ("before", "settings", "after"),
    [
        ("max_lr: 0.1 # peak\n# c\ntotal_steps: 10\n", {"max_lr": 0.25}, "max_lr: 0.25 # peak\n# c\ntotal_steps: 10\n"),
        ("max_lr: 0.1\ntotal_steps: 10  # n\n# end\n", {"pct_start": 0.5},
         "max_lr: 0.1\ntotal_steps: 10  # n\npct_start: 0.5\n# end\n"),
        ("max_lr:\n  - 0.1\n  - 0.2  # x\ntotal_steps: 1_0", {"max_lr": [0.3, 1e-5]},
         "max_lr:\n  - 0.3\n  - 1.0e-05  # x\ntotal_steps: 1_0"),
        ("max_lr:\n- 0.1 # a\n- 0.2\ntotal_steps: 10", {"max_lr": [0.3, 0.2]},
         "max_lr:\n- 0.3 # a\n- 0.2\ntotal_steps: 10"),
        ("max_lr:\n- 0.1\n- 0.2\ntotal_steps: 10\n", {"max_lr": 0.3}, "max_lr:\n  0.3\ntotal_steps: 10\n"),
        ("max_lr: 0.1\npct_start:\ntotal_steps: 10\n", {"pct_start": 0.2},
         "max_lr: 0.1\npct_start: 0.2\ntotal_steps: 10\n"),
        ("{max_lr: 0.1, total_steps: 10}", {"three_phase": True}, "{max_lr: 0.1, total_steps: 10, three_phase: true}"),
        ("max_lr: 0.1\r\ntotal_steps: 10\r\n", {"name": "a: b"}, 'max_lr: 0.1\r\ntotal_steps: 10\r\nname: "a: b"\r\n'),
        ("max_lr: 0.1\ntotal_steps: 10", {"total_steps": None, "epochs": 3},
         "max_lr: 0.1\ntotal_steps: null\nepochs: 3"),
        ("p: &p 0.1\ns:\n  type: OneCycleLR\n  eta_max: *p\n  total_steps: 9\no: *p\n", {"max_lr": 0.3},
         "p: &p 0.1\ns:\n  type: OneCycleLR\n  eta_max: 0.3\n  total_steps: 9\no: *p\n"),
        ("max_lr: ???\ntotal_steps: 10\n", {"max_lr": 0.3}, "max_lr: 0.3\ntotal_steps: 10\n"),
        ("max_lr: &p 0.1\ntotal_steps: 10\n", {"max_lr": 0.3}, "max_lr: &p 0.3\ntotal_steps: 10\n"),
        ("max_lr: 0.1\ntotal_steps: 10\n", {"epochs": None}, "max_lr: 0.1\ntotal_steps: 10\n"),
        ("max_lr: 0.1\nconvention: null\n", {"total_steps": 9}, "max_lr: 0.1\nconvention: null\ntotal_steps: 9\n"),
        ("max_lr: [0.1, 0.2]\ntotal_steps: 9\n", {"max_lr": [0.1, 0.2]}, "max_lr: [0.1, 0.2]\ntotal_steps: 9\n"),
        ("max_lr: 0.1\nconvention: x\n", {"convention": "optax"}, "max_lr: 0.1\nconvention: optax\n"),
    ],
)  # fmt: skip
def test_a_value_changes_in_its_place(before: str, settings: dict[str, object], after: str) -> None:
    assert changed(before, settings) == after


@pytest.mark.parametrize(
    ("before", "settings", "after"),
    [
        ("s = OneCycleLR(opt, max_lr=0.1, total_steps=2 * 5)  # 0.1\n", {"max_lr": [0.3, 1e-5], "total_steps": 20},
         "s = OneCycleLR(opt, max_lr=[0.3, 1e-05], total_steps=20)  # 0.1\n"),
        ("LR = 0.1\ns = OneCycleLR(opt, max_lr=(\n    LR  # é\n), total_steps=9)\n", {"max_lr": 0.3},
         "LR = 0.1\ns = OneCycleLR(opt, max_lr=(\n    0.3  # é\n), total_steps=9)\n"),
        ("param_scheduler = dict(name='é', type='OneCycleLR', eta_max=0.1, total_steps=10)", {"max_lr": 0.3},
         "param_scheduler = dict(name='é', type='OneCycleLR', eta_max=0.3, total_steps=10)"),
    ],
)  # fmt: skip
def test_a_value_changes_in_a_script(before: str, settings: dict[str, object], after: str) -> None:
    imported = "from torch.optim.lr_scheduler import OneCycleLR\n"
    assert changed(imported + before, settings, "train.py") == imported + after


SHARED = "d: &d {max_lr: 0.1, total_steps: 9}\na: {name: OneCycleLR, <<: *d}\nb: {name: OneCycleLR, <<: *d}\n"


@pytest.mark.parametrize(
    ("text", "block"),
    [(SHARED, "a"), ("s: {name: OneCycleLR, max_lr: &p 0.1, total_steps: 9}\nweight_decay: *p\n", None)],
)
def test_what_others_share_is_not_changed(text: str, block: str | None) -> None:
    with pytest.raises(OnecycleError, match="cannot write max_lr"):
        with_settings(Source("run.yaml", True, text), {"max_lr": 0.5}, block)  # noqa: FBT003 - it is named


def test_json_may_be_indented_by_tabs() -> None:
    text = '{\n\t"max_lr": 0.1,\n\t"total_steps": 10\n}\n'
    assert changed(text, {"max_lr": 0.3}, "plan.json") == text.replace("0.1", "0.3")


def test_json_stays_json() -> None:
    after = changed('{"max_lr": 1,\n "total_steps": 10}\n', {"max_lr": 1e-5, "anneal_strategy": "linear"}, "plan.json")
    assert json.loads(after) == {"max_lr": 1e-5, "total_steps": 10, "anneal_strategy": "linear"}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("max_lr = 0.1", "train.py"),
        ("from torch.optim.lr_scheduler import OneCycleLR\nOneCycleLR(opt, total_steps=9)", "train.py"),
        ('{"cells": []}', "train.ipynb"),
        ("max_lr: [", "plan.yaml"),
        ("a: 1\n", "plan.yaml"),
    ],
)
def test_what_cannot_be_changed_is_refused(text: str, path: str) -> None:
    with pytest.raises(OnecycleError):
        changed(text, {"max_lr": 0.5}, path)


@given(
    st.floats(1e-300, 1e300), st.integers(1, 10**9), st.booleans(), st.text(st.characters(codec="utf-8"), min_size=1)
)
def test_what_is_written_is_read_back(peak: float, steps: int, three: bool, name: str) -> None:
    settings: dict[str, object] = {"max_lr": peak, "total_steps": steps, "three_phase": three, "name": name}
    try:
        text = changed(CONFIG.partition("momentum_note")[0], settings)
    except OnecycleError:
        assert not name.isprintable()  # YAML has no way to write some characters
        return
    assert text.startswith("# ResNet on CIFAR\nmax_lr: ")
    assert "# from the range test" in text


def test_a_folder_of_configs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, runs = tmp_path / "run.yaml", tmp_path / "runs"
    config.write_text(CONFIG.partition("momentum_note")[0], encoding="utf-8")
    arguments = ["sweep", str(config), "--vary", "max_lr=0.1,0.2", "--vary", "epochs=20,40"]
    assert main(arguments) == 0
    table = capsys.readouterr().out
    assert not runs.exists()
    assert main([*arguments, "-o", str(runs)]) == 0
    assert capsys.readouterr().out == table
    names = [f"run-max_lr-{peak}-epochs-{epochs}.yaml" for peak in (0.1, 0.2) for epochs in (20, 40)]
    assert sorted(path.name for path in runs.iterdir()) == names
    for name, (peak, epochs) in zip(names, [(0.1, 20), (0.1, 40), (0.2, 20), (0.2, 40)], strict=True):
        text = (runs / name).read_text(encoding="utf-8")
        assert "# from the range test" in text
        plan = OneCycle.from_file(runs / name)
        assert (plan.max_lr, plan.schedule().total_steps) == (peak, epochs * 100)
    assert main([*arguments, "-o", str(runs)]) == 2
    assert "--force" in capsys.readouterr().err
    assert main([*arguments, "-o", str(runs), "--force"]) == 0


@pytest.mark.parametrize(
    ("flags", "steps"), [(["--vary", "epochs=2,3", "--steps-per-epoch", "7"], 14), (["--vary", "total_steps=50"], 50)]
)
def test_a_flag_takes_the_place_of_the_length_in_the_file(flags: list[str], steps: int, tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text("max_lr: 0.1\ntotal_steps: 1000\n", encoding="utf-8")
    assert main(["sweep", str(config), *flags, "-o", str(tmp_path / "runs")]) == 0
    written = sorted((tmp_path / "runs").iterdir())
    assert OneCycle.from_file(written[0]).schedule().total_steps == steps


def test_layer_peaks_and_a_scaled_peak_are_written_as_they_are(tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text("max_lr: 0.1\ntotal_steps: 9\nlr_decay: 0.5\ngroups: 2\nbatch_size: 4\n", encoding="utf-8")
    scale = ["--scale-lr", "linear", "--from-batch", "2"]
    assert main(["sweep", str(config), "--vary", "pct_start=0.5", *scale, "-o", str(tmp_path / "runs")]) == 0
    [written] = (tmp_path / "runs").iterdir()
    text = "max_lr: 0.2\ntotal_steps: 9\nlr_decay: 0.5\ngroups: 2\nbatch_size: 4\npct_start: 0.5\n"
    assert written.read_text(encoding="utf-8") == text
    assert OneCycle.from_file(written).max_lr == (0.1, 0.2)


def test_what_set_changes_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plan.yaml").write_text("max_lr: 0.1\ntotal_steps: 1000\npct_start: 0.3 # p\n")
    assert main(["sweep", "plan.yaml", "--set", "pct_start=0.4", "--vary", "max_lr=0.1", "-o", "a"]) == 0
    Path("pyproject.toml").write_text('[tool.onecycle]\nset = ["pct_start=0.4"]\n')
    assert main(["sweep", "plan.yaml", "--vary", "max_lr=0.1", "-o", "b"]) == 0
    for folder in ("a", "b"):
        [written] = Path(folder).iterdir()
        assert written.read_text() == "max_lr: 0.1\ntotal_steps: 1000\npct_start: 0.4 # p\n"


@pytest.mark.parametrize(
    ("vary", "names"),
    [
        ("max_lr=0.1,0.10000000001,[0.1,2]", ["p-max_lr-0.1-2-2", "p-max_lr-0.1-2", "p-max_lr-0.1"]),
        ("final_div_factor=1e6,1e-6", ["p-final_div_factor-1e+06", "p-final_div_factor-1e-06"]),
    ],
)
def test_every_config_has_its_own_name(
    vary: str, names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("p.yaml").write_text("max_lr: 0.1\ntotal_steps: 1000\n")
    assert main(["sweep", "p.yaml", "--vary", vary, "-o", "runs"]) == 0
    assert {path.stem for path in Path("runs").iterdir()} == set(names)


def test_no_input_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("plan.yaml", "plan-max_lr-0.5.yaml"):
        Path(name).write_text("max_lr: 0.1\ntotal_steps: 1000\n")
    words = ["sweep", "plan.yaml", "plan-max_lr-0.5.yaml", "--vary", "max_lr=0.5", "-o", ".", "--force"]
    assert main(words) == 2
    assert "is an input of this command" in capsys.readouterr().err
    assert Path("plan-max_lr-0.5.yaml").read_text() == "max_lr: 0.1\ntotal_steps: 1000\n"


def test_a_config_that_includes_others_stays_beside_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mm").mkdir()
    Path("mm/base.py").write_text("param_scheduler = dict(type='OneCycleLR', eta_max=0.1, total_steps=100)\n")
    Path("mm/e.py").write_text("_base_ = './base.py'\nparam_scheduler = dict(eta_max=0.3)\n")
    words = ["sweep", "mm/e.py", "--vary", "max_lr=0.2", "-o"]
    assert main([*words, "runs"]) == 2
    assert "write into the folder that it is in" in capsys.readouterr().err
    assert not Path("runs").exists()
    assert main([*words, "mm"]) == 0
    assert Path("mm/e-max_lr-0.2.py").read_text() == "_base_ = './base.py'\nparam_scheduler = dict(eta_max=0.2)\n"


def test_arguments_that_deepspeed_does_not_have_are_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    given = {"cycle_min_lr": 0.0001, "cycle_max_lr": 0.001, "cycle_first_step_size": 100}
    Path("ds.json").write_text(json.dumps({"scheduler": {"type": "OneCycle", "params": given}}))
    assert main(["sweep", "ds.json", "--total-steps", "500", "--vary", "pct_start=0.3", "-o", "runs"]) == 2
    assert "DeepSpeed has no such arguments" in capsys.readouterr().err
    assert not Path("runs").exists()


@posix
def test_a_pipe_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("plan")
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(Path("plan").write_text, "max_lr: 0.1\ntotal_steps: 1000\n")
        assert main(["sweep", "plan", "--vary", "max_lr=0.2", "-o", "runs"]) == 0
        done.result()
    assert Path("runs/plan-max_lr-0.2.yaml").read_text() == "max_lr: 0.2\ntotal_steps: 1000\n"


def test_flags_alone_make_configs_too(tmp_path: Path) -> None:
    assert main(["sweep", "--total-steps", "9", "--vary", "max_lr=1e-5,[0.1,0.2]", "-o", str(tmp_path / "runs")]) == 0
    peaks = [OneCycle.from_file(path).max_lr for path in sorted((tmp_path / "runs").iterdir())]
    assert peaks == [1e-5, (0.1, 0.2)] or peaks == [(0.1, 0.2), 1e-5]


@pytest.mark.parametrize(
    "arguments",
    [["--max-lr", "0.1"], *(["--vary", "max_lr=0.1", "-o", folder] for folder in ("a-file", "a-file/b", "-", ""))],
)
def test_a_sweep_that_cannot_be(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a-file").write_text("", encoding="utf-8")
    assert main(["sweep", "--total-steps", "9", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("error: ")
