"""Several logs of one plan: a verdict on each, one table, one picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onecycle_cli import OneCycle
from onecycle_cli.cli import main
from onecycle_cli.cli.check import plan_and_logs
from onecycle_cli.config import Request
from onecycle_cli.render.checks_report import summary
from onecycle_cli.render.figure import FigureOptions, check_figure
from onecycle_cli.render.figure.check_chart import overlaid_chart
from onecycle_cli.render.figure.style import STYLES
from onecycle_cli.run.checker import check

from .logged_runs import make_log

PLAN = OneCycle(max_lr=0.1, total_steps=50)
STEPS = np.arange(50)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a plan and logs that follow it, diverge from it, end early, and cannot be read; go to their folder."""
    monkeypatch.chdir(tmp_path)
    Path("plan.yaml").write_text("max_lr: 0.1\ntotal_steps: 50\n")
    for name, peak, rows in (("ok.csv", 0.1, 50), ("wrong.csv", 0.2, 50), ("short.csv", 0.1, 20)):
        rates = OneCycle(max_lr=peak, total_steps=50).schedule().lr(STEPS[:rows])
        Path(name).write_text("step,lr\n" + "".join(f"{step},{rate!r}\n" for step, rate in enumerate(rates.tolist())))
    Path("text").write_text("hello\n")
    return tmp_path


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, Any]:
    code = main(["check", *arguments, "--format", "json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("logs", "code", "verdicts"),
    [
        (["ok.csv", "ok.csv"], 0, ["ok", "ok"]),
        (["ok.csv", "short.csv"], 1, ["ok", "incomplete"]),
        (["short.csv", "wrong.csv", "ok.csv"], 1, ["incomplete", "diverges", "ok"]),
        (["wrong.csv", "text", "ok.csv"], 2, ["diverges", "unreadable", "ok"]),
        (["text", "missing.csv"], 2, ["unreadable", "unreadable"]),
    ],
)
def test_each_log_has_its_verdict(
    logs: list[str], code: int, verdicts: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found_code, found = answer(capsys, "plan.yaml", *logs)
    assert found_code == code
    assert [log["verdict"] for log in found["logs"]] == verdicts
    assert [log["log"] for log in found["logs"]] == logs
    assert found["verdict"] == min(verdicts, key=["unreadable", "diverges", "incomplete", "ok"].index)
    for log in found["logs"]:
        if log["verdict"] == "unreadable":
            assert log["error"]
            assert log["hint"]
        else:  # as for this log alone
            alone = answer(capsys, "plan.yaml", log["log"])[1]
            assert log == {"log": log["log"], **alone}
    assert main(["check", "plan.yaml", *logs]) == code
    said = capsys.readouterr()
    rows = said.out.splitlines()[3:]
    assert [row.split()[:2] for row in rows] == [[log, verdict] for log, verdict in zip(logs, verdicts, strict=True)]
    assert said.out.splitlines()[0].startswith(summary(verdicts, "plan"))


def test_a_row_says_where_and_why(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "plan.yaml", "ok.csv", "wrong.csv", "short.csv", "text"]) == 2
    said = capsys.readouterr()
    _, _, head, ok, wrong, short, text = said.out.splitlines()
    assert head.split("  ")[0] == "log"
    assert ok.split() == ["ok.csv", "ok"]
    assert "step 0: lr is 0.008, planned is 0.004" in wrong
    assert wrong.endswith("wrong-max_lr")
    assert "ends before step 20" in short
    assert short.endswith("truncated")
    assert "no learning-rate column in text" in text
    assert "error: no learning-rate column in text" in said.err


def test_partial_and_flags(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--max-lr", "0.1", "--total-steps", "50"]
    assert main(["check", *flags, "ok.csv", "short.csv", "--partial"]) == 0
    assert main(["check", "plan.yaml", "--max-lr", "0.2", "wrong.csv", "wrong.csv"]) == 0
    assert main(["check", "plan.yaml", "ok.csv", "short.csv", "--follow"]) == 2
    assert "--follow takes one log" in capsys.readouterr().err
    assert main(["check", "plan.yaml", "plan.yaml", "ok.csv"]) == 2
    assert "takes one plan" in capsys.readouterr().err
    assert main(["check", "plan.yaml", "-", "-"]) == 2
    assert "standard input" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("configs", "flags", "plan", "logs"),
    [
        (["plan.yaml"], {}, ["plan.yaml"], ["last"]),
        (["plan.yaml", "a.csv", "b"], {}, ["plan.yaml"], ["a.csv", "b", "last"]),
        (["plan.json", "a.json"], {}, ["plan.json"], ["a.json", "last"]),
        (["plan", "a"], {"verbose": True}, ["plan"], ["a", "last"]),
        ([], {"max_lr": 0.1}, [], ["last"]),
        (["a.csv"], {"max_lr": 0.1}, [], ["a.csv", "last"]),
        (["plan.json"], {"max_lr": 0.1}, ["plan.json"], ["last"]),
        (["plan.py", "a"], {"max_lr": 0.1}, ["plan.py"], ["a", "last"]),
        (["-", "a"], {"max_lr": 0.1}, ["-"], ["a", "last"]),
    ],
)
def test_which_arguments_are_logs(configs: list[str], flags: dict[str, Any], plan: list[str], logs: list[str]) -> None:
    request, found = plan_and_logs(Request(tuple(configs), flags=flags), "last")
    assert (list(request.configs), found) == (plan, logs)


def test_one_picture_of_all_logs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "plan.yaml", "ok.csv", "wrong.csv", "text", "-o", "all.svg"]) == 2
    picture = Path("all.svg").read_text()
    assert '"logs": {"ok.csv": "ok", "wrong.csv": "diverges"}' in picture.replace("&quot;", '"')
    assert "all.svg" in capsys.readouterr().err


def test_the_overlay_draws_the_plan_once_and_each_log() -> None:
    schedule = PLAN.schedule()
    logs = [
        make_log(STEPS, schedule.lr(STEPS), schedule.momentum(STEPS)),
        make_log(STEPS, 2 * schedule.lr(STEPS)),
    ]
    found = [("first", check(PLAN, logs[0])), ("second", check(PLAN, logs[1]))]
    chart = overlaid_chart(found, "a plan", "momentum", STYLES["light"])
    rates, momenta = chart.panels
    assert [stroke.legend for stroke in rates.strokes] == ["planned", "first", "second", None]
    assert [stroke.style["label"] for stroke in momenta.strokes] == ["planned", "logged"]
    planned, first, second, ring = rates.strokes
    assert np.array_equal(first.y, schedule.lr(STEPS))
    assert np.array_equal(second.y, 2 * schedule.lr(STEPS))
    assert first.style["color"] != second.style["color"] != planned.style["color"]
    assert (ring.x.tolist(), ring.y.tolist()) == ([0.0], [2 * schedule.lr(0)])
    assert chart.titles == ("1 of 2 logs followed the plan a plan",)
    assert check_figure(found, "a plan", "momentum", FigureOptions()).axes
