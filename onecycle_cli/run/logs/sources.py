"""Opening a log; what the system says against it becomes a message."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from onecycle_cli.errors import OnecycleError

if TYPE_CHECKING:
    from collections.abc import Iterator

STDIN = "-"


def shown_as(path: str) -> str:
    """Give what messages and the log call a file."""
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
    with readable(path), open(path, "rb") as stream:  # noqa: PTH123 - to a Path the empty name is the current folder
        yield stream


@contextmanager
def readable(path: str) -> Iterator[None]:
    """Turn what the system says against a file into a message.

    Raises:
        OnecycleError: it is missing or cannot be read.
    """
    try:
        yield
    except FileNotFoundError:
        raise OnecycleError(f"no such file: {path or repr(path)}", "check the path") from None
    except OSError as error:
        raise OnecycleError(
            f"cannot read {path}: {error.strerror or error}", "check the path and its permissions"
        ) from None
    except ValueError as error:
        if "null" not in str(error) and not isinstance(error, UnicodeError):
            raise
        raise OnecycleError(f"cannot read {path!r}: no file can have this name", "check the path") from None
