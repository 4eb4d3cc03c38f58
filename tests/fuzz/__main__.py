"""The fuzzer as a program: runs targets in turn, and writes what it counted and each crash's smallest case."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from .campaign import Campaign, Count, Counts, describe, save, table
from .targets import TARGETS

MOST_MEMORY = 4 * 2**30
"""Bytes that the process may take: a case that wants more fails, and the machine goes on."""


def main() -> int:
    """Run the targets; return 1 if there were crashes."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    names = [target.name for target in TARGETS]
    parser.add_argument("--minutes", type=float, help="how long to run")
    parser.add_argument("--inputs", type=int, help="how many inputs to run (default: 10,000, or the minutes decide)")
    parser.add_argument("--seed", type=int, default=0, help="another seed gives other inputs (default: 0)")
    parser.add_argument("--target", action="append", choices=names, metavar="NAME", help=f"one of: {', '.join(names)}")
    parser.add_argument("--jobs", type=int, default=1, help="processes, each with a seed of its own (default: 1)")
    parser.add_argument("--out", type=Path, help="a folder for the table and the cases")
    given = parser.parse_args()
    inputs = 10_000 if given.inputs is None and given.minutes is None else given.inputs
    _limit_memory()
    work = [(given.target, given.seed + job * 1_000_003, inputs, given.minutes, given.out) for job in range(given.jobs)]
    if given.jobs == 1:
        counts = _run(*work[0])
    else:
        with ProcessPoolExecutor(given.jobs, initializer=_limit_memory) as pool:
            counts = _merged(list(pool.map(_run, *zip(*work, strict=True))))
    sys.stdout.write(table(counts))
    crashes = [crash for count in counts.values() for crash in count.crashes.values()]
    if given.out is not None:
        save(counts, given.out)
    for crash in crashes:
        sys.stdout.write(f"\n{describe(crash)}\n".encode("utf-8", "backslashreplace").decode())
    return int(bool(crashes))


def _run(names: list[str] | None, seed: int, inputs: int | None, minutes: float | None, out: Path | None) -> Counts:
    targets = [target for target in TARGETS if names is None or target.name in names]
    folder = out and out.absolute()
    progress = len if folder is None else lambda counts: save(counts, folder)
    return Campaign(targets, seed).run(inputs, minutes, progress)


def _merged(parts: list[Counts]) -> Counts:
    whole: Counts = {}
    for part in parts:
        for name, count in part.items():
            whole.setdefault(name, Count()).merge(count)
    return whole


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, resource.RLIM_INFINITY))


if __name__ == "__main__":
    sys.exit(main())
