"""A schedule's rows as a file for machines, written in constant memory to a binary stream."""

from __future__ import annotations

from contextlib import closing
from typing import IO, TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.render.export.npz import write_npz
from onecycle_cli.render.export.parquet import write_parquet
from onecycle_cli.render.export.text import write_csv, write_jsonl
from onecycle_cli.render.rows import Table, make_columns

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.render.rows import Window

FORMATS: dict[str, Callable[[Table, IO[bytes]], Generator[int]]] = {
    "csv": write_csv,
    "jsonl": write_jsonl,
    "npz": write_npz,
    "parquet": write_parquet,
}
"""The writers by the ending of a file's name; each yields how many rows are written so far."""


def export(
    schedule: Schedule,
    window: Window,
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
        progress: called with the number of rows written so far, which grows to `window.size`.

    Raises:
        OnecycleError: a value is not finite, or the format needs a package that is not installed.
    """
    table = Table(make_columns(schedule), window)
    with closing(FORMATS[format](table, stream)) as writer:
        for written in writer:
            if progress is not None:
                progress(written)


def format_of(path: Path) -> str:
    """Tell the format by the ending of a file's name.

    Raises:
        OnecycleError: the ending is none of FORMATS.
    """
    ending = path.suffix.lower().removeprefix(".")
    if ending in FORMATS:
        return ending
    known = ", ".join(f".{each}" for each in FORMATS)
    raise OnecycleError(f"{path} does not say which format it is", f"end its name in {known}, or give --format")
