"""The figure: learning rate above, momentum below, in PNG, SVG or PDF."""

from __future__ import annotations

from onecycle_cli.render.figure.drawing import FigureOptions, draw
from onecycle_cli.render.figure.file import Format, save

__all__ = ["FigureOptions", "Format", "draw", "save"]
