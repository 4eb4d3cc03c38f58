"""What holds of every convention, over random settings; recorded values are in test_golden."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onecycle_cli import OneCycle, PlanError
from onecycle_cli.policy.conventions import CONVENTIONS
from onecycle_cli.policy.conventions.fastai import running_sum

pytestmark = pytest.mark.numeric

OTHERS = sorted(set(CONVENTIONS) - {"torch", "r-torch"})


@st.composite
def shared_settings(draw: st.DrawFn) -> dict[str, Any]:
    """Draw settings that every convention has, of a cycle in which each phase holds steps."""
    epochs, per_epoch = draw(st.integers(1, 9)), draw(st.integers(8, 60))
    return {
        "max_lr": draw(st.floats(1e-5, 5.0)),
        "epochs": epochs,
        "steps_per_epoch": per_epoch,
        "pct_start": draw(st.floats(2.5 / (epochs * per_epoch), 0.45)),
        "div_factor": draw(st.floats(1.0, 100.0)),
    }


@pytest.mark.parametrize("convention", OTHERS)
@given(settings=shared_settings())
def test_arrays_equal_scalars(convention: str, settings: dict[str, Any]) -> None:
    schedule = OneCycle(**settings, convention=convention).schedule()
    steps = np.arange(schedule.total_steps)
    assert schedule.lr(steps).tolist() == [schedule.lr(step) for step in steps.tolist()]
    momenta = schedule.momentum(steps)
    in_array = [None] * len(steps) if momenta is None else momenta.tolist()
    assert in_array == [schedule.momentum(step) for step in steps.tolist()]
    covered = [step for phase in schedule.phases for step in range(phase.first_step, phase.last_step + 1)]
    assert covered == steps.tolist()


@given(st.floats(0.0, 1.0), st.floats(1e-9, 0.5), st.integers(0, 3000))
def test_the_running_sum_is_the_sum_taken_step_by_step(start: float, term: float, times: int) -> None:
    sums = []
    for total in (start, start / 2):
        for _ in range(times):
            total += term
        sums.append(total)
    assert running_sum(start, term, times) == sums[0]
    counts = np.array([times, times], dtype=float)
    for starts in ([start, start], [start, start / 2]):  # of one epoch, and of several
        expected = [sums[0], sums[starts[0] != starts[1]]]
        assert running_sum(np.array(starts), term, counts).tolist() == expected


def test_terms_too_small_to_count_add_nothing() -> None:
    assert running_sum(0.5, 1e-20, 1000) == 0.5
    assert running_sum(0.5, 1e-20, 2**53) == 0.5
    assert running_sum(0.0, 2.0**-53, 2**53) == 1.0
    assert running_sum(np.array([0.5, 0.25]), 1e-20, np.array([1000.0, 3.0])).tolist() == [0.5, 0.25]


def test_fastai_costs_the_same_at_any_length() -> None:
    schedule = OneCycle(max_lr=0.1, epochs=1000, steps_per_epoch=10**9, convention="fastai").schedule()
    assert 0 < schedule.lr(10**12 - 1) < 1e-4
    assert schedule.lr(np.array([10**12 - 1])).tolist() == [schedule.lr(10**12 - 1)]


@pytest.mark.parametrize(
    ("convention", "setting", "value"),
    [
        ("torch", "stepsize", 10),
        ("torch", "pct_final", 0.8),
        ("torch", "final_momentum", 0.9),
        ("r-torch", "three_phase", True),
        ("fastai", "anneal_strategy", "linear"),
        ("fastai", "three_phase", True),
        ("optax", "cycle_momentum", True),
        ("optax", "base_momentum", 0.8),
        ("optax-linear", "anneal_strategy", "cos"),
        ("paddle", "final_div_factor", 100.0),
        ("mmengine", "max_momentum", 0.9),
        ("openpcdet", "final_lr", 1e-7),
        ("smith", "three_phase", True),
        ("tinygrad", "anneal_strategy", "cos"),
        ("deepspeed", "final_lr", 1e-7),
        ("tinygrad", "cycle_momentum", True),
    ],
)
def test_what_a_framework_lacks_is_a_finding_and_no_schedule(convention: Any, setting: str, value: Any) -> None:
    settings = OneCycle(**{"max_lr": 0.1, "total_steps": 100, "convention": convention, setting: value})
    assert [each.setting for each in settings.findings() if each.code == "OC205"] == [setting]
    with pytest.raises(PlanError, match="OC205"):
        settings.schedule()


@pytest.mark.parametrize(
    ("convention", "pct_start", "code"),
    [
        ("optax", 1.0, "OC303"),
        ("optax", 0.0, "OC303"),
        ("optax-linear", 0.9, "OC303"),
        ("openpcdet", 0.005, "OC303"),
        ("fastai", 0.005, "OC402"),
        ("paddle", 0.01, "OC302"),
        ("mmengine", 0.01, "OC302"),
        ("tinygrad", 0.005, "OC402"),
        ("deepspeed", 0.005, "OC303"),
        ("deepspeed", 0.95, "OC303"),
    ],
)
def test_where_a_framework_goes_wrong_there_is_a_finding(convention: Any, pct_start: float, code: str) -> None:
    found = OneCycle(max_lr=0.1, total_steps=100, pct_start=pct_start, convention=convention).findings()
    assert code in {each.code for each in found}


@pytest.mark.parametrize(
    ("pct_start", "pct_final", "message", "setting"),
    [
        (0.3, 0.304, "pct_final 0.304 of 100 steps: two edges on step 30; optax drops one", "pct_final"),
        (0.304, 0.301, "pct_final 0.301 of 100 steps: two edges on step 30; optax drops one", "pct_final"),
        (0.5, 0.4, "pct_final 0.4 is before pct_start 0.5: optax takes the edges in order", "pct_final"),
        (0.9, None, "pct_final 0.85 is before pct_start 0.9: optax takes the edges in order", "pct_start"),
        (0.3, 0.31, None, None),
    ],
)
def test_edges_of_optax_in_the_wrong_place(
    pct_start: float, pct_final: float | None, message: str | None, setting: str | None
) -> None:
    settings = OneCycle(
        max_lr=0.1, total_steps=100, convention="optax-linear", pct_start=pct_start, pct_final=pct_final
    )
    found = [each for each in settings.findings() if each.code == "OC303"]
    assert [(each.message[: len(message or "")], each.setting) for each in found] == [(message, setting)] * bool(
        message
    )


def test_the_worked_example() -> None:
    def first_and_last(convention: Any, **more: Any) -> list[float]:
        schedule = OneCycle(max_lr=0.1, total_steps=10, convention=convention, **more).schedule()
        return [float(f"{schedule.lr(step):.6g}") for step in (0, 1, 2, 3, 9)]

    assert first_and_last("torch") == [0.004, 0.052, 0.1, 0.0950485, 4e-07]
    assert first_and_last("paddle") == [0.004, 0.052, 0.1, 0.0950534, 0.0001]
    assert first_and_last("fastai", pct_start=0.3) == [0.004, 0.028, 0.076, 0.1, 0.00495251]
    assert first_and_last("optax") == [0.004, 0.028, 0.076, 0.1, 0.00495194]
    assert first_and_last("openpcdet") == [0.004, 0.028, 0.076, 0.1, 0.00495194]
    assert first_and_last("optax-linear") == [0.004, 0.036, 0.068, 0.1, 0.0020002]
    assert first_and_last("deepspeed") == [0.01, 0.0325, 0.055, 0.0775, 0.01]
    assert first_and_last("tinygrad") == [0.004, 0.036, 0.068, 0.1, 0.0142861]


@pytest.mark.parametrize("pct_start", [1.0, 0.99999999])
def test_fastais_anneal_without_a_length_is_an_error(pct_start: float) -> None:
    settings = OneCycle(max_lr=0.1, total_steps=10**8, pct_start=pct_start, convention="fastai")
    assert "OC303" in {finding.code for finding in settings.findings()}
    with pytest.raises(PlanError, match="OC303"):
        settings.schedule(strict=False)
    assert OneCycle(max_lr=0.1, total_steps=100, pct_start=1.0, convention="fastai").schedule().lr(99) < 0.1


PHASES: dict[str, list[tuple[str, int, int]]] = {
    "torch": [("warm-up", 0, 299), ("anneal", 300, 999)],
    "r-torch": [("warm-up", 0, 299), ("anneal", 300, 999)],
    "fastai": [("warm-up", 0, 249), ("anneal", 250, 999)],
    "optax": [("warm-up", 0, 299), ("anneal", 300, 999)],
    "optax-linear": [("warm-up", 0, 299), ("anneal", 300, 849), ("annihilation", 850, 999)],
    "paddle": [("warm-up", 0, 299), ("anneal", 300, 999)],
    "mmengine": [("warm-up", 0, 299), ("anneal", 300, 999)],
    "openpcdet": [("warm-up", 0, 299), ("anneal", 300, 999)],
    # The fall towards 0 meets the final rate, a ten-thousandth of the peak, in the last step of its 450.
    "smith": [("warm-up", 0, 450), ("anneal", 451, 899), ("annihilation", 900, 999)],
}


@pytest.mark.parametrize("convention", PHASES)
def test_the_phases_of_a_thousand_steps(convention: Any) -> None:
    schedule = OneCycle(max_lr=0.1, total_steps=1000, convention=convention).schedule()
    assert [(phase.name, phase.first_step, phase.last_step) for phase in schedule.phases] == PHASES[convention]


def test_the_phases_of_three() -> None:
    schedule = OneCycle(max_lr=0.1, total_steps=1000, three_phase=True).schedule()
    assert [(phase.name, phase.first_step, phase.last_step) for phase in schedule.phases] == [
        ("warm-up", 0, 299),
        ("anneal", 300, 598),
        ("annihilation", 599, 999),
    ]


@pytest.mark.parametrize(
    ("settings", "anneal", "flat"),
    [
        ({"final_div_factor": 1.0, "div_factor": 10.0}, (451, 900), 900),
        ({"final_div_factor": 10.0, "div_factor": 10.0}, (451, 895), 896),
        ({"final_div_factor": 0.01, "div_factor": 10.0}, None, 451),
    ],
)
def test_where_smiths_plateau_begins(settings: dict[str, Any], anneal: tuple[int, int] | None, flat: int) -> None:
    """The fall goes to 0 and stops at base / f; with a factor of 1 it goes to the base itself."""
    schedule = OneCycle(max_lr=1.0, total_steps=1000, convention="smith", stepsize=450, **settings).schedule()
    final = 1.0 / settings["div_factor"] / settings["final_div_factor"]
    falls = [(phase.first_step, phase.last_step) for phase in schedule.phases if phase.name == "anneal"]
    assert falls == ([anneal] if anneal else [])
    assert [schedule.lr(step) for step in (flat, 999)] == pytest.approx([final] * 2, rel=1e-12)
    assert schedule.lr(flat - 1) != pytest.approx(final, rel=1e-6)


@pytest.mark.parametrize(
    ("settings", "codes"),
    [
        ({"total_steps": 1000, "pct_start": 0.0015}, []),
        ({"total_steps": 1000, "pct_start": 0.0005}, ["OC402"]),
        ({"total_steps": 1000, "pct_start": 0.5, "three_phase": True}, []),
        ({"total_steps": 1, "pct_start": 0.5, "three_phase": True}, ["OC303"]),
    ],
)
def test_what_pct_start_leaves_of_the_phases(settings: dict[str, Any], codes: list[str]) -> None:
    found = OneCycle(max_lr=0.1, **settings).findings()
    assert [each.code for each in found if each.code in ("OC302", "OC303", "OC304", "OC402")] == codes


@pytest.mark.parametrize("convention", ["openpcdet", "smith"])
def test_a_warmup_without_steps_has_no_curve_even_where_errors_are_ignored(convention: Any) -> None:
    settings = OneCycle(max_lr=0.1, total_steps=100, pct_start=0.005, convention=convention)
    with pytest.raises(PlanError, match="OC303"):
        settings.schedule(strict=False)


def test_a_phase_before_the_first_step_is_left_out() -> None:
    settings = OneCycle(max_lr=0.1, total_steps=100, pct_start=-0.3, convention="openpcdet")
    schedule = settings.schedule(strict=False)
    assert [(phase.name, phase.first_step, phase.last_step) for phase in schedule.phases] == [("anneal", 0, 99)]
