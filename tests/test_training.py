"""Training configs of other programs: the plan or the finding that each shape gives, and where."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from onecycle_cli.cli import main
from onecycle_cli.config import Request, load
from onecycle_cli.config.files import read_source
from onecycle_cli.config.key_paths import assign, lookup, read_assignments, split
from onecycle_cli.config.nodes import MappingNode, ScalarNode
from onecycle_cli.config.reader import read
from onecycle_cli.config.yaml_tree import parse
from onecycle_cli.errors import OnecycleError

from .conftest import DATA, findings_in, read_text

SHAPES = DATA / "training"

PLANS: dict[str, dict[str, Any]] = {
    "01_hydra_flat_group.yaml": {"pct_start": 0.3, "div_factor": 25.0, "final_div_factor": 1.0e4},
    "02_hydra_length_missing.yaml": {"max_lr": 0.002, "pct_start": 0.4, "div_factor": 10.0},
    "04_hydra_hardcoded_spe.yaml": {"max_lr": 0.001, "steps_per_epoch": 684, "pct_start": 0.1},
    "05_lightningcli.yaml": {
        "max_lr": 3e-4,
        "total_steps": 50000,
        "pct_start": 0.05,
        "optimizer": "torch.optim.AdamW",
    },
    "06_lightningcli_anchor.yaml": {"max_lr": 0.001, "total_steps": 120, "pct_start": 0.1},
    "08_mmengine.py": {
        "max_lr": 0.01,
        "epochs": 50,
        "pct_start": 0.2,
        "div_factor": 25.0,
        "final_div_factor": 100.0,
        "convention": "mmengine",
        "optimizer": "AdamW",
    },
    "10_openpcdet.yaml": {
        "max_lr": 0.003,
        "epochs": 80,
        "batch_size": 4,
        "max_momentum": 0.95,
        "base_momentum": 0.85,
        "pct_start": 0.4,
        "div_factor": 10,
        "convention": "openpcdet",
    },
    "13_name_args.yaml": {"max_lr": 0.01, "epochs": 60},
    "14_type_args.yaml": {"max_lr": [0.0005, 0.002, 0.002, 0.002], "total_steps": 90000, "optimizer": "Adam"},
    "15_classname_params.yaml": {"max_lr": 0.01, "total_steps": None, "last_epoch": -1},
    "17_flat_aliases.yaml": {
        "max_lr": 0.0007,
        "epochs": 200,
        "pct_start": 0.25,
        "div_factor": 25.0,
        "final_div_factor": 10000.0,
    },
    "18_class_as_key.yaml": {
        "total_steps": None,
        "epochs": 100,
        "steps_per_epoch": 300,
        "pct_start": 0.3,
        "last_epoch": -1,
    },
}
"""By file: the settings that it gives."""

FINDINGS = {
    "01_hydra_flat_group.yaml": ["4:9 OC501", "5:14 OC501"],
    "02_hydra_length_missing.yaml": ["6:11 OC501"],
    "04_hydra_hardcoded_spe.yaml": ["3:9 OC501"],
    "05_lightningcli.yaml": ["4:33 OC512", "9:18 OC513"],
    "06_lightningcli_anchor.yaml": [],
    "08_mmengine.py": ["2:70 OC301"],
    "10_openpcdet.yaml": ["3:17 OC301", "10:5 OC410"],
    "13_name_args.yaml": ["4:32 OC301"],
    "14_type_args.yaml": [],
    "15_classname_params.yaml": ["4:39 OC301"],
    "17_flat_aliases.yaml": ["1:16 OC511", "5:13 OC301"],
    "18_class_as_key.yaml": ["2:24 OC501"],
    "19_yolo_not_onecycle.yaml": ["2:1 OC502"],
}

GIVEN = {
    "01_hydra_flat_group.yaml": (["--set", "trainer.max_steps=5000", "--set", "optimizer.lr=0.1"], 5000, 0.1),
    "02_hydra_length_missing.yaml": (["--set", "trainer.max_epochs=40", "--steps-per-epoch", "100"], 4000, 0.002),
    "04_hydra_hardcoded_spe.yaml": (["--epochs", "10"], 6840, 0.001),
    "05_lightningcli.yaml": ([], 50000, 3e-4),
    "06_lightningcli_anchor.yaml": ([], 120, 0.001),
    "08_mmengine.py": (["--set", "param_scheduler.0.steps_per_epoch=100"], 5000, 0.01),
    "10_openpcdet.yaml": (["--dataset-size", "3712"], 80 * 928, 0.003),
    "13_name_args.yaml": (["--set", "scheduler.args.steps_per_epoch=5"], 300, 0.01),
    "14_type_args.yaml": ([], 90000, 0.0005),
    "15_classname_params.yaml": (["--set", "scheduler.params.total_steps=900"], 900, 0.01),
    "17_flat_aliases.yaml": (["--steps-per-epoch", "10"], 2000, 0.0007),
    "18_class_as_key.yaml": (["--set", "optimizer.lr=0.1"], 30000, 0.1),
}
"""By file: what must be given, the cycle's length and the first group's max_lr."""


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    code = main(["show", "--format", "json", *arguments])
    out = capsys.readouterr().out
    return code, json.loads(out) if out else {}


@pytest.mark.parametrize("name", PLANS)
def test_each_shape_gives_its_settings(name: str) -> None:
    [config] = read(read_source(str(SHAPES / name)))
    assert config.values == PLANS[name]


@pytest.mark.parametrize("name", FINDINGS)
def test_each_shape_gives_its_findings_at_their_places(name: str) -> None:
    found = load(Request((str(SHAPES / name),), every_plan=True)).findings
    assert [f"{each.line}:{each.column} {each.code}" for each in found] == FINDINGS[name]


def test_every_sample_has_its_expectation() -> None:
    assert set(FINDINGS) == {path.name for path in SHAPES.iterdir()}


@pytest.mark.parametrize("name", GIVEN)
def test_what_is_missing_can_be_given(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    given, total_steps, max_lr = GIVEN[name]
    code, plan = shown(capsys, str(SHAPES / name), *given)
    assert (code, plan["total_steps"]) == (0, total_steps)
    assert plan["groups"][0]["peak_lr"] == pytest.approx(max_lr, rel=1e-3)
    assert main(["validate", str(SHAPES / name), *given]) == 0


@pytest.mark.parametrize("name", sorted(set(GIVEN) - {name for name, (given, *_) in GIVEN.items() if not given}))
def test_what_is_missing_is_said_with_the_flag_or_path_that_gives_it(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", str(SHAPES / name)]) == 2
    said = capsys.readouterr().err
    for word in GIVEN[name][0]:
        if word.startswith("--") and word not in ("--set", "--dataset-size"):
            assert word in said
        elif "." in word and "=" in word:
            assert f"--set {word.partition('=')[0]}=" in said


# --- More shapes ------------------------------------------------------------------------------------------------

TORCH = "_target_: torch.optim.lr_scheduler.OneCycleLR"
MORE = {
    "deep in a list": f"models:\n  - parts:\n      - sched: {{{TORCH}, max_lr: 0.1, total_steps: 10}}\n",
    "mmcv": "lr_config:\n  policy: OneCycle\n  max_lr: 0.1\n  total_steps: 10\n",
    "json": '{"lr_scheduler": {"type": "OneCycleLR", "args": {"max_lr": 0.1, "total_steps": 10}}}',
    "dict_kwargs": "scheduler:\n  class_path: my.OneCycleLR\n  init_args:\n    max_lr: 0.1\n    total_steps: 10\n",
    "separate arguments": "scheduler: OneCycleLR\nscheduler_params: {max_lr: 0.1}\nmax_steps: 10\n",
    "upper case": "SOLVER:\n  SCHEDULER: one_cycle\n  MAX_LR: 0.1\n  TOTAL_STEPS: 10\n",
    "nameless": "schedule:\n  max_lr: 0.1\n  pct_start: 0.3\n  total_steps: 10\n",
    "a peak by another name": "scheduler: onecycle\nlr: 0.1\nmax_steps: 10\n",
    "paddle": "lr: {class_name: paddle.optimizer.lr.OneCycleLR, max_learning_rate: 0.1, total_steps: 10}\n",
    "optax": "schedule:\n  _target_: optax.cosine_onecycle_schedule\n  transition_steps: 10\n  peak_value: 0.1\n",
    "mmcv's runner": "lr_config: {policy: OneCycle, max_lr: 0.1}\nrunner: {type: IterBasedRunner, max_iters: 10}\n",
    "from begin to end": "s: {type: OneCycleLR, eta_max: 0.1, begin: 5, end: 15, by_epoch: false}\n",
    "a peak in other words": "scheduler: OneCycleLR\nmax_learning_rate: 0.1\ntotal_steps: 10\n",
    "at the root of a Hydra config": f"defaults: [base, _self_]\n{TORCH}\nmax_lr: 0.1\ntotal_steps: 10\n",
    "class": "s: {class: torch.optim.lr_scheduler.OneCycleLR, max_lr: 0.1, total_steps: 10}\n",
    "other keyword arguments": "s: {class_path: my.OneCycleLR, dict_kwargs: {max_lr: 0.1, total_steps: 10}}\n",
    "yacs": "LR_SCHEDULER: {NAME: OneCycleLR, PARAMS: {MAX_LR: 0.1, TOTAL_STEPS: 10}}\n",
    "a class beside its arguments": (
        "optim:\n  scheduler_class: torch.optim.lr_scheduler.OneCycleLR\n"
        "  scheduler_kwargs: {max_lr: 0.1, total_steps: 10}\n"
    ),
    "a merged anchor": f"b: &b {{max_lr: 0.1, total_steps: 10}}\ns:\n  {TORCH}\n  <<: *b\n",
    "references of references": f"a: 10\nb: ${{a}}\ns:\n  {TORCH}\n  max_lr: 0.1\n  total_steps: ${{..b}}\n",
}


@pytest.mark.parametrize("text", MORE.values(), ids=MORE.keys())
def test_more_shapes(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "train.yaml"
    path.write_text(text)
    code, plan = shown(capsys, str(path))
    assert (code, plan["total_steps"]) == (0, 10)
    assert main(["validate", str(path)]) == 0


@pytest.mark.parametrize(
    "text",
    [
        "defaults:\n  - scheduler: onecycle\n  - _self_\n",
        "name: one_cycle\nmodel: resnet\n",
        "description: OneCycleLR is what we use\nlr: 0.1\n",
        "scheduler: {type: CosineAnnealingLR, T_max: 10}\nlr: 0.1\n",
        "experiment: {name: onecycle, lr: 0.1, type: resnet}\n",
        "max_lr: 0.1\nmodel: resnet\n",
        "steps: [{uses: foo, name: OneCycleLR}]\n",
        "scheduler: {_target_: torch.optim.lr_scheduler.CyclicLR, max_lr: 0.1, base_lr: 0.01}\n",
        "",
        "[1, 2]\n",
    ],
)
def test_what_is_no_schedule_is_passed_over_in_folders(text: str, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(text)
    loaded = load(Request((str(tmp_path),), every_plan=True))
    assert (loaded.files, loaded.skipped, loaded.findings) == ([], 1, [])


def test_a_named_file_without_a_schedule_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "compose.yaml"
    path.write_text("services: {web: {image: nginx}}\n")
    for command in ("show", "validate", "plot", "export"):
        assert main([command, str(path)]) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"error: no one-cycle schedule in {path}\nhint: name OneCycleLR ")
        assert "_target_" in said
        assert "OneCycleLR" in said
    assert main(["validate", "--only-schedules", str(path)]) == 0


def test_ultralytics_is_another_schedule_and_its_comment_is_explained() -> None:
    for comment in ("", "  # like OneCycleLR"):
        [finding] = findings_in(f"lr0: 0.01\nlrf: 0.1{comment}\n")
        assert finding.code == "OC502"
        assert "0.01 to 0.001" in finding.message
        assert ("OneCycleLR" in finding.message) == bool(comment)


def test_a_python_config_is_never_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.py"
    path.write_text(
        f"open({str(tmp_path / 'ran')!r}, 'w').write('x')\n"
        "param_scheduler = dict(type='OneCycleLR', eta_max=0.1, total_steps=10, by_epoch=False)\n"
    )
    code, plan = shown(capsys, str(path))
    assert (code, plan["total_steps"], plan["convention"]) == (0, 10, "mmengine")
    assert not (tmp_path / "ran").exists()


def test_python_files_that_do_not_speak_of_it_are_not_even_counted(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import torch\n")
    (tmp_path / "uses.py").write_text("from torch.optim.lr_scheduler import OneCycleLR\n")
    (tmp_path / "config.py").write_text("s = dict(type='OneCycleLR', max_lr=0.1, total_steps=10)\n")
    loaded = load(Request((str(tmp_path),), every_plan=True))
    assert (loaded.files, loaded.skipped) == ([str(tmp_path / "config.py")], 1)


# --- Several blocks ---------------------------------------------------------------------------------------------


def test_of_a_duplicate_block_the_last_one_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "train.yaml"
    path.write_text(
        "scheduler: {name: OneCycleLR, max_lr: 0.1, total_steps: 100}\n"
        "scheduler: {name: OneCycleLR, max_lr: 0.2, total_steps: 10}\n"
    )
    assert main(["validate", "--format", "concise", str(path)]) == 1
    assert "train.yaml:2:1: error[OC102] duplicate key scheduler: lines 1 and 2" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["scheduler:\n  OneCycleLR:\n", "scheduler: OneCycleLR\ntrainer: {max_epochs: 10}\n"])
def test_a_block_without_settings_is_found(text: str) -> None:
    assert [each.code for each in findings_in(text)] == ["OC107", "OC301"]


def test_a_block_behind_many_aliases_is_found() -> None:
    lines = ["a0: &a0 {x: 1}", *(f"a{at}: &a{at} {{l: *a{at - 1}, r: *a{at - 1}}}" for at in range(1, 60))]
    found = read_text("\n".join([*lines, "s: {type: OneCycleLR, max_lr: 0.1, total_steps: 10}"]))
    assert found.values == {"max_lr": 0.1, "total_steps": 10}


# --- Dotted paths and --set -------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["", "=", "a", "=1", ".=1", "a=[", "a=1\n---\n2"])
def test_what_is_no_assignment_is_refused(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OnecycleError):
        read_assignments([word])
    assert main(["show", "--set", word, str(SHAPES / "05_lightningcli.yaml")]) == 2
    assert "--set" in capsys.readouterr().err


def test_a_finding_about_a_given_value_names_the_flag(capsys: pytest.CaptureFixture[str]) -> None:
    name = str(SHAPES / "13_name_args.yaml")
    assert main(["validate", "--format", "concise", name, "--set", "scheduler.args.total_steps=-3"]) == 1
    assert capsys.readouterr().out.startswith("--set scheduler.args.total_steps=-3: error[OC201] total_steps is -3")
    assert main(["validate", "--format", "concise", name, "--set", "scheduler.args={totalsteps: 3}"]) == 1
    assert "--set scheduler.args={totalsteps: 3}: error[OC101] unknown key 'totalsteps'" in capsys.readouterr().out


def test_flags_beat_what_is_set(capsys: pytest.CaptureFixture[str]) -> None:
    name = str(SHAPES / "06_lightningcli_anchor.yaml")
    given = ["--set", "lr_scheduler.init_args.total_steps=500", "--set", "lr_scheduler.init_args.pct_start=0.5"]
    assert shown(capsys, name, *given, "--total-steps", "700")[1]["total_steps"] == 700
    assert shown(capsys, name, *given)[1]["warmup"]["fraction"] == 0.5


trees = st.recursive(
    st.integers() | st.text("ab", max_size=3),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=3), below),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from("abcd"), trees, min_size=1), st.lists(st.sampled_from("abcd01"), min_size=1))
def test_what_is_laid_at_a_path_is_found_there(tree: dict[str, Any], path: list[str]) -> None:
    root = parse(yaml.safe_dump(tree))
    assert isinstance(root, MappingNode)
    document = assign(root, read_assignments([f"{'.'.join(path)}=7"]))
    found = document.at(tuple(path))
    assert isinstance(found, ScalarNode)
    assert (found.text, found.place.flag) == ("7", f"--set {'.'.join(path)}=7")
    assert lookup(root, tuple(path)) != found
    assert split(".".join(path)) == tuple(path)


# --- Around the block -------------------------------------------------------------------------------------------


def around(text: str) -> Any:
    return read_text(text).context


def test_what_stands_around_a_block_is_found() -> None:
    found = around(
        "trainer: {max_epochs: 4, accumulate_grad_batches: 2, devices: '0,1', num_nodes: 3, max_steps: -1}\n"
        "data: {init_args: {batch_size: 32}}\n"
        "optimizer: {class_path: torch.optim.Adam, init_args: {lr: 0.01, betas: [0.8, 0.99]}}\n"
        "lr_scheduler: {class_path: torch.optim.lr_scheduler.OneCycleLR, init_args: {max_lr: 0.1, total_steps: 4}}\n"
    )
    assert (found.epochs.value, found.epochs.path) == (4, "trainer.max_epochs")
    assert (found.accumulation.value, found.devices.value, found.batch_size.value) == (2, 6, 32)
    assert (found.optimizer_lr.value, found.optimizer_lr.path) == ((0.01,), "optimizer.init_args.lr")
    assert (found.optimizer_momentum.value, found.max_steps) == (0.8, None)
    assert (found.stepping, found.stepped_by) == ("epoch", "LightningCLI")


@pytest.mark.parametrize("key", ["interval", "call_on", "step", "scheduler_interval"])
def test_how_often_it_is_stepped_is_found_beside_it(key: str) -> None:
    block = "name: OneCycleLR, args: {max_lr: 0.1, total_steps: 4}"
    assert around(f"scheduler: {{{block}, {key}: batch}}\n").interval.value == "batch"
    assert around(f"configure: {{{key}: epoch, scheduler: {{{block}}}}}\n").interval.value == "epoch"


def test_the_same_number_in_a_reference_is_no_other_learning_rate() -> None:
    text = (SHAPES / "14_type_args.yaml").read_text()
    assert findings_in(text) == []
    assert [each.code for each in findings_in(text.replace("lr: 0.002", "lr: 0.003"))] == ["OC511"]


def test_a_comment_silences_a_finding_in_a_training_config() -> None:
    text = (SHAPES / "05_lightningcli.yaml").read_text()
    quiet = text.replace("once per EPOCH", "once per EPOCH  # onecycle: ignore[OC513]")
    assert [each.code for each in findings_in(quiet)] == ["OC512"]


# --- Many files -------------------------------------------------------------------------------------------------


def test_a_folder_of_a_thousand_mixed_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    samples = sorted(SHAPES.iterdir())
    for at in range(1000):
        folder = tmp_path / f"run{at % 10}"
        folder.mkdir(exist_ok=True)
        kind = at % 20
        if kind < len(samples):
            shutil.copy(samples[kind], folder / f"{at}{samples[kind].suffix}")
        else:
            (folder / f"{at}.yaml").write_text(f"services: {{web: {{port: {at}}}}}\n")
    assert main(["validate", str(tmp_path)]) == 0
    *_, last, by_steps, by_epochs = capsys.readouterr().out.splitlines()
    assert last == "600 files checked (400 files without a one-cycle schedule skipped): 50 warnings, 650 info"
    assert by_steps == "200 files get their length at run time: pass --total-steps to check it"
    assert by_epochs == "200 files get their length at run time: pass --steps-per-epoch to check it"
    assert main(["validate", str(tmp_path), "--exclude", "run[1-9]", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == 100


def test_what_is_known_only_at_run_time_passes_validation_and_stops_a_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "train.yaml"
    path.write_text("trainer:\n  max_epochs: 30\nscheduler:\n  type: OneCycleLR\n  max_lr: 0.1\n")
    assert main(["validate", "--strict", str(path)]) == 0
    assert "1 file gets its length at run time: pass --steps-per-epoch to check it" in capsys.readouterr().out
    assert main(["show", str(path)]) == 2
    assert "error[OC301]" in capsys.readouterr().err
    assert main(["show", str(path), "--steps-per-epoch", "10", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["total_steps"] == 300


BY_INTERVAL = (
    "trainer: {{max_epochs: 30}}\n"
    "lr: {{scheduler: {{_target_: torch.optim.lr_scheduler.OneCycleLR, {}}}, interval: epoch}}\n"
)
BY_DEFAULT = (
    "trainer: {{max_epochs: 30}}\n"
    "lr_scheduler: {{class_path: torch.optim.lr_scheduler.OneCycleLR, init_args: {{{}}}}}\n"
)
BY_MMENGINE = "train_cfg: {{max_epochs: 30}}\nparam_scheduler: [{{type: OneCycleLR, eta_max: 0.1, {}}}]\n"


@pytest.mark.parametrize(
    ("config", "given", "wanted"),
    [
        # The program may well fill in the number of epochs.
        (BY_INTERVAL, "max_lr: 0.1", ["info OC301"]),
        (BY_DEFAULT, "max_lr: 0.1", ["info OC301"]),
        (BY_INTERVAL, "max_lr: 0.1, total_steps: '???'", ["info OC501"]),
        (BY_INTERVAL, "max_lr: 0.1, total_steps: '${steps}'", ["info OC501"]),
        # The steps of epochs are counted in batches, however many they are.
        (BY_INTERVAL, "max_lr: 0.1, epochs: 30", ["info OC301", "error OC513"]),
        (BY_INTERVAL, "max_lr: 0.1, epochs: 30, steps_per_epoch: '???'", ["info OC501", "error OC513"]),
        (BY_DEFAULT, "max_lr: 0.1, epochs: 30, steps_per_epoch: auto", ["info OC501", "warning OC513"]),
        # Without the peak, too.
        (BY_INTERVAL, "max_lr: '???', total_steps: 5000", ["info OC501", "error OC513"]),
        (BY_INTERVAL, "max_lr: '???', total_steps: 30", ["info OC501"]),
        (BY_MMENGINE, "total_steps: 30", []),
        (BY_MMENGINE, "total_steps: 30, by_epoch: true", []),
        (BY_MMENGINE, "total_steps: 30, by_epoch: false", ["error OC514"]),
        (BY_MMENGINE, "total_steps: 5000, by_epoch: false", []),
        (BY_MMENGINE, "total_steps: 5000", ["error OC513"]),
    ],
)
def test_how_often_a_cycle_of_unknown_length_is_stepped(config: str, given: str, wanted: list[str]) -> None:
    found = sorted(findings_in(config.format(given)), key=lambda finding: finding.code)
    assert [f"{finding.severity} {finding.code}" for finding in found] == wanted


def test_a_length_in_epochs_is_suggested_where_the_scheduler_is_stepped_once_per_epoch() -> None:
    [found] = findings_in(BY_INTERVAL.format("max_lr: 0.1"))
    assert found.hint == "use --total-steps 30 or --set lr.scheduler.total_steps=30"


def test_many_files_without_a_length_are_counted_not_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for at in range(5):
        (tmp_path / f"{at}.yaml").write_text("scheduler: {type: OneCycleLR, max_lr: 0.1}\n")
    assert main(["validate", str(tmp_path)]) == 0
    assert "OC301" not in (out := capsys.readouterr().out)
    assert "5 files get their length at run time: pass --total-steps to check it" in out
    main(["validate", "--format", "json", str(tmp_path)])
    assert [found["code"] for found in json.loads(capsys.readouterr().out)["findings"]] == ["OC301"] * 5


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda data: data.decode("latin-1")))
def test_nothing_breaks_the_reading(text: str) -> None:
    for path in ("any.yaml", "any.py"):
        for each in (text, f"s: {{type: OneCycleLR, max_lr: 0.1, total_steps: {text}}}"):
            found = findings_in(each, path)
            assert all(finding.line is None or finding.line >= 1 for finding in found)


values = st.sampled_from(
    ["1", "-1", "0.1", "1e-3", "null", "", "???", "${a}", "${..b}", "${oc.env:X}", "*x", "[0.1, 0.2]", "{a: 1}", "x"]
)
keys = st.sampled_from(
    ["max_lr", "total_steps", "epochs", "pct_start", "warmup_epochs", "moms", "lr", "optimizer", "betas", "interval"]
)


@given(st.lists(st.tuples(keys, values), max_size=8), st.lists(st.tuples(keys, values), max_size=8), st.booleans())
def test_no_combination_breaks_it(inner: list[tuple[str, str]], outer: list[tuple[str, str]], flat: bool) -> None:
    lines = ["x: &x 3", *(f"{key}: {value}" for key, value in outer)]
    lines += ["scheduler: one_cycle" if flat else "scheduler:\n  type: OneCycleLR"]
    lines += [f"{'' if flat else '  '}{key}: {value}" for key, value in inner]
    findings_in("\n".join(lines))
