"""What the figure and the terminal's picture both draw: curves, the steps they are drawn at, and their axes' ticks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import short
from onecycle_cli.policy.summary import edge_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from onecycle_cli.policy.schedule import Schedule

Across = Literal["step", "epoch", "percent"]
"""What the horizontal axis counts."""

DRAWABLE = (1e-290, 1e290)
"""Learning rates between which axes have ticks and margins."""

MOST_STEPS = 2000
"""Steps drawn of a curve: more than a picture has columns, and few enough to draw any length in the same time."""

Horizontal = Across | Literal["lr"]
"""What it shows: also learning rates, by their decimal logarithms."""

AXIS_NAMES: dict[Horizontal, str] = {
    "step": "step",
    "epoch": "epoch",
    "percent": "% of the cycle",
    "lr": "learning rate",
}

SCALES = ((10**13, 10**12, "trillions"), (10**10, 10**9, "billions"), (10**7, 10**6, "millions"))
"""The largest units that an axis counts in: from which number on, the unit, and its name."""

SMALLEST_SPAN = 1e-290
"""The smallest range of an axis with ticks: below it floating-point numbers have too few digits."""

LARGEST_PLAIN = 1e15
SMALLEST_PLAIN = 5e-5
"""Ticks at or above LARGEST_PLAIN, or closer together than SMALLEST_PLAIN, are written with an exponent."""

DEEPEST = 1e-9
"""How far below the highest learning rate a logarithmic axis reaches; lower values run out of the panel."""

NEAR = 0.02
"""How far beyond the values, as a fraction of their range, a tick may be: a peak just below it gets its tick."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One parameter group's schedule, as a picture shows it.

    Attributes:
        label: its name in legends.
        schedule: its values.
        group: the parameter group, by number.
        momentum_word: its optimizer's word for momentum: `momentum` or `beta1`.
        plan: the plan's name in titles, if it is not the label.
        is_reference: whether it is a schedule of another shape, beside the plans.
    """

    label: str
    schedule: Schedule
    group: int = 0
    momentum_word: str = "momentum"
    plan: str | None = None
    is_reference: bool = False


def check_drawable(curves: Sequence[Curve]) -> None:
    """Check that an axis can hold the curves' learning rates and momenta.

    Raises:
        OnecycleError: a rate is too large or too small, or a momentum too large.
    """
    for curve in curves:
        steps = edge_steps(curve.schedule)
        rates = [curve.schedule.lr(step, curve.group) for step in steps]
        if not DRAWABLE[0] <= max(rates) <= DRAWABLE[1]:  # not where it is NaN
            raise OnecycleError(
                f"a learning rate of {max(rates):g} cannot be drawn",
                f"draw rates between {DRAWABLE[0]:g} and {DRAWABLE[1]:g}",
            )
        momenta = [abs(curve.schedule.momentum(step, curve.group) or 0.0) for step in steps]
        if not max(momenta) <= DRAWABLE[1]:
            hint = f"draw momenta up to {DRAWABLE[1]:g}"
            raise OnecycleError(f"a {curve.momentum_word} of {max(momenta):g} cannot be drawn", hint)


def steps_to_draw(schedule: Schedule, first: int | None = None, last: int | None = None) -> NDArray[np.int64]:
    """Return the steps at which a curve is drawn, sorted, without duplicates.

    All of them where they are few; else evenly spread ones, and the first and last of each phase, where every extreme
    value is. The cost does not depend on the length of the cycle.

    Args:
        schedule: the schedule that is drawn.
        first: the first step wanted; by default the first one still ahead.
        last: the last step wanted; by default the cycle's.
    """
    import numpy as np

    end = schedule.total_steps - 1 if last is None else last
    begin = min(schedule.first_step if first is None else first, end)
    if end - begin < MOST_STEPS:
        return np.arange(begin, end + 1, dtype=np.int64)
    even = np.linspace(begin, end, MOST_STEPS).astype(np.int64)
    edges = [step for phase in schedule.phases for step in (phase.first_step, phase.last_step)]
    inside = [step for step in edges if begin <= step <= end]
    return np.unique(np.concatenate([even, np.array([begin, *inside, end], dtype=np.int64)]))


def x_divisor(schedule: Schedule, across: Across) -> float:
    """Return how many steps one unit of the horizontal axis holds: a step, an epoch, or a percent of the cycle.

    Raises:
        OnecycleError: epochs are wanted of a schedule whose steps per epoch are not known.
    """
    if across == "step":
        return 1.0
    if across == "percent":
        return schedule.total_steps / 100
    if schedule.steps_per_epoch is None:
        raise OnecycleError("--x epoch needs steps_per_epoch", "set it, or use --x step")
    return float(schedule.steps_per_epoch)


def place_name(step: int, schedule: Schedule, across: Across) -> str:
    """Return where a step is in the unit of the horizontal axis: step 1,574, epoch 8.99 or 30 %."""
    if across == "step":
        return f"step {step:,}"
    place = step / x_divisor(schedule, across)
    value = f"{place:.3g}" if place < 999.5 else f"{place:,.0f}"
    return f"epoch {value}" if across == "epoch" else f"{value} %"


def momentum_name(curves: Sequence[Curve]) -> str:
    """Return what the curves' optimizers call momentum."""
    return " / ".join(dict.fromkeys(curve.momentum_word for curve in curves if curve.schedule.cycles_momentum))


def count_unit(highest: float) -> tuple[int, str]:
    """Return the unit that an axis of steps counts in, and its name unless it is 1."""
    return next(((unit, word) for limit, unit, word in SCALES if highest >= limit), (1, ""))


def value_ticks(low: float, high: float, most: int, *, log: bool) -> tuple[list[float], list[str]]:
    """Return at most `most` ticks of an axis of learning rates or momenta, and their labels."""
    if log:
        ticks = log_ticks(low, high, most)
        return ticks, tick_labels(ticks, log=True)
    near = NEAR * (high - low)
    ticks = even_ticks(low - near, high + near, most)
    return ticks, tick_labels(ticks)


def even_ticks(low: float, high: float, most: int, *, whole: bool = False) -> list[float]:
    """Return at most `most` ticks at multiples of 1, 2 or 5 times a power of ten; only whole numbers if `whole`."""
    span = high - low
    if span < SMALLEST_SPAN or most < 1:
        return [low]
    power = math.floor(math.log10(span / most)) - 1
    choices = ((factor, at) for at in range(power, power + 4) for factor in (1, 2, 5))
    for factor, at in choices:
        if whole and at < 0:
            continue
        distance = factor * 10.0**at
        begin, end = math.ceil(low / distance - 1e-9), math.floor(high / distance + 1e-9)
        if 0 < end - begin + 1 <= most:
            return [_multiple(number * factor, at) for number in range(begin, end + 1)]
    return [low]


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Return at most `most` ticks of a logarithmic axis: powers of ten, and 2 and 5 times them if they are few."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        found = [_multiple(factor, at) for at in range(first - 1, last + 1) for factor in factors]
        kept = [tick for tick in found if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]
        if 2 <= len(kept) <= most:
            return kept
    if last <= first:
        return even_ticks(low, high, most)
    stride = math.ceil((last - first + 1) / most)
    return [_multiple(1, at) for at in range(last, first - 1, -stride)][::-1]


def tick_labels(ticks: list[float], *, log: bool = False) -> list[str]:
    """Return the ticks' labels, all with as many decimals as the finest needs, or all with exponents."""
    if log:
        return _in_one_form(ticks)
    distance = min((b - a for a, b in pairwise(ticks)), default=0.0)
    fine = distance < SMALLEST_PLAIN * (1 - 1e-9)
    if fine or max(map(abs, ticks)) >= LARGEST_PLAIN:
        return _in_one_form(ticks)
    decimals = max((len(f"{tick:.5f}".rstrip("0").partition(".")[2]) for tick in ticks), default=0)
    return [f"{tick:,.{decimals}f}" for tick in ticks]


def _in_one_form(ticks: list[float]) -> list[str]:
    """Return the ticks' labels to four digits: all plain, or all but 0 with exponents if one of them needs it."""
    labels = [short(tick) for tick in ticks]
    if not any("e" in label for label in labels):
        return labels
    scientific = (f"{tick:.3e}".partition("e") for tick in ticks)
    return [f"{digits.rstrip('0').rstrip('.')}e{power}" if float(digits) else "0" for digits, _, power in scientific]


def _multiple(factor: int, power: int) -> float:
    """Return factor × 10^power, rounded once: 3 × 0.1 is 0.3."""
    return float(f"{factor}e{power}")
