"""What a terminal shows: the curve in `show`, lines that fit, words that are whole, and colour only where wanted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from onecycle_cli.cli import main
from onecycle_cli.render.lines import cells

from .screens import on_a_terminal

PLAN = ["--max-lr", "0.1", "--epochs", "30", "--steps-per-epoch", "175"]
BRAILLE = re.compile("[\u2801-\u28ff]")
ESCAPE = re.compile("\x1b\\[[\\d;]*m")


def lines_of(text: str) -> list[str]:
    return ESCAPE.sub("", text).splitlines()


@pytest.mark.parametrize(("columns", "lines"), [(40, 24), (60, 24), (80, 24), (120, 50), (200, 50)])
def test_show_fits_and_has_its_curve_where_there_is_room(columns: int, lines: int) -> None:
    code, text = on_a_terminal(["show", *PLAN], columns=columns, lines=lines)
    shown = lines_of(text)
    assert code == 0
    assert max(map(cells, shown)) <= columns
    rows = [line for line in shown if "┤" in line or "│" in line]
    assert bool(rows) == bool(BRAILLE.search(text)) == (columns >= 60)
    if rows:
        assert max(map(cells, shown)) == columns  # the axis is as wide as the terminal
        assert 5 <= len(rows) <= lines // 3
    assert text.split()[0].endswith("onecycle") or "onecycle" in text.splitlines()[0]
    assert shown[-1].split() == ["5,249", "29", "4e-07", "0.95", "anneal"]


def test_the_curve_is_left_out_of_pipes_and_where_it_is_unwanted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", *PLAN]) == 0
    piped = capsys.readouterr().out
    assert not BRAILLE.search(piped)
    assert main(["show", *PLAN, "--curve"]) == 0
    asked = capsys.readouterr().out
    without = [line for line in asked.splitlines() if line and line in piped.splitlines()]
    assert without == [line for line in piped.splitlines() if line]
    assert BRAILLE.search(asked)
    assert "\x1b" not in asked
    assert not BRAILLE.search(on_a_terminal(["show", *PLAN, "--no-curve"])[1])
    assert BRAILLE.search(on_a_terminal(["show", *PLAN, "--curve"], columns=40)[1])
    assert main(["show", "--max-lr", "1e300", "--total-steps", "9", "--curve"]) == 2
    assert on_a_terminal(["show", "--max-lr", "1e300", "--total-steps", "9"])[0] == 0


def test_each_group_has_its_curve_and_a_line_of_the_legend() -> None:
    _, text = on_a_terminal(["show", "--max-lr", "0.1,0.02", "--groups", "head,body", "--total-steps", "100"])
    assert [line.split(":")[0] for line in lines_of(text) if line.startswith("━━")] == ["━━ head", "━━ body"]
    assert {"\x1b[36m", "\x1b[33m"} <= set(ESCAPE.findall(text))


@pytest.mark.parametrize(("lines", "rows"), [(24, 21), (50, 47), (200, 60), (12, 9)])
def test_a_drawing_fills_the_window(lines: int, rows: int) -> None:
    _, text = on_a_terminal(["plot", *PLAN, "--terminal"], lines=lines)
    assert len(text.splitlines()) == rows
    _, text = on_a_terminal(["plot", *PLAN, "--terminal", "--height", "12"], lines=lines)
    assert len(text.splitlines()) == 12


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_colour_where_it_is_unwanted(name: str, value: str) -> None:
    for words in (["show", *PLAN], ["plot", *PLAN, "--terminal"], ["show", "--lr", "1"], ["--help"], ["show", "-h"]):
        assert "\x1b" in on_a_terminal(words)[1]
        assert "\x1b" not in on_a_terminal(words, environment={name: value})[1]


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_diagnostics_are_broken_between_words(columns: int, tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text(
        "max_lr: 1e-3\ntotal_steps: 100\npct_start: 0.01\nepochs: 7\nsteps_per_epoch: 9\n"
    )
    for words in (["validate", "run.yaml"], ["show", "run.yaml"], ["show", "--convention", "caffe"], ["show"]):
        _, text = on_a_terminal(words, tmp_path, columns=columns)
        _, wide = on_a_terminal(words, tmp_path, columns=1000)
        assert max(map(len, lines_of(text))) <= columns
        assert " ".join(text.split()) == " ".join(wide.split())


@pytest.mark.parametrize("size", ["0", "-1", "wide", "9" * 5000, "99999"])
def test_sizes_that_make_no_sense_are_ignored(size: str) -> None:
    sizes = {"COLUMNS": size, "LINES": size}
    usual = on_a_terminal(["plot", *PLAN, "--terminal"])
    assert on_a_terminal(["plot", *PLAN, "--terminal"], environment=sizes) == usual


def test_ascii_terminals_get_a_curve_they_can_show() -> None:
    _, text = on_a_terminal(
        ["show", *PLAN, "--last-epoch", "2000"], environment={"PYTHONIOENCODING": "ascii", "NO_COLOR": "1"}
    )
    assert text.isascii()
    drawn = [line for line in text.splitlines() if re.match(r" *[\d.]* [|+]", line)]
    assert any("....." in line for line in drawn)
    assert any("*****" in line for line in drawn)


@pytest.mark.parametrize("framework", ["torch", "r-torch"])
def test_code_is_coloured_and_otherwise_the_same(framework: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["code", *PLAN, "--framework", framework]
    assert main(words) == 0
    piped = capsys.readouterr().out
    _, text = on_a_terminal(words, columns=60)
    assert "\x1b[" in text
    assert lines_of(text) == piped.splitlines()
    assert on_a_terminal(words, environment={"NO_COLOR": "1"})[1] == piped


def test_pages_fit_a_narrow_terminal() -> None:
    for topic in ("OC104", "torch", "smith"):
        _, text = on_a_terminal(["explain", topic], columns=60)
        assert all(len(line) <= 60 or line.startswith("  onecycle show") for line in text.splitlines())


def test_a_verdict_fits_a_narrow_terminal() -> None:
    log = "tests/data/traces/p02_lightning_adamw_epoch.csv"
    words = ["check", "--max-lr", "0.003", "--total-steps", "240", "--optimizer", "adamw", log]
    for columns, last in ((40, "difference"), (80, "planned")):
        code, text = on_a_terminal(words, columns=columns)
        shown = lines_of(text)
        assert code == 1
        assert max(map(cells, shown)) <= columns
        titles = next(line for line in shown if "planned lr" in line)
        assert titles.split()[-1] == last
        assert "\x1b[1;31m→" in text
