"""A drawing in the terminal that a command writes to: of its size, with its characters, in its colours."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from onecycle_cli.render.lines import has_colour, is_unicode, terminal_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.render.picture import Curve

TALLEST = 60
LEAST = 8
"""Rows of a drawing that fills the window: at most and at least."""

BELOW = 3
"""Rows of the window that are left for the command's line and the next one."""

NO_TERMINAL = (100, 27)
"""The size that is assumed for a pipe or a file."""


def window_height() -> int:
    """Return the rows of a drawing that fills the window."""
    return max(LEAST, min(TALLEST, terminal_size(sys.stdout, NO_TERMINAL)[1] - BELOW))


def drawn(curves: Sequence[Curve], height: int, **how: Any) -> str:
    """Return curves as text for standard output; `how` are the other arguments of `draw_terminal`."""
    from onecycle_cli.render.terminal import draw_terminal

    width = terminal_size(sys.stdout, NO_TERMINAL)[0]
    return draw_terminal(curves, width, height, unicode=is_unicode(sys.stdout), colour=has_colour(sys.stdout), **how)
