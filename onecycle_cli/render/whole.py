"""Files written whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from onecycle_cli.errors import OnecycleError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for writing that takes its name only when the block ends well.

    It is written under a passing name beside its place; an existing file stays as it was until then. A path that
    is no regular file (`/dev/null`, a named pipe) is written to directly, a link's target is what is replaced.

    Raises:
        OnecycleError: the place cannot be written to.
    """
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file():
            with target.open("wb") as direct:
                yield direct
            return
        handle, passing = tempfile.mkstemp(prefix=f".{target.name[:40]}.", suffix=".tmp", dir=target.parent)
    except OSError as error:
        raise _cannot_write(path, error) from None
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
        Path(passing).chmod(_mode(target))
        Path(passing).replace(target)
    except BaseException as error:
        Path(passing).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise _cannot_write(path, error) from None
        raise


def _mode(target: Path) -> int:
    """Give the mode that a file opened in the usual way would have."""
    if target.exists():
        return stat.S_IMODE(target.stat().st_mode)
    umask = os.umask(0)
    os.umask(umask)
    return 0o666 & ~umask


def _cannot_write(path: Path, error: OSError) -> OnecycleError:
    return OnecycleError(f"cannot write {path}: {error.strerror or error}", "choose a place that you can write to")
