"""Whole processes, measured side by side: how much of the processor's time they take, and how much memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "benchmarks" / "peers"


@dataclass(frozen=True, slots=True)
class Run:
    """One process that succeeded.

    Attributes:
        seconds: of the processor's time, its own and the system's: other programs change it less than a clock's.
        memory: the most that it held, in MB.
        output: what it printed.
    """

    seconds: float
    memory: float
    output: str


@dataclass(frozen=True, slots=True)
class Measured:
    """The median of a comparison's figures, the lowest and the highest, and how many there are."""

    median: float
    lowest: float
    highest: float
    pairs: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """A promise: what is measured, the bar, and a function that measures it once.

    Attributes:
        what: in words.
        bar: the most that the median may be or, with `at_least`, the least.
        figure: the ratio of two things measured one right after the other, or MB.
        at_least: whether more is better.
        rounds: how many times it is measured.
        unit: of the figure.
    """

    what: str
    bar: float
    figure: Callable[[], float]
    at_least: bool = False
    rounds: int = 9
    unit: str = "×"

    def measure(self, most: int | None = None) -> Measured:
        """Measure A B A B …, after one round that warms caches up; at most so many rounds if that is given."""
        rounds = self.rounds if most is None else min(self.rounds, most)
        if self.rounds > 1:
            self.figure()
        figures = [self.figure() for _ in range(rounds)]
        return Measured(statistics.median(figures), min(figures), max(figures), rounds)

    def met(self, measured: Measured) -> bool:
        """Return whether the median meets the bar."""
        return measured.median >= self.bar if self.at_least else measured.median <= self.bar


def run(*arguments: str | Path, **variables: str) -> Run:
    """Run Python with arguments and more environment variables, in the repository's root.

    Modules are compiled once and kept, as they are where a program is installed.
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "100", **variables}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    with subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env=environment,
        text=True,
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"failed with {process.returncode}: {' '.join(map(str, arguments))[:300]}")
    return Run(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)


def onecycle(*arguments: str | Path, **variables: str) -> Run:
    """Run one command of ours."""
    return run("-m", "onecycle_cli", *arguments, **variables)


def peer(name: str, *arguments: str | Path, **variables: str) -> Run:
    """Run one of the programs that ours is compared with."""
    return run(PEERS / f"{name}.py", *arguments, **variables)
