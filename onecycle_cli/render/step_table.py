"""A schedule as a table: named columns over a window of steps, and the files for machines that it is written to.

The names are a contract: `step`, `epoch` where the steps per epoch are known, then `lr` and `momentum`, once per
parameter group (`lr_0`, `momentum_0`, `lr_1` …, or by the groups' names) where there are several. Files are written in
constant memory to a binary stream.
"""

from __future__ import annotations

import io
import math
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import IO, TYPE_CHECKING, Any, cast

from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import count, join_words, without_markers

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from onecycle_cli.policy.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name, whether it holds whole numbers, and its values.

    `at` returns the value at a step as a plain number or, for an int64 array of steps, an int64 or float64 array.
    """

    name: str
    whole: bool
    at: Callable[[Any], Any]


def window(schedule: Schedule, first: int | None = None, stop: int | None = None, every: int = 1) -> range:
    """Return steps of a schedule: first <= step < stop, every so many.

    Args:
        schedule: the schedule whose steps they are.
        first: by default the first step still ahead; a resumed run's earlier steps can be chosen too.
        stop: by default the end of the cycle.
        every: rows are first, first + every, first + 2 * every …

    Raises:
        OnecycleError: the window reaches outside the cycle, or contains no steps.
    """
    total = schedule.total_steps
    first = schedule.first_step if first is None else first
    stop = total if stop is None else stop
    if every < 1:
        raise OnecycleError(f"invalid --every {every:,}", "use 1 or more")
    for word, step, least, most in (("from", first, 0, total - 1), ("to", stop, 1, total)):
        if not least <= step <= most:
            message = f"--{word} {step:,} is outside the cycle of {count(total, 'step')}"
            raise OnecycleError(message, f"use a value from {least} to {most}")
    if stop <= first:
        message = f"--from {first:,} --to {stop:,} contains no steps: --to is exclusive"
        raise OnecycleError(message, "set --to above --from")
    # A stride beyond the window is cut to it: the rows are the same, and the number fits an int64.
    return range(first, stop, min(every, stop - first))


def make_columns(schedule: Schedule) -> tuple[Column, ...]:
    """Return the columns of a schedule, in the order of the contract."""
    found = [Column("step", whole=True, at=lambda step: step)]
    per_epoch = schedule.steps_per_epoch
    if per_epoch is not None:
        found.append(Column("epoch", whole=True, at=lambda step: step // per_epoch))
    several = len(schedule.groups) > 1
    for group, name in enumerate(schedule.groups):
        ending = f"_{without_markers(name)}" if several else ""
        found.append(Column(f"lr{ending}", whole=False, at=partial(schedule.lr, group=group)))
        if schedule.cycles_momentum:
            found.append(Column(f"momentum{ending}", whole=False, at=partial(schedule.momentum, group=group)))
    return tuple(found)


def columns(schedule: Schedule) -> tuple[str, ...]:
    """Return the names of a schedule's columns, in the order of the contract."""
    return tuple(column.name for column in make_columns(schedule))


def table_rows(schedule: Schedule, steps: Iterable[int]) -> Iterator[dict[str, int | float]]:
    """Yield rows for any steps in any order, as plain numbers by column, without NumPy.

    Raises:
        StepError: a step lies outside the cycle.
        OnecycleError: a value is not finite.
    """
    wanted = make_columns(schedule)
    for step in steps:
        row = {column.name: column.at(step) for column in wanted}
        for name, value in row.items():
            if not math.isfinite(value):
                raise _not_finite(name, step, value)
        yield row


def chunks(wanted: Sequence[Column], window: range, rows: int) -> Iterator[list[NDArray[Any]]]:
    """Yield the columns' values over a window, at most so many rows at a time; memory does not grow with the window.

    Yields:
        For each chunk one array per column, int64 or float64, all of one length.

    Raises:
        OnecycleError: a value is not finite.
    """
    import numpy as np

    for begin in range(0, len(window), rows):
        here = window[begin : begin + rows]
        steps = np.arange(here.start, here.stop, here.step, dtype=np.int64)
        values = [column.at(steps) for column in wanted]
        for column, found in zip(wanted, values, strict=True):
            if not column.whole and not (finite := np.isfinite(found)).all():
                at = int(finite.argmin())
                raise _not_finite(column.name, int(steps[at]), float(found[at]))
        yield values


def _not_finite(name: str, step: int, value: float) -> OnecycleError:
    return OnecycleError(
        f"{name} at step {step:,} is {value}, not a finite number",
        "`onecycle validate` finds the setting that causes it",
    )


# --- CSV and JSON Lines -----------------------------------------------------------------------------------------------


TEXT_CELLS = 16_384
"""Numbers made into text at a time: with fewer, the calls cost more than the work; more are not faster."""

LEAST_TEXT_ROWS = 256
"""Rows at a time however many columns there are: with fewer, NumPy's cost per call outweighs the work."""


def write_csv(wanted: Sequence[Column], window: range, stream: IO[bytes]) -> Generator[int]:
    r"""Write a header, then one line per row, each ended by \n; yield the rows written so far.

    A name with a comma or a quote in it is quoted.
    """
    import csv

    names = [column.name for column in wanted]
    header = io.StringIO(newline="")
    csv.writer(header, lineterminator="\n").writerow(names)
    stream.write(header.getvalue().encode())
    yield from _write_texts(wanted, window, stream, [b"", *[b","] * (len(names) - 1)], b"\n")


def write_jsonl(wanted: Sequence[Column], window: range, stream: IO[bytes]) -> Generator[int]:
    """Write one object per row and line, with the columns as keys; yield the rows written so far."""
    import orjson

    keys = [orjson.dumps(column.name) + b":" for column in wanted]
    yield from _write_texts(wanted, window, stream, [b"{" + keys[0], *[b"," + key for key in keys[1:]]], b"}\n")


def _write_texts(
    wanted: Sequence[Column], window: range, stream: IO[bytes], before: Sequence[bytes], end: bytes
) -> Generator[int]:
    """Write rows, with a text before each column's number and one at the end of each row."""
    import orjson

    # Each number has its place in a row of texts, and one text separates two rows.
    row = [piece for text in [*before[1:], end + before[0]] for piece in (b"", text)]
    at_once = max(LEAST_TEXT_ROWS, TEXT_CELLS // len(before))
    written = 0
    for chunk in chunks(wanted, window, at_once):
        pieces = row * len(chunk[0])
        for at, values in enumerate(chunk):
            numbers = orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY)
            pieces[2 * at :: len(row)] = numbers[1:-1].split(b",")
        pieces[-1] = end
        stream.write(before[0] + b"".join(pieces))
        written += len(chunk[0])
        yield written


# --- NPZ --------------------------------------------------------------------------------------------------------------


NPZ_ROWS = 65_536
"""Rows written at a time."""


def write_npz(wanted: Sequence[Column], window: range, stream: IO[bytes]) -> Generator[int]:
    """Write a zip with one .npy per column, as `numpy.load` reads it; yield the rows written so far.

    The same plan gives the same bytes. While columns are missing, a row counts for the share that is written.
    """
    from zipfile import ZipFile, ZipInfo

    from numpy.lib import format as npy

    with ZipFile(_as_it_seeks(stream), "w") as archive:
        for at, column in enumerate(wanted):
            kind = "<i8" if column.whole else "<f8"  # on every machine
            # A ZipInfo has a fixed date unless given another.
            with archive.open(ZipInfo(f"{column.name}.npy"), "w", force_zip64=True) as entry:
                header = {"descr": kind, "fortran_order": False, "shape": (len(window),)}
                npy.write_array_header_1_0(entry, header)
                written = 0
                for (values,) in chunks((column,), window, NPZ_ROWS):
                    entry.write(values.astype(kind, copy=False).tobytes())
                    written += len(values)
                    yield (at * len(window) + written) // len(wanted)


class _Onward:
    """A stream that cannot seek, which ZipFile finds out by what is missing."""

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


# --- Parquet ----------------------------------------------------------------------------------------------------------


GROUP_CELLS = 2**20
"""Numbers in a row group: 8 MB are held at a time, for any number of columns."""

LEAST_GROUP = 1024


def write_parquet(wanted: Sequence[Column], window: range, stream: IO[bytes]) -> Generator[int]:
    """Write row group after row group, int64 and float64 columns without nulls; yield the rows written so far.

    Raises:
        OnecycleError: pyarrow is not installed.
    """
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise OnecycleError(
            "Parquet needs pyarrow, which is not installed", 'pip install "onecycle-cli[parquet]"'
        ) from None
    schema = arrow.schema(
        [
            arrow.field(column.name, arrow.int64() if column.whole else arrow.float64(), nullable=False)
            for column in wanted
        ]
    )
    at_once = max(LEAST_GROUP, GROUP_CELLS // len(wanted))
    written = 0
    # Nearly every value is different: a dictionary of them would only cost time and memory.
    with parquet.ParquetWriter(stream, schema, use_dictionary=False) as writer:
        for chunk in chunks(wanted, window, at_once):
            writer.write_table(arrow.table(chunk, schema=schema), row_group_size=at_once)
            written += len(chunk[0])
            yield written


# --- Any format -----------------------------------------------------------------------------------------------------


FORMATS: dict[str, Callable[[Sequence[Column], range, IO[bytes]], Generator[int]]] = {
    "csv": write_csv,
    "jsonl": write_jsonl,
    "npz": write_npz,
    "parquet": write_parquet,
}
"""The writers by file extension; each yields how many rows are written so far."""


def export(
    schedule: Schedule,
    window: range,
    format: str,  # noqa: A002 - it is the option's name
    stream: IO[bytes],
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write a schedule's rows.

    Args:
        schedule: whose rows they are.
        window: which steps, as `window` makes it.
        format: one of FORMATS.
        stream: a binary stream; it need not seek, and stays open.
        progress: called with the number of rows written so far, which grows to `len(window)`.

    Raises:
        OnecycleError: a value is not finite, or the format needs a package that is not installed.
    """
    with closing(FORMATS[format](make_columns(schedule), window, stream)) as writer:
        for written in writer:
            if progress is not None:
                progress(written)


def format_of(path: Path) -> str:
    """Return the format by a file's extension.

    Raises:
        OnecycleError: the extension is not one of FORMATS.
    """
    extension = path.suffix.lower().removeprefix(".")
    if extension in FORMATS:
        return extension
    known = join_words([f".{format_}" for format_ in FORMATS], "or")
    raise OnecycleError(f"{path}: unknown file extension", f"use {known}, or give --format")
