"""Print the processor seconds that csv.writer takes for lists of step, lr and momentum that are there already."""

from __future__ import annotations

import csv
import sys
import time
from pathlib import Path

import numpy as np

from onecycle_cli import OneCycle


def main(rows: int, path: Path) -> None:
    schedule = OneCycle(max_lr=0.1, total_steps=rows).schedule()
    steps = np.arange(rows)
    rates, momenta = schedule.lr(steps), schedule.momentum(steps)
    assert momenta is not None
    lists = steps.tolist(), rates.tolist(), momenta.tolist()
    begin = time.process_time()
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["step", "lr", "momentum"])
        writer.writerows(zip(*lists, strict=True))
    print(time.process_time() - begin)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
