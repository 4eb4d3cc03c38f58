"""MLflow's runs: a file per metric, with a line per value, or a SQLite database with all metrics of all runs."""

from __future__ import annotations

import re
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from onecycle_cli.errors import OnecycleError
from onecycle_cli.run.logs.cells import shown, value_of_text
from onecycle_cli.run.logs.format import Format, Head, Lines, Reader
from onecycle_cli.run.logs.log import CUT_OFF, BadRow
from onecycle_cli.run.logs.log_files import STDIN, chunks_of, opened, shown_as, split_member
from onecycle_cli.run.logs.named_values import NamedValues

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from sqlite3 import Connection

    from onecycle_cli.run.logs.format import Line
    from onecycle_cli.run.logs.log import Log

LINE = re.compile(r"\d{9,16} (?P<value>\S+) (?P<step>-?\d+)(?: \S+ \S+)?")
"""A line with its time in milliseconds, the value, its step, and perhaps a data set's name and digest."""

FOLDER = "metrics"
"""The folder of a run that holds its metric files; those of `train/lr` and the like are in folders below it."""

MOST_FILES, MOST_OPENED = 10_000, 20
"""Files that are looked at in a folder, and that are opened to recognize it."""

DATABASE = b"SQLite format 3\0"
"""The first bytes of a database: `mlflow.db`, where MLflow 3.7 and later log by default."""

RUNS = """
SELECT run_uuid, coalesce(name, run_uuid), max(timestamp) FROM metrics JOIN runs USING (run_uuid)
GROUP BY run_uuid ORDER BY 3 DESC
"""
HISTORY = "SELECT step, value FROM metrics WHERE run_uuid = ? AND key = ? AND NOT is_nan ORDER BY timestamp, rowid"


class MetricFileReader(Reader):
    """Reads a metric file, or those of a run: in its folder, or in the folder below it."""

    @classmethod
    def recognizes(cls, head: Head) -> bool | None:
        """Return whether the first two lines are a metric file's."""
        lines = [line for line in head.lines[:2] if line.strip()]
        if not lines or not head.is_text:
            return None if head.is_text and not head.complete else False
        return all(LINE.fullmatch(line.rstrip("\r")) for line in lines)

    @classmethod
    def recognizes_folder(cls, folder: str) -> bool:
        """Return whether there are metric files in the folder of a run, or of its metrics."""
        return any(map(_is_metric_file, islice(_files(folder), MOST_OPENED)))

    def read(self, chunks: Iterable[bytes]) -> Log:
        """Return the log in the file, or in the files of a folder that hold learning rates and momenta."""
        values, torn = NamedValues(), False
        folder = _metrics(self.path)
        if folder.is_dir():
            files = {_metric(file): file for file in _files(self.path)}
            self.columns = self.choose(list(files))
            for name in self.columns.values:
                with opened(str(files[name])) as stream:
                    torn |= _add(values, name, chunks_of(stream, str(files[name])))
        else:
            self.columns = self.choose([_metric(folder)])
            torn = _add(values, self.columns.lr[0], chunks)
        values.add_to(self.builder, self.columns)
        return self.build((CUT_OFF,) if torn else ())


def _metrics(path: str) -> Path:
    """Return the folder with the metrics of a run, or the path itself."""
    below = Path(path, FOLDER)
    return below if below.is_dir() else Path(path)


def _files(folder: str) -> Iterator[Path]:
    return (file for file in sorted(islice(_metrics(folder).rglob("*"), MOST_FILES)) if file.is_file())


def _metric(file: Path) -> str:
    """Return the name of the metric in a file."""
    parts = file.parts
    below = len(parts) - parts[::-1].index(FOLDER) if FOLDER in parts[:-1] else len(parts) - 1
    return "/".join(parts[below:]).removesuffix(".gz")


def _is_metric_file(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return MetricFileReader.recognizes(Head(stream.read(200), complete=True)) is True
    except OSError:
        return False


def _add(values: NamedValues, name: str, chunks: Iterable[bytes]) -> bool:
    """Add the values in a metric file; return whether its last line does not end."""
    lines = Lines()
    for data in chunks:
        _add_lines(values, name, lines.feed(data))
    last = list(lines.feed(b"", ended=True))
    _add_lines(values, name, last)
    return bool(last)


def _add_lines(values: NamedValues, name: str, lines: Iterable[Line]) -> None:
    for number, text in lines:
        if not text.strip():
            continue
        match = LINE.fullmatch(text.rstrip("\r"))
        if match is None:
            values.add_bad(BadRow(number, f"{shown(text)} is not a time, a value and a step"), name)
            continue
        try:
            values.add(number, name, float(match["step"]), value_of_text(match["value"]))
        except ValueError as error:
            values.add_bad(BadRow(number, str(error)), name)


class DatabaseReader(Reader):
    """Reads a run from a database: the newest with a learning rate, or the one that is named, as in `mlflow.db/RUN`."""

    @classmethod
    def recognizes(cls, head: Head) -> bool | None:
        """Return whether this is a SQLite database."""
        return head.data.startswith(DATABASE)

    def read(self, chunks: Iterable[bytes]) -> Log:  # noqa: ARG002 - the library opens the file itself
        """Return the log of one run.

        Raises:
            OnecycleError: the database has no metrics, no such run, or no run with a learning rate.
        """
        import sqlite3

        file, wanted = split_member(self.path)
        if file == shown_as(STDIN):
            raise OnecycleError("a database cannot be read from standard input", "name the file")
        try:
            with closing(sqlite3.connect(f"{Path(file).absolute().as_uri()}?mode=ro", uri=True)) as database:
                return self._read(database, wanted)
        except sqlite3.Error as error:
            message = f"{file} is not a database of MLflow: {error}"
            raise OnecycleError(message, "check that it was copied completely") from None

    def _read(self, database: Connection, wanted: str) -> Log:
        runs = database.execute(RUNS).fetchall()
        failed: OnecycleError | None = None
        for at, (run, name, _) in enumerate(runs):
            if wanted and wanted not in (run, name):
                continue
            keys = database.execute("SELECT DISTINCT key FROM metrics WHERE run_uuid = ?", (run,))
            try:
                self.columns = self.choose([key for (key,) in keys])
            except OnecycleError as error:
                failed = failed or error
                continue
            values = NamedValues()
            for key in self.columns.values:
                for number, (step, value) in enumerate(database.execute(HISTORY, (run, key)), 1):
                    values.add(number, key, step, value)
            values.add_to(self.builder, self.columns)
            others = [name for _, name, _ in (*runs[:at], *runs[at + 1 :])]
            note = f"read run {name}, the newest of {len(runs)} with a learning rate; for another, name {self.path}/RUN"
            return self.build((note,) if others and not wanted else ())
        if failed:
            raise failed
        which = f"run {wanted}" if wanted else "runs"
        named = ", ".join(name for _, name, _ in runs[:20])
        raise OnecycleError(f"{self.path} has no {which}", f"name one of {named}" if runs else "check the file")


FORMATS = (Format("mlflow", MetricFileReader, step="step"), Format("mlflow", DatabaseReader, step="step"))
