"""A run's folder in place of its log: which of the files in it are logs, and which of these is read."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from onecycle_cli.formatting import join_words
from onecycle_cli.run.logs.log import NotYetError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

EVENTS = "events.out.tfevents.*"
METRICS, MLFLOW_RUN = "metrics", "meta.yaml"
"""The folder of a run of MLflow with its metric files, and the file beside it."""

KINDS: tuple[tuple[str, str], ...] = (
    # Numbers with all their digits, one row per step
    ("metrics.csv", r"metrics\.csv"),  # Lightning
    ("trainer_state.json", r"trainer_state\.json"),  # transformers
    ("scalars.json", r"scalars\.json"),  # MMEngine
    ("*.log.json", r".*log\.jsonl?"),  # mmcv
    ("run-*.wandb", r".*\.wandb"),
    ("wandb-history.jsonl", r"wandb-history\.jsonl"),
    ("mlflow.db", r"mlflow\.db"),
    ("metrics.json", r"metrics\.json"),  # detectron2
    ("results.csv", r"results\.csv"),  # Ultralytics
    # TensorBoard rounds to float32.
    (EVENTS, r"events\.out\.tfevents\..*"),
)
"""The names of files that trainers write their logs to, as people know them and as patterns; the best ones first."""

OTHER_KINDS = r".*\.(csv|tsv|jsonl|ndjson|json|log|txt|out)"
"""Names of files that may be a log: they are read if they are in the folder itself, and no file has a known name."""

INSIDE = re.compile(r"checkpoint-\d+|vis_data|files|logs|tensorboard|tb_logs")
"""Folders inside a run's folder, as opposed to those with several runs."""

MOST_ENTRIES, DEEPEST = 20_000, 6
"""Files and folders that are looked at, and how deep."""

SAME_TIME = 10.0
"""Seconds within which files count as equally new: they were copied or unpacked, and the numbers in names decide."""

MOST_SHOWN = 3
"""Other logs that a note names."""


@dataclass(frozen=True, slots=True)
class FoundLog:
    """A log in a folder.

    Attributes:
        path: the file, or the folder of event or metric files.
        run: the run's folder.
        rank: how good its kind is; 0 is the best.
        time: when it was last written.
    """

    path: Path
    run: Path
    rank: int
    time: float

    def newness(self, latest: float) -> tuple[bool, float, list[tuple[int, str]]]:
        """Return what orders logs by age, given the time of the newest one: version_10 is newer than version_9."""
        recent = self.time > latest - SAME_TIME
        parts = re.findall(r"\d+|\D+", str(self.path)) if recent else []
        return recent, 0.0 if recent else self.time, [(int(part) if part.isdecimal() else -1, part) for part in parts]


def logs_in(folder: str, *, any_name: bool = False) -> list[FoundLog]:
    """Return the logs in a folder: first those of the newest run, the best first, then those of other runs.

    Args:
        folder: the folder.
        any_name: whether to look for files in the folder itself that may be logs, by the ends of their names only.
    """
    runs: dict[Path, list[FoundLog]] = {}
    for log in _others(Path(folder)) if any_name else _known(Path(folder)):
        runs.setdefault(log.run, []).append(log)
    latest = max((log.time for logs in runs.values() for log in logs), default=0.0)
    ordered = sorted(runs.values(), key=lambda logs: max(log.newness(latest) for log in logs), reverse=True)
    return [log for logs in ordered for log in _best_first(logs)]


def _best_first(logs: Sequence[FoundLog]) -> list[FoundLog]:
    latest = max(log.time for log in logs)
    newest_first = sorted(logs, key=lambda log: log.newness(latest), reverse=True)
    return sorted(newest_first, key=lambda log: log.rank)


def nothing_in(folder: str) -> NotYetError:
    """Return the error for a folder without logs."""
    names = join_words([*(name for name, _ in KINDS), "MLflow's metrics"], "or")
    return NotYetError(f"no log in {folder}: it holds no {names}", "name the log's file")


def note_on(log: FoundLog, found: Sequence[FoundLog], folder: str) -> tuple[str, ...]:
    """Return a note on which log was read and which others there are; none where the folder is its only log."""
    others = [_inside(other.path, folder) for other in found if other != log]
    if log.path == Path(folder) and not others:
        return ()
    more = len(others) - MOST_SHOWN
    listed = [*others[:MOST_SHOWN], *([f"{more:,} more"] if more > 0 else [])]
    return (f"read {log.path}" + (f"; {folder} also holds {join_words(listed)}" if others else ""),)


def _inside(path: Path, folder: str) -> str:
    return str(path.relative_to(folder))


def _known(folder: Path) -> Iterator[FoundLog]:
    """Yield the logs with names that trainers use, in the folder and in those below it."""
    for place, folders, files in _walk(folder):
        run = place
        while run != folder and INSIDE.fullmatch(run.name):
            run = run.parent
        if METRICS in folders and MLFLOW_RUN in files:
            folders.remove(METRICS)
            yield FoundLog(place, run, 0, _time(place / METRICS))
        for rank, (name, pattern) in enumerate(KINDS):
            logs = [place / file for file in files if re.fullmatch(pattern, file.removesuffix(".gz"))]
            times = [time for time in map(_time, logs) if time]
            if name == EVENTS and times:
                # The Trainer writes them to runs/DATE_HOST beside its checkpoints.
                above = run.parent.parent if run != folder and run.parent.name == "runs" else run
                yield FoundLog(place, above if above.is_relative_to(folder) else run, rank, max(times))
            elif name != EVENTS:
                yield from (FoundLog(log, run, rank, time) for log in logs if (time := _time(log)))


def _others(folder: Path) -> Iterator[FoundLog]:
    """Yield the files of the folder itself that may be logs."""
    for file in islice(sorted(folder.iterdir()), MOST_ENTRIES):
        if re.fullmatch(OTHER_KINDS, file.name.removesuffix(".gz")) and (time := _time(file)):
            yield FoundLog(file, folder, len(KINDS), time)


def _walk(folder: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    """Yield the folders with the names in them, as `os.walk` does, but not too many."""
    seen = 0
    for name, folders, files in os.walk(folder):
        place = Path(name)
        depth = len(place.relative_to(folder).parts)
        folders[:] = sorted(each for each in folders if not each.startswith((".", "__"))) if depth < DEEPEST else []
        seen += len(folders) + len(files)
        yield place, folders, files
        if seen > MOST_ENTRIES:
            return


def _time(path: Path) -> float:
    """Return when a file with content, or a folder, was last written; 0 for anything else."""
    try:
        status = path.stat()
    except OSError:
        return 0.0
    is_log = stat.S_ISDIR(status.st_mode) or (stat.S_ISREG(status.st_mode) and status.st_size)
    return status.st_mtime if is_log else 0.0
