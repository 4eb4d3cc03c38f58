"""What `onecycle fit` recovered: a config with comments on what is undetermined, or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.formatting import json_text, printable, proportion
from onecycle_cli.render.config_text import comments, settings_lines

if TYPE_CHECKING:
    from onecycle_cli.run.fit.result import Fitted


def fit_json(found: Fitted) -> str:
    """Return what `onecycle fit --format json` writes."""
    answer = {
        "settings": found.settings,
        "offset": found.offset,
        "explained": found.explained,
        "tolerance": found.tolerance.relative,
        "precision": found.tolerance.name,
        "accepted": found.accepted,
        "undetermined": found.undetermined,
        "notes": found.notes,
    }
    return json_text(answer)


def fit_yaml(found: Fitted, source: str) -> str:
    """Return the text of a config that YAML 1.1 and 1.2 read alike; `source` is the log that it came from."""
    explained = "all" if found.explained == 1 else f"{proportion(found.explained, 1, 3)} of the"
    name = found.tolerance.name
    how = "" if name == "exact" else f", to {name}" if name == "a few ulp" else f", written as {name}"
    lines = comments(f"Recovered from the learning rates in {printable(source)}.")
    lines += comments(f"Reproduces {explained} logged values{how}.")
    if found.offset:
        lines += comments(
            f"Step n of the log is step n {'+' if found.offset > 0 else '-'} {abs(found.offset):,} of the schedule."
        )
    if found.notes:
        lines += ["# Undetermined or guessed:"]
        lines += [comment for note in found.notes for comment in comments(f"- {note}")]
    lines += settings_lines(found.settings)
    return "\n".join(lines) + "\n"
