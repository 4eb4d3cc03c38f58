"""The bytes of a log's file: opened, unpacked where it is compressed with gzip, and cut into chunks."""

from __future__ import annotations

import os
import sys
import zlib
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import IO, TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs.format import CHUNK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STDIN = "-"

GZIP = b"\x1f\x8b"
"""The first bytes of a file that is compressed with gzip."""

MOST_UNPACKED = 2**33
"""Bytes that a compressed file may hold; a log of 10**8 rows takes about half of them."""


def shown_as(path: str) -> str:
    """Return a file's name in messages and in the log."""
    return "<stdin>" if path == STDIN else path


@contextmanager
def opened(path: str) -> Iterator[IO[bytes]]:
    """Open a file, or standard input for `-`.

    Raises:
        OnecycleError: it is missing or cannot be read.
    """
    if path == STDIN:
        if sys.stdin is None:
            raise OnecycleError("cannot read standard input: it is closed", "name a file")
        yield sys.stdin.buffer
        return
    with readable(path), open(path, "rb") as stream:  # noqa: PTH123 - Path("") is the current folder
        yield stream


@contextmanager
def readable(path: str) -> Iterator[None]:
    """Turn the system's error for a file into a message.

    Raises:
        OnecycleError: it is missing or cannot be read.
    """
    try:
        yield
    except FileNotFoundError:
        raise OnecycleError(f"no such file: {path or repr(path)}", "check the path") from None
    except OSError as error:
        message = f"cannot read {path}: {error.strerror or error}"
        raise OnecycleError(message, "check the path and its permissions") from None
    except ValueError as error:
        if "null" not in str(error) and not isinstance(error, UnicodeError):
            raise
        raise OnecycleError(f"cannot read {path!r}: invalid file name", "check the path") from None


def split_member(path: str) -> tuple[str, str]:
    """Return a file and what is named in it, as in `mlflow.db/RUN`; nothing for a file or folder itself."""
    file, member = os.path.split(path)
    inside = bool(member) and not os.path.lexists(path) and os.path.isfile(file)  # noqa: PTH113 - see `opened`
    return (file, member) if inside else (path, "")


def chunks_of(stream: IO[bytes], path: str) -> Iterator[bytes]:
    """Yield the bytes of a file in chunks, unpacked where they are compressed.

    All chunks have CHUNK bytes, except the last one.

    Raises:
        OnecycleError: the file is compressed, and is damaged or too large.
    """
    chunks = iter(partial(stream.read, CHUNK), b"")
    first = next(chunks, b"")
    whole = chain([first], chunks)
    yield from _of_one_size(_unpacked(whole, path)) if first.startswith(GZIP) else whole


def _of_one_size(chunks: Iterable[bytes]) -> Iterator[bytes]:
    waiting = bytearray()
    for chunk in chunks:
        waiting += chunk
        if len(waiting) >= CHUNK:
            yield bytes(waiting[:CHUNK])
            del waiting[:CHUNK]
    if waiting:
        yield bytes(waiting)


def _unpacked(chunks: Iterable[bytes], path: str) -> Iterator[bytes]:
    """Yield what compressed chunks hold, at most CHUNK bytes at a time.

    A file that ends early, since a run was killed or still writes it, is read up to there.
    """
    size, member = 0, zlib.decompressobj(wbits=31)
    for chunk in chunks:
        data = chunk
        while data:
            if member.eof:  # another run appended to the file, or its end was filled with zeros
                data = data.lstrip(b"\0")
                if data:
                    member = zlib.decompressobj(wbits=31)
                continue
            try:
                found = member.decompress(data, CHUNK)
            except zlib.error as error:
                message = f"{shown_as(path)} is compressed with gzip, and damaged: {error}"
                raise OnecycleError(message, "check that it was copied completely") from None
            size += len(found)
            if size > MOST_UNPACKED:
                message = f"{shown_as(path)} holds more than {MOST_UNPACKED // 2**30} GiB"
                raise OnecycleError(message, "unpack it first: gunzip")
            yield found
            data = member.unused_data if member.eof else member.unconsumed_tail
    if not member.eof:
        yield member.flush()
