"""Settings recovered from logs whose rows do not count steps: `check` reads the same rows in the same way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onecycle_cli import OneCycle, OnecycleError
from onecycle_cli.run.checker import check
from onecycle_cli.run.fit import Fitted, fit
from onecycle_cli.run.logs import read_log

from .logged_runs import at, make_log

pytestmark = pytest.mark.numeric

EPOCHS, EACH = 6, 47
STEP = np.arange(EPOCHS * EACH)
PLAN: dict[str, Any] = {"max_lr": 0.23, "total_steps": EPOCHS * EACH, "pct_start": 0.35, "div_factor": 18.0}


def rates_of(steps: Any, **settings: Any) -> Any:
    return at(OneCycle(**PLAN | settings).schedule(), steps)[:, 0]


def fitted(path: Path, header: str, columns: Any, rates: Any, form: str = "%r") -> Fitted:
    """Fit a log, and check it with what was found."""
    rows = zip(*(column.tolist() for column in columns), rates.tolist(), strict=True)
    path.write_text(header + "\n" + "".join(f"{','.join(map(str, row[:-1]))},{form % row[-1]}\n" for row in rows))
    log = read_log(str(path))
    found = fit(log)
    verdict = check(OneCycle(**found.settings), log)  # type: ignore[arg-type]
    assert verdict.verdict == "ok"
    return found


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("every", [1, 6])
@pytest.mark.parametrize("form", ["%r", "%.3e"])
@pytest.mark.parametrize("lasts", [0, 20], ids=["whole", "another length"])
def test_steps_within_epochs_show_how_long_an_epoch_is(
    first: int, every: int, form: str, lasts: int, tmp_path: Path
) -> None:
    total = EPOCHS * EACH - lasts
    kept = STEP[:total][(STEP[:total] % EACH + first) % every == 0]
    columns = (kept // EACH + first, kept % EACH + first)
    found = fitted(tmp_path / "run.csv", "epoch,iter,lr", columns, rates_of(kept, total_steps=total), form)
    expected = {**PLAN, "total_steps": total, "steps_per_epoch": EACH}
    assert {setting: found.settings[setting] for setting in expected} == expected
    assert found.accepted


@pytest.mark.parametrize(("every", "decimals"), [(1, 4), (4, 3), (5, 17)])
def test_fractions_of_an_epoch_show_how_long_it_is(every: int, decimals: int, tmp_path: Path) -> None:
    kept = STEP[::every]
    found = fitted(tmp_path / "run.csv", "epoch,lr", (np.round(kept / EACH, decimals),), rates_of(kept))
    expected = {**PLAN, "steps_per_epoch": EACH}
    assert {setting: found.settings[setting] for setting in expected} == expected


def test_fractions_that_do_not_show_it_are_refused(tmp_path: Path) -> None:
    plan = {**PLAN, "total_steps": 240}
    kept = np.arange(9, 240, 10)  # epochs of 60 steps, of which each tenth is logged: sixths of an epoch
    rows = zip(((kept + 1) / 60).tolist(), rates_of(kept, **plan).tolist(), strict=True)
    (tmp_path / "run.csv").write_text("epoch,lr\n" + "".join(f"{epoch!r},{rate!r}\n" for epoch, rate in rows))
    with pytest.raises(OnecycleError, match="fractions of an epoch alone"):
        fit(read_log(str(tmp_path / "run.csv")))


def test_steps_that_may_be_samples_are_named() -> None:
    found = fit(make_log(32 * STEP, rates_of(STEP)))
    assert "total_steps" in found.undetermined
    (note,) = [note for note in found.notes if "multiple of 32" in note]
    assert "total_steps is 282" in note
    every = fit(make_log(STEP[::10], rates_of(STEP[::10])))
    assert "total_steps" not in every.undetermined


@pytest.mark.parametrize("every", [1, 5, 6])
def test_float32_arithmetic_is_not_met_with_numbers_that_nobody_typed(every: int) -> None:
    plan: dict[str, Any] = {
        "convention": "optax-linear",
        "max_lr": 0.3,
        "total_steps": 250,
        "pct_start": 0.4,
        "pct_final": 0.8,
    }
    steps = np.arange(0, 250, every)
    # As optax computes it in float32: from the peak, a fraction of it and the step.
    schedule = OneCycle(**plan).schedule()
    noise = np.random.default_rng(7).integers(-2, 3, steps.size) * np.float32(2.0**-26)
    rates = (schedule.lr(steps).astype(np.float32) + noise.astype(np.float32)).astype(np.float64)
    log = make_log(steps, rates)
    found = fit(log)
    assert {setting: found.settings[setting] for setting in plan} == plan
    assert check(OneCycle(**found.settings), log).verdict == "ok"  # type: ignore[arg-type]


def test_a_run_that_stands_still_at_its_peak_is_named() -> None:
    plan = {**PLAN, "cycle_momentum": False}
    stops = int(np.argmax(rates_of(STEP, **plan)))
    with pytest.raises(OnecycleError, match=rf"the last {STEP.size - stops} rows stand still at the peak"):
        fit(make_log(STEP, rates_of(np.minimum(STEP, stops), **plan)))


def test_a_row_per_epoch_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    steps = np.arange(20) * EACH + EACH - 1
    rows = zip(range(20), rates_of(steps, total_steps=20 * EACH).tolist(), strict=True)
    (tmp_path / "run.csv").write_text("epoch,lr\n" + "".join(f"{epoch},{rate!r}\n" for epoch, rate in rows))
    with pytest.raises(OnecycleError, match="how many steps an epoch has is not in the log"):
        fit(read_log(str(tmp_path / "run.csv")))
