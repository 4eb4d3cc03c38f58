"""Properties of every schedule, over random settings."""

from __future__ import annotations

import inspect
import math
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onecycle_cli import GroupError, OneCycle, PlanError, StepError
from onecycle_cli.policy.ramps import PROBE, array_cos
from onecycle_cli.policy.schedule import CHUNK
from onecycle_cli.policy.settings import SETTINGS
from onecycle_cli.policy.summary import summarize

from .strategies import sound_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.numeric


@given(sound_settings(), st.sampled_from(["torch", "r-torch"]))
def test_arrays_equal_scalars(settings: dict[str, Any], convention: str) -> None:
    settings["convention"] = convention
    if convention == "r-torch":
        settings.pop("three_phase", None)
    schedule = OneCycle(**settings).schedule()
    steps = np.arange(schedule.total_steps)
    assert schedule.lr(steps).tolist() == [schedule.lr(step) for step in steps.tolist()]
    momenta = schedule.momentum(steps)
    in_one = [schedule.momentum(step) for step in steps.tolist()]
    assert (in_one == [None] * len(steps)) if momenta is None else (momenta.tolist() == in_one)


@pytest.fixture
def other_cos(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A NumPy whose cosine rounds differently from the C library's, as some SIMD kernels do."""
    exact = np.cos
    array_cos.cache_clear()
    monkeypatch.setattr(np, "cos", lambda angles: np.nextafter(exact(angles), 0.0))
    yield
    monkeypatch.undo()
    array_cos.cache_clear()


@pytest.mark.usefixtures("other_cos")
def test_arrays_equal_scalars_if_numpy_has_another_cos() -> None:
    schedule = OneCycle(max_lr=0.1, total_steps=1000).schedule()
    steps = np.arange(1000).reshape(10, 100)
    assert schedule.lr(steps).tolist() == [[schedule.lr(step) for step in row] for row in steps.tolist()]


def test_numpys_cos_is_used_where_it_agrees() -> None:
    array_cos.cache_clear()
    probe = np.pi * np.linspace(0.0, 1.0, PROBE)
    agrees = np.cos(probe).tolist() == [math.cos(angle) for angle in probe.tolist()]
    assert (array_cos() is np.cos) == agrees


@given(sound_settings(), st.data())
def test_any_slice_equals_the_same_slice_of_the_whole(settings: dict[str, Any], data: st.DataObject) -> None:
    schedule = OneCycle(**settings).schedule()
    steps = np.arange(schedule.total_steps)
    begin = data.draw(st.integers(0, schedule.total_steps - 1))
    stop = data.draw(st.integers(begin, schedule.total_steps))
    every = data.draw(st.integers(1, 7))
    assert (schedule.lr(steps[begin:stop:every]) == schedule.lr(steps)[begin:stop:every]).all()
    shuffled = np.random.default_rng(begin).permutation(steps)
    assert (schedule.lr(shuffled) == schedule.lr(steps)[shuffled]).all()


@given(sound_settings())
def test_each_phase_goes_one_way_only(settings: dict[str, Any]) -> None:
    schedule = OneCycle(**settings).schedule()
    for phase in schedule.phases:
        rates = schedule.lr(np.arange(phase.first_step, phase.last_step + 1))
        ramp = phase.lr[0]
        # Around an end the cosine is flat and its rounding shows: an ulp of the larger end is allowed.
        slack = 2 * np.spacing(max(ramp.start, ramp.end))
        moved = np.diff(rates) if ramp.end >= ramp.start else -np.diff(rates)
        assert (moved >= -slack).all()


@given(sound_settings())
def test_the_last_step_sees_the_final_learning_rate(settings: dict[str, Any]) -> None:
    schedule = OneCycle(**settings | {"anneal_strategy": "cos"}).schedule()
    final = settings["max_lr"] / settings["div_factor"] / settings["final_div_factor"]
    expected = settings["max_lr"] if settings["pct_start"] == 1.0 and schedule.total_steps > 1 else final
    assert schedule.lr(schedule.total_steps - 1) == expected


@given(sound_settings())
def test_the_phases_cover_every_step_once(settings: dict[str, Any]) -> None:
    schedule = OneCycle(**settings).schedule()
    covered = [step for phase in schedule.phases for step in range(phase.first_step, phase.last_step + 1)]
    assert covered == list(range(schedule.total_steps))


@given(sound_settings())
def test_the_summary_is_what_a_search_over_all_steps_finds(settings: dict[str, Any]) -> None:
    schedule = OneCycle(**settings).schedule()
    rates = schedule.lr(np.arange(schedule.total_steps))
    found = summarize(schedule, 0)
    assert (found.initial_lr, found.final_lr) == (rates[0], rates[-1])
    assert found.peak_lr == pytest.approx(rates.max(), rel=1e-15)
    assert schedule.lr(found.peak_step) == found.peak_lr


def test_the_peak_is_exact_where_it_falls_on_a_step() -> None:
    schedule = OneCycle(max_lr=0.1, total_steps=1000).schedule()
    assert schedule.lr(299) == 0.1
    assert summarize(schedule, 0).peak_step == 299


def test_a_cycle_longer_than_memory_costs_nothing() -> None:
    schedule = OneCycle(max_lr=0.1, total_steps=2**53).schedule()
    assert schedule.lr(2**53 - 1) == pytest.approx(4e-7)
    assert schedule.lr(np.array([0, 2**53 - 1])).tolist() == [schedule.lr(0), schedule.lr(2**53 - 1)]


def test_chunks_leave_no_seam() -> None:
    schedule = OneCycle(max_lr=0.1, total_steps=3 * CHUNK).schedule()
    steps = np.arange(schedule.total_steps)
    for seam in (CHUNK, 2 * CHUNK):
        around = steps[seam - 3 : seam + 3]
        assert schedule.lr(steps)[around].tolist() == [schedule.lr(step) for step in around.tolist()]


def test_shape_is_kept() -> None:
    schedule = OneCycle(max_lr=0.1, total_steps=12).schedule()
    assert schedule.lr(np.arange(12).reshape(3, 4)).shape == (3, 4)
    assert schedule.lr(np.array([], dtype=np.int64)).shape == (0,)


@pytest.mark.parametrize("step", [-1, 10, 2**60])
def test_a_step_outside_the_cycle_is_an_index_error(step: int) -> None:
    schedule = OneCycle(max_lr=0.1, total_steps=10).schedule()
    with pytest.raises(StepError, match="outside the cycle of 10 steps"):
        schedule.lr(step)
    with pytest.raises(IndexError):
        schedule.momentum(np.array([0, step]))


def test_steps_must_be_whole() -> None:
    schedule = OneCycle(max_lr=0.1, total_steps=10).schedule()
    with pytest.raises(TypeError, match="integers"):
        schedule.lr(np.array([0.5]))


@pytest.mark.parametrize("step", [0.5, "3", None, [0.5], float("nan")])
def test_what_is_no_step_is_a_type_error(step: Any) -> None:
    with pytest.raises(TypeError, match="steps must be integers"):
        OneCycle(max_lr=0.1, total_steps=10).schedule().lr(step)


def test_steps_of_numpy_and_lists_are_steps() -> None:
    schedule = OneCycle(max_lr=0.1, total_steps=10).schedule()
    one: Any = np.int64(3)
    several: Any = [0, 3]
    assert schedule.lr(one) == schedule.lr(3)
    assert schedule.lr(several).tolist() == [schedule.lr(0), schedule.lr(3)]


@pytest.mark.parametrize("group", [-1, 2, 0.5, "neck", None])
def test_a_group_that_is_not_there_is_an_index_error(group: Any) -> None:
    schedule = OneCycle(max_lr=(0.1, 0.2), total_steps=10, groups=("backbone", "head")).schedule()
    with pytest.raises(GroupError, match=f"no parameter group {group!r}: the plan has 2") as caught:
        schedule.lr(0, group)
    assert caught.value.hint == "give a group from 0 to 1, or its name: backbone, head"


def test_a_group_is_given_by_its_number_or_name() -> None:
    schedule = OneCycle(max_lr=(0.1, 0.2), total_steps=10, groups=("backbone", "head")).schedule()
    assert schedule.lr(2, "head") == schedule.lr(2, 1) == 0.2
    assert schedule.momentum(2, "backbone") == schedule.momentum(2, 0)
    assert schedule.lr_lambda("head")(2) == 0.2


def test_errors_survive_the_way_between_processes() -> None:
    with pytest.raises(PlanError) as caught:
        OneCycle(max_lr=-0.1, pct_start=2.0).schedule()
    again = pickle.loads(pickle.dumps(caught.value))
    assert isinstance(again, PlanError)
    assert (str(again), again.hint, again.findings) == (str(caught.value), caught.value.hint, caught.value.findings)
    assert len(again.findings) == 3
    other = pickle.loads(pickle.dumps(StepError("message", "hint")))
    assert (type(other), other.message, other.hint) == (StepError, "message", "hint")


def test_a_missing_peak_is_an_error_in_the_plan() -> None:
    nothing: Any = None
    with pytest.raises(PlanError) as caught:
        OneCycle(max_lr=nothing, total_steps=10)
    assert [finding.code for finding in caught.value.findings] == ["OC107"]


def test_an_unknown_setting_is_refused_under_the_name_of_the_class() -> None:
    unknown: Any = {"total_step": 10}
    with pytest.raises(TypeError, match="OneCycle has no setting 'total_step'; did you mean total_steps"):
        OneCycle(max_lr=0.1, **unknown)
    assert list(inspect.signature(OneCycle).parameters) == list(SETTINGS)


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"max_lr": 0.1}, "OC301"),
        ({"max_lr": 0.1, "total_steps": 20, "pct_start": 0.05}, "OC302"),
        ({"max_lr": [0.1, 0.2], "max_momentum": [0.9, 0.9, 0.9], "total_steps": 20}, "OC203"),
        ({"max_lr": 0.1, "total_steps": 20, "div_factor": 0.0}, "OC201"),
        ({"max_lr": 0.1, "total_steps": 20, "convention": "r-torch", "three_phase": True}, "OC205"),
    ],
)
def test_what_cannot_be_computed_says_why(settings: dict[str, Any], code: str) -> None:
    with pytest.raises(PlanError, match=code) as caught:
        OneCycle(**settings).schedule()
    assert isinstance(caught.value, ValueError)
    assert code in {finding.code for finding in caught.value.findings}


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"max_lr": -0.1, "total_steps": 20}, "OC201"),
        ({"max_lr": 0.1, "total_steps": 20, "pct_start": 30.0}, "OC202"),
        ({"max_lr": 0.1, "total_steps": 20, "pct_start": 0.0, "three_phase": True}, "OC303"),
        ({"max_lr": 0.1, "total_steps": 20, "optimizer": "adagrad"}, "OC204"),
        ({"max_lr": 0.1, "total_steps": 20, "last_epoch": 19}, "OC305"),
    ],
)
def test_errors_raise_unless_asked_for_what_the_framework_computes(settings: dict[str, Any], code: str) -> None:
    with pytest.raises(PlanError, match=code) as caught:
        OneCycle(**settings).schedule()
    assert code in {finding.code for finding in caught.value.findings}
    assert OneCycle(**settings).schedule(strict=False).total_steps == 20


@pytest.mark.parametrize(
    ("setting", "value", "code"),
    [
        ("max_lr", "fast", "OC103"),
        ("max_lr", True, "OC103"),
        ("max_lr", [0.1, "0.2"], "OC103"),
        ("max_lr", 10**400, "OC201"),
        ("total_steps", 100.0, "OC103"),
        ("total_steps", False, "OC103"),
        ("three_phase", 1, "OC103"),
        ("anneal_strategy", "cosine", "OC106"),
        ("convention", "caffe", "OC106"),
        ("groups", [1, 2], "OC103"),
    ],
)
def test_a_wrong_type_is_a_plan_error_at_once(setting: str, value: Any, code: str) -> None:
    with pytest.raises(PlanError, match=f"{code}: {setting}") as caught:
        OneCycle(**{"max_lr": 0.1, "total_steps": 10, setting: value})
    assert isinstance(caught.value, ValueError)
    assert [(finding.code, finding.setting) for finding in caught.value.findings] == [(code, setting)]


def test_arguments_are_those_of_any_function() -> None:
    with pytest.raises(TypeError, match="max_learning_rate"):
        OneCycle(max_lr=0.1, max_learning_rate=0.1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="max_lr"):
        OneCycle(total_steps=10)


def test_settings_are_values() -> None:
    settings = OneCycle(max_lr=[1, 0.5], total_steps=10)  # type: ignore[arg-type]
    assert settings == OneCycle(max_lr=(1.0, 0.5), total_steps=10)
    assert hash(settings) == hash(OneCycle(max_lr=(1.0, 0.5), total_steps=10))
    assert repr(settings) == "OneCycle(max_lr=(1.0, 0.5), total_steps=10)"
    with pytest.raises(AttributeError):
        settings.max_lr = 0.1  # type: ignore[misc]


def test_lr_lambda_survives_the_step_too_many_that_loops_take() -> None:
    schedule = OneCycle(max_lr=0.1, total_steps=10).schedule()
    function = schedule.lr_lambda()
    assert [function(step) for step in range(10)] == [schedule.lr(step) for step in range(10)]
    assert function(10) == schedule.lr(9)
