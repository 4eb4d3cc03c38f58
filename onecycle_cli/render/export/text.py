"""CSV and JSON Lines. orjson writes the numbers: the shortest text that reads back to the same float64."""

from __future__ import annotations

import csv
import io
from typing import IO, TYPE_CHECKING

from onecycle_cli.render.rows import chunks

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from onecycle_cli.render.rows import Table

CELLS = 4096
"""Numbers made into text at a time: measured, fastest where their texts stay in the processor's cache."""

LEAST_ROWS = 256
"""Rows at a time however many columns there are: below it, NumPy's cost a call outweighs the work."""


def write_csv(table: Table, stream: IO[bytes]) -> Generator[int]:
    r"""Write a header, then a line a row, each ended by \n; yield the rows written so far.

    A name with a comma or a quote in it is quoted.
    """
    names = [column.name for column in table.columns]
    header = io.StringIO(newline="")
    csv.writer(header, lineterminator="\n").writerow(names)
    stream.write(header.getvalue().encode())
    yield from _write(table, stream, [b"", *[b","] * (len(names) - 1)], b"\n")


def write_jsonl(table: Table, stream: IO[bytes]) -> Generator[int]:
    """Write an object a row, a line each, with the columns as keys; yield the rows written so far."""
    import orjson

    keys = [orjson.dumps(column.name) + b":" for column in table.columns]
    yield from _write(table, stream, [b"{" + keys[0], *[b"," + key for key in keys[1:]]], b"}\n")


def _write(table: Table, stream: IO[bytes], before: Sequence[bytes], end: bytes) -> Generator[int]:
    """Write rows, with a text before each column's number and one at the end of each row."""
    import orjson

    # Each number has its place in a row of texts, and what parts two rows is one text.
    row = [piece for text in [*before[1:], end + before[0]] for piece in (b"", text)]
    at_once = max(LEAST_ROWS, CELLS // len(before))
    written = 0
    for chunk in chunks(table.columns, table.window, at_once):
        pieces = row * len(chunk[0])
        for at, values in enumerate(chunk):
            numbers = orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY)
            pieces[2 * at :: len(row)] = numbers[1:-1].split(b",")
        pieces[-1] = end
        stream.write(before[0] + b"".join(pieces))
        written += len(chunk[0])
        yield written
