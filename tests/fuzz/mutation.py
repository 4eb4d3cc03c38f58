"""Changes to a sample: of bytes, characters, numbers, words and lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

NUMBERS = (
    "0", "-0.0", "1", "-1", "2", "0.3", "1.0", "1e-3", "1.", ".5", "1_000", "1,000", "1e3", "0x1f", "017", "1:30",
    "5e-324", "1e-310", "2.2250738585072014e-308", "1e-308", "1e-45", "1e-16", "0.9999999999999999",
    "1.0000000000000002", "16777217", "2147483648", "9007199254740992", "9007199254740993", "9223372036854775807",
    "18446744073709551616", "1e15", "1e17", "1e154", "1e155", "1e307", "1.7976931348623157e308",
    "-1.7976931348623157e308", "1e309", "-1e309", "nan", ".nan", "inf", ".inf", "-Infinity", "1" + "0" * 309,
    "9" * 400, "0." + "0" * 330 + "1", "1e" + "9" * 30,
)  # fmt: skip

PIECES = (
    "\n", "\r\n", "\r", "\t", " ", "  ", "\0", "\x1b[31m", "\ufeff", "\u2028", "\u202e", "é", "日本", "😀", "\x85",
    "\ud800", ":", ": ", "- ", "? ", "#", "|", ">", "&a ", "*a", "<<: *a", "!!float ", "!!python/name:os.system ",
    "---\n", "...\n", "{", "}", "[", "]", "[]", "{}", '"', "'", '""', "''", "\\", "\\u", "\\ud800", ",", ";", "=",
    "==", "%", "${", "}", "${a}", "${oc.env:X}", "null", "~", "None", "true", "yes", "auto", "???", "lr", "step",
    "epoch", "OneCycleLR", "[" * 150, "{a: " * 120, "(" * 120, "- " * 120, "${" * 60, "&a [*a, *a]\n", "**", "//",
    "<<", "@", "`", "lambda: ", "f'{x}'",
)  # fmt: skip

_NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?")
_WORD = re.compile(r"[A-Za-z_$][\w.-]*")

MOST = 6
"""Changes to one sample."""

LONGEST = 20_000
"""Characters of a result: repeated doubling of a part must not make the cases slow."""


def mutated(draw: Random, samples: Sequence[bytes], words: Sequence[str]) -> bytes:
    """Return a sample with a few changes."""
    # Each byte is a character here, so that parts of a character are changed, too.
    text = draw.choice(samples).decode("latin-1")
    for _ in range(min(MOST, int(draw.expovariate(0.5)) + 1)):
        text = draw.choice(CHANGES)(draw, text, samples, words)[:LONGEST]
    return text.encode("latin-1")


def special(draw: Random) -> str:
    """Return a text that is often treated in a way of its own, in bytes as characters."""
    piece = draw.choice(NUMBERS if draw.random() < 0.3 else PIECES)
    return piece.encode("utf-8", "surrogatepass").decode("latin-1")


def _number(draw: Random, text: str, samples: Sequence[bytes], words: Sequence[str]) -> str:
    number = draw.choice(NUMBERS) if draw.random() < 0.7 else repr(10.0 ** draw.uniform(-10, 10))
    return _replaced(draw, text, _NUMBER, number)


def _word(draw: Random, text: str, samples: Sequence[bytes], words: Sequence[str]) -> str:
    return _replaced(draw, text, _WORD, draw.choice(words).encode().decode("latin-1"))


def _retyped(draw: Random, text: str, samples: Sequence[bytes], words: Sequence[str]) -> str:
    """Replace a value by one of another kind."""
    pattern = _NUMBER if draw.random() < 0.5 else _WORD
    return _replaced(draw, text, pattern, special(draw))


def _insertion(draw: Random, text: str, samples: Sequence[bytes], words: Sequence[str]) -> str:
    at = draw.randint(0, len(text))
    return text[:at] + special(draw) + text[at:]


def _deletion(draw: Random, text: str, samples: Sequence[bytes], words: Sequence[str]) -> str:
    begin, end = _range(draw, text)
    return text[:begin] + text[end:]


def _repetition(draw: Random, text: str, samples: Sequence[bytes], words: Sequence[str]) -> str:
    begin, end = _range(draw, text)
    return text[:end] + text[begin:end] * draw.choice((1, 1, 2, 20)) + text[end:]


def _byte(draw: Random, text: str, samples: Sequence[bytes], words: Sequence[str]) -> str:
    if not text:
        return text
    at = draw.randrange(len(text))
    return text[:at] + chr(draw.randrange(256)) + text[at + 1 :]


def _cut(draw: Random, text: str, samples: Sequence[bytes], words: Sequence[str]) -> str:
    return text[: draw.randint(0, len(text))] if draw.random() < 0.3 else text


def _line(draw: Random, text: str, samples: Sequence[bytes], words: Sequence[str]) -> str:
    """Delete, repeat, move or indent a line, or take one from another sample."""
    lines = text.splitlines(keepends=True)
    if not lines:
        return text
    at = draw.randrange(len(lines))
    line = lines.pop(at)
    other = draw.randint(0, len(lines))
    match draw.randrange(5):
        case 0:
            pass
        case 1:
            lines[at:at] = [line] * draw.choice((2, 2, 2, 100))
        case 2:
            lines.insert(other, line)
        case 3:
            lines.insert(at, draw.choice((line.lstrip(" "), "  " + line, "\t" + line)))
        case 4:
            strange = draw.choice(samples).decode("latin-1").splitlines(keepends=True)
            lines[at:at] = [line, draw.choice(strange) if strange else ""]
    return "".join(lines)


CHANGES = (
    _number,
    _number,
    _number,
    _word,
    _word,
    _retyped,
    _insertion,
    _deletion,
    _repetition,
    _byte,
    _cut,
    _line,
    _line,
)


def _replaced(draw: Random, text: str, pattern: re.Pattern[str], new: str) -> str:
    """Replace what a pattern finds first after some place."""
    found = pattern.search(text, draw.randint(0, len(text))) or pattern.search(text)
    return text if found is None else text[: found.start()] + new + text[found.end() :]


def _range(draw: Random, text: str) -> tuple[int, int]:
    begin = draw.randint(0, len(text))
    return begin, min(len(text), begin + int(draw.expovariate(0.1)) + 1)
