"""What `onecycle check` found in several logs of one plan: a row for each, or a list as JSON."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from onecycle_cli.formatting import count, distinct_digits, format_number, printable
from onecycle_cli.render.check_report import NOUNS, verdict_json
from onecycle_cli.render.output import unbroken_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from onecycle_cli.errors import OnecycleError
    from onecycle_cli.run import Verdict

UNREADABLE = "unreadable"

COLOURS = {"ok": "bold green", "incomplete": "bold yellow", "diverges": "bold red"}

WORST_FIRST = (UNREADABLE, "diverges", "incomplete", "ok")
"""Verdicts on a log."""


def log_json(log: str, found: Verdict, notes: Sequence[str]) -> dict[str, Any]:
    """Return the verdict on one of several logs."""
    return {"log": log, **verdict_json(found, notes)}


def unreadable_json(log: str, error: OnecycleError) -> dict[str, Any]:
    """Return what takes the verdict's place for a log that cannot be read."""
    return {"log": log, "verdict": UNREADABLE, "error": error.message, "hint": error.hint}


def worst(verdicts: Sequence[str]) -> str:
    """Return the worst of several verdicts."""
    return min(verdicts, key=WORST_FIRST.index)


def summary(verdicts: Sequence[str], plan: str) -> str:
    """Return how many logs followed their plan, the worst verdict on those that could be read first."""
    read = [verdict for verdict in verdicts if verdict != UNREADABLE]
    followed, logs = read.count("ok"), count(len(verdicts), "log")
    share = logs if followed == len(verdicts) else f"{followed} of {logs}"
    unread = f"; {len(verdicts) - len(read)} cannot be read" if len(read) < len(verdicts) else ""
    return f"{worst(read or verdicts)}: {share} followed the plan {printable(plan)}".rstrip() + unread


def print_logs(logs: Sequence[Mapping[str, Any]], plan: str, stream: IO[str]) -> None:
    """Print the verdicts on several logs, as `log_json` and `unreadable_json` return them, a row for each."""
    from rich.table import Table
    from rich.text import Text

    verdicts = [log["verdict"] for log in logs]
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for title in ("log", "verdict", "first divergence", "cause"):
        table.add_column(title, no_wrap=True)
    for log in logs:
        verdict = Text(log["verdict"], style=COLOURS.get(log["verdict"], "bold red"))
        cause = log.get("cause", "none")
        table.add_row(printable(log["log"]), verdict, _where(log), "" if cause == "none" else printable(cause))
    with unbroken_lines(stream) as console:
        console.print(Text(summary(verdicts, plan), style=COLOURS.get(worst(verdicts), "bold red")))
        console.print("", table, sep="\n")


def _where(log: Mapping[str, Any]) -> str:
    """Return where a log leaves the plan."""
    first = log.get("first_divergence")
    if first is not None:
        planned, logged = first["planned"], first["logged"]
        where = f"{NOUNS[log['step_unit']]} {first['step']:,}: {printable(first['field'])}"
        if planned is None or logged is None:
            return where
        digits = distinct_digits(planned, logged)
        return f"{where} is {format_number(logged, digits)}, planned is {format_number(planned, digits)}"
    if log.get("first_missing_step") is not None:
        return f"ends before step {log['first_missing_step']:,}"
    return printable(log.get("error", ""))
