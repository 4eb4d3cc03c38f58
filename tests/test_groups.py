"""Which column is which parameter group: by name, by order or by what fits, and never passed over in silence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onecycle_cli import OneCycle
from onecycle_cli.cli import main
from onecycle_cli.run import Verdict
from onecycle_cli.run.checker import check
from onecycle_cli.run.fit import fit
from onecycle_cli.run.logs import read_log

from .logged_runs import Floats

pytestmark = pytest.mark.numeric

TOTAL = 120
TWO: dict[str, Any] = {"max_lr": [0.01, 0.1], "total_steps": TOTAL, "groups": ["backbone", "head"]}
ONE: dict[str, Any] = {"max_lr": 0.1, "total_steps": TOTAL}


def rates(plan: dict[str, Any], group: int = 0) -> Floats:
    return OneCycle(**plan).schedule().lr(np.arange(TOTAL), group)


BACKBONE, HEAD, STILL = rates(TWO), rates(TWO, 1), np.full(TOTAL, 0.005)


def written(path: Path, **columns: Floats) -> str:
    names = [name.replace("__", "/") for name in columns]
    rows = zip(range(TOTAL), *(values.tolist() for values in columns.values()), strict=True)
    lines = [",".join(["step", *names]), *(",".join(map(repr, row)) for row in rows)]
    path.write_text("\n".join(lines).replace("nan", "") + "\n")
    return str(path)


def checked(path: Path, plan: dict[str, Any], columns: dict[str, Floats]) -> Verdict:
    return check(OneCycle(**plan), read_log(written(path, **columns)))


NAMED = pytest.mark.parametrize(
    ("first", "second"),
    [
        ("lr", "lr_head"),
        ("lr", "lr_1"),
        ("lr_0", "lr_1"),
        ("learning_rate", "learning_rate_head"),
        ("train__lr", "train__lr_head"),
        ("lr_backbone", "head_lr"),
        ("lr__backbone", "optimizer__lr_head"),
        ("lr_backbone", "lr"),
        ("backbone__lr", "head__lr"),
        ("lr-AdamW__backbone", "lr-AdamW__head"),
        ("lr-AdamW__pg1", "lr-AdamW__pg2"),
    ],
)


@NAMED
def test_both_groups_are_compared(first: str, second: str, tmp_path: Path) -> None:
    found = checked(tmp_path / "run.csv", TWO, {first: BACKBONE, second: HEAD})
    assert (found.verdict, found.coverage.groups, found.coverage.groups_not_checked) == (
        "ok",
        ("backbone", "head"),
        (),
    )
    for wrong in (STILL, HEAD * 1.01):
        found = checked(tmp_path / "run.csv", TWO, {first: BACKBONE, second: wrong})
        assert found.verdict == "diverges"
        assert found.first_divergence is not None
        assert found.first_divergence.field == "lr_head"


@NAMED
def test_the_order_of_columns_matters_only_without_names(first: str, second: str, tmp_path: Path) -> None:
    found = checked(tmp_path / "run.csv", TWO, {second: HEAD, first: BACKBONE})
    named = "head" in second or "backbone" in first
    assert found.verdict == ("ok" if named or first == "lr" else "diverges")


@pytest.mark.parametrize(("name", "values", "group"), [("lr", HEAD, "head"), ("lr_backbone", BACKBONE, "backbone")])
def test_a_group_that_is_not_logged_is_said(
    name: str, values: Floats, group: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = written(tmp_path / "run.csv", **{name: values})
    (tmp_path / "plan.yaml").write_text(json.dumps(TWO))
    (other,) = {"backbone", "head"} - {group}
    assert main(["check", str(tmp_path / "plan.yaml"), log]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"ok for group {group}: ")
    assert f"group {other} is not in the log" in said
    assert main(["check", str(tmp_path / "plan.yaml"), log, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["coverage"]["groups_not_checked"] == [other]


@pytest.mark.parametrize("other", ["lr-SGD", "lr-Adam-1", "lr_discriminator", "lr_config", "val_lr", "optimizer__lr"])
def test_a_column_that_stands_still_is_not_the_group(other: str, tmp_path: Path) -> None:
    own = {"lr-SGD": "lr-Adam", "lr-Adam-1": "lr-Adam", "lr_discriminator": "lr_generator"}.get(other, "lr")
    for columns in ({own: rates(ONE), other: STILL}, {other: STILL, own: rates(ONE)}):
        found = checked(tmp_path / "run.csv", ONE, columns)
        assert found.verdict == "ok"
        assert found.coverage.columns_not_compared == (other.replace("__", "/"),)
        assert "constant at 0.005" in found.notes[0]


def test_a_constant_lr_loses_against_the_optimizer_s(tmp_path: Path) -> None:
    columns = {"lr": np.full(TOTAL, 0.1), "train__optimizer_lr": rates(ONE)}
    found = checked(tmp_path / "run.csv", ONE, columns)
    assert (found.verdict, found.coverage.columns_not_compared) == ("ok", ("lr",))
    assert fit(read_log(written(tmp_path / "run.csv", **columns))).settings["max_lr"] == 0.1


@pytest.mark.parametrize("optimizer", [None, "adam", "sgd"])
def test_a_second_optimizer_with_a_schedule_of_its_own_is_not_a_group(optimizer: str | None, tmp_path: Path) -> None:
    columns = {"lr-SGD": rates({**ONE, "max_lr": 0.4}), "lr-Adam": rates(ONE)}
    found = checked(tmp_path / "run.csv", {**ONE, "optimizer": optimizer}, columns)
    assert found.verdict == ("diverges" if optimizer == "sgd" else "ok")
    assert found.coverage.columns_not_compared == (("lr-Adam",) if optimizer == "sgd" else ("lr-SGD",))


def test_groups_of_one_optimizer_are_all_compared_with_a_plan_for_one(tmp_path: Path) -> None:
    found = checked(tmp_path / "run.csv", ONE, {"lr-SGD__pg1": rates(ONE), "lr-SGD__pg2": rates(ONE)})
    assert found.verdict == "ok"
    assert "all are compared" in found.notes[0]
    found = checked(tmp_path / "run.csv", ONE, {"lr-SGD__pg1": rates(ONE), "lr-SGD__pg2": STILL})
    assert found.verdict == "diverges"


def test_the_optimizer_with_as_many_groups_is_taken(tmp_path: Path) -> None:
    columns = {"lr-Adam": rates(ONE) * 3, "lr-SGD__pg1": BACKBONE, "lr-SGD__pg2": HEAD}
    found = checked(tmp_path / "run.csv", {**TWO, "groups": 2}, columns)
    assert (found.verdict, found.coverage.columns_not_compared) == ("ok", ("lr-Adam",))


def test_a_column_with_the_same_values_needs_no_word(tmp_path: Path) -> None:
    found = checked(tmp_path / "run.csv", ONE, {"lr": rates(ONE), "train__lr": rates(ONE)})
    assert (found.verdict, found.coverage.columns_not_compared, found.notes) == ("ok", (), ())


def test_a_column_that_may_be_a_rate_need_not_be_a_number(tmp_path: Path) -> None:
    rows = "".join(f"{at},{rate!r},warm\n" for at, rate in enumerate(rates(ONE).tolist()))
    (tmp_path / "run.csv").write_text("step,lr,lr_state\n" + rows)
    log = read_log(str(tmp_path / "run.csv"))
    assert (check(OneCycle(**ONE), log).verdict, log.bad_rows) == ("ok", ())
    lines = [json.dumps({"step": at, "lr": rate, "lr_state": "warm"}) for at, rate in enumerate(rates(ONE).tolist())]
    (tmp_path / "run.jsonl").write_text("\n".join(lines))
    log = read_log(str(tmp_path / "run.jsonl"))
    assert (check(OneCycle(**ONE), log).verdict, log.bad_rows) == ("ok", ())


def test_momenta_follow_their_columns(tmp_path: Path) -> None:
    schedule = OneCycle(**TWO).schedule()
    momentum = schedule.momentum(np.arange(TOTAL))
    assert momentum is not None
    columns = {"lr": BACKBONE, "momentum": momentum, "lr_head": HEAD, "momentum_head": momentum}
    found = checked(tmp_path / "run.csv", TWO, columns)
    assert (found.verdict, found.coverage.momentum, found.compared) == ("ok", "compared", 4 * TOTAL)
    found = checked(tmp_path / "run.csv", TWO, {**columns, "momentum_head": np.full(TOTAL, 0.9)})
    assert found.first_divergence is not None
    assert found.first_divergence.field == "momentum_head"
