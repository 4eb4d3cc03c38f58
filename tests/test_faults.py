"""Pipes, descriptors, signals, and files that change or cannot be written: a command ends well or says why not."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from onecycle_cli import OneCycle
from onecycle_cli.cli import main
from onecycle_cli.cli import validate as validate_module

from .conftest import posix

PLAN = "max_lr: 0.1\ntotal_steps: 20\n"
TYPO = "max_lrr: 0.1\ntotal_steps: 20\n"
BLOCK = "s: {_target_: OneCycleLR, max_lr: 0.1, total_steps: 20}\n"
RUN = [sys.executable, "-m", "onecycle_cli"]


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "plan.yaml"
    path.write_text(PLAN)
    return path


def bash(command: str, **options: object) -> subprocess.CompletedProcess[str]:
    words = f'onecycle() {{ "{sys.executable}" -m onecycle_cli "$@"; }}; {command}'
    return subprocess.run(["bash", "-c", words], capture_output=True, text=True, timeout=120, **options)  # type: ignore[call-overload, no-any-return]


# --- Streams ------------------------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize(
    ("command", "begins"),
    [
        ("onecycle export plan.yaml -o /dev/stdout | cat", "step,lr,momentum\n0,"),
        ("onecycle export plan.yaml -o >(cat) | cat", "step,lr,momentum\n0,"),
        ("onecycle export plan.yaml --format jsonl -o >(cat) | cat", '{"step":0,'),
        ("onecycle plot plan.yaml -o >(base64 -w0) | cat", "iVBORw0KGgo"),
        ("onecycle validate plan.yaml --format json --output-file >(cat) | sort | cat", ""),
        ("onecycle code plan.yaml --framework torch -o /dev/fd/3 3>&1 | cat", "# plan: 20 steps"),
    ],
)
def test_what_is_written_goes_to_a_pipe(command: str, begins: str, plan: Path) -> None:
    done = bash(f"{command}; exit ${{PIPESTATUS[0]}}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(begins)
    assert len(done.stdout) > 2
    assert [path.name for path in plan.parent.iterdir()] == ["plan.yaml"]


@pytest.mark.parametrize("target", ["-", "/dev/stdout"])
def test_standard_output_has_one_content(target: str, plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("log.csv").write_text("step,lr\n0,0.004\n")
    for words in (["check", "plan.yaml", "log.csv"], ["compare", "plan.yaml", "--convention", "torch,optax"]):
        assert main([*words, "-o", target]) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert "standard output" in printed.err
    assert main(["validate", "plan.yaml", "--format", "json", "--output-file", target]) == 0
    assert json.loads(capsys.readouterr().out)["files"] == 1


@posix
def test_a_redirection_keeps_what_is_in_the_file(plan: Path) -> None:
    Path("all.csv").write_text("first\n")
    assert bash("onecycle export plan.yaml -o /dev/stdout >> all.csv").returncode == 0
    assert Path("all.csv").read_text().startswith("first\nstep,lr,momentum\n0,")


@posix
def test_a_named_pipe_is_written_to(plan: Path) -> None:
    if sys.platform != "win32":
        os.mkfifo("pipe")
    reader = subprocess.Popen(["cat", "pipe"], stdout=subprocess.PIPE, text=True)
    assert main(["export", "plan.yaml", "-o", "pipe"]) == 0
    assert reader.communicate(timeout=60)[0].startswith("step,lr,momentum\n0,")


@posix
def test_a_closed_descriptor_is_an_error(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "plan.yaml", "-o", "/dev/fd/99"]) == 2
    assert "/dev/fd/99" in capsys.readouterr().err


@posix
@pytest.mark.parametrize("words", [["--help"], ["show", "--help"], ["explain"], ["schema"], ["show", "plan.yaml"]])
def test_a_reader_that_is_gone_ends_it_with_141(words: list[str], plan: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*RUN, *words], stdout=writing, stderr=subprocess.PIPE, timeout=60)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")


# --- Fixes --------------------------------------------------------------------------------------------------------


def test_a_fix_does_not_overwrite_a_later_edit(
    plan: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plan.write_text(TYPO)
    other = plan.with_name("other.yaml")
    other.write_text(TYPO)
    load = validate_module.load  # type: ignore[attr-defined]

    def load_and_edit(*arguments: object) -> object:
        loaded = load(*arguments)  # type: ignore[arg-type]
        plan.write_text(TYPO.replace("20", "30"))
        return loaded

    monkeypatch.setattr(validate_module, "load", load_and_edit)
    assert main(["validate", "--fix", str(plan), str(other)]) == 2
    assert plan.read_text() == TYPO.replace("20", "30")
    assert other.read_text() == PLAN
    assert "changed" in capsys.readouterr().err


def test_a_read_only_file_is_not_fixed(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan.write_text(TYPO)
    plan.chmod(0o444)
    assert main(["validate", "--fix", str(plan)]) == 2
    assert plan.read_text() == TYPO
    assert "read-only" in capsys.readouterr().err


@posix
def test_a_fix_keeps_hard_links_links_and_the_mode(plan: Path) -> None:
    plan.write_text(TYPO)
    plan.chmod(0o640)
    plan.with_name("hard.yaml").hardlink_to(plan)
    plan.with_name("soft.yaml").symlink_to(plan)
    assert main(["validate", "--fix", "soft.yaml"]) == 0
    assert Path("hard.yaml").read_text() == plan.read_text() == PLAN
    assert plan.stat().st_nlink == 2
    assert Path("soft.yaml").is_symlink()
    assert plan.stat().st_mode & 0o777 == 0o640


@posix
def test_a_pipe_cannot_be_fixed(plan: Path) -> None:
    done = bash("onecycle validate --fix <(cat plan.yaml)")
    assert done.returncode == 2
    assert "cannot be fixed in place" in done.stderr


# --- What a command reads is not replaced -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        ["validate", "plan.yaml", "--output-file", "plan.yaml"],
        ["export", "plan.yaml", "-o", "plan.yaml", "--format", "csv"],
        ["export", "plan.yaml", "-o", "./plan.yaml", "--format", "csv"],
        ["code", "plan.yaml", "--framework", "torch", "-o", "plan.yaml", "--force"],
        ["fit", "plan.yaml", "-o", "plan.yaml", "--force"],
    ],
)
def test_a_command_does_not_replace_its_input(words: list[str], plan: Path) -> None:
    assert main(words) == 2
    assert plan.read_text() == PLAN


# --- Folders and files that cannot be read ------------------------------------------------------------------------


def test_the_rest_is_checked_where_a_folder_cannot_be_read(
    plan: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "locked", "z"):
        (plan.parent / name).mkdir()
        (plan.parent / name / "run.yaml").write_text(PLAN)
    scan = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert main(["validate", "--format", "concise", "."]) == 2
    printed = capsys.readouterr()
    assert "locked" in printed.err
    assert "Permission denied" in printed.err
    assert main(["validate", "--format", "json", "."]) == 2
    assert json.loads(capsys.readouterr().out)["files"] == 3


@pytest.mark.parametrize("pattern", [".", "./", "/", "", ".."])
def test_an_empty_pattern_is_refused(pattern: str, plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--exclude", pattern, "."]) == 2
    assert "exclude" in capsys.readouterr().err


# --- Numbers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f"optimizer: {{lr: 1{'0' * 320}, momentum: 1{'0' * 320}}}\n{BLOCK}",
        f"lr0: 1{'0' * 400}\nepochs: 1{'0' * 400}\n{BLOCK}",
        f"max_lr: 1{'0' * 320}\ntotal_steps: 20\n",
        "convention: smith\nmax_lr: 1.0e+308\ntotal_steps: 20\n",
        f"convention: smith\nmax_lr: 0.1\ntotal_steps: 20\nstepsize: 1{'0' * 400}\n",
        "convention: smith\nmax_lr: 0.1\ntotal_steps: 20\nfinal_div_factor: 1.0e-310\n",
        "convention: optax\nmax_lr: 0.1\ntotal_steps: 20\nfinal_div_factor: 1.0e-308\n",
        "convention: fastai\nmax_lr: 0.1\ntotal_steps: 100000000\npct_start: 1.0\n",
    ],
)
def test_numbers_out_of_range_have_findings_or_finite_results(
    text: str, plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan.write_text(text)
    assert main(["validate", str(plan)]) in (0, 1)
    code = main(["show", "--format", "json", str(plan)])
    printed = capsys.readouterr()
    assert code in (0, 2)
    assert "Infinity" not in printed.out
    assert "the settings make no schedule" not in printed.err


def test_a_rate_that_is_not_finite_is_an_error_in_every_command(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    largest = f"{sys.float_info.max!r}"
    plan.write_text(f"convention: fastai\nmax_lr: {largest}\ntotal_steps: 4\n")
    assert main(["validate", "--format", "json", str(plan)]) == 1
    [finding] = json.loads(capsys.readouterr().out)["findings"]
    assert finding["code"] == "OC201"
    assert "step 3 is not finite" in finding["message"]
    for words in (
        ["show", str(plan)],
        ["compare", f"--max-lr={largest}", "--total-steps=4", "--convention=torch,fastai"],
    ):
        assert main(words) == 2
        assert "OC201" in capsys.readouterr().err


def test_arrays_of_steps_overflow_as_single_steps_do() -> None:
    schedule = OneCycle(max_lr=sys.float_info.max, total_steps=4, convention="fastai").schedule(strict=False)
    single = [schedule.lr(step) for step in range(4)]
    assert not all(map(math.isfinite, single))
    assert schedule.lr(np.arange(4)).tolist() == single


@pytest.mark.parametrize("momentum", ["1.7976931348623157e308", "1e305"])
def test_momenta_that_no_axis_holds_are_not_drawn(
    momentum: str, plan: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--max-lr", "0.1", "--total-steps", "100", "--convention", "smith", "--max-momentum", momentum]
    for target in (["-o", "out.pdf"], ["--terminal"]):
        assert main(["plot", *words, *target]) == 2
        assert "momentum" in capsys.readouterr().err
    assert not Path("out.pdf").exists()


# --- The surroundings of a picture ---


@posix
def test_a_home_that_cannot_be_written_to_is_not_mentioned(plan: Path) -> None:
    done = bash("onecycle plot plan.yaml -o out.png", env={**os.environ, "HOME": "/proc/none", "MPLCONFIGDIR": ""})
    assert (done.returncode, done.stderr) == (0, "wrote out.png\n")


SIZES = ["9" * 20, "9" * 5000, "0", "-1", "²", "x"]
WORDS = [
    ["show", "plan.yaml"],
    ["show", "plan.yaml", "--curve"],
    ["plot", "plan.yaml", "--terminal"],
    ["compare", "plan.yaml", "--convention", "torch,optax"],
    ["code", "plan.yaml", "--framework", "torch"],
    ["validate", "plan.yaml"],
    ["explain", "OC104"],
    ["show", "--help"],
    ["--help"],
]


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
@pytest.mark.parametrize("variable", ["COLUMNS", "LINES"])
def test_sizes_that_make_no_sense_are_ignored(
    words: list[str], variable: str, plan: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = main(words), capsys.readouterr()
    assert usual[0] in (0, 1)
    for size in SIZES:
        monkeypatch.setenv(variable, size)
        assert (main(words), capsys.readouterr()) == usual, size


# --- Signals ------------------------------------------------------------------------------------------------------


@posix
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_signal_leaves_nothing_behind(name: str, tmp_path: Path) -> None:
    words = ["export", "--max-lr", "0.1", "--total-steps", "50000000", "-o", str(tmp_path / "x.csv")]
    process = subprocess.Popen([*RUN, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    until = time.monotonic() + 60
    while not list(tmp_path.iterdir()) and process.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(number := signal.Signals[name])
    _, printed = process.communicate(timeout=60)
    assert process.returncode == (130 if number == signal.SIGINT else -number)
    assert b"Traceback" not in printed
    assert list(tmp_path.iterdir()) == []


@posix
def test_an_ignored_signal_stays_ignored(tmp_path: Path) -> None:
    done = bash("trap '' HUP; onecycle show - <<< 'max_lr: 0.1' & sleep 0.2; kill -HUP $!; wait $!", cwd=tmp_path)
    assert done.returncode == 2
    assert "total_steps" in done.stderr + done.stdout


@posix
def test_ctrl_c_while_it_is_loaded_is_quiet() -> None:
    begin = "import signal, os\nfrom onecycle_cli import __main__\nimport builtins\nload = builtins.__import__\n"
    interrupt = (
        "def interrupted(name, *rest):\n"
        "    if name == 'typer': signal.raise_signal(signal.SIGINT)\n"
        "    return load(name, *rest)\n"
        "builtins.__import__ = interrupted\n__main__.run()\n"
    )
    done = subprocess.run([sys.executable, "-c", begin + interrupt], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (130, b"")
