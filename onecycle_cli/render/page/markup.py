"""HTML that is built, not pasted together: every text is escaped unless it is markup already."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

VOID = frozenset({"br", "input", "meta", "path", "rect"})
"""Elements without an end tag; of SVG's, those that are never given content here, which end themselves."""


class Markup(str):
    """Text that is HTML, and safe to put into a page as it is."""

    __slots__ = ()


def escaped(text: str) -> Markup:
    """Return a text so that a page shows it as it is; what could steer the page or the text around it is replaced."""
    visible = "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)
    return Markup(html.escape(visible))


def element(name: str, *content: str, **attributes: object) -> Markup:
    """Return an element with its content, escaped where it is not Markup.

    An attribute's name loses its last underscore (`class_`), and has hyphens for the others; True gives one without a
    value, False and None none.
    """
    words = [name]
    for key, value in attributes.items():
        attribute = key.rstrip("_").replace("_", "-")
        if value is True:
            words.append(attribute)
        elif value is not None and value is not False:
            words.append(f'{attribute}="{escaped(str(value))}"')
    if name in VOID:
        return Markup(f"<{' '.join(words)}/>")
    return Markup(f"<{' '.join(words)}>{joined(content)}</{name}>")


def joined(parts: Iterable[str]) -> Markup:
    """Return parts one after another, escaped where they are not Markup."""
    return Markup("".join(part if isinstance(part, Markup) else escaped(part) for part in parts))
