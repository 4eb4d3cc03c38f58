"""Measure what is promised of speed and size: `python benchmarks/run.py [--long] [--rounds N] [NAME...]`.

Every figure but seconds and MB is a ratio of two things measured side by side in this run, so that it can be compared
between machines. Without names it measures everything and writes the table in benchmarks/README.md. The exit code is 1
where a bar is missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from comparisons import comparisons
from measure import ROOT

if TYPE_CHECKING:
    from measure import Comparison, Measured

README = ROOT / "benchmarks" / "README.md"
BEGIN = "<!-- written by run.py -->\n"
LIBRARIES = (
    "typer",
    "rich",
    "PyYAML",
    "numpy",
    "matplotlib",
    "orjson",
    "pyarrow",
    "torch",
    "check-jsonschema",
    "yamllint",
)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure what is promised of speed and size.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="which comparisons (default: all, into README.md)")
    parser.add_argument("--long", action="store_true", help="memory at 10^8 rows: takes minutes")
    parser.add_argument("--rounds", type=int, metavar="N", help="at most so many pairs of each: faster, less certain")
    asked = parser.parse_args()
    rows, missed = [], 0
    with tempfile.TemporaryDirectory() as folder:
        found = dict(comparisons(Path(folder), long=asked.long))
        if unknown := set(asked.names) - set(found):
            parser.error(f"no comparison {', '.join(sorted(unknown))}; there are {', '.join(found)}")
        for name in asked.names or found:
            one = found[name]
            if isinstance(one, str):
                cells = (name, one, "", "", "", "skipped")
            else:
                measured = one.measure(asked.rounds)
                missed += not one.met(measured)
                cells = (name, *_cells(one, measured))
            rows.append(f"| {' | '.join(cells)} |\n")
            print(rows[-1], end="", flush=True)
    if not asked.names:
        _write(rows)
    return 1 if missed else 0


def _cells(one: Comparison, measured: Measured) -> tuple[str, str, str, str, str]:
    form = ".0f" if one.unit == "MB" else ".2f"
    bar = f"{'≥' if one.at_least else '≤'} {one.bar:g} {one.unit}"
    spread = "" if measured.pairs == 1 else f"{measured.lowest:{form}}–{measured.highest:{form}} of {measured.pairs}"
    return one.what, bar, f"{measured.median:{form}}", spread, "yes" if one.met(measured) else "**no**"


def _write(rows: list[str]) -> None:
    """Write the table, and what it was measured with, below the fixed part of the page."""
    fixed = README.read_text().partition(BEGIN)[0]
    head = "| name | what | bar | median | min–max | met |\n|---|---|---|---|---|---|\n"
    README.write_text(f"{fixed}{BEGIN}\n{head}{''.join(rows)}\n{_measured_with()}")


def _measured_with() -> str:
    """Return the versions and the machine."""
    versions = [f"Python {platform.python_version()}"]
    for library in LIBRARIES:
        try:
            versions.append(f"{library} {version(library)}")
        except PackageNotFoundError:
            continue
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    return f"Measured with {', '.join(versions)}; {machine}.\n"


if __name__ == "__main__":
    sys.exit(main())
