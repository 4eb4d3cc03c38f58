"""CSV: lines into cells. A quoted cell may hold the delimiter, quotes and ends of line."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from onecycle_cli.run.logs.lines import LONGEST_LINE
from onecycle_cli.run.logs.log import BadRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onecycle_cli.run.logs.lines import Line

    Record = tuple[int, list[str]]
    """The line a record begins on, and its cells."""

DELIMITERS = ",;\t"

LONGEST_RECORD = 50
"""Lines after which a quote that was never closed is given up: only its own line is lost then."""


class Records:
    """Cuts lines into records."""

    def __init__(self, delimiter: str) -> None:
        """Begin between two records."""
        self.delimiter = delimiter
        self._open: list[Line] = []

    def cut(self, lines: Iterable[Line]) -> Iterator[Record | BadRow]:
        """Give the records of further lines; one with a quote still open waits for the next lines."""
        delimiter = self.delimiter
        for number, text in lines:
            if self._open:
                yield from self._go_on((number, text))
            elif len(text) > LONGEST_LINE:
                yield BadRow(number, f"longer than {LONGEST_LINE:,} characters")
            elif '"' in text:
                yield from self._quoted((number, text))
            else:  # without a quote, the csv module does no more than this
                yield number, text.removesuffix("\r").split(delimiter)

    def end(self) -> Iterator[Record | BadRow]:
        """Give what an open quote holds back at the end of the file."""
        while self._open:
            yield from self._give_up()

    def _quoted(self, line: Line) -> Iterator[Record | BadRow]:
        number, text = line
        try:
            yield number, cells_of(text, self.delimiter)
        except OpenQuoteError:
            self._open = [line]
        except csv.Error as error:
            yield BadRow(number, str(error))

    def _go_on(self, line: Line) -> Iterator[Record | BadRow]:
        self._open.append(line)
        if '"' in line[1]:
            text = "\n".join(text for _, text in self._open)
            try:
                record = self._open[0][0], cells_of(text, self.delimiter)
            except csv.Error:
                pass
            else:
                self._open = []
                yield record
        if len(self._open) > LONGEST_RECORD:
            yield from self._give_up()

    def _give_up(self) -> Iterator[Record | BadRow]:
        """Lose the line with the open quote, and read those behind it anew."""
        (number, _), *behind = self._open
        self._open = []
        yield BadRow(number, "a quote is never closed")
        yield from self.cut(behind)


class OpenQuoteError(csv.Error):
    """The text ends inside a quoted cell."""


def cells_of(text: str, delimiter: str) -> list[str]:
    """Cut one record into its cells.

    Raises:
        OpenQuoteError: a quote is open at the end.
        csv.Error: it is no CSV.
    """
    text = text.removesuffix("\r")
    if '"' not in text:
        return text.split(delimiter)
    try:
        return next(csv.reader([text], delimiter=delimiter, skipinitialspace=True, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            raise OpenQuoteError from None
        # Quotes inside a cell that begins without one are ordinary characters to most writers.
        return next(csv.reader([text], delimiter=delimiter, skipinitialspace=True), [])
