"""onecycle-cli: plan one-cycle learning-rate schedules, and check runs against them.

The library is `OneCycle`, the settings of a schedule, and the `Schedule` that they make::

    from onecycle_cli import OneCycle

    schedule = OneCycle(max_lr=0.1, epochs=30, steps_per_epoch=98).schedule()
    schedule.lr(0)                 # one step, as a float
    schedule.lr(np.arange(2940))   # many steps, as a float64 array
    schedule.plot()                # with matplotlib; a notebook shows the schedule itself as a picture

`OneCycle.from_file` reads configs. `ScheduleGuard` compares an optimizer with a plan while it trains.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onecycle_cli.api import OneCycle, Schedule
    from onecycle_cli.errors import GroupError, OnecycleError, PlanError, StepError
    from onecycle_cli.findings import Finding, Severity
    from onecycle_cli.policy.ramps import Phase
    from onecycle_cli.run.guard import DivergenceError, DivergenceWarning, ScheduleGuard
    from onecycle_cli.version import __version__

_MODULES = {
    "DivergenceError": "run.guard",
    "DivergenceWarning": "run.guard",
    "Finding": "findings",
    "GroupError": "errors",
    "OneCycle": "api",
    "OnecycleError": "errors",
    "Phase": "policy.ramps",
    "PlanError": "errors",
    "Schedule": "api",
    "ScheduleGuard": "run.guard",
    "Severity": "findings",
    "StepError": "errors",
    "__version__": "version",
}
"""Where each name is; loaded when it is first used, so that the program starts without what it does not need."""

__all__ = [
    "DivergenceError",
    "DivergenceWarning",
    "Finding",
    "GroupError",
    "OneCycle",
    "OnecycleError",
    "Phase",
    "PlanError",
    "Schedule",
    "ScheduleGuard",
    "Severity",
    "StepError",
    "__version__",
]


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
