"""A program that draws two lines of 2,000 points to PNG: what `plot` is compared with.

As most people write it, with pyplot and one panel per curve; or as lean as matplotlib can be had.
"""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path

import typer

POINTS = 2000
SIZE = (9.0, 5.5)
DPI = 150


class Style(StrEnum):
    PYPLOT = "pyplot"
    FIGURE = "figure"


def picture(style: Style, path: Path) -> None:
    steps = list(range(POINTS))
    wave = [0.05 + 0.05 * math.cos(math.pi * step / POINTS) for step in steps]
    other = [0.9 - value for value in wave]
    if style is Style.PYPLOT:
        import matplotlib as mpl

        mpl.use("agg")
        from matplotlib import pyplot as plt

        figure, (above, below) = plt.subplots(2, sharex=True, figsize=SIZE, dpi=DPI)
    else:
        from matplotlib.figure import Figure

        figure = Figure(figsize=SIZE, dpi=DPI)
        above = below = figure.subplots()
    above.plot(steps, wave, label="lr")
    below.plot(steps, other, label="momentum")
    below.set_xlabel("step")
    above.set_ylabel("lr")
    above.legend()
    figure.savefig(path)


if __name__ == "__main__":
    typer.run(picture)
