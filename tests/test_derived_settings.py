"""Settings that stand for others: lr_decay for one peak per group, samples and tokens for a number of steps."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from onecycle_cli import OneCycle, PlanError
from onecycle_cli.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Any]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs a command, which succeeds, and returns what it printed on both streams."""

    def run_command(*arguments: str) -> Any:
        assert main(arguments) == 0
        return capsys.readouterr()

    return run_command


@pytest.mark.parametrize("groups", [1, 4, ["stem", "body", "head"]])
def test_layer_peaks_fall_from_the_last_group_to_the_first(groups: Any) -> None:
    plan = OneCycle(max_lr=0.1, total_steps=1000, lr_decay=0.8, groups=groups)
    schedule = plan.schedule()
    peaks = [schedule.lr(299, group) for group in range(len(schedule.groups))]
    assert peaks[-1] == 0.1
    for lower, higher in pairwise(peaks):
        assert lower == pytest.approx(0.8 * higher, rel=1e-15)
    listed = OneCycle(max_lr=tuple(0.1 * 0.8**power for power in reversed(range(len(peaks)))), total_steps=1000)
    assert [listed.schedule().lr(299, group) for group in range(len(peaks))] == peaks


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_layer_peaks_are_the_plan_that_code_writes(optimizer: str, run: Run) -> None:
    flags = ["--max-lr", "0.1", "--total-steps", "100", "--lr-decay", "0.5", "--groups", "3", "--optimizer", optimizer]
    assert "[0.025, 0.05, 0.1]" in run("code", "--framework", "torch", *flags).out


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"lr_decay": 0.8}, "OC207"),
        ({"lr_decay": 0.8, "max_lr": [0.1, 0.2]}, "OC207"),
        ({"lr_decay": 0.8, "max_lr": [0.1, 0.2], "groups": 2}, "OC207"),
        ({"lr_decay": 0.1, "groups": 900}, "OC207"),
        ({"lr_decay": 0.0, "groups": 3}, "OC201"),
        ({"lr_decay": 1.5, "groups": 3}, "OC201"),
        ({"lr_decay": 0.8, "groups": 0}, "OC201"),
        ({"lr_decay": 0.8, "groups": ["a", "a"]}, "OC206"),
        ({"lr_decay": 0.8, "groups": 3, "max_momentum": [0.9, 0.95]}, "OC203"),
    ],
)
def test_layer_peaks_that_cannot_be(settings: dict[str, Any], code: str) -> None:
    plan = OneCycle(**{"max_lr": 0.1, "total_steps": 1000, **settings})
    assert [found.code for found in plan.findings()] == [code]
    with pytest.raises(PlanError):
        plan.schedule()


@pytest.mark.parametrize(
    ("settings", "total_steps"),
    [
        ({"samples": 12_800_000, "batch_size": 256}, 50_000),
        ({"samples": 12_800_001, "batch_size": 256}, 50_001),
        ({"samples": 12_800_001, "batch_size": 256, "drop_last": True}, 50_000),
        ({"samples": 1000, "batch_size": 16, "gradient_accumulation": 4, "world_size": 3}, 6),
        ({"tokens": 10**9, "tokens_per_step": 2**19}, 1908),
        ({"tokens": 2**30, "tokens_per_step": 2**19}, 2048),
        ({"samples": 1000, "batch_size": 10, "tokens": 5000, "tokens_per_step": 50}, 100),
    ],
)
def test_streams_give_the_length(settings: dict[str, Any], total_steps: int) -> None:
    plan = OneCycle(max_lr=0.1, **settings)
    assert plan.schedule().total_steps == total_steps
    assert not [found for found in plan.findings() if found.code == "OC401"]


def test_a_stream_numbers_epochs_where_the_data_are_known() -> None:
    schedule = OneCycle(max_lr=0.1, samples=128_000, batch_size=128, dataset_size=12_800).schedule()
    assert (schedule.total_steps, schedule.steps_per_epoch) == (1000, 100)


def test_a_stream_far_beyond_memory_is_counted_exactly() -> None:
    tokens, per_step = 9 * 10**15 + 7, 4_194_304
    steps = OneCycle(max_lr=0.1, tokens=tokens, tokens_per_step=per_step).schedule().total_steps
    assert steps - 1 < Fraction(tokens, per_step) <= steps


@pytest.mark.parametrize(
    ("settings", "code", "about"),
    [
        ({"samples": 1000}, "OC301", "samples"),
        ({"tokens": 1000}, "OC301", "tokens"),
        ({"samples": 5, "batch_size": 10, "drop_last": True}, "OC301", "samples"),
        ({"samples": 1000, "batch_size": 10, "total_steps": 99}, "OC401", "samples"),
        ({"samples": 1000, "batch_size": 10, "tokens": 1000, "tokens_per_step": 1}, "OC401", "tokens"),
        ({"samples": 0, "batch_size": 10}, "OC201", "samples"),
        ({"samples": 1000, "batch_size": 0}, "OC201", "batch_size"),
        ({"tokens": 1000, "tokens_per_step": 0}, "OC201", "tokens_per_step"),
        ({"tokens": 1000.5, "tokens_per_step": 10}, "OC103", "tokens"),
    ],
)
def test_streams_that_give_no_length_or_another(settings: dict[str, Any], code: str, about: str) -> None:
    try:
        found = [(each.code, each.setting) for each in OneCycle(max_lr=0.1, **settings).findings()]
    except PlanError as error:
        found = [(each.code, each.setting) for each in error.findings]
    assert (code, about) in found


def test_a_flag_replaces_the_length_of_the_file(tmp_path: Path, run: Run) -> None:
    config = tmp_path / "plan.yaml"
    config.write_text("max_lr: 0.1\nepochs: 3\nsteps_per_epoch: 300\ntokens_per_step: 100\n", encoding="utf-8")
    shown = run("show", str(config), "--tokens", "1e6", "--format", "json")
    plan = json.loads(shown.out)
    assert (plan["total_steps"], plan["length_from"]) == (10_000, "tokens")
    assert "--tokens replaces the file's epochs (3)" in shown.err
    config.write_text("max_lr: 0.1\nsamples: 1000\nbatch_size: 10\n", encoding="utf-8")
    shown = run("show", str(config), "--total-steps", "50", "--format", "json")
    assert json.loads(shown.out)["total_steps"] == 50
    assert "warning" not in shown.err


def test_the_code_of_a_stream_has_the_number_of_steps(run: Run) -> None:
    written = run("code", "--framework", "torch", "--max-lr", "0.1", "--tokens", "1e6", "--tokens-per-step", "1000")
    assert "total_steps=1000" in written.out
    assert "1,000,000 tokens / 1,000 per step" in written.out


def test_words_of_other_meaning_in_a_training_config_are_not_settings(tmp_path: Path, run: Run) -> None:
    config = tmp_path / "train.yaml"
    config.write_text(
        "samples: 12\ntokens: 7\nscheduler:\n  name: OneCycleLR\n  max_lr: 0.1\n  total_steps: 100\n  lr_decay: 0.1\n",
        encoding="utf-8",
    )
    shown = run("show", str(config), "--format", "json")
    assert json.loads(shown.out)["groups"][0]["peak_lr"] == pytest.approx(0.1)
