"""The numbers beside a schedule in a training config, as values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

BY_STEP = ("step", "batch", "iter", "iteration", "update", "steps", "batches", "iters", "iterations", "updates")
BY_EPOCH = ("epoch", "epochs")
"""The words in use for how often a scheduler is stepped."""


@dataclass(frozen=True, slots=True)
class ConfigValue(Generic[T]):
    """A value and its dotted path in the config, such as `trainer.max_epochs`."""

    value: T
    path: str


@dataclass(frozen=True, slots=True)
class TrainingContext:
    """What a training config says beside its schedule; None if it does not, or if it is not known.

    Attributes:
        optimizer_lr: the optimizer's learning rate, or its parameter groups' rates.
        optimizer_momentum: the optimizer's momentum, or the first of its betas.
        epochs: the number of epochs the trainer runs.
        max_steps: the number of steps (optimizer updates) after which the trainer stops.
        accumulation: batches per step.
        devices: processes that share the data, on all nodes together.
        dataset_size: samples in the training set.
        batch_size: samples in one batch of one process.
        interval: how often the scheduler is stepped, as written: step, epoch, batch, steps …
        scaling: where the framework is asked to scale the optimizer's learning rate by the batch size.
        stepping: how often it is stepped, if that follows from the kind of config.
        stepped_by: the program that it follows from, such as LightningCLI.
        overridable: whether the user's code may step it differently.
        batches: what shows that the cycle counts batches, where its length is not known; empty where nothing does.
    """

    optimizer_lr: ConfigValue[tuple[float, ...]] | None = None
    optimizer_momentum: ConfigValue[float] | None = None
    epochs: ConfigValue[int] | None = None
    max_steps: ConfigValue[int] | None = None
    accumulation: ConfigValue[int] | None = None
    devices: ConfigValue[int] | None = None
    dataset_size: ConfigValue[int] | None = None
    batch_size: ConfigValue[int] | None = None
    interval: ConfigValue[str] | None = None
    scaling: ConfigValue[bool] | None = None
    stepping: Literal["step", "epoch"] | None = None
    stepped_by: str = ""
    overridable: bool = False
    batches: str = ""

    @property
    def unit(self) -> Literal["step", "epoch"] | None:
        """How often the scheduler is stepped; None if it is not known."""
        if self.interval is None:
            return self.stepping
        word = self.interval.value.strip().lower()
        return "step" if word in BY_STEP else "epoch" if word in BY_EPOCH else None

    @property
    def paths(self) -> frozenset[str]:
        """The paths of the values."""
        return frozenset(
            stated.path for name in self.__slots__ if isinstance(stated := getattr(self, name), ConfigValue)
        )

    def of_paths(self, is_kept: Callable[[str], bool]) -> TrainingContext:
        """Return the context with those of its values whose path is kept."""
        stated = {name: getattr(self, name) for name in self.__slots__}
        left_out = [
            name for name, value in stated.items() if isinstance(value, ConfigValue) and not is_kept(value.path)
        ]
        return replace(self, **dict.fromkeys(left_out))  # type: ignore[arg-type]
