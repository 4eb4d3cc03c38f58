"""The curve in the terminal."""

from __future__ import annotations

from onecycle_cli.render.terminal.drawing import draw_terminal

__all__ = ["draw_terminal"]
