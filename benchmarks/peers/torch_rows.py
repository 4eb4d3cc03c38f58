"""Print the processor seconds that stepping PyTorch's scheduler and writing its rows takes, without the import."""

from __future__ import annotations

import csv
import sys
import time
import warnings
from pathlib import Path

import torch


def main(rows: int, path: Path) -> None:
    warnings.simplefilter("ignore")  # that the optimizer itself is not stepped
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1, momentum=0.9)
    begin = time.process_time()
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=rows)
    group = optimizer.param_groups[0]
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["step", "lr", "momentum"])
        for step in range(rows):
            writer.writerow([step, group["lr"], group["momentum"]])
            if step < rows - 1:
                scheduler.step()
    print(time.process_time() - begin)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
