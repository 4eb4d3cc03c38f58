"""Help and usage errors: pages of any width, examples that run, the nearest word, and what is said of written files."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from onecycle_cli.cli import COMMANDS, main
from onecycle_cli.findings import RULES
from onecycle_cli.formatting import format_number, setting_text
from onecycle_cli.policy.conventions import CONVENTIONS
from onecycle_cli.policy.settings import SETTINGS
from onecycle_cli.render.lines import wrap

from .conftest import ROOT

PLAN = ["--max-lr", "0.1", "--total-steps", "100"]
PAGES = ["", *COMMANDS]


def page(command: str, width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    assert main([*([command] if command else []), "--help"]) == 0
    return capsys.readouterr().out


def examples(text: str) -> list[str]:
    return re.findall(r"^  (onecycle .*)$", text.partition("Examples:")[2].partition("\n\n")[0], re.MULTILINE)


@pytest.mark.parametrize("command", PAGES)
def test_no_word_is_broken_at_any_width(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = page(command, 100, capsys, monkeypatch)
    for width in (40, 60, 80):
        text = page(command, width, capsys, monkeypatch)
        assert text.split() == wide.split()
        shown = set(examples(text))
        long = [line for line in text.splitlines() if len(line) > width and line.strip() not in shown]
        assert all(len(line.split()) <= 3 for line in long), long  # a name that is longer than the line
        assert "<bool>" not in text
    assert max(map(len, wide.splitlines())) <= 100


@pytest.mark.parametrize("command", PAGES)
def test_every_example_runs_and_fits_a_line(
    command: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    found = examples(page(command, 80, capsys, monkeypatch))
    assert found
    assert max(map(len, found)) <= 78
    monkeypatch.chdir(tmp_path)
    Path("plan.yaml").write_text("max_lr: 0.1\nepochs: 10\nsteps_per_epoch: 100\n")
    Path("other.yaml").write_text("max_lr: 0.1\ntotal_steps: 1000\n")
    Path("configs").mkdir()
    shutil.copy("plan.yaml", "configs")
    shutil.copy(ROOT / "configs/training/train.py", ".")
    for log in ("run.csv", "other.csv"):
        assert main(["export", "plan.yaml", "-o", log]) == 0
    rows = list(csv.DictReader((ROOT / "docs/logs/range-test.csv").read_text().splitlines()))
    shutil.copy(ROOT / "docs/logs/range-test.csv", ".")
    Path("history.json").write_text(json.dumps({name: [float(row[name]) for row in rows] for name in ("lr", "loss")}))
    for line in found:
        code = main(shlex.split(line)[1:])
        out, err = capsys.readouterr()
        if command == "tune":  # which gets as far as it can without a terminal
            assert code == 2
            assert "error: tune needs a terminal" in err
            continue
        assert code == int(line.startswith("onecycle compare") and "torch," in line), (line, err)
        assert out or "wrote " in err or "--diff" in line


def test_a_default_is_shown_only_where_the_setting_is_accepted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = " ".join(page("show", 80, capsys, monkeypatch).split())
    assert "[default: 0.3 in torch]" in text
    assert "--pct-final" in text
    assert "0.85 in torch" in text  # base_momentum
    for convention, without in (("torch", "pct_final"), ("optax", "base_momentum"), ("fastai", "three_phase")):
        assert main(["show", *PLAN, "--convention", convention, "-v"]) == 0
        listed = {line.split()[0] for line in capsys.readouterr().err.splitlines()}
        assert {"max_lr", "total_steps", "pct_start"} <= listed
        assert without not in listed
        assert "verbose" not in listed


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("--lr", "--max-lr"),
        ("--learning-rate", "--max-lr"),
        ("--lr-max", "--max-lr"),
        ("--peak_value", "--max-lr"),
        ("--maxlr", "--max-lr"),
        ("--steps", "--total-steps"),
        ("--max-steps", "--total-steps"),
        ("--num-epochs", "--epochs"),
        ("--epoch", "--epochs"),
        ("--div-final", "--final-div-factor"),
        ("--final_div", "--final-div-factor"),
        ("--phase-pct", "--pct-start"),
        ("--accumulation", "--gradient-accumulation"),
        ("--drop", "--drop-last"),
        ("--conventoin", "--convention"),
        ("--warmup-steps", "--pct-start"),
        ("--momentum", "--cycle-momentum, --base-momentum, --max-momentum or --final-momentum"),
        ("--json", "--format json"),
        ("--linear", "--anneal-strategy linear"),
        ("--qqq", None),
    ],
)
def test_the_nearest_option(typed: str, meant: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", typed, "1"]) == 2
    hint = f"did you mean {meant}?" if meant else "see `onecycle show --help`"
    assert capsys.readouterr().err == f"error: unknown option {typed.replace('_', '-')}\nhint: {hint}\n"


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["show", "--three-phase=yes"], "--three-phase takes no value", "use --three-phase or --no-three-phase"),
        (["code", "--framework"], "--framework needs a value", "use torch, lightning, transformers"),
        (["show", "--max_lr"], "--max-lr needs a value", "see `onecycle show --help`"),
        (["plan.yaml"], "plan.yaml is not a command", "`onecycle show plan.yaml` shows its schedule"),
        (["check", *PLAN, "run.csv", "--tolerance", "x"], "invalid --tolerance 'x'", "use a number, 0 or more"),
    ],
)
def test_usage_errors_say_what_to_type(
    words: list[str],
    message: str,
    hint: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plan.yaml").write_text("max_lr: 0.1\ntotal_steps: 1000\n")
    assert main(words) == 2
    assert capsys.readouterr().err.startswith(f"error: {message}\nhint: {hint}")


def test_help_is_a_word_too(capsys: pytest.CaptureFixture[str]) -> None:
    pages = []
    for words in (["help"], ["--help"], ["help", "show"], ["show", "--help"]):
        assert main(words) == 0
        pages.append(capsys.readouterr().out)
    assert pages[0] == pages[1]
    assert pages[2] == pages[3]


@pytest.mark.parametrize(("typed", "name"), [("hf", "transformers"), ("JAX", "optax"), ("r_torch", "r-torch")])
def test_frameworks_have_other_names(typed: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    outputs = []
    for framework in (typed, name):
        assert main(["code", *PLAN, "--framework", framework]) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]


def test_every_written_file_is_said_in_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["export", *PLAN, "-o", "run.csv"]) == 0
    assert capsys.readouterr() == ("", "wrote run.csv\n")
    for file, words in {
        "plan.yaml": ["init", "plan.yaml"],
        "a.png": ["plot", *PLAN, "-o", "a.png"],
        "onecycle.png": ["plot", *PLAN],
        "b.svg": ["compare", "plan.yaml", "plan.yaml", "-o", "b.svg"],
        "c.py": ["code", *PLAN, "--framework", "torch", "-o", "c.py"],
        "d.yaml": ["fit", "run.csv", "-o", "d.yaml"],
        "e.pdf": ["check", *PLAN, "run.csv", "-o", "e.pdf"],
        "f.json": ["validate", "plan.yaml", "--format", "json", "--output-file", "f.json"],
    }.items():
        assert main(words) == 0
        out, err = capsys.readouterr()
        assert [line for line in err.splitlines() if not line.startswith("note: ")] == [f"wrote {file}"]
        assert bool(out) == (words[0] in ("compare", "check", "validate"))
    assert main(["code", *PLAN, "--framework", "torch", "-o", os.devnull]) == 0
    assert capsys.readouterr() == ("", "")


def test_lines_are_broken_between_words() -> None:
    assert list(wrap("one two three", 7)) == ["one two", "three"]
    assert list(wrap("one two three", 9, first=6, indent=2)) == ["one", "  two", "  three"]
    assert list(wrap("a verylongword b", 4)) == ["a", "verylongword", "b"]
    assert list(wrap("学习 率 ab", 5)) == ["学习", "率 ab"]
    assert list(wrap("  one two three", 8, indent=2)) == ["  one", "  two", "  three"]
    assert list(wrap(" one two", None)) == [" one two"]
    assert list(wrap("", 5)) == [""]


@pytest.mark.parametrize("name", CONVENTIONS)
def test_a_convention_has_a_page_from_its_declaration(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    convention = CONVENTIONS[name]
    assert main(["explain", name.upper().replace("-", "_")]) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    assert {"Formula", "Defaults", "Settings", "Not supported"} <= set(text.splitlines())
    assert convention.version.split(" after ")[-1] in text
    tables = re.findall(r"^  (\S.*)$", text.partition("\nSettings\n")[2], re.MULTILINE)
    rows = {line.split()[0]: line.split()[1:] for line in tables}
    for setting in SETTINGS:
        default = getattr(convention.defaults, setting, None)
        if setting in convention.unsupported:
            assert " ".join(convention.unsupported[setting].split()[:3]) in " ".join(rows[setting])
        elif default is not None:
            assert rows[setting][0] == setting_text(default, format_number)
        if setting in convention.aliases:
            assert rows[setting][1] == convention.aliases[setting]


def test_what_cannot_be_explained_gets_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    for typed, hint in {"fastia": "did you mean fastai?", "OC1044": "did you mean OC104?", "?": "lists all"}.items():
        assert main(["explain", typed]) == 2
        assert hint in capsys.readouterr().err
    assert main(["explain"]) == 0
    listed = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line}
    assert set(RULES) | set(CONVENTIONS) <= listed


def completed(typed: str) -> list[str]:
    """Return what bash is offered after what was typed."""
    words = typed.split(" ")
    done = subprocess.run(
        [sys.executable, "-c", "from onecycle_cli.cli import run; run()"],
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "_ONECYCLE_COMPLETE": "complete_bash",
            "COMP_WORDS": typed,
            "COMP_CWORD": str(len(words) - 1),
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("onecycle s", ["show", "sweep", "schema"]),
        ("onecycle show --convention op", ["optax", "optax-linear", "openpcdet"]),
        ("onecycle plot --convention torch,fa", ["torch,fastai"]),
        ("onecycle code --framework r", ["r-torch"]),
        ("onecycle show --format j", ["json"]),
        ("onecycle validate --format sa", ["sarif"]),
        ("onecycle export --format p", ["parquet"]),
        ("onecycle explain oc10", [code.lower() for code in RULES if code.startswith("OC10")]),
        ("onecycle explain fas", ["fastai"]),
        ("onecycle check --row-is mi", ["microbatch"]),
        ("onecycle show --max-m", ["--max-momentum"]),
        ("onecycle validate --ignore OC512,OC41", [f"OC512,{code}" for code in RULES if code.startswith("OC41")]),
    ],
)
def test_the_shell_completes(typed: str, offered: list[str]) -> None:
    assert completed(typed) == offered
