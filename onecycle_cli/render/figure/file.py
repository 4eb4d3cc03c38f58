"""Writing a figure to a file: PNG, SVG or PDF, the same bytes on every run, with the settings inside."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Literal

from onecycle_cli.formatting import printable
from onecycle_cli.render.figure.style import own_style
from onecycle_cli.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import IO, Any, TypeAlias

    from matplotlib.figure import Figure

Format: TypeAlias = 'Literal["png", "svg", "pdf"]'


def save(
    figure: Figure, stream: IO[bytes], kind: Format, *, dpi: float, metadata: Mapping[str, str] | None = None
) -> None:
    """Write a figure.

    Args:
        figure: what `draw` gave.
        stream: where its bytes go.
        kind: the file's format.
        dpi: dots per inch, for PNG.
        metadata: what the file tells of itself. `Title` goes where the format keeps titles; all else is written as
            lines of `key: value`, in PNG under `Description`, in SVG as the description, in PDF as the subject.
    """
    told = {key: printable(value) for key, value in (metadata or {}).items()}
    title = told.pop("Title", None)
    words = {
        "png": _png_words,
        "svg": _svg_words,
        "pdf": _pdf_words,
    }[kind]("\n".join(f"{key}: {value}" for key, value in told.items()))
    if title is not None:
        words["Title"] = title
    more: dict[str, Any] = {}
    if kind == "png":
        # The curves' flat colours compress as well by run lengths, in two thirds of the time.
        more["pil_kwargs"] = {"compress_type": zlib.Z_RLE}
    with own_style():
        figure.savefig(stream, format=kind, dpi=dpi, metadata=words, **more)


def _maker() -> str:
    return f"onecycle-cli {__version__}"


def _png_words(description: str) -> dict[str, str | None]:
    return {"Software": _maker(), "Description": description}


def _svg_words(description: str) -> dict[str, str | None]:
    return {"Creator": _maker(), "Description": description, "Date": None}


def _pdf_words(description: str) -> dict[str, str | None]:
    return {"Creator": _maker(), "Subject": description, "CreationDate": None}
