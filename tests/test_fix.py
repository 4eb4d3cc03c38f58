"""onecycle validate --fix and --diff, --output-file and --exclude."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from onecycle_cli.cli import main

WRONG = "# my run\nmax_lr: 1e-3      # peak\ntotal_step: 1000\npct_start: 1   # all\n"
RIGHT = "# my run\nmax_lr: 1.0e-3      # peak\ntotal_steps: 1000\npct_start: 1.0   # all\n"
DIFFERENCE = (
    "--- a/run.yaml\n+++ b/run.yaml\n@@ -1,4 +1,4 @@\n # my run\n"
    "-max_lr: 1e-3      # peak\n-total_step: 1000\n-pct_start: 1   # all\n"
    "+max_lr: 1.0e-3      # peak\n+total_steps: 1000\n+pct_start: 1.0   # all\n"
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_diff_only_shows(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "run.yaml").write_text(WRONG)
    assert main(["validate", "--diff", "run.yaml"]) == 1
    told = capsys.readouterr()
    assert (told.out, told.err) == (DIFFERENCE, "1 file can be mended\n")
    assert (folder / "run.yaml").read_text() == WRONG


@pytest.mark.skipif(shutil.which("git") is None, reason="no git here")
def test_git_takes_the_difference(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "run.yaml").write_text(WRONG)
    main(["validate", "--diff", "run.yaml"])
    subprocess.run(["git", "apply", "-"], input=capsys.readouterr().out, text=True, check=True, cwd=folder, timeout=120)
    assert (folder / "run.yaml").read_text() == RIGHT


def test_fix_mends_shows_and_reports_what_is_left(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "run.yaml").write_text(WRONG)
    assert main(["validate", "--fix", "--format", "concise", "run.yaml"]) == 0
    told = capsys.readouterr()
    assert told.err == "1 file mended\n"
    assert told.out.startswith(DIFFERENCE)
    assert [line.split()[1] for line in told.out.removeprefix(DIFFERENCE).splitlines()] == ["warning[OC405]"]
    assert (folder / "run.yaml").read_text() == RIGHT
    assert main(["validate", "--fix", "run.yaml"]) == 0
    assert capsys.readouterr().err == "nothing to mend\n"


def test_the_json_stays_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "run.yaml").write_text(WRONG)
    assert main(["validate", "--fix", "--format", "json", "run.yaml"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["files"] == 1
    assert told.err == DIFFERENCE + "1 file mended\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_encoding_and_line_ends_are_kept(encoding: str, end: str, folder: Path) -> None:
    (folder / "run.yaml").write_bytes(WRONG.replace("\n", end).encode(encoding))
    assert main(["validate", "--fix", "run.yaml"]) == 0
    assert (folder / "run.yaml").read_bytes() == RIGHT.replace("\n", end).encode(encoding)


@pytest.mark.parametrize(
    "text",
    [
        "max_lr: 0.1\ntotal_steps: 010\n",  # eight or ten?
        "max_lr: 0.1\ntotal_steps: 10\npct_strat: 0.3\npct_start: 0.2\n",  # which of the two?
        "max_lr: 0.1\ntotal_steps: 10\nbase_max_momentum: 0.9\n",
        "max_lr: &a !!float 1e-3\ntotal_steps: 10\n",
        "max_lr: 0.1\ntotal_steps: 10\nlr: 0.2\n",
        "max_lr: [0.1\n",
    ],
)
def test_what_only_the_author_knows_is_left_alone(text: str, folder: Path) -> None:
    (folder / "run.yaml").write_text(text)
    main(["validate", "--fix", "run.yaml"])
    assert (folder / "run.yaml").read_text() == text


def test_a_training_config_is_mended_where_its_words_stand(folder: Path) -> None:
    text = (
        "peak: {lr: 1e-3}  # the peak\nscheduler:\n  _target_: torch.optim.lr_scheduler.OneCycleLR\n"
        "  max_lr: ${peak.lr}\n  total_step: 10\ninterval: steps\n"
    )
    (folder / "run.yaml").write_text(text)
    assert main(["validate", "--fix", "run.yaml"]) == 0
    mended = text.replace("1e-3", "1.0e-3").replace("total_step:", "total_steps:").replace("steps\n", "step\n")
    assert (folder / "run.yaml").read_text() == mended


def test_the_report_goes_to_a_file_and_a_summary_to_the_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "run.yaml").write_text(WRONG)
    assert main(["validate", "--format", "json", "--output-file", "report.json", "run.yaml"]) == 1
    assert capsys.readouterr().out == "1 file checked: 2 errors, 3 warnings\n"
    assert json.loads((folder / "report.json").read_text())["files"] == 1
    assert main(["validate", "--output-file", "gone/report.txt", "run.yaml"]) == 2
    assert "cannot write gone/report.txt" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        (["old"], ["a.yaml", "new/c.yaml"]),
        (["old/"], ["a.yaml", "new/c.yaml"]),
        (["old/*.yaml"], ["a.yaml", "new/c.yaml"]),
        (["*.yaml"], []),
        (["a.yaml", "c.*"], ["old/b.yaml"]),
        ([""], ["a.yaml", "new/c.yaml", "old/b.yaml"]),
    ],
)
def test_files_and_folders_are_left_out(
    patterns: list[str], left: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.yaml", "old/b.yaml", "new/c.yaml"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("max_lr: -1\n")
    words = [word for pattern in patterns for word in ("--exclude", pattern)]
    code = main(["validate", ".", "--format", "json", *words])
    answer = json.loads(capsys.readouterr().out)
    assert sorted({each["path"] for each in answer["findings"]}) == left
    assert code == (1 if left else 2)


def test_under_github_actions_the_format_is_githubs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "run.yaml").write_text("max_lr: -1\ntotal_steps: 10\n")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert main(["validate", "run.yaml"]) == 1
    assert capsys.readouterr().out.startswith("::error file=run.yaml,line=1,col=9,title=OC201 ")
    assert main(["validate", "--format", "full", "run.yaml"]) == 1
    assert capsys.readouterr().out.startswith("error[OC201]: ")
