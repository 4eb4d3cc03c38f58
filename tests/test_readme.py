"""The README: every block of it runs, and its picture is the one that the commands make."""

from __future__ import annotations

import glob
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from onecycle_cli.cli import main

from .conftest import ROOT

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
COMMANDS = [line for language, block in BLOCKS if language == "sh" for line in block.splitlines()]
USES = [line for line in COMMANDS if line.startswith("onecycle ")]
SET_UP = [line for line in COMMANDS if not line.startswith("onecycle ")]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(ROOT / "configs", tmp_path / "configs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("line", USES)
def test_every_command_runs(line: str, checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for part in line.split(" && "):
        program, *words = shlex.split(part)
        assert program == "onecycle"
        words = [name for word in words for name in (sorted(glob.glob(word)) or [word])]
        code = main(words)
        out, err = capsys.readouterr()
        said = [line for line in err.splitlines() if not line.startswith(("wrote ", "note: "))]
        assert (code, said) == (int(words[0] == "compare"), [])
        assert out or "-o" in words
    for target in re.findall(r"-o (\S+)", line):
        assert (checkout / target).stat().st_size > 0


def test_the_two_set_up_lines_are_what_a_fresh_machine_needs(capsys: pytest.CaptureFixture[str]) -> None:
    use, test = SET_UP
    assert all(line.startswith("python3 -m venv .venv && .venv/bin/pip install -q ") for line in (use, test))
    assert test.endswith(".venv/bin/python -B -m pytest -n auto")
    arguments = use.rpartition(".venv/bin/onecycle ")[2].split()
    assert main([word.replace("configs/", f"{ROOT}/configs/") for word in arguments]) == 0
    assert "0.1" in capsys.readouterr().out


@pytest.mark.parametrize("code", [block for language, block in BLOCKS if language == "python"])
def test_the_python_runs(code: str, checkout: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=checkout,
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "5250 0.0040000000000000036 0.1"


def test_the_verdict_shown_is_the_one_given(capsys: pytest.CaptureFixture[str]) -> None:
    log = str(ROOT / "tests/data/traces/p02_lightning_adamw_epoch.csv")
    assert main(["check", "--max-lr", "0.003", "--total-steps", "240", "--optimizer", "adamw", log]) == 1
    assert [block for language, block in BLOCKS if language == "text"] == [capsys.readouterr().out]


def test_every_code_and_file_named_exists() -> None:
    from onecycle_cli.findings import RULES

    assert set(re.findall(r"OC\d{3}", README)) <= set(RULES)
    for path in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / path).exists(), path
