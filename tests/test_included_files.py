"""Plans and findings of configs that include others, from Hydra's defaults lists and base files."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from onecycle_cli.cli import main
from onecycle_cli.config import Loaded, Request, load
from onecycle_cli.errors import OnecycleError
from onecycle_cli.findings import Finding

from .composed_configs import Case, write

TARGET = "_target_: torch.optim.lr_scheduler.OneCycleLR\n"
HYDRA = {
    "conf/train.yaml": (
        "defaults:\n  - _self_\n  - scheduler: onecycle\n  - trainer: default\n  - experiment: null\nlr: 0.1\n"
    ),
    "conf/scheduler/onecycle.yaml": f"{TARGET}max_lr: ${{lr}}\ntotal_steps: ${{trainer.max_steps}}\n",
    "conf/scheduler/step.yaml": "_target_: torch.optim.lr_scheduler.StepLR\nstep_size: 3\n",
    "conf/trainer/default.yaml": "max_steps: 1000\n",
    "conf/trainer/long.yaml": "defaults:\n  - default\nmax_steps: 9000\n",
    "conf/experiment/long.yaml": "# @package _global_\ndefaults:\n  - override /trainer: long\nlr: 0.2\n",
}
MMENGINE = {
    "configs/_base_/schedule.py": (
        "schedule = dict(eta_max=0.1, total_steps=1000, by_epoch=False)\n"
        "param_scheduler = [dict(schedule, type='OneCycleLR', pct_strat=0.2)]\n"
    ),
    "configs/a.py": (
        "_base_ = ['_base_/schedule.py']\nparam_scheduler = [dict(_base_.param_scheduler[0], eta_max=0.2)]\n"
    ),
    "configs/b.py": "_base_ = '_base_/schedule.py'\n",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def wrote(folder: Path, *files: dict[str, str], **more: str) -> None:
    write(Case({path: text for each in files for path, text in each.items()} | more, ""), folder)


def read(*paths: str, **asked: object) -> Loaded:
    return load(Request(paths, every_plan=True, **asked))  # type: ignore[arg-type]


def lengths(loaded: Loaded) -> dict[str, int | None]:
    return {plan.file: None if plan.settings is None else plan.settings.total_steps for plan in loaded.plans}


def places(findings: list[Finding]) -> list[tuple[str, str | None, int | None]]:
    return [(finding.code, finding.file, finding.line) for finding in findings]


# --- Hydra ------------------------------------------------------------------------------------------------------


def test_a_primary_config_has_the_schedule_that_it_selects(folder: Path) -> None:
    wrote(folder, HYDRA)
    loaded = read("conf/train.yaml")
    assert lengths(loaded) == {"conf/train.yaml": 1000}
    assert loaded.plans[0].settings is not None
    assert loaded.plans[0].settings.max_lr == 0.1


def test_a_folder_gives_a_plan_to_each_file_that_has_one(folder: Path) -> None:
    wrote(folder, HYDRA)
    loaded = read("conf")
    assert lengths(loaded) == {
        "conf/experiment/long.yaml": 9000,
        "conf/scheduler/onecycle.yaml": 1000,
        "conf/train.yaml": 1000,
    }
    assert loaded.skipped == 3


def test_one_mistake_is_reported_once_where_it_is(folder: Path) -> None:
    wrote(folder, HYDRA)
    (folder / "conf/scheduler/onecycle.yaml").write_text(HYDRA["conf/scheduler/onecycle.yaml"] + "pct_strat: 0.2\n")
    for paths in (["conf"], ["conf/train.yaml"], ["conf/experiment/long.yaml", "conf/scheduler/onecycle.yaml"]):
        loaded = read(*paths)
        assert places(loaded.findings) == [("OC101", "conf/scheduler/onecycle.yaml", 4)]
        assert [*loaded.sources] == ["conf/scheduler/onecycle.yaml"]


def test_a_comment_in_an_included_file_silences_its_line(folder: Path) -> None:
    wrote(folder, HYDRA)
    text = HYDRA["conf/scheduler/onecycle.yaml"] + "pct_strat: 0.2  # onecycle: ignore[OC101]\n"
    (folder / "conf/scheduler/onecycle.yaml").write_text(text)
    assert read("conf").findings == []


def test_the_report_shows_the_line_of_the_included_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrote(folder, HYDRA)
    (folder / "conf/trainer/default.yaml").write_text("# steps\nmax_steps: 1000.0\n")
    assert main(["validate", "conf/train.yaml"]) == 0
    shown = capsys.readouterr().out
    assert "--> conf/trainer/default.yaml:2:12" in shown
    assert "2 | max_steps: 1000.0\n" in shown


@pytest.mark.parametrize(
    ("more", "steps"),
    [
        ({}, 1000),
        ({"conf/other.yaml": HYDRA["conf/train.yaml"]}, 1000),  # they agree
        ({"conf/other.yaml": "defaults: [{scheduler: onecycle}, {trainer: long}]\nlr: 0.1\n"}, None),
        ({"conf/other.yaml": "defaults: [{scheduler: step}, {trainer: long}]\nlr: 0.1\n"}, 1000),  # selects another
        ({"conf/eval.yaml": "defaults: [{scheduler: onecycle}]\nlr: 0.1\n"}, 1000),  # trains nothing
        ({"conf/train.yaml": "defaults: [{trainer: long}, {scheduler: step}]\nlr: 1\n"}, 9000),  # a choice
        ({"conf/train.yaml": "defaults: [{trainer: long}]\nlr: 1\n"}, 9000),  # an addition
        (
            {
                "conf/train.yaml": "defaults: [{trainer: default}, {scheduler: step}, {experiment: null}]\nlr: 1\n",
                "conf/experiment/long.yaml": HYDRA["conf/experiment/long.yaml"].replace(
                    "defaults:\n", "defaults:\n  - override /scheduler: onecycle\n"
                ),
            },
            9000,
        ),  # through an experiment
        ({"conf/train.yaml": "lr: 1\n"}, None),  # there is no primary config
    ],
)
def test_a_group_file_is_read_as_part_of_its_primary_config(
    more: dict[str, str], steps: int | None, folder: Path
) -> None:
    wrote(folder, HYDRA, more)
    loaded = read("conf/scheduler/onecycle.yaml")
    assert lengths(loaded)["conf/scheduler/onecycle.yaml"] == steps
    assert {finding.code for finding in loaded.findings} == (set() if steps else {"OC501"})


def test_primary_configs_that_differ_are_named(folder: Path) -> None:
    wrote(folder, HYDRA, {"conf/big.yaml": "defaults: [{scheduler: onecycle}, {trainer: long}]\nlr: 0.1\n"})
    found = read("conf/scheduler/onecycle.yaml").findings
    assert {finding.setting for finding in found} == {"max_lr", "total_steps"}
    assert all("conf/big.yaml, conf/train.yaml" in finding.message for finding in found)
    assert main(["show", "conf/scheduler/onecycle.yaml"]) == 2


def test_an_experiment_is_read_with_its_primary_config(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrote(folder, HYDRA)
    assert main(["show", "conf/experiment/long.yaml"]) == 0
    shown = capsys.readouterr()
    assert "9,000" in shown.out
    assert "conf/train.yaml with experiment=long" in shown.err


def test_an_experiment_that_hydra_refuses(folder: Path) -> None:
    text = "# @package _global_\ndefaults:\n  - override /scheduler: onecycle\n  - override /model: x\n"
    wrote(folder, HYDRA, {"conf/experiment/wrong.yaml": text})
    assert places(read("conf/experiment/wrong.yaml").findings) == [("OC009", "conf/experiment/wrong.yaml", 4)]


def test_an_experiment_that_others_extend_is_read_as_itself(folder: Path) -> None:
    text = "# @package _global_\ndefaults:\n  - long\n  - override /scheduler: onecycle\ntrainer: {max_steps: 70}\n"
    wrote(folder, HYDRA, {"conf/experiment/longer.yaml": text})
    loaded = read("conf/experiment")
    assert lengths(loaded) == {"conf/experiment/long.yaml": 9000, "conf/experiment/longer.yaml": 70}
    assert loaded.plans[0].notes == (
        "conf/experiment/long.yaml is read as part of conf/train.yaml with experiment=long",
    )


def test_a_group_file_that_nothing_selects_is_not_compared_with_the_optimizer_of_a_primary_config(
    folder: Path,
) -> None:
    train = "defaults: [{optimizer: sgd}, {scheduler: step}, {gone: x}]\nlr: 1\ntrainer: {max_steps: 50}\n"
    wrote(folder, HYDRA, {"conf/train.yaml": train, "conf/optimizer/sgd.yaml": "_target_: torch.optim.SGD\nlr: 5\n"})
    assert read("conf/scheduler/onecycle.yaml").findings == []
    (folder / "conf/train.yaml").write_text(train.replace("step}", "onecycle}"))
    assert [found.code for found in read("conf/scheduler/onecycle.yaml").findings] == ["OC511"]


def test_a_group_file_with_settings_alone_is_a_schedule_of_its_primary_config(folder: Path) -> None:
    settings = "max_lr: 0.1\npct_start: 0.2\ntotal_steps: ${trainer.max_steps}\nwarm: 3\n"
    wrote(folder, HYDRA, {"conf/scheduler/onecycle.yaml": settings})
    assert lengths(read("conf/scheduler/onecycle.yaml")) == {"conf/scheduler/onecycle.yaml": 1000}
    assert read("conf").findings == []


def test_a_reference_to_a_group_that_is_not_here_is_not_refused(folder: Path) -> None:
    more = "  - from_package: x\n  - other: ${from_package}_big\nlr: "
    wrote(folder, HYDRA, {"conf/train.yaml": HYDRA["conf/train.yaml"].replace("lr: ", more)})
    assert read("conf/train.yaml").findings == []


def test_files_of_another_group_have_no_schedule(folder: Path) -> None:
    wrote(folder, HYDRA)
    loaded = read("conf/trainer/long.yaml")
    assert loaded.plans == []
    assert [error.message for error in loaded.unreadable] == ["no one-cycle schedule in conf/trainer/long.yaml"]


def test_a_missing_option_is_a_warning_unless_it_is_optional(folder: Path) -> None:
    wrote(folder, HYDRA)
    text = HYDRA["conf/train.yaml"].replace("trainer: default", "trainer: defualt\n  - optional local: mine")
    (folder / "conf/train.yaml").write_text(text + "trainer: {max_steps: 1000}\n")
    (found,) = read("conf/train.yaml").findings
    assert (found.code, found.severity, found.line, found.hint) == ("OC007", "warning", 4, "did you mean default?")


@pytest.mark.parametrize("item", ["hydra/launcher: joblib", "plugin: x", "base_config", "override hydra/output: y"])
def test_what_may_be_part_of_a_package_is_not_missed(item: str, folder: Path) -> None:
    wrote(folder, HYDRA)
    (folder / "conf/train.yaml").write_text(HYDRA["conf/train.yaml"].replace("lr: ", f"  - {item}\nlr: "))
    assert read("conf/train.yaml").findings == []


def test_values_are_set_by_their_path_in_the_whole_config_or_in_the_group_file(folder: Path) -> None:
    wrote(folder, HYDRA)
    for path in ("conf/train.yaml", "conf/scheduler/onecycle.yaml"):
        loaded = read(path, assignments=("trainer.max_steps=50", "scheduler.pct_start=0.5", "lr=3"))
        (settings,) = (plan.settings for plan in loaded.plans)
        assert settings is not None
        assert (settings.total_steps, settings.pct_start, settings.max_lr) == (50, 0.5, 3)
    (plan,) = read("conf/scheduler/onecycle.yaml", assignments=("total_steps=60",)).plans
    assert plan.settings is not None
    assert plan.settings.total_steps == 60
    with pytest.raises(OnecycleError, match="max_stepz has no effect"):
        read("conf/train.yaml", assignments=("trainer.max_stepz=50",))


def test_a_block_is_named_by_its_path_in_the_whole_config(folder: Path) -> None:
    wrote(folder, HYDRA, {"conf/second/cycle.yaml": f"{TARGET}max_lr: 1\ntotal_steps: 5\n"})
    (folder / "conf/train.yaml").write_text(HYDRA["conf/train.yaml"].replace("lr: ", "  - second: cycle\nlr: "))
    with pytest.raises(OnecycleError, match=r"scheduler \(conf/scheduler/onecycle.yaml:1\), second"):
        load(Request(("conf/train.yaml",)))
    (plan,) = load(Request(("conf/train.yaml",), block="second")).plans
    assert plan.settings is not None
    assert plan.settings.total_steps == 5


def test_omegaconf_reads_every_file(folder: Path) -> None:
    wrote(folder, HYDRA, {"conf/scheduler/onecycle.yaml": f"{TARGET}max_lr: 1e-3\ntotal_steps: 1000\n"})
    assert read("conf/train.yaml").findings == []


# --- Base files -------------------------------------------------------------------------------------------------


def test_a_python_config_has_the_schedule_of_its_base_file(folder: Path) -> None:
    wrote(folder, MMENGINE)
    loaded = read("configs/a.py", "configs/b.py")
    peaks = {plan.file: plan.settings and plan.settings.max_lr for plan in loaded.plans}
    assert peaks == {"configs/a.py": 0.2, "configs/b.py": 0.1}
    assert places(loaded.findings) == [("OC101", "configs/_base_/schedule.py", 2)]


def test_a_folder_reads_configs_that_mention_a_schedule_only_in_a_base_file(folder: Path) -> None:
    wrote(folder, MMENGINE, {"configs/c.py": "_base_ = '_base_/other.py'\n", "configs/_base_/other.py": "x = 1\n"})
    loaded = read("configs")
    assert sorted(loaded.files) == ["configs/_base_/schedule.py", "configs/a.py", "configs/b.py"]
    assert places(loaded.findings) == [("OC101", "configs/_base_/schedule.py", 2)]


def test_what_a_base_file_lacks_is_not_missed_if_a_file_that_includes_it_gives_it(folder: Path) -> None:
    base = "scheduler = dict(type='OneCycleLR', max_lr=0.1)\n"
    wrote(folder, {"a.py": "_base_ = 'base.py'\nscheduler = dict(total_steps=100)\n", "base.py": base})
    assert [finding.code for finding in read("base.py").findings] == ["OC301"]
    assert read("base.py", "a.py").findings == []


def test_yaml_base_files(folder: Path) -> None:
    wrote(
        folder,
        {
            "configs/a.yml": "_BASE_: ['base/opt.yml']\nepoch: 5\nscheduler: {max_lr: 0.2}\n",
            "configs/base/opt.yml": "scheduler: {type: OneCycleLR, max_lr: 0.1, total_steps: 1000, pct_start: 1e-1}\n",
        },
    )
    loaded = read("configs/a.yml")
    assert lengths(loaded) == {"configs/a.yml": 1000}
    assert places(loaded.findings) == [("OC104", "configs/base/opt.yml", 1)]


def test_a_missing_base_file_stops_every_command_but_validate(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrote(folder, MMENGINE)
    (folder / "configs/b.py").write_text("_base_ = ['_base_/schedule.py', 'gone.py']\n")
    assert main(["show", "configs/b.py"]) == 2
    assert "OC007" in capsys.readouterr().err
    assert main(["validate", "configs/b.py"]) == 1


# --- Fixes, standard input, files that change nothing -----------------------------------------------------------


def test_fixes_are_made_in_the_files_that_were_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scheduler = folder / "conf/scheduler/onecycle.yaml"
    wrote(folder, HYDRA)
    text = HYDRA["conf/scheduler/onecycle.yaml"]
    scheduler.write_text(text.replace("total_steps", "total_step"))
    main(["validate", "--fix", "conf/train.yaml"])
    assert "conf/scheduler/onecycle.yaml is left as it is" in capsys.readouterr().err
    assert "total_step:" in scheduler.read_text()
    assert main(["validate", "--fix", "conf"]) == 0
    assert scheduler.read_text() == text


def test_a_fix_in_a_file_without_a_schedule_of_its_own(folder: Path) -> None:
    wrote(folder, HYDRA, {"conf/trainer/default.yaml": "max_steps: 1000.0\n"})
    assert main(["validate", "--fix", "conf"]) == 0
    assert (folder / "conf/trainer/default.yaml").read_text() == "max_steps: 1000\n"


@pytest.mark.parametrize(
    ("text", "named"),
    [(HYDRA["conf/train.yaml"], "defaults"), ("_BASE_: base.yml\n", "base.yml"), ("_base_: [base.yml]\n", "base.yml")],
)
def test_standard_input_has_no_files_beside_it(
    text: str, named: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrote(folder, {"base.yml": "scheduler: {type: OneCycleLR, max_lr: 1, total_steps: 5}\n"})
    for more, code in (("", 2), (f"other:\n  {TARGET}  max_lr: 1\n  total_steps: 5\n".replace("\nmax", "\n  max"), 0)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((text + more).encode())))
        assert main(["validate", "--format", "concise", "-"]) == code
        shown = capsys.readouterr()
        assert "standard input has no folder" in shown.out + shown.err
        assert named in shown.out + shown.err


def test_every_file_is_read_as_before_where_nothing_is_included(folder: Path) -> None:
    wrote(folder, {"plans/a.yaml": "max_lr: 0.1\ntotal_steps: 10\n", "train.yaml": "defaults: [{plans: b}]\n"})
    loaded = read(".")
    assert lengths(loaded) == {"plans/a.yaml": 10}
    assert loaded.findings == []
