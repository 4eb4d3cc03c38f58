"""What kind of file a log is, by its first bytes."""

from __future__ import annotations

import json
import struct
from typing import Literal

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs.documents import HISTORY
from onecycle_cli.run.logs.lines import encoding_of

Kind = Literal["events", "document", "objects", "table"]

FOREIGN = {
    b"\x1f\x8b": ("compressed with gzip", "unpack it first: gunzip"),
    b"PK\x03\x04": ("a zip archive (npz and xlsx are, too)", "save the log as CSV or JSON Lines"),
    b"PAR1": ("a Parquet file", "save the log as CSV or JSON Lines"),
    b"\x89PNG": ("a picture", "name the log it was drawn from"),
}
"""What begins so is known, and not read."""

LINES_LOOKED_AT = 5
"""JSON Lines have an object on a line of its own this early; a document written over many lines has none."""

EVENT_HEAD = 12
"""Bytes before an event: its length, and a checksum."""


def kind_of(path: str, data: bytes, *, ended: bool) -> Kind | None:
    """Tell the kind of a file from its beginning; None where more of it must be seen.

    Args:
        path: what messages call the file.
        data: the file from its first byte on.
        ended: there is no more of it.

    Raises:
        OnecycleError: it is no log.
    """
    if is_event_file(data):
        return "events"
    for begin, (what, hint) in FOREIGN.items():
        if data.startswith(begin):
            raise OnecycleError(f"{path} is {what}", hint)
    encoding = encoding_of(data)
    if b"\0" in data[:1024].partition(b"\n")[0] and encoding != "utf-16":
        raise OnecycleError(f"{path} is no text, nor an event file of TensorBoard", "check that this is the file meant")
    return _kind_of_text(data.decode(encoding, "replace").lstrip(), ended=ended)


def is_event_file(data: bytes) -> bool:
    """Tell whether bytes begin as TensorBoard's event files do: a framed record that names the file's version."""
    if len(data) < EVENT_HEAD:
        return False
    (length,) = struct.unpack("<Q", data[:8])
    return length < 256 and b"brain.Event:" in data[EVENT_HEAD : EVENT_HEAD + length]


def _kind_of_text(text: str, *, ended: bool) -> Kind | None:
    if text.startswith("["):
        return "document"
    *lines, rest = text.split("\n", LINES_LOOKED_AT)
    if ended:
        lines.append(rest)
    if not text.startswith("{"):
        return "table" if lines and lines[0] else None
    for line in lines:
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            return "document" if isinstance(value.get(HISTORY), list) else "objects"
    if ended or len(lines) >= LINES_LOOKED_AT or f'"{HISTORY}"' in text:
        return "document"
    return None
