"""Cells of a log as numbers: plain ones, and those that print as a list, a tensor or an array."""

from __future__ import annotations

import math
import re

from onecycle_cli.formatting import shorten

MISSING = frozenset({"", "na", "nan", "none", "null"})
"""Words, in lower case, for a missing value: R writes NA, pandas nothing or nan, Python None."""

CELL_SHOWN = 40
"""Characters of a cell that a message shows at most."""

LONGEST_CELL = 2000
"""Characters up to which a cell is looked at as a printed list: 64 numbers with all their digits."""

_BRACKETS = ("[", "(")
_OF_TENSORFLOW = re.compile(r"<tf\.(?:Tensor|Variable)[^>]*\bnumpy=([^>]+)>")
_KEYWORD = re.compile(r",\s*[a-z_]+=(?:'[^']*'|<[^>]*>|\([^()]*\)|[\w.]+)")
_CALL = re.compile(r"[A-Za-z_][\w.]*\(")
_BETWEEN = re.compile(r"\s*,\s*|\s+")


class Written(float):
    """A number, with its text as it was written, which shows how it was rounded.

    Attributes:
        text: the text, without what was around the number.
    """

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Written:
        """Read a number's text."""
        number = super().__new__(cls, text)
        number.text = text.strip()
        return number


def value_of_text(cell: str, *, decimal_comma: bool = False) -> float:
    """Return a cell's number, with its text; NaN where the cell is empty or says that the value is missing.

    Raises:
        ValueError: it is not a number.
    """
    if not cell:
        return math.nan
    try:
        number = Written(cell)
    except ValueError:
        if cell.strip().casefold() in MISSING:
            return math.nan
        if decimal_comma and cell.count(",") == 1:
            return value_of_text(cell.replace(",", "."))
        items = items_of(cell)
        if len(items) == 1 and items[0] != cell:
            return value_of_text(items[0])
        what = f"{len(items)} numbers" if len(items) > 1 else "not a number"
        raise ValueError(f"{shown(cell)} is {what}") from None
    if "_" in cell:  # float() reads 1_000, which no logger writes
        raise ValueError(f"{shown(cell)} is not a number")
    return number


def text_of(value: object) -> str:
    """Return how a number was written; "" where that is not known."""
    return value.text if isinstance(value, Written) else value if isinstance(value, str) else ""


def value_of_json(value: object) -> float:
    """Return a JSON value as a number; NaN where it is missing.

    Raises:
        ValueError: it is not a number.
    """
    if isinstance(value, float):
        return value
    if value is None:
        return math.nan
    if isinstance(value, str):
        return value_of_text(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{shown(value)} is not a number")  # noqa: TRY004 - as for any other cell
    try:
        return float(value)
    except OverflowError:
        raise ValueError("an integer too large for a float") from None


def items_of(cell: str) -> list[str]:
    """Return the texts of the numbers in a printed list, tuple, tensor or array; nothing where it is none of these.

    These print the same rate: `[0.004]`, `tensor([0.0040], device='cuda:0')`, `array(0.004, dtype=float32)`,
    `[np.float64(0.004)]`.
    """
    text = cell.strip()
    if len(text) > LONGEST_CELL or text[-1:] not in (")", "]", ">"):
        return []
    if text.startswith("<"):
        match = _OF_TENSORFLOW.fullmatch(text)
        text = f"[{match[1]}]" if match else text
    text = _CALL.sub("(", _KEYWORD.sub("", text))
    if not text.startswith(_BRACKETS):
        return []
    inside = text.translate(_WITHOUT_BRACKETS).strip().rstrip(",").strip()
    items = _BETWEEN.split(inside) if inside else []
    return items if all(map(_is_number, items)) else []


def unwrapped(text: str) -> str:
    """Return a line of a table with the numbers of its lists, tensors and arrays as cells of their own, unquoted."""
    return (_CALL.sub("", _KEYWORD.sub("", text)) if "(" in text else text).translate(_WITHOUT_QUOTES)


_WITHOUT_BRACKETS, _WITHOUT_QUOTES = str.maketrans("", "", "[]()"), str.maketrans("", "", '[]()"')


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text.casefold() in MISSING
    return True


def shown(value: object) -> str:
    """Return a cell as a message shows it."""
    # A long text is cut before it is escaped: a cell may hold a megabyte.
    return shorten(repr(value[: 2 * CELL_SHOWN]) if isinstance(value, str) else str(value), CELL_SHOWN)
