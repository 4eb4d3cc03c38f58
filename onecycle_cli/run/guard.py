"""The plan beside a training loop: the optimizer's learning rate and momentum are compared with it at each step."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import divergence
from onecycle_cli.policy.onecycle import OneCycle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, MutableMapping

    from onecycle_cli.policy.schedule import Schedule

TOLERANCE = 1e-6
"""How much of the planned value a value may differ: some optimizers hold their rates in float32, of 24 bits."""


class DivergenceError(OnecycleError):
    """A run does not follow its plan."""

    def __init__(self, message: str, step: int) -> None:
        """Take the sentence and the step."""
        super().__init__(message, "check how often and from which step the scheduler is stepped")
        self.step = step

    def __reduce__(self) -> tuple[type[DivergenceError], tuple[str, int]]:
        """Pickle what the exception is made from."""
        return type(self), (self.message, self.step)


class DivergenceWarning(UserWarning):
    """A run does not follow its plan."""


class ScheduleGuard:
    """Compares an optimizer with a plan at every step of a run, and reports the first difference.

    Call `step` once per optimizer update, before `scheduler.step()`::

        guard = ScheduleGuard(OneCycle(max_lr=0.1, total_steps=1000), optimizer)
        for batch in loader:
            ...
            optimizer.step()
            guard.step()
            scheduler.step()

    `for_lightning`, `for_transformers` and `for_keras` return callbacks that call it.

    Attributes:
        schedule: the planned schedule.
        next_step: the step of the plan that the next call compares; it begins at the plan's first step.
        diverged_at: the first step that was not as planned; None so far.
    """

    def __init__(
        self,
        plan: OneCycle | Schedule,
        optimizer: Any = None,
        *,
        on_divergence: Literal["raise", "warn"] = "raise",
        tolerance: float = TOLERANCE,
    ) -> None:
        """Take a plan and a PyTorch optimizer.

        Args:
            plan: settings, or their schedule.
            optimizer: any object with `param_groups`; the callbacks set it themselves.
            on_divergence: raise DivergenceError, or warn once with DivergenceWarning and go on.
            tolerance: how much a value may differ, as a share of the planned one.

        Raises:
            PlanError: the plan has errors.
            ValueError: `on_divergence` or `tolerance` is invalid.
        """
        if on_divergence not in ("raise", "warn"):
            raise ValueError(f"on_divergence is {on_divergence!r}: use 'raise' or 'warn'")
        if not 0 <= tolerance < 1:
            raise ValueError(f"tolerance is {tolerance!r}: use a share from 0 to 1, such as 1e-6")
        self.schedule: Schedule = plan.schedule() if isinstance(plan, OneCycle) else plan
        self.next_step = self.schedule.first_step
        self.diverged_at: int | None = None
        self.optimizer = optimizer
        self._raises = on_divergence == "raise"
        self._tolerance = tolerance

    def step(self) -> None:
        """Compare the optimizer's learning rates and momenta with the planned ones, and go on to the next step.

        Raises:
            DivergenceError: a value is not the planned one, and `on_divergence` is `raise`.
            ValueError: the plan has another number of parameter groups than the optimizer.
        """
        if self.optimizer is None:
            raise ValueError("the guard has no optimizer: pass it to ScheduleGuard")
        self.compare(self.optimizer.param_groups)

    def compare(self, param_groups: Iterable[MutableMapping[str, Any]]) -> None:
        """Do what `step` does, with the parameter groups given."""
        step, schedule = self.next_step, self.schedule
        self.next_step = step + 1
        if self.diverged_at is not None:
            return
        groups = list(param_groups)
        if len(schedule.groups) not in (1, len(groups)):
            raise ValueError(f"the plan has {len(schedule.groups)} parameter groups, the optimizer {len(groups)}")
        for at, group in enumerate(groups):
            planned_group = at if len(schedule.groups) > 1 else 0
            self._compare(step, "lr", planned_group, group["lr"], schedule.lr)
            if schedule.cycles_momentum:
                momentum = group.get("momentum")
                if "betas" in group:
                    momentum = group["betas"][0]
                if momentum is not None:
                    self._compare(step, "momentum", planned_group, momentum, schedule.momentum)

    def _compare(
        self, step: int, field: str, group: int, value: Any, planned_at: Callable[[int, int], float | None]
    ) -> None:
        logged = float(value)
        planned = planned_at(step, group) if step < self.schedule.total_steps else None
        if planned is not None and abs(logged - planned) <= self._tolerance * abs(planned):
            return
        if self.diverged_at is not None:
            return
        self.diverged_at = step
        name = field if len(self.schedule.groups) == 1 else f"{field}_{self.schedule.groups[group]}"
        message = divergence(step, name, planned, logged, self.schedule.total_steps - 1)
        if self._raises:
            raise DivergenceError(message, step)
        warnings.warn(message, DivergenceWarning, stacklevel=4)

    def for_lightning(self) -> Any:
        """Return a callback for Lightning's Trainer; it compares before each optimizer step."""
        try:
            lightning = import_module("lightning.pytorch")
        except ImportError:
            lightning = import_module("pytorch_lightning")

        def compare(_callback: Any, _trainer: Any, _module: Any, optimizer: Any) -> None:
            if self.optimizer in (None, optimizer):  # of several optimizers, as in a GAN, only one has this plan
                self.optimizer = optimizer
                self.compare(optimizer.param_groups)

        return _callback(lightning.Callback, "on_before_optimizer_step", compare)

    def for_transformers(self) -> Any:
        """Return a callback for transformers' Trainer; it compares before each optimizer step."""
        from transformers import TrainerCallback

        def compare(_callback: Any, _args: Any, _state: Any, _control: Any, **given: Any) -> None:
            self.compare(given["optimizer"].param_groups)

        return _callback(TrainerCallback, "on_pre_optimizer_step", compare)

    def for_keras(self) -> Any:
        """Return a callback for Keras' `fit`; it compares at the beginning of each batch.

        Put it behind the callback that sets the learning rate, if there is one.
        """
        from keras.callbacks import Callback

        def compare(callback: Any, _batch: int, logs: Any = None) -> None:  # noqa: ARG001 - passed by its name
            optimizer = callback.model.optimizer
            group = {"lr": optimizer.learning_rate}
            for setting in ("momentum", "beta_1"):
                if isinstance(value := getattr(optimizer, setting, None), int | float):
                    group["momentum"] = value
            self.compare([group])

        return _callback(Callback, "on_train_batch_begin", compare)


def _callback(base: type, hook: str, function: Callable[..., None]) -> Any:
    """Return a framework's callback with one hook; its class is made here, because the framework may be missing."""
    return type("GuardCallback", (base,), {hook: function})()
