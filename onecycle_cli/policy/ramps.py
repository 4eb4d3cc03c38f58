"""The curves inside a phase, each written once for one step and for arrays of steps.

A formula is given the cosine to use, `math.cos` or `array_cos()`; everything else in it is plain arithmetic, so the
scalar and the array path cannot drift apart. The order of evaluation is the frameworks': another one differs in the
last bit.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    import numpy as np

    FloatArray: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

Number = TypeVar("Number", "float", "FloatArray")


PROBE = 4000
"""Cosines compared before NumPy's is used: where a libm and a SIMD kernel differ, they differ in a percent or so."""


@cache
def array_cos() -> Callable[[FloatArray], FloatArray]:
    """Return a cosine for arrays that gives the bits of `math.cos`, which the frameworks call.

    It is NumPy's own if that agrees with `math.cos` on a probe of pi*x with x in 0…1, else `math.cos` per element:
    some builds of NumPy compute the cosine with SIMD kernels that round differently from the C library.
    """
    import numpy as np

    def per_element(angles: FloatArray) -> FloatArray:
        flat = np.fromiter(map(math.cos, angles.ravel().tolist()), np.float64, angles.size)
        return flat.reshape(angles.shape)

    probe = math.pi * np.linspace(0.0, 1.0, PROBE)
    return np.cos if np.array_equal(np.cos(probe), per_element(probe)) else per_element


@dataclass(frozen=True, slots=True)
class Ramp:
    """One quantity's curve through a phase, from `start` to `end`.

    `edge` is the (real) step at which it begins, `span` its length in steps.
    """

    start: float
    end: float
    edge: float
    span: float

    def progress(self, step: Number) -> Number:
        """Return how far into the phase a step is: 0 at its edge, 1 at its end."""
        return (step - self.edge) / self.span

    @abstractmethod
    def at(self, step: Number, cos: Callable[[Number], Number]) -> Number:
        """Return the value at a step, or at each of an array of steps."""


class CosineRamp(Ramp):
    """Half a cosine wave. Source: PyTorch 2.13 `OneCycleLR._annealing_cos`."""

    __slots__ = ()

    def at(self, step: Number, cos: Callable[[Number], Number]) -> Number:
        """Return the value at a step, or at each of an array of steps."""
        return self.end + (self.start - self.end) / 2.0 * (cos(math.pi * self.progress(step)) + 1)


class LinearRamp(Ramp):
    """A straight line. Source: PyTorch 2.13 `OneCycleLR._annealing_linear`."""

    __slots__ = ()

    def at(self, step: Number, cos: Callable[[Number], Number]) -> Number:  # noqa: ARG002
        """Return the value at a step, or at each of an array of steps."""
        return (self.end - self.start) * self.progress(step) + self.start


RAMPS: dict[str, type[Ramp]] = {"cos": CosineRamp, "linear": LinearRamp}
"""The ramps by `anneal_strategy`."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase of the cycle: its name, its first and last step, and each group's ramps.

    `momentum` is empty if momentum is not cycled. A phase whose `last_step` is before its `first_step` is empty.
    `is_cut` if another segment begins before its ramps end.
    """

    name: str
    first_step: int
    last_step: int
    lr: tuple[Ramp, ...]
    momentum: tuple[Ramp, ...]
    is_cut: bool = False

    @property
    def steps(self) -> int:
        """The number of steps in the phase."""
        return max(0, self.last_step - self.first_step + 1)

    def within(self, total_steps: int) -> Phase:
        """Return the part of the phase inside a cycle of `total_steps` steps (pct_start above 1 goes past the end)."""
        if self.first_step >= 0 and self.last_step < total_steps:
            return self
        return replace(self, first_step=max(self.first_step, 0), last_step=min(self.last_step, total_steps - 1))
