"""What the commands share that read a log: the columns a user names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from onecycle_cli.errors import OnecycleError

if TYPE_CHECKING:
    from collections.abc import Iterable

ColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="WHAT=NAME",
        help="Which column holds what: lr=, step= or momentum=NAME. Repeat it; several lr= are parameter groups.",
    ),
]

LogArgument = Annotated[
    str, typer.Argument(metavar="LOG", help="CSV, JSON, JSON Lines or TensorBoard's events; - reads standard input.")
]


def read_columns(given: Iterable[str] | None) -> dict[str, list[str]]:
    """Read the columns a user names, as `lr=NAME`.

    Raises:
        OnecycleError: it is not written so.
    """
    columns: dict[str, list[str]] = {}
    for text in given or ():
        what, equals, name = text.partition("=")
        if not equals or not what.strip() or not name.strip():
            raise OnecycleError(f"--column {text[:60]} names no column", "write it like --column lr=NAME")
        columns.setdefault(what.strip(), []).append(name)
    return columns
