"""`onecycle report`: one small file that needs nothing else, shows exact values, and in which every text stays text."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onecycle_cli import OneCycle, OnecycleError
from onecycle_cli.cli import main
from onecycle_cli.formatting import format_number
from onecycle_cli.policy.onecycle import OneCycle as PolicySettings
from onecycle_cli.render.code import Framework
from onecycle_cli.render.page.details import PageLog, PagePlan
from onecycle_cli.render.page.document import report_page
from onecycle_cli.render.page.markup import Markup, element, escaped
from onecycle_cli.render.page.traces import rows_to_keep, thinned, unbroken_parts
from onecycle_cli.render.picture import Curve
from onecycle_cli.run.checker import check
from onecycle_cli.run.logs import read_log

from .conftest import ROOT
from .pages import data_of, make_page, open_in_chromium, read_page

LARGEST = 300_000
PLAN = ROOT / "configs/cifar10-resnet18-30-epochs.yaml"
WRONG_LOG, RIGHT_LOG = ROOT / "docs/logs/cifar10-resnet18.csv", ROOT / "docs/logs/cifar10-resnet18-fixed.csv"
HOSTILE = "<img src=x onerror=\"document.title='hacked'\">'\"&amp;</script></style></title>$title $$ <!--"


@pytest.fixture
def plan() -> str:
    return "max_lr: 0.1\ntotal_steps: 1000\n"


# --- One small file ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        [PLAN],
        [PLAN, "--log", WRONG_LOG, "--log", RIGHT_LOG],
        [ROOT / "configs/pets-finetune-adamw.yaml"],
        ["--max-lr", "0.1", "--total-steps", "10_000_000", "--convention", "torch,fastai,optax,optax-linear,paddle"],
        ["--max-lr", "0.1", "--total-steps", str(2**53), "--three-phase", "--groups", "1000"],
        ["--max-lr", "0.1", "--total-steps", "14"],
        ["--max-lr", "0.1", "--total-steps", "1", "--convention", "fastai"],
        ["--max-lr", "1e-280", "--total-steps", "100", "--last-epoch", "98", "--no-cycle-momentum"],
        [*sorted((ROOT / "configs").glob("*.yaml"))[:12]],
    ],
    ids=lambda words: str(words[-1])[-16:],
)
def test_a_page_is_small_and_needs_nothing_else(words: list[Any], tmp_path: Path) -> None:
    page = make_page(tmp_path, *words)
    assert len(page.encode()) < LARGEST
    read = read_page(page)
    links = [value for part in read.all() for key, value in part.attributes.items() if key in ("src", "href", "data")]
    assert links == []
    assert not re.search(r"@import|url\(|https?:|//\w+\.", page)
    assert "default-src 'none'" in page
    assert not re.search(r"\b(nan|inf|None)\b", re.sub(r"<pre.*?</pre>|<script>.*", "", page, flags=re.DOTALL))
    assert page == make_page(tmp_path, *words)


def test_the_most_curves_with_long_logs_are_still_small(tmp_path: Path) -> None:
    settings = PolicySettings(max_lr=0.1, total_steps=20_000)
    log, noise = tmp_path / "run.csv", random.Random(0)
    log.write_text("step,lr,momentum\n" + "".join(f"{at},{noise.random()},{noise.random()}\n" for at in range(20_000)))
    verdict = check(settings, read_log(str(log), {}))
    curve = Curve("plan", settings.schedule())
    plan = PagePlan("plan", settings, [curve], "max_lr  0.1  plan.yaml\n", with_all_code=True)
    logs = [PageLog(f"run{number}.csv", f"runs/run{number}.csv", "plan", verdict, []) for number in range(24)]
    page = report_page([plan], logs[:23], [])
    assert len(page.encode()) < LARGEST
    assert len(data_of(page)["curves"]) == 24
    with pytest.raises(OnecycleError, match="at most 24 curves"):
        report_page([plan], logs, [])


def test_a_log_that_goes_on_after_the_plan_is_shown_with_the_plan_still_wide(tmp_path: Path) -> None:
    log = tmp_path / "run.csv"
    log.write_text("step,lr\n" + "".join(f"{at},0.5\n" for at in range(0, 9000, 9)))
    read = data_of(make_page(tmp_path, "--max-lr", "0.1", "--total-steps", "1000", "--log", log))
    steps = [int(step) for step in read["steps"].split()]
    assert (steps[-1], read["across"]) == (1999, [0.0, 1999.0])
    assert len(read["curves"][0]["lr"].split()) == steps.index(999) + 1


@pytest.mark.parametrize(
    ("rows", "curves", "rings"),
    [
        ("step,lr\n0,0.004\n1,1e300\n2,-1e305\n3,inf\n4,0.1\n", 1, 0),
        ("step,lr\n5,-0.1\n6,-0.2\n7,0\n", 1, 2),
        ("step,lr\n0,0.0040\n", 1, 0),
        ("step,lr_a,lr_b\n0,0.004,0.1\n1,0.0041,0.2\n", 2, 2),
        ("step,lr,momentum\n0,0.004,0.95\n1,0.00400265,0.5\n", 1, 1),
        ("step,lr\n1000000000000,0.004\n1000000000001,0.1\n", 1, 2),
        ("step,lr\n0,1e-300\n1,1e-310\n2,0\n", 1, 2),
    ],
)
def test_odd_logs_have_a_page(rows: str, curves: int, rings: int, tmp_path: Path) -> None:
    (tmp_path / "run.csv").write_text(rows)
    page = make_page(tmp_path, "--max-lr", "0.1", "--total-steps", "1000", "--log", tmp_path / "run.csv")
    logged = [curve for curve in data_of(page)["curves"] if curve["log"]]
    assert len(logged) == curves
    assert len(read_page(page).all("path", class_="oc-ring")) == rings
    names = [row.all("label")[0].text for row in read_page(page).all("tr", class_="logged")]
    assert names == (["run.csv"] if curves == 1 else ["run.csv: lr (a)", "run.csv: lr (b)"])
    assert "nan" not in page.partition("<script")[0]


# --- Values -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("total", [1, 2, 40, 599, 5250, 10**7])
def test_the_page_has_the_schedules_values(total: int, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"max_lr": 0.1, "total_steps": total, "convention": "fastai"}
    schedule = OneCycle(**settings).schedule()
    data = data_of(make_page(tmp_path, "--max-lr", "0.1", "--total-steps", str(total), "--convention", "fastai"))
    steps = [int(step) for step in data["steps"].split()]
    [curve] = data["curves"]
    assert curve["lr"].split() == [format_number(schedule.lr(step)) for step in steps]
    assert curve["momentum"].split() == [format_number(schedule.momentum(step) or 0) for step in steps]
    assert steps == sorted(set(steps))
    assert (steps[0], steps[-1]) == (0, total - 1)
    edges = {step for phase in schedule.phases for step in (phase.first_step, phase.last_step)}
    assert edges <= set(steps)
    assert len(steps) <= 620
    assert schedule.lr(steps[data["at"]]) == max(map(schedule.lr, steps))


def test_the_table_of_steps_is_that_of_show(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [table] = read_page(make_page(tmp_path, PLAN)).all("table", class_="steps")
    rows = [[cell.text for cell in row.all("td")] for row in table.all("tr")[1:]]
    capsys.readouterr()
    assert main(["show", str(PLAN)]) == 0
    shown = [line.split() for line in capsys.readouterr().out.split("phase\n")[-1].splitlines()]
    assert rows == shown
    assert all(head.attributes["scope"] == "col" for head in table.all("th"))


def test_settings_say_where_they_come_from(tmp_path: Path, plan: str) -> None:
    config = tmp_path / "my plan.yaml"
    config.write_text(plan)
    read = read_page(make_page(tmp_path, config, "--pct-start", "0.25"))
    rows = [
        [cell.text for cell in row.all() if cell.name in ("th", "td")]
        for row in read.all("tr")
        if len(row.all("td", class_="soft")) == 1
    ]
    assert ["max_lr", "0.1", "my plan.yaml"] in rows
    assert ["pct_start", "0.25", "--pct-start"] in rows
    assert ["div_factor", "25.0", "default of torch"] in rows


def test_logs_stand_beside_their_plan_with_verdict_and_cause(tmp_path: Path) -> None:
    page = make_page(tmp_path, PLAN, "--log", WRONG_LOG, "--log", RIGHT_LOG)
    read = read_page(page)
    wrong, right = read.all("section", class_="log")
    assert "epoch-stepped" in wrong.text
    assert "step the scheduler after every optimizer step" in wrong.text
    assert [pill.text for pill in read.all("span", class_="pill")] == ["diverges", "diverges", "ok"]
    assert "1 of 2 logs followed the plan" in read.all("header")[0].text
    assert read.all("tr", class_="logged")[0].text.startswith("cifar10-resnet18.csv")
    assert len(read.all("path", class_="oc-ring")) == 2  # for the linear and for the logarithmic axis
    assert [curve["log"] for curve in data_of(page)["curves"]] == [False, True, True]
    assert right.text.startswith("okcifar10-resnet18-fixed.csv")


def test_findings_have_code_place_and_hint(tmp_path: Path) -> None:
    config = tmp_path / "plan.yaml"
    config.write_text("max_lr: 0.1\ntotal_steps: 1000\nepochs: 7\nsteps_per_epoch: 100\n")
    [section] = read_page(make_page(tmp_path, config)).all("section", class_="findings")
    [warning] = section.all("li", class_="warning")
    assert "OC401" in warning.text
    assert f"{config}:" in warning.text
    assert "→ " in warning.text


def test_code_is_there_for_every_framework_and_the_plans_own_is_shown(tmp_path: Path) -> None:
    read = read_page(make_page(tmp_path, "--max-lr", "0.1", "--total-steps", "100", "--convention", "optax"))
    snippets = read.all("div", class_="snippet")
    assert {part.attributes["data-framework"] for part in snippets} >= {"torch", "lightning", "optax", "r-torch"}
    [shown] = read.all("div", class_="shown")
    assert shown.attributes["data-framework"] == "optax"
    assert "optax" in shown.all("pre")[0].text


def test_a_resumed_run_shows_what_is_behind_it(tmp_path: Path) -> None:
    read = read_page(make_page(tmp_path, ROOT / "configs/cifar10-resnet18-resumed.yaml"))
    assert len(read.all("path", class_="oc-done")) == 3  # learning rate, linear and logarithmic, and momentum


def test_more_groups_than_can_be_drawn_are_counted(tmp_path: Path) -> None:
    page = make_page(tmp_path, "--max-lr", "0.1", "--total-steps", "100", "--groups", "20")
    assert len(data_of(page)["curves"]) == 12
    assert "and 8 more parameter groups" in page


# --- Every text stays text --------------------------------------------------------------------------------------------


def hostile_page(folder: Path) -> str:
    """Return a page whose plan, groups, files, columns and cells are all named by an attacker."""
    config = folder / "<b onclick=x>.yaml"
    quoted = HOSTILE.replace("'", "''")
    config.write_text(
        f"max_lr: [0.1, 0.2]\ntotal_steps: 60\nepochs: 7\nsteps_per_epoch: 9\nname: '{quoted}'\n"
        f"groups: ['{quoted}', '</table>']\n"
    )
    log = folder / "<svg onload=x>.csv"
    log.write_text('step,"lr ""<i onclick=x>""",</script><script>x\n' + "".join(f"{at},0.5,<u>\n" for at in range(60)))
    return make_page(folder, config, "--log", log, "--column", 'lr=lr "<i onclick=x>"')


def test_nothing_in_files_becomes_markup(tmp_path: Path) -> None:
    page = hostile_page(tmp_path)
    read = read_page(page)
    own = read_page(make_page(tmp_path, PLAN, "--log", WRONG_LOG))
    assert {part.name for part in read.all()} <= {part.name for part in own.all()} | {"ul", "li"}
    assert len(read.all("script")) == 2
    assert not any(key.startswith("on") for part in read.all() for key in part.attributes)
    assert read.all("title")[0].text == read.all("h1")[0].text
    assert read.all("h1")[0].text.startswith("<img src=x onerror=")
    assert "lr" in data_of(page)["curves"][0]


def test_nothing_in_files_runs_in_chromium(tmp_path: Path) -> None:
    title = read_page(hostile_page(tmp_path)).all("title")[0].text
    opened = open_in_chromium(hostile_page(tmp_path), tmp_path, "return [document.title, document.images.length]")
    assert opened == [title, 0]


def test_the_policy_lets_only_the_pages_own_script_run(tmp_path: Path) -> None:
    page = make_page(tmp_path, PLAN).replace("</body>", "<script>document.title = 'other'</script></body>")
    opened = open_in_chromium(page, tmp_path)
    assert "<title>cifar10-resnet18-30-epochs</title>" in opened
    assert re.search(r'<html[^>]* class="scripted"', opened)


def test_attributes_and_content_are_escaped() -> None:
    made = element("td", "<", Markup("<b></b>"), "\x00\u2028", title='">', hidden=True, data_x=None)
    assert made == '<td title="&quot;&gt;" hidden>&lt;<b></b>\ufffd\ufffd</td>'
    assert escaped("a\n\tb") == "a\n\tb"


# --- The chart --------------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=200), st.floats(0.01, 100))
def test_a_thinned_line_stays_near_every_point(values: list[float], tolerance: float) -> None:
    x, y = np.arange(len(values), dtype=np.float64), np.array(values)
    kept = thinned(x, y, tolerance)
    assert (kept[0], kept[-1]) == (0, len(values) - 1)
    assert np.abs(np.interp(x, x[kept], y[kept]) - y).max() <= tolerance + 1e-9


def test_of_a_long_log_the_extremes_are_kept() -> None:
    values = np.sin(np.arange(100_000) / 1000.0)
    values[54_321], values[7], values[88_888] = 9.0, np.nan, -9.0
    kept = rows_to_keep(values, 400)
    assert len(kept) <= 400
    assert {0, 54_321, 88_888, 99_999} <= set(kept.tolist())
    assert len(rows_to_keep(np.full(1000, np.nan), 40)) <= 40


def test_a_line_breaks_where_a_log_goes_back() -> None:
    x, y = np.array([0.0, 1, 2, 1, 2, 3]), np.array([1.0, np.nan, 3, 4, 5, np.nan])
    assert [part.tolist() for part, _ in unbroken_parts(x, y)] == [[0, 2], [1, 2]]
    assert unbroken_parts(np.array([1.0]), np.array([np.nan])) == []


# --- The page at work -------------------------------------------------------------------------------------------------

READ = """
const press = (key, more) => document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, ...more}));
const text = (selector) => document.querySelector(selector).textContent;
const row = (number) => [...document.querySelectorAll(`[data-row="${number}"] td`)].map((cell) => cell.textContent);
const point = (share) => {
  const box = document.querySelector(".oc-lr .oc-area").getBoundingClientRect();
  const at = {clientX: box.left + share * box.width, clientY: box.top + 20, bubbles: true};
  document.querySelector(".oc-lr .oc-area").dispatchEvent(new PointerEvent("pointermove", at));
};
const drawn = (selector) => [...document.querySelectorAll(selector)].filter(
  (line) => getComputedStyle(line).display !== "none" && getComputedStyle(line).visibility !== "hidden").length;
"""


def test_pointing_and_keys_give_the_values_of_a_step(tmp_path: Path) -> None:
    page = make_page(tmp_path, "--max-lr", "0.1", "--epochs", "5", "--steps-per-epoch", "100")
    schedule = OneCycle(max_lr=0.1, epochs=5, steps_per_epoch=100).schedule()
    script = """
    const seen = [];
    const look = () => seen.push([text("#at-step"), text("#at-epoch"), text("#at-phase"), ...row(0)]);
    look();
    point(0); look();
    point(1); look();
    press("ArrowLeft"); look();
    press("ArrowLeft", {shiftKey: true}); look();
    document.querySelector("#at").value = 250;
    document.querySelector("#at").dispatchEvent(new Event("input"));
    look();
    point(-3); press("ArrowLeft"); look();
    return seen;
    """
    seen = open_in_chromium(page, tmp_path, READ + script)
    expected = [
        [
            str(step),
            str(step // 100),
            "warm-up" if step < 150 else "anneal",
            format_number(schedule.lr(step)),
            format_number(schedule.momentum(step) or 0),
        ]
        for step in (149, 0, 499, 498, 488, 250, 0)
    ]
    assert seen == expected


def test_curves_logs_scale_and_frameworks_can_be_switched(tmp_path: Path) -> None:
    page = make_page(tmp_path, PLAN, "--log", WRONG_LOG, "--log", RIGHT_LOG)
    script = """
    const seen = [drawn(".oc-lr .oc-line"), drawn(".oc-lr .dot")];
    document.querySelector("#show-logs").click(); seen.push(drawn(".oc-lr .oc-line"));
    document.querySelector('[data-show="0"]').click(); seen.push(drawn(".oc-lr .oc-line"));
    document.querySelector("#show-logs").click(); seen.push(drawn(".oc-lr .oc-line"));
    seen.push(drawn(".oc-lr .oc-linear.oc-line"), drawn(".oc-lr .oc-log.oc-line"));
    document.querySelector("#log-scale").click();
    seen.push(drawn(".oc-lr .oc-linear.oc-line"), drawn(".oc-lr .oc-log.oc-line"));
    const choice = document.querySelector("select");
    choice.value = "optax"; choice.dispatchEvent(new Event("change"));
    seen.push([...document.querySelectorAll(".snippet")].filter((part) => part.offsetHeight).length);
    seen.push(text(".snippet.shown").includes("optax"));
    point(0.5); seen.push(text("#at-step"), row(1)[0]);
    return seen;
    """
    seen = open_in_chromium(page, tmp_path, READ + script)
    assert seen[:9] == [3, 3, 1, 0, 2, 2, 0, 0, 2]
    assert seen[9:11] == [1, True]
    assert re.fullmatch(r"2,6\d\d", seen[11])
    assert re.fullmatch(r"0\.0040\d+ at 2,5\d\d|0\.0040\d+ at 2,6\d\d", seen[12])


@pytest.mark.parametrize("width", [390, 820, 1280])
def test_a_page_fits_the_width_of_a_screen(width: int, tmp_path: Path) -> None:
    page = make_page(tmp_path, ROOT / "configs/pets-finetune-adamw.yaml", "--log", WRONG_LOG)
    script = """
    const dots = [...document.querySelectorAll(".oc-lr .dot:not([hidden])")].map((dot) => dot.getBoundingClientRect());
    return [innerWidth, document.documentElement.scrollWidth, document.querySelector(".oc-area").offsetWidth,
      dots.every((box) => box.width > 5 && box.width === box.height)];
    """
    inner, wide, area, round_dots = open_in_chromium(page, tmp_path, script, (width, 800))
    assert wide <= inner
    assert area > 250
    assert round_dots


def test_without_script_the_page_still_shows_chart_values_and_all_code(tmp_path: Path) -> None:
    page = make_page(tmp_path, PLAN)
    cut = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    script = READ + 'return [drawn(".oc-lr .oc-line"), row(0), drawn(".snippet"), drawn("select"), drawn(".slide")]'
    assert open_in_chromium(cut, tmp_path, script) == [1, ["0.1", "0.85"], len(get_args(Framework)), 0, 0]


# --- The command ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["plan.yaml", "-o", "plan.txt"], "HTML"),
        (["wrong.yaml"], "OC202"),
        (["missing.yaml"], "no such file"),
        (["plan.yaml", "--log", "missing.csv"], "missing.csv"),
        (["plan.yaml", "--log", "plan.html", "-o", "plan.html"], "input"),
        (["-", "--log", "-"], "standard input"),
        (["plan.yaml", "--log", "run.csv", "--column", "lr"], "--column"),
        ([], "nothing to plan"),
    ],
)
def test_what_cannot_be_made_is_said_and_nothing_is_written(
    words: list[str], said: str, plan: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plan.yaml").write_text(plan)
    Path("wrong.yaml").write_text(plan + "pct_start: 30\n")
    Path("run.csv").write_text("step,lr\n0,0.004\n")
    Path("plan.html").write_text("mine")
    assert main(["report", *words]) == 2
    out, err = capsys.readouterr()
    assert (out, said in err) == ("", True)
    assert not Path("report.html").exists()
    assert Path("plan.html").read_text() == "mine"


def test_a_page_goes_to_standard_output(plan: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plan.yaml").write_text(plan)
    assert main(["report", str(tmp_path / "plan.yaml"), "-o", "-"]) == 0
    assert capsys.readouterr().out == make_page(tmp_path, tmp_path / "plan.yaml")


def test_the_files_of_the_page_are_in_the_package() -> None:
    folder = ROOT / "onecycle_cli/render/page"
    assert {path.name for path in folder.iterdir() if path.suffix in (".html", ".css", ".js")} == {
        "report.html",
        "report.css",
        "report.js",
        "chart.css",
        "cell.css",
    }
    assert (folder / "report.js").stat().st_size < 10_000
