"""How a log's numbers were written: seen in the numbers and their texts, and never more exact than it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onecycle_cli import OneCycle
from onecycle_cli.cli import main
from onecycle_cli.run.checker import check
from onecycle_cli.run.precision import precision_of

from .logged_runs import Floats, make_log

pytestmark = pytest.mark.numeric

Form = Callable[[float], str]


def in_bfloat16(values: Floats) -> Floats:
    """Round to bfloat16, half to even: the upper 16 bits of a float32."""
    bits = values.astype(np.float32).view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) & np.uint32(0xFFFF0000)
    return rounded.view(np.float32).astype(np.float64)


FLOATS: dict[str, Callable[[Floats], Floats]] = {
    "float64": lambda values: values,
    "float32": lambda values: values.astype(np.float32).astype(np.float64),
    "float16": lambda values: values.astype(np.float16).astype(np.float64),
    "bfloat16": in_bfloat16,
}


def rates(peak: float = 0.1) -> Floats:
    return OneCycle(max_lr=peak, total_steps=300).schedule().lr(np.arange(300))


def texts_of(values: Floats, form: str) -> tuple[str, ...]:
    return tuple(repr(value) if form == "repr" else form % value for value in values.tolist())


@pytest.mark.parametrize(
    ("kind", "form", "name"),
    [
        ("float64", "repr", "exact"),
        ("float64", "%.18e", "exact"),
        ("float64", "%.4f", "4 decimals"),
        ("float64", "%.10f", "10 decimals"),
        ("float64", "%.2e", "3 digits"),
        ("float64", "%.6g", "6 digits"),
        ("float32", "repr", "float32"),
        ("float32", "%.10g", "float32"),
        ("float16", "repr", "float16"),
        ("float16", "%.6g", "float16"),
        ("bfloat16", "repr", "bfloat16"),
        ("bfloat16", "%.6f", "bfloat16"),
        ("bfloat16", "%.4e", "bfloat16"),
    ],
)
@pytest.mark.parametrize("known", [True, False], ids=["texts", "numbers"])
def test_the_precision_is_named_and_covers_every_value(kind: str, form: str, name: str, known: bool) -> None:
    texts = texts_of(FLOATS[kind](rates()), form)
    values = np.array(list(map(float, texts)))
    found = precision_of([values], [texts] if known else [])
    assert found.name == name
    assert (np.abs(values - rates()) <= found.limits(values) + 1e-17).all()


@pytest.mark.parametrize("decimals", [2, 3, 4, 5])
def test_zeros_at_the_end_of_a_text_show_its_decimals(decimals: int) -> None:
    texts = texts_of(rates(1e-4), f"%.{decimals}f")
    found = precision_of([np.array(list(map(float, texts)))], [texts])
    assert (found.name, found.decimals) == (f"{decimals} decimals", decimals)


@pytest.mark.parametrize("text", ["0.1", "0.01", "1.0", "1e-05", "0.05"])
def test_a_constant_rate_as_python_prints_it_is_exact(text: str) -> None:
    assert precision_of([np.full(100, float(text))], [[text] * 100]).name == "exact"


def test_the_numbers_of_a_round_schedule_are_not_taken_for_short_floats() -> None:
    lines = OneCycle(max_lr=0.5, total_steps=65, anneal_strategy="linear", div_factor=4).schedule().lr(np.arange(65))
    assert precision_of([np.array([0.5, 0.25, 0.125, 0.75] * 20)]).name != "bfloat16"
    assert precision_of([lines]).name == "exact"


def log_in(form: str, plan: dict[str, Any], kind: str = "float64") -> Any:
    total = plan["total_steps"]
    values = FLOATS[kind](OneCycle(**plan).schedule().lr(np.arange(total)))
    texts = texts_of(values, form)
    return make_log(np.arange(total), list(map(float, texts)), texts=(texts,))


@pytest.mark.parametrize("form", ["%.4f", "%.5f", "%.3g", "%.6e", "repr"])
@pytest.mark.parametrize("kind", FLOATS)
@pytest.mark.parametrize("peak", [0.1, 3e-4])
def test_a_right_run_is_right_however_it_is_written(form: str, kind: str, peak: float) -> None:
    if form in ("%.4f", "%.5f", "%.3g") and kind in ("float16", "bfloat16"):
        pytest.skip("rounded twice, to similar steps")
    plan: dict[str, Any] = {"max_lr": peak, "total_steps": 400}
    assert check(OneCycle(**plan), log_in(form, plan, kind)).verdict == "ok"


@pytest.mark.parametrize(("form", "step"), [("%.4f", 0), ("%.6f", 0), ("repr", 0), ("%.1e", 0)])
def test_a_wrong_peak_is_wrong_however_it_is_written(form: str, step: int) -> None:
    found = check(OneCycle(max_lr=0.1, total_steps=400), log_in(form, {"max_lr": 0.2, "total_steps": 400}))
    assert (found.verdict, found.cause.slug) == ("diverges", "wrong-max_lr")
    assert found.first_divergence is not None
    assert found.first_divergence.step == step


def test_a_constant_rate_printed_with_four_decimals_is_not_a_small_schedule() -> None:
    log = make_log(np.arange(400), np.full(400, 1e-4), texts=(("0.0001",) * 400,))
    assert check(OneCycle(max_lr=1e-4, total_steps=400), log).cause.slug == "constant"


MOMENTA = [
    # A bfloat16 in [0.5, 1) has at most 8 decimals, as a float32 in its shortest form may have.
    ("bfloat16", "repr", "bfloat16"),
    ("bfloat16", "%.6f", "bfloat16"),
    ("float16", "repr", "float16"),
    ("float32", "repr", "float32"),
    ("float64", "%.3f", "3 decimals"),
    ("float64", "%.2g", "2 digits"),
    ("float64", "%.1g", "1 decimal"),  # 0.8 and 0.9, as `round(momentum, 1)` gives them, too
]


@pytest.mark.parametrize(("kind", "form", "name"), MOMENTA)
@pytest.mark.parametrize(("kind_of_lr", "form_of_lr"), [("float64", "repr"), ("float32", "%.6g"), ("bfloat16", "repr")])
def test_momentum_has_a_precision_of_its_own(kind: str, form: str, name: str, kind_of_lr: str, form_of_lr: str) -> None:
    plan = OneCycle(max_lr=0.1, total_steps=200)
    momenta = plan.schedule().momentum(np.arange(200))
    assert momenta is not None
    texts = texts_of(FLOATS[kind](momenta), form)
    assert precision_of([np.array(list(map(float, texts)))], [texts], precision_of([rates()])).name == name
    rates_of = texts_of(FLOATS[kind_of_lr](plan.schedule().lr(np.arange(200))), form_of_lr)
    log = make_log(np.arange(200), list(map(float, rates_of)), list(map(float, texts)))
    assert check(plan, log).verdict == "ok"
    other = OneCycle(max_lr=0.1, total_steps=200, base_momentum=0.7)
    found = check(other, log)
    assert found.verdict == "diverges"
    assert found.tolerance.name == name.replace("3 decimals", "3 digits")  # the same, where the texts are not known


def test_a_short_constant_has_the_precision_beside_it_only_where_it_may() -> None:
    in_bf16, with_text = (precision_of([in_bfloat16(rates())], []), precision_of([np.round(rates(), 4)]))
    assert (in_bf16.name, with_text.name) == ("bfloat16", "4 decimals")
    assert precision_of([np.full(20, 0.9)], [["0.9"]], in_bf16).name == "exact"
    assert precision_of([np.full(20, 0.875)], [["0.875"]], in_bf16).name == "bfloat16"
    assert precision_of([np.full(20, 0.9)], [["0.9"]], with_text).name == "4 decimals"


def test_the_report_names_the_precision_of_what_diverges(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schedule = OneCycle(max_lr=0.1, total_steps=200).schedule()
    momenta = schedule.momentum(np.arange(200))
    assert momenta is not None
    log = tmp_path / "run.csv"
    rows = zip(range(200), schedule.lr(np.arange(200)).tolist(), in_bfloat16(momenta).tolist(), strict=True)
    log.write_text("step,lr,momentum\n" + "".join(f"{step},{lr!r},{momentum!r}\n" for step, lr, momentum in rows))
    plan = ["--max-lr", "0.1", "--total-steps", "200"]
    assert main(["check", *plan, str(log)]) == 0
    printed = capsys.readouterr()
    assert "tolerance 0.0039 of the planned momentum (bfloat16)" in printed.out
    assert "last bits" not in printed.err  # the learning rates are equal bit for bit, and momentum is not exact
    assert main(["check", *plan, "--base-momentum", "0.8", str(log)]) == 1
    assert "tolerance 0.0039 of the planned momentum (bfloat16)" in capsys.readouterr().out


@pytest.mark.parametrize(("peak", "decimals"), [(0.1, 2), (0.01, 3), (0.001, 4), (0.5, 2), (3e-4, 5)])
def test_rates_rounded_to_decimals_of_which_one_digit_is_left(peak: float, decimals: int) -> None:
    plan = OneCycle(max_lr=peak, total_steps=1000)
    rates_of = [round(rate, decimals) for rate in plan.schedule().lr(np.arange(1000)).tolist()]
    assert check(plan, make_log(np.arange(1000), rates_of)).verdict == "ok"
    assert check(OneCycle(max_lr=2 * peak, total_steps=1000), make_log(np.arange(1000), rates_of)).verdict == "diverges"
