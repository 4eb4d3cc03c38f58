"""Cells of a log as numbers; what is none is a ValueError that says so."""

from __future__ import annotations

import math

MISSING = frozenset({"", "na", "nan", "none", "null"})
"""Words, in small letters, that say a row has no value here: R writes NA, pandas nothing or nan, Python None."""

MOST_STEPS = 2**53
"""A step below it is the same number as int64 and as float64."""

LONGEST_SHOWN = 40


def value_of_text(cell: str, *, decimal_comma: bool = False) -> float:
    """Read a number; NaN where the cell says that there is none.

    Raises:
        ValueError: it is no number.
    """
    if not cell:
        return math.nan
    try:
        number = float(cell)
    except ValueError:
        if cell.strip().casefold() in MISSING:
            return math.nan
        if decimal_comma and cell.count(",") == 1:
            return value_of_text(cell.replace(",", "."))
        raise ValueError(f"{shown(cell)} is no number") from None
    if "_" in cell:  # float() takes 1_000, which no logger writes
        raise ValueError(f"{shown(cell)} is no number")
    return number


def value_of_json(value: object) -> float:
    """Read a JSON value as a number; NaN where there is none.

    Raises:
        ValueError: it is no number.
    """
    if type(value) is float:
        return value
    if value is None:
        return math.nan
    if isinstance(value, str):
        return value_of_text(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{shown(value)} is no number")  # noqa: TRY004 - as for any other cell
    try:
        return float(value)
    except OverflowError:
        raise ValueError("a whole number too large for a float") from None


def first_of_pair(cell: str) -> str:
    """Give the first number of a pair such as `(0.9, 0.999)`, which is how Adam's betas are printed."""
    inside = cell.strip()
    return inside[1:].split(",")[0].rstrip(")]") if inside[:1] in ("(", "[") else cell


def check_step(step: float) -> float:
    """Give a step back, if it is one.

    Raises:
        ValueError: it is missing, negative, fractional or too large to be counted exactly.
    """
    if 0 <= step < MOST_STEPS and step == int(step):
        return step
    raise ValueError("no step in this row" if math.isnan(step) else f"{step:.17g} is no step")


def check_epoch(epoch: float) -> float:
    """Give an epoch back, whole or not, if it is one.

    Raises:
        ValueError: it is missing, negative or too large.
    """
    if 0 <= epoch < MOST_STEPS:
        return epoch
    raise ValueError("no epoch in this row" if math.isnan(epoch) else f"{epoch:.17g} is no epoch")


def shown(value: object) -> str:
    """Show a value in a message, cut where it is long."""
    # A long text is cut before it is escaped: a cell may hold a megabyte.
    text = repr(value[: 2 * LONGEST_SHOWN]) if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
