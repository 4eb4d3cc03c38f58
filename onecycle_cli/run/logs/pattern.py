"""Patterns for lines of text, such as `epoch {epoch} step {step} lr {lr}`: text with placeholders.

They are not regular expressions, so that the time for a line grows with its length only: a number, a list and white
space are each taken as a whole, and what follows `{}`, which stands for any text, is searched for once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Token = tuple[str, str]
    """One of TEXT, VALUE and GAP, and the text or the placeholder's name."""

TEXT, VALUE, GAP = "text", "value", "gap"

NUMBER = r"(?>[-+]?+(?:\d++(?:\.\d*+)?+|\.\d++)(?:e[-+]?+\d++)?+|[-+]?+(?:nan|inf)\b)"
ANY_VALUE = rf"(?>{NUMBER}|\[[^\[\]]*+\]|\([^()]*+\)|[a-z_][\w.]*+\([^()]*+\))"
"""A number as it is printed, or a list, a tuple, a tensor or an array."""

WORDS = re.compile(r"\s*\S+\s*")
PIECE, WORD = re.compile(r"\w+|\s+|[^\w\s]"), re.compile(r"\w")
NAME = re.compile(r"[A-Za-z_][\w./-]*")

LONGEST_TEXT = 10_000
"""Characters of a line that are looked at."""

EXAMPLE = "write it like 'epoch {epoch} step {step} lr {lr}', with {} for any text between"

SHOWN = 100
"""Characters of a line that a message shows."""


@dataclass(frozen=True)
class Pattern:
    """A pattern that is searched for in lines.

    Attributes:
        text: the pattern as it was typed.
        tokens: what it consists of.
    """

    text: str
    tokens: tuple[Token, ...]

    @cached_property
    def names(self) -> list[str]:
        """The names of its placeholders."""
        return [name for kind, name in self.tokens if kind == VALUE]

    @cached_property
    def _parts(self) -> list[re.Pattern[str]]:
        """What must follow one another in a line, with any text between."""
        groups = groupby(self.tokens, key=lambda token: token[0] == GAP)
        return [_compiled(list(tokens)) for is_gap, tokens in groups if not is_gap]

    def match(self, line: str) -> dict[str, str] | None:
        """Return the texts at the placeholders; None where the line does not match."""
        found: list[str] = []
        end = 0
        for part in self._parts:
            match = part.search(line, end, LONGEST_TEXT)
            if match is None:
                return None
            found += match.groups()
            end = match.end()
        return dict(zip(self.names, found, strict=True))

    def closest(self, lines: Sequence[str]) -> str:
        """Return what is missing in the line that matches the longest beginning of the pattern; "" without lines."""
        if not lines:
            return ""
        pieces = [(kind, word) for kind, text in self.tokens for word in (WORDS.findall(text) or [text])]
        beginnings = [Pattern("", tuple(pieces[:end])) for end in range(1, len(pieces) + 1)]
        best, shown = 0, lines[0]
        for line in lines:
            while best < len(pieces) and beginnings[best].match(line) is not None:
                best, shown = best + 1, line
        kind, text = pieces[min(best, len(pieces) - 1)]
        missing = text.strip() if kind == TEXT else f"number for {{{text}}}"
        return f"the closest line is {shorten(shown.strip(), SHOWN)!r}, which has no {missing} there"


def _compiled(tokens: Sequence[Token]) -> re.Pattern[str]:
    """Return what a part looks like in a line. White space matters between words only."""
    written, last = "", ""
    for kind, text in tokens:
        if kind == VALUE:
            space = r"\s++" if last.isspace() else r"\s*+"
            written += f"{space}({ANY_VALUE})" if written else rf"(?<![\w.+-])({ANY_VALUE})"
            last = "]"
            continue
        for piece in PIECE.findall(text):
            if piece.isspace():
                last = " " if WORD.match(last) else last
                continue
            both = last.isspace() and WORD.match(piece)
            edge = r"(?<!\w)" if not written and WORD.match(piece) else ""
            written += (r"\s++" if both else r"\s*+" if written else edge) + re.escape(piece)
            last = piece
    return re.compile(written, re.IGNORECASE)


def parse_pattern(text: str) -> Pattern:
    """Return the pattern that a user typed.

    Raises:
        OnecycleError: a brace is not closed, a name is invalid or used twice, or nothing separates two values.
    """
    tokens: list[Token] = []
    for kind, value, place in _tokens(text):
        if kind == VALUE and (VALUE, value) in tokens:
            raise _invalid(text, f"{{{value}}} at character {place} is there twice")
        if kind == VALUE and tokens and tokens[-1][0] == VALUE:
            raise _invalid(text, f"nothing is between {{{value}}} at character {place} and the placeholder before it")
        tokens.append((kind, value))
    if not any(kind == VALUE for kind, _ in tokens):
        raise _invalid(text, "it has no placeholder such as {lr}")
    return Pattern(text, tuple(tokens))


def _tokens(text: str) -> Iterator[tuple[str, str, int]]:
    """Yield the tokens of a pattern, each with its place, 1-based."""
    if "(?" in text:
        raise _invalid(text, "it is not a regular expression")
    at, literal = 0, ""
    while at < len(text):
        char = text[at]
        if text[at : at + 2] in ("{{", "}}"):
            literal, at = literal + char, at + 2
            continue
        if char == "}":
            raise _invalid(text, f"the }} at character {at + 1} closes nothing; a brace of the log is written twice")
        if char != "{":
            literal, at = literal + char, at + 1
            continue
        end = text.find("}", at)
        if end < 0:
            raise _invalid(text, f"the {{ at character {at + 1} is not closed; a brace of the log is written twice")
        # The format of an f-string that was pasted does not matter.
        name = re.split("[:!]", text[at + 1 : end])[0].strip()
        if name and not NAME.fullmatch(name):
            raise _invalid(text, f"{shorten(text[at : end + 1], 40)} at character {at + 1} is not a name in braces")
        if literal:
            yield TEXT, literal, at + 1 - len(literal)
        yield (VALUE, name, at + 1) if name else (GAP, "", at + 1)
        literal, at = "", end + 1
    if literal:
        yield TEXT, literal, at + 1 - len(literal)


def _invalid(text: str, why: str) -> OnecycleError:
    return OnecycleError(f"invalid --pattern {shorten(repr(text), 80)}: {why}", EXAMPLE)
