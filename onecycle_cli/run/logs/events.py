"""TensorBoard's event files, read by TensorBoard's own library, which is an extra."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs.choosing import EVENTS, choose
from onecycle_cli.run.logs.gathering import Gathering
from onecycle_cli.run.logs.kinds import is_event_file
from onecycle_cli.run.logs.log import BadRow
from onecycle_cli.run.logs.numbers import check_step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from onecycle_cli.run.logs.log import Log
    from onecycle_cli.run.logs.rows import Columns, Row

    Scalar = tuple[int, int, str, float]
    """A value in an event file: the event's number, from 1, its step, its tag, and itself."""


def files_in(folder: str) -> list[str]:
    """Give the event files of a folder, as they were begun: a resumed run begins another.

    Raises:
        OnecycleError: there is none.
    """
    found = [str(path) for path in sorted(Path(folder).iterdir()) if path.is_file() and _is_event_file(path)]
    if not found:
        raise OnecycleError(f"{folder} is a folder without event files of TensorBoard", "name the log's file")
    return found


def _is_event_file(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return is_event_file(stream.read(256))
    except OSError:
        return False


def read_events(path: str, files: Sequence[str], wanted: Mapping[str, Sequence[str]]) -> Log:
    """Read event files as one log.

    Args:
        path: what messages and the log call them.
        files: event files, in the order of the run.
        wanted: the user's own names of tags.

    Raises:
        OnecycleError: TensorBoard is not installed, or no tag is a learning rate.
    """
    tags = dict.fromkeys(tag for file in files for _, _, tag, _ in _scalars(file))
    columns = choose(path, list(tags), wanted, EVENTS)
    gathering = Gathering(path)
    for file in files:
        gathering.take(_rows(_scalars(file), columns))
    return gathering.log(columns)


def _rows(scalars: Iterable[Scalar], columns: Columns) -> Iterator[Row | BadRow]:
    """Put together what was logged one after the other for one step."""
    places = {name: at for at, name in enumerate(columns.values)}
    row: list[float] = []
    begun, current = 0, -1
    for number, step, tag, value in scalars:
        at = places.get(tag)
        if at is None:
            continue
        if not row or step != current or not math.isnan(row[at]):
            yield from _row(begun, current, row)
            row, begun, current = [math.nan] * len(places), number, step
        row[at] = value
    yield from _row(begun, current, row)


def _row(line: int, step: int, values: list[float]) -> Iterator[Row | BadRow]:
    if all(map(math.isnan, values)):
        return
    try:
        yield line, check_step(step), values
    except ValueError as error:
        yield BadRow(line, str(error))


def _scalars(file: str) -> Iterator[Scalar]:
    """Give the scalars of an event file up to its end, or to where it is torn."""
    load, array_of = _library()
    try:
        for number, event in enumerate(load(file).Load(), 1):
            for value in event.summary.value:
                if value.HasField("simple_value"):
                    yield number, event.step, value.tag, float(value.simple_value)
                elif value.HasField("tensor") and not value.tensor.tensor_shape.dim:
                    scalar = array_of(value.tensor)
                    if scalar.dtype.kind in "fiu":
                        yield number, event.step, value.tag, float(scalar)
    except Exception as error:  # noqa: BLE001 - the library has no one kind of error for a damaged file
        raise OnecycleError(
            f"{file} is no sound event file: {str(error)[:120]}", "check that it was copied whole"
        ) from None


def _library() -> tuple[Any, Any]:
    try:
        from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
        from tensorboard.util.tensor_util import make_ndarray
    except ImportError:
        message = "an event file of TensorBoard is read by its library, which is not installed"
        raise OnecycleError(message, "pip install 'onecycle-cli[tensorboard]', or export the chart as CSV") from None
    return LegacyEventFileLoader, make_ndarray
