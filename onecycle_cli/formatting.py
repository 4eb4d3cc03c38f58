"""How numbers, names and texts are written for people, the same in every message, table and picture."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_EXPONENT = re.compile(r"([-+]?)([0-9]*)(\.[0-9]*)?[eE]([-+]?)([0-9]+)")

THOUSANDS = re.compile(r"[-+]?[1-9][0-9]{0,2}(,[0-9]{3})+")
"""A whole number with commas, as people type it and as `count` writes it."""

DIGITS = (6, 9, 12, 15, 17)
"""Significant digits to try, until two numbers look different; 17 distinguish any two float64."""


def format_number(value: float, digits: int = 6) -> str:
    """Return a number to so many significant digits, without zeros at its end."""
    return f"{value:.{digits}g}"


def divergence(step: int, field: str, planned: float | None, logged: float, last: int) -> str:
    """Return the sentence about the first value that is not the planned one; None where the plan has no such step."""
    where = f"diverges at step {step:,}: {printable(field)} is"
    if planned is None:
        return f"{where} {format_number(logged)}, but the plan ends at step {last:,}"
    digits = distinct_digits(planned, logged)
    return f"{where} {format_number(logged, digits)}, planned is {format_number(planned, digits)}"


def distinct_digits(planned: float, logged: float) -> int:
    """Return with how many significant digits two numbers look different."""
    differs = (digits for digits in DIGITS if format_number(planned, digits) != format_number(logged, digits))
    return next(differs, DIGITS[-1])


def short(value: float) -> str:
    """Return a learning rate or momentum to four digits, which is enough in a picture: 0.1, 0.004, 4e-07."""
    return format_number(value, 4)


def count(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural where it needs one: 1 step, 1,000 steps."""
    return f"{number:,} {noun}" + ("" if abs(number) == 1 else "s")


def percent(ratio: float, digits: int = 3, sign: str = "") -> str:
    """Return a ratio in percent, to so many significant digits, or as a whole number; with `sign` "+" always signed.

    It has an exponent only from a quadrillion on, and where it is very small.
    """
    value = 100 * ratio
    if 10**digits <= abs(value) + 0.5 < 1e15:
        return f"{value:{sign},.0f} %"
    return f"{value:{sign}.{digits}g} %"


def proportion(part: float, whole: float, digits: int = 2) -> str:
    """Return a part of a whole in percent, never rounded to 0 or 100 % unless it is none or all of it."""
    share = 100 * part / whole
    if 0 < share < 0.001:
        return "less than 0.001 %"
    if not 99.5 <= share < 100:
        return f"{share:.{digits}g} %" if share < 99.5 else f"{share:.0f} %"
    decimals = next((decimals for decimals in range(1, 4) if round(share, decimals) < 100), None)
    return "more than 99.999 %" if decimals is None else f"{share:.{decimals}f} %"


def finite(value: float) -> float | None:
    """Return a number, or None where it is infinite or not a number, which JSON cannot express."""
    return value if math.isfinite(value) else None


def yaml_number(value: float | str) -> str:
    """Return a number, or a number's text, so that YAML 1.1 and 1.2 both read it as one: 1e-3 becomes 1.0e-3.

    YAML 1.1 wants a point, and a sign in the exponent.
    """
    text = value if isinstance(value, str) else repr(float(value))
    written = _EXPONENT.fullmatch(text)
    if written is None:
        return text
    sign, whole, fraction, exponent_sign, exponent = written.groups()
    return f"{sign}{whole or '0'}{fraction or '.0'}e{exponent_sign or '+'}{exponent}"


_PLAIN = re.compile(r"[A-Za-z][A-Za-z_]*")
_YAML_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "nan", "inf", "y", "n"})


def yaml_value(value: object) -> str:
    """Return a setting's value so that YAML 1.1 and 1.2 both read it as it is."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(yaml_value, value))}]"
    if isinstance(value, str):
        # Quoted unless it is plain words that YAML reads as nothing else; a convention's name has a dash.
        plain = all(_PLAIN.fullmatch(word) for word in value.split("-")) and value.lower() not in _YAML_WORDS
        return value if plain else json.dumps(value, ensure_ascii=not value.isprintable())
    return setting_text(value, yaml_number)


def setting_text(value: object, number: Callable[[float], str] = repr) -> str:
    """Return a setting's value as a config has it: true, cos, [0.1, 0.2]; `number` writes its floats."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(setting_text(item, number) for item in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {setting_text(item, number)}' for key, item in value.items())}}}"
    return number(value) if isinstance(value, float) else printable(str(value))


def flag_name(setting: str) -> str:
    """Return a setting's command-line flag: --max-lr for max_lr."""
    return "--" + setting.replace("_", "-")


def join_words(words: Sequence[str], last: str = "and") -> str:
    """Return words as a sentence lists them: a; a and b; a, b and c."""
    return f" {last} ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def shorten(text: str, longest: int) -> str:
    """Return a text, cut with an ellipsis where it is longer than so many characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def printable(text: str) -> str:
    """Return a text in one line that steers no terminal and is valid in an SVG.

    Line ends, tabs and other white space become spaces, control characters a replacement character. Its length stays.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else " " if char.isspace() else "\ufffd" for char in text)


_ACTIVE = re.compile(
    # Control characters but tab, form feed and the ends of lines; signs that change a text's direction; separators.
    "\r(?!\n)|[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb]"
)
_COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")
_COMMAND = re.compile(r"(^[^\S\n]*:)(?=:)", re.MULTILINE)
"""The beginning of a command to GitHub's runner: `::error::` at the start of a line."""
_MARKER = re.compile(r"##(?=\w*\[)")
"""The beginning of a command anywhere in a line, to GitHub's, Azure's or TeamCity's runner: `##[error]`, `##vso[`."""


def inert(text: str, *, colours: bool = False) -> str:
    """Return a text of several lines that steers neither the terminal nor the CI runner that shows it.

    Each control character but white space, and each sign that changes the direction of writing, becomes a
    replacement character; a space breaks up what CI runners take for a command. With `colours`, the codes of a
    terminal's colours are kept. `printable` does the same to a text of one line, and is for the parts of a line.
    """
    if _ACTIVE.search(text):
        parts = _COLOUR.split(text) if colours else [text]
        parts[::2] = [_ACTIVE.sub("\ufffd", part) for part in parts[::2]]
        text = "".join(parts)
    if "::" in text:
        text = _COMMAND.sub(r"\1 ", text)
    return without_markers(text)


def without_markers(text: str) -> str:
    """Return a text with a space in what CI runners take for a command in the middle of a line."""
    return _MARKER.sub("## ", text) if "##" in text else text


_LONE_SURROGATE = re.compile(r"((?:\\\\)+|\\ud[89ab]\w\w\\ud[c-f]\w\w)|\\ud[89a-f]\w\w")


def json_text(answer: object) -> str:
    """Return an answer as JSON that every reader takes: in ASCII, without infinities.

    A byte of a file's name that is not UTF-8 becomes a replacement character: strict readers refuse a lone surrogate.
    """
    import json

    text = json.dumps(answer, indent=2, allow_nan=False)
    return _LONE_SURROGATE.sub(lambda found: found[1] or "\\ufffd", text) + "\n"
