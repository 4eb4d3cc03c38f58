"""fastai: `Learner.fit_one_cycle` of fastai v2 (recorded in 2.8.12 while training).

Formula
    At the start of epoch k the position is k / epochs; after each batch 1 / (steps_per_epoch * epochs) is added, and
    each sum is rounded: epochs × steps matters, not T alone. The edges 0, p and p + (1 - p) are float32, and so is
    the position compared with them. In a phase x = float32(position - edge) / float32(length), and from a to b it is
    a + (1 + cos(pi * (1 - x))) * (b - a) / 2 in float64. i = M / d; m = M / f: fastai's `div_final` divides the peak.
    Momentum goes max → base → final_momentum.

Defaults
    pct_start 0.25, div_factor 25, final_div_factor (`div_final`) 100,000, momenta 0.95, 0.85, 0.95.

Lacks
    linear, three_phase. m is never reached, the last position being (T - 1) / T; M only where a position equals p.
    A length in steps alone counts as one epoch.
"""

from __future__ import annotations

import math
import struct
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from onecycle_cli.findings.plan_rules import EMPTY_PHASE, NO_WARMUP
from onecycle_cli.policy.conventions.base import SETTINGS_OF_OTHERS, Convention, Defaults, longer_warmup
from onecycle_cli.policy.ramps import Phase, Ramp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.plan import Plan
    from onecycle_cli.policy.ramps import FloatArray, Number

REAL_ADDITIONS = 3
"""Additions made one by one before each jump: the last two must lie in one power of two, as the first there may
round a tie to one side and only the second goes on as all that follow."""


@dataclass(frozen=True, slots=True)
class Clock:
    """fastai's position in the run, summed up batch by batch within each epoch."""

    epochs: int
    steps_per_epoch: int

    def position(self, step: Number) -> Number:
        """Return the position before a step, rounded to float32 as fastai rounds it."""
        epoch = step // self.steps_per_epoch
        batch = step - epoch * self.steps_per_epoch
        return single(running_sum(epoch / self.epochs, 1 / (self.steps_per_epoch * self.epochs), batch))


@dataclass(frozen=True, slots=True)
class FastaiRamp(Ramp):
    """Half a cosine wave over float32 positions: `edge` and `span` are fractions of the run here."""

    clock: Clock

    def progress(self, step: Number) -> Number:
        """Return how far into the phase a step is, in float32."""
        return single(single(self.clock.position(step) - self.edge) / self.span)

    def at(self, step: Number, cos: Callable[[Number], Number]) -> Number:
        """Return the value at a step, or at each of an array of steps."""
        return self.start + (1 + cos(math.pi * (1 - self.progress(step)))) * (self.end - self.start) / 2


def phases(plan: Plan) -> tuple[Phase, ...]:
    """Cut the cycle as fastai does, at a position. Raises ZeroDivisionError where fastai's learning rate is NaN."""
    clock = _clock(plan)
    edge, span = _anneal(plan)
    peak_step = _first_step_at(edge, clock, plan.total_steps)
    if span == 0 and peak_step < plan.total_steps:
        raise ZeroDivisionError
    rise, fall, momentum_down, momentum_up = [], [], [], []
    for group in plan.groups:
        final = group.max_lr / plan.final_div_factor if plan.final_lr is None else plan.final_lr
        rise.append(FastaiRamp(group.max_lr / plan.div_factor, group.max_lr, 0.0, edge, clock))
        fall.append(FastaiRamp(group.max_lr, final, edge, span, clock))
        if plan.cycle_momentum:
            momentum_down.append(FastaiRamp(group.max_momentum, group.base_momentum, 0.0, edge, clock))
            momentum_up.append(FastaiRamp(group.base_momentum, group.final_momentum, edge, span, clock))
    return (
        Phase("warm-up", 0, peak_step - 1, tuple(rise), tuple(momentum_down)),
        Phase("anneal", peak_step, plan.total_steps - 1, tuple(fall), tuple(momentum_up)),
    )


def check(plan: Plan) -> Iterator[Finding]:
    """Find a run without warm-up, and one with steps in an anneal phase of length 0."""
    edge, span = _anneal(plan)
    if span == 0 and _first_step_at(edge, _clock(plan), plan.total_steps) < plan.total_steps:
        yield EMPTY_PHASE.finding(
            f"pct_start {plan.pct_start!r} is 1 in fastai's float32: the last steps fall into an anneal phase of "
            "length 0, where fastai's learning rate is NaN",
            "set pct_start to 0.3",
            "pct_start",
        )
    rise = plan.pct_start * plan.total_steps
    if rise < 1:
        words = f"pct_start × total_steps = {plan.pct_start!r} × {plan.total_steps:,} = {rise:.6g}, below 1"
        come = "only step 0, at the initial learning rate, comes" if edge > 0 else "no steps come"
        message = f"{words}: {come} before the peak"
        yield NO_WARMUP.finding(message, longer_warmup(plan.total_steps), "pct_start")


def _anneal(plan: Plan) -> tuple[float, float]:
    """Return the position at which the anneal phase begins, and its length."""
    edge = single(plan.pct_start)
    end = single(edge + single(1 - plan.pct_start))
    return edge, single(end - edge)


def _clock(plan: Plan) -> Clock:
    per_epoch = plan.length.steps_per_epoch
    if per_epoch is None or per_epoch * plan.epochs < plan.total_steps:
        return Clock(1, plan.total_steps)
    return Clock(plan.epochs, per_epoch)


def _first_step_at(edge: float, clock: Clock, total: int) -> int:
    """Return the first step whose position is at or past an edge; `total` if there is none."""
    low, high = 0, total
    while low < high:
        middle = (low + high) // 2
        if clock.position(middle) >= edge:
            high = middle
        else:
            low = middle + 1
    return low


def single(value: Number) -> Number:
    """Return a number rounded to float32, as float64 again."""
    if isinstance(value, float):
        rounded: float = struct.unpack("f", struct.pack("f", value))[0]
        return rounded
    return value.astype("float32").astype("float64")


def running_sum(start: Number, term: float, times: Number) -> Number:
    """Return `start` plus `term` added `times` times, rounded after each addition, in a few dozen operations.

    Adding the same number over and over moves a float64 by a constant as long as it stays below the next power of
    two, except for the first addition there, where a tie may be rounded to either side. So each power of two on the
    way costs a few real additions and one jump, however many additions the jump replaces.

    Takes numbers, or float64 arrays of one shape for `start` and `times`; all are positive, and below 2**53 terms.
    """
    if isinstance(times, int | float):
        return _one(float(start), term, int(times))
    return _many(start, term, times)


def _one(start: float, term: float, times: int) -> float:
    # Rounded up, so that sums of about as many terms share what is kept.
    counts, sums, moves = _stretches(start, term, 1 << times.bit_length())
    at = bisect_right(counts, times) - 1
    return sums[at] + (times - counts[at]) * moves[at]


@lru_cache(maxsize=256)  # the search for an edge and the rows of an epoch ask for many sums of the same start
def _stretches(start: float, term: float, times: int) -> tuple[list[int], list[float], list[float]]:
    """Return where the constant changes, up to at least `times` additions.

    Returns:
        The number of additions before each change, the sum there, and how far each addition moves it from there on; 0
        where the next sum is listed too.
    """
    counts, sums, moves = [0], [start], [0.0]
    while counts[-1] < times:
        for _ in range(REAL_ADDITIONS):
            counts.append(counts[-1] + 1)
            sums.append(sums[-1] + term)
            moves.append(0.0)
        older, before, total = sums[-3:]
        move, exponent = total - before, math.frexp(total)[1]
        if not move:  # nor does any later one
            break
        jumps = int((math.ldexp(1.0, exponent) - total) / move) - 1
        if jumps > 0 and math.frexp(older)[1] == exponent:
            moves[-1] = move
            counts.append(counts[-1] + jumps)
            sums.append(total + jumps * move)
            moves.append(0.0)
    return counts, sums, moves


def _many(start: FloatArray, term: float, times: FloatArray) -> FloatArray:
    import numpy as np

    if start.size and (start == start[0]).all():  # all in one epoch
        most = int(times.max())
        counts, sums, moves = map(np.array, _stretches(float(start[0]), term, 1 << most.bit_length()))
        at = np.searchsorted(counts, times, side="right") - 1
        found: FloatArray = sums[at] + (times - counts[at]) * moves[at]
        return found
    total, left = start.copy(), times.copy()
    older = before = total
    while left.any():
        for _ in range(REAL_ADDITIONS):
            going = left > 0
            older, before = np.where(going, before, older), np.where(going, total, before)
            total = np.where(going, total + term, total)
            left = left - going
        step = total - before
        exponent = np.frexp(total)[1]
        ready = (left > 0) & (step > 0) & (np.frexp(older)[1] == exponent)
        room = (np.ldexp(1.0, exponent) - total) / np.where(ready, step, 1.0)
        jumps = np.where(ready, np.minimum(left, np.maximum(0.0, np.floor(room) - 1)), 0.0)
        total, left = total + jumps * step, left - jumps
    return total


CONVENTION = Convention(
    name="fastai",
    manual=__doc__,
    framework="fastai",
    version="2.8.12",
    phases=phases,
    steps_by_batch=True,
    check=check,
    defaults=Defaults(pct_start=0.25, final_div_factor=1e5),
    unsupported={
        **{setting: reason for setting, reason in SETTINGS_OF_OTHERS.items() if setting != "final_momentum"},
        "three_phase": "fit_one_cycle has only two phases",
        "anneal_strategy": "fit_one_cycle anneals only with a cosine",
    },
    final_divides_peak=True,
    aliases={"final_div_factor": "div_final", "div_factor": "div"},
    classes=("fit_one_cycle",),
    modules=("fastai",),
)
