"""Faults of the machine around a command: it ends with a code of the contract, in words of its own, or not at all."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from onecycle_cli.cli import main

from .conftest import EXPLORE, seeds
from .logged_runs import appending, follow

if TYPE_CHECKING:
    from collections.abc import Callable

posix = pytest.mark.skipif(os.name == "nt", reason="no POSIX signals, limits or devices")

FEW = ("show", "compare", "check", "report", "help")
"""Commands that print in ways of their own; ONECYCLE_EXPLORE tries all of them."""

PLAN = "max_lr: 0.1\ntotal_steps: 20\nname: Größe 日本 \u2026\n"
ROWS = "".join(f"{step},{0.004 + 0.001 * step}\n" for step in range(20))
RUN = [sys.executable, "-m", "onecycle_cli"]
LONG = 120
"""Seconds after which a process hangs, on a machine however slow."""

COMMANDS = {
    "show": ["show", "plan.yaml"],
    "compare": ["compare", "plan.yaml", "--convention", "torch,optax"],
    "export": ["export", "plan.yaml"],
    "code": ["code", "plan.yaml", "--framework", "torch"],
    "check": ["check", "plan.yaml", "log.csv"],
    "fit": ["fit", "log.csv"],
    "validate": ["validate", "plan.yaml", "typo.yaml"],
    "plot": ["plot", "plan.yaml", "--terminal"],
    "report": ["report", "plan.yaml", "-o", "-"],
    "explain": ["explain", "OC104"],
    "schema": ["schema"],
    "init": ["init"],
    "help": ["--help"],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plan.yaml").write_text(PLAN, encoding="utf-8")
    (tmp_path / "typo.yaml").write_text("max_lrr: 0.1\ntotal_steps: 20\n")
    (tmp_path / "log.csv").write_text(f"step,lr\n{ROWS}")
    return tmp_path


def run(words: list[str], *, env: dict[str, str] | None = None, **how: Any) -> subprocess.CompletedProcess[bytes]:
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.run([*RUN, *words], timeout=LONG, env=os.environ | (env or {}), text=False, **(pipes | how))


def closing(descriptor: int) -> Callable[[], None]:
    return partial(os.close, descriptor)


# --- Streams ----------------------------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("name", COMMANDS if EXPLORE else FEW)
def test_streams_that_are_closed(name: str, folder: Path) -> None:
    usual = run(COMMANDS[name])
    for descriptor in (0, 2):
        done = run(COMMANDS[name], preexec_fn=closing(descriptor))
        assert (done.returncode, done.stdout) == (usual.returncode, usual.stdout), descriptor
    done = run(COMMANDS[name], preexec_fn=closing(1))
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: cannot write")
    assert run(COMMANDS[name], preexec_fn=lambda: os.closerange(0, 3)).returncode == 2


@posix
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("name", COMMANDS if EXPLORE else FEW)
def test_streams_that_are_full(name: str, folder: Path) -> None:
    usual = run(COMMANDS[name])
    with Path("/dev/full").open("wb") as full:
        done = run(COMMANDS[name], stdout=full)
        if usual.stdout:
            assert done.returncode == 2
            assert b"error: cannot write" in done.stderr
        assert b"Traceback" not in done.stderr
        done = run(COMMANDS[name], stderr=full)
        assert done.stdout in (usual.stdout, b"")
        assert done.returncode in (usual.returncode, 2)


@posix
@pytest.mark.parametrize("name", COMMANDS if EXPLORE else FEW)
@pytest.mark.parametrize(
    "env",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "cp1252"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=["ascii", "cp1252", "C"],
)
def test_encodings_that_lack_characters(name: str, env: dict[str, str], folder: Path) -> None:
    usual, done = run(COMMANDS[name]), run(COMMANDS[name], env=env)
    assert done.returncode == usual.returncode
    assert b"Traceback" not in done.stderr
    for printed in (done.stdout, done.stderr):
        printed.decode("cp1252" if "cp1252" in env.values() else "ascii")


# --- Places that cannot be written to ---------------------------------------------------------------------------------

WRITERS = {
    "plot": ["plot", "plan.yaml", "-o", "out.png"],
    "svg": ["plot", "plan.yaml", "-o", "out.svg"],
    "report": ["report", "plan.yaml", "--log", "log.csv", "-o", "out.html"],
    "export": ["export", "--max-lr", "0.1", "--total-steps", "100000", "-o", "out.csv"],
    "npz": ["export", "--max-lr", "0.1", "--total-steps", "100000", "-o", "out.npz"],
    "validate": ["validate", "plan.yaml", "--format", "sarif", "--output-file", "out.sarif"],
    "check": ["check", "plan.yaml", "log.csv", "-o", "out.pdf"],
    "init": ["init", "out.yaml"],
}


@posix
@pytest.mark.parametrize("name", WRITERS if EXPLORE else ("plot", "report", "export", "validate"))
def test_no_home_and_no_temporary_folder(name: str, folder: Path) -> None:
    nowhere = {"HOME": "/proc/none", "TMPDIR": "/proc/none", "XDG_CACHE_HOME": "/proc/none", "MPLCONFIGDIR": ""}
    usual = run(WRITERS[name])
    next(folder.glob("out.*")).unlink()
    done = run(WRITERS[name], env=nowhere)
    assert (done.returncode, done.stdout, done.stderr) == (usual.returncode, usual.stdout, usual.stderr)
    assert list(folder.glob("out.*"))


@posix
@pytest.mark.parametrize("before", [None, b"before"])
@pytest.mark.parametrize("name", WRITERS if EXPLORE else ("plot", "report", "export", "validate"))
def test_a_disk_that_is_full_keeps_what_was_there(name: str, before: bytes | None, folder: Path) -> None:
    import resource

    target = folder / WRITERS[name][-1]
    if before is not None:
        target.write_bytes(before)
    words = [*WRITERS[name], *(["--force"] if name == "init" else [])]
    left = {path.name for path in folder.iterdir()}
    done = run(words, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300)))
    assert done.returncode == 2
    assert done.stderr.count(b"error: cannot write") == 1
    assert b"Traceback" not in done.stderr
    assert {path.name for path in folder.iterdir()} == left
    assert before is None or target.read_bytes() == before


@posix
def test_two_writers_leave_one_whole_file(folder: Path) -> None:
    plans = [["export", "--max-lr", rate, "--total-steps", "200000", "-o", "out.csv"] for rate in ("0.1", "0.2")]
    whole = []
    for words in plans:
        assert run(words).returncode == 0
        whole.append(Path("out.csv").read_bytes())
    for _ in seeds(1):
        both = [subprocess.Popen([*RUN, *words], stderr=subprocess.PIPE) for words in (*plans, *plans)]
        assert [process.wait(LONG) for process in both] == [0] * 4
        for process in both:
            process.communicate()
        assert Path("out.csv").read_bytes() in whole
        assert {path.name for path in folder.iterdir()} == {"plan.yaml", "typo.yaml", "log.csv", "out.csv"}


# --- Signals ----------------------------------------------------------------------------------------------------------

SIGNALS = [getattr(signal, name) for name in ("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name)]


@posix
@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_at_any_time_leaves_whole_files(number: signal.Signals, folder: Path) -> None:
    typo = (folder / "typo.yaml").read_text()
    for seed in seeds(2):
        random_ = random.Random(seed)
        words = random_.choice([*WRITERS.values(), ["validate", "--fix", "typo.yaml"]])
        target = folder / words[-1]
        text = typo if target.name == "typo.yaml" else "before"
        words = [*words, *(["--force"] if "init" in words else [])]
        target.write_text(text)
        assert run(words).returncode in (0, 1)
        whole = target.read_bytes()
        target.write_text(text)
        process = subprocess.Popen([*RUN, *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        with suppress(subprocess.TimeoutExpired):
            process.wait(random_.uniform(0, 1))
        process.send_signal(number)
        _, printed = process.communicate(timeout=LONG)
        ended = {130 if number == signal.SIGINT else -number}
        assert process.returncode in {0, 1, *ended}, printed
        # An interpreter that has not begun to run the program ends as it always does.
        assert b"Traceback" not in printed or b"onecycle_cli/cli" not in printed
        now = target.read_bytes()
        assert now == text.encode() or len(now) == len(whole)
        left = [path.name for path in folder.iterdir() if path.name.endswith(".tmp")]
        assert left == [] or number == signal.SIGKILL
        for name in left:
            (folder / name).unlink()


# --- Files that change ------------------------------------------------------------------------------------------------


def test_a_log_that_changes_while_it_is_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, done = folder / "run.csv", threading.Event()
    long = "step,lr\n" + "".join(f"{step},{step}e-6\n" for step in range(20_000))

    def change() -> None:
        random_ = random.Random(0)
        while not done.is_set():
            match random_.randrange(5):
                case 0:
                    path.write_text(long)
                case 1:
                    path.write_text(long[: random_.randrange(len(long))])
                case 2:
                    path.with_suffix(".new").write_text(long[:1000])
                    path.with_suffix(".new").replace(path)
                case 3:
                    path.unlink(missing_ok=True)
                case _:
                    with path.open("a") as stream:
                        stream.write("7,")
            done.wait(0.001)

    path.write_text(long)
    writer = threading.Thread(target=change)
    writer.start()
    try:
        for words in (["check", "plan.yaml", "run.csv"], ["check", "plan.yaml", "run.csv", "--format", "json"]):
            for _ in seeds(5):
                assert main(words) in (0, 1, 2)
                printed = capsys.readouterr()
                assert printed.out or printed.err.startswith("error: "), printed.err
    finally:
        done.set()
        writer.join()


def whole(count: int) -> str:
    return "step,lr\n" + "".join(f"{step},0.{step + 1}\n" for step in range(count))


def test_a_line_counts_once_its_end_is_written(tmp_path: Path) -> None:
    path = tmp_path / "run.csv"
    path.write_text(whole(2) + "2,0.")
    logs = list(follow(path, [lambda: None, appending(path, "3"), appending(path, "\n3"), appending(path, ",0.4\n")]))
    assert [log.lr[:, 0].tolist() for log in logs] == [[0.1, 0.2], [0.1, 0.2, 0.3], [0.1, 0.2, 0.3, 0.4]]


@pytest.mark.parametrize("way", ["rotated", "truncated", "deleted and written again", "replaced"])
def test_a_log_that_begins_again_is_followed_from_its_beginning(way: str, tmp_path: Path) -> None:
    path, new = tmp_path / "run.csv", "step,lr\n0,0.5\n"
    path.write_text(whole(5))

    def begin_again() -> None:
        if way == "rotated":
            path.rename(tmp_path / "run.csv.1")
        elif way.startswith("deleted"):
            path.unlink()
        if way == "replaced":
            (tmp_path / "new").write_text(new)
            (tmp_path / "new").replace(path)
        elif way == "truncated":
            path.write_text("")
        else:
            path.write_text(new)

    later = partial(path.write_text, new + "1,0.6\n")
    logs = list(follow(path, [begin_again, later, lambda: path.unlink(), lambda: None]))
    assert logs[0].lr[:, 0].tolist() == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert logs[-1].lr[:, 0].tolist() == [0.5, 0.6]
