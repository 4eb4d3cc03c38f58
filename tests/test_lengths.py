"""How long a cycle is: by each setting that says so, with the arithmetic in words."""

from __future__ import annotations

from typing import Any

import pytest

from onecycle_cli.policy.onecycle import OneCycle
from onecycle_cli.policy.plan import (
    DerivedEpoch,
    Length,
    epoch_from_data,
    find_length,
    find_lengths,
    group_names,
    plan_of,
    samples_per_step,
)
from onecycle_cli.policy.settings import MOST_GROUPS

DATA = {"dataset_size": 1000, "batch_size": 32}


def plan(**values: Any) -> OneCycle:
    return OneCycle(**{"max_lr": 0.1, **values})


@pytest.mark.parametrize(
    ("settings", "lengths"),
    [
        ({}, []),
        ({"epochs": 3}, []),
        ({"total_steps": 100}, [Length(100, None, "total_steps", "total_steps as given")]),
        (
            {"epochs": 1, "steps_per_epoch": 250},
            [Length(250, 250, "epochs*steps_per_epoch", "1 epoch × 250 steps per epoch")],
        ),
        (
            {"epochs": 3, **DATA},
            [
                Length(
                    96,
                    32,
                    "epochs*dataset_size",
                    "3 epochs × 32 steps per epoch (1,000 samples / batches of 32 = 32 (rounded up))",
                )
            ],
        ),
        (
            {"total_steps": 900, "epochs": 3, "steps_per_epoch": 300, **DATA},
            [
                Length(900, 300, "total_steps", "total_steps as given"),
                Length(900, 300, "epochs*steps_per_epoch", "3 epochs × 300 steps per epoch"),
            ],
        ),
        (
            {"total_steps": 10, **DATA},
            [Length(10, 32, "total_steps", "total_steps as given")],
        ),
        (
            {"samples": 2561, "batch_size": 128, "steps_per_epoch": 7},
            [Length(21, 7, "samples", "2,561 samples / 128 per step (rounded up)")],
        ),
        (
            {"samples": 2561, "batch_size": 128, "drop_last": True},
            [Length(20, None, "samples", "2,561 samples / 128 per step (rounded down)")],
        ),
        (
            {"samples": 5120, "batch_size": 128, "drop_last": True, "gradient_accumulation": 2, "world_size": 4},
            [Length(5, None, "samples", "5,120 samples / 1,024 per step")],
        ),
        (
            {"tokens": 1001, "tokens_per_step": 10, "steps_per_epoch": 7, "drop_last": True},
            [Length(101, 7, "tokens", "1,001 tokens / 10 per step (rounded up)")],
        ),
        ({"tokens": 5, "tokens_per_step": 1}, [Length(5, None, "tokens", "5 tokens / 1 per step")]),
        ({"tokens": 5, "tokens_per_step": 0}, []),
        ({"tokens": 5}, []),
        ({"samples": 5}, []),
    ],
)
def test_every_length_that_is_given(settings: dict[str, Any], lengths: list[Length]) -> None:
    assert list(find_lengths(plan(**settings))) == lengths
    assert find_length(plan(**settings)) == (lengths[0] if lengths else None)


@pytest.mark.parametrize(
    ("settings", "steps"),
    [
        ({"total_steps": 0}, None),
        ({"total_steps": 1}, 1),
        ({"samples": 100, "batch_size": 128, "drop_last": True}, None),
        ({"samples": 100, "batch_size": 128}, 1),
        ({"epochs": 3, "dataset_size": 31, "batch_size": 32, "drop_last": True}, None),
        # Of two lengths the first has none; the other does not count.
        ({"total_steps": 0, "epochs": 3, "steps_per_epoch": 10}, None),
    ],
)
def test_a_cycle_has_a_step(settings: dict[str, Any], steps: int | None) -> None:
    found = find_length(plan(**settings))
    assert (found and found.total_steps) == steps
    assert (plan_of(plan(**settings)) is None) == (steps is None)


def test_epochs_want_the_steps_of_one_even_beside_samples() -> None:
    (found,) = plan(epochs=3, samples=1000).findings()
    assert (found.code, found.message, found.setting) == (
        "OC301",
        "no length: epochs is 3, but steps_per_epoch is not given",
        "epochs",
    )


@pytest.mark.parametrize(
    ("settings", "epoch"),
    [
        ({}, None),
        ({"dataset_size": 1000}, None),
        ({"batch_size": 32}, None),
        (DATA, DerivedEpoch(32, 32, "1,000 samples / batches of 32 = 32 (rounded up)")),
        ({**DATA, "drop_last": True}, DerivedEpoch(31, 31, "1,000 samples / batches of 32 = 31 (rounded down)")),
        ({**DATA, "batch_size": 100}, DerivedEpoch(10, 10, "1,000 samples / batches of 100 = 10")),
        (
            {**DATA, "world_size": 3},
            DerivedEpoch(11, 11, "1,000 samples / 3 processes = 334 / batches of 32 = 11 (rounded up)"),
        ),
        (
            {**DATA, "gradient_accumulation": 5},
            DerivedEpoch(32, 7, "1,000 samples / batches of 32 = 32 (rounded up) / 5 accumulated = 7"),
        ),
        (
            {**DATA, "world_size": 1, "gradient_accumulation": 1},
            DerivedEpoch(32, 32, "1,000 samples / batches of 32 = 32 (rounded up)"),
        ),
        ({**DATA, "batch_size": 1}, DerivedEpoch(1000, 1000, "1,000 samples / batches of 1 = 1,000")),
        ({**DATA, "batch_size": 0}, None),
        ({**DATA, "world_size": -1}, None),
        ({**DATA, "gradient_accumulation": -2}, None),
    ],
)
def test_an_epoch_of_the_data(settings: dict[str, Any], epoch: DerivedEpoch | None) -> None:
    assert epoch_from_data(plan(**settings)) == epoch


@pytest.mark.parametrize(
    ("settings", "samples"),
    [
        ({}, None),
        ({"batch_size": 1}, 1),
        ({"batch_size": 8, "world_size": 2, "gradient_accumulation": 3}, 48),
        ({"batch_size": 8, "world_size": -2, "gradient_accumulation": -3}, None),
        ({"batch_size": 0}, None),
    ],
)
def test_samples_of_a_step(settings: dict[str, Any], samples: int | None) -> None:
    assert samples_per_step(plan(**settings)) == samples


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, ("0",)),
        ({"groups": 3}, ("0", "1", "2")),
        ({"max_lr": (0.1, 0.2)}, ("0", "1")),
        ({"base_momentum": (0.8, 0.8, 0.8)}, ("0", "1", "2")),
        ({"max_momentum": (0.9, 0.9)}, ("0", "1")),
        ({"groups": ("body", "head")}, ("body", "head")),
    ],
)
def test_parameter_groups_are_named_or_numbered(settings: dict[str, Any], names: tuple[str, ...]) -> None:
    assert group_names(plan(**settings)) == names


def test_of_too_many_groups_the_first_are_kept() -> None:
    many = MOST_GROUPS + 1
    assert len(group_names(plan(groups=many))) == MOST_GROUPS
    assert group_names(plan(groups=tuple(map(str, range(many)))))[-1] == str(MOST_GROUPS - 1)


@pytest.mark.parametrize(
    ("peak", "decay", "groups", "peaks"),
    [
        (0.8, 0.5, 3, (0.2, 0.4, 0.8)),
        (0.8, 0.5, ("stem", "head"), (0.4, 0.8)),
        (0.8, 1.0, 2, (0.8, 0.8)),
        (0.8, 0.5, 1, (0.8,)),
        # Out of range, or without groups: nothing is made of it, and a check says so.
        (0.8, 0.0, 2, 0.8),
        (0.8, 1.5, 2, 0.8),
        (0.8, 0.5, None, 0.8),
        (0.8, 0.5, 0, 0.8),
        (0.8, 0.5, MOST_GROUPS + 1, 0.8),
        (0.8, 1e-200, 3, 0.8),
        ((0.1, 0.2), 0.5, 2, (0.1, 0.2)),
    ],
)
def test_peaks_of_layers(peak: Any, decay: float, groups: Any, peaks: Any) -> None:
    settings = plan(max_lr=peak, lr_decay=decay, groups=groups)
    assert settings.max_lr == peaks
    assert settings.lr_decay == (None if isinstance(peaks, tuple) and not isinstance(peak, tuple) else decay)
