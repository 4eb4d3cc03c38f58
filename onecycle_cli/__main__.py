"""`python -m onecycle_cli` is `onecycle`."""

from __future__ import annotations

from onecycle_cli.cli import run

if __name__ == "__main__":
    run()
