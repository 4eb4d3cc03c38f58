"""The command line as a whole: exit codes, streams, help, and that nothing typed ends in a traceback."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onecycle_cli import __version__
from onecycle_cli.cli import COMMANDS, main
from onecycle_cli.policy.settings import SETTINGS

from .conftest import ROOT, posix

PLAN = ["--max-lr", "0.1", "--total-steps", "1000"]


def run(*arguments: str, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # type: ignore[call-overload, no-any-return]
        [sys.executable, "-m", "onecycle_cli", *arguments], capture_output=True, text=True, timeout=120, **more
    )


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"onecycle {__version__}\n"
    for arguments in ([], ["-h"], ["--help"]):
        assert main(arguments) == 0
        out = capsys.readouterr().out
        assert all(command in out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "-h"]) == 0
    assert "Usage: onecycle " + command in capsys.readouterr().out


def test_every_setting_has_a_flag(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for command in ("show", "plot", "export", "code", "compare"):
        assert main([command, "--help"]) == 0
        out = capsys.readouterr().out
        for setting in (name for name, declared in SETTINGS.items() if declared.has_flag):
            name = setting.replace("_", "-")
            assert f"--{name} " in out or f"--[no-]{name} " in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["shw"], "did you mean show?"),
        (["show", "--max-rl", "1"], "unknown option --max-rl\nhint: did you mean --max-lr?"),
        (["show", "--max-lr"], "--max-lr needs a value\nhint: see `onecycle show --help`"),
        (["schema", "a"], "unexpected argument 'a'"),
        (["check"], "LOG is missing"),
        (["code", *PLAN], "--framework is missing\nhint: use torch, "),
        (["show", "--max-lr", "fast"], "fast"),
        (["show", "--total-steps", "1.5", "--max-lr", "1"], "invalid --total-steps 1.5\nhint: use a whole number"),
        (["show", "--anneal-strategy", "cosine", *PLAN], "invalid --anneal-strategy 'cosine'\nhint: did you mean cos?"),
        (["show", *PLAN, "--format", "xml"], "invalid --format 'xml'\nhint: use table or json\n"),
        (["plot", *PLAN, "--dpi", "high"], "invalid --dpi 'high'\nhint: use a number from 10 to 2400"),
        (["plot", *PLAN, "--dpi", "1"], "invalid --dpi 1\nhint: use a number from 10 to 2400"),
        (["compare", *PLAN, "--tolerance", "-1"], "invalid --tolerance -1\nhint: use a number, 0 or more"),
        (["show", *PLAN, "--groups", "a,"], "invalid --groups 'a,'"),
        (["show", "--max-lr", "0.1,", *PLAN[2:]], "invalid --max-lr '0.1,'\nhint: use a number"),
        (["show", "--max-lr", "1", "--total-steps", "1,00"], "invalid --total-steps '1,00'"),
        (["show", "--convention", "caffe", *PLAN], "invalid --convention 'caffe'\nhint: use torch, "),
        (["show"], "nothing to plan"),
        (["show", "missing.yaml"], "no such file: missing.yaml"),
        (["show", "."], "is a folder"),
        (["show", "\0"], "invalid file name"),
        (["validate", "\ud800"], "invalid file name"),
        (["init", "\0"], "invalid file name"),
        (["show", *PLAN, "--at", "1000"], "past the end"),
        (["show", *PLAN, "--at", "one"], "invalid --at 'one'"),
        (["show", *PLAN, "--at", "1", "--every", "2"], "--at cannot be used with --every"),
        (["show", *PLAN, "--every", "0"], "invalid --every 0\nhint: use 1 or more"),
        (["show", "--max-lr", "1", "--total-steps", "1e9", "--every", "1"], "use `onecycle export`"),
        (["plot", *PLAN, "-o", "a.gif"], ".png, .svg or .pdf"),
        (["plot", *PLAN, "--terminal", "-o", "a.png"], "--terminal cannot be used with -o"),
        (["init", "."], "is a folder"),
        (["plot", *PLAN, "--size", "big"], "9x5.5"),
        (["plot", *PLAN, "--size", "1600x900"], "1600x900px"),
        (["plot", *PLAN, "--size", "16000000x900px"], "at most 200 inches"),
        (["show", *PLAN, "--set", "a=1"], "--set needs a config"),
        (["check", *PLAN, "--block", "a", "run.csv"], "--block needs a config"),
        (["plot", *PLAN, "--x", "epoch", "-o", "a.png"], "steps_per_epoch"),
        (["plot", *PLAN, "-o", "no/such/folder/a.png"], "cannot write no/such/folder/a.png"),
        (["plot", *PLAN, "-o", "no/such/folder/a.png"], "create the folder no/such/folder"),
        (["export", *PLAN, "-o", "a.xlsx"], ".csv"),
        (["export", *PLAN, "--from", "2000"], "2,000"),
        (["export", *PLAN, "--every", "0"], "invalid --every 0\nhint: use 1 or more"),
        (["export", *PLAN, "--from", "first"], "invalid --from 'first'\nhint: use a whole number"),
        (["export", "a.yaml", "b.yaml"], "takes one plan"),
        (["explain", "OC999"], "OC999"),
        (["validate"], "PATH"),
    ],
)
def test_what_cannot_be_done_exits_2_and_says_why(
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert words in err
    assert err.startswith("error: ")
    assert "Value error" not in err
    assert "Input should" not in err
    assert "Traceback" not in err
    assert out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["show", "plot", "export"])
def test_an_error_in_the_plan_exits_2_and_leaves_nothing(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([command, "--max-lr", "0.1", "--total-steps", "20", "--pct-start", "0.05"]) == 2
    out, err = capsys.readouterr()
    assert "error[OC302]" in err
    assert "--pct-start" in err
    assert out == ""
    assert list(tmp_path.iterdir()) == []


def test_flags_are_accepted_as_settings_are_spelled(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text(
        "trainer: {max_steps: 9}\nscheduler: {type: OneCycleLR, max_lr: 0.1, total_steps: '${trainer.max_steps}'}\n"
    )
    assert main(["export", "--max_lr=0.1", "--total_steps", "8", "--no-cycle_momentum"]) == 0
    spelled = capsys.readouterr().out
    assert main(["export", "--max-lr", "0.1", "--total-steps", "8", "--no-cycle-momentum"]) == 0
    assert capsys.readouterr().out == spelled
    assert main(["show", str(config), "--set", "trainer.max_steps=8"]) == 0
    assert "8 steps" in capsys.readouterr().out
    assert main(["show", "--max_lr", "0.1", "--total_step", "8"]) == 2
    assert "--total-steps" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("by_commas", "repeated"),
    [
        ("--max-lr 0.1,0.02", "--max-lr 0.1 --max-lr 0.02"),
        ("--max-lr 0.1,0.02 --groups head,backbone", "--max-lr 0.1 --max-lr 0.02 --groups head --groups backbone"),
        ("--max-lr 0.1 --base-momentum 0.8,.85,0.9", "--max-lr 0.1 --base-momentum 0.8,0.85 --base-momentum 0.9"),
        ("--max-lr 0.1 --max-momentum 0.9,0.95", "--max-lr 0.1 --max-momentum 0.9 --max-momentum 0.95"),
        (
            "--convention fastai --max-lr 0.1 --groups 2 --final-momentum 0.9,0.8",
            "--convention fastai --max-lr 0.1 --groups 2 --final-momentum 0.9 --final-momentum 0.8",
        ),
        ("--max-lr 0.1 --convention torch,fastai", "--max-lr 0.1 --convention torch --convention fastai"),
    ],
)
def test_lists_are_given_by_commas_and_by_repetition(
    by_commas: str, repeated: str, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = []
    for given_by in (by_commas, repeated):
        assert main(["show", *given_by.split(), "--total-steps", "100", "--format", "json"]) == 0
        outputs.append(json.loads(capsys.readouterr().out))
    assert outputs[0] == outputs[1]
    made = outputs[0] if isinstance(outputs[0], list) else outputs[0]["groups"]
    assert len(made) == (3 if ".85" in by_commas else 2)


@pytest.mark.parametrize("thousand", ["1000", "1,000", "1_000", "1e3", "+1,000"])
def test_counts_are_written_as_people_write_them(thousand: str, capsys: pytest.CaptureFixture[str]) -> None:
    def shown(*arguments: str) -> str:
        assert main([*arguments, "--max-lr", "0.1"]) == 0
        return capsys.readouterr().out

    assert "1,000 steps" in shown("show", "--total-steps", thousand)
    assert "2,000 steps" in shown("show", "--epochs", "2", "--steps-per-epoch", thousand)
    data = ("--epochs", thousand, "--dataset-size", thousand, "--batch-size", thousand)
    assert "1,000 steps" in shown("show", *data)
    assert len(json.loads(shown("show", "--total-steps", "9", "--groups", thousand, "--format=json"))["groups"]) == 1000
    rows = shown("export", "--total-steps", "5e3", "--from", thousand, "--to", "4,000", "--every", thousand)
    assert [row.split(",")[0] for row in rows.splitlines()] == ["step", "1000", "2000", "3000"]
    shown_rows = json.loads(shown("show", "--total-steps", "5e3", "--every", thousand, "--format", "json"))["rows"]
    assert [row["step"] for row in shown_rows] == [0, 1000, 2000, 3000, 4000]


@pytest.mark.parametrize(
    ("total", "text", "steps", "noted"),
    [
        ("1000", "1,000,1e2,9_9", [1, 0, 100, 99], False),
        ("1000", "0,100,200", [0, 100, 200], False),
        ("5250", "1,574", [1574], True),
        ("1574", "1,574", [1, 574], False),
        ("5250", "1, 574", [1, 574], False),
        ("5250", "1,050", [1050], False),
        ("5250", "1,574, 5,249 0,1", [1574, 5249, 0, 1], True),
        ("5250", "1,574,900", [1, 574, 900], False),
        ("2,000,000", "1,574,900", [1, 574, 900], True),
        ("2,000,000", "1,574,300", [1574300], True),
        ("2,000,000", "1,000,000", [1000000], False),
    ],
)
def test_commas_separate_steps_or_thousands(
    total: str, text: str, steps: list[int], noted: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", "--max-lr", "0.1", "--total-steps", total, "--at", text, "--format", "json"]) == 0
    printed = capsys.readouterr()
    assert [row["step"] for row in json.loads(printed.out)["rows"]] == steps
    assert ("note: --at" in printed.err) is noted


@pytest.mark.parametrize("command", ["plot", "compare", "check"])
def test_no_picture_goes_into_a_terminal(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    plan, log = tmp_path / "plan.yaml", tmp_path / "log.csv"
    plan.write_text("max_lr: 0.1\ntotal_steps: 100\n")
    assert main(["export", str(plan), "-o", str(log)]) == 0
    more = {"plot": list[str](), "compare": [str(plan)], "check": [str(log)]}[command]
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main([command, str(plan), *more, "-o", "-"]) == 2
    printed = capfd.readouterr()
    assert ("PNG is binary" if command == "plot" else "standard output is for the report") in printed.err
    assert printed.out == ""


@pytest.mark.parametrize(
    ("momenta", "line", "values"),
    [
        ((0.85, 0.95), "0.95 → 0.85 → 0.95   (initial, lowest, final)", (0.95, 0.85, 0.95, 0.95)),
        ((0.95, 0.85), "0.85 → 0.95 → 0.85   (initial, highest, final)", (0.85, 0.85, 0.95, 0.85)),
        ((0.9, 0.9), "0.9 → 0.9 → 0.9   (initial, lowest, final)", (0.9, 0.9, 0.9, 0.9)),
    ],
)
def test_momentum_is_summed_up_by_where_it_turns(
    momenta: tuple[float, float], line: str, values: tuple[float, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    plan = [*PLAN, "--base-momentum", str(momenta[0]), "--max-momentum", str(momenta[1])]
    assert main(["show", *plan]) == 0
    assert line in capsys.readouterr().out
    assert main(["show", *plan, "--format", "json"]) == 0
    (group,) = json.loads(capsys.readouterr().out)["groups"]
    names = ("initial_momentum", "lowest_momentum", "highest_momentum", "final_momentum")
    assert tuple(group[name] for name in names) == pytest.approx(values)
    assert main(["code", *plan, "--framework", "torch"]) == 0
    assert line.partition("  ")[0].replace("→", "->") in capsys.readouterr().out.replace("\n# ", " ")


def test_numbers_have_one_form_and_one_meaning(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", "--max-lr", "0.1", "--epochs", "30", "--steps-per-epoch", "175"]) == 0
    printed = capsys.readouterr().out
    assert "step 1,574 in epoch 8, 30 %" in printed
    assert re.search(r"^ *1,574 +8 ", printed, re.MULTILINE)
    assert "1,575 steps, 9 epochs, 30 %" in printed
    assert main(["show", "--max-lr", "0.1", "--epochs", "3", "--steps-per-epoch", "1"]) == 0
    short = capsys.readouterr()
    assert "3 epochs × 1 step per epoch" in short.out
    assert not re.search(r"\b1 (steps|epochs)", short.out + short.err)


@pytest.mark.parametrize(
    "arguments",
    [
        ["export", "in", "-o", "link"],
        ["export", "in", "-o", "./in", "--format", "csv"],
        ["code", "in", "--framework", "torch", "-o", "in", "--force"],
        ["fit", "in", "-o", "link", "--force"],
        ["validate", "in", "--output-file", "in"],
        ["validate", ".", "--output-file", "./other.yaml"],
        ["plot", "in.png"],
        ["plot", "in.png", "-o", "in.png"],
        ["compare", "in", "in.png", "-o", "in.png"],
        ["check", "in", "in.png", "-o", "in.png"],
    ],
)
def test_no_command_replaces_its_input(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "max_lr: 0.1\ntotal_steps: 100\n"
    for name in ("in", "in.png", "other.yaml"):
        Path(name).write_text(text)
    Path("link").symlink_to("in")
    assert main(arguments) == 2
    assert "is an input of this command" in capsys.readouterr().err
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(
        ("in", "in.png", "other.yaml", "link"), text
    )


def test_warnings_are_said_and_do_not_stop(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", *PLAN, "--pct-start", "1.0"]) == 0
    out, err = capsys.readouterr()
    assert "warning[OC405]" in err
    assert "1,000 steps" in out


def test_findings_of_a_file_show_their_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "run.yaml"
    config.write_text("max_lr: 0.1\npct_strat: 0.2\ntotal_steps: 100\n")
    assert main(["show", str(config)]) == 2
    err = capsys.readouterr().err
    assert f"{config}:2:1" in err
    assert "2 | pct_strat: 0.2" in err


def test_a_flag_beats_the_file_and_a_length_flag_drops_its_length(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "run.yaml"
    config.write_text("max_lr: 0.1\ntotal_steps: 100\nsteps_per_epoch: 30\n")
    assert main(["show", str(config), "--max-lr", "0.5", "--epochs", "7", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    shown = json.loads(out)
    assert shown["total_steps"] == 210
    assert shown["groups"][0]["peak_lr"] == 0.5
    assert "--epochs replaces the file's total_steps (100)" in err


def test_verbose_says_where_each_setting_came_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "run.yaml"
    config.write_text("max_lr: 0.1\nepochs: 3\nsteps_per_epoch: 30\n")
    assert main(["show", str(config), "-v", "--pct-start", "0.5"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().err.splitlines()}
    assert lines["max_lr"].endswith(str(config))
    assert lines["pct_start"].endswith("--pct-start")
    assert lines["div_factor"].endswith("default of torch")
    assert lines["total_steps"].endswith("derived: 3 epochs × 30 steps per epoch")


def test_standard_input_is_read(tmp_path: Path) -> None:
    done = run("show", "-", "--format", "json", input="max_lr: 0.1\ntotal_steps: 50\n")
    assert done.returncode == 0
    assert json.loads(done.stdout)["total_steps"] == 50


@posix
def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    command = (
        f"{sys.executable} -m onecycle_cli export --max-lr 0.1 --total-steps 3000000 | head -2; echo ${{PIPESTATUS[0]}}"
    )
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=ROOT, timeout=120)
    assert done.stdout.splitlines()[-1] == "141"
    assert done.stderr == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no /dev/full")
def test_a_full_disk_is_said() -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "onecycle_cli", "show", *PLAN],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            timeout=120,
        )
    assert done.returncode == 2
    assert done.stderr.startswith("error: cannot write: No space left")


def test_an_interrupt_exits_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("onecycle_cli.cli.show.plans", interrupt)
    assert main(["show", *PLAN]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_bug_of_ours_exits_3_with_a_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def break_down(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("onecycle_cli.cli.show.plans", break_down)
    assert main(["show", *PLAN]) == 3
    err = capsys.readouterr().err
    assert "this is a bug in onecycle" in err
    assert f"onecycle {__version__}" in err
    assert "--max-lr 0.1" in err


def test_ascii_terminals_get_text_they_can_print() -> None:
    done = run("show", *PLAN, env={**os.environ, "PYTHONIOENCODING": "ascii"}, cwd=ROOT)
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "0.004 -> 0.1 -> 4e-07" in done.stdout


NUMBERS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True).map(repr),
    st.integers(-(10**30), 10**30).map(str),
    st.sampled_from(["0", "-0.0", "1e400", "5e-324", "1.7976931348623157e308", "nan", "0x10", "", "٣"]),
)
FLAGS = st.sampled_from([f"--{name.replace('_', '-')}" for name in SETTINGS if name not in ("verbose", "name")])


@given(st.lists(st.tuples(FLAGS, NUMBERS), max_size=6), st.sampled_from(["show", "export"]))
def test_no_flags_break_it(flags: list[tuple[str, str]], command: str) -> None:
    extra = ["--at", "0"] if command == "show" else ["--every", str(2**52), "-o", os.devnull]
    words = [word for flag in flags for word in flag]
    assert main([command, *extra, *words]) in (0, 1, 2)
    assert main([command, *extra, "--max-lr=0.1", "--total-steps=100", *words]) in (0, 1, 2)
