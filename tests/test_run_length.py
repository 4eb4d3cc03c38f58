"""Where a training config states the length of its run: the keys, the sections, and what is not the run's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from onecycle_cli.config import Request, load
from onecycle_cli.config.files import Source
from onecycle_cli.config.reader import read

if TYPE_CHECKING:
    from pathlib import Path

BLOCK = "scheduler: {type: OneCycleLR, max_lr: 0.1}\n"

EPOCHS = (
    "epochs", "epoch", "max_epochs", "max_epoch", "num_epochs", "num_epoch", "n_epochs", "nb_epochs", "epoch_num",
    "epoch_nums", "total_epochs", "total_epoch", "NUM_EPOCHS", "MAX_EPOCH", "EPOCHS", "num_train_epochs",
    "train_epochs", "training_epochs", "maxEpochs", "nEpochs", "max_num_epochs", "max_train_epochs", "epoches",
    "number_of_epochs", "END_EPOCH",
)  # fmt: skip

STEPS = (
    "max_steps", "max_iters", "max_iter", "MAX_ITER", "total_iters", "total_step", "total_iterations", "train_iters",
    "num_training_steps", "num_train_steps", "max_train_steps", "max_updates",
)  # fmt: skip

MAYBE_STEPS = ("num_steps", "iters", "n_iters", "iterations", "num_iters", "steps")

SECTIONS = (
    "Global", "TRAIN", "SOLVER", "runner", "train_cfg", "TRAINING", "Trainer", "trainer_params", "training_parameters",
    "OPTIM", "OPTIMIZATION", "hparams", "hyper_params", "pl_trainer", "trainer_kwargs", "training_config", "train_loop",
    "args", "schedule", "lightning_trainer", "train_options",
)  # fmt: skip


def length(text: str) -> tuple[object, object]:
    [plan] = read(Source("config.yaml", named=True, text=text))
    assert plan.is_one_cycle
    assert not [found for found in plan.findings if found.severity.value == "error"]
    return plan.values.get("epochs"), plan.values.get("total_steps")


@pytest.mark.parametrize("key", EPOCHS)
def test_epochs_are_found_at_the_root_in_the_block_and_among_a_runs_settings(key: str) -> None:
    assert length(f"{key}: 30\n{BLOCK}") == (30, None)
    assert length(f"scheduler: {{type: OneCycleLR, max_lr: 0.1, {key}: 30}}\n") == (30, None)
    assert length(f"train: {{scheduler: onecycle, max_lr: 0.1, {key}: 30}}\n") == (30, None)


@pytest.mark.parametrize("key", STEPS)
def test_steps_are_found_and_precede_epochs(key: str) -> None:
    assert length(f"epochs: 30\n{key}: 3000\n{BLOCK}") == (None, 3000)


@pytest.mark.parametrize("key", MAYBE_STEPS)
def test_other_numbers_of_steps_count_where_nothing_else_gives_the_length(key: str) -> None:
    assert length(f"{key}: 3000\n{BLOCK}") == (None, 3000)
    assert length(f"epochs: 30\n{key}: 8\n{BLOCK}") == (30, None)
    assert length(f"train: {{scheduler: onecycle, max_lr: 0.1, epochs: 30, {key}: 8}}\n") == (30, None)


def test_another_number_of_steps_is_not_compared_with_the_cycle(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("num_steps: 8\nscheduler: {type: OneCycleLR, max_lr: 0.1, total_steps: 3000}\n")
    assert load(Request((str(path),), every_plan=True)).findings == []


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_gives_the_length(section: str) -> None:
    assert length(f"{section}: {{epochs: 30}}\n{BLOCK}") == (30, None)
    assert length(f"part:\n  {section}: {{epochs: 30}}\n  {BLOCK}") == (30, None)


def test_a_section_in_a_section_gives_the_length() -> None:
    assert length(f"lightning: {{trainer: {{max_epochs: 30}}}}\n{BLOCK}") == (30, None)
    assert length(f"trainer: {{params: {{max_epochs: 30}}}}\n{BLOCK}") == (30, None)


def test_the_nearest_length_counts() -> None:
    assert length(f"epochs: 5\npretrain:\n  epochs: 30\n  {BLOCK}") == (30, None)
    assert length(f"epochs: 5\npart:\n  train: {{epochs: 30}}\n  {BLOCK}") == (30, None)


@pytest.mark.parametrize(
    "section", ["pretrain", "pre_training", "eval", "evaluation", "val", "test", "warmup", "checkpoint"]
)
def test_other_stages_give_no_length(section: str) -> None:
    assert length(f"{section}: {{epochs: 30}}\n{BLOCK}") == (None, None)


@pytest.mark.parametrize(
    "key",
    ["warmup_epochs", "pretrain_epochs", "eval_epochs", "save_epoch", "start_epoch", "epoch_interval", "log_steps"],
)
def test_other_counts_are_not_the_length(key: str) -> None:
    assert length(f"{key}: 3\n{BLOCK}") == (None, None)


def test_a_list_is_not_a_length() -> None:
    assert length(f"epochs: [10, 20]\nmax_iters: '10,20'\n{BLOCK}") == (None, None)


def test_a_mistyped_length_in_a_block_stays_an_error() -> None:
    [plan] = read(Source("config.yaml", named=True, text="s: {type: OneCycleLR, max_lr: 0.1, total_step: 100}\n"))
    assert [found.code for found in plan.findings] == ["OC101"]
