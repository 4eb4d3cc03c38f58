"""TensorBoard's event files, read by TensorBoard's own library, which is an extra."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs.builder import rows_by_step
from onecycle_cli.run.logs.format import Format, Head, Reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onecycle_cli.run.logs.log import Log

    Scalar = tuple[int, int, str, float]
    """A value in an event file: the event's number, 1-based, its step, its tag, and the value."""

FRAME = 12
"""Bytes before an event: its length and a checksum."""


class EventReader(Reader):
    """Reads an event file, or a folder of them as one log: a resumed run starts another file."""

    @classmethod
    def recognizes(cls, head: Head) -> bool | None:
        """Return whether a framed event that names the file's version comes first."""
        if len(head.data) < FRAME:
            return None if b"\0" in head.data else False  # seven bytes of the event's length are NUL
        (length,) = struct.unpack("<Q", head.data[:8])
        return length < 256 and b"brain.Event:" in head.data[FRAME : FRAME + length]

    @classmethod
    def recognizes_folder(cls, folder: str) -> bool:
        """Return whether there is an event file in the folder."""
        return any(map(is_event_file, Path(folder).iterdir()))

    def read(self, chunks: Iterable[bytes]) -> Log:  # noqa: ARG002 - the library opens the files itself
        """Return the log in the event files, in the order of their names, which start with their time."""
        path = Path(self.path)
        if self.path == "<stdin>":
            raise OnecycleError("event files cannot be read from standard input", "name the file, or its folder")
        files = sorted(filter(is_event_file, path.iterdir())) if path.is_dir() else [path]
        self.columns = self.choose(list(dict.fromkeys(tag for file in files for _, _, tag, _ in _scalars(file))))
        for file in files:
            self.builder.add(rows_by_step(_scalars(file), self.columns))
        return self.build()


def is_event_file(path: Path) -> bool:
    """Return whether a path is a file that can be opened and starts like an event file."""
    try:
        if not path.is_file():  # opening a named pipe would wait for its writer
            return False
        with path.open("rb") as stream:
            return EventReader.recognizes(Head(stream.read(FRAME + 256))) is True
    except OSError:
        return False


def _scalars(file: Path) -> Iterator[Scalar]:
    """Return the scalars of an event file up to its end, or to where it is torn."""
    try:
        from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader
        from tensorboard.util.tensor_util import make_ndarray
    except ImportError:
        message = "reading an event file of TensorBoard needs its library, which is not installed"
        raise OnecycleError(message, "pip install 'onecycle-cli[tensorboard]', or export the chart as CSV") from None
    try:
        for number, event in enumerate(LegacyEventFileLoader(str(file)).Load(), 1):
            for value in event.summary.value:
                if value.HasField("simple_value"):
                    yield number, event.step, value.tag, float(value.simple_value)
                elif value.HasField("tensor") and not value.tensor.tensor_shape.dim:
                    scalar = make_ndarray(value.tensor)
                    if scalar.dtype.kind in "fiu":
                        yield number, event.step, value.tag, float(scalar)
    except Exception as error:  # noqa: BLE001 - the library raises errors of many kinds for a damaged file
        message = f"{file} is a damaged event file: {str(error)[:120]}"
        raise OnecycleError(message, "check that it was copied completely") from None


# Each event has its step; a tag of that name is another value.
FORMATS = (Format("tensorboard-events", EventReader, step="step"),)
