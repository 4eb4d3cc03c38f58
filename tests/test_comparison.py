"""Two schedules compared: by which group, where momentum differs, and in which settings."""

from __future__ import annotations

from typing import Any

import pytest

from onecycle_cli.errors import OnecycleError
from onecycle_cli.policy.comparison import Largest, comparable, compare, differing, in_effect
from onecycle_cli.policy.onecycle import OneCycle
from onecycle_cli.policy.plan import plan_of
from onecycle_cli.policy.schedule import Schedule


def plan(**values: Any) -> OneCycle:
    return OneCycle(**{"max_lr": 0.1, "total_steps": 1000, **values})


def schedule(**values: Any) -> Schedule:
    return plan(**values).schedule()


def near(value: float) -> Any:
    return pytest.approx(value)


def effective(**values: Any) -> dict[str, Any]:
    settings = plan(**values)
    made = plan_of(settings)
    assert made is not None
    return in_effect(settings, made)


# --- Settings that have an effect -------------------------------------------------------------------------------------

OF_TORCH = {
    "convention": "torch",
    "optimizer": None,
    "groups": ["0"],
    "max_lr": 0.1,
    "div_factor": 25.0,
    "final_div_factor": 1e4,
    "final_lr": None,
    "total_steps": 1000,
    "steps_per_epoch": None,
    "pct_start": 0.3,
    "pct_final": None,
    "stepsize": None,
    "anneal_strategy": "cos",
    "three_phase": False,
    "cycle_momentum": True,
    "base_momentum": 0.85,
    "max_momentum": 0.95,
    "final_momentum": 0.95,
    "last_epoch": -1,
    "then": None,
}
WITHOUT_MOMENTUM = dict.fromkeys(("base_momentum", "max_momentum", "final_momentum"))


@pytest.mark.parametrize(
    ("settings", "effect"),
    [
        ({}, {}),
        (
            {"optimizer": "sgd", "three_phase": True, "last_epoch": 99},
            {"optimizer": "sgd", "three_phase": True, "last_epoch": 99},
        ),
        ({"final_lr": 1e-6, "final_div_factor": 5.0}, {"final_div_factor": None, "final_lr": 1e-6}),
        ({"epochs": 10, "steps_per_epoch": 100, "total_steps": None}, {"steps_per_epoch": 100}),
        ({"cycle_momentum": False, "base_momentum": 0.5}, {"cycle_momentum": False, **WITHOUT_MOMENTUM}),
        (
            {"max_lr": (0.1, 0.2), "groups": ("body", "head"), "max_momentum": (0.9, 0.95)},
            {
                "groups": ["body", "head"],
                "max_lr": [0.1, 0.2],
                "max_momentum": [0.9, 0.95],
                "final_momentum": [0.9, 0.95],
            },
        ),
        ({"max_lr": (0.1, 0.1)}, {"groups": ["0", "1"], "max_lr": 0.1}),
        (
            {"convention": "fastai", "final_momentum": 0.9},
            {"convention": "fastai", "pct_start": 0.25, "final_div_factor": 1e5, "final_momentum": 0.9},
        ),
        (
            {"convention": "optax-linear"},
            {
                "convention": "optax-linear",
                "anneal_strategy": "linear",
                "pct_final": 0.85,
                "cycle_momentum": None,
                **WITHOUT_MOMENTUM,
            },
        ),
        (
            {"convention": "paddle"},
            {
                "convention": "paddle",
                "final_div_factor": None,
                "final_lr": 1e-4,
                "cycle_momentum": None,
                **WITHOUT_MOMENTUM,
            },
        ),
        (
            {"convention": "smith", "stepsize": 400},
            {
                "convention": "smith",
                "anneal_strategy": "linear",
                "div_factor": 10.0,
                "final_div_factor": 1e3,
                "pct_start": None,
                "stepsize": 400,
            },
        ),
        (
            {"convention": "smith"},
            {
                "convention": "smith",
                "anneal_strategy": "linear",
                "div_factor": 10.0,
                "final_div_factor": 1e3,
                "pct_start": 0.45,
            },
        ),
    ],
)
def test_settings_in_effect(settings: dict[str, Any], effect: dict[str, Any]) -> None:
    assert effective(**settings) == OF_TORCH | effect


def test_segments_in_few_words() -> None:
    parts = (
        {"shape": "hold", "total_steps": 1100},
        {"shape": "anneal", "total_steps": 1500, "final_lr": 1e-8},
        {"shape": "cycle", "total_steps": 2000, "max_lr": 0.05},
        {"shape": "cycle", "from": 1800, "total_steps": 3000, "max_lr": 0.09, "final_lr": 1e-6},
    )
    assert effective(then=parts)["then"] == [
        "hold 1000–1099",
        "anneal 1100–1499, then 1e-08",
        "cycle 1500–1999 to 0.05",
        "cycle 1800–2999 to 0.09, then 1e-06",
    ]


def test_settings_that_differ() -> None:
    assert differing(effective(), effective(max_lr=0.2, pct_start=0.25)) == {
        "max_lr": (0.1, 0.2),
        "pct_start": (0.3, 0.25),
    }
    # Steps per epoch, and momenta, count where both have them.
    by_epochs = effective(epochs=10, steps_per_epoch=100, total_steps=None)
    assert differing(effective(), by_epochs) == {}
    assert differing(by_epochs, effective(epochs=20, steps_per_epoch=50, total_steps=None)) == {
        "steps_per_epoch": (100, 50)
    }
    assert differing(effective(), effective(cycle_momentum=False)) == {"cycle_momentum": (True, False)}
    # The final momentum is the highest one unless it is given: it repeats that difference.
    assert differing(effective(), effective(max_momentum=0.9)) == {"max_momentum": (0.95, 0.9)}
    ended = {"convention": "fastai", "final_momentum": 0.9}
    assert differing(effective(convention="fastai"), effective(**ended)) == {"final_momentum": (0.95, 0.9)}


def test_final_factors_of_two_meanings_are_both_shown_as_the_final_rate() -> None:
    both: list[dict[str, Any]] = [{"max_lr": (0.1, 0.2)}, {"convention": "fastai", "final_div_factor": 100.0}]
    shown = comparable([effective(**each) for each in both], [schedule(**each) for each in both])
    assert [each["final_div_factor"] for each in shown] == [None, None]
    assert [each["final_lr"] for each in shown] == [[0.1 / 25 / 1e4, 0.2 / 25 / 1e4], 0.001]
    alike = [effective(), effective(final_div_factor=100.0)]
    assert comparable(alike, [schedule(), schedule(final_div_factor=100.0)]) == alike
    ends = [effective(), effective(final_lr=1e-6)]
    assert comparable(ends, [schedule(), schedule(final_lr=1e-6)])[1]["final_lr"] == 1e-6


# --- Differences ------------------------------------------------------------------------------------------------------


def test_momentum_is_compared_group_by_group() -> None:
    groups = {"max_lr": (0.1, 0.1), "groups": ("body", "head")}
    one = schedule(**groups, base_momentum=(0.8, 0.7))
    other = schedule(**groups, base_momentum=(0.8, 0.6))
    found = compare(one, other)
    assert found.lr is None
    assert found.momentum == Largest(299, "head", near(0.1), near(0.1 / 0.95))
    assert found.first is not None
    assert (found.first.step, found.first.field, found.first.group) == (1, "momentum", "head")
    assert found.visible is not None
    assert found.visible.values == (one.momentum(found.visible.step, 1), other.momentum(found.visible.step, 1))
    turned = schedule(max_lr=(0.1, 0.1), groups=("head", "body"), base_momentum=(0.7, 0.8))
    assert compare(one, turned).first is None
    assert compare(one, other, momentum=False).first is None
    assert compare(one, other, momentum=False).momentum is None


def test_momenta_are_measured_by_the_higher_of_the_reference_s() -> None:
    none, some = schedule(base_momentum=0.0, max_momentum=0.0), schedule(base_momentum=0.0, max_momentum=0.5)
    found = compare(none, some).momentum
    assert found == Largest(0, "0", 0.5, 0.5)  # nothing to measure by: the share is of 1
    assert compare(some, none).momentum == Largest(0, "0", 0.5, 1.0)
    risen = schedule(base_momentum=0.8, max_momentum=0.4)
    assert compare(risen, schedule(base_momentum=0.8, max_momentum=0.6)).momentum == Largest(
        0, "0", near(0.2), near(0.25)
    )


def test_a_tolerance_is_a_share_of_the_peak_and_what_equals_it_is_allowed() -> None:
    one, other = (schedule(max_lr=1.0, div_factor=factor) for factor in (2.0, 4.0))  # they start 0.25 apart
    assert compare(one, other, 0.25).first is None
    found = compare(one, other, 0.2499).first
    assert found is not None
    assert (found.step, found.values) == (0, (0.5, 0.25))


def test_a_group_that_only_one_has_is_a_difference() -> None:
    found = compare(schedule(max_lr=(0.1, 0.1)), schedule()).first
    assert found is not None
    assert (found.step, found.field, found.group, found.values) == (0, "lr", "1", (near(0.004), None))
    found = compare(schedule(), schedule(cycle_momentum=False)).first
    assert found is not None
    assert (found.step, found.field, found.group, found.values) == (0, "momentum", "0", (0.95, None))
    assert compare(schedule(), schedule(cycle_momentum=False), momentum=False).first is None


def test_groups_of_other_names_are_paired_by_position() -> None:
    one = schedule(max_lr=(0.1, 0.2), groups=("body", "head"))
    found = compare(one, schedule(max_lr=(0.1, 0.3), groups=("trunk", "top")))
    assert found.lr == Largest(299, "head", near(0.1), near(0.5))


def test_steps_that_only_one_trains_are_a_difference() -> None:
    one = schedule()
    resumed = compare(one, schedule(last_epoch=99)).first
    assert resumed is not None
    assert (resumed.step, resumed.values) == (0, (one.lr(0), None))
    linear = {"anneal_strategy": "linear", "div_factor": 1.0, "final_div_factor": 1.0}
    flat = schedule(**linear)
    longer = compare(flat, schedule(**linear, total_steps=1200)).first
    assert longer is not None
    assert (longer.step, longer.field) == (1, "momentum")
    longer = compare(flat, schedule(**linear, total_steps=1200), momentum=False).first
    assert longer is not None
    assert (longer.step, longer.values) == (1000, (None, 0.1))


def test_values_that_are_not_finite_are_not_compared() -> None:
    endless = plan(max_lr=1e308, div_factor=1e-3).schedule(strict=False)
    with pytest.raises(OnecycleError, match="lr at step 0 is not a finite number") as caught:
        compare(schedule(), endless)
    assert caught.value.hint == "compare plans that can be run"


@pytest.mark.parametrize(("peak", "step"), [(0.1 * (1 + 1e-13), None), (0.1001, 0)])
def test_what_six_digits_do_not_show_is_not_visible(peak: float, step: int | None) -> None:
    found = compare(schedule(), schedule(max_lr=peak))
    assert found.first is not None
    assert found.first.step == 0
    assert (found.visible and found.visible.step) == step
