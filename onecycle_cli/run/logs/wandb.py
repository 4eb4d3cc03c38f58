"""W&B's own record of a run, `run-ID.wandb`: what an offline run leaves, and an online one keeps beside it.

The file is a log of LevelDB's form: blocks of 32 KiB with framed pieces of records. Each record is a message of
wandb_internal.proto; those with a run's history hold a value of JSON for each key.
"""

from __future__ import annotations

import json
import struct
import zlib
from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs.cells import Written
from onecycle_cli.run.logs.format import Format, Reader
from onecycle_cli.run.logs.objects import ObjectReader, entry_of
from onecycle_cli.run.logs.protobuf import fields, signed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onecycle_cli.run.logs.format import Head
    from onecycle_cli.run.logs.log import BadRow, Log
    from onecycle_cli.run.logs.objects import Entry

MAGIC = b":W&B\xe1\xbe\x00"
"""The first bytes of a file, which belong to its first block."""

BLOCK = 2**15
"""Bytes of a block; a piece does not go over its end."""

FRAME = struct.Struct("<IHB")
"""What is before a piece: its checksum, length and kind."""

FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4
"""Kinds of pieces."""

# The numbers of the fields that are read, from wandb/proto/wandb_internal.proto (wandb 0.31).
RECORD_HISTORY = 2
HISTORY_ITEM = 1
ITEM_KEY, ITEM_NESTED_KEY, ITEM_INTEGER, ITEM_NUMBER, ITEM_JSON = 1, 2, 5, 6, (8, 16)


class RunReader(ObjectReader, Reader):
    """Reads the history in a run's own record."""

    @classmethod
    def recognizes(cls, head: Head) -> bool | None:
        """Return whether the file starts as such a record."""
        return head.data.startswith(MAGIC[:6])

    def read(self, chunks: Iterable[bytes]) -> Log:
        """Return the log in a whole file, up to its end or to where it is torn."""
        try:
            self.builder.add(self.rows_of(_entries(chunks)))
        except (ValueError, RecursionError) as error:
            message = f"{self.path} is a damaged record of W&B: {error}"
            raise OnecycleError(message, "check that it was copied completely") from None
        self.builder.add(self.remaining_rows())
        return self.build()


def _entries(chunks: Iterable[bytes]) -> Iterator[Entry | BadRow]:
    """Yield the objects of the history, each with its record's number."""
    for number, record in enumerate(records_of(chunks), 1):
        for field, _, history in fields(record):
            if field == RECORD_HISTORY and isinstance(history, bytes):
                items = (value for part, _, value in fields(history) if part == HISTORY_ITEM)
                yield entry_of(number, dict(_item(item) for item in items if isinstance(item, bytes)))


def _item(item: bytes) -> tuple[str, object]:
    """Return a key, with slashes where it is nested, and its value."""
    key: list[str] = []
    value: object = None
    for field, _, content in fields(item):
        if field in (ITEM_KEY, ITEM_NESTED_KEY) and isinstance(content, bytes):
            key.append(content.decode("utf-8", "replace"))
        elif field in ITEM_JSON and isinstance(content, bytes):
            value = json.loads(content.decode("utf-8", "replace"), parse_float=Written)
        elif field == ITEM_INTEGER and isinstance(content, int):
            value = signed(content)
        elif field == ITEM_NUMBER and isinstance(content, bytes):
            (value,) = struct.unpack("<d", content)
    return "/".join(filter(None, key)), value


def records_of(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the records; one that is cut off at the end is left out.

    Raises:
        ValueError: a checksum is wrong.
    """
    waiting, at, dropped = bytearray(), len(MAGIC), 0
    record = bytearray()
    for chunk in chunks:
        waiting += chunk
        while True:
            left = BLOCK - (dropped + at) % BLOCK
            if left < FRAME.size:  # a block's last bytes, too few for another piece
                at += left
            if len(waiting) < at + FRAME.size:
                break
            checksum, length, kind = FRAME.unpack_from(waiting, at)
            end = at + FRAME.size + length
            if len(waiting) < end:
                break
            piece = bytes(waiting[at + FRAME.size : end])
            if zlib.crc32(piece, zlib.crc32(bytes([kind]))) != checksum:
                raise ValueError(f"a wrong checksum at byte {dropped + at:,}")
            at = end
            record = bytearray() if kind in (FULL, FIRST) else record
            record += piece
            if kind in (FULL, LAST):
                yield bytes(record)
        dropped += min(at, len(waiting))
        at, waiting = max(at - len(waiting), 0), waiting[at:]


FORMATS = (Format("wandb", RunReader),)
