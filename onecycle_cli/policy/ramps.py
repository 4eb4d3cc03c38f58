"""The curves inside a phase, each written once for one step and for arrays of steps.

A formula is handed the cosine to use, `math.cos` or NumPy's; all else in it is plain arithmetic, so the scalar and
the array path cannot drift apart. The order of evaluation is the frameworks': another one differs in the last bit.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    import numpy as np

    FloatArray: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

Number = TypeVar("Number", "float", "FloatArray")


@dataclass(frozen=True, slots=True)
class Ramp:
    """One quantity's way through a phase, from `start` to `end`.

    `edge` is the (real) step at which the way begins, `span` its length in steps.
    """

    start: float
    end: float
    edge: float
    span: float

    def progress(self, step: Number) -> Number:
        """Say how far into the phase a step is: 0 at its edge, 1 at its end."""
        return (step - self.edge) / self.span

    @abstractmethod
    def at(self, step: Number, cos: Callable[[Number], Number]) -> Number:
        """Give the value at a step, or at each of an array of steps."""


class CosineRamp(Ramp):
    """Half a cosine wave. Source: PyTorch 2.13 `OneCycleLR._annealing_cos`."""

    __slots__ = ()

    def at(self, step: Number, cos: Callable[[Number], Number]) -> Number:
        """Give the value at a step, or at each of an array of steps."""
        return self.end + (self.start - self.end) / 2.0 * (cos(math.pi * self.progress(step)) + 1)


class LinearRamp(Ramp):
    """A straight line. Source: PyTorch 2.13 `OneCycleLR._annealing_linear`."""

    __slots__ = ()

    def at(self, step: Number, cos: Callable[[Number], Number]) -> Number:  # noqa: ARG002
        """Give the value at a step, or at each of an array of steps."""
        return (self.end - self.start) * self.progress(step) + self.start


RAMPS: dict[str, type[Ramp]] = {"cos": CosineRamp, "linear": LinearRamp}
"""The ramps by `anneal_strategy`."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase of the cycle: its name, its first and last step, and each group's ramps.

    `momentum` is empty where momentum is not cycled. A phase whose `last_step` is before its `first_step` is empty.
    """

    name: str
    first_step: int
    last_step: int
    lr: tuple[Ramp, ...]
    momentum: tuple[Ramp, ...]

    @property
    def steps(self) -> int:
        """How many steps fall into the phase."""
        return max(0, self.last_step - self.first_step + 1)
