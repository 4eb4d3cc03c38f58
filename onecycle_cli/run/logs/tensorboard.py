"""TensorBoard's event files: framed messages, read without TensorBoard."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs.format import Format, Head, Reader
from onecycle_cli.run.logs.log_files import STDIN, chunks_of, opened, shown_as
from onecycle_cli.run.logs.named_values import NamedValues
from onecycle_cli.run.logs.protobuf import BYTES, fields, signed, varint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onecycle_cli.run.logs.log import Log

FRAME = 12
"""Bytes before an event: its length and a checksum of that."""

LARGEST_EVENT = 2**30
"""Bytes of an event; a picture or a graph may have some millions."""

# The numbers of the fields that are read, from tensorflow/core: util/event.proto, framework/summary.proto and
# framework/tensor.proto.
EVENT_STEP, EVENT_SUMMARY = 2, 5
SUMMARY_VALUE = 1
VALUE_TAG, VALUE_SIMPLE, VALUE_TENSOR = 1, 2, 8
TENSOR_TYPE, TENSOR_SHAPE, TENSOR_CONTENT = 1, 2, 4
SHAPE_DIM = 2

ELEMENTS = {1: "f", 2: "d", 3: "i", 4: "B", 5: "h", 6: "b", 9: "q", 17: "H", 19: "e", 22: "I", 23: "Q"}
"""A tensor's type, by its number in framework/types.proto, as `struct` names it."""

FLOATS = {5: "f", 6: "d"}
INTEGERS = (7, 10, 13, 16, 17)
"""Fields of a tensor that list its elements; 13 holds the bits of float16."""

FLOAT, CHECKSUM = 4, 4
"""Bytes of a number, and behind an event."""


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

    def read(self, chunks: Iterable[bytes]) -> Log:
        """Return the log in the event files; those of a folder in the order of their names, which start with a time."""
        folder = Path(self.path)
        values = NamedValues()
        if self.path != shown_as(STDIN) and folder.is_dir():
            for file in sorted(filter(is_event_file, folder.iterdir())):
                with opened(str(file)) as stream:
                    _add(values, chunks_of(stream, str(file)), str(file))
        else:
            _add(values, chunks, self.path)
        self.columns = self.choose(values.names)
        values.add_to(self.builder, self.columns)
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


def _add(values: NamedValues, chunks: Iterable[bytes], path: str) -> None:
    """Add the scalars of an event file, up to its end or to where it is torn.

    Raises:
        OnecycleError: the file is damaged.
    """
    try:
        for number, event in enumerate(_events(chunks), 1):
            step, summaries = 0, []
            for field, _, value in fields(event):
                if field == EVENT_STEP and isinstance(value, int):
                    step = signed(value)
                elif field == EVENT_SUMMARY and isinstance(value, bytes):
                    summaries.append(value)
            for summary in summaries:
                for tag, scalar in _values(summary):
                    values.add(number, tag, step, scalar)
    except ValueError as error:
        message = f"{path} is a damaged event file: {error}"
        raise OnecycleError(message, "check that it was copied completely") from None


def _events(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the framed messages; one that is cut off at the end is left out."""
    waiting = bytearray()
    for chunk in chunks:
        waiting += chunk
        at = 0
        while len(waiting) - at >= FRAME:
            (length,) = struct.unpack_from("<Q", waiting, at)
            if length > LARGEST_EVENT:
                raise ValueError(f"an event of {length:,} bytes")
            end = at + FRAME + length
            if end + CHECKSUM > len(waiting):
                break
            yield bytes(waiting[at + FRAME : end])
            at = end + CHECKSUM
        del waiting[:at]


def _values(summary: bytes) -> Iterator[tuple[str, float]]:
    """Yield the tags and numbers of a summary."""
    for field, _, value in fields(summary):
        if field != SUMMARY_VALUE or not isinstance(value, bytes):
            continue
        tag, number = "", None
        for part, _, inner in fields(value):
            if not isinstance(inner, bytes):
                continue
            if part == VALUE_TAG:
                tag = inner.decode("utf-8", "replace")
            elif part == VALUE_SIMPLE and len(inner) == FLOAT:
                (number,) = struct.unpack("<f", inner)
            elif part == VALUE_TENSOR:
                number = _scalar(inner)
        if number is not None:
            yield tag, number


def _scalar(tensor: bytes) -> float | None:
    """Return the number in a tensor without dimensions; None for any other."""
    element, content, number = None, b"", None
    for field, kind, value in fields(tensor):
        if field == TENSOR_TYPE and isinstance(value, int):
            element = ELEMENTS.get(value)
        elif field in INTEGERS:
            number = value if isinstance(value, int) else varint(value, 0)[0]
        elif isinstance(value, bytes) and field in FLOATS and (kind == BYTES or not content):
            content, element = value, FLOATS[field]
        elif isinstance(value, bytes) and field == TENSOR_CONTENT:
            content = value
        elif (
            isinstance(value, bytes) and field == TENSOR_SHAPE and any(part == SHAPE_DIM for part, *_ in fields(value))
        ):
            return None
    if element is None:
        return None
    if number is not None:
        return float(struct.unpack("<e", struct.pack("<H", number & 0xFFFF))[0] if element == "e" else signed(number))
    size = struct.calcsize(f"<{element}")
    return float(struct.unpack_from(f"<{element}", content)[0]) if len(content) >= size else None


# Each event has its step; a tag of that name is another value.
FORMATS = (Format("tensorboard-events", EventReader, step="step"),)
