"""A plan in the settings of another convention: which settings, which difference is left, and what else to do."""

from __future__ import annotations

from typing import Any

import pytest

from onecycle_cli import OneCycle
from onecycle_cli.policy.translation import Translation, translate

CURVE = {"max_lr": 0.1, "div_factor": 25.0}


def translated(target: str, **values: Any) -> Translation | None:
    settings = OneCycle(**{"max_lr": 0.1, "total_steps": 1000, **values})
    return translate(settings, settings.schedule(), target)


def made(target: str, **values: Any) -> Translation:
    found = translated(target, **values)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("target", "source", "settings"),
    [
        (
            "torch",
            {"pct_start": 0.2, "three_phase": True, "final_div_factor": 50.0},
            {"final_div_factor": 50.0, "pct_start": 0.2, "anneal_strategy": "cos", "three_phase": True},
        ),
        ("r-torch", {"pct_start": 0.2}, {"final_div_factor": 1e4, "pct_start": 0.2, "anneal_strategy": "cos"}),
        (
            "mmengine",
            {"anneal_strategy": "linear"},
            {"final_div_factor": 1e4, "pct_start": 0.3, "anneal_strategy": "linear", "three_phase": False},
        ),
        (
            "paddle",
            {"three_phase": True, "pct_start": 0.4},
            {"final_lr": 4e-7, "pct_start": 0.4, "anneal_strategy": "cos", "three_phase": True},
        ),
        (
            "paddle",
            {"final_lr": 1e-6, "final_div_factor": 3.0},
            {"final_lr": 1e-6, "pct_start": 0.3, "anneal_strategy": "cos", "three_phase": False},
        ),
        ("optax", {"convention": "openpcdet"}, {"final_div_factor": 1e4, "pct_start": 0.3}),
        ("openpcdet", {"convention": "optax", "pct_start": 0.25}, {"pct_start": 0.25, "cycle_momentum": False}),
        (
            "smith",
            {"convention": "smith", "stepsize": 400},
            {"div_factor": 10.0, "final_div_factor": 1e3, "stepsize": 400},
        ),
        ("smith", {"convention": "smith"}, {"div_factor": 10.0, "final_div_factor": 1e3, "stepsize": 450}),
    ],
)
def test_of_the_same_arithmetic_nothing_is_left(target: str, source: dict[str, Any], settings: dict[str, Any]) -> None:
    found = made(target, **source)
    assert found.settings == CURVE | {"convention": target, "total_steps": 1000} | settings
    assert (found.largest.absolute, found.largest.relative, found.note) == (0.0, 0.0, "")


def test_a_final_rate_that_is_held_makes_the_cycle_a_step_shorter() -> None:
    """PyTorch peaks at step p*T - 1 = 299 and ends at step 999; optax gets there with T = 999 and int(p*T) = 299."""
    found = made("optax")
    assert found.settings == CURVE | {
        "convention": "optax",
        "final_div_factor": 1e4,
        "total_steps": 999,
        "pct_start": pytest.approx(299 / 999, rel=1e-15),
    }
    assert int(found.settings["pct_start"] * 999) == 299
    assert found.note == "train 1,000 steps, one more than its 999: optax stays at the final rate"
    assert found.largest.absolute == 0.0


def test_a_final_rate_that_comes_after_the_cycle_makes_it_a_step_longer() -> None:
    """Optax peaks at step 300 and ends at step 1,000; PyTorch gets there with p*T - 1 = 300 and T - 1 = 1,000."""
    found = made("torch", convention="optax")
    assert found.settings == CURVE | {
        "convention": "torch",
        "final_div_factor": 1e4,
        "total_steps": 1001,
        "pct_start": 301 / 1001,
        "anneal_strategy": "cos",
        "three_phase": False,
        "cycle_momentum": False,
    }
    assert found.note == "stop after 1,000 of its 1,001 steps: in optax the final rate comes one step later"
    assert found.largest.absolute == 0.0


@pytest.mark.parametrize(
    ("target", "source", "pct"),
    [
        ("torch", {"convention": "optax", "pct_start": 0.3005}, 301 / 1001),  # int(300.5) + 1
        ("torch", {"convention": "fastai", "pct_start": 0.3005}, 301.5 / 1001),
        ("fastai", {"pct_start": 0.3005}, 0.2995),  # 300.5 - 1
        ("optax", {"pct_start": 0.301, "total_steps": 1001}, 0.3),  # 301.301 - 1, and the whole step nearest to it
    ],
)
def test_only_some_conventions_turn_at_whole_steps(target: str, source: dict[str, Any], pct: float) -> None:
    assert made(target, **source).settings["pct_start"] == pytest.approx(pct, rel=1e-15, abs=0)


def test_fastai_has_no_step_to_spare() -> None:
    """Its final rate comes after the cycle and is not held, so the length stays, and the ends are a step apart."""
    found = made("fastai", final_div_factor=100.0)
    assert found.settings == CURVE | {
        "convention": "fastai",
        "final_div_factor": 2500.0,
        "total_steps": 1000,
        "pct_start": 0.299,
    }
    assert found.note == ""
    # A cosine falls fastest at half its way, by pi / 2 times its height per step, here about a thousandth of a phase.
    assert found.largest.relative == pytest.approx(0.0013, abs=0.0001)
    assert found.largest.step == pytest.approx(752, abs=10)


@pytest.mark.parametrize(
    ("source", "factor"),
    [
        ({"convention": "fastai", "final_div_factor": 2500.0}, 100.0),
        ({"convention": "paddle", "final_lr": 4e-6}, 1e3),
        ({"convention": "paddle"}, 40.0),
        ({"convention": "openpcdet", "div_factor": 10.0}, 1e4),
        ({"final_lr": 4e-6, "final_div_factor": 7.0}, 1e3),
        ({"final_div_factor": 7.0}, 7.0),
    ],
)
def test_the_final_rate_is_kept_as_the_initial_one_divided(source: dict[str, Any], factor: float) -> None:
    assert made("torch", **source).settings["final_div_factor"] == pytest.approx(factor, rel=1e-15)


@pytest.mark.parametrize(
    ("target", "source", "momenta"),
    [
        ("torch", {"base_momentum": 0.8}, {"base_momentum": 0.8}),
        ("torch", {"base_momentum": 0.8, "max_momentum": 0.9}, {"base_momentum": 0.8, "max_momentum": 0.9}),
        ("torch", {"cycle_momentum": False}, {"cycle_momentum": False}),
        ("torch", {"convention": "paddle"}, {"cycle_momentum": False}),
        ("torch", {"convention": "fastai", "base_momentum": 0.8, "final_momentum": 0.9}, {"base_momentum": 0.8}),
        ("fastai", {"convention": "fastai", "final_momentum": 0.9}, {"final_momentum": 0.9}),
        ("paddle", {"base_momentum": 0.8}, {}),
        ("paddle", {"cycle_momentum": False, "groups": 2}, {"groups": 2}),
        ("torch", {"groups": ("a", "b")}, {"groups": ("a", "b")}),
        ("torch", {"groups": 1}, {"groups": 1}),
        ("torch", {"max_lr": (0.1, 0.2)}, {"groups": 2}),
        ("torch", {"max_momentum": (0.9, 0.95), "cycle_momentum": True}, {"groups": 2, "max_momentum": (0.9, 0.95)}),
    ],
)
def test_groups_and_momenta_are_carried_over(target: str, source: dict[str, Any], momenta: dict[str, Any]) -> None:
    settings = made(target, **source).settings
    kinds = ("groups", "cycle_momentum", "base_momentum", "max_momentum", "final_momentum")
    assert {name: value for name, value in settings.items() if name in kinds} == momenta
    assert settings["max_lr"] == OneCycle(**{"max_lr": 0.1, **source}).max_lr


LINEAR: dict[str, Any] = {"anneal_strategy": "linear"}


def test_three_phases_have_their_second_edge_at_pct_final() -> None:
    found = made("optax-linear", three_phase=True, **LINEAR)
    assert found.settings == CURVE | {
        "convention": "optax-linear",
        "final_div_factor": 1e4,
        "total_steps": 999,
        "pct_start": pytest.approx(299 / 999, rel=1e-15),
        "pct_final": pytest.approx(598 / 999, rel=1e-15),
    }
    assert [int(found.settings[name] * 999) for name in ("pct_start", "pct_final")] == [299, 598]


@pytest.mark.parametrize(
    ("pct_final", "can"), [(0.598, False), (0.599, True), (0.6, True), (0.601, True), (0.602, False)]
)
def test_the_second_edge_must_mirror_the_first_within_a_step(pct_final: float, can: bool) -> None:
    found = translated("torch", convention="optax-linear", pct_final=pct_final)
    assert (found is not None) == can
    if found is not None:
        assert (found.settings["three_phase"], found.settings["anneal_strategy"]) == (True, "linear")
        assert (found.settings["total_steps"], found.settings["pct_start"]) == (1001, 301 / 1001)
        assert "pct_final" not in found.settings


@pytest.mark.parametrize(
    ("target", "source"),
    [
        ("smith", {}),
        ("torch", {"convention": "smith"}),
        ("optax", LINEAR),
        ("fastai", LINEAR),
        ("optax-linear", {}),
        ("optax-linear", LINEAR),
        ("optax", {"three_phase": True}),
        ("r-torch", {"three_phase": True}),
        ("torch", {"final_lr": 0.0}),
        ("optax", {"pct_start": 0.0005}),  # it peaks before step 0, where optax fails
    ],
    ids=str,
)
def test_what_a_convention_cannot_follow_is_not_translated(target: str, source: dict[str, Any]) -> None:
    assert translated(target, **source) is None


def test_the_largest_difference_is_that_of_the_group_with_the_largest_share() -> None:
    found = made("fastai", max_lr=(0.1, 0.3), groups=("body", "head"), div_factor=1.0)
    alone = made("fastai", max_lr=0.3, div_factor=1.0)
    assert found.largest.relative == pytest.approx(alone.largest.relative, rel=1e-9)
