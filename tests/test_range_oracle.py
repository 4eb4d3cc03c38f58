"""The real fastai, torch-lr-finder and Lightning, testing the rates of a small network: the same suggestions."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from onecycle_cli.run.range_test.rules import RULES

from .framework_ranges import RUNS, Run, fastai, lightning, lr_finder
from .test_range import agrees

pytestmark = pytest.mark.filterwarnings("ignore")  # the frameworks' own, about their libraries

NAMES = {"fastai": "fastai", "torch-lr-finder": "torch_lr_finder", "lightning": "lightning"}


def done(package: str, run: Callable[[], Run]) -> Run:
    """Run a framework's test where it is installed."""
    pytest.importorskip(NAMES[package], reason=f"{package} is not installed; `pip install {package}` runs this test")
    return run()


@pytest.mark.parametrize("name", RUNS)
def test_the_frameworks_own_suggestions(name: str, tmp_path: Path) -> None:
    package, run = RUNS[name]
    agrees(done(package, run), tmp_path)


@pytest.mark.parametrize("seed", [random.Random(at).randrange(1000) for at in range(3)])
@pytest.mark.parametrize("package", NAMES)
def test_other_networks(package: str, seed: int, tmp_path: Path) -> None:
    every: dict[str, Callable[[int], Run]] = {"fastai": fastai, "torch-lr-finder": lr_finder, "lightning": lightning}
    run = every[package]
    agrees(done(package, lambda: run(seed)), tmp_path)


@pytest.mark.parametrize("seed", range(40))
def test_fastais_rules_on_any_losses(seed: int) -> None:
    """Compare the rules with fastai's functions on losses that no network has."""
    schedule = pytest.importorskip("fastai.callback.schedule", reason="fastai is not installed")
    import numpy as np
    import torch

    generator = np.random.default_rng(seed)
    number = int(generator.integers(16, 300))
    rates = np.logspace(-7, generator.uniform(-2, 2), number, dtype=np.float32)
    losses = generator.normal(2, 0.5, number).astype(np.float32)
    if seed % 2:
        losses = np.cumsum(losses - 2.05).astype(np.float32)
    if seed % 5 == 0:
        losses = np.sort(losses)[:: 1 if seed % 10 else -1].copy()
    for name in ("valley", "slide", "minimum", "steep"):
        rule = next(rule for rule in RULES if rule.name == name)
        row = rule.take(rates.astype(np.float64), losses.astype(np.float64))
        theirs, _ = getattr(schedule, name)(torch.tensor(rates), torch.tensor(losses), number)
        assert row is not None
        assert rates[row] / rule.share == pytest.approx(theirs, rel=1e-6), name


@pytest.mark.parametrize("seed", range(20))
def test_lightnings_rule_on_any_losses(seed: int) -> None:
    """Compare the rule with Lightning's function, which computes in single precision."""
    pytest.importorskip("lightning", reason="lightning is not installed")
    import numpy as np
    from lightning.pytorch.tuner.lr_finder import _LRFinder

    generator = np.random.default_rng(seed)
    number = int(generator.integers(14, 300))
    rates = np.logspace(-8, generator.uniform(-2, 1), number)
    losses = generator.normal(2, 0.5, number)
    finder = _LRFinder("exponential", 1e-8, 1, number)
    finder.results = {"lr": rates.tolist(), "loss": losses.tolist()}
    rule = next(rule for rule in RULES if rule.name == "lightning")
    row = rule.take(rates[10:-1], losses[10:-1])
    assert row is not None
    assert rates[10 + row] == finder.suggestion()
