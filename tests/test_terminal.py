"""The curve in the terminal."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from onecycle_cli import OneCycle, OnecycleError
from onecycle_cli.render.lines import cells, cut
from onecycle_cli.render.picture import Curve
from onecycle_cli.render.terminal import draw_terminal
from onecycle_cli.render.terminal.canvas import Canvas, Stroke, connect


def curve(label: str = "run", **settings: object) -> Curve:
    whole: dict[str, object] = {"max_lr": 0.1, "total_steps": 1000, **settings}
    return Curve(label, OneCycle.from_values(whole).schedule())


SHAPES = {
    "default": [curve()],
    "one step": [curve(total_steps=1)],
    "ten steps": [curve(total_steps=10, anneal_strategy="linear")],
    "huge": [curve(total_steps=10**15)],
    "final 0": [curve(final_lr=0.0)],
    "resumed": [curve(last_epoch=998)],
    "flat": [curve(div_factor=1.0, final_div_factor=1.0, cycle_momentum=False)],
    "names": [curve("实验" * 40), curve("x\x1b[31m\n" * 9, total_steps=500), curve("")],
    "many": [curve(f"run {at}", max_lr=0.1 / (at + 1)) for at in range(12)],
}


def uncoloured(text: str) -> str:
    return re.sub("\x1b\\[[\\d;]+m", "", text)


def drawing(text: str) -> list[str]:
    """Give what stands right of the vertical axis, panel by panel in one list."""
    return [
        line.partition("│")[2] or line.partition("┤")[2] for line in text.splitlines() if "│" in line or "┤" in line
    ]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(("unicode", "colour"), [(True, False), (True, True), (False, False)])
def test_no_line_is_wider_than_asked(shape: str, log: bool, unicode: bool, colour: bool) -> None:
    for width in (1, 8, 20, 33, 80):
        text = draw_terminal(SHAPES[shape], width, 24, log=log, unicode=unicode, colour=colour)
        assert text.endswith("\n")
        lines = uncoloured(text).splitlines()
        assert max(map(cells, lines)) <= width
        assert len(lines) <= 24
        assert all(line == line.rstrip() for line in lines)
        assert unicode or text.isascii()
        assert colour == ("\x1b" in text)


@pytest.mark.parametrize("height", [12, 16, 24, 50])
def test_the_height_is_filled(height: int) -> None:
    assert draw_terminal([curve()], 80, height).count("\n") == height


def test_title_and_labels() -> None:
    text = draw_terminal([curve()], 80, 24)
    lines = text.splitlines()
    assert lines[0] == "run: peak 0.1 at step 299, initial 0.004, final 4e-07"
    assert [line.split()[0] for line in lines if "┤" in line] == [
        "0.10", "0.08", "0.06", "0.04", "0.02", "0.00", "0.95", "0.90", "0.85",
    ]  # fmt: skip
    assert lines[-2].split() == ["0", "200", "400", "600", "800", "1,000"]
    assert lines[-1].strip() == "step"
    assert [line.strip() for line in lines if line.strip() in ("learning rate", "momentum")] == [
        "learning rate",
        "momentum",
    ]


def test_the_curve_is_where_its_values_are() -> None:
    run = curve(total_steps=100, pct_start=0.5, anneal_strategy="linear", cycle_momentum=False, div_factor=1e9)
    text = draw_terminal([run], 106, 15, unicode=False)
    rows = [line.partition("|")[2] or line.partition("+")[2] for line in text.splitlines()[2:-3]]
    marked = {(row, column) for row, line in enumerate(rows) for column, each in enumerate(line) if each == "*"}
    for step in range(100):
        exact = (1 - run.schedule.lr(step) / 0.1) * (len(rows) - 1)
        nearest = [row for row in range(len(rows)) if abs(row - exact) <= 0.5 + 1e-6]
        assert any((row, step) in marked for row in nearest)


@pytest.mark.parametrize("unicode", [True, False])
def test_the_curve_is_connected(unicode: bool) -> None:
    steep = curve(total_steps=4, pct_start=0.5, cycle_momentum=False)
    lines = draw_terminal([steep], 80, 30, unicode=unicode).splitlines()[2:-3]
    rows = [line[6:] for line in lines]
    assert all(row.strip() for row in rows)
    assert all(any(row[column : column + 1].strip() for row in rows) for column in range(74))


def test_curves_look_different() -> None:
    two = [curve("one"), curve("two", max_lr=0.05)]
    marks = draw_terminal(two, 80, 24)
    assert marks.startswith("* one: peak 0.1")
    assert marks.splitlines()[1].startswith("+ two: peak 0.05")
    assert all(any(mark in line for line in drawing(marks)) for mark in "*+")
    coloured = draw_terminal(two, 80, 24, colour=True)
    assert coloured.startswith("\x1b[36m━━\x1b[0m one")
    assert "\x1b[33m━━\x1b[0m two" in coloured
    assert any("\u2800" < each <= "\u28ff" for each in coloured)


def test_identical_curves_take_turns() -> None:
    text = draw_terminal([curve("one"), curve("two")], 80, 24, unicode=False)
    assert "*+*+" in text


def test_logarithmic_axis_shows_decades() -> None:
    text = draw_terminal([curve()], 80, 24, log=True)
    assert [line.split()[0] for line in text.splitlines() if "┤" in line][:3] == ["1e-01", "1e-02", "1e-03"]


def test_horizontal_axis_of_epochs_and_percent() -> None:
    run = curve(total_steps=None, epochs=30, steps_per_epoch=7)
    assert draw_terminal([run], 80, 24, x="epoch").splitlines()[-1].strip() == "epoch"
    assert draw_terminal([run], 80, 24, x="percent").splitlines()[-2].split()[-1] == "100"
    with pytest.raises(OnecycleError):
        draw_terminal([curve()], 80, 24, x="epoch")


def test_momentum_is_left_out_where_unwanted_or_not_cycled() -> None:
    assert "momentum" not in draw_terminal([curve()], 80, 24, momentum=False)
    assert "momentum" not in draw_terminal([curve(cycle_momentum=False)], 80, 24)
    adam = Curve("run", curve().schedule, 0, "beta1")
    assert "beta1" in draw_terminal([adam], 80, 24)


def dots(rows: list[str], first: int, last: int) -> int:
    return sum((ord(each) - 0x2800).bit_count() for row in rows for each in row[first:last] if each > "\u2800")


def test_a_resumed_run_has_its_past_dotted_and_its_peak() -> None:
    run = curve(last_epoch=499, cycle_momentum=False)
    titled = draw_terminal([run], 80, 24).splitlines()
    assert titled[0].startswith("run: peak 0.1 at step 299 (done), resumes at step 500,")
    assert next(line.split()[0] for line in titled if "┤" in line) == "0.10"
    resumed, whole = (
        drawing(draw_terminal([each], 80, 24, title=False)) for each in (run, curve(cycle_momentum=False))
    )
    assert [row[38:] for row in resumed] == [row[38:] for row in whole]
    assert 0.15 < dots(resumed, 0, 36) / dots(whole, 0, 36) < 0.4
    ascii_lines = draw_terminal([run], 80, 24, unicode=False, title=False).splitlines()[1:-3]
    rows = [line.partition("|")[2] or line.partition("+")[2] for line in ascii_lines]
    assert {each for row in rows for each in row[:36]} == {" ", "."}
    assert {each for row in rows for each in row[38:]} == {" ", "*"}
    coloured = draw_terminal([run], 80, 24, colour=True)
    assert "\x1b[2;36m" in coloured
    assert "\x1b[36m" in coloured
    assert "\x1b[2;" not in draw_terminal([curve()], 80, 24, colour=True)


def test_bars_are_lengthened_until_they_touch() -> None:
    assert connect([(0, 0), (4, 4), None, (9, 9), (5, 5)]) == [(0, 2), (3, 4), None, (8, 9), (5, 7)]


def test_braille_dots() -> None:
    canvas = Canvas(2, 1, braille=True)
    canvas.bar(0, 0, 3, Stroke(0))
    canvas.bar(3, 3, 3, Stroke(0))
    assert canvas.lines(colour=False) == ["⡇⠈"]


def test_text_is_cut_by_columns() -> None:
    assert cut("abcdef", 4, "…") == "abc…"
    assert cut("实验实验", 6, "…") == "实验…"
    assert cut("abc", 3, "…") == "abc"


def test_neither_numpy_nor_matplotlib_is_loaded() -> None:
    code = (
        "import sys; from onecycle_cli import OneCycle; from onecycle_cli.render.picture import Curve;"
        "from onecycle_cli.render.terminal import draw_terminal;"
        "draw_terminal([Curve('a', OneCycle(max_lr=0.1, total_steps=10**15).schedule())], 80, 24);"
        "assert not {'numpy', 'matplotlib', 'rich'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
