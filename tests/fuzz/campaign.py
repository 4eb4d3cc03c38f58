"""Targets run in turn, until there were enough inputs or the time is over."""

from __future__ import annotations

import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from .case import Case, shown
from .reduction import reduced
from .targets import TARGETS, Target
from .watch import Crash, Outcome, Watch, watching

ROUND = 20_000
"""Inputs of all targets before the first has its turn again."""

SLOW = 1.0
"""Seconds of CPU time that an input should stay under. More is reported, and does not fail: machines differ."""


@dataclass
class Count:
    """What a target's inputs did."""

    inputs: int = 0
    seconds: float = 0.0
    codes: Counter[int] = field(default_factory=Counter)
    slow: int = 0
    slowest: float = 0.0
    slowest_case: Case | None = None
    crashes: dict[tuple[str, str], Crash] = field(default_factory=dict)

    def add(self, case: Case, outcome: Outcome) -> None:
        """Count an input."""
        self.inputs += 1
        self.seconds += outcome.seconds
        self.codes[outcome.code] += 1
        self.slow += outcome.seconds > SLOW
        if outcome.seconds > self.slowest:
            self.slowest, self.slowest_case = outcome.seconds, case

    def merge(self, other: Count) -> None:
        """Add what the same target's inputs did elsewhere."""
        self.inputs += other.inputs
        self.seconds += other.seconds
        self.codes += other.codes
        self.slow += other.slow
        if other.slowest > self.slowest:
            self.slowest, self.slowest_case = other.slowest, other.slowest_case
        self.crashes = {**other.crashes, **self.crashes}


Counts = dict[str, Count]


@dataclass
class Campaign:
    """A run over some targets; the same seed gives the same inputs."""

    targets: Sequence[Target] = TARGETS
    seed: int = 0
    counts: Counts = field(default_factory=dict)

    def run(
        self, inputs: int | None = None, minutes: float | None = None, progress: Callable[[Counts], object] = len
    ) -> Counts:
        """Run so many inputs, or for so long; `progress` gets the counts after each round."""
        end = None if minutes is None else time.monotonic() + 60 * minutes
        left, first = inputs, Counter[str]()
        with watching() as watch:
            while left is None or left > 0:
                size = ROUND if left is None else min(ROUND, left)
                for target in self.targets:
                    if end is not None and time.monotonic() > end:
                        return self.counts
                    count = max(1, round(size * target.share / sum(other.share for other in self.targets)))
                    self._batch(watch, target, range(first[target.name], first[target.name] + count))
                    first[target.name] += count
                left = None if left is None else left - size
                progress(self.counts)
        return self.counts

    def _batch(self, watch: Watch, target: Target, numbers: range) -> None:
        found = self.counts.setdefault(target.name, Count())
        if isinstance(target.inputs, st.SearchStrategy):
            self._drawn(watch, target, target.inputs, numbers, found)
            return
        for number in numbers:
            case = target.inputs(Random(f"{self.seed} {target.name} {number}"))
            outcome = watch.run(target.run, case)
            found.add(case, outcome)
            if outcome.crash is not None and outcome.crash.key not in found.crashes:
                found.crashes[outcome.crash.key] = _smallest(watch, target, outcome.crash)

    def _drawn(
        self, watch: Watch, target: Target, strategy: st.SearchStrategy[Case], numbers: range, found: Count
    ) -> None:
        """Run cases that Hypothesis draws, and shrinks once one of them crashes in a new way."""
        last: Crash | None = None

        @seed(zlib.crc32(f"{self.seed} {target.name} {numbers.start}".encode()))
        @settings(
            max_examples=len(numbers),
            database=None,
            deadline=None,
            derandomize=False,
            phases=(Phase.generate, Phase.shrink),
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
        )
        @given(strategy)
        def run(case: Case) -> None:
            nonlocal last
            outcome = watch.run(target.run, case)
            if last is None:
                found.add(case, outcome)
            crash = outcome.crash
            if crash is not None and crash.key not in found.crashes and (last is None or crash.key == last.key):
                last = crash
                raise _NewCrashError

        try:
            run()
        except (_NewCrashError, Flaky):
            assert last is not None
            found.crashes[last.key] = last


class _NewCrashError(Exception):
    pass


def _smallest(watch: Watch, target: Target, crash: Crash) -> Crash:
    best = crash

    def crashes(case: Case) -> bool:
        nonlocal best
        again = watch.run(target.run, case).crash
        same = again is not None and again.key == crash.key
        best = again if same and again is not None else best
        return same

    reduced(crash.case, crashes)
    return best


def table(counts: Counts) -> str:
    """Return what was run, a line for each target."""
    codes = sorted({0, 1, 2} | {code for count in counts.values() for code in count.codes})
    titles = ["target", "inputs", *(f"exit {code}" for code in codes), "a second", "slowest", "> 1 s", "crashes"]
    rows = [titles]
    whole = Count()
    for name, count in counts.items():
        rows.append([name, *_cells(count, codes)])
        whole.merge(count)
    rows.append(["all", *_cells(whole, codes)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "".join(
        "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        + "\n"
        for row in rows
    )


def _cells(count: Count, codes: Sequence[int]) -> Iterator[str]:
    yield f"{count.inputs:,}"
    yield from (f"{count.codes[code]:,}" for code in codes)
    yield f"{count.inputs / count.seconds:,.0f}" if count.seconds else ""
    yield f"{count.slowest:.2f} s"
    yield f"{count.slow:,}"
    yield f"{len(count.crashes)}"


def save(counts: Counts, folder: Path) -> None:
    """Write the table, and each crash and slow input with its files and the command that repeats it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "counts.txt").write_text(table(counts))
    for name, count in counts.items():
        short = name.replace(" ", "-").lower()
        for number, crash in enumerate(count.crashes.values(), 1):
            _save(crash.case, folder / f"{short}-{number}", f"{crash.what} at {crash.where}\n\n{crash.text}")
        if count.slow and count.slowest_case is not None:
            _save(count.slowest_case, folder / f"{short}-slowest", f"{count.slowest:.2f} s of CPU time\n")


def _save(case: Case, folder: Path, text: str) -> None:
    folder.mkdir(exist_ok=True)
    case.write(folder)
    again = f"To repeat it, here: {case.command()}\n\n"
    (folder / "README.txt").write_text(again + text, errors="backslashreplace")


def describe(crash: Crash) -> str:
    """Return a crash and its case in a few lines."""
    return f"{crash.what} at {crash.where}\n{shown(crash.case)}\n{crash.text[-600:]}"
