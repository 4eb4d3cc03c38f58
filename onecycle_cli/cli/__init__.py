"""The command line: Typer alone. One short module a command, and one place that sets exit codes."""

from __future__ import annotations

from onecycle_cli.cli.exits import main, run

__all__ = ["main", "run"]
