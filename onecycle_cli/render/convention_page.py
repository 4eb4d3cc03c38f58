"""The page of a convention: its manual, the settings it takes with its own defaults and names, and those it lacks."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from onecycle_cli.formatting import format_number, setting_text
from onecycle_cli.policy.conventions import CONVENTIONS
from onecycle_cli.policy.settings import SETTINGS
from onecycle_cli.render.lines import wrap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from onecycle_cli.policy.conventions.base import Convention

SOURCE_WIDTH = 105
"""Columns of the manuals' full lines: a line goes on in the next where that one's first word would pass them."""

NONE = "-"


def convention_page(convention: Convention, width: int) -> str:
    """Return the page of `onecycle explain CONVENTION`."""
    lines = list(_reflowed(inspect.cleandoc(convention.manual or convention.title).splitlines(), width))
    lines += ["", "Settings", *_settings(convention)]
    if convention.unsupported:
        lines += ["", "Not supported", *_table(convention.unsupported.items(), width)]
    lines += ["", "For example", f"  onecycle show --max-lr 0.1 --total-steps 1000 --convention {convention.name}"]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def convention_index() -> str:
    """Return every convention with its framework."""
    longest = max(map(len, CONVENTIONS))
    return "".join(f"{name:<{longest}}  {convention.title}\n" for name, convention in CONVENTIONS.items())


def _settings(convention: Convention) -> Iterator[str]:
    rows = [("setting", "default", "its name there")]
    for setting in SETTINGS:
        default, name = getattr(convention.defaults, setting, None), convention.aliases.get(setting, "")
        if convention.supports(setting) and (default is not None or name):
            rows.append((setting, NONE if default is None else setting_text(default, format_number), name))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = row if convention.aliases else row[:2]
        yield "  " + "  ".join(f"{cell:<{size}}" for cell, size in zip(cells, widths, strict=False))


def _table(rows: Iterable[tuple[str, str]], width: int) -> Iterator[str]:
    pairs = list(rows)
    begin = 4 + max(len(name) for name, _ in pairs)
    for name, text in pairs:
        first, *others = wrap(text, max(20, width - begin))
        yield f"  {name:<{begin - 2}}{first}"
        yield from (" " * begin + line for line in others)


def _reflowed(lines: Sequence[str], width: int) -> Iterator[str]:
    """Yield a text's lines at another width; those that end before they had to, end there again."""
    paragraph = ""
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        indent = len(line) - len(line.lstrip())
        paragraph = f"{paragraph} {line.strip()}" if paragraph else line.strip()
        word = after.strip().partition(" ")[0]
        if word and len(line) + 1 + len(word) > SOURCE_WIDTH:
            continue
        yield from (" " * (indent // 2) + piece for piece in wrap(paragraph, width - indent // 2))
        paragraph = ""
