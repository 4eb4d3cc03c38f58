"""The words around a drawing in the terminal, cut to its width."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from onecycle_cli.formatting import printable, short
from onecycle_cli.policy.summary import summarize
from onecycle_cli.render.terminal.canvas import mark, painted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.render.picture import Curve


def cells(text: str) -> int:
    """Count the columns that text takes in a terminal: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(_cells(each) for each in text)


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, width: int, ellipsis: str) -> str:
    """Give as much of the text as fits, with an ellipsis where something is left out."""
    if cells(text) <= width:
        return text
    room, kept = width - len(ellipsis), ""
    for each in text:
        room -= _cells(each)
        if room < 0:
            break
        kept += each
    return (kept + ellipsis)[: max(width, 0)] if width > len(ellipsis) else kept[: max(width, 0)]


def plain(text: str, *, unicode: bool) -> str:
    """Make a name safe to print, and ASCII where nothing else can be shown."""
    safe = printable(text)
    return safe if unicode else safe.encode("ascii", "replace").decode("ascii")


def facts(curve: Curve) -> list[str]:
    """Say a curve's telling numbers, the peak first because the end may be cut off."""
    summary = summarize(curve.schedule, curve.group)
    found = [f"peak {short(summary.peak_lr)} at step {summary.peak_step:,},"]
    if curve.schedule.first_step:
        found.append(f"resumes at step {curve.schedule.first_step:,},")
    return [*found, f"initial {short(summary.initial_lr)},", f"final {short(summary.final_lr)}"]


def head(curve: Curve, width: int, *, unicode: bool) -> list[str]:
    """Write the title of a single curve: its name and its numbers, on as many lines as they need."""
    ellipsis = "…" if unicode else "..."
    pieces = [f"{plain(curve.label, unicode=unicode)}:", *facts(curve)]
    lines = [cut(pieces[0], width, ellipsis)]
    for piece in pieces[1:]:
        longer = f"{lines[-1]} {piece}"
        if cells(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(cut(piece, width, ellipsis))
    return lines


def legend(curves: Sequence[Curve], width: int, most: int, *, unicode: bool, colour: bool) -> list[str]:
    """Write a line a curve: how it is drawn, its name, and its numbers as far as they fit."""
    ellipsis = "…" if unicode else "..."
    shown = curves if len(curves) <= most else curves[: most - 1]
    lines = []
    for at, curve in enumerate(shown):
        key = "━━" if unicode and colour else mark(at)
        words = " ".join([f"{plain(curve.label, unicode=unicode)}:", *facts(curve)])
        rest = cut(words, max(0, width - len(key) - 1), ellipsis)
        lines.append(f"{painted(key, at) if colour else key} {rest}".rstrip() if width > 3 else key[:width])
    if len(shown) < len(curves):
        lines.append(cut(f"and {len(curves) - len(shown):,} more", width, ellipsis))
    return lines
