"""The real optax, under 64-bit JAX, over random settings: equal in every bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onecycle_cli import OneCycle

pytestmark = pytest.mark.numeric

jax = pytest.importorskip("jax", reason="JAX is not installed; `pip install optax jax` also runs these tests")
optax = pytest.importorskip("optax", reason="optax is not installed; `pip install optax jax` also runs these tests")


@st.composite
def plans(draw: st.DrawFn) -> dict[str, Any]:
    """Draw cycles in which no two edges fall on one step."""
    total = draw(st.integers(20, 300))
    return {
        "max_lr": draw(st.floats(1e-5, 5.0)),
        "total_steps": total,
        "pct_start": draw(st.floats(1.5 / total, 0.6)),
        "div_factor": draw(st.floats(1.0, 100.0)),
        "final_div_factor": draw(st.floats(1.0, 1e5)),
    }


def ask_optax(make: Any, plan: dict[str, Any], **more: Any) -> list[float]:
    """Give the real schedule's values, step by step, in 64 bits."""
    with jax.enable_x64(True):  # noqa: FBT003 - its signature
        schedule = make(
            transition_steps=plan["total_steps"],
            peak_value=plan["max_lr"],
            pct_start=plan["pct_start"],
            div_factor=plan["div_factor"],
            final_div_factor=plan["final_div_factor"],
            **more,
        )
        return [float(schedule(step)) for step in range(0, plan["total_steps"], 7)]


@settings(max_examples=25)
@given(plans())
def test_the_cosine_schedule(plan: dict[str, Any]) -> None:
    ours = OneCycle(**plan, convention="optax").schedule(strict=False)
    assert ours.lr(np.arange(0, ours.total_steps, 7)).tolist() == ask_optax(optax.cosine_onecycle_schedule, plan)


@settings(max_examples=25)
@given(plans(), st.floats(0.7, 0.95))
def test_the_linear_schedule(plan: dict[str, Any], pct_final: float) -> None:
    ours = OneCycle(**plan, pct_final=pct_final, convention="optax-linear").schedule(strict=False)
    theirs = ask_optax(optax.linear_onecycle_schedule, plan, pct_final=pct_final)
    assert ours.lr(np.arange(0, ours.total_steps, 7)).tolist() == theirs
