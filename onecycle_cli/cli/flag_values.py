"""Values as people type them after a flag: numbers, large counts, names, and several with commas.

A parser raises ValueError with what to write instead, which the error about the flag shows.
"""

from __future__ import annotations

from contextlib import suppress

from onecycle_cli.formatting import THOUSANDS


def whole(text: str) -> int:
    """Read a whole number, also as people type large ones: 1,000 or 1_000 or 1e3.

    Raises:
        ValueError: it is not one; the message is what to use, as for every parser of a flag.
    """
    digits = text.replace(",", "") if THOUSANDS.fullmatch(text.strip()) else text
    for read in (int, float):
        with suppress(ValueError, OverflowError):  # infinity is not a whole number
            value = read(digits)
            if value == int(value):
                return int(value)
    raise ValueError("a whole number such as 1000")


def positive(text: str) -> int:
    """Read a whole number above zero."""
    with suppress(ValueError):
        if (value := whole(text)) >= 1:
            return value
    raise ValueError("1 or more")


def number(text: str) -> float:
    """Read a number."""
    try:
        return float(text)
    except ValueError:
        raise ValueError("a number such as 0.1") from None


def numbers(text: str) -> list[float]:
    """Read one number, or several with commas."""
    return [number(item) for item in text.split(",")]


def group_names(text: str) -> list[str]:
    """Read one name, or several with commas."""
    found = [name.strip() for name in text.split(",")]
    if not all(found):
        raise ValueError("a number, or names such as backbone,head")
    return found
