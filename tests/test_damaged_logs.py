"""Logs with values that no run has: `fit` and `check` answer in words of their own, and quickly."""

from __future__ import annotations

import json
import os
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml

from onecycle_cli.api import OneCycle
from onecycle_cli.cli import main
from onecycle_cli.run.linear_algebra import least_squares, svd
from tests.conftest import DATA, seeds

if TYPE_CHECKING:
    from collections.abc import Sequence

PLAN = ["--max-lr", "0.1", "--total-steps", "40"]
GOOD = [repr(float(value)) for value in OneCycle(max_lr=0.1, total_steps=40).schedule().lr(np.arange(40))]
HUGE = "1e308"
DIGITS = "9" * 310


def damaged(*places: int, value: str) -> list[str]:
    return [value if step in places else good for step, good in enumerate(GOOD)]


RATES = {
    "huge, of both signs": [("-" * (step % 2)) + HUGE for step in range(40)],
    "huge and tiny": [(HUGE, "1e-308")[step % 2] for step in range(40)],
    "a huge curve": [repr(float(value) * 1e308) for value in GOOD],
    "a tiny curve": [repr(float(value) * 1e-307) for value in GOOD],
    "subnormal": [repr(step * 5e-324) for step in range(40)],
    "squares overflow": [repr(float(value) * 1e160) for value in GOOD],
    "negative": [f"-{value}" for value in GOOD],
    "more digits than a float has": [DIGITS, *GOOD[1:]],
    "infinite": ["inf", "-inf"] * 20,
    "not a number": ["nan"] * 40,
    "one value": GOOD[:1],
    "one that is infinite": [DIGITS],
}


def write(path: Path, rates: Sequence[str], momenta: Sequence[str] = (), steps: Sequence[str] = ()) -> str:
    steps = steps or [str(step) for step in range(len(rates))]
    columns = [("step", steps), ("lr", rates), *([("momentum", momenta)] if momenta else [])]
    rows = [[name for name, _ in columns], *zip(*(values for _, values in columns), strict=True)]
    path.write_text("".join(",".join(row) + "\n" for row in rows))
    return str(path)


def ends_well(arguments: list[str], captured: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run a command; its exit code is one of the contract's, and nothing but its own words is printed."""
    code = main(arguments)
    printed = captured.readouterr()
    assert code in (0, 1, 2), printed.err
    assert "DLASCL" not in printed.out + printed.err
    if code == 2:
        assert printed.out == ""
        assert printed.err.count("error: ") == 1
    elif "json" in arguments:
        json.loads(printed.out, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))
    return code, printed.out


@pytest.mark.parametrize("name", RATES)
def test_fit_refuses_values_of_no_run(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = write(tmp_path / "log.csv", RATES[name])
    code, _ = ends_well(["fit", log, "--format", "json"], capfd)
    assert code == (1 if name == "more digits than a float has" else 2)


@pytest.mark.parametrize("name", RATES)
def test_check_compares_values_of_no_run(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = write(tmp_path / "log.csv", RATES[name])
    picture = tmp_path / "log.svg"
    code, printed = ends_well(["check", *PLAN, log, "--format", "json", "-o", str(picture)], capfd)
    assert code == (2 if name in ("not a number", "infinite", "one that is infinite") else 1)
    if code == 1:
        assert json.loads(printed)["verdict"] == ("incomplete" if name == "one value" else "diverges")


def test_samples_that_only_float32_explains_are_compared(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log.csv"
    log.write_text("step,lr\n" + "".join(f"{step},{0.004 + 0.001 * step:g}\n" for step in range(20)))
    plan = ["--max-lr", "18971", "--epochs", "1", "--steps-per-epoch", "1", "--div-factor", "141"]
    assert main(["check", *plan, str(log)]) in (0, 1)
    assert "the log counts samples" in capfd.readouterr().err


@pytest.mark.parametrize("value", [HUGE, f"-{HUGE}", "inf", DIGITS, "1e21"])
def test_fit_passes_over_a_few_damaged_values(value: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    log = write(tmp_path / "log.csv", damaged(20, value=value), damaged(3, value=value))
    code, printed = ends_well(["fit", log, "--format", "json"], capfd)
    found = json.loads(printed)
    assert code == 1
    assert not found["accepted"]
    assert (found["settings"]["max_lr"], found["settings"]["total_steps"]) == (0.1, 40)


@pytest.mark.skipif(sys.platform != "linux", reason="names that are not UTF-8 or hold control characters")
@pytest.mark.parametrize("name", [b"log\xff.csv", b"a\x1b[31m\x07.csv", b"a\n::error::b.csv", b"a\rb: [.csv"])
@pytest.mark.parametrize("target", ["out.yaml", "-"])
def test_fit_writes_a_config_whatever_the_log_is_called(
    name: bytes, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    log = write(tmp_path / os.fsdecode(name), GOOD)
    assert main(["fit", log, "-o", target]) == 0
    printed = capsys.readouterr()
    text = printed.out if target == "-" else Path(target).read_text(encoding="utf-8")
    assert yaml.safe_load(text) == {"max_lr": 0.1, "total_steps": 40} | yaml.safe_load(text)
    assert all(char.isprintable() or char == "\n" for char in text + printed.err)


@pytest.mark.parametrize("command", [["check", *PLAN], ["fit"]])
@pytest.mark.parametrize("keys", [("lr", "momentum"), ("lr", "step"), ("lr", "lr")])
def test_one_column_for_two_quantities_of_an_event_file_ends_well(
    command: list[str], keys: tuple[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    columns = [word for key in keys for word in ("--column", f"{key}=train/lr")]
    code, _ = ends_well([*command, *columns, str(DATA / "logs" / "torch_summary_writer.tfevents")], capfd)
    assert (code == 2) == (keys == ("lr", "lr"))


def test_random_damage_ends_well(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    values = [HUGE, f"-{HUGE}", "1e-308", "5e-324", "nan", "inf", "-0.0", "", "x", "1e155", "1e-160", DIGITS]
    steps = [*map(str, (-1, 0.5, 10**15, 2**53, 2**63, "nan")), ""]
    for seed in seeds(15):
        random_ = random.Random(seed)
        size = random_.choice([1, 2, 9, 40])
        rates, momenta, counts = GOOD[:size], ["0.9"] * size, [str(step) for step in range(size)]
        for column, options in ((rates, values), (momenta, values), (counts, steps)):
            for _ in range(random_.choice([0, 1, size])):
                column[random_.randrange(size)] = random_.choice(options)
        log = write(tmp_path / "log.csv", rates, momenta, counts)
        ends_well(["fit", log], capfd)
        ends_well(["check", *PLAN, log, "--format", "json"], capfd)


def test_a_matrix_without_a_solution_has_none(capfd: pytest.CaptureFixture[str]) -> None:
    for bad in (np.inf, np.nan):
        matrix = np.array([[1.0, bad], [0.0, 1.0], [2.0, 3.0]])
        u, s, vt = svd(matrix)
        assert (u.shape, s.tolist(), vt.shape) == ((3, 2), [0.0, 0.0], (2, 2))
        assert least_squares(matrix, np.ones(3)).tolist() == [0.0, 0.0]
        assert least_squares(np.ones((2, 1)), np.array([1.0, bad])).tolist() == [0.0]
    assert least_squares(np.array([[2.0]]), np.array([4.0])).tolist() == [2.0]
    assert capfd.readouterr() == ("", "")
