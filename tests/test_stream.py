"""Logs that grow: what follows them reads each row once, and check --follow ends when the verdict is decided."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from onecycle_cli import OneCycle, OnecycleError
from onecycle_cli.cli import main
from onecycle_cli.run.logs import stream
from onecycle_cli.run.logs.stream import follow_log

from .conftest import ROOT, posix
from .logged_runs import appending, follow
from .test_check import CONTRACT

FLAGS = ["--max-lr", "0.1", "--total-steps", "100"]


def test_a_growing_csv(tmp_path: Path) -> None:
    path = tmp_path / "log"
    texts = ["step,l", "r\n", "0,0.5\n1,0.", "25\n", "", "2,0.125\n3,", "x\n4,1\n"]
    logs = list(follow(path, [lambda: None, *(appending(path, text) for text in texts)]))
    assert [log.lr[:, 0].tolist() for log in logs] == [[0.5], [0.5, 0.25], [0.5, 0.25, 0.125], [0.5, 0.25, 0.125, 1]]
    assert [bad.line for bad in logs[-1].bad_rows] == [5]


def test_growing_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "log"
    texts = ['{"model": 5, "lr": 3}\n', '{"step": 0, "lr": 0.5}\n{"step": 1,', ' "lr": 0.25}\n']
    logs = list(follow(path, [appending(path, text) for text in texts]))
    assert [log.lr[:, 0].tolist() for log in logs] == [[0.5], [0.5, 0.25]]


@pytest.mark.parametrize("again", ["step,lr\n0,0.75\n", "step,lr\n" + "".join(f"{i},0.75\n" for i in range(50))])
def test_a_rewritten_file_is_read_again(tmp_path: Path, again: str) -> None:
    path = tmp_path / "log"
    path.write_text("step,lr\n0,0.5\n1,0.25\n")
    logs = list(follow(path, [lambda: path.unlink(), lambda: path.write_text(again)]))
    assert [log.lr[0].tolist() for log in logs] == [[0.5], [0.75]]


def test_a_document_that_is_rewritten(tmp_path: Path) -> None:
    path = tmp_path / "log"
    states = [
        json.dumps({"log_history": [{"step": s, "learning_rate": 0.5} for s in range(n)]}, indent=1) for n in (0, 1, 3)
    ]
    texts = [states[0], states[1][:25], states[1], states[2]]
    logs = list(follow(path, [partial(path.write_text, text) for text in texts]))
    assert [log.steps.tolist() for log in logs] == [[0], [0, 1, 2]]


def test_a_followed_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"step,lr\n0,0.5\n")))
    assert [log.lr.tolist() for log in follow_log("-", {}, lambda: False)] == [[[0.5]]]


def test_a_log_without_rates_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("step,loss\n")
    with pytest.raises(OnecycleError, match="columns are step, loss"):
        list(follow(path, []))


class Writer:
    """Appends rows to a log while it is followed."""

    def __init__(self, path: Path, portions: list[str], pause: float = 0.06) -> None:
        self.path, self.portions, self.pause = path, portions, pause
        self.thread = threading.Thread(target=self._write)

    def _write(self) -> None:
        for portion in self.portions:
            time.sleep(self.pause)
            with self.path.open("a") as stream:
                stream.write(portion)

    def __enter__(self) -> Writer:
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.thread.join()


def portions(steps: Any, size: int, value: Any) -> list[str]:
    rows = [f"{step},{value(step)!r}\n" for step in steps]
    parts = ["".join(rows[at : at + size]) for at in range(0, len(rows), size)]
    return ["step,lr\n", *parts]


RIGHT = OneCycle(max_lr=0.1, total_steps=100).schedule()


def following(capsys: pytest.CaptureFixture[str], log: Path, *more: str) -> tuple[int, dict[str, Any], str]:
    code = main(["check", *FLAGS, str(log), "--follow", "--interval", "0.02", "--format", "json", *more])
    said = capsys.readouterr()
    found = json.loads(said.out)
    jsonschema.validate(found, CONTRACT)
    return code, found, said.err


def test_following_ends_with_the_plan(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "run.csv"
    with Writer(log, portions(range(100), 25, RIGHT.lr)):
        code, found, err = following(capsys, log, "-o", str(tmp_path / "a.png"))
    assert (code, found["verdict"], found["compared"], found["first_missing_step"]) == (0, "ok", 100, None)
    assert "as planned so far" in err
    assert err.startswith(f"following {log}")
    assert (tmp_path / "a.png").exists()


def test_following_ends_at_a_divergence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "REST", 0)
    log = tmp_path / "run.csv"
    restarted = portions(range(100), 10, lambda step: RIGHT.lr(step % 40))
    with Writer(log, restarted, pause=0.08):
        code, found, err = following(capsys, log)
        written = log.read_text().count("\n")
    assert (code, found["verdict"], found["cause"]) == (1, "diverges", "restarted-at:40")
    assert found["first_divergence"]["step"] == 40
    assert "diverges at step 40" in err
    assert 60 < written < 101, "it stops while the run goes on"


def test_following_does_not_wait_for_ever_for_a_cause(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "REST", 0)
    log = tmp_path / "run.csv"
    with Writer(log, portions(range(12), 6, lambda step: RIGHT.lr(step) * (2 if step > 9 else 1))):
        code, found, _ = following(capsys, log)
    assert (code, found["verdict"], found["first_divergence"]["step"]) == (1, "diverges", 10)
    assert found["compared"] == 12


def test_a_long_log_does_not_keep_a_processor_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    sleeps: list[float] = []
    monkeypatch.setattr(time, "sleep", sleeps.append)
    wait = stream.Wait(2.0)
    assert wait()
    wait.check_time = 30.0
    assert wait()
    assert sleeps == [2.0, 30.0 * stream.REST]


@pytest.mark.parametrize(
    ("rows", "more", "code", "verdict"), [(50, ["--partial"], 0, "ok"), (50, [], 1, "incomplete"), (0, [], 2, None)]
)
def test_following_standard_input_ends_with_it(
    rows: int,
    more: list[str],
    code: int,
    verdict: str | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = "".join(portions(range(rows), 50, RIGHT.lr))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert main(["check", *FLAGS, "-", "--follow", "--format", "json", *more]) == code
    said = capsys.readouterr()
    assert (json.loads(said.out)["verdict"] if said.out else None) == verdict
    assert ("ended without a learning rate" in said.err) is (verdict is None)


def test_following_reads_a_pipe_as_it_is_written() -> None:
    command = [sys.executable, "-m", "onecycle_cli", "check", *FLAGS, "-", "--follow"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        deadline = threading.Timer(60, process.kill)
        deadline.start()
        process.stdin.write("".join(portions(range(30), 30, RIGHT.lr)))
        process.stdin.flush()
        assert any("as planned so far" in line for line in process.stderr)
        process.stdin.write("".join(portions(range(30, 100), 70, RIGHT.lr)[1:]))
        process.stdin.flush()
        assert process.wait(60) == 0, "it ends with the plan, before the pipe does"
        deadline.cancel()


@posix
def test_an_interrupt_ends_following(tmp_path: Path) -> None:
    log = tmp_path / "run.csv"
    log.write_text("".join(portions(range(10), 10, RIGHT.lr)))
    command = [sys.executable, "-m", "onecycle_cli", "check", *FLAGS, str(log), "--follow", "--interval", "0.05"]
    # A shell's background job ignores SIGINT and its children inherit that, so the child restores the handler itself.
    start = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    start += "from onecycle_cli.cli import run; sys.argv[0] = 'onecycle'; run()"
    command[1:3] = ["-c", start]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        deadline = threading.Timer(60, process.kill)
        deadline.start()
        for line in process.stderr:
            if "as planned so far" in line:
                break
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(20) == 130
        deadline.cancel()
        assert "Traceback" not in process.stderr.read()
        assert process.stdout.read().startswith("incomplete: 10 logged steps followed the plan so far"), (
            "the verdict so far"
        )


def test_following_ends_when_no_row_comes_any_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "run.csv"
    log.write_text("".join(portions(range(10), 10, RIGHT.lr)))
    code, found, _ = following(capsys, log, "--timeout", "0.1")
    assert (code, found["verdict"], found["first_missing_step"]) == (1, "incomplete", 10)
    assert following(capsys, log, "--timeout", "0.1", "--partial")[:1] == (0,)


def test_a_log_that_never_comes_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "run.csv"
    assert main(["check", *FLAGS, str(log), "--follow", "--interval", "0.02", "--timeout", "0.1"]) == 2
    err = capsys.readouterr().err
    assert "waiting: it does not exist yet" in err
    assert f"{log} has no learning rate after 0.1 seconds" in err


def test_columns_are_checked_before_a_log_is_waited_for(tmp_path: Path) -> None:
    with pytest.raises(OnecycleError, match="unknown --column key"):
        next(follow_log(str(tmp_path / "missing"), {"rate": ["lr"]}, lambda: False))
    with pytest.raises(OnecycleError, match="unknown --column key"):
        next(follow_log("-", {"rate": ["lr"]}, lambda: False))


class Clock:
    """Time that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(stream, "time", clock)
    return clock


def test_waiting_ends_with_the_timeout(clock: Clock) -> None:
    wait = stream.Wait(2.0, 5.0)
    assert [wait() for _ in range(4)] == [True, True, True, False]
    assert clock.slept == [2.0, 2.0, 1.0]
    wait.begin()
    assert wait()
    assert not stream.Wait(2.0, 0.0)()


def test_waiting_after_a_divergence_ends_after_a_few_looks(clock: Clock) -> None:
    wait = stream.Wait(2.0)
    wait.diverged = True
    assert [wait() for _ in range(stream.PATIENCE + 1)] == [True] * stream.PATIENCE + [False]
    wait.begin()
    assert wait()
    wait.diverged = False
    assert all(wait() for _ in range(3 * stream.PATIENCE))


def test_a_check_that_takes_long_is_followed_by_a_longer_sleep(clock: Clock) -> None:
    wait = stream.Wait(2.0)
    wait.check_time = 10.0
    assert wait()
    wait.check_time = 0.1
    assert wait()
    assert clock.slept == [10.0 * stream.REST, 2.0]
