"""A trainer's steps and epochs against the cycle: what is said where they differ, and of what."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from onecycle_cli import OneCycle
from onecycle_cli.findings import Severity
from onecycle_cli.policy.checks import check_training
from onecycle_cli.policy.context import ConfigValue, TrainingContext

from .contexts import BY_CLI, around, found_by, whole


@pytest.mark.parametrize(
    ("stated", "values", "message", "hint", "place", "severity"),
    [
        (
            {"batches": "len(loader) * 10", **BY_CLI},
            {},
            (
                "the cycle counts batches (len(loader) * 10), but the scheduler is stepped once per epoch by "
                "LightningCLI: the peak is never reached"
            ),
            "return the scheduler from configure_optimizers with interval: step",
            ("total_steps", None),
            Severity.WARNING,
        ),
        (
            {"batches": "steps_per_epoch", "interval": "epoch", "stepped_by": "Lightning"},
            {"epochs": 40},
            (
                "the cycle has the steps of 40 epochs, but the scheduler is stepped once per epoch "
                "(lr_scheduler.interval): it makes only 40 steps, and the peak is never reached"
            ),
            "set lr_scheduler.interval to step, or set total_steps to 40",
            (None, "lr_scheduler.interval"),
            Severity.ERROR,
        ),
        (
            {"batches": "steps_per_epoch", "stepping": "epoch"},
            {"epochs": 1},
            (
                "the cycle has the steps of 1 epoch, but the scheduler is stepped once per epoch: it makes only 1 "
                "step, and the peak is never reached"
            ),
            "set interval to step, or set total_steps to 1",
            ("steps_per_epoch", None),
            Severity.ERROR,
        ),
    ],
)
def test_a_cycle_of_unknown_length_that_counts_batches_stepped_by_epochs(
    stated: dict[str, Any], values: dict[str, Any], message: str, hint: str, place: Any, severity: Severity
) -> None:
    found = whole(around(**stated), max_lr=0.1, **values)
    assert (found.code, found.message, found.hint) == ("OC513", message, hint)
    assert ((found.setting, found.key), found.severity) == (place, severity)


@pytest.mark.parametrize(
    ("stated", "convention", "how"),
    [
        ({"stepping": "epoch", "stepped_by": "Lightning"}, "torch", "set interval to step beside the scheduler"),
        ({"stepping": "epoch", "stepped_by": "MMEngine"}, "mmengine", "set by_epoch to false"),
        ({"stepping": "epoch", "stepped_by": "a loop"}, "torch", "set interval to step"),
        (
            {"interval": ConfigValue("epoch", "scheduler.step()"), "stepped_by": "Lightning"},
            "torch",
            "call scheduler.step() after every batch",
        ),
    ],
)
def test_how_a_program_is_told_to_step_after_every_batch(stated: dict[str, Any], convention: Any, how: str) -> None:
    context = TrainingContext(epochs=ConfigValue(40, "n"), **stated)
    assert (
        whole(context, max_lr=0.1, total_steps=5000, convention=convention).hint == f"{how}, or set total_steps to 40"
    )
    alone = TrainingContext(max_steps=ConfigValue(5000, "n"), **stated)
    assert whole(alone, max_lr=0.1, total_steps=5000, convention=convention).hint == how


@pytest.mark.parametrize(
    ("most", "severity"), [(990, Severity.ERROR), (991, Severity.WARNING), (1000, Severity.WARNING)]
)
def test_a_tenth_of_the_steps_may_reach_the_peak(most: int, severity: Severity) -> None:
    """An epoch is assumed to have ten steps or more; with 1,000 steps and pct_start 0.1 the peak is at step 99."""
    found = whole(around(max_steps=most, interval="epoch"), max_lr=0.1, total_steps=1000, pct_start=0.1)
    assert (found.code, found.severity, found.key) == ("OC513", severity, "lr_scheduler.interval")


@pytest.mark.parametrize(
    ("most", "epochs"), [(500, "5 epochs"), (501, "6 epochs"), (100, "1 epoch"), (9999, "40 epochs"), (-1, "40 epochs")]
)
def test_steps_end_the_epochs_of_a_known_data_set(most: int, epochs: str) -> None:
    data = {"dataset_size": 800, "batch_size": 8}
    found = whole(around(epochs=40, max_steps=most, stepping="epoch", **data), max_lr=0.1, total_steps=4000)
    assert found.message.startswith(f"{epochs} stepped once per epoch cover ")


def test_steps_alone_make_epochs_where_their_length_is_known() -> None:
    found = whole(around(max_steps=250, stepping="epoch"), max_lr=0.1, epochs=9, steps_per_epoch=100)
    assert found.message.startswith("3 epochs stepped once per epoch cover 0.33 % of the cycle's 900 steps; the peak")
    assert found.setting == "total_steps"
    found = whole(around(epochs=4, stepping="epoch"), max_lr=0.1, epochs=9, steps_per_epoch=100)
    assert found.key == "trainer.max_epochs"


@pytest.mark.parametrize(
    ("epochs", "words"),
    [
        (300, "; the last learning rate is 0.1"),
        (299, "; the peak is never reached, and the last learning rate is 0.1"),
    ],
)
def test_the_peak_is_reached_by_the_step_that_has_it(epochs: int, words: str) -> None:
    found = whole(around(epochs=epochs, stepping="epoch"), max_lr=0.1, epochs=epochs, total_steps=1000)
    assert found.message.endswith(f"of the cycle's 1,000 steps{words}")


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0.01234, "0.0123"), (1e-4, "0.0001"), (9.87654e-5, "0.0000988"), (1e-7, "0.0000001"), (9e-8, "9e-08")],
)
def test_rates_are_written_without_an_exponent_as_far_as_that_can_be_read(rate: float, text: str) -> None:
    found = whole(around(max_steps=1), max_lr=rate, total_steps=100, div_factor=1.0)
    assert found.message == (
        "trainer.max_steps is 1, but the cycle has 100 steps: the run ends at 1 % of the cycle, at a learning rate of "
        + text
    )


def test_of_an_unknown_peak_no_rate_is_said() -> None:
    (found,) = check_training(OneCycle(max_lr=1.0, total_steps=100), around(max_steps=50), knows_peak=False)
    assert found.message.endswith("has 100 steps: the run ends at 50 % of the cycle")


@pytest.mark.parametrize(
    ("stated", "message", "hint", "place"),
    [
        (
            {"max_steps": 1500},
            "trainer.max_steps is 1,500, but the cycle has 1,000 steps: PyTorch raises ValueError at step 1,000",
            "set total_steps to 1500",
            (None, "trainer.max_steps"),
        ),
        (
            {"epochs": 12},
            "epochs is 10, but trainer.max_epochs is 12: PyTorch raises ValueError at step 1,000",
            "set epochs to 12",
            ("epochs", None),
        ),
        (
            {"epochs": 10, "dataset_size": 1000, "batch_size": 5},
            (
                "10 epochs × 200 steps per epoch (1,000 samples / batches of 5 = 200) = 2,000 steps, but the cycle has "
                "1,000: PyTorch raises ValueError at step 1,000"
            ),
            "set steps_per_epoch to 200",
            ("steps_per_epoch", None),
        ),
        (
            {"epochs": 5, "dataset_size": 1000, "batch_size": 5, "interval": "step"},
            None,
            None,
            None,
        ),
        (
            {"epochs": 6, "dataset_size": 1000, "batch_size": 5},
            (
                "6 epochs × 200 steps per epoch (1,000 samples / batches of 5 = 200) = 1,200 steps, but the cycle has "
                "1,000: PyTorch raises ValueError at step 1,000"
            ),
            "set total_steps to 1200",
            (None, "trainer.max_epochs"),
        ),
    ],
)
def test_a_run_longer_than_ten_epochs_of_a_hundred_steps(
    stated: dict[str, Any], message: str | None, hint: str, place: Any
) -> None:
    found = found_by(around(**stated), max_lr=0.1, epochs=10, steps_per_epoch=100)
    made = [(each.code, each.message, each.hint, (each.setting, each.key)) for each in found]
    assert made == ([("OC514", message, hint, place)] if message else [])


def test_a_run_that_ends_after_the_cycle_of_a_framework_that_goes_on() -> None:
    found = whole(around(max_steps=1001), max_lr=0.1, total_steps=1000, convention="fastai")
    assert found.message.endswith(": the last 1 step of the run come after the cycle's end")
    assert (found.setting, found.severity) == ("total_steps", Severity.WARNING)


def test_epochs_that_are_taken_for_steps_where_a_call_steps() -> None:
    called = ConfigValue("step", "scheduler.step()")
    hint = "call scheduler.step() after every epoch, or set total_steps to the steps of all epochs"
    stated = TrainingContext(epochs=ConfigValue(40, "n"), interval=called)
    assert whole(stated, max_lr=0.1, total_steps=40).hint == hint
    found = whole(TrainingContext(interval=called), max_lr=0.1, total_steps=40, epochs=41)
    assert (found.message, found.hint) == (
        "the cycle has 40 steps, and epochs is 41: stepped after every batch, it ends before the run does",
        "set total_steps to the steps of all epochs",
    )
    assert (found.setting, found.severity) == ("total_steps", Severity.ERROR)
    assert found_by(TrainingContext(interval=called), max_lr=0.1, total_steps=41, epochs=40) == []


def test_as_many_steps_as_epochs_may_be_right() -> None:
    found = whole(around(epochs=40), max_lr=0.1, total_steps=40)
    assert found.message == (
        "total_steps is 40, as many as trainer.max_epochs: right if the scheduler is stepped once per epoch, too "
        "short if it is stepped once per batch"
    )
    assert found.hint == (
        "no action needed if it is stepped once per epoch; otherwise set total_steps to the steps of all epochs"
    )
    assert found.setting == "total_steps"
    beside = whole(TrainingContext(), max_lr=0.1, total_steps=40, epochs=40)
    assert beside.message.startswith("total_steps is 40, as many as epochs: right if")
    assert found_by(around(epochs=40), max_lr=0.1, epochs=40, steps_per_epoch=1) == []


def test_a_context_of_some_paths_only() -> None:
    stated = replace(around(epochs=40, max_steps=500, **BY_CLI), batches="steps_per_epoch")
    kept = stated.of_paths(lambda path: path == "trainer.max_steps")
    assert (kept.epochs, kept.max_steps) == (None, ConfigValue(500, "trainer.max_steps"))
    assert kept == replace(stated, epochs=None)
    assert stated.paths == {"trainer.max_epochs", "trainer.max_steps"}
    assert kept.paths == {"trainer.max_steps"}


@pytest.mark.parametrize(
    ("stated", "values"),
    [
        (around(epochs=50), {"total_steps": 40}),  # more epochs than steps, and nothing says how it is stepped
        (around(max_steps=1, **BY_CLI), {"total_steps": 40}),
        (around(max_steps=500), {"total_steps": 1000, "last_epoch": 0}),
    ],
    ids=str,
)
def test_what_says_nothing_against_the_cycle(stated: TrainingContext, values: dict[str, Any]) -> None:
    assert found_by(stated, max_lr=0.1, **values) == []


def test_a_peak_of_nothing_is_compared_with_no_rate() -> None:
    assert found_by(around(optimizer_lr=(0.001,)), max_lr=0.0, total_steps=1000) == []
