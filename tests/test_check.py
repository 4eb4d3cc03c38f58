"""onecycle check: every recorded log through the command line, its contract, its words, its pictures, and --follow."""

from __future__ import annotations

import io
import json
import math
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from onecycle_cli import OneCycle
from onecycle_cli.cli import main
from onecycle_cli.render.check_report import print_verdict, verdict_json
from onecycle_cli.render.figure import FigureOptions, check_figure
from onecycle_cli.render.figure.chart import rows_to_draw
from onecycle_cli.render.figure.check_chart import FEW
from onecycle_cli.render.figure.style import own_style
from onecycle_cli.render.picture import MOST_STEPS
from onecycle_cli.run import Verdict
from onecycle_cli.run.checker import check
from onecycle_cli.run.logs import read_log
from onecycle_cli.run.logs.log import Log

from .conftest import ROOT
from .logged_runs import MANIFEST, TRACES, make_log

NAMES = {"type": "array", "items": {"type": "string"}}
NUMBER_OR_NULL = {"type": ["number", "null"]}
CONTRACT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "required": [
        "verdict",
        "compared",
        "first_divergence",
        "cause",
        "advice",
        "summary",
        "fit",
        "step_unit",
        "offset",
        "tolerance",
        "precision",
        "first_missing_step",
        "coverage",
        "notes",
    ],
    "properties": {
        "verdict": {"enum": ["ok", "diverges", "incomplete"]},
        "compared": {"type": "integer", "minimum": 1},
        "first_divergence": {
            "type": ["object", "null"],
            "additionalProperties": False,
            "required": ["step", "field", "planned", "logged"],
            "properties": {
                "step": {"type": "integer"},
                "field": {"type": "string", "pattern": "^(lr|momentum)(_.+)?$"},
                "planned": NUMBER_OR_NULL,
                "logged": NUMBER_OR_NULL,
            },
        },
        "cause": {"type": "string", "pattern": "^[a-z][a-z0-9_:+-]*$"},
        "advice": {"type": "string"},
        "summary": {"type": "string", "minLength": 1},
        "fit": {"type": "number", "minimum": 0, "maximum": 1},
        "step_unit": {"enum": ["step", "epoch", "microbatch", "sample", "log-call", "row"]},
        "offset": {"type": "integer"},
        "tolerance": {"type": ["number", "null"], "minimum": 0},
        "precision": {"type": "string"},
        "first_missing_step": {"type": ["integer", "null"]},
        "coverage": {
            "type": "object",
            "additionalProperties": False,
            "required": ["steps", "of", "first", "last", "gaps", "groups", "groups_not_checked", "momentum"],
            "properties": {
                "steps": {"type": "integer", "minimum": 0},
                "of": {"type": "integer", "minimum": 1},
                "first": {"type": "integer"},
                "last": {"type": "integer"},
                "gaps": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
                "groups": NAMES,
                "groups_not_checked": NAMES,
                "columns_not_compared": NAMES,
                "momentum": {"enum": ["compared", "not logged", "not cycled"]},
            },
        },
        "notes": {"type": "array", "items": {"type": "string"}},
    },
}
RECORDED = pytest.mark.parametrize("entry", MANIFEST, ids=lambda entry: entry["file"].partition("_")[0])
PLAN = {"max_lr": 0.1, "total_steps": 100}
FLAGS = ["--max-lr", "0.1", "--total-steps", "100"]


def trace(entry: dict[str, Any]) -> str:
    return str(TRACES / entry["file"])


def recorded(name: str) -> dict[str, Any]:
    return next(entry for entry in MANIFEST if entry["file"].startswith(name))


def as_flags(plan: dict[str, Any]) -> list[str]:
    words: list[str] = []
    for setting, value in plan.items():
        flag = "--" + setting.replace("_", "-")
        if isinstance(value, bool):
            words.append(flag if value else f"--no-{flag[2:]}")
        else:
            words += [word for each in np.ravel(value).tolist() for word in (flag, str(each))]
    return words


def as_yaml(plan: dict[str, Any], folder: Path, name: str = "plan") -> str:
    path = folder / f"{name}.yaml"
    path.write_text("".join(f"{setting}: {json.dumps(value)}\n" for setting, value in plan.items()))
    return str(path)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["check", *words])
    said = capsys.readouterr()
    return code, said.out, said.err


def in_json(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code, out, err = run(capsys, *words, "--format", "json")
    assert out, err
    found = json.loads(out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    jsonschema.validate(found, CONTRACT)
    return code, found


def csv_of(path: Path, steps: Any, *, settings: dict[str, Any] = PLAN, factor: float = 1.0) -> str:
    schedule = OneCycle(**settings).schedule()
    rows = [f"{step},{schedule.lr(step) * factor!r}\n" for step in steps]
    path.write_text("step,lr\n" + "".join(rows))
    return str(path)


def checked(plan: dict[str, Any], log: Log, **options: Any) -> Verdict:
    return check(OneCycle.from_values(plan), log, **options)


def checked_trace(name: str) -> Verdict:
    entry = recorded(name)
    return checked(entry["plan"], read_log(trace(entry)))


# Recorded logs.


@RECORDED
@pytest.mark.parametrize("way", ["file", "flags"])
def test_recorded_logs_meet_the_contract(
    entry: dict[str, Any], way: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = [as_yaml(entry["plan"], tmp_path)] if way == "file" else as_flags(entry["plan"])
    code, found = in_json(capsys, *plan, trace(entry))
    first = found["first_divergence"]
    assert code == (0 if entry["verdict"] == "ok" else 1)
    assert (found["verdict"], found["cause"]) == (entry["verdict"], entry["cause"])
    assert (first["step"] if first else None) == entry["first_diverging_step"]
    assert (found["offset"], found["first_missing_step"]) == (entry["offset"], entry["first_missing_step"])
    assert bool(found["advice"]) is (entry["verdict"] != "ok")


@RECORDED
def test_text_begins_with_the_verdict(
    entry: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, as_yaml(entry["plan"], tmp_path), trace(entry))
    first, *others = out.splitlines()
    assert code == (0 if entry["verdict"] == "ok" else 1)
    assert "\x1b" not in out + err
    if entry["verdict"] == "diverges":
        assert first.startswith(f"diverges at step {entry['first_diverging_step']:,}: lr")
        assert sum(line.startswith("→") for line in others) == 1
        marked = next(line for line in others if line.startswith("→"))
        assert marked.split()[1] == f"{entry['first_diverging_step']:,}"
    else:
        assert first.startswith(f"{entry['verdict']}: ")
        assert "→" not in out
    if entry["verdict"] != "ok":
        assert others[0].startswith(f"cause: {entry['cause']}")
        assert any(line.startswith("fix: ") for line in others)
    assert (f"offset {entry['offset']:+d}" in out) is (entry["offset"] != 0)


def test_partial_accepts_what_is_right_so_far(capsys: pytest.CaptureFixture[str]) -> None:
    entry = recorded("p12")
    code, found = in_json(capsys, *as_flags(entry["plan"]), trace(entry), "--partial")
    assert (code, found["verdict"], found["first_missing_step"]) == (0, "ok", 196)
    code, out, _ = run(capsys, *as_flags(entry["plan"]), trace(entry), "--partial")
    assert code == 0
    # With another `cos` than the log's, a second line gives the tolerance.
    assert out.splitlines()[0] == (
        "ok: 196 logged steps followed the plan so far, steps 196 to 279 are missing (392 values: lr and momentum)"
    )


# Options and words.


@pytest.mark.parametrize(("tolerance", "code"), [("0.02", 0), ("0.001", 1), ("0", 1)])
def test_tolerance_is_relative(tolerance: str, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = csv_of(tmp_path / "run.csv", range(100), factor=1.01)
    got, found = in_json(capsys, *FLAGS, log, "--tolerance", tolerance)
    assert (got, found["tolerance"], found["precision"]) == (code, float(tolerance), "given")


def test_columns_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = {"max_lr": [0.1, 0.01], "total_steps": 50, "groups": ["head", "body"]}
    schedule = OneCycle.from_values(plan).schedule()
    rows = [f"{at},{schedule.lr(at, 1)},{schedule.lr(at, 0) * (2 if at == 7 else 1)}\n" for at in range(50)]
    log = tmp_path / "run.csv"
    log.write_text("n,b=2,h\n" + "".join(rows))
    columns = ["--column", "lr=h", "--column", "lr=b=2", "--column", "step=n"]
    code, found = in_json(capsys, as_yaml(plan, tmp_path), str(log), *columns)
    assert code == 1
    assert (found["first_divergence"]["step"], found["first_divergence"]["field"]) == (7, "lr_head")
    _, out, _ = run(capsys, as_yaml(plan, tmp_path), str(log), *columns)
    title = next(line for line in out.splitlines() if line.split()[:1] == ["step"])
    assert re.split(r" {2,}", title.strip()) == [
        "step",
        *("planned lr_head", "logged lr_head", "difference"),
        *("planned lr_body", "logged lr_body", "difference"),
    ]


def test_a_diverging_momentum_is_what_the_table_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schedule = OneCycle.from_values(PLAN).schedule()
    log = tmp_path / "run.csv"
    log.write_text("step,lr,momentum\n" + "".join(f"{at},{schedule.lr(at)},0.9\n" for at in range(100)))
    code, found = in_json(capsys, *FLAGS, str(log))
    assert (code, found["cause"]) == (1, "no-momentum-cycle")
    assert found["first_divergence"] == {"step": 0, "field": "momentum", "planned": 0.95, "logged": 0.9}
    _, out, _ = run(capsys, *FLAGS, str(log))
    assert "planned momentum" in out
    assert "planned lr" not in out


def test_numbers_that_json_has_not_are_null(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = Path(csv_of(tmp_path / "run.csv", range(60)))
    log.write_text(log.read_text() + "60,inf\n61,nan\n62,-inf\n")
    code, found = in_json(capsys, *FLAGS, str(log), "-o", str(tmp_path / "a.png"))
    assert code == 1
    assert found["first_divergence"]["step"] == 60
    assert found["first_divergence"]["logged"] is None
    code, out, _ = run(capsys, *FLAGS, str(log))
    assert out.startswith("diverges at step 60: lr is inf, planned is ")


def test_close_values_are_shown_to_differ(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = csv_of(tmp_path / "run.csv", range(100), factor=1 + 1e-9)
    _, out, _ = run(capsys, *FLAGS, log)
    assert out.startswith("diverges at step 0: lr is 0.004000000004, planned is 0.004")
    marked = next(line for line in out.splitlines() if line.startswith("→")).split()
    assert marked[2:] == ["0.004", "0.004000000004", "+4e-12", "+1e-07", "%"]


def test_bad_rows_are_said_on_standard_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = Path(csv_of(tmp_path / "run.csv", range(100)))
    log.write_text(log.read_text().replace("\n50,", "\nfifty,"))
    code, out, err = run(capsys, *FLAGS, str(log), "--format", "json")
    assert (code, json.loads(out)["verdict"]) == (0, "ok")
    assert err.startswith(f"warning: {log}:52: ")


@pytest.mark.parametrize("colour", [True, False])
def test_colour_is_for_terminals(colour: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "60")
    if not colour:
        monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    print_verdict(checked_trace("p02"), "plan", stream)
    assert ("\x1b[1;31m" in stream.getvalue()) is colour
    plain = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())
    before_the_table = plain.partition("\n\n")[0].splitlines()
    assert max(map(len, before_the_table[1:])) <= 60
    piped = io.StringIO()
    print_verdict(checked_trace("p02"), "plan", piped)
    assert "\x1b" not in piped.getvalue()
    assert plain.split() == piped.getvalue().split()


def test_one_value_is_the_only_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log.csv"
    log.write_text("step,lr\n0,0.004\n")
    plan = ["--max-lr", "0.2", "--total-steps", "1000"]
    assert main(["check", *plan, "--partial", str(log)]) == 1
    assert "(explains the only value)" in capsys.readouterr().out


# What cannot be done.


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    code, out, err = run(capsys, *words)
    assert code == 2
    assert not out
    assert err.startswith("error: ")
    assert "hint: " in err
    return err


def test_bad_input_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = csv_of(tmp_path / "run.csv", range(100))
    plan = as_yaml(PLAN, tmp_path)
    binary, text = tmp_path / "run.bin", tmp_path / "text.csv"
    binary.write_bytes(bytes(range(256)) * 8)
    text.write_text("step,loss\n1,2.0\n")
    assert "no-such.csv" in refused(capsys, plan, "no-such.csv")
    assert str(binary) in refused(capsys, plan, str(binary))
    assert "no column lrate" in refused(capsys, plan, log, "--column", "lr=lrate")
    assert "no learning-rate column" in refused(capsys, plan, str(text))
    assert "--column lr=NAME" in refused(capsys, plan, log, "--column", "lr")
    assert "--column key 'x'" in refused(capsys, plan, log, "--column", "x=lr")
    assert "no plan to check" in refused(capsys, log)
    assert "the log comes last" in refused(capsys, log, plan)
    assert "the log comes last" in refused(capsys, plan)
    assert "one plan" in refused(capsys, plan, plan, log)
    assert "standard input" in refused(capsys, "-", "-")
    assert "--tolerance inf" in refused(capsys, plan, log, "--tolerance", "inf")
    assert "tolerance" in refused(capsys, plan, log, "--tolerance", "-1")
    assert "a.jpg" in refused(capsys, plan, log, "-o", "a.jpg")
    assert "LOG" in refused(capsys, *FLAGS)


def test_a_plan_with_errors_gives_its_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = csv_of(tmp_path / "run.csv", range(100))
    code, out, err = run(capsys, as_yaml({"max_lr": 0.1, "total_step": 100}, tmp_path), log)
    assert (code, out) == (2, "")
    assert "did you mean total_steps" in err


def test_either_may_come_from_standard_input(tmp_path: Path) -> None:
    log, plan = csv_of(tmp_path / "run.csv", range(100)), as_yaml(PLAN, tmp_path)
    for words, source in ((["-", log], plan), ([plan, "-"], log)):
        done = subprocess.run(
            [sys.executable, "-m", "onecycle_cli", "check", *words],
            input=Path(source).read_bytes(),
            capture_output=True,
            cwd=ROOT,
            timeout=120,
        )
        assert (done.returncode, done.stdout[:4]) == (0, b"ok: "), done.stderr


# Pictures.


@pytest.mark.parametrize(
    ("kind", "name", "begins"), [("png", "p02", b"\x89PNG"), ("svg", "p01", b"<?xml"), ("pdf", "p12", b"%PDF")]
)
def test_pictures_are_written_and_the_same_twice(
    kind: str, name: str, begins: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry, drawn = recorded(name), []
    for at in range(2):
        picture = tmp_path / f"{at}.{kind}"
        code, out, err = run(capsys, *as_flags(entry["plan"]), trace(entry), "-o", str(picture))
        assert code == (0 if entry["verdict"] == "ok" else 1)
        assert out.startswith(entry["verdict"])
        assert f"wrote {picture}\n" in err
        drawn.append(picture.read_bytes())
    assert drawn[0] == drawn[1]
    assert drawn[0].startswith(begins)


def test_a_picture_has_the_size_of_every_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    entry = recorded("p13")
    run(capsys, *as_flags(entry["plan"]), trace(entry), "-o", str(tmp_path / "a.png"))
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (1350, 825)


@cache
def drawn_trace(name: str) -> tuple[Verdict, Figure]:
    """Draw a recorded log once for all tests that look at it."""
    found = checked_trace(name)
    return found, drawn(found)


def drawn(found: Verdict) -> Figure:
    figure = check_figure([("run.csv", found)], "plan", "momentum", FigureOptions())
    with own_style():
        figure.draw_without_rendering()
    return figure


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


@RECORDED
def test_the_log_is_drawn_over_the_plan(entry: dict[str, Any]) -> None:
    found, figure = drawn_trace(entry["file"].partition("_")[0])
    fields = ["lr", "momentum"] if entry["momentum_columns"] else ["lr"]
    assert len(figure.axes) == len(fields)
    for axes, field in zip(figure.axes, fields, strict=True):
        logged = [line for line in axes.get_lines() if line.get_label() == "logged"]
        planned = [line for line in axes.get_lines() if line.get_label() == "planned"]
        tracks = [at for at, track in enumerate(found.series.tracks) if track.field == field]
        assert len(logged) == len(planned) == len(tracks)
        for line, track in zip(logged, tracks, strict=True):
            values = found.series.values[:, track]
            x, y = (np.asarray(data, dtype=float) for data in line.get_data())
            kept = ~np.isnan(y)
            assert np.array_equal(x[kept], found.series.steps)
            assert np.array_equal(y[kept], values)
            assert (line.get_marker() == "o") is (len(values) <= FEW)
        for line in planned:
            assert line.get_zorder() < logged[0].get_zorder()
            assert len(np.asarray(line.get_xdata())) == found.series.schedule.total_steps
    said = " ".join(words(figure))
    assert "run.csv" in said
    assert found.cause.slug == "none" or found.cause.slug not in said
    assert found.cause.slug in ("none", "unknown") or found.cause.summary[1:30] in said


@RECORDED
def test_the_first_divergence_is_marked(entry: dict[str, Any]) -> None:
    _, figure = drawn_trace(entry["file"].partition("_")[0])
    for axes in figure.axes:
        lines = [line for line in axes.get_lines() if line.get_label() == "first divergence"]
        assert len(lines) == (entry["verdict"] == "diverges")
        for line in lines:
            assert set(np.asarray(line.get_xdata()).tolist()) == {entry["first_diverging_step"] + entry["offset"]}
    said = [text for text in words(figure) if text.startswith("first divergence: ")]
    assert said == ([f"first divergence: step {entry['first_diverging_step']}, lr"] * (entry["verdict"] == "diverges"))


def test_what_is_missing_is_shaded() -> None:
    _, figure = drawn_trace("p12")
    for axes in figure.axes:
        (patch,) = axes.patches
        box = patch.get_extents().transformed(axes.transData.inverted())
        assert (box.x0, box.x1) == pytest.approx((195, 279))
    assert "not in the log" in words(figure)
    assert not drawn_trace("p01")[1].axes[0].patches


@pytest.mark.parametrize("name", ["p01", "p02", "p03", "p05", "p08", "p10", "p11", "p12", "p13"])
def test_words_are_inside_the_picture_and_apart(name: str) -> None:
    _, figure = drawn_trace(name)
    boxes = [text.get_window_extent() for text in figure.texts if text.get_text()]
    for at, box in enumerate(boxes):
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.width
        assert not any(box.overlaps(other) for other in boxes[at + 1 :])


def test_a_log_that_goes_back_is_drawn_with_a_gap() -> None:
    _, figure = drawn_trace("p15")
    line = next(each for each in figure.axes[0].get_lines() if each.get_label() == "logged")
    assert np.isnan(np.asarray(line.get_ydata(), dtype=float)).sum() == 1


def test_long_logs_are_thinned_and_keep_their_extremes() -> None:
    values = np.cos(np.arange(1_000_000) / 1e5)
    values[[123_456, 777_777]] = 9.0, -9.0
    rows = rows_to_draw(values)
    assert {0, 123_456, 777_777, 999_999} <= set(rows.tolist())
    assert len(rows) <= 2 * MOST_STEPS
    assert (np.diff(rows) > 0).all()
    for few in (1, 2, MOST_STEPS, MOST_STEPS + 1):
        assert {0, few - 1} <= set(rows_to_draw(np.arange(few, dtype=float)).tolist())


def test_many_groups_and_many_rows_are_drawn() -> None:
    plan = {"max_lr": [0.1 / (at + 1) for at in range(12)], "total_steps": 20_000}
    schedule = OneCycle.from_values(plan).schedule()
    steps = np.arange(20_000)
    rates = np.column_stack([schedule.lr(steps, group) for group in range(12)])
    figure = drawn(checked(plan, make_log(steps, rates)))
    logged = [line for line in figure.axes[0].get_lines() if line.get_label() == "logged"]
    assert len(logged) == 12
    assert max(len(np.asarray(line.get_xdata())) for line in logged) <= 2 * MOST_STEPS


def test_a_verdict_has_no_number_that_json_lacks() -> None:
    log = make_log(range(3), [0.1, math.inf, 0.1])
    found = verdict_json(checked(PLAN, log), ())
    jsonschema.validate(json.loads(json.dumps(found, allow_nan=False)), CONTRACT)
