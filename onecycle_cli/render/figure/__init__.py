"""The figure: curves over steps, one panel above the other, in PNG, SVG or PDF.

A `chart` holds what is shown, as values; `layout` and `labels` say where; `paint` draws it with matplotlib.
"""

from __future__ import annotations

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
    from onecycle_cli.render.picture import Across, Curve
    from onecycle_cli.run import Verdict

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
    """

    title: str | None = None
    width_inches: float = 9.0
    height_inches: float = 5.5
    dpi: float = 150.0
    log: bool = False
    x: Across = "step"
    momentum: bool = True


def plan_figure(curves: Sequence[Curve], options: FigureOptions) -> Figure:
    """Draw curves: learning rate above, momentum below.

    Raises:
        OnecycleError: the figure's size or the rates cannot be drawn, or epochs are wanted and not known.
    """
    from onecycle_cli.render.figure.chart import plan_chart

    _check(curves, options)
    return _draw(plan_chart(curves, options.x, log=options.log, momentum=options.momentum), options)


def comparison_figure(curves: Sequence[Curve], options: FigureOptions) -> Figure:
    """Draw curves over steps, and below them how far each is above or below the first.

    Raises:
        OnecycleError: the figure's size or the rates cannot be drawn, or fewer than two curves are given.
    """
    from onecycle_cli.render.figure.chart import comparison_chart

    if len(curves) < 2:
        raise OnecycleError("a comparison needs at least two curves", "give two or more")
    _check(curves, options)
    return _draw(comparison_chart(curves), options)


def check_figure(found: Verdict, plan: str, momentum_word: str, options: FigureOptions) -> Figure:
    """Draw a log over its plan, which is called `plan`.

    Raises:
        OnecycleError: the figure's size or the rates cannot be drawn.
    """
    from onecycle_cli.render.figure.check_chart import check_chart, check_curves

    _check(check_curves([found], momentum_word), options)
    return _draw(check_chart(found, plan, momentum_word), options)


def overlaid_figure(
    found: Sequence[tuple[str, Verdict]], plan: str, momentum_word: str, options: FigureOptions
) -> Figure:
    """Draw several logs, each with its name, over one plan, which is called `plan`.

    Raises:
        OnecycleError: the figure's size or the rates cannot be drawn.
    """
    from onecycle_cli.render.figure.check_chart import check_curves, overlaid_chart

    _check(check_curves([verdict for _, verdict in found], momentum_word), options)
    return _draw(overlaid_chart(found, plan, momentum_word), options)


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

    if options.title is not None:
        title = "\n".join(map(printable, options.title.splitlines()))
        chart = replace(chart, title=title, details="")
    return paint(chart, options.width_inches, options.height_inches, options.dpi)


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
        figure.savefig(stream, format=kind, dpi=dpi, metadata=words[kind] | titled, **more)
