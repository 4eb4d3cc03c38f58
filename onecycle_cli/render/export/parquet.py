"""Parquet, through pyarrow, which is installed on request: `onecycle-cli[parquet]`."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from onecycle_cli.errors import OnecycleError
from onecycle_cli.render.rows import chunks

if TYPE_CHECKING:
    from collections.abc import Generator

    from onecycle_cli.render.rows import Table

CELLS = 2**20
"""Numbers in a row group: 8 MB are held at a time, whatever the number of columns."""

LEAST_ROWS = 1024


def write_parquet(table: Table, stream: IO[bytes]) -> Generator[int]:
    """Write row group after row group, int64 and float64 columns without nulls; yield the rows written so far.

    Raises:
        OnecycleError: pyarrow is not installed.
    """
    arrow, parquet = _pyarrow()
    schema = arrow.schema(
        [
            arrow.field(column.name, arrow.int64() if column.whole else arrow.float64(), nullable=False)
            for column in table.columns
        ]
    )
    at_once = max(LEAST_ROWS, CELLS // len(table.columns))
    written = 0
    # Nearly every value is another one: a dictionary of them would only cost time and memory.
    with parquet.ParquetWriter(stream, schema, use_dictionary=False) as writer:
        for chunk in chunks(table.columns, table.window, at_once):
            writer.write_table(arrow.table(chunk, schema=schema), row_group_size=at_once)
            written += len(chunk[0])
            yield written


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise OnecycleError(
            "Parquet needs pyarrow, which is not installed", 'pip install "onecycle-cli[parquet]"'
        ) from None
    return pyarrow, pyarrow.parquet
