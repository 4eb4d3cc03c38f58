"""The shapes in which programs write a one-cycle schedule: each a minimal config and the settings it gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from onecycle_cli.cli import main
from onecycle_cli.config import Request, load
from onecycle_cli.config.files import Source
from onecycle_cli.config.reader import read

if TYPE_CHECKING:
    from pathlib import Path

TORCH = "torch.optim.lr_scheduler.OneCycleLR"

SHAPES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "epochs in a section": (
        "Global: {epoch_num: 20}\nscheduler: {type: OneCycleLR, max_lr: 0.1}\n",
        ".yaml",
        {"epochs": 20},
    ),
    "epochs one level up": (
        "OPTIMIZATION:\n  NUM_EPOCHS: 15\n  STAGE: {OPTIMIZER: adam_onecycle, LR: 0.003, PCT_START: 0.4}\n",
        ".yaml",
        {"convention": "openpcdet", "epochs": 15, "max_lr": 0.003, "pct_start": 0.4},
    ),
    "steps of the trainer": (
        "trainer: {max_steps: 5000}\nscheduler: {type: OneCycleLR, max_lr: 0.1}\n",
        ".yaml",
        {"total_steps": 5000},
    ),
    "a block at the root, by its type": (
        "type: OneCycleLR\nmax_lr: 0.1\ntotal_steps: 100\ninterval: step\n",
        ".yaml",
        {"max_lr": 0.1, "total_steps": 100},
    ),
    "a block at the root, by its name": (
        "name: onecycle\nmax_lr: 0.1\ntotal_steps: 100\ninterval: step\n",
        ".yaml",
        {"max_lr": 0.1, "total_steps": 100},
    ),
    "Cerebras": (
        "trainer: {init: {schedulers: [{OneCycleLR: {initial_learning_rate: 0.01, max_lr: 0.1, total_steps: 100}}]}}\n",
        ".yaml",
        {"max_lr": 0.1, "total_steps": 100, "div_factor": 10, "cycle_momentum": False},
    ),
    "a class name beside its dict": (
        "lr_scheduler_class_name: OneCycleLR\nlr_scheduler: {max_lr: 0.1, total_steps: 100, pct_start: 0.2}\n",
        ".yaml",
        {"max_lr": 0.1, "total_steps": 100, "pct_start": 0.2},
    ),
    "a class type beside its dict": (
        "scheduler_type: OneCycleLR\nscheduler: {max_lr: 0.1, total_steps: 100}\n",
        ".yaml",
        {"max_lr": 0.1, "total_steps": 100},
    ),
    **{
        f"{key} beside {arguments}": (
            f"batch_size: 4\n{key}: OneCycleLR\n{arguments}: {{max_lr: 0.1, total_steps: 100}}\n",
            ".yaml",
            {"max_lr": 0.1, "total_steps": 100, "batch_size": None},
        )
        for key in ("lr_scheduler_class_name", "scheduler_class", "lr_scheduler_type", "scheduler_name", "scheduler",
                    "lr_policy")
        for arguments in ("lr_scheduler", "lr_scheduler_args", "scheduler_params", "scheduler_kwargs", "scheduler_conf")
    },
    "a class beside its dict in Python": (
        "lr_scheduler_class = torch.optim.lr_scheduler.OneCycleLR\nlr_scheduler_args = dict(max_lr=0.1, epochs=10)\n",
        ".py",
        {"max_lr": 0.1, "epochs": 10},
    ),
    "a dict named by the class": (
        "lr: 0.01\nscheduler: onecycle\nonecycle: {max_lr: 0.1, pct_start: 0.2}\nstep: {gamma: 0.1}\nepochs: 10\n",
        ".yaml",
        {"max_lr": 0.1, "pct_start": 0.2, "epochs": 10},
    ),
    "PaddlePaddle's arguments without a class": (
        ("generator_scheduler_params: {max_learning_rate: 0.1, phase_pct: 0.2, divide_factor: 1, total_steps: 100,"
        " end_learning_rate: 0.01}\n"),
        ".yaml",
        {"convention": "paddle", "max_lr": 0.1, "pct_start": 0.2, "div_factor": 1, "final_lr": 0.01},
    ),
    "MMEngine's names in a dict of arguments": (
        "scheduler: {_target_: mmengine.optim.OneCycleLR, eta_max: 0.1, total_steps: 100}\n",
        ".yaml",
        {"convention": "mmengine", "max_lr": 0.1, "total_steps": 100},
    ),
    "a switch": (
        "use_one_cycle: true\nmax_lr: 0.1\npct_start: 0.2\nepochs: 10\nworkers: 4\n",
        ".yaml",
        {"max_lr": 0.1, "pct_start": 0.2, "epochs": 10},
    ),
    **{
        f"settings with {prefix}": (
            f"scheduler: onecycle\n{prefix}max_lr: 0.1\n{prefix}pct_start: 0.2\n{prefix}div_factor: 10\nepochs: 4\n",
            ".yaml",
            {"max_lr": 0.1, "pct_start": 0.2, "div_factor": 10, "epochs": 4},
        )
        for prefix in ("onecycle_", "one_cycle_", "OneCycleLR_", "scheduler_", "lr_scheduler_", "sched_", "onecycle.",
                       "onecycle_lr_")
    },
    "settings with a prefix at the root, without a name": (
        "ONE_CYCLE_MAX_LR: 0.1\nONE_CYCLE_PCT_START: 0.2\nEPOCHS: 4\n",
        ".yaml",
        {"max_lr": 0.1, "pct_start": 0.2, "epochs": 4},
    ),
    "a run's warm-up of 0, which is another scheduler's": (
        "train: {scheduler: onecycle, max_lr: 0.1, warmup_epochs: 0, epochs: 10}\n",
        ".yaml",
        {"max_lr": 0.1, "pct_start": None, "epochs": 10},
    ),
    "prefixed settings": (
        "train:\n  scheduler: onecycle\n  lr: 0.001\n  onecycle_max_lr: 0.1\n  onecycle_pct_start: 0.2\n  epochs: 5\n",
        ".yaml",
        {"max_lr": 0.1, "pct_start": 0.2, "epochs": 5},
    ),
    "prefixed settings without a name": (
        "train: {one_cycle_max_lr: 0.1, one_cycle_div_factor: 10, total_steps: 100}\n",
        ".yaml",
        {"max_lr": 0.1, "div_factor": 10, "total_steps": 100},
    ),
    "Det3D": (
        ("lr_config = dict(type='one_cycle', lr_max=0.001, moms=[0.95, 0.85], div_factor=10.0, pct_start=0.4)\n"
        "total_epochs = 20\n"),
        ".py",
        {"convention": "openpcdet", "max_lr": 0.001, "max_momentum": 0.95, "base_momentum": 0.85, "epochs": 20},
    ),
    "OpenOCR": (
        ("Global: {epoch_num: 20}\nOptimizer: {name: AdamW, lr: 0.00065}\n"
        "LRScheduler: {name: OneCycleLR, warmup_epoch: 1.5, cycle_momentum: false}\n"),
        ".yml",
        {"max_lr": 0.00065, "pct_start": 0.075, "epochs": 20, "cycle_momentum": False},
    ),
    "OpenOCR without a warm-up": (
        "Global: {epoch_num: 20}\nOptimizer: {name: AdamW, lr: 0.00065}\nLRScheduler: {name: OneCycleLR}\n",
        ".yml",
        {"max_lr": 0.00065, "pct_start": 0.05, "epochs": 20},
    ),
    "mmcv with momentum": (
        ("lr_config = dict(policy='OneCycle', max_lr=0.1, pct_start=0.2)\n"
        "momentum_config = dict(policy='OneCycle', base_momentum=0.8, max_momentum=0.9)\n"
        "runner = dict(type='EpochBasedRunner', max_epochs=24)\n"),
        ".py",
        {"convention": "torch", "max_lr": 0.1, "base_momentum": 0.8, "max_momentum": 0.9, "epochs": 24},
    ),
    "mmcv without momentum": (
        "lr_config = dict(policy='OneCycle', max_lr=0.1)\ntotal_epochs = 24\n",
        ".py",
        {"convention": "mmengine", "max_lr": 0.1, "epochs": 24},
    ),
    "Paddle3D's OneCycle": (
        ("lr_scheduler: {type: OneCycle, total_step: 740, lr_max: 0.001, moms: [0.95, 0.85], div_factor: 10, "
        "pct_start: 0.4}\n"),
        ".yml",
        {"convention": "openpcdet", "total_steps": 740, "max_lr": 0.001, "div_factor": 10, "pct_start": 0.4},
    ),
    "Paddle3D's OneCycleWarmupDecayLr": (
        ("optimizer:\n  type: OneCycleAdam\n"
        "  beta1: {type: OneCycleDecayWarmupMomentum, momentum_peak: 0.95, momentum_trough: 0.85}\n"
        "lr_scheduler: {type: OneCycleWarmupDecayLr, base_learning_rate: 0.0002, lr_ratio_peak: 5, "
        "lr_ratio_trough: 0.0001, step_ratio_peak: 0.3}\nepochs: 20\n"),
        ".yml",
        {"convention": "openpcdet", "max_lr": 0.001, "div_factor": 5, "pct_start": 0.3, "max_momentum": 0.95,
         "base_momentum": 0.85, "epochs": 20},
    ),
    "Paddle3D's OneCycleWarmupDecayLr with another end": (
        "lr_scheduler: {type: OneCycleWarmupDecayLr, base_learning_rate: 0.0002, lr_ratio_trough: 0.01}\n",
        ".yml",
        {"convention": "optax", "max_lr": 0.002, "div_factor": 10, "pct_start": 0.4, "final_div_factor": 100.0},
    ),
    "Paddle3D's OneCycleWarmupDecayLr in a section": (
        ("finetune_config:\n  optimizer: {beta1: {momentum_peak: 0.9, momentum_trough: 0.8}}\n"
        "  lr_scheduler: {type: OneCycleWarmupDecayLr, base_learning_rate: 0.001}\n  epochs: 80\n"),
        ".yml",
        {"convention": "openpcdet", "max_lr": 0.01, "max_momentum": 0.9, "base_momentum": 0.8, "epochs": 80},
    ),
    "PaddleOCR": (
        "Global: {epoch_num: 40}\nOptimizer: {name: AdamW, lr: {name: OneCycle, max_lr: 0.002, warmup_epoch: 0}}\n",
        ".yml",
        {"max_lr": 0.002, "pct_start": None, "cycle_momentum": False, "epochs": 40},
    ),
    "OpenSTL": (
        "lr = 5e-3\nbatch_size = 16\nsched = 'onecycle'\n",
        ".py",
        {"max_lr": 0.005, "batch_size": 16},
    ),
    "yacs": (
        ("from yacs.config import CfgNode as CN\n_CN = CN()\n_CN.trainer = CN()\n_CN.trainer.scheduler = 'OneCycleLR'\n"
        "_CN.trainer.canonical_lr = 25e-5\n_CN.trainer.num_steps = 120000\n"
        "_CN.trainer.anneal_strategy = 'linear'\ndef get_cfg():\n    return _CN.clone()\n"),
        ".py",
        {"max_lr": 0.00025, "total_steps": 120000, "anneal_strategy": "linear"},
    ),
    "an updated copy": (
        ("BASE = dict(epochs=30)\nX = copy.deepcopy(BASE)\n"
        "X.update(dict(lr_scheduler_class=torch.optim.lr_scheduler.OneCycleLR,"
        " lr_scheduler_args=dict(max_lr=0.1, pct_start=0.2)))\n"),
        ".py",
        {"max_lr": 0.1, "pct_start": 0.2, "epochs": 30},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_gives_its_settings(name: str) -> None:
    text, ending, wanted = SHAPES[name]
    [plan] = read(Source(f"config{ending}", named=True, text=text))
    assert plan.is_one_cycle
    given = {setting: plan.values.get(setting) for setting in wanted}
    assert given == pytest.approx(wanted) if "convention" not in wanted else given == wanted


def test_each_class_has_its_own_arguments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "generator_scheduler: OneCycleLR\ndiscriminator_scheduler: OneCycleLR\n"
        "discriminator_scheduler_params: {max_lr: 0.2, total_steps: 200}\n"
        "generator_scheduler_params: {max_lr: 0.1, total_steps: 100}\n"
    )
    first, second = read(Source("config.yaml", named=True, text=path.read_text()))
    assert (first.values["max_lr"], first.arguments) == (0.1, "generator_scheduler_params")
    assert (second.values["max_lr"], second.arguments) == (0.2, "discriminator_scheduler_params")
    assert main(["show", str(path)]) == 2
    assert "--block generator_scheduler_params" in capsys.readouterr().err
    assert main(["show", str(path), "--block", "discriminator_scheduler_params"]) == 0


def test_blocks_below_a_class_with_arguments_are_found() -> None:
    text = "scheduler: OneCycleLR\nscheduler_params: {max_lr: 0.1}\nother: {type: OneCycleLR, max_lr: 0.2}\n"
    plans = read(Source("config.yaml", named=True, text=text))
    assert [plan.values["max_lr"] for plan in plans] == [0.1, 0.2]


def findings(tmp_path: Path, text: str, name: str = "config.yaml") -> list[str]:
    path = tmp_path / name
    path.write_text(text)
    return [found.code for found in load(Request((str(path),), every_plan=True)).findings]


def test_data_settings_without_a_length_are_known_at_run_time(tmp_path: Path) -> None:
    path = tmp_path / "config.py"
    path.write_text("lr = 5e-3\nbatch_size = 16\nsched = 'onecycle'\n")
    [found] = load(Request((str(path),), every_plan=True)).findings
    assert (found.code, found.severity.value) == ("OC301", "info")


def test_what_flowformers_code_passes_is_said_until_it_is_given(tmp_path: Path) -> None:
    path = tmp_path / "config.py"
    path.write_text(SHAPES["yacs"][0])
    [found] = load(Request((str(path),), every_plan=True)).findings
    assert (found.code, found.severity.value, found.setting) == ("OC504", "info", "pct_start")
    assert "--total-steps 120100" in found.hint
    flags = {"pct_start": 0.05, "cycle_momentum": False, "total_steps": 120100}
    [plan] = load(Request((str(path),), flags=flags)).plans
    assert (plan.findings, plan.plan is not None) == ((), True)


def test_what_openpcsegs_code_passes_is_said(tmp_path: Path) -> None:
    text = (
        "OPTIM: {SCHEDULER: onecycle, LR_PER_SAMPLE: 0.002, LEARNING_RATE: 0.002, WARMUP_EPOCH: 10, NUM_EPOCHS: 50,"
        " OPTIMIZER: sgd}\n"
    )
    path = tmp_path / "config.yaml"
    path.write_text(text)
    found = [each for each in load(Request((str(path),), every_plan=True)).findings if each.code == "OC504"]
    assert [each.hint for each in found] == ["use --final-div-factor 100.0"]


def test_momentum_that_a_plan_of_paddle3d_lacks_is_said(tmp_path: Path) -> None:
    text = (
        "optimizer: {beta1: {momentum_peak: 0.95, momentum_trough: 0.85}}\n"
        "lr_scheduler: {type: OneCycleWarmupDecayLr, base_learning_rate: 0.0002, lr_ratio_trough: 0.01}\nepochs: 9\n"
    )
    assert "OC504" in findings(tmp_path, text)
    assert "OC504" not in findings(tmp_path, text.replace("0.01", "0.0001"))


def test_paddleocrs_own_warmup_is_said(tmp_path: Path) -> None:
    text = "Global: {epoch_num: 40}\nOptimizer: {lr: {name: OneCycle, max_lr: 0.002, warmup_epoch: 2}}\n"
    assert "OC503" in findings(tmp_path, text)


def test_another_warmup_beside_that_of_mmcv_is_said(tmp_path: Path) -> None:
    text = "lr_config = dict(policy='OneCycle', max_lr=0.1, warmup='linear', warmup_iters=500)\ntotal_iters = 1000\n"
    assert "OC503" in findings(tmp_path, text, "config.py")


@pytest.mark.parametrize(
    "text",
    [
        "scheduler: {type: OneCycleLRWithWarmup, num_steps: 100, lr_range: [0.1, 0.001], warmup_steps: 10}\n",
        "scheduler: {type: OneCycleLR, num_steps: 100, lr_range: [0.1, 0.001]}\n",
        "scheduler: {type: OneCyclePolicy, max_lr: 0.1}\n",
        "scheduler: {type: OneCycleLR, num_steps: 100, lr_range: [0.1, 1.0], annihilation_frac: 0.1}\n",
        "callback: {class_name: OneCycleLR, max_lr: 0.1, end_percentage: 0.1, maximum_momentum: 0.95}\n",
        "callback: {class_name: OneCycleScheduler, iterations: 1000, max_rate: 0.1, last_rate: 0.0001}\n",
    ],
)
def test_what_is_only_called_one_cycle_is_refused_by_name(text: str, tmp_path: Path) -> None:
    assert findings(tmp_path, text) == ["OC502"]
    assert main(["validate", str(tmp_path)]) == 0  # in a folder it is not a schedule to check


def test_a_form_that_describes_settings_is_not_a_schedule(tmp_path: Path) -> None:
    text = "trainer:\n  max_lr: {description: the peak, default: 0.1}\n  pct_start: {description: its place}\n"
    assert findings(tmp_path, text) == []


@pytest.mark.parametrize("alias", ["*s", "{<<: *s}"])
def test_an_aliased_mapping_reports_once(alias: str, tmp_path: Path) -> None:
    block = "{type: OneCycleLR, max_lr: 0.1, total_steps: 100, pct_start: 30}"
    text = f"a: {{scheduler: &s {block}}}\nb: {{scheduler: {alias}}}\n"
    assert findings(tmp_path, text) == ["OC202"]


def test_a_block_at_the_root_is_named_by_a_dot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "scheduler: onecycle\nmax_lr: 0.1\ntotal_steps: 10\n"
        "other: {scheduler: {type: OneCycleLR, max_lr: 0.2, total_steps: 20}}\n"
    )
    assert main(["show", str(path)]) == 2
    assert "--block ." in capsys.readouterr().err
    assert main(["show", str(path), "--block", "."]) == 0
    assert main(["show", str(path), "--block", "other.scheduler"]) == 0
