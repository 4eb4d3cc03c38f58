"""What a snippet is written from: a plan, and what its settings say of the run around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.formatting import format_number, printable
from onecycle_cli.policy.checks.optimizers import momentum_word, plain_name
from onecycle_cli.policy.summary import summarize
from onecycle_cli.render.code.writing import comment

if TYPE_CHECKING:
    from onecycle_cli.policy.onecycle import OneCycle
    from onecycle_cli.policy.plan import Plan
    from onecycle_cli.policy.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Task:
    """A plan to be written as code."""

    name: str
    settings: OneCycle
    schedule: Schedule

    @property
    def plan(self) -> Plan:
        """The plan with every number resolved."""
        return self.schedule.plan

    @property
    def total(self) -> int:
        """Steps of the cycle."""
        return self.schedule.total_steps

    @property
    def several(self) -> bool:
        """Whether there are several parameter groups."""
        return len(self.schedule.groups) > 1

    @property
    def from_loader(self) -> bool:
        """Whether the length came from epochs and the loader, so that the code may ask the real loader."""
        return self.plan.length.came_from != "total_steps"

    @property
    def per_epoch(self) -> int:
        """Steps of an epoch as planned; all of them where nothing is known of epochs."""
        return self.plan.length.steps_per_epoch or self.total

    @property
    def accumulation(self) -> int:
        """Batches that make one step."""
        return self.settings.gradient_accumulation or 1

    @property
    def optimizer(self) -> str | None:
        """The optimizer's plain name, if it is known."""
        return plain_name(self.settings.optimizer) if self.settings.optimizer else None

    @property
    def beta1(self) -> bool:
        """Whether what is cycled is the optimizer's beta1."""
        return momentum_word(self.settings.optimizer) == "beta1"

    def steps_of_an_epoch(self, loader: str = "train_loader") -> str:
        """Write the steps of an epoch in Python, from the real loader."""
        return f"math.ceil(len({loader}) / {self.accumulation})" if self.accumulation > 1 else f"len({loader})"

    def steps_of_the_run(self, loader: str = "train_loader") -> str:
        """Write the steps of the run in Python: from the real loader where the plan's length came from one."""
        return f"{self.plan.epochs} * {self.steps_of_an_epoch(loader)}" if self.from_loader else str(self.total)

    def planned(self) -> str:
        """Say what the real loader should give for the run."""
        return f"planned: {self.total}" if self.from_loader else ""

    def head(self, *more: str) -> str:
        """Write the comment at the top: whose plan it is, its length, its telling values, and more paragraphs."""
        length = self.plan.length.sum if self.from_loader else "total_steps as given"
        first = summarize(self.schedule, 0)
        rates = " -> ".join(map(format_number, (first.initial_lr, first.peak_lr, first.final_lr)))
        told = f"learning rate {rates}"
        if (
            first.initial_momentum is not None
            and first.lowest_momentum is not None
            and first.final_momentum is not None
        ):
            momenta = (first.initial_momentum, first.lowest_momentum, first.final_momentum)
            told += f", {momentum_word(self.settings.optimizer)} " + " -> ".join(map(format_number, momenta))
        if self.several:
            told += f" in the group {printable(self.schedule.groups[0])}"
        title = f"{self.name}: {self.total} steps ({length.replace('×', 'x')}),"
        return comment(f"{title} {told}.", *more)

    def resuming(self, how: str) -> str:
        """Say how to resume, where the plan resumes."""
        if self.schedule.first_step == 0:
            return ""
        return comment(f"To resume at step {self.schedule.first_step}: {how}")
