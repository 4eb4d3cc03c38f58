"""The optimizer and trainer of a training config against its schedule: literal findings, and their absence."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onecycle_cli import OneCycle
from onecycle_cli.findings import RULES, Fix, Severity
from onecycle_cli.policy.checks import check_training
from onecycle_cli.policy.context import ConfigValue, TrainingContext
from onecycle_cli.policy.conventions import CONVENTIONS
from onecycle_cli.policy.settings import SETTINGS
from onecycle_cli.policy.validation import validate_settings

from .contexts import BY_CLI, PATHS, around, found_by
from .strategies import sound_settings


def rate(step: int, **values: Any) -> float:
    return OneCycle(**values).schedule().lr(step)


def only(around: TrainingContext, **values: Any) -> tuple[str, str, str, str | None]:
    (found,) = found_by(around, **values)
    return found.code, found.message, found.hint, found.key or found.setting


def test_an_empty_context_has_no_findings() -> None:
    assert found_by(TrainingContext(), max_lr=0.01, epochs=10, steps_per_epoch=684) == []


# OC511


def test_an_optimizer_with_another_rate() -> None:
    assert only(around(optimizer_lr=(0.001,)), max_lr=0.01, total_steps=1000) == (
        "OC511",
        "the optimizer's lr is 0.001, but the peak is 0.01: the cycle overwrites 0.001 before the first step",
        "set optimizer.lr to 0.01, the peak",
        "optimizer.lr",
    )


def test_rates_are_written_as_yaml_reads_them() -> None:
    _, message, hint, _ = only(around(optimizer_lr=(1e-05,)), max_lr=3e-05, total_steps=1000)
    assert message.startswith("the optimizer's lr is 1.0e-05, but the peak is 3.0e-05:")
    assert hint == "set optimizer.lr to 3.0e-05, the peak"


def test_a_group_with_another_rate() -> None:
    values = {"max_lr": (0.001, 0.01), "groups": ("backbone", "head"), "total_steps": 1000}
    assert only(around(optimizer_lr=(0.001, 0.05)), **values) == (
        "OC511",
        (
            "the optimizer's lr of group head is 0.05, but the peak is 0.01: the cycle overwrites 0.05 before the "
            "first step"
        ),
        "set optimizer.lr of group head to 0.01, the peak",
        "optimizer.lr",
    )


@pytest.mark.parametrize(
    ("rates", "values"),
    [
        ((0.01,), {"max_lr": 0.01}),
        ((0.0004,), {"max_lr": 0.01}),
        ((0.002,), {"max_lr": 0.01, "div_factor": 5.0}),
        ((0.001,), {"max_lr": (0.01, 0.001)}),
        ((0.01, 0.001), {"max_lr": (0.01, 0.001)}),
        ((0.001,), {"max_lr": (0.01, 0.001), "groups": ("a", "b", "c")}),
        ((0.001,), {"max_lr": -0.01}),
        ((), {"max_lr": 0.01}),
    ],
    ids=str,
)
def test_rates_that_are_left_alone(rates: tuple[float, ...], values: dict[str, Any]) -> None:
    assert found_by(around(optimizer_lr=rates), total_steps=1000, **values) == []


def test_a_rate_is_checked_without_a_length() -> None:
    assert only(around(optimizer_lr=(0.1,)), max_lr=0.01)[0] == "OC511"


# OC512


def test_betas_that_the_cycle_overwrites() -> None:
    stated = TrainingContext(optimizer_momentum=ConfigValue(0.9, "optimizer.init_args.betas"))
    assert only(stated, max_lr=0.01, total_steps=1000, optimizer="torch.optim.AdamW") == (
        "OC512",
        "betas[0] is 0.9, but the cycle moves it from 0.95 down to 0.85 and back",
        "set cycle_momentum to false to keep 0.9",
        "optimizer.init_args.betas",
    )


@pytest.mark.parametrize(
    ("values", "moves"),
    [
        ({"base_momentum": 0.8, "max_momentum": 0.99}, "moves it from 0.99 down to 0.8 and back"),
        ({"base_momentum": 0.95, "max_momentum": 0.85}, "moves it from 0.85 up to 0.95 and back"),
        ({"base_momentum": 0.95}, "sets it to 0.95"),
        ({"convention": "fastai", "final_momentum": 0.92}, "moves it from 0.95 down to 0.85 and then to 0.92"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_how_the_cycle_moves_momentum(values: dict[str, Any], moves: str) -> None:
    found = only(around(optimizer_momentum=0.9), max_lr=0.01, total_steps=1000, **values)
    assert found[:2] == ("OC512", f"momentum is 0.9, but the cycle {moves}")


@pytest.mark.parametrize(
    ("momentum", "values"),
    [
        (0.95, {}),
        (0.9, {"max_momentum": 0.9}),
        (0.9, {"max_momentum": (0.9, 0.95)}),
        (0.9, {"cycle_momentum": False}),
        (0.9, {"optimizer": "Adagrad"}),
        (0.9, {"convention": "optax"}),
        (0.9, {"convention": "paddle", "cycle_momentum": True}),
    ],
    ids=str,
)
def test_momenta_that_are_left_alone(momentum: float, values: dict[str, Any]) -> None:
    assert found_by(around(optimizer_momentum=momentum), max_lr=0.01, total_steps=1000, **values) == []


# OC513


def test_a_cycle_in_steps_stepped_by_epochs() -> None:
    values = {"max_lr": 3e-4, "total_steps": 50000, "pct_start": 0.05}
    assert only(around(epochs=40, **BY_CLI), **values) == (
        "OC513",
        (
            "40 epochs stepped once per epoch by LightningCLI cover 0.08 % of the cycle's 50,000 steps; the peak is "
            "never reached, and the last learning rate is 0.0000122"
        ),
        "return the scheduler from configure_optimizers with interval: step, or set total_steps to 40",
        "total_steps",
    )
    assert rate(39, **values) == pytest.approx(1.22e-05, abs=5e-8)


def test_an_interval_of_epochs_is_what_must_change() -> None:
    values = {"max_lr": 0.1, "epochs": 40, "steps_per_epoch": 2}
    assert only(around(epochs=40, interval="epoch"), **values) == (
        "OC513",
        "40 epochs stepped once per epoch cover 50 % of the cycle's 80 steps; the last learning rate is 0.0812",
        "set lr_scheduler.interval to step, or set total_steps to 40",
        "lr_scheduler.interval",
    )
    assert rate(39, **values) == pytest.approx(0.0812, abs=5e-5)


def test_a_cycle_counted_in_epochs_that_misses_their_number() -> None:
    assert only(around(epochs=40, interval="epoch"), max_lr=0.1, total_steps=60)[2:] == (
        "set total_steps to 40",
        "total_steps",
    )


def test_more_epochs_than_the_cycle_has_steps() -> None:
    assert only(around(epochs=60, **BY_CLI), max_lr=0.1, total_steps=40) == (
        "OC513",
        (
            "60 epochs stepped once per epoch by LightningCLI overrun the cycle's 40 steps: PyTorch raises ValueError "
            "after 41 epochs"
        ),
        "set total_steps to 60",
        "total_steps",
    )


def test_only_pytorch_raises() -> None:
    found = only(around(epochs=60, stepping="epoch"), max_lr=0.1, total_steps=40, convention="optax")
    assert found[1].endswith(": the last 20 epochs of the run come after the cycle's end")


def test_steps_alone_stepped_by_epochs() -> None:
    assert only(around(max_steps=50000, **BY_CLI), max_lr=0.1, total_steps=50000) == (
        "OC513",
        (
            "trainer.max_steps is 50,000, but the scheduler is stepped once per epoch by LightningCLI: the cycle's "
            "50,000 steps take as many epochs"
        ),
        "return the scheduler from configure_optimizers with interval: step",
        "trainer.max_steps",
    )


def test_the_plan_s_own_epochs_stepped_by_epochs() -> None:
    found = only(around(stepping="epoch"), max_lr=0.1, epochs=10, steps_per_epoch=100)
    assert found[1].startswith(
        "10 epochs stepped once per epoch cover 1 % of the cycle's 1,000 steps; the peak is never"
    )
    assert found[2] == "set interval to step, or set total_steps to 10"


def test_steps_end_the_epochs() -> None:
    found = only(around(epochs=40, max_steps=500, stepping="epoch"), max_lr=0.1, epochs=40, steps_per_epoch=100)
    assert found[1].startswith("5 epochs stepped once per epoch cover 0.12 % of the cycle's 4,000 steps;")


@pytest.mark.parametrize(
    ("stated", "values"),
    [
        (around(epochs=40, **BY_CLI), {"total_steps": 40}),
        (around(epochs=40, interval="epoch"), {"epochs": 40, "steps_per_epoch": 1}),
        (around(interval="epoch"), {"total_steps": 40}),
        (around(epochs=-1, **BY_CLI), {"total_steps": 40}),
        (around(max_steps=5000, **BY_CLI), {"total_steps": 40}),
        (around(epochs=40, **BY_CLI), {"total_steps": 5000, "last_epoch": 99}),
    ],
    ids=str,
)
def test_epochs_that_are_left_alone(stated: TrainingContext, values: dict[str, Any]) -> None:
    assert found_by(stated, max_lr=0.1, **values) == []


@pytest.mark.parametrize("word", ["epoch", "EPOCH", "epochs"])
def test_other_keys_spell_as_they_like(word: str) -> None:
    stated = TrainingContext(epochs=ConfigValue(40, "epochs"), interval=ConfigValue(word, "scheduler.call_on"))
    assert only(stated, max_lr=0.1, total_steps=5000)[::2] == (
        "OC513",
        "set scheduler.call_on to step, or set total_steps to 40",
    )


# OC514


def test_fewer_steps_than_the_cycle() -> None:
    values = {"max_lr": 0.01, "total_steps": 50000}
    assert only(around(max_steps=12500, interval="step"), **values) == (
        "OC514",
        (
            "trainer.max_steps is 12,500, but the cycle has 50,000 steps: the run ends at 25 % of the cycle, at a "
            "learning rate of 0.00936"
        ),
        "set total_steps to 12500",
        "total_steps",
    )
    assert rate(12499, **values) == pytest.approx(0.00936, abs=5e-6)


def test_more_steps_than_the_cycle() -> None:
    assert only(around(max_steps=60000), max_lr=0.01, total_steps=50000) == (
        "OC514",
        "trainer.max_steps is 60,000, but the cycle has 50,000 steps: PyTorch raises ValueError at step 50,000",
        "set total_steps to 60000",
        "total_steps",
    )


def test_epochs_that_differ() -> None:
    values = {"max_lr": 0.01, "epochs": 60, "steps_per_epoch": 684}
    assert only(around(epochs=40, interval="step"), **values) == (
        "OC514",
        "epochs is 60, but trainer.max_epochs is 40: the run ends at 67 % of the cycle, at a learning rate of 0.00463",
        "set epochs to 40",
        "epochs",
    )
    assert rate(40 * 684 - 1, **values) == pytest.approx(0.00463, abs=5e-6)
    assert only(around(epochs=90, interval="step"), **values)[1:] == (
        "epochs is 60, but trainer.max_epochs is 90: PyTorch raises ValueError at step 41,040",
        "set epochs to 90",
        "epochs",
    )


def test_epochs_that_differ_without_a_length() -> None:
    assert only(around(epochs=40), max_lr=0.01, epochs=60) == (
        "OC514",
        "epochs is 60, but trainer.max_epochs is 40: the run ends at 67 % of the cycle",
        "set epochs to 40",
        "epochs",
    )
    found = only(around(epochs=61), max_lr=0.01, epochs=60)
    assert found[1].endswith("is 61: the run goes on for 1 epoch after the cycle's end")


def test_an_epoch_of_known_length() -> None:
    assert only(around(epochs=40), max_lr=0.01, total_steps=50000, steps_per_epoch=684)[1:] == (
        (
            "40 epochs × 684 steps per epoch = 27,360 steps, but the cycle has 50,000: the run ends at 55 % of the "
            "cycle, at a learning rate of 0.00723"
        ),
        "set total_steps to 27360",
        "total_steps",
    )


DATA: dict[str, Any] = {"dataset_size": 21881, "batch_size": 32, "accumulation": 4, "devices": 2}


def test_an_epoch_that_follows_from_the_data() -> None:
    values = {"max_lr": 0.01, "epochs": 10, "steps_per_epoch": 684}
    assert only(around(epochs=10, interval="step", **DATA), **values) == (
        "OC514",
        (
            "10 epochs × 86 steps per epoch (21,881 samples / 2 processes = 10,941 / batches of 32 = 342 (rounded up) "
            "/ 4 accumulated = 86) = 860 steps, but the cycle has 6,840: the run ends at 13 % of the cycle, at a "
            "learning rate of 0.00399"
        ),
        "set steps_per_epoch to 86",
        "steps_per_epoch",
    )
    assert rate(859, **values) == pytest.approx(0.00399, abs=5e-6)
    assert found_by(around(epochs=10, interval="step", **DATA), max_lr=0.01, epochs=10, steps_per_epoch=86) == []
    assert only(around(epochs=10, **DATA), max_lr=0.01, total_steps=900)[2] == "set total_steps to 860"


def test_a_data_setting_that_differs() -> None:
    values = {"max_lr": 0.01, "epochs": 10, "dataset_size": 21888, "batch_size": 32}
    assert only(around(accumulation=4), **values)[2:] == (
        "set gradient_accumulation to 4",
        "trainer.accumulate_grad_batches",
    )
    assert only(around(accumulation=4), **values, gradient_accumulation=2)[2:] == (
        "set gradient_accumulation to 4",
        "gradient_accumulation",
    )
    assert found_by(around(accumulation=4), **values, gradient_accumulation=4) == []


def test_the_smaller_of_steps_and_epochs_ends_the_run() -> None:
    values = {"max_lr": 0.01, "epochs": 10, "steps_per_epoch": 100}
    assert only(around(epochs=5, max_steps=800), **values)[2] == "set epochs to 5"
    assert only(around(epochs=10, max_steps=800), **values)[2] == "set total_steps to 800"
    assert found_by(around(epochs=20, max_steps=1000), **values) == []
    assert found_by(around(epochs=10, max_steps=5000), **values) == []


def test_as_many_steps_as_epochs_stepped_every_step() -> None:
    assert only(around(epochs=40, interval="step"), max_lr=0.1, total_steps=40) == (
        "OC514",
        "the cycle has 40 steps, and trainer.max_epochs is 40: stepped after every batch, it ends before the run does",
        "set lr_scheduler.interval to epoch",
        "total_steps",
    )
    found = only(around(epochs=40, stepping="step"), max_lr=0.1, total_steps=30)
    assert found[2] == "set total_steps to the steps of all epochs"


@pytest.mark.parametrize(
    ("stated", "values"),
    [
        (around(max_steps=1000, interval="step"), {"total_steps": 1000}),
        (around(max_steps=-1, interval="step"), {"total_steps": 1000}),
        (around(epochs=40, interval="step"), {"total_steps": 1000}),
        (around(epochs=40, max_steps=2000), {"total_steps": 1000}),
        (around(epochs=40), {"total_steps": 1000, "epochs": 30}),
        (around(epochs=3), {"total_steps": 1000, "epochs": 3, "steps_per_epoch": 300}),
        (around(max_steps=500), {"total_steps": 1000, "last_epoch": 499}),
        (around(epochs=40, dataset_size=21888, batch_size=32), {"epochs": 40, "steps_per_epoch": 684}),
        (around(epochs=40), {}),
    ],
    ids=str,
)
def test_runs_that_are_left_alone(stated: TrainingContext, values: dict[str, Any]) -> None:
    assert found_by(stated, max_lr=0.1, **values) == []


@pytest.mark.parametrize(
    ("steps", "total", "share"),
    [
        (1, 10**9, "less than 0.001 %"),
        (40, 50000, "0.08 %"),
        (3, 200, "1.5 %"),
        (94, 100, "94 %"),
        (9949, 10000, "99 %"),
        (9999, 10000, "99.99 %"),
        (99996, 100000, "99.996 %"),
        (10**9 - 1, 10**9, "more than 99.999 %"),
    ],
)
def test_no_share_is_rounded_to_all_or_nothing(steps: int, total: int, share: str) -> None:
    assert f" at {share} of the cycle" in only(around(max_steps=steps), max_lr=0.1, total_steps=total)[1]


def test_a_cycle_without_a_curve_has_a_length() -> None:
    assert only(around(max_steps=10), max_lr=0.1, total_steps=20, pct_start=0.05)[1] == (
        "trainer.max_steps is 10, but the cycle has 20 steps: the run ends at 50 % of the cycle"
    )


# OC515


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        *((word, "step") for word in ("steps", "STEP", "Steps")),
        *((word, "epoch") for word in ("epochs", "Epoch")),
    ],
)
def test_an_interval_that_lightning_refuses(word: str, meant: str) -> None:
    (found,) = found_by(around(interval=word), max_lr=0.1, total_steps=40)
    assert found.code == "OC515"
    assert found.message == f"interval is '{word}': Lightning accepts only step or epoch, and fails to start"
    assert (found.hint, found.key) == (f"write interval: {meant}", "lr_scheduler.interval")
    assert found.fix == Fix(word, meant)


def test_a_guess_is_not_fixed_unasked() -> None:
    (found,) = found_by(around(interval="setp"), max_lr=0.1, total_steps=40)
    assert (found.code, found.hint, found.fix) == ("OC515", "write interval: step", None)


@pytest.mark.parametrize(
    ("word", "path"),
    [
        ("step", "interval"),
        ("epoch", "a.interval"),
        ("10", "interval"),
        ("never", "interval"),
        ("batch", "interval"),
        ("iteration", "interval"),
        ("", "interval"),
        ("batch", "scheduler.call_on"),
        ("STEP", "scheduler_interval"),
        ("steps", "interval.kind"),
    ],
)
def test_intervals_that_are_left_alone(word: str, path: str) -> None:
    assert found_by(TrainingContext(interval=ConfigValue(word, path)), max_lr=0.1, total_steps=40) == []


def test_a_mistyped_interval_counts_as_it_is_meant() -> None:
    found = found_by(around(interval="steps", epochs=40), max_lr=0.1, total_steps=40)
    assert [each.code for each in found] == ["OC515", "OC514"]


# OC516


@pytest.mark.parametrize(
    ("stated", "said", "steps"),
    [
        (
            {"accumulation": 4},
            "with 4 batches accumulated, 684 batches make 171 steps, and the run would cover 25 %",
            1710,
        ),
        ({"devices": 2}, "on 2 devices, 684 batches make 342 steps, and the run would cover 50 %", 3420),
        (
            {"accumulation": 4, "devices": 2},
            "with 4 batches accumulated on 2 devices, 684 batches make 86 steps, and the run would cover 13 %",
            860,
        ),
    ],
)
def test_batches_that_may_be_counted_as_steps(stated: dict[str, int], said: str, steps: int) -> None:
    values = {"max_lr": 0.01, "epochs": 10, "steps_per_epoch": 684}
    assert only(around(epochs=10, interval="step", **stated), **values) == (
        "OC516",
        f"steps_per_epoch is 684; {said} of the cycle and end at a learning rate of {rate(steps - 1, **values):.3g}",
        f"set total_steps to {steps} instead of steps_per_epoch if 684 counts batches",
        "steps_per_epoch",
    )
    mended = {"max_lr": 0.01, "epochs": 10, "total_steps": steps}
    assert found_by(around(epochs=10, interval="step", **stated), **mended) == []


def test_other_epochs_are_another_fact() -> None:
    found = found_by(around(epochs=5, accumulation=4), max_lr=0.01, epochs=10, steps_per_epoch=684)
    assert [each.code for each in found] == ["OC514", "OC516"]
    assert "cover 12 % of the cycle" in found[1].message


@pytest.mark.parametrize(
    ("stated", "values"),
    [
        ({"accumulation": 1, "devices": 1}, {"steps_per_epoch": 684}),
        ({"accumulation": 4}, {"steps_per_epoch": 684, "gradient_accumulation": 4}),
        ({"devices": 4}, {"steps_per_epoch": 684, "world_size": 4}),
        ({"accumulation": 4}, {"total_steps": 6840}),
        ({"accumulation": 4}, {"steps_per_epoch": 1}),
        ({"accumulation": -1}, {"steps_per_epoch": 684}),
        ({"accumulation": 4, "max_steps": 6840}, {"steps_per_epoch": 684}),
    ],
    ids=str,
)
def test_counts_that_are_left_alone(stated: dict[str, int], values: dict[str, int]) -> None:
    assert found_by(around(**stated), max_lr=0.01, epochs=10, **values) == []


def test_per_epoch_stepping_is_the_only_thing_said() -> None:
    found = found_by(around(epochs=10, accumulation=4, **BY_CLI), max_lr=0.01, epochs=10, steps_per_epoch=684)
    assert [each.code for each in found] == ["OC513"]


# Values of any kind


NUMBERS = st.integers(-3, 50) | st.integers(-(2**70), 2**70)
FLOATS = st.floats() | st.floats(0.0, 1.0)
PER_GROUP = FLOATS | st.lists(FLOATS, max_size=3)
WILD = st.fixed_dictionaries(
    {"max_lr": PER_GROUP},
    optional={
        **dict.fromkeys(("base_momentum", "max_momentum", "final_momentum"), PER_GROUP),
        **dict.fromkeys(("div_factor", "final_div_factor", "final_lr", "pct_start", "pct_final"), FLOATS),
        **dict.fromkeys(("total_steps", "epochs", "steps_per_epoch", "dataset_size", "batch_size"), NUMBERS),
        **dict.fromkeys(("gradient_accumulation", "world_size", "stepsize", "last_epoch"), NUMBERS),
        **dict.fromkeys(("three_phase", "cycle_momentum", "drop_last"), st.booleans()),
        "groups": st.integers(-1, 3) | st.lists(st.sampled_from("abc"), max_size=3),
        "anneal_strategy": st.sampled_from(["cos", "linear"]),
        "convention": st.sampled_from(sorted(CONVENTIONS)),
        "optimizer": st.sampled_from(["sgd", "AdamW", "adagrad", ""]),
    },
)
WORDS: tuple[Literal["step", "epoch"], ...] = ("step", "epoch")


def stated(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | st.builds(ConfigValue, values, st.sampled_from(["trainer.n", "interval", "betas", ""]))


FIELDS = {
    "optimizer_lr": stated(st.lists(FLOATS, max_size=3).map(tuple)),
    "optimizer_momentum": stated(FLOATS),
    "interval": stated(st.sampled_from(["step", "Steps", "epochs", "x"]) | st.text()),
    "scaling": stated(st.booleans()),
    "stepping": st.sampled_from([None, *WORDS]),
    "stepped_by": st.sampled_from(["", "LightningCLI"]),
    "overridable": st.booleans(),
    "batches": st.sampled_from(["", "steps_per_epoch", "self.trainer.estimated_stepping_batches"]),
    **dict.fromkeys(("epochs", "max_steps", "accumulation", "devices", "dataset_size", "batch_size"), stated(NUMBERS)),
}
AROUND = st.builds(TrainingContext, **FIELDS)


def test_every_field_of_the_context_is_drawn_and_has_a_path() -> None:
    assert set(FIELDS) == {*PATHS, *BY_CLI, "batches"} == {field.name for field in fields(TrainingContext)}


@pytest.mark.parametrize(
    ("context", "code", "severity"),
    [
        (around(epochs=40), "OC514", Severity.INFO),
        (around(epochs=40, dataset_size=21888, batch_size=32), "OC514", Severity.INFO),
        (around(epochs=40, interval="step"), "OC514", Severity.ERROR),
        (around(epochs=40, interval="step", dataset_size=21888, batch_size=32), "OC514", Severity.ERROR),
        (around(epochs=40, stepping="step", stepped_by="transformers"), "OC514", Severity.ERROR),
        (around(epochs=50, stepping="step", stepped_by="transformers"), "OC514", Severity.ERROR),
    ],
)
def test_as_many_steps_as_epochs(context: TrainingContext, code: str, severity: Severity) -> None:
    (found,) = found_by(context, max_lr=0.1, total_steps=40)
    assert (found.code, found.severity) == (code, severity)


@pytest.mark.parametrize(
    ("context", "severity"),
    [
        (around(), Severity.INFO),
        (around(interval="step"), Severity.ERROR),
        (around(stepping="step", stepped_by="MMEngine"), Severity.ERROR),
    ],
)
def test_as_many_steps_as_the_epochs_beside_them(context: TrainingContext, severity: Severity) -> None:
    (found,) = found_by(context, max_lr=0.1, total_steps=40, epochs=40)
    assert (found.code, found.severity, found.setting) == ("OC514", severity, "total_steps")


@pytest.mark.parametrize(
    ("context", "values", "severity"),
    [
        (around(epochs=40, interval="epoch"), {"total_steps": 50_000}, Severity.ERROR),
        (around(epochs=40, interval="epoch"), {"epochs": 40, "steps_per_epoch": 500}, Severity.ERROR),
        (around(max_steps=500, interval="epoch"), {"total_steps": 50_000}, Severity.ERROR),
        (around(epochs=40, **BY_CLI), {"total_steps": 50_000}, Severity.WARNING),
        (around(max_steps=500, **BY_CLI), {"total_steps": 50_000}, Severity.WARNING),
        # A framework whose users cannot override it is as sure as the file; many steps make fewer epochs.
        (around(epochs=40, stepping="epoch", stepped_by="MMEngine"), {"total_steps": 50_000}, Severity.ERROR),
        (around(max_steps=50_000, interval="epoch"), {"total_steps": 50_000}, Severity.ERROR),
        # Counted in epochs, or with its peak reached, the cycle is only too long.
        (around(epochs=40, interval="epoch"), {"total_steps": 200}, Severity.WARNING),
        (around(epochs=4_000, interval="epoch"), {"total_steps": 5_000}, Severity.WARNING),
    ],
)
def test_stepping_per_epoch_is_an_error_where_it_is_stated_and_misses_the_peak(
    context: TrainingContext, values: dict[str, Any], severity: Severity
) -> None:
    (found,) = found_by(context, max_lr=0.1, **values)
    assert (found.code, found.severity) == ("OC513", severity)


@pytest.mark.parametrize(
    ("stated", "code", "severity"),
    [
        ({"optimizer_lr": (0.2,)}, "OC511", Severity.WARNING),
        ({"optimizer_lr": (0.05,)}, "OC511", Severity.INFO),
        ({"optimizer_lr": (0.01, 0.2)}, "OC511", Severity.WARNING),
        ({"optimizer_momentum": 0.9}, "OC512", Severity.INFO),
        ({"optimizer_momentum": 0.85}, "OC512", Severity.INFO),
        ({"optimizer_momentum": 0.5}, "OC512", Severity.WARNING),
        ({"optimizer_momentum": 0.99}, "OC512", Severity.WARNING),
        ({"scaling": True}, "OC517", Severity.WARNING),
    ],
)
def test_numbers_that_the_cycle_overwrites(stated: dict[str, Any], code: str, severity: Severity) -> None:
    groups = {"groups": 2, "max_lr": [0.01, 0.1]} if len(stated.get("optimizer_lr", ())) == 2 else {"max_lr": 0.1}
    (found,) = found_by(around(**stated), total_steps=100, **groups)
    assert (found.code, found.severity) == (code, severity)


def test_an_epoch_without_a_step_is_no_divisor() -> None:
    dropped: dict[str, Any] = {"dataset_size": 10, "batch_size": 20, "drop_last": True}
    context = around(max_steps=50, **BY_CLI)
    assert [finding.code for finding in found_by(context, max_lr=0.1, total_steps=100, **dropped)] == ["OC513"]


def test_a_curve_that_leaves_the_cycle_is_cut_off() -> None:
    values: dict[str, Any] = {"max_lr": 0.1, "total_steps": 100, "pct_start": 1.5, "convention": "openpcdet"}
    (finding,) = found_by(around(epochs=10, **BY_CLI), **values)
    assert finding.code == "OC513"
    assert OneCycle(**values).schedule(strict=False).phases[-1].last_step == 99


@pytest.mark.slow
@settings(max_examples=600, deadline=None)
@given(WILD | sound_settings(), AROUND)
def test_it_never_raises(values: dict[str, Any], around: TrainingContext) -> None:
    made = validate_settings(values).settings
    if made is None:
        return
    places = {
        name.path
        for name in (getattr(around, each) for each in TrainingContext.__slots__)
        if isinstance(name, ConfigValue)
    }
    found = list(check_training(made, around))
    assert {each.code for each in found} <= {code for code in RULES if code.startswith("OC51")}
    assert len({each.code for each in found}) == len(found)
    for each in found:
        assert each.hint
        assert (each.key in places) if each.setting is None else (each.setting in SETTINGS)


def test_counts_below_one_are_left_to_their_own_errors() -> None:
    stated = TrainingContext(stepping="epoch")
    assert list(check_training(OneCycle(max_lr=0.1, epochs=-1, steps_per_epoch=-1), stated)) == []
