"""Values out of range or of the wrong type: what is said of each, of which setting, and of which item of a list."""

from __future__ import annotations

from typing import Any

import pytest

from onecycle_cli.errors import PlanError
from onecycle_cli.policy.checks.optimizers import momentum_word
from onecycle_cli.policy.checks.ranges import show, shown
from onecycle_cli.policy.checks.types import check_types
from onecycle_cli.policy.onecycle import OneCycle
from onecycle_cli.policy.settings import MOST_GROUPS, MOST_STEPS

PLAN: dict[str, Any] = {"max_lr": 0.1, "total_steps": 1000}


def found(code: str, **values: Any) -> list[tuple[str, str, str | None, int | None]]:
    """Return what a rule finds in settings: message, hint, setting, and item."""
    findings = OneCycle(**PLAN | values).findings()
    return [(each.message, each.hint, each.setting, each.index) for each in findings if each.code == code]


def mistyped(**values: Any) -> list[tuple[str, str, str, str | None, int | None]]:
    findings = check_types(PLAN | values)
    return [(each.code, each.message, each.hint, each.setting, each.index) for each in findings]


@pytest.mark.parametrize(
    ("pct", "hint"),
    [
        (30.0, "did you mean 0.30?"),
        (99.0, "did you mean 0.99?"),
        (37.5, "did you mean 0.375?"),
        (100.0, "did you mean 1.00?"),
        (1.5, "did you mean 0.015?"),
        (1.49, "set pct_start to 1.0 or less"),
        (100.5, "set pct_start to the fraction of the cycle that warms up, such as 0.3"),
        (-0.1, "set pct_start to the fraction of the cycle that warms up, such as 0.3"),
    ],
)
def test_a_percentage_is_no_fraction(pct: float, hint: str) -> None:
    message = f"pct_start is {pct!r}, outside 0…1: it is a fraction of the cycle"
    assert found("OC202", pct_start=pct) == [(message, hint, "pct_start", None)]


def test_both_ends_of_a_range_are_in_it() -> None:
    ends = {"pct_start": 1.0, "base_momentum": 0.0, "last_epoch": -1, "groups": MOST_GROUPS, "final_lr": 0.0}
    assert found("OC201", **ends) == found("OC202", **ends) == []
    assert found("OC201", total_steps=MOST_STEPS) == found("OC202", pct_start=0.0) == []
    assert [place for _, _, *place in found("OC201", groups=MOST_GROUPS + 1)] == [["groups", None]]


def test_an_item_out_of_range_is_named() -> None:
    hint = "set max_lr to a value such as 0.1"
    assert found("OC201", max_lr=(0.1, 0.0)) == [("max_lr[1] is 0.0, but must be above 0", hint, "max_lr", 1)]
    assert found("OC201", max_lr=-1.0) == [("max_lr is -1.0, but must be above 0", hint, "max_lr", None)]


@pytest.mark.parametrize(
    ("values", "finding"),
    [
        (
            {"max_lr": [0.1, "0.2"]},
            (
                "OC103",
                "max_lr[1] must be a number, not '0.2'",
                "write 0.2 without quotes",
                "max_lr",
                1,
            ),
        ),
        (
            {"max_lr": [0.1, 10**400]},
            (
                "OC201",
                "max_lr[1] is about 10^400, not a finite number",
                "set max_lr to a value such as 0.1",
                "max_lr",
                1,
            ),
        ),
        (
            {"max_lr": True},
            (
                "OC103",
                "max_lr must be a number or a list of numbers, one per parameter group, not true",
                "write a value such as 0.1",
                "max_lr",
                None,
            ),
        ),
        (
            {"total_steps": 100.4},
            ("OC103", "total_steps must be an integer, not the float 100.4", "write 100", "total_steps", None),
        ),
        (
            {"total_steps": float("inf")},
            (
                "OC103",
                "total_steps must be an integer, not the float inf",
                "write a value such as 1000",
                "total_steps",
                None,
            ),
        ),
        (
            {"total_steps": "12,000"},
            ("OC103", "total_steps must be an integer, not '12,000'", "write 12000", "total_steps", None),
        ),
        (
            {"total_steps": "1e3"},
            ("OC103", "total_steps must be an integer, not '1e3'", "write 1000 without quotes", "total_steps", None),
        ),
        (
            {"three_phase": " True "},
            (
                "OC103",
                "three_phase must be true or false, not ' True '",
                "write true without quotes",
                "three_phase",
                None,
            ),
        ),
        (
            {"three_phase": 1},
            ("OC103", "three_phase must be true or false, not 1", "write a value such as false", "three_phase", None),
        ),
        (
            {"div_factor": {}},
            ("OC103", "div_factor must be a number, not a mapping", "write a value such as 25.0", "div_factor", None),
        ),
        (
            {"div_factor": [1.0]},
            ("OC103", "div_factor must be a number, not a list", "write a value such as 25.0", "div_factor", None),
        ),
        (
            {"div_factor": "nan"},
            ("OC103", "div_factor must be a number, not 'nan'", "write a value such as 25.0", "div_factor", None),
        ),
        (
            {"anneal_strategy": "LINEAR"},
            (
                "OC106",
                "anneal_strategy is 'LINEAR', not one of: cos, linear",
                "did you mean linear?",
                "anneal_strategy",
                None,
            ),
        ),
        (
            {"anneal_strategy": 5},
            (
                "OC106",
                "anneal_strategy is 5, not one of: cos, linear",
                "set anneal_strategy to cos",
                "anneal_strategy",
                None,
            ),
        ),
    ],
)
def test_a_value_of_another_type(values: dict[str, Any], finding: Any) -> None:
    assert mistyped(**values) == [finding]


def test_underscores_are_hyphens_in_the_name_of_a_convention() -> None:
    [(code, _, hint, setting, _)] = mistyped(convention="OPTAX_LINEAR")
    assert (code, hint, setting) == ("OC106", "did you mean optax-linear?", "convention")


def test_only_the_first_item_of_another_type_is_said() -> None:
    assert [(setting, index) for *_, setting, index in mistyped(max_lr=["a", "b"])] == [("max_lr", 0)]


def test_the_peak_is_required() -> None:
    hint = "set max_lr to the highest learning rate of the run, or use --max-lr 0.1"
    assert mistyped(max_lr=None) == [("OC107", "max_lr, the peak, is not given", hint, "max_lr", None)]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.1, "0.1"),
        (1e-05, "1e-05"),
        (1234567, "1,234,567"),
        (10**18 - 1, "999,999,999,999,999,999"),
        (10**18, "about 10^18"),
        (-(10**30), "about -10^30"),
        (2**5000, "about 10^1,505"),
    ],
)
def test_a_number_in_a_message(number: float, text: str) -> None:
    assert show(number) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (None, "None"),
        ("a" * 58, f"'{'a' * 58}'"),
        ("a" * 59, f"'{'a' * 56}…'"),
        ((1, 2), "a list"),
        ({"a": 1}, "a mapping"),
        (10**18, "about 10^18"),
        (10**17, str(10**17)),
    ],
)
def test_a_value_in_a_message(value: object, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(
    ("optimizer", "word"),
    [(None, "momentum"), ("torch.optim.AdamW", "beta1"), (" Lion ", "beta1"), ("sgd", "momentum"), ("new", "momentum")],
)
def test_what_an_optimizer_calls_its_momentum(optimizer: str | None, word: str) -> None:
    assert momentum_word(optimizer) == word


def test_momenta_of_a_framework_without_any_are_one_finding() -> None:
    codes = [each.code for each in OneCycle(**PLAN, convention="optax", base_momentum=0.8).findings()]
    assert codes == ["OC205"]


@pytest.mark.parametrize(
    ("values", "message", "hint", "setting"),
    [
        (
            {"max_lr": (0.1,) * (MOST_GROUPS + 1)},
            "max_lr has 1,001 values, but there can be at most 1,000 parameter groups",
            "set max_lr to a single value for all groups",
            "max_lr",
        ),
        (
            {"max_lr": (0.1, 0.2), "groups": ("head",)},
            "max_lr has 2 values, but groups has 1 name",
            "set max_lr to 1 value",
            "max_lr",
        ),
        (
            {"base_momentum": (0.8, 0.8), "max_momentum": (0.9, 0.9, 0.9)},
            "max_momentum has 3 values, but base_momentum has 2",
            "set max_momentum to 2 values, or to one for all groups",
            "max_momentum",
        ),
        (
            {"max_lr": (), "groups": 2},
            "max_lr is an empty list",
            "set max_lr to one value, or to one per group",
            "max_lr",
        ),
    ],
)
def test_lists_of_another_length(values: dict[str, Any], message: str, hint: str, setting: str) -> None:
    assert found("OC203", **values) == [(message, hint, setting, None)]
    assert found("OC203", max_lr=(0.1,), groups=("head",)) == []


def test_names_of_groups() -> None:
    hint = "name each parameter group once, such as [backbone, head]"
    assert found("OC206", groups=()) == [("groups has 0 names, but must have 1 to 1,000", hint, "groups", None)]
    many = tuple(map(str, range(MOST_GROUPS + 1)))
    assert found("OC206", groups=many) == [("groups has 1,001 names, but must have 1 to 1,000", hint, "groups", None)]
    assert found("OC206", groups=many[:-1]) == found("OC206", groups=("head",)) == []
    hint = "use a different name for each parameter group"
    assert found("OC206", groups=("a", "b", "a")) == [("groups[2] repeats the name 'a'", hint, "groups", 2)]


def test_a_schedule_is_strict_unless_asked() -> None:
    settings = OneCycle(**PLAN, last_epoch=999)
    with pytest.raises(PlanError):
        settings.schedule()
    assert settings.schedule(strict=False).first_step == 1000
