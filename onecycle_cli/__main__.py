"""The program `onecycle`, also as `python -m onecycle_cli`."""

from __future__ import annotations

import os
import signal

from onecycle_cli.errors import INTERRUPTED


def run() -> None:
    """Run the command line and end the process."""
    # While the command line is loaded, there is nothing to clean up at Ctrl-C.
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    from onecycle_cli.cli import run as run_command_line

    run_command_line()


if __name__ == "__main__":
    run()
