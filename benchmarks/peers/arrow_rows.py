"""Compute a schedule's rows as arrays and write them as CSV with pyarrow."""

from __future__ import annotations

import sys

import numpy as np
import pyarrow as arrow
from pyarrow import csv

from onecycle_cli import OneCycle


def main(rows: int, path: str) -> None:
    schedule = OneCycle(max_lr=0.1, total_steps=rows).schedule()
    steps = np.arange(rows)
    table = arrow.table({"step": steps, "lr": schedule.lr(steps), "momentum": schedule.momentum(steps)})
    csv.write_csv(table, path)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
