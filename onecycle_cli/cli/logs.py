"""What the commands that read a log share: their arguments, and the progress of --follow."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from onecycle_cli.policy.onecycle import OneCycle
    from onecycle_cli.run import Verdict
    from onecycle_cli.run.logs.log import Log

ColumnOption = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="KEY=NAME",
        help="The column to read: lr=, step= or momentum=NAME. Repeat lr= for several parameter groups.",
    ),
]

LogArgument = Annotated[
    str,
    typer.Argument(metavar="LOG", help="CSV, JSON, JSON Lines or TensorBoard event file; - reads standard input."),
]

TENTHS = 10
"""Progress messages per cycle."""


def read_columns(given: Iterable[str] | None) -> dict[str, list[str]]:
    """Return the columns a user names as `lr=NAME`, by key.

    Raises:
        OnecycleError: a text is not of this form.
    """
    columns: dict[str, list[str]] = {}
    for text in given or ():
        key, equals, name = text.partition("=")
        if not equals or not key.strip() or not name.strip():
            raise OnecycleError(f"invalid --column {text[:60]!r}", "write it like --column lr=NAME")
        columns.setdefault(key.strip(), []).append(name)
    return columns


def check_followed(
    settings: OneCycle,
    path: str,
    columns: Mapping[str, Sequence[str]],
    tolerance: float | None,
    *,
    partial: bool,
    interval: float,
) -> tuple[Log, Verdict]:
    """Return a growing log and its verdict once it is decided, and print the progress on standard error."""
    from onecycle_cli.run.checker import check
    from onecycle_cli.run.logs.stream import check_growing_log

    progress = _Progress(path, settings.schedule().total_steps)
    check_log = functools.partial(check, settings, tolerance=tolerance)
    return check_growing_log(path, columns, check_log, progress, partial=partial, interval=interval)


class _Progress:
    """Prints how far a growing log has come: at its first rows, each tenth of the cycle, and where it diverges."""

    def __init__(self, path: str, total_steps: int) -> None:
        self._total = total_steps
        self._tenth = -1
        self._diverged = False
        sys.stderr.write(f"following {'standard input' if path == '-' else printable(path)}; press Ctrl-C to stop\n")

    def __call__(self, log: Log, verdict: Verdict) -> None:
        """Print the progress, if there is something new to say."""
        first = verdict.first_divergence
        if first is not None:
            if not self._diverged:
                sys.stderr.write(f"diverges at step {first.step:,}; reading more rows to determine the cause\n")
            self._diverged = True
            return
        done = int(log.steps.max()) + verdict.offset + 1
        tenth = done * TENTHS // self._total
        if tenth > self._tenth or self._diverged:
            percent = 100 * done / self._total
            sys.stderr.write(f"step {done - 1:,} of {self._total:,} ({percent:.0f} %): as planned so far\n")
            sys.stderr.flush()
        self._tenth, self._diverged = max(tenth, self._tenth), False
