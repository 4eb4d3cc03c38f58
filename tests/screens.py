"""The program with its output on a terminal of a size."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from .conftest import ROOT

PLAIN = (
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "TTY_COMPATIBLE",
    "COLUMNS",
    "LINES",
    "GITHUB_ACTIONS",
)


def on_a_terminal(
    words: list[str],
    folder: Path = ROOT,
    columns: int = 80,
    lines: int = 24,
    environment: dict[str, str] | None = None,
) -> tuple[int, str]:
    """Run the program with its output on a terminal; give the exit code and what it wrote there."""
    if sys.platform == "win32":
        pytest.skip("Windows has no pseudo-terminals")
    import fcntl
    import pty
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    plain = {name: value for name, value in os.environ.items() if name not in PLAIN}
    with subprocess.Popen(
        [sys.executable, "-m", "onecycle_cli", *words],
        cwd=folder,
        env={**plain, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **(environment or {})},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        deadline = threading.Timer(60, process.kill)
        deadline.start()
        written = b""
        while chunk := _read(ours):
            written += chunk
        deadline.cancel()
    os.close(ours)
    return process.returncode, written.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so when the other side is closed
        return b""
