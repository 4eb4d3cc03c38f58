"""The figure: its artists, its words, and the files it is written to."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
from functools import cache
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import font_manager
from matplotlib.font_manager import FontEntry
from matplotlib.text import Text
from PIL import Image

from onecycle_cli import OneCycle, OnecycleError, __version__
from onecycle_cli.cli import main
from onecycle_cli.render.figure import FigureOptions, fonts, plan_figure, save, undrawable
from onecycle_cli.render.figure.chart import Stroke
from onecycle_cli.render.figure.style import STYLES, contrast, looks, own_style, readable
from onecycle_cli.render.picture import Curve, steps_to_draw

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

    from onecycle_cli.policy.ramps import FloatArray
    from onecycle_cli.render.figure import Format
    from onecycle_cli.render.figure.style import StyleName


def curve(label: str = "run", word: str = "momentum", **settings: object) -> Curve:
    whole: dict[str, object] = {"max_lr": 0.1, "total_steps": 1000, **settings}
    return Curve(label, OneCycle.from_values(whole).schedule(), 0, word)


def epochs(number: int = 10, **settings: object) -> Curve:
    return curve("run", "momentum", total_steps=None, epochs=number, steps_per_epoch=100, **settings)


def groups(number: int) -> list[Curve]:
    rates = tuple(0.1 / (at + 1) for at in range(number))
    whole = OneCycle(max_lr=rates, total_steps=1000).schedule()
    return [Curve(f"group {at}", whole, at) for at in range(number)]


CASES: dict[str, tuple[list[Curve], FigureOptions]] = {
    "default": ([curve()], FigureOptions()),
    "three phases": ([curve(three_phase=True)], FigureOptions()),
    "epochs": ([epochs()], FigureOptions()),
    "by percent": ([curve(), curve("long", total_steps=70_000)], FigureOptions(x="percent")),
    "log": ([curve()], FigureOptions(log=True)),
    "log to 0": ([curve(final_lr=0.0)], FigureOptions(log=True)),
    "groups": (groups(2), FigureOptions()),
    "three configs": ([curve("a"), curve("b", max_lr=0.08), curve("c", total_steps=1500)], FigureOptions()),
    "crowd": (groups(30), FigureOptions()),
    "nine": (groups(9), FigureOptions()),
    "eight": ([curve(f"max_lr {at / 10}", max_lr=at / 10) for at in range(1, 9)], FigureOptions()),
    "same": ([curve("torch"), curve("optax", convention="optax")], FigureOptions()),
    "mixed": ([curve("with"), curve("without", cycle_momentum=False)], FigureOptions()),
    "lengths": ([curve(f"{at} steps", total_steps=at) for at in (500, 700, 1000, 1500)], FigureOptions()),
    "by epoch": ([epochs()], FigureOptions(x="epoch")),
    "ten steps": ([curve("one", total_steps=10), curve("two", total_steps=12)], FigureOptions()),
    "dark": (groups(3), FigureOptions(style="dark")),
    "smallest with a legend": (groups(9), FigureOptions(width_inches=2.5, height_inches=2)),
    "smallest without momentum": (
        [curve("one"), curve("two", cycle_momentum=False)],
        FigureOptions(width_inches=2.5, height_inches=2),
    ),
    "neighbours": ([curve(f"pct {at / 20}", pct_start=at / 20) for at in (2, 3, 4)], FigureOptions()),
    "paper": (groups(4), FigureOptions(style="paper", width_inches=4, height_inches=3)),
    "peak at left": ([curve(pct_start=0.0)], FigureOptions()),
    "peak near left": ([curve(pct_start=0.01, three_phase=True)], FigureOptions()),
    "peak at right": ([curve(pct_start=1.0)], FigureOptions()),
    "peak near right": ([curve(pct_start=0.98)], FigureOptions()),
    "one step": ([curve(total_steps=1)], FigureOptions()),
    "two steps": ([curve(total_steps=2)], FigureOptions()),
    "flat": ([curve(div_factor=1.0, final_div_factor=1.0, cycle_momentum=False)], FigureOptions()),
    "huge": ([curve(total_steps=10**12)], FigureOptions()),
    "resumed": ([curve(last_epoch=499)], FigureOptions()),
    "small": ([epochs()], FigureOptions(width_inches=4, height_inches=3)),
    "smallest": ([epochs()], FigureOptions(width_inches=2.5, height_inches=2)),
    "large": ([epochs(90)], FigureOptions(width_inches=16, height_inches=10, dpi=100)),
    "short": ([curve(max_lr=3e-6, div_factor=3.0)], FigureOptions(width_inches=6, height_inches=2.5, log=True)),
    "names": ([curve("_a$b$" * 60), curve("实\x00\n" * 9, max_lr=0.09)], FigureOptions()),
    "title": ([curve()], FigureOptions(title="first $line\nsecond" + " long" * 60)),
}


@cache
def drawn(case: str) -> Figure:
    figure = plan_figure(*CASES[case])
    with own_style():
        figure.draw_without_rendering()
    return figure


def box(text: Text) -> Bbox:
    return text.get_window_extent()


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


@pytest.mark.parametrize("case", CASES)
def test_all_words_are_inside_the_figure(case: str) -> None:
    figure = drawn(case)
    width, height = figure.bbox.width, figure.bbox.height
    every: list[Text] = figure.findobj(Text)
    shown = [each for each in every if each.get_visible() and each.get_text()]
    assert len(shown) > 4
    for text in shown:
        place = box(text)
        assert place.x0 >= 0, text
        assert place.y0 >= 0, text
        assert place.x1 <= width, text
        assert place.y1 <= height, text


@pytest.mark.parametrize("case", CASES)
def test_words_cover_neither_each_other_nor_a_curve(case: str) -> None:
    figure = drawn(case)
    for one, other in combinations(figure.texts, 2):
        assert not box(one).overlaps(box(other)), (one, other)
    for panel, line in ((axes, each) for axes in figure.axes for each in axes.get_lines()):
        if line.get_linestyle() == "None":
            continue
        data = [np.asarray(each, np.float64) for each in line.get_data()]
        style = {"drawstyle": line.get_drawstyle()} if line.get_drawstyle() != "default" else {}
        x, y = panel.transData.transform(np.column_stack(Stroke(data[0], data[1], style).outline())).T
        across = np.arange(np.floor(x[0]), np.ceil(x[-1]) + 1)
        high = np.interp(across, x, y)
        for text in figure.texts:
            place = box(text)
            here = high[(across >= place.x0) & (across <= place.x1)]
            assert not np.any((here > place.y0) & (here < place.y1)), (case, text)
    for leader in figure.lines:
        x, y = leader.get_transform().transform(np.column_stack([np.asarray(each) for each in leader.get_data()])).T
        for text in figure.texts:
            place, along = box(text).padded(-1), np.linspace(0, 1, 200)
            at, up = x[0] + along * (x[1] - x[0]), y[0] + along * (y[1] - y[0])
            assert not np.any((at > place.x0) & (at < place.x1) & (up > place.y0) & (up < place.y1)), (case, text)


@pytest.mark.parametrize("case", CASES)
def test_panels_title_axes_and_legend_keep_apart(case: str) -> None:
    figure = drawn(case)
    boxes = [axes.get_tightbbox() for axes in figure.axes]
    boxes += [legend.get_window_extent() for legend in figure.legends]
    boxes += [box(text) for text in figure.texts if box(text).y0 > figure.axes[0].bbox.y1]
    for one, other in combinations([each for each in boxes if each is not None], 2):
        assert not one.padded(-1).overlaps(other.padded(-1)), (one, other)


@pytest.mark.parametrize("case", ["default", "three phases", "huge", "peak at right", "two steps"])
def test_lines_are_the_schedule(case: str) -> None:
    rates, momenta = drawn(case).axes
    whole = CASES[case][0][0].schedule
    steps = steps_to_draw(whole)
    x, y = map(np.asarray, rates.get_lines()[0].get_data())
    assert np.array_equal(x, steps.astype(float))
    assert np.array_equal(y, whole.lr(steps))
    momentum = whole.momentum(steps)
    assert momentum is not None
    assert np.array_equal(np.asarray(momenta.get_lines()[0].get_ydata()), momentum)


def test_phases_are_named_and_key_values_annotated() -> None:
    assert words(drawn("three phases")) == [
        "run",
        "1,000 steps · max_lr 0.1 · pct_start 0.3 · cos",
        "warm-up",
        "anneal",
        "annihilation",
        "peak 0.1 at step 299",
        "initial 0.004",
        "final 4e-07",
    ]


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("peak at left", {"initial and peak 0.1 at step 0", "final 4e-07"}),
        ("peak at right", {"initial 0.004", "peak and final 0.1 at step 999"}),
        ("one step", {"initial, peak and final 4e-07 at step 0"}),
        ("log to 0", {"final 0"}),
        ("resumed", {"resume 0.081 at step 500", "peak 0.1 at step 299"}),
        ("huge", {"peak 0.1 at step 299,999,999,999"}),
        ("groups", {"group 0, peak 0.1", "group 1, peak 0.05"}),
        ("three configs", {"b, peak 0.08 at step 299", "c, peak 0.1 at step 449"}),
        ("by percent", {"run, peak at 29.9 %", "long, peak at 30 %"}),
        ("by epoch", {"peak 0.1 at epoch 2.99"}),
        ("eight", {f"max_lr {at / 10}" for at in range(1, 9)}),
        ("same", {"torch, peak at step 299", "optax, peak at step 300"}),
        ("mixed", {"momentum is not cycled: without"}),
        ("peak near left", {"← warm-up", "← anneal", "annihilation"}),
        ("peak near right", {"warm-up", "anneal →"}),
    ],
)
def test_notes(case: str, said: set[str]) -> None:
    assert said <= set(words(drawn(case)))


def test_a_crowd_is_not_annotated() -> None:
    assert words(drawn("crowd")) == [
        "30 plans",
        "1,000 steps · max_lr 0.003333 to 0.1 · pct_start 0.3 · cos · peak at step 299",
        "warm-up",
        "anneal",
    ]


def test_phases_are_shaded_only_where_shared() -> None:
    assert len(drawn("groups").axes[0].patches) == 2
    assert len(drawn("three phases").axes[0].patches) == 3
    assert not drawn("three configs").axes[0].patches


def second_axes(figure: Figure) -> list[Any]:
    return list(figure.axes[0].child_axes)


def test_epochs_stand_above_where_they_are_known() -> None:
    (above,) = second_axes(drawn("epochs"))
    assert above.get_xlabel() == "epoch"
    assert [text.get_text() for text in above.get_xticklabels()] == [str(each) for each in range(11)]
    assert list(above.get_xticks()) == [100 * each for each in range(11)]
    for case in ("default", "by percent", "smallest"):
        assert not second_axes(drawn(case))
    different = [epochs(), curve("b", total_steps=None, epochs=10, steps_per_epoch=50)]
    assert not second_axes(plan_figure(different, FigureOptions()))


def test_horizontal_axes() -> None:
    assert drawn("default").axes[-1].get_xlabel() == "step"
    assert drawn("huge").axes[-1].get_xlabel() == "step (billions)"
    assert plan_figure([epochs()], FigureOptions(x="epoch")).axes[-1].get_xlabel() == "epoch"
    assert drawn("by percent").axes[-1].get_xlabel() == "% of the cycle"
    long = plan_figure([curve(total_steps=225_270)], FigureOptions()).axes[-1]
    assert [text.get_text() for text in long.get_xticklabels()] == ["0", "50,000", "100,000", "150,000", "200,000"]


def test_momentum_panel() -> None:
    assert drawn("default").axes[1].get_ylabel() == "momentum"
    assert plan_figure([curve(word="beta1")], FigureOptions()).axes[1].get_ylabel() == "beta1"
    mixed = plan_figure([curve(word="beta1"), curve("b")], FigureOptions())
    assert mixed.axes[1].get_ylabel() == "beta1 / momentum"
    for height in (2.0, 2.5, 3.0, 4.0):
        small = plan_figure([curve(word="beta1"), curve("b")], FigureOptions(width_inches=4, height_inches=height))
        assert small.axes[1].get_ylabel()
    assert len(plan_figure([curve()], FigureOptions(momentum=False)).axes) == 1
    assert len(drawn("flat").axes) == 1


def test_legend_names_every_curve() -> None:
    for case in ("default", "groups", "three configs", "eight", "same"):
        assert not drawn(case).legends
    for number in (9, 12, 30):
        (legend,) = plan_figure(groups(number), FigureOptions()).legends
        entries = [f"group {at}, peak {0.1 / (at + 1):.4g}" for at in range(number)]
        assert [text.get_text() for text in legend.get_texts()] == entries
    underscored = plan_figure([curve(f"_{at}") for at in range(9)], FigureOptions()).legends[0]
    assert [text.get_text() for text in underscored.get_texts()] == [f"_{at}" for at in range(9)]


def test_dollars_in_names_are_no_formulas() -> None:
    figure = drawn("names")
    assert not any(text.get_parse_math() for text in [*figure.texts, *figure.legends[0].get_texts()])


def test_a_figure_grows_with_its_legend_or_says_what_is_left_out() -> None:
    grown = plan_figure(groups(300), FigureOptions(grows=True))
    assert len(grown.legends[0].get_texts()) == 300
    assert grown.get_size_inches()[1] > 6
    assert plan_figure(groups(8), FigureOptions(grows=True)).get_size_inches().tolist() == [9.0, 5.5]
    (legend,) = plan_figure(groups(300), FigureOptions(width_inches=4, height_inches=3)).legends
    entries = [text.get_text() for text in legend.get_texts()]
    assert entries[0].startswith("group 0,")
    assert entries[-2].startswith("group 299,")
    assert entries[-1].startswith(f"{301 - len(entries)} more between them")


# Machado, Oliveira and Fernandes (2009), complete protanopia and deuteranopia, over linear RGB.
EYES = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}


SRGB_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.119192, 0.9503041]]
)


def lab(colour: str, eyes: str) -> FloatArray:
    """Return a colour as it is seen, in CIE Lab under D65."""
    part = np.array(mpl.colors.to_rgb(colour))
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array(
        [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.119192, 0.9503041]]
    )
    xyz = to_xyz @ np.clip(EYES[eyes] @ linear, 0, 1) / np.array([0.95047, 1.0, 1.08883])
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * root[1] - 16, 500 * (root[0] - root[1]), 200 * (root[1] - root[2])])


def apart(one: str, other: str, eyes: str) -> float:
    """Return the distance of two colours, CIE94 in its symmetric form: 1 can just be seen."""
    first, second = lab(one, eyes), lab(other, eyes)
    chroma = [float(np.hypot(*colour[1:])) for colour in (first, second)]
    mean = float(np.sqrt(chroma[0] * chroma[1]))
    light, colourful = first[0] - second[0], chroma[0] - chroma[1]
    hue = max(0.0, float(np.sum((first[1:] - second[1:]) ** 2)) - colourful**2)
    return float(np.sqrt(light**2 + (colourful / (1 + 0.045 * mean)) ** 2 + hue / (1 + 0.015 * mean) ** 2))


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("eyes", EYES)
def test_colours_are_distinct_to_all_eyes(style: StyleName, eyes: str) -> None:
    colours = STYLES[style].colours
    for one, other in combinations(colours, 2):
        assert apart(one, other, eyes) > 12, (one, other)


@pytest.mark.parametrize("number", range(2, 65))
@pytest.mark.parametrize("style", STYLES)
def test_curves_look_different_in_every_number(style: StyleName, number: int) -> None:
    found = looks(number, STYLES[style])
    assert len({(look["color"], str(look["linestyle"]), look["linewidth"]) for look in found}) == number
    for before, after in pairwise(found):
        assert before["color"] != after["color"]


@pytest.mark.parametrize("style", STYLES)
def test_names_can_be_read_on_their_background(style: StyleName) -> None:
    for colour in STYLES[style].colours:
        words_ink = mpl.colors.to_rgb(readable(colour, STYLES[style]))
        assert contrast(words_ink, mpl.colors.to_rgb(STYLES[style].background)) >= 4.5
    for _, ink in STYLES[style].phases.values():
        assert contrast(mpl.colors.to_rgb(ink), mpl.colors.to_rgb(STYLES[style].background)) >= 4.5


@pytest.mark.parametrize("style", STYLES)
def test_styles_and_transparent_backgrounds(style: StyleName) -> None:
    figure = plan_figure(groups(2), FigureOptions(style=style))
    assert mpl.colors.to_hex(figure.get_facecolor()) == STYLES[style].background
    assert {line.get_color() for line in figure.axes[0].get_lines()[:2]} == set(STYLES[style].colours[:2])
    stream = io.BytesIO()
    save(plan_figure(groups(2), FigureOptions(style=style, transparent=True)), stream, "png", dpi=100)
    with Image.open(stream) as picture:
        assert picture.convert("RGBA").getpixel((2, 2))[3] == 0  # type: ignore[index]


def test_short_cycles_are_stairs() -> None:
    for steps, style in ((10, "steps-mid"), (50, "steps-mid"), (51, "default")):
        rates, momenta = plan_figure([curve(total_steps=steps)], FigureOptions()).axes
        assert rates.get_lines()[0].get_drawstyle() == momenta.get_lines()[0].get_drawstyle() == style


def test_text_is_text_in_svg_and_fonts_are_in_pdf() -> None:
    svg = written("svg", "default").decode()
    assert ">peak 0.1 at step 299</text>" in svg
    assert "Verdana" in svg
    pdf = written("pdf", "default")
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf


def test_characters_without_a_font_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    assert undrawable(drawn("default")) == set()
    monkeypatch.setattr(fonts, "installed", lambda: iter(()))
    assert undrawable(plan_figure([curve()], FigureOptions(title="é实→"))) == {"实"}


def test_a_font_of_boxes_has_no_characters() -> None:
    assert not [entry.name for entry in fonts.installed() if "Last Resort" in entry.name]
    assert fonts.missing_characters(["\u6f22 text"], ["Source Han-Sans: none"]) <= {
        "\u6f22"
    }  # a name as it is, no pattern


def test_fonts_with_the_characters_are_found_and_the_first_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [FontEntry(fname=name, name=name.title()) for name in ("one", "two", "three")]
    has = {"one": "", "two": "实验", "three": "实"}
    monkeypatch.setattr(fonts, "installed", lambda: iter(entries))
    monkeypatch.setattr(fonts, "characters", lambda path, wanted: frozenset(has.get(path, "")) & frozenset(wanted))
    assert fonts.fonts_for(["a实", "验"]) == ["DejaVu Sans", "Two"]
    assert fonts.fonts_for(["plain", "é"]) == ["DejaVu Sans"]
    assert fonts.fonts_for(["한"]) == ["DejaVu Sans"]


def test_the_font_of_last_resort_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [FontEntry(fname=name, name=name) for name in ("Last Resort High-Efficiency", ".LastResort", "A-b: c")]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", entries)
    assert [entry.name for entry in fonts.installed()] == ["A-b: c"]
    assert fonts.missing_characters(["实"], ["A-b: c"]) == {"实"}


def test_a_plan_with_a_name_in_any_script_is_drawn(capfd: pytest.CaptureFixture[str]) -> None:
    figure = plan_figure([curve("实验一 – 学習率"), curve("тест ✓ 🙂 한국어 عربي")], FigureOptions())
    missing = undrawable(figure)
    assert missing <= set("实验一学習率🙂한국어عربي")
    save(figure, io.BytesIO(), "png", dpi=100)
    assert capfd.readouterr().err == ""


def test_logarithmic_axis() -> None:
    panel = drawn("log").axes[0]
    assert panel.get_yscale() == "log"
    assert drawn("log").axes[1].get_yscale() == "linear"
    low, high = drawn("log to 0").axes[0].get_ylim()
    assert 0 < low < high


def test_one_step_is_a_dot() -> None:
    assert drawn("one step").axes[0].get_lines()[0].get_marker() == "o"


def test_what_a_resumed_run_has_behind_it_is_faint() -> None:
    behind, ahead = drawn("resumed").axes[0].get_lines()[:2]
    assert (np.max(behind.get_xdata()), behind.get_alpha()) == (500, 0.35)
    assert (np.min(ahead.get_xdata()), ahead.get_alpha()) == (500, None)


def test_titles() -> None:
    assert words(plan_figure([curve()], FigureOptions(title="Mine")))[0:2] == ["Mine", "warm-up"]
    assert words(plan_figure([curve()], FigureOptions(title="")))[0] == "warm-up"
    assert words(drawn("three configs"))[:2] == [
        "a, b, c",
        "1,000 to 1,500 steps · max_lr 0.08 to 0.1 · pct_start 0.3 · cos",
    ]
    long = [curve(f"resnet50-run-{at}" + "long" * 9) for at in range(4)]
    assert words(plan_figure(long, FigureOptions()))[0] == "resnet50-run: 4 plans"


@pytest.mark.parametrize(
    "options",
    [FigureOptions(width_inches=1), FigureOptions(height_inches=1), FigureOptions(dpi=9000)],
)
def test_sizes_that_cannot_be_drawn_are_refused(options: FigureOptions) -> None:
    with pytest.raises(OnecycleError, match="figure of") as refused:
        plan_figure([curve()], options)
    assert refused.value.hint


def written(kind: Format, case: str = "smallest", **more: str) -> bytes:
    stream = io.BytesIO()
    save(plan_figure(*CASES[case]), stream, kind, dpi=150, metadata=more)
    return stream.getvalue()


def test_png_size_and_metadata() -> None:
    with Image.open(io.BytesIO(written("png", Title="two", max_lr="0.1\x00", name="é实"))) as picture:
        assert picture.size == (375, 300)
        info = dict(picture.info)
    assert info["Software"] == f"onecycle-cli {__version__}"
    assert info["Title"] == "two"
    assert info["Description"] == "max_lr: 0.1\ufffd\nname: é实"
    assert not [key for key in info if "time" in str(key).lower() or "date" in str(key).lower()]


def test_svg_and_pdf_metadata() -> None:
    svg = written("svg", Title="two", max_lr="0.1").decode()
    assert f"onecycle-cli {__version__}" in svg
    assert "<dc:description>max_lr: 0.1</dc:description>" in svg
    assert "<dc:date>" not in svg
    pdf = written("pdf", Title="two", max_lr="0.1")
    assert f"/Creator (onecycle-cli {__version__})".encode() in pdf
    assert b"/Subject (max_lr: 0.1)" in pdf
    assert b"CreationDate" not in pdf


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_the_same_bytes_twice(kind: Format) -> None:
    assert written(kind) == written(kind)


PROGRAM = """
import hashlib, io, sys, warnings
warnings.simplefilter("error", UserWarning)
from onecycle_cli import OneCycle
from onecycle_cli.render.figure import FigureOptions, plan_figure, save
from onecycle_cli.render.picture import Curve

schedule = OneCycle(max_lr=0.1, epochs=10, steps_per_epoch=100).schedule()
for kind in ("png", "svg", "pdf"):
    stream = io.BytesIO()
    options = FigureOptions(width_inches=2.5, height_inches=2)
    save(plan_figure([Curve("run", schedule)], options), stream, kind, dpi=150)
    print(hashlib.sha256(stream.getvalue()).hexdigest())
assert "matplotlib.pyplot" not in sys.modules
import matplotlib
print(matplotlib.rcParams["lines.linewidth"])
"""


def test_the_same_bytes_in_any_environment(tmp_path: Path) -> None:
    settings = tmp_path / "matplotlibrc"
    settings.write_text(
        "lines.linewidth: 9\nfigure.facecolor: black\nsavefig.bbox: tight\nsavefig.dpi: 33\nfont.size: 30\n"
        "svg.fonttype: none\npath.sketch: 3, 100, 2\nfigure.constrained_layout.use: True\n"
    )
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    hostile = {"PYTHONHASHSEED": seed, "MPLBACKEND": "no-such-backend", "MATPLOTLIBRC": str(settings)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | hostile,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    *digests, width = done.stdout.split()
    kinds: tuple[Format, ...] = ("png", "svg", "pdf")
    assert digests == [hashlib.sha256(written(kind)).hexdigest() for kind in kinds]
    # The user's settings were read, and are in force again afterwards.
    assert width == "9.0"


def test_the_users_settings_are_left_alone() -> None:
    names = [name for name in mpl.rcParams if "backend" not in name]
    with mpl.rc_context({"lines.linewidth": 9, "font.size": 30, "axes.grid": False}):
        before = {name: mpl.rcParams[name] for name in names}
        other = written("png")
        assert {name: mpl.rcParams[name] for name in names} == before
    assert other == written("png")


@pytest.mark.parametrize("style", STYLES)
def test_flags_of_pictures(style: StyleName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text("max_lr: 0.1\ntotal_steps: 100\n")
    steps = "".join(f"{step},{curve(total_steps=100).schedule.lr(step)!r}\n" for step in range(100))
    (tmp_path / "run.csv").write_text(f"step,lr\n{steps}")
    flags = ["-o", "a.png", "--size", "600x400px", "--style", style]
    for command in (
        ["plot", "a.yaml", "--log"],
        ["plot", "a.yaml", "--log"],  # over the file of before
        ["compare", "a.yaml", "--convention", "torch,mmengine"],
        ["check", "a.yaml", "run.csv"],
    ):
        assert main([*command, *flags]) == 0
        with Image.open("a.png") as picture:
            assert picture.size == (600, 400)
            red, green, blue, alpha = picture.convert("RGBA").getpixel((1, 1))  # type: ignore[misc]
            assert f"#{red:02x}{green:02x}{blue:02x}" == STYLES[style].background
            assert alpha == 255
        assert main([*command, *flags, "--transparent"]) == 0
        with Image.open("a.png") as picture:
            assert picture.convert("RGBA").getpixel((1, 1))[3] == 0  # type: ignore[index]
