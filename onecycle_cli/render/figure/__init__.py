"""The figure: curves over steps, one panel above the other, in PNG, SVG or PDF.

A `chart` holds what is shown, as values; `layout` and `labels` say where; `paint` draws it with matplotlib.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import printable
from onecycle_cli.render.picture import check_drawable
from onecycle_cli.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import IO, Any

    from matplotlib.figure import Figure

    from onecycle_cli.render.figure.chart import Chart
    from onecycle_cli.render.figure.style import StyleName
    from onecycle_cli.render.picture import Across, Curve
    from onecycle_cli.run import Verdict
    from onecycle_cli.run.range_test import RangeTest

Format = Literal["png", "svg", "pdf"]

SMALLEST = (2.5, 2.0)
MOST_PIXELS = 30_000
MAKER = f"onecycle-cli {__version__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureOptions:
    """How a figure is drawn.

    Attributes:
        title: its title, on several lines if it has them; empty for none, None for one made from what is shown.
        width_inches: the figure's width.
        height_inches: the figure's height.
        dpi: dots per inch.
        log: whether the learning rate's axis is logarithmic.
        x: what the horizontal axis counts.
        momentum: whether momentum is drawn, where it is cycled.
        style: the colours: on white, on black, or few on white, for print.
        transparent: whether there is no background.
        grows: whether the figure may be higher, to hold a long legend.
    """

    title: str | None = None
    width_inches: float = 9.0
    height_inches: float = 5.5
    dpi: float = 150.0
    log: bool = False
    x: Across = "step"
    momentum: bool = True
    style: StyleName = "light"
    transparent: bool = False
    grows: bool = False


def plan_figure(curves: Sequence[Curve], options: FigureOptions) -> Figure:
    """Draw curves: learning rate above, momentum below.

    Raises:
        OnecycleError: the figure's size or the rates cannot be drawn, or epochs are wanted and not known.
    """
    from onecycle_cli.render.figure.plan_charts import plan_chart
    from onecycle_cli.render.figure.style import STYLES

    _check(curves, options)
    style = STYLES[options.style]
    return _draw(plan_chart(curves, options.x, style, log=options.log, momentum=options.momentum), options)


def comparison_figure(curves: Sequence[Curve], options: FigureOptions, answer: str = "") -> Figure:
    """Draw curves, and below them how far each is above or below the first; the answer is the title.

    Raises:
        OnecycleError: the figure's size or the rates cannot be drawn, or fewer than two curves are given.
    """
    from onecycle_cli.render.figure.plan_charts import comparison_chart
    from onecycle_cli.render.figure.style import STYLES

    if len(curves) < 2:
        raise OnecycleError("a comparison needs at least two curves", "give two or more")
    _check(curves, options)
    return _draw(comparison_chart(curves, answer, options.x, STYLES[options.style], log=options.log), options)


def check_figure(found: Sequence[tuple[str, Verdict]], plan: str, momentum_word: str, options: FigureOptions) -> Figure:
    """Draw one or several logs, each with its name, over one plan, which is called `plan`.

    Raises:
        OnecycleError: the figure's size or the rates cannot be drawn.
    """
    from onecycle_cli.render.figure.check_chart import check_chart, check_curves, overlaid_chart
    from onecycle_cli.render.figure.style import STYLES

    _check(check_curves([verdict for _, verdict in found], momentum_word), options)
    make = check_chart if len(found) == 1 else overlaid_chart
    return _draw(make(found, plan, momentum_word, STYLES[options.style]), options)


def range_figure(test: RangeTest, name: str, options: FigureOptions) -> Figure:
    """Draw a range test, whose log is called `name`: the loss over the learning rate, with what the rules take.

    Raises:
        OnecycleError: the figure's size or the losses cannot be drawn.
    """
    from onecycle_cli.render.figure.range_chart import range_chart
    from onecycle_cli.render.figure.style import STYLES

    _check([], options)
    return _draw(range_chart(test, name, STYLES[options.style]), options)


def _check(curves: Sequence[Curve], options: FigureOptions) -> None:
    """Raise an OnecycleError where a figure is too small or too large to be drawn, or a learning rate is."""
    width, height = options.width_inches, options.height_inches
    if width < SMALLEST[0] or height < SMALLEST[1]:
        raise OnecycleError(
            f"a figure of {width:g} × {height:g} inches has no room for curves and their axes",
            f"make it at least {SMALLEST[0]:g} × {SMALLEST[1]:g} inches",
        )
    if max(width, height) * options.dpi > MOST_PIXELS:
        raise OnecycleError(
            f"a figure of {width:g} × {height:g} inches at {options.dpi:g} dpi is larger than {MOST_PIXELS:,} pixels",
            f"make it at most {int(MOST_PIXELS / options.dpi):,} inches wide and high at this dpi",
        )
    check_drawable(curves)


def _draw(chart: Chart, options: FigureOptions) -> Figure:
    from onecycle_cli.render.figure.paint import paint
    from onecycle_cli.render.figure.style import STYLES

    if options.title is not None:
        title = "\n".join(map(printable, options.title.splitlines()))
        chart = replace(chart, titles=(title,), details="")
    size = options.width_inches, options.height_inches
    style = STYLES[options.style]
    return paint(chart, style, size, options.dpi, grows=options.grows, transparent=options.transparent)


def undrawable(figure: Figure) -> set[str]:
    """Return the characters of a figure's texts that no installed font has, and that are drawn as boxes."""
    from matplotlib.text import Text

    from onecycle_cli.render.figure.fonts import SURE, missing_characters
    from onecycle_cli.render.figure.style import own_style

    found = set[str]()
    rare = [text for text in figure.findobj(Text) if max(text.get_text(), default="") >= chr(SURE)]
    if rare:
        with own_style():
            for text in rare:
                found |= missing_characters([text.get_text()], text.get_fontfamily())
    return found


def save(
    figure: Figure, stream: IO[bytes], kind: Format, *, dpi: float, metadata: Mapping[str, str] | None = None
) -> None:
    """Write a figure: the same bytes on every run.

    Args:
        figure: the figure.
        stream: where its bytes go.
        kind: the file's format.
        dpi: dots per inch, for PNG.
        metadata: what the file says of itself. `Title` goes where the format keeps titles; all else is written as
            lines of `key: value`, in PNG under `Description`, in SVG as the description, in PDF as the subject.
    """
    from onecycle_cli.render.figure.style import own_style

    given = {key: printable(value) for key, value in (metadata or {}).items()}
    titled = {"Title": given.pop("Title")} if "Title" in given else {}
    description = "\n".join(f"{key}: {value}" for key, value in given.items())
    words: dict[str, dict[str, str | None]] = {
        "png": {"Software": MAKER, "Description": description},
        "svg": {"Creator": MAKER, "Description": description, "Date": None},
        "pdf": {"Creator": MAKER, "Subject": description, "CreationDate": None},
    }
    # The curves' flat colours compress as well by run lengths, in two thirds of the time.
    more: dict[str, Any] = {"pil_kwargs": {"compress_type": zlib.Z_RLE}} if kind == "png" else {}
    with own_style():
        if kind == "svg":
            drawn = io.BytesIO()
            figure.savefig(drawn, format=kind, facecolor="auto", metadata=words[kind] | titled)
            stream.write(_with_fallbacks(drawn.getvalue()))
            return
        figure.savefig(stream, format=kind, dpi=dpi, facecolor="auto", metadata=words[kind] | titled, **more)


def _with_fallbacks(svg: bytes) -> bytes:
    """Name fonts of the same widths beside matplotlib's, for viewers that do not have it."""
    return svg.replace(b"'DejaVu Sans'", b"'DejaVu Sans', 'Bitstream Vera Sans', Verdana, sans-serif").replace(
        b"'STIXGeneral'", b"'STIXGeneral', 'STIX Two Text', 'Times New Roman', serif"
    )
