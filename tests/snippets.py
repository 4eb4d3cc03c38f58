"""Plans whose snippets the tests run, and what a run needs: a loader that can be stopped, and the planned values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, get_args

import pytest

from onecycle_cli import OneCycle
from onecycle_cli.render.code import Framework, code

FRAMEWORKS: tuple[Framework, ...] = get_args(Framework)
NAMED: dict[str, Any] = {"groups": ("backbone", "head"), "max_lr": (0.01, 0.1)}

ACCUMULATED: dict[str, Any] = {"max_lr": 0.1, "dataset_size": 26, "batch_size": 2, "gradient_accumulation": 2}

SHORT: dict[str, Any] = {"max_lr": 0.1, "epochs": 4, "steps_per_epoch": 5}

PLANS: dict[str, dict[str, Any]] = {
    "torch": {"max_lr": 0.1, "epochs": 3, "steps_per_epoch": 7},
    "steps": {"max_lr": 0.3, "total_steps": 23, "pct_start": 0.4, "div_factor": 10.0, "optimizer": "adamw"},
    "phases": {"max_lr": 0.1, "total_steps": 20, "three_phase": True, "anneal_strategy": "linear", "optimizer": "sgd"},
    "groups": {**NAMED, "total_steps": 20, "base_momentum": (0.8, 0.85), "max_momentum": 0.9, "optimizer": "sgd"},
    "accumulated": {**ACCUMULATED, "epochs": 2},
    "still": {"max_lr": 0.1, "total_steps": 20, "cycle_momentum": False, "final_div_factor": 7.3e3},
    "zero": {"max_lr": 0.1, "total_steps": 20, "final_lr": 0.0},
    "rising": {"max_lr": 0.1, "total_steps": 20, "pct_start": 1.0},
    "r-torch": {"max_lr": 0.1, "total_steps": 22, "convention": "r-torch"},
    "mmengine": {"max_lr": 0.1, "total_steps": 20, "convention": "mmengine"},
    "paddle": {"max_lr": 0.1, "total_steps": 20, "convention": "paddle"},
    "paddle-groups": {**NAMED, "total_steps": 20, "convention": "paddle"},
    "optax": {"max_lr": 0.1, "epochs": 4, "steps_per_epoch": 5, "convention": "optax"},
    "optax-linear": {"max_lr": 0.1, "total_steps": 20, "convention": "optax-linear"},
    "openpcdet": {**NAMED, "total_steps": 20, "convention": "openpcdet", "optimizer": "adam"},
    "smith": {"max_lr": 0.1, "total_steps": 40, "stepsize": 10, "convention": "smith", "optimizer": "sgd"},
    "fastai": {"max_lr": 0.1, "epochs": 4, "steps_per_epoch": 5, "convention": "fastai"},
    "tinygrad": {**NAMED, "total_steps": 20, "pct_start": 0.33, "convention": "tinygrad"},
    "deepspeed": {
        "max_lr": 0.1,
        "total_steps": 40,
        "final_div_factor": 5.0,
        "convention": "deepspeed",
        "optimizer": "adam",
    },
    "accumulated-evenly": {"max_lr": 0.1, "epochs": 2, "dataset_size": 24, "batch_size": 2, "gradient_accumulation": 3},
    "resumed": {"max_lr": 0.1, "epochs": 4, "steps_per_epoch": 5, "last_epoch": 9},
    "resumed-steps": {"max_lr": 0.1, "total_steps": 20, "last_epoch": 11, "gradient_accumulation": 2},
    "resumed-both": {"max_lr": 0.1, "epochs": 4, "steps_per_epoch": 5, "total_steps": 20, "last_epoch": 11},
    "resumed-inside": {**ACCUMULATED, "epochs": 3, "last_epoch": 8},
    "resumed-optax": {"max_lr": 0.1, "epochs": 4, "steps_per_epoch": 5, "convention": "optax", "last_epoch": 9},
    "resumed-smith": {"max_lr": 0.1, "total_steps": 40, "stepsize": 10, "convention": "smith", "last_epoch": 24},
    "extended": {
        "max_lr": 0.1,
        "total_steps": 20,
        "then": [
            {"shape": "hold", "total_steps": 23},
            {"shape": "cycle", "total_steps": 31, "max_lr": 0.05},
            {"shape": "anneal", "from": 27, "total_steps": 34, "final_lr": 1e-5},
        ],
    },
    "resumed-anneal": {**SHORT, "last_epoch": 11, "then": [{"shape": "anneal", "from": 12, "total_steps": 30}]},
    "resumed-hold": {**SHORT, "last_epoch": 9, "optimizer": "adamw", "then": [{"shape": "hold", "total_steps": 30}]},
    "resumed-cycle": {
        "max_lr": 0.1,
        "total_steps": 20,
        "last_epoch": 19,
        "then": [{"shape": "cycle", "total_steps": 33, "max_lr": 0.05, "pct_start": 0.4}],
    },
    "resumed-apart": {
        **NAMED,
        "total_steps": 20,
        "anneal_strategy": "linear",
        "last_epoch": 13,
        "then": [{"shape": "cycle", "from": 14, "total_steps": 31, "max_lr": [0.02, 0.09]}],
    },
    "resumed-still": {
        **SHORT,
        "cycle_momentum": False,
        "last_epoch": 11,
        "then": [{"shape": "anneal", "from": 12, "total_steps": 30}],
    },
    "processes": {**ACCUMULATED, "epochs": 3, "dataset_size": 29, "gradient_accumulation": 3, "world_size": 2},
}
WITHIN = {"r-torch": 1e-12, "fastai": 1e-6, "deepspeed": 1e-15}
"""Where a snippet differs by rounding: by how much. All else is equal in every bit."""

Rows = list[list[tuple[float, float | None]]]


def settings_of(plan: str, *, resumed: bool = True) -> OneCycle:
    """Give a plan's settings or, if it resumes, those of the run that it goes on from: its first cycle."""
    settings = OneCycle(**PLANS[plan])
    return settings if resumed or settings.last_epoch is None else replace(settings, last_epoch=None, then=None)


def snippet(plan: str, framework: Framework, *, resumed: bool = True, guarded: bool = False) -> str:
    settings = settings_of(plan, resumed=resumed)
    return code(framework, plan, settings, settings.schedule(), guarded=guarded)


def first_step_of(plan: str) -> int:
    return settings_of(plan).schedule().first_step


def planned(plan: str) -> Rows:
    """Give the planned values of the steps still ahead."""
    schedule = settings_of(plan).schedule()
    groups = range(len(schedule.groups))
    steps = range(schedule.first_step, schedule.total_steps)
    return [[(schedule.lr(step, g), schedule.momentum(step, g)) for g in groups] for step in steps]


def assert_followed(plan: str, seen: Rows) -> None:
    wanted = planned(plan)
    if wanted[0][0][1] is None:
        seen = [[(lr, None) for lr, _ in row] for row in seen]
    if plan not in WITHIN:
        assert seen == wanted
        return
    assert len(seen) == len(wanted)
    flat = [number for row in seen for group in row for number in group]
    assert flat == pytest.approx([number for row in wanted for group in row for number in group], abs=WITHIN[plan])


def batches_of(plan: str) -> int:
    """Give the batches of an epoch as the real loader has them; the whole run's where no epochs are known."""
    settings = settings_of(plan)
    if settings.dataset_size:
        return math.ceil(math.ceil(settings.dataset_size / (settings.world_size or 1)) / (settings.batch_size or 1))
    return settings.schedule().steps_per_epoch or settings.schedule().total_steps


def batches_before(plan: str) -> int:
    """Give the batches that a resumed run has behind it."""
    settings, first = settings_of(plan), first_step_of(plan)
    accumulation = settings.gradient_accumulation or 1
    if settings.total_steps:
        return first * accumulation
    epochs, updates = divmod(first, settings.schedule().steps_per_epoch or 1)
    return epochs * batches_of(plan) + updates * accumulation


def is_over(plan: str) -> bool:
    """Return whether a resumed run goes on after the whole of its first cycle."""
    return first_step_of(plan) == settings_of(plan, resumed=False).schedule().total_steps


class StopTrainingError(Exception):
    """The loader has given as many batches as it was asked for."""


class Loader:
    """Batches, until there are as many as wanted over all epochs."""

    def __init__(self, batch: Any, number: int, most: float = math.inf) -> None:
        self.batch, self.number, self.left = batch, number, most

    def __len__(self) -> int:
        return self.number

    def __iter__(self) -> Iterator[Any]:
        for _ in range(self.number):
            if self.left <= 0:
                raise StopTrainingError("for a checkpoint")
            self.left -= 1
            yield self.batch


def run_until_checkpoint(plan: str, framework: Framework, given: dict[str, Any], batch: Any) -> None:
    """Run a plan's snippet from its beginning, and stop where its checkpoint is from."""
    given["train_loader"] = Loader(batch, batches_of(plan), batches_before(plan))
    with nullcontext() if is_over(plan) else pytest.raises(StopTrainingError):
        exec(snippet(plan, framework, resumed=False), given)
