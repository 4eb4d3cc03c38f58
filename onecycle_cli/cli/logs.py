"""The arguments of the commands that read a log."""

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
        metavar="KEY=NAME",
        help="The column to read: lr=, step= or momentum=NAME. Repeat lr= for several parameter groups.",
    ),
]

PatternOption = Annotated[
    list[str] | None,
    typer.Option(
        "--pattern",
        metavar="TEXT",
        help="Where a text log has its numbers: 'epoch {epoch} step {step} lr {lr}'; {} stands for any text.",
    ),
]

LogArgument = Annotated[
    str,
    typer.Argument(metavar="LOG", help="A log of any kind, or a run's folder; - reads standard input."),
]


def read_columns(given: Iterable[str] | None, *, loss: bool = False) -> dict[str, list[str]]:
    """Return the columns a user names as `lr=NAME`, by key; `loss` for a command that reads the loss, too.

    Raises:
        OnecycleError: a text is not of this form.
    """
    columns: dict[str, list[str]] = {"loss": []} if loss else {}
    for text in given or ():
        key, equals, name = text.partition("=")
        if not equals or not key.strip() or not name.strip():
            raise OnecycleError(f"invalid --column {text[:60]!r}", "write it like --column lr=NAME")
        if key.strip() == "loss" and not loss:
            raise OnecycleError("--column loss= has no effect here", "leave it out; `onecycle range` reads the loss")
        columns.setdefault(key.strip(), []).append(name)
    return columns
