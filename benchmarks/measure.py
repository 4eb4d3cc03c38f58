"""Whole processes, measured side by side: how long they take and how much memory they use."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "benchmarks" / "peers"


@dataclass(frozen=True, slots=True)
class Run:
    """One process that succeeded: seconds on the clock, peak memory in KiB, and what it printed."""

    seconds: float
    memory: int
    output: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """A promise as a ratio: what is measured, the bar, and a function that measures both sides once.

    `pair` returns (ours, the other's); the ratio is ours / the other's. The bar is the most that it may be or,
    with `at_least`, the least.
    """

    what: str
    bar: float
    pair: Callable[[], tuple[float, float]]
    at_least: bool = False
    rounds: int = 9

    def measure(self) -> float:
        """Measure A B A B …, after one round that warms caches up; return the median of the rounds' ratios."""
        if self.rounds > 1:
            self.pair()
        pairs = [self.pair() for _ in range(self.rounds)]
        return statistics.median(ours / other for ours, other in pairs)

    def met(self, ratio: float) -> bool:
        """Return whether a ratio meets the bar."""
        return ratio >= self.bar if self.at_least else ratio <= self.bar


def run(*arguments: str | Path) -> Run:
    """Run Python with arguments, in the repository's root."""
    if sys.platform == "win32":
        raise SystemExit("the benchmarks read a process's memory as Windows does not give it")
    environment = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "100"}
    begin = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *map(str, arguments)], stdout=subprocess.PIPE, cwd=ROOT, env=environment, text=True
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begin
    if process.returncode:
        raise SystemExit(f"failed with {process.returncode}: {' '.join(map(str, arguments))[:300]}")
    return Run(seconds, usage.ru_maxrss, output)


def onecycle(*arguments: str | Path) -> Run:
    """Run one command of ours."""
    return run("-m", "onecycle_cli", *arguments)


def peer(name: str, *arguments: str | Path) -> Run:
    """Run one of the programs that ours is compared with."""
    return run(PEERS / f"{name}.py", *arguments)
