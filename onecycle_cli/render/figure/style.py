"""How a figure looks: three styles, and matplotlib's settings in place of the user's matplotlibrc."""

from __future__ import annotations

import logging
import os
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

StyleName = Literal["light", "dark", "paper"]

DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))
READABLE = 4.5
"""The contrast of words with their background that WCAG 2.1 asks for."""

WIDTHS = (1.0, 1.9)
"""Curves' widths, in multiples of the style's, once every pair of colour and dashes is used."""

FONT = "DejaVu Sans"
"""The font that comes with matplotlib, and has the most characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """The colours of one style, and its lines and letters.

    Attributes:
        background: the figure's colour.
        ink: the colour of words.
        soft: the colour of less important words.
        lines: the colour of axes, and of what other curves are compared with.
        grid: the colour of the grid; empty for none.
        wrong: the colour of a divergence.
        colours: the curves' colours: any two are at least 15 apart (CIEDE2000), also to people with protanopia or
            deuteranopia, and each has a contrast of at least 2.6 with the background.
        phases: the shade of each phase and the ink of its name.
        other_phase: the same for a phase that is not among them.
        shade: the opacity of shades.
        width: of a curve, in points.
        font: the family of letters.
    """

    background: str
    ink: str
    soft: str
    lines: str
    grid: str
    wrong: str
    colours: tuple[str, ...]
    phases: dict[str, tuple[str, str]]
    other_phase: tuple[str, str]
    shade: float = 0.13
    width: float = 1.8
    font: str = FONT

    def phase(self, name: str) -> tuple[str, str]:
        """Return the shade of a phase and the ink of its name."""
        return self.phases.get(name, self.other_phase)


_ON_WHITE = ("#0072b2", "#d55e00", "#009e73", "#4c244c", "#959dcb", "#700000", "#0000bd", "#2d5d4d")
_ON_BLACK = ("#56b4e9", "#e69f00", "#2bbf95", "#d1ffa3", "#ce3b3b", "#4c67f0", "#c2fafa", "#0a7f7f")

STYLES: dict[StyleName, Style] = {
    "light": Style(
        background="#ffffff",
        ink="#222222",
        soft="#666666",
        lines="#999999",
        grid="#e4e4e4",
        wrong="#b2182b",
        colours=_ON_WHITE,
        phases={"warm-up": ("#e69f00", "#8f6200"), "anneal": ("#56b4e9", "#1f6f9f")},
        other_phase=("#999999", "#666666"),
    ),
    "dark": Style(
        background="#15181d",
        ink="#e8e8e8",
        soft="#a3a8b0",
        lines="#7d838c",
        grid="#2c3138",
        wrong="#ff6b6b",
        colours=_ON_BLACK,
        phases={"warm-up": ("#e69f00", "#e0b04c"), "anneal": ("#56b4e9", "#7cc4ee")},
        other_phase=("#999999", "#a3a8b0"),
    ),
    "paper": Style(
        background="#ffffff",
        ink="#000000",
        soft="#333333",
        lines="#555555",
        grid="",
        wrong="#b2182b",
        colours=_ON_WHITE,
        phases={"warm-up": ("#555555", "#333333"), "anneal": ("#ffffff", "#333333")},
        other_phase=("#999999", "#333333"),
        shade=0.1,
        width=1.3,
        font="STIXGeneral",
    ),
}


def settings(style: Style) -> dict[str, Any]:
    """Return matplotlib's settings for a style."""
    return {
        "font.family": [style.font],
        "text.parse_math": False,  # a name may hold a dollar sign
        "text.color": style.ink,
        "figure.facecolor": style.background,
        "savefig.facecolor": style.background,
        "axes.facecolor": style.background,
        "axes.edgecolor": style.lines,
        "axes.labelcolor": style.ink,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.grid": bool(style.grid),
        "axes.axisbelow": True,
        "grid.color": style.grid or style.lines,
        "grid.linewidth": 0.7,
        "xtick.color": style.lines,
        "ytick.color": style.lines,
        "xtick.labelcolor": style.ink,
        "ytick.labelcolor": style.ink,
        "lines.linewidth": style.width,
        "lines.solid_capstyle": "round",
        "svg.fonttype": "none",  # text that can be searched and edited
        "svg.hashsalt": "onecycle",  # the same ids on every run
        "pdf.fonttype": 42,  # fonts are embedded whole; journals refuse matplotlib's other kind
    }


@contextmanager
def own_style(style: Style = STYLES["light"]) -> Iterator[None]:
    """Use matplotlib's built-in settings and ours while the block runs, then the user's again."""
    # An unknown name in MPLBACKEND would make matplotlib's import fail, and no backend is used here.
    wanted = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib as mpl
    finally:
        if wanted is not None:
            os.environ["MPLBACKEND"] = wanted
    # The first of several fonts that has a character is used, also where it has no bold letters.
    fonts = logging.getLogger("matplotlib.font_manager")
    level = fonts.level
    fonts.setLevel(logging.ERROR)
    builtin: dict[Any, Any] = {name: value for name, value in mpl.rcParamsDefault.items() if "backend" not in name}
    try:
        with mpl.rc_context(builtin | settings(style)), warnings.catch_warnings():
            # What no font has is reported once, by `fonts.missing_characters`.
            warnings.filterwarnings("ignore", "Glyph .* missing")
            yield
    finally:
        fonts.setLevel(level)


def looks(number: int, style: Style) -> list[dict[str, Any]]:
    """Return how each of so many curves looks, in the terms of matplotlib's Line2D; all look different.

    Neighbours differ in colour and dashes. There are as many looks as colours, dashes and widths have combinations;
    more curves are shaded from dark to light, where only their order can be seen.
    """
    distinct = len(style.colours)
    if number > distinct * len(DASHES) * len(WIDTHS):
        from matplotlib import colormaps

        shade = colormaps["cividis"]
        return [
            {"color": shade(0.1 + 0.8 * at / (number - 1)), "linestyle": "-", "linewidth": style.width / 2}
            for at in range(number)
        ]
    found = []
    for at in range(number):
        cycle, which = divmod(at, distinct)
        width, turn = divmod(cycle, len(DASHES))
        dashes = DASHES[(which + turn) % len(DASHES)]
        width_of = style.width * WIDTHS[width]
        found.append({"color": style.colours[which], "linestyle": dashes, "linewidth": width_of})
    return found


def readable(colour: Any, style: Style) -> Any:
    """Return a colour for words: the curve's, moved towards the ink until it can be read."""
    from matplotlib.colors import to_hex, to_rgb

    start, end = to_rgb(colour), to_rgb(style.ink)
    for part in range(11):
        red, green, blue = (a + (b - a) * part / 10 for a, b in zip(start, end, strict=True))
        if contrast((red, green, blue), to_rgb(style.background)) >= READABLE:
            return to_hex((red, green, blue))
    return style.ink


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """Return the contrast of two sRGB colours, from 1 to 21, as WCAG 2.1 defines it."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: tuple[float, ...]) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
