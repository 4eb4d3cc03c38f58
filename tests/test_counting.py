"""What a row counts: found out, said, and never a reason to call a right run wrong or a wrong one right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onecycle_cli import OneCycle
from onecycle_cli.cli import main
from onecycle_cli.errors import OnecycleError
from onecycle_cli.run import Verdict
from onecycle_cli.run.checker import check
from onecycle_cli.run.logs import read_log

from .logged_runs import Floats, at

pytestmark = pytest.mark.numeric

EPOCHS, EACH = 12, 25
TOTAL = EPOCHS * EACH
PLAN: dict[str, Any] = {"max_lr": 0.1, "epochs": EPOCHS, "steps_per_epoch": EACH}
EPOCH, STEP = np.arange(EPOCHS), np.arange(TOTAL)
FIRST, LAST = EPOCH * EACH, EPOCH * EACH + EACH - 1
SPARSE, DONE = STEP[::10], STEP[9::10]

COUNTERS: dict[str, tuple[str, Any, Any, str]] = {
    # name: header, counters of the rows, the scheduler's steps that they show, what a row counts
    "from 0": ("step", SPARSE, SPARSE, "step"),
    "from 1": ("step", DONE + 1, DONE, "step"),
    "after the step": ("step", SPARSE, SPARSE + 1, "step"),
    "completed steps": ("step", DONE + 1, DONE + 1, "step"),
    "epochs from 0, at their end": ("epoch", EPOCH, LAST, "epoch"),
    "epochs from 1, at their end": ("epoch", EPOCH + 1, LAST, "epoch"),
    "epochs from 0, after their end": ("epoch", EPOCH, LAST + 1, "epoch"),
    "epochs from 1, after their end": ("epoch", EPOCH + 1, LAST + 1, "epoch"),
    "epochs from 0, at their start": ("epoch", EPOCH, FIRST, "epoch"),
    "epochs from 1, at their start": ("epoch", EPOCH + 1, FIRST, "epoch"),
    "epochs called steps": ("step", EPOCH, LAST, "epoch"),
    "epochs called steps, from 1, after": ("Step", EPOCH + 1, LAST + 1, "epoch"),
    "iterations within epochs": ("epoch,iter", (SPARSE // EACH, SPARSE % EACH), SPARSE, "step"),
    "iterations within epochs, both from 1": ("epoch,iter", (SPARSE // EACH + 1, SPARSE % EACH + 1), SPARSE, "step"),
    "iterations within epochs, after": ("epoch,batch", (SPARSE // EACH, SPARSE % EACH), SPARSE + 1, "step"),
    "fractions": ("epoch", SPARSE / EACH, SPARSE, "epoch"),
    "fractions, rounded": ("epoch", np.round(SPARSE / EACH, 2), SPARSE, "epoch"),
    "micro-batches": ("step", np.arange(4 * TOTAL), np.arange(4 * TOTAL) // 4, "microbatch"),
    "micro-batches from 1": ("step", np.arange(1, 4 * TOTAL + 1), np.arange(4 * TOTAL) // 4, "microbatch"),
    "micro-batches, after": ("step", np.arange(4 * TOTAL), np.arange(1, 4 * TOTAL + 1) // 4, "microbatch"),
    "samples": ("step", 128 * SPARSE, SPARSE, "sample"),
    "samples, when they are complete": ("step", 128 * (STEP + 1), STEP, "sample"),
    "samples, after": ("step", 128 * (DONE + 1), DONE + 1, "sample"),
    "a logger's calls": ("_step", 3 * STEP, STEP, "log-call"),
    "a logger's calls, with others between": ("_step", STEP + STEP // 7, STEP, "log-call"),
    "a counter that went on": ("step", SPARSE + 10_000, SPARSE, "step"),
    "no counter": ("", (), STEP, "row"),
    "no counter, every tenth": ("", (), SPARSE, "row"),
}
COUNTED = pytest.mark.parametrize("name", COUNTERS)


def logged(path: Path, name: str, rates: Floats) -> str:
    """Write a log whose rows count something; `rates` are those of the scheduler's steps."""
    header, counters, shown, _ = COUNTERS[name]
    counters = counters if isinstance(counters, tuple) else (counters,)
    rows = zip(*(counter.tolist() for counter in counters), rates[shown].tolist(), strict=True)
    path.write_text(f"{header},lr\n".lstrip(",") + "".join(",".join(map(repr, row)) + "\n" for row in rows))
    return str(path)


def clocked(clock: Any, **settings: Any) -> Floats:
    """Return the rates of a run whose step n is the scheduler's step clock[n]."""
    return at(OneCycle(**PLAN | settings).schedule(), clock)[:, 0]


def checked(path: str, plan: dict[str, Any] = PLAN, **options: Any) -> Verdict:
    return check(OneCycle(**plan), read_log(path), **options)


@COUNTED
def test_a_right_run_is_right_whatever_its_rows_count(name: str, tmp_path: Path) -> None:
    found = checked(logged(tmp_path / "run.csv", name, clocked(np.arange(TOTAL + 1))))
    assert (found.verdict, found.step_unit) == ("ok", COUNTERS[name][3])
    assert found.coverage.of == TOTAL


@COUNTED
@pytest.mark.parametrize(
    "clock",
    [np.arange(TOTAL + 1) // EACH, np.minimum(2 * np.arange(TOTAL + 1), TOTAL), np.arange(TOTAL + 1).clip(0, 140)],
    ids=["once per epoch", "twice per step", "stops"],
)
def test_a_wrong_run_is_never_right(name: str, clock: Any, tmp_path: Path) -> None:
    found = checked(logged(tmp_path / "run.csv", name, clocked(clock)))
    if found.verdict == "incomplete":
        assert "called steps" in name
        assert "--row-is epoch" in " ".join(found.notes)
    else:
        assert found.verdict == "diverges"


@COUNTED
def test_a_wrong_peak_is_never_right(name: str, tmp_path: Path) -> None:
    found = checked(logged(tmp_path / "run.csv", name, clocked(np.arange(TOTAL + 1), max_lr=0.11)))
    assert found.verdict == "diverges"


def test_the_mean_of_an_epoch_is_compared_with_its_mean(tmp_path: Path) -> None:
    rates = clocked(STEP).reshape(EPOCHS, EACH).mean(axis=1).astype(np.float32)
    rows = "".join(f"{epoch},{rate}\n" for epoch, rate in enumerate(rates.tolist()))
    (tmp_path / "run.csv").write_text("epoch,lr\n" + rows)
    found = checked(str(tmp_path / "run.csv"))
    assert (found.verdict, found.step_unit) == ("ok", "epoch")
    assert "its mean" in found.notes[0]


def test_epochs_that_each_show_a_step_diverge_at_the_first(tmp_path: Path) -> None:
    path = logged(tmp_path / "run.csv", "epochs from 0, at their end", clocked(np.arange(TOTAL + 1) // EACH))
    found = checked(path)
    assert (found.cause.slug, found.step_unit) == ("epoch-stepped", "epoch")
    assert found.first_divergence is not None
    assert (found.first_divergence.step, found.first_divergence.plan_step) == (0, EACH - 1)


def test_epochs_are_steps_where_the_plan_counts_epochs(tmp_path: Path) -> None:
    plan: dict[str, Any] = {"max_lr": 0.1, "total_steps": EPOCHS}
    rates = at(OneCycle(**plan).schedule(), EPOCH)[:, 0]
    (tmp_path / "run.csv").write_text("epoch,lr\n" + "".join(f"{at},{rate!r}\n" for at, rate in enumerate(rates)))
    found = checked(str(tmp_path / "run.csv"), plan)
    assert (found.verdict, found.step_unit) == ("ok", "epoch")


def test_the_length_of_an_epoch_is_found_where_the_plan_does_not_have_it(tmp_path: Path) -> None:
    path = logged(tmp_path / "run.csv", "epochs from 1, after their end", clocked(np.arange(TOTAL + 1)))
    plan = {"max_lr": 0.1, "total_steps": TOTAL}
    assert checked(path, plan).verdict == "ok"
    assert checked(path, {**plan, "total_steps": TOTAL + EACH}).verdict != "ok"


def test_few_rows_do_not_change_what_a_column_says(tmp_path: Path) -> None:
    rates = clocked(np.arange(TOTAL + 1))
    (tmp_path / "run.csv").write_text("step,lr\n" + "".join(f"{at},{rates[at * 50]!r}\n" for at in range(6)))
    found = checked(str(tmp_path / "run.csv"), {"max_lr": 0.1, "total_steps": TOTAL})
    assert (found.verdict, found.step_unit) == ("diverges", "step")


def test_micro_batches_of_a_run_that_is_not_over_are_incomplete_only_if_the_user_says_so(tmp_path: Path) -> None:
    plan = {**PLAN, "gradient_accumulation": 4}
    rates = clocked(np.arange(TOTAL + 1))
    (tmp_path / "run.csv").write_text("step,lr\n" + "".join(f"{at},{rates[at // 4]!r}\n" for at in range(200)))
    assert checked(str(tmp_path / "run.csv"), plan).cause.slug == "epoch-stepped"
    found = checked(str(tmp_path / "run.csv"), plan, row_is="microbatch")
    assert (found.verdict, found.step_unit, found.first_missing_step) == ("incomplete", "microbatch", 50)


@pytest.mark.parametrize(
    ("name", "row_is", "more"),
    [
        ("from 1", "step", {}),
        ("epochs called steps", "epoch", {}),
        ("fractions", "epoch", {}),
        ("micro-batches from 1", "microbatch", {"gradient_accumulation": 4}),
        ("micro-batches", "microbatch", {}),
        ("samples", "sample", {"batch_size": 64, "world_size": 2}),
        ("samples, when they are complete", "sample", {}),
    ],
)
def test_the_user_s_unit_is_used(
    name: str, row_is: str, more: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = logged(tmp_path / "run.csv", name, clocked(np.arange(TOTAL + 1)))
    (tmp_path / "plan.yaml").write_text(json.dumps(PLAN | more))
    assert main(["check", str(tmp_path / "plan.yaml"), path, "--row-is", row_is, "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["verdict"], found["step_unit"]) == ("ok", row_is)


def test_rows_cannot_be_more_epochs_than_the_plan_has_steps(tmp_path: Path) -> None:
    path = logged(tmp_path / "run.csv", "samples", clocked(np.arange(TOTAL + 1)))
    with pytest.raises(OnecycleError, match=f"only {TOTAL} steps"):
        checked(path, {"max_lr": 0.1, "total_steps": TOTAL}, row_is="epoch")


MICRO = {"max_lr": 0.1, "epochs": 6, "dataset_size": 880, "batch_size": 20, "gradient_accumulation": 3}
"""44 micro-batches in an epoch make 15 steps, the last one of 2."""

UNEVEN = np.concatenate([epoch * 15 + np.arange(44) // 3 for epoch in range(6)])
WITHIN = np.tile(np.arange(44), 6)
EACH_EPOCH = np.repeat(np.arange(6), 44)


def micro_log(path: Path, header: str, columns: Any, shown: Any, **settings: Any) -> str:
    rates = at(OneCycle(**MICRO | settings).schedule(), shown)[:, 0]
    rows = zip(*(column.tolist() for column in columns), rates.tolist(), strict=True)
    path.write_text(f"{header},lr\n" + "".join(",".join(map(repr, row)) + "\n" for row in rows))
    return str(path)


MICRO_ROWS: dict[str, tuple[str, Any, Any]] = {
    "from 0": ("batch", (np.arange(264),), UNEVEN),
    "from 1": ("batch", (np.arange(1, 265),), UNEVEN),
    "after the step": ("batch", (np.arange(264),), np.append(UNEVEN[1:], 90)),
    "every fifth": ("batch", (np.arange(0, 264, 5),), UNEVEN[::5]),
    "in their epoch": ("epoch,batch", (EACH_EPOCH, WITHIN), UNEVEN),
    "in their epoch, both from 1": ("epoch,batch", (EACH_EPOCH + 1, WITHIN + 1), UNEVEN),
    "in their epoch, every tenth": ("epoch,batch", (EACH_EPOCH[::11], WITHIN[::11]), UNEVEN[::11]),
}


@pytest.mark.parametrize("name", MICRO_ROWS)
@pytest.mark.parametrize("row_is", [None, "microbatch"])
def test_the_last_step_of_an_epoch_may_have_fewer_micro_batches(name: str, row_is: Any, tmp_path: Path) -> None:
    header, columns, shown = MICRO_ROWS[name]
    found = checked(micro_log(tmp_path / "run.csv", header, columns, shown), MICRO, row_is=row_is)
    assert (found.verdict, found.step_unit) == ("ok", "microbatch")
    assert "3 to a step, 2 to the last of an epoch's 15 steps" in found.notes[0]
    counted = {"max_lr": 0.1, "epochs": 6, "steps_per_epoch": 15, "gradient_accumulation": 3}
    if "every" not in name:  # else an epoch's micro-batches are only known from its data
        assert checked(str(tmp_path / "run.csv"), counted, row_is=row_is).verdict == "ok"
    other = checked(micro_log(tmp_path / "run.csv", header, columns, shown, max_lr=0.11), MICRO, row_is=row_is)
    assert other.verdict == "diverges"
    late = checked(micro_log(tmp_path / "run.csv", header, columns, np.maximum(shown - 4, 0)), MICRO, row_is=row_is)
    assert late.verdict == "diverges"


@pytest.mark.parametrize("from_one", [0, 1])
@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize("columns", ["epoch,step", "step"])
def test_the_mean_of_an_epoch_may_stand_at_its_last_step(
    from_one: int, after: int, columns: str, tmp_path: Path
) -> None:
    def log(**settings: Any) -> str:
        rates = clocked(STEP + after, **settings).reshape(EPOCHS, EACH).mean(axis=1).astype(np.float32)
        rows = zip(range(EPOCHS), (LAST + from_one).tolist(), rates.tolist(), strict=True)
        text = "".join(f"{epoch},{step},{rate!r}\n" for epoch, step, rate in rows)
        lines = text.splitlines() if "," in columns else [line.partition(",")[2] for line in text.splitlines()]
        (tmp_path / "run.csv").write_text("\n".join([f"{columns},lr", *lines]) + "\n")
        return str(tmp_path / "run.csv")

    for plan in (PLAN, {"max_lr": 0.1, "total_steps": TOTAL}):
        found = checked(log(), plan)
        assert (found.verdict, found.step_unit) == ("ok", "epoch")
        assert f"an epoch of {EACH} steps and shows its mean" in found.notes[0]
    found = checked(log(max_lr=0.11))
    assert found.verdict == "diverges"
    if columns != "step":
        assert found.cause.slug == "wrong-max_lr"


def test_an_epoch_column_counts_the_user_s_epochs_though_a_column_counts_steps(tmp_path: Path) -> None:
    rates = clocked(STEP)
    rows = "".join(f"{epoch},{step},{rates[step]!r}\n" for epoch, step in zip(EPOCH, LAST, strict=True))
    (tmp_path / "run.csv").write_text("epoch,step,lr\n" + rows)
    for row_is in (None, "epoch"):
        assert checked(str(tmp_path / "run.csv"), row_is=row_is).verdict == "ok"
    fractions = "".join(f"{step / EACH!r},{step},{rates[step]!r}\n" for step in range(0, TOTAL, 5))
    (tmp_path / "run.csv").write_text("epoch,step,lr\n" + fractions)
    assert checked(str(tmp_path / "run.csv"), row_is="epoch").verdict == "ok"


@pytest.mark.parametrize("row_is", ["step", "microbatch", "sample"])
def test_the_user_s_unit_is_used_though_another_fits(row_is: Any, tmp_path: Path) -> None:
    path = logged(tmp_path / "run.csv", "epochs called steps", clocked(np.arange(TOTAL + 1)))
    assert checked(path, {**PLAN, "gradient_accumulation": 2, "batch_size": 8}, row_is=row_is).verdict == "diverges"


def test_a_unit_without_its_number_is_refused(tmp_path: Path) -> None:
    path = logged(tmp_path / "run.csv", "from 0", clocked(np.arange(TOTAL + 1)))
    (tmp_path / "short.csv").write_text("step,lr\n0,0.004\n")
    with pytest.raises(OnecycleError, match="how many samples make a step"):
        checked(str(tmp_path / "short.csv"), row_is="sample")
    assert checked(path, row_is="step").verdict == "ok"


def test_logged_after_the_step_and_stepped_before_the_optimizer_are_both_named(tmp_path: Path) -> None:
    path = logged(tmp_path / "run.csv", "after the step", clocked(np.arange(TOTAL + 1)))
    (note,) = checked(path).notes
    assert "after scheduler.step()" in note
    assert "before the optimizer" in note


def test_what_is_missing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rates = clocked(STEP)

    def coverage(rows: Any) -> tuple[Any, str]:
        (tmp_path / "run.csv").write_text("step,lr\n" + "".join(f"{at},{rates[at]!r}\n" for at in rows))
        found = checked(str(tmp_path / "run.csv"))
        assert found.verdict == "ok"
        assert main(["check", "--max-lr", "0.1", "--total-steps", str(TOTAL), str(tmp_path / "run.csv")]) == 0
        return found.coverage, capsys.readouterr().out

    cover, said = coverage(range(TOTAL - 10, TOTAL))
    assert (cover.steps, cover.first, cover.last, cover.gaps) == (10, 290, 299, ((0, 289),))
    assert "steps 0 to 289 are missing" in said
    cover, said = coverage([*range(80), *range(220, TOTAL)])
    assert (cover.steps, cover.gaps) == (160, ((80, 219),))
    assert "steps 80 to 219 are missing" in said
    cover, said = coverage([*range(100), *range(100, TOTAL, 10)])
    assert (cover.gaps, cover.momentum) == ((), "not logged")
    assert "missing" not in said


@pytest.mark.parametrize(
    ("columns", "rows"),
    [
        ("epoch,lr", [(5e-324, 1.0)]),
        ("epoch,lr", [(5e-324, 0.1), (1e-300, 0.2), (0.5, 0.3)]),
        ("epoch,lr", [(0.5, 0.1), (9e15, 0.2)]),
        ("epoch,step,lr", [(epoch * 1e300, step, 0.1 * (step + 1)) for epoch in range(3) for step in range(5)]),
    ],
)
def test_epochs_out_of_range_count_nothing(columns: str, rows: list[tuple[float]], tmp_path: Path) -> None:
    log = tmp_path / "run.csv"
    log.write_text("\n".join([columns, *(",".join(map(repr, row)) for row in rows), ""]))
    for length in (["--total-steps", "10"], ["--epochs", "3", "--steps-per-epoch", "5"]):
        assert main(["check", "--max-lr", "4", *length, str(log)]) == 1
    assert main(["fit", str(log)]) == 2
