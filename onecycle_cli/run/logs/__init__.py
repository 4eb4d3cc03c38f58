"""Logs as trainers write them, read into one shape: CSV, JSON, JSON Lines and TensorBoard's event files.

Which format a file has follows from its content, never from its name.
"""

from onecycle_cli.run.logs.following import follow_log
from onecycle_cli.run.logs.reading import read_log

__all__ = ["follow_log", "read_log"]
