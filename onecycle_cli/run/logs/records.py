"""Delimited text: lines cut into the cells of records, with quotes as spreadsheets write them."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from onecycle_cli.run.logs.format import LONGEST_LINE
from onecycle_cli.run.logs.log import BadRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from onecycle_cli.run.logs.format import Line

    Record = tuple[int, list[str]]
    """The line a record starts on, and its cells."""

LONGEST_RECORD = 50
"""Lines after which an open quote is taken to be never closed: only its own line is lost then."""

MANY_LINES = 1000
"""Lines from which loading the reader of JSON saves time."""

JSON_NUMBERS = {int, float, type(None)}
"""Types of numbers in JSON, and of what stands for a missing one."""


class Records:
    """Cuts lines into records. A quoted cell may hold the delimiter, quotes and ends of line."""

    def __init__(self, delimiter: str) -> None:
        """Start between two records."""
        self.delimiter = delimiter
        self.waiting: list[Line] = []  # the lines since an open quote

    def cut(self, lines: Iterable[Line]) -> Iterator[Record | BadRow]:
        """Return the records of further lines; one with an open quote waits for the next lines."""
        delimiter = self.delimiter
        for number, text in lines:
            if not self.waiting and len(text) > LONGEST_LINE:
                yield BadRow(number, f"longer than {LONGEST_LINE:,} characters")
            elif self.waiting or '"' in text:
                yield from self._quoted((number, text))
            else:  # without a quote, the csv module does no more than this
                yield number, text.removesuffix("\r").split(delimiter)

    def end(self) -> Iterator[Record | BadRow]:
        """Return what an open quote holds back at the end of the file."""
        while self.waiting:
            yield from self._give_up()

    def _quoted(self, line: Line) -> Iterator[Record | BadRow]:
        """Return the record that the line with a quote, or behind an open one, ends; nothing where it ends none."""
        self.waiting.append(line)
        number, found = self.waiting[0][0], None
        if '"' in line[1]:
            try:
                found = cells_of("\n".join(text for _, text in self.waiting), self.delimiter)
            except csv.Error as error:
                if len(self.waiting) == 1 and not isinstance(error, OpenQuoteError):
                    self.waiting = []
                    yield BadRow(number, str(error))
        if found is not None:
            self.waiting = []
            yield number, found
        elif len(self.waiting) > LONGEST_RECORD:
            yield from self._give_up()

    def _give_up(self) -> Iterator[Record | BadRow]:
        """Drop the line with the open quote, and read the lines behind it again."""
        (number, _), *behind = self.waiting
        self.waiting = []
        yield BadRow(number, "a quote is never closed")
        yield from self.cut(behind)


class OpenQuoteError(csv.Error):
    """The text ends inside a quoted cell."""


def cells_of(text: str, delimiter: str) -> list[str]:
    """Return the cells of one record.

    Raises:
        OpenQuoteError: a quote is open at the end.
        csv.Error: it is not valid CSV.
    """
    text = text.removesuffix("\r")
    if '"' not in text:
        return text.split(delimiter)
    try:
        return next(csv.reader([text], delimiter=delimiter, skipinitialspace=True, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise OpenQuoteError("a quote is not closed in its line") from None
        # Quotes inside a cell that starts without one are ordinary characters to most writers.
        return next(csv.reader([text], delimiter=delimiter, skipinitialspace=True), [])


def rejoined(cells: Sequence[str], delimiter: str) -> list[str]:
    """Return cells in which a list that was written without quotes is one cell again."""
    joined: list[list[str]] = []
    depth = 0
    for cell in cells:
        if depth > 0:
            joined[-1].append(cell)
        else:
            joined.append([cell])
        depth += sum(map(cell.count, "[(<")) - sum(map(cell.count, "])>"))
    return list(map(delimiter.join, joined))


def plain_columns(texts: Sequence[str], delimiter: str, width: int, places: Sequence[int]) -> list[list[float]] | None:
    """Return some columns of records, one per text, as numbers; None unless they are plain.

    Records are plain if each has the same number of cells, and those in the columns are numbers or empty.
    """
    if not texts or max(map(len, texts)) > LONGEST_LINE:
        return None
    columns: list[list[Any]] | None = None
    if len(texts) >= MANY_LINES:
        columns = _as_json(texts, delimiter, width, places)
    if columns is None:
        columns = _as_split(texts, delimiter, width, places)
    try:
        return columns and [column if set(map(type, column)) <= JSON_NUMBERS else _floats(column) for column in columns]
    except ValueError:
        return None


def _as_json(texts: Sequence[str], delimiter: str, width: int, places: Sequence[int]) -> list[list[Any]] | None:
    """Return columns of numbers and quoted texts, which JSON writes as CSV does and reads several times as fast."""
    import orjson

    text = "],[".join(texts)
    if "\\" in text or (delimiter != "," and "," in text):
        return None
    text = f"[[{text.replace(delimiter, ',')}]]"
    if ",," in text or "[," in text or ",]" in text:  # empty cells; a second time, since matches do not overlap
        text = text.replace("[,", "[null,").replace(",,", ",null,").replace(",,", ",null,").replace(",]", ",null]")
    try:
        rows = orjson.loads(text)
    except ValueError:
        return None
    if len(rows) != len(texts) or set(map(len, rows)) != {width}:
        return None
    columns = [[row[place] for row in rows] for place in places]
    return columns if all(set(map(type, column)) <= JSON_NUMBERS | {str} for column in columns) else None


def _as_split(texts: Sequence[str], delimiter: str, width: int, places: Sequence[int]) -> list[list[Any]] | None:
    """Return columns of texts; None where a cell is quoted."""
    # The first cell of each line starts with an end of line, by which lines of other lengths are found.
    text = "\n" + f"{delimiter}\n".join(texts)
    if '"' in text:
        return None
    cells = text.split(delimiter)
    whole = len(cells) == width * len(texts) and "".join(cells[::width]).count("\n") == len(texts)
    if not whole:
        return None
    return [cells[place::width] if place else [cell[1:] for cell in cells[::width]] for place in places]


def _floats(column: Sequence[Any]) -> list[float]:
    """Return cells as numbers, NaN where one is empty.

    Raises:
        ValueError: one is not a number.
    """
    numbers = [float(cell if cell not in ("", None) else "nan") for cell in column]
    if "_" in "".join(cell for cell in column if type(cell) is str):  # float() reads 1_000, which no logger writes
        raise ValueError
    return numbers
