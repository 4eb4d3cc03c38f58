"""The options of pictures, and how the commands that draw one save it."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Annotated

import typer

from onecycle_cli.cli.targets import print_notes, save_picture
from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import shorten
from onecycle_cli.render.figure import FigureOptions
from onecycle_cli.render.figure.style import StyleName
from onecycle_cli.render.picture import Across

if TYPE_CHECKING:
    from typing import Any

    from matplotlib.figure import Figure

AcrossOption = Annotated[Across, typer.Option("--x", metavar="UNIT", help="The unit of the horizontal axis.")]
LogAxisOption = Annotated[bool, typer.Option("--log", help="Draw the learning rate on a logarithmic axis.")]
SizeOption = Annotated[
    str | None, typer.Option(metavar="WxH", help="In inches, or in pixels: 1600x900px (default: 9x5.5).")
]
StyleOption = Annotated[StyleName, typer.Option(metavar="STYLE", help="The picture's colours.")]
TransparentOption = Annotated[bool, typer.Option("--transparent", help="Leave the picture's background out.")]

DPI = 150.0
_SIZE = re.compile(r"\s*([0-9.]+)\s*[x×]\s*([0-9.]+)\s*(px|in)?\s*")


def figure_options(size: str | None, dpi: float = DPI, **others: Any) -> FigureOptions:
    """Return how a figure is drawn; without a size of its own it may grow with its legend.

    Raises:
        OnecycleError: the size is not one.
    """
    # It reports a home that cannot be written to, and fonts; nothing of that is about the picture.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    if size is None:
        return FigureOptions(dpi=dpi, grows=True, **others)
    width, height = _read_size(size, dpi)
    return FigureOptions(width_inches=width, height_inches=height, dpi=dpi, **others)


def save_figure(figure: Figure, target: str, dpi: float, content: dict[str, object]) -> None:
    """Save a figure with what it was drawn from, and say what cannot be read in it."""
    from onecycle_cli.render.figure import undrawable

    missing = sorted(undrawable(figure))
    if missing:
        shown = shorten("".join(missing), 20)
        print_notes([f"no installed font has {shown}: drawn as boxes; install a font such as Noto Sans CJK"])
    save_picture(figure, target, dpi, content)


def _read_size(text: str, dpi: float) -> tuple[float, float]:
    """Read a size in inches, or in pixels where it says so."""
    read = _SIZE.fullmatch(text)
    try:
        width, height = (float(read[1]), float(read[2])) if read else (0.0, 0.0)
    except ValueError:
        width = height = 0.0
    if read is None or width <= 0 or height <= 0:
        raise OnecycleError(f"invalid --size {text[:40]!r}", "use WxH such as 9x5.5 (inches) or 1600x900px")
    if read[3] == "px":
        return width / dpi, height / dpi
    if max(width, height) > 100:
        message = f"--size {text[:40]} is {max(width, height):g} inches"
        raise OnecycleError(message, f"did you mean {width:g}x{height:g}px?")
    return width, height
