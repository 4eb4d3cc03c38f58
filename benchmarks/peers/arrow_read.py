"""Read a logged run with pyarrow, and pass over its rates and momenta once each: the least that a check does."""

from __future__ import annotations

import sys

import numpy as np
from pyarrow import csv


def main(path: str) -> None:
    table = csv.read_csv(path)
    for name in ("lr", "momentum"):
        values = table[name].to_numpy()
        print(np.abs(values - values[0]).max())


if __name__ == "__main__":
    main(sys.argv[1])
