"""Measure what is promised of speed and size: `python benchmarks/run.py [--long] [NAME...]`.

Every figure is a ratio of two things measured side by side in this run, so that it can be compared between machines.
The exit code is 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from comparisons import comparisons

LINE = "{:<12} {:<56} {:>8} {:>9}  {}"


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure what is promised of speed and size.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="which comparisons (default: all)")
    parser.add_argument("--long", action="store_true", help="memory at 10^8 rows: takes minutes")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = dict(comparisons(Path(folder), long=asked.long))
        if unknown := set(asked.names) - set(found):
            parser.error(f"no comparison {', '.join(sorted(unknown))}; there are {', '.join(found)}")
        print(LINE.format("name", "what", "bar", "measured", "met"))
        missed = 0
        for name in asked.names or found:
            one = found[name]
            if isinstance(one, str):
                print(LINE.format(name, one, "", "", "skipped"))
                continue
            ratio = one.measure()
            missed += not one.met(ratio)
            bar = f"{'>=' if one.at_least else '<='} {one.bar:g}"
            print(LINE.format(name, one.what, bar, f"{ratio:.2f}", "yes" if one.met(ratio) else "NO"), flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
