"""Schedules of other shapes, compared with the frameworks that define them: equal in every bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onecycle_cli import OneCycle
from onecycle_cli.policy.references import Reference

pytestmark = pytest.mark.numeric

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

SHAPES = st.sampled_from(["cosine", "linear", "constant", "wsd"])


@st.composite
def references(draw: st.DrawFn, by: str) -> Reference:
    """Draw a reference that a framework has."""
    shape = draw(SHAPES)
    forms = ["cosine", "linear"] + ["1-sqrt"] * (by == "transformers")
    warmup = draw(st.integers(0, 40))
    return Reference(
        shape,
        by,
        float(warmup),
        float(draw(st.integers(1, 40))),
        draw(st.sampled_from(forms)),
        draw(st.floats(0.001, 1.0)) if by != "transformers" and warmup else None,
        draw(st.one_of(st.just(0.0), st.floats(0.0, 0.9))) if shape != "constant" else 0.0,
    )


def both(reference: Reference, peak: float, total: int) -> list[float]:
    """Return our rates, which are the same step by step and as an array."""
    schedule = reference.beside(OneCycle(max_lr=peak, total_steps=total).schedule(strict=False))
    rates = [schedule.lr(step) for step in range(total)]
    assert schedule.lr(np.arange(total)).tolist() == rates
    return rates


def run(scheduler: Any, optimizer: Any, total: int) -> list[float]:
    """Return the rates that an optimizer trains with."""
    rates = []
    for _ in range(total):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step()
    return rates


def an_optimizer(peak: float) -> Any:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=peak)


PEAKS = st.floats(1e-6, 5.0)
TOTALS = st.integers(81, 400)


@settings(max_examples=150, deadline=None)
@given(references("transformers"), PEAKS, TOTALS)
def test_transformers(reference: Reference, peak: float, total: int) -> None:
    optimization = pytest.importorskip("transformers.optimization", reason="transformers is not installed")
    optimizer, warmup, final = an_optimizer(peak), int(reference.warmup), reference.final
    if reference.shape == "cosine":
        make = optimization.get_cosine_with_min_lr_schedule_with_warmup
        scheduler = make(optimizer, warmup, total, min_lr_rate=final)
        if not final:
            plain = optimization.get_cosine_schedule_with_warmup(an_optimizer(peak), warmup, total)
            assert run(plain, plain.optimizer, total) == both(reference, peak, total)
    elif reference.shape == "linear" and final:
        make = optimization.get_polynomial_decay_schedule_with_warmup
        scheduler = make(optimizer, warmup, total, lr_end=final * peak, power=1.0)
    elif reference.shape == "linear":
        scheduler = optimization.get_linear_schedule_with_warmup(optimizer, warmup, total)
    elif reference.shape == "constant":
        scheduler = optimization.get_constant_schedule_with_warmup(optimizer, warmup)
    else:
        scheduler = optimization.get_wsd_schedule(
            optimizer, warmup, int(reference.decay), total, decay_type=reference.form, min_lr_ratio=final
        )
    assert run(scheduler, optimizer, total) == both(reference, peak, total)


@settings(max_examples=150, deadline=None)
@given(references("torch"), PEAKS, TOTALS)
def test_torch(reference: Reference, peak: float, total: int) -> None:
    lr_scheduler = torch.optim.lr_scheduler
    optimizer, warmup, final = an_optimizer(peak), int(reference.warmup), reference.final
    decay = int(reference.decay) if reference.shape == "wsd" else total - warmup
    form = reference.form if reference.shape == "wsd" else reference.shape
    parts, lengths = [], []
    if warmup:
        parts.append(lr_scheduler.LinearLR(optimizer, start_factor=reference.start, total_iters=warmup))
        lengths.append(warmup)
    if reference.shape in ("constant", "wsd"):
        parts.append(lr_scheduler.ConstantLR(optimizer, factor=1.0, total_iters=total))
        lengths.append(total - warmup - decay)
    if form == "linear":
        parts.append(lr_scheduler.LinearLR(optimizer, start_factor=1.0, end_factor=final, total_iters=decay))
    elif form == "cosine":
        parts.append(lr_scheduler.CosineAnnealingLR(optimizer, T_max=decay, eta_min=final * peak))
    milestones = [sum(lengths[: at + 1]) for at in range(len(parts) - 1)]
    scheduler = parts[0] if len(parts) == 1 else lr_scheduler.SequentialLR(optimizer, parts, milestones)
    assert run(scheduler, optimizer, total) == both(reference, peak, total)


@settings(max_examples=40, deadline=None)
@given(references("optax"), PEAKS, TOTALS)
def test_optax(reference: Reference, peak: float, total: int) -> None:
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    optax = pytest.importorskip("optax", reason="optax is not installed")
    warmup, first, end = int(reference.warmup), (reference.start or 0.0) * peak, reference.final * peak
    decay = int(reference.decay) if reference.shape == "wsd" else total - warmup
    form = reference.form if reference.shape == "wsd" else reference.shape
    steps = range(0, total, 7)
    with jax.enable_x64(True):  # noqa: FBT003 - its signature
        parts, lengths = [], []
        if warmup:
            parts.append(optax.linear_schedule(first, peak, warmup))
            lengths.append(warmup)
        if reference.shape in ("constant", "wsd"):
            parts.append(optax.constant_schedule(peak))
            lengths.append(total - warmup - decay)
        if form == "linear":
            parts.append(optax.linear_schedule(peak, end, decay))
        elif form == "cosine":
            parts.append(optax.cosine_decay_schedule(peak, decay, alpha=end / peak))
        milestones = [sum(lengths[: at + 1]) for at in range(len(parts) - 1)]
        theirs = [float(optax.join_schedules(parts, milestones)(step)) for step in steps]
        if reference.shape == "cosine" and warmup:
            ready = optax.warmup_cosine_decay_schedule(first, peak, warmup, total, end)
            assert [float(ready(step)) for step in steps] == theirs
    ours = both(reference, peak, total)
    assert [ours[step] for step in steps] == theirs
