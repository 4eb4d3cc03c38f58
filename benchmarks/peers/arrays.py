"""Print the processor seconds that 10^7 learning rates take, and those of the bare NumPy expressions for them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from onecycle_cli import OneCycle

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

STEPS = 10**7
INITIAL, PEAK, FINAL = 0.1 / 25, 0.1, 0.1 / 25 / 1e4


def bare(warmup: NDArray[Any], anneal: NDArray[Any], edge: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """Evaluate both phases, each at its steps."""
    return (
        PEAK + (INITIAL - PEAK) / 2.0 * (np.cos(np.pi * (warmup / edge)) + 1),
        FINAL + (PEAK - FINAL) / 2.0 * (np.cos(np.pi * ((anneal - edge) / (STEPS - 1 - edge))) + 1),
    )


def seconds(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def main() -> None:
    schedule = OneCycle(max_lr=PEAK, total_steps=STEPS).schedule()
    steps, edge = np.arange(STEPS), 0.3 * STEPS - 1
    warmup, anneal = steps[: int(edge) + 1], steps[int(edge) + 1 :]
    assert np.array_equal(schedule.lr(steps), np.concatenate(bare(warmup, anneal, edge)))
    ours = min(seconds(lambda: schedule.lr(steps)) for _ in range(3))
    other = min(seconds(lambda: bare(warmup, anneal, edge)) for _ in range(3))
    print(ours, other)


if __name__ == "__main__":
    main()
