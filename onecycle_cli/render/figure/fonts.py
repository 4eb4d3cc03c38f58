"""Fonts for characters that matplotlib's own fonts do not have, such as Chinese, Japanese and Korean ones."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from onecycle_cli.render.figure.style import FONT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from matplotlib.font_manager import FontEntry

SURE = 0x250
"""All printable characters below this one are in matplotlib's fonts."""

PREFERRED = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "PingFang SC",
    "Hiragino Sans",
    "Microsoft YaHei",
    "Yu Gothic",
    "Malgun Gothic",
)
"""Fonts to try first: they look well beside matplotlib's, and have most of the characters of East Asia."""


LAST_RESORT = "LastResort"
"""Fonts with this in their names have boxes for all characters; matplotlib 3.11 comes with one."""


def fonts_for(texts: Iterable[str], font: str = FONT) -> list[str]:
    """Return the families that a figure's texts need: its own font, and the first installed ones with the others."""
    found = [font]
    wanted = missing_characters(texts, (font,))
    if wanted and font != FONT:
        found.append(FONT)
        wanted = missing_characters(wanted, (FONT,))
    for entry in installed() if wanted else ():
        has = wanted & characters(entry.fname, "".join(sorted(wanted)))
        if has:
            found.append(entry.name)
            wanted -= has
        if not wanted:
            break
    return found


def missing_characters(texts: Iterable[str], families: Iterable[str]) -> set[str]:
    """Return the characters of texts that no font of these families has."""
    wanted = {character for text in texts for character in text if ord(character) >= SURE}
    if not wanted:
        return wanted
    from matplotlib.font_manager import FontProperties, findfont

    for family in families:
        wanted -= characters(findfont(FontProperties(family=[family])), "".join(sorted(wanted)))
    return wanted


def installed() -> Iterator[FontEntry]:
    """Yield the installed upright fonts of usual weight, one per family, the preferred ones first."""
    from matplotlib.font_manager import fontManager

    entries: dict[str, FontEntry] = {}
    for entry in fontManager.ttflist:
        if LAST_RESORT in entry.name.replace(" ", ""):
            continue
        if entry.style == "normal" and str(entry.weight) in ("400", "normal", "regular", "book"):
            entries.setdefault(entry.name, entry)
    yield from (entries.pop(name) for name in PREFERRED if name in entries)
    yield from (entries[name] for name in sorted(entries))


@cache
def characters(path: str, wanted: str) -> frozenset[str]:
    """Return which of some characters a font's file has; none if it cannot be read."""
    from matplotlib.font_manager import get_font

    try:
        font = get_font(path)
    except (OSError, RuntimeError):
        return frozenset()
    return frozenset(character for character in wanted if font.get_char_index(ord(character)))
