"""The two classes that people import: the settings and the schedule of `policy`, with files to read and pictures."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Self

from onecycle_cli.errors import PlanError
from onecycle_cli.findings import Severity
from onecycle_cli.policy.checks.optimizers import momentum_word
from onecycle_cli.policy.onecycle import OneCycle as PolicySettings
from onecycle_cli.policy.onecycle import check_names
from onecycle_cli.policy.schedule import Schedule as PolicySchedule
from onecycle_cli.policy.settings import SETTINGS

if TYPE_CHECKING:
    from typing import Literal

    from matplotlib.axes import Axes

    from onecycle_cli.policy.plan import Plan
    from onecycle_cli.render.picture import Across


class OneCycle(PolicySettings):
    """The settings of a one-cycle learning-rate schedule, under the names that PyTorch and R torch give them.

    The learning rate rises from max_lr / div_factor to max_lr over the first pct_start of the cycle, then falls to
    (max_lr / div_factor) / final_div_factor. Momentum moves the opposite way, between max_momentum and base_momentum.

    Example:
        >>> plan = OneCycle(max_lr=0.1, epochs=30, steps_per_epoch=98)
        >>> schedule = plan.schedule()
        >>> schedule.total_steps, schedule.lr(0)
        (2940, 0.0040000000000000036)

    Args:
        ...

    Every setting but max_lr is optional; None means the convention's own default.

    Raises:
        TypeError: an argument is unknown, or max_lr is missing.
        PlanError: max_lr is None, or a value has the wrong type. Integers are numbers, and lists may be tuples.
            Booleans are not numbers, and strings are never converted. It is a ValueError, and its
            `findings` say what is wrong.

    Values out of range, a missing length and the like are accepted here; `findings()` reports them all, and
    `schedule()` raises PlanError for them.

    Source: L. N. Smith and N. Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large
    Learning Rates" (arXiv:1708.07120); PyTorch 2.13 `OneCycleLR`; R torch `lr_one_cycle`.
    """

    @classmethod
    def from_file(cls, path: str | os.PathLike[str], *, block: str | None = None, **settings: object) -> Self:
        """Read the settings from a config file, as every command of `onecycle` does.

        Args:
            path: a YAML file with settings, or a training config or script: Hydra, LightningCLI, MMEngine, ….
            block: the dotted path of the one-cycle block to read, if the config has several.
            settings: settings that replace the file's, such as `total_steps=1000`. Training configs often leave the
                length to run time.

        Raises:
            PlanError: the config has errors; its `findings` are all findings about the file, with their lines.
            OnecycleError: the file cannot be read, or has no one-cycle schedule.
            TypeError: an argument is unknown.

        Example:
            plan = OneCycle.from_file("train.yaml", total_steps=1000)
        """
        from onecycle_cli.config import Request, load

        check_names(settings)
        flags = {name: value for name, value in settings.items() if value is not None}
        [loaded] = load(Request((os.fspath(path),), flags=flags, block=block)).plans
        if loaded.settings is None or any(finding.severity is Severity.ERROR for finding in loaded.findings):
            errors_first = sorted(loaded.findings, key=lambda finding: list(Severity).index(finding.severity))
            raise PlanError(errors_first)
        return cls.from_values(loaded.settings.given)

    def schedule(self, *, strict: bool = True) -> Schedule:
        """Return the schedule of these settings.

        Args:
            strict: raise for every error in the settings. If false, compute wherever the framework itself would:
                its edge cases, such as an empty phase or a negative rate, stay computable.

        Raises:
            PlanError: there are errors in the settings or, if not strict, they have no schedule at all (no length,
                lists that disagree, a setting that the framework does not have, a division by zero). It is a
                ValueError, and its `findings` say why.
        """
        return Schedule(super().schedule(strict=strict).plan, self.name or "", momentum_word(self.optimizer))


class Schedule(PolicySchedule):
    """The learning rate and momentum of every step of one plan.

    `OneCycle.schedule()` makes it. A notebook shows it as a picture with its key numbers.

    Example:
        >>> schedule = OneCycle(max_lr=0.1, total_steps=1000).schedule()
        >>> schedule.lr(299), schedule.momentum(299)
        (0.1, 0.85)
        >>> len(schedule), [phase.name for phase in schedule.phases]
        (1000, ['warm-up', 'anneal'])

    Attributes:
        total_steps: steps (optimizer updates) of the cycle; also `len(schedule)`.
        steps_per_epoch: steps of one epoch, or None if not known.
        first_step: the first step to train; 0 unless `last_epoch` resumes.
        groups: the names of the parameter groups.
        phases: the phases that contain at least one step, in order.
    """

    def __init__(self, plan: Plan, name: str, momentum_word: str) -> None:
        """Take a plan, its name, and what its optimizer calls momentum: use `OneCycle(…).schedule()`."""
        super().__init__(plan)
        self._name = name
        self._momentum_word = momentum_word

    def plot(
        self,
        ax: Axes | None = None,
        *,
        field: Literal["lr", "momentum"] = "lr",
        x: Across = "step",
        log: bool = False,
        **style: Any,
    ) -> Axes:
        """Draw the schedule with matplotlib, one line per parameter group.

        Args:
            ax: the axes to draw in; pyplot's current ones by default.
            field: the learning rate, or the momentum.
            x: what the horizontal axis counts: "step", "epoch" or "percent" of the cycle.
            log: whether the vertical axis is logarithmic.
            style: arguments of `Axes.plot`, such as label or color.

        Returns:
            The axes.

        Raises:
            OnecycleError: x is "epoch" and steps_per_epoch is not known, or momentum is not cycled.

        Example:
            figure, (above, below) = pyplot.subplots(2)
            schedule.plot(above, x="epoch")
            schedule.plot(below, x="epoch", field="momentum")
        """
        from onecycle_cli.render.figure.axes import draw_in_axes

        word = self._momentum_word if field == "momentum" else "learning rate"
        return draw_in_axes(self, ax, field, word, x, style, name=self._name, log=log)

    def _repr_png_(self) -> bytes:
        """Return the picture that a notebook without HTML shows."""
        from onecycle_cli.render.figure.axes import schedule_png

        return schedule_png(self, self._name or "one-cycle schedule", self._momentum_word)

    def _repr_html_(self) -> str:
        """Return the picture and the key numbers that a notebook shows."""
        from onecycle_cli.render.page.cell import schedule_html

        return schedule_html(self, self._name, self._momentum_word)


if OneCycle.__doc__ is not None:  # as it is with `python -OO`
    # From Python 3.13 on, a docstring is stored without the indentation of its class.
    _begin, _indentation, _end = re.split(r"^( +)\.\.\.\n", OneCycle.__doc__, maxsplit=1, flags=re.MULTILINE)
    _settings = (f"{_indentation}{name}: {setting.description}\n" for name, setting in SETTINGS.items())
    OneCycle.__doc__ = "".join([_begin, *_settings, _end])
