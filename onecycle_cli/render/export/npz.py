"""NPZ: a zip with one .npy a column, as `numpy.load` reads it. The same plan gives the same bytes."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, cast
from zipfile import ZipFile, ZipInfo

from onecycle_cli.render.rows import chunks

if TYPE_CHECKING:
    from collections.abc import Generator

    from onecycle_cli.render.rows import Column, Table

ROWS = 65_536
"""Rows written at a time."""


def write_npz(table: Table, stream: IO[bytes]) -> Generator[int]:
    """Write column after column, as the format has it; yield the rows written so far.

    While columns are still missing, a row counts for the share of it that is written.
    """
    rows, wide = table.window.size, len(table.columns)
    with ZipFile(_as_it_seeks(stream), "w") as archive:
        for at, column in enumerate(table.columns):
            # A ZipInfo bears a fixed date unless told another one.
            with archive.open(ZipInfo(f"{column.name}.npy"), "w", force_zip64=True) as entry:
                entry.write(_header(column, rows))
                written = 0
                for (values,) in chunks((column,), table.window, ROWS):
                    entry.write(values.astype(_kind(column), copy=False).tobytes())
                    written += len(values)
                    yield (at * rows + written) // wide


class _Onward:
    """A stream that can only be written on, which ZipFile finds out by what is missing."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.write = stream.write
        self.flush = stream.flush


def _as_it_seeks(stream: IO[bytes]) -> IO[bytes]:
    """Keep ZipFile from seeking in a device such as /dev/null, which says that it can and stays where it is."""
    if not stream.seekable():
        return stream
    here = stream.tell()
    moves = stream.seek(here + 1) != here
    stream.seek(here)
    return stream if moves else cast("IO[bytes]", _Onward(stream))


def _header(column: Column, rows: int) -> bytes:
    import io

    from numpy.lib import format as npy

    text = io.BytesIO()
    npy.write_array_header_1_0(text, {"descr": _kind(column), "fortran_order": False, "shape": (rows,)})
    return text.getvalue()


def _kind(column: Column) -> str:
    """Give the numbers' type as NumPy writes it: 64 bits, little-endian on every machine."""
    return "<i8" if column.whole else "<f8"
