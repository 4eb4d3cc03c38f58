"""How the figure looks: colours, dashes, fonts, and matplotlib's settings in place of the user's matplotlibrc."""

from __future__ import annotations

import os
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

INK, SOFT, LINES, GRID, WRONG = "#222222", "#666666", "#999999", "#e4e4e4", "#b2182b"

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#333333", "#8c6d31")
"""Okabe and Ito's colours, distinct with any colour vision, without their yellow, which is too light on white."""

DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))

PHASES = {"warm-up": ("#e69f00", "#8f6200"), "anneal": ("#56b4e9", "#1f6f9f")}
"""The shade of a phase and the ink of its name."""

OTHER_PHASE = ("#999999", "#666666")

MOST_DASHED = 32
"""With more curves than this, dashes do not make them more distinct than colours do."""

FONT = "DejaVu Sans"
"""The font that comes with matplotlib."""

EASTERN = 0x2E80
"""The first character from which on that font has no glyphs."""

EASTERN_FONTS = frozenset(
    {
        "Noto Sans CJK SC",
        "Noto Sans CJK JP",
        "Source Han Sans SC",
        "WenQuanYi Micro Hei",
        "PingFang SC",
        "Hiragino Sans",
        "Microsoft YaHei",
        "Yu Gothic",
        "Malgun Gothic",
    }
)

OWN_SETTINGS: dict[str, Any] = {
    "font.family": FONT,
    "text.parse_math": False,  # a name may hold a dollar sign
    "text.color": INK,
    "axes.edgecolor": LINES,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": LINES,
    "ytick.color": LINES,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "svg.hashsalt": "onecycle",  # the same ids on every run
    "pdf.fonttype": 42,  # journals refuse matplotlib's other kind
}


@contextmanager
def own_style() -> Iterator[None]:
    """Use matplotlib's built-in settings and ours while the block runs, then the user's again."""
    # An unknown name in MPLBACKEND would make matplotlib's import fail, and no backend is used here.
    wanted = os.environ.pop("MPLBACKEND", None)
    try:
        import matplotlib as mpl
    finally:
        if wanted is not None:
            os.environ["MPLBACKEND"] = wanted
    settings: dict[Any, Any] = {name: value for name, value in mpl.rcParamsDefault.items() if "backend" not in name}
    with mpl.rc_context(settings | OWN_SETTINGS), warnings.catch_warnings():
        # A missing glyph is drawn as a box, which is warning enough.
        warnings.filterwarnings("ignore", "Glyph .* missing")
        yield


def fonts_for(texts: Iterable[str]) -> list[str]:
    """Return the fonts for texts: matplotlib's own, and installed eastern ones if a text needs them."""
    if not any(ord(character) >= EASTERN for text in texts for character in text):
        return [FONT]
    from matplotlib.font_manager import fontManager

    return [FONT, *sorted(EASTERN_FONTS & {font.name for font in fontManager.ttflist})]


def looks(number: int) -> list[tuple[Any, Any]]:
    """Return pairs of colour and dashes, neighbours distinct in both; a long row is shaded from dark to light."""
    if number <= len(COLOURS):
        return [(COLOURS[at], DASHES[at % len(DASHES)]) for at in range(number)]
    from matplotlib import colormaps

    shade = colormaps["viridis"]
    kinds = len(DASHES) if number <= MOST_DASHED else 1
    return [(shade(0.92 * at / (number - 1)), DASHES[at % kinds]) for at in range(number)]
