"""A plan as code to paste: one module per framework; here is what all share, the plan and its run, calls, comments."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from importlib import import_module
from keyword import iskeyword
from typing import TYPE_CHECKING, Literal

from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import format_number, printable
from onecycle_cli.policy.checks.optimizers import momentum_word, plain_name
from onecycle_cli.policy.continuation import description
from onecycle_cli.policy.summary import summarize

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from onecycle_cli.policy.conventions.base import Defaults
    from onecycle_cli.policy.onecycle import OneCycle
    from onecycle_cli.policy.plan import Plan
    from onecycle_cli.policy.schedule import Schedule

GUARD_TOLERANCE = 1e-6
"""The tolerance of ScheduleGuard itself."""

GUARDED = ("torch", "lightning", "transformers", "accelerate", "keras")
"""The frameworks whose snippets can have a ScheduleGuard."""

Framework = Literal[
    "torch", "lightning", "transformers", "accelerate", "fastai", "keras", "optax", "paddle", "mmengine", "r-torch"
]
"""The frameworks, each with a module here whose function `snippet` writes a plan for it."""

ONE_CYCLE_ONLY: dict[Framework, str] = {
    "mmengine": "its config names OneCycleLR, which has one cycle, and has no place for a formula"
}
"""The frameworks whose code cannot follow a plan with segments after its cycle, and why."""

OTHER_NAMES: dict[str, Framework] = {
    "pytorch": "torch",
    "pl": "lightning",
    "pytorch-lightning": "lightning",
    "hf": "transformers",
    "huggingface": "transformers",
    "jax": "optax",
    "flax": "optax",
    "paddlepaddle": "paddle",
    "r": "r-torch",
}
"""What people call the frameworks, by these names."""


def code(framework: Framework, name: str, settings: OneCycle, schedule: Schedule, *, guarded: bool = False) -> str:
    """Return a plan as a snippet for a framework; its first comment begins with `name`.

    `guarded` adds a ScheduleGuard, for the frameworks in GUARDED.

    Raises:
        OnecycleError: the framework cannot follow a plan with segments after its cycle.
    """
    if schedule.plan.then and framework in ONE_CYCLE_ONLY:
        raise OnecycleError(
            f"{framework} cannot follow a plan that goes on after its cycle: {ONE_CYCLE_ONLY[framework]}",
            "write it for another framework, or export its values",
        )
    module = import_module(f"onecycle_cli.render.code.{framework.replace('-', '_')}")
    text: str = module.snippet(Task(name, settings, schedule, guarded))
    return text + "\n"


def language(framework: Framework) -> str:
    """Return the language that a framework's snippet is in."""
    return "r" if framework.startswith("r-") else "python"


# --- The plan and its run ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Task:
    """A plan to be written as code, and what its settings say of the run around it."""

    name: str
    settings: OneCycle
    schedule: Schedule
    guarded: bool = False

    @property
    def plan(self) -> Plan:
        """The plan with all numbers resolved."""
        return self.schedule.plan

    @property
    def total(self) -> int:
        """Steps of the run."""
        return self.schedule.total_steps

    @property
    def several(self) -> bool:
        """Whether there are several parameter groups."""
        return len(self.schedule.groups) > 1

    @property
    def from_loader(self) -> bool:
        """Whether the length is in epochs, so that the code can ask the real loader for its steps."""
        return self.plan.length.is_in_epochs and self.total % self.per_epoch == 0

    @property
    def epochs(self) -> int:
        """Epochs of the run."""
        return self.schedule.epochs

    @property
    def per_epoch(self) -> int:
        """Steps of an epoch as planned; all steps where epochs are unknown."""
        return self.plan.length.steps_per_epoch or self.total

    @property
    def accumulation(self) -> int:
        """Batches that make one step."""
        return self.settings.gradient_accumulation or 1

    @property
    def world(self) -> int:
        """Processes that share the data."""
        return self.settings.world_size or 1

    @property
    def first_step(self) -> int:
        """The first step to train; above 0 if the run resumes."""
        return self.schedule.first_step

    @property
    def first_epoch(self) -> int:
        """The epoch of the first step to train, from 0; only where the length came from epochs."""
        return self.first_step // self.per_epoch

    @property
    def trained_batches(self) -> int:
        """Batches of the first epoch that the checkpoint has behind it; 0 where it is from an epoch's end."""
        return self.first_step % self.per_epoch * self.accumulation if self.from_loader else 0

    @property
    def optimizer(self) -> str | None:
        """The optimizer's plain name, if it is known."""
        return plain_name(self.settings.optimizer) if self.settings.optimizer else None

    @property
    def beta1(self) -> bool:
        """Whether the optimizer's momentum is its beta1."""
        return momentum_word(self.settings.optimizer) == "beta1"

    def steps_of_an_epoch(self, loader: str = "train_loader") -> str:
        """Return Python for the steps of an epoch, from the real loader."""
        return f"math.ceil(len({loader}) / {self.accumulation})" if self.accumulation > 1 else f"len({loader})"

    def steps_of_the_run(self) -> str:
        """Return Python for the steps of the run: from the real loader where the plan's length came from epochs."""
        return f"{self.epochs} * {self.steps_of_an_epoch()}" if self.from_loader else str(self.total)

    def planned(self) -> str:
        """Return a remark with the steps that the real loader should give for the run."""
        return f"planned: {self.total}" if self.from_loader else ""

    def head(self, *more: str) -> str:
        """Return the comment at the top: the plan's name, its length and key values, and more paragraphs."""
        length = self.plan.length.sum
        if self.plan.then:
            length = f"a cycle of {self.plan.total_steps:,}, then {description(self.plan)}"
        first = summarize(self.schedule, 0)
        rates = (first.initial_lr, first.peak_lr, first.final_lr)
        momenta = (first.initial_momentum, first.turning_momentum, first.final_momentum)
        values = "learning rate " + " -> ".join(map(format_number, rates))
        if self.schedule.cycles_momentum:
            cycled = " -> ".join(format_number(value) for value in momenta if value is not None)
            values += f", {momentum_word(self.settings.optimizer)} {cycled}"
        if self.several:
            values += f" in the group {printable(self.schedule.groups[0])}"
        steps = "1 step" if self.total == 1 else f"{self.total} steps"
        title = f"{self.name}: {steps} ({length.replace('×', 'x')}),"
        return comment(f"{title} {values}.", *more)

    def resuming(self, *lines: str) -> str:
        """Return lines of code that resume, if the plan resumes."""
        return "\n".join(lines) if self.first_step else ""

    def guard(self, written: Schedule, *more: str) -> str:
        """Return code that makes a ScheduleGuard with the plan's own settings, if one is asked for.

        `written` has the values that the code trains with: where they are not the plan's, the guard gets how far
        they may be from it.
        """
        if not self.guarded:
            return ""
        from onecycle_cli.render.code.match import relative_difference

        if (twice := 2 * relative_difference(self.schedule, written)) > GUARD_TOLERANCE:
            more = (*more, f"tolerance={min(twice, 0.99):.1e}")
        settings = {name: value for name, value in self.settings.given.items() if name not in ("name", "verbose")}
        given = [Argument(name, literal(value)) for name, value in settings.items()]
        plan = f"OneCycle({', '.join(f'{one.name}={one.value}' for one in given)})"
        line = f"guard = ScheduleGuard({', '.join((plan, *more))})"
        if len(line) > WIDTH or "\n" in line:
            plan = textwrap.indent(call("OneCycle", given), "    ").lstrip()
            line = f"guard = {call('ScheduleGuard', (), (plan, *more))}"
        return line

    @property
    def guard_import(self) -> str:
        """The import for the guard, if one is asked for."""
        return "from onecycle_cli import OneCycle, ScheduleGuard" if self.guarded else ""


# --- Code -------------------------------------------------------------------------------------------------------------


WIDTH = 96


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a call in code, with a remark for the end of its line."""

    name: str
    value: str
    remark: str = ""

    @property
    def comment(self) -> str:
        """The remark as a comment."""
        return f"  # {printable(self.remark)}" if self.remark else ""


def literal(value: object) -> str:
    """Return a value in Python that reads back exactly."""
    if isinstance(value, str) and value.isprintable() and not {'"', "\\"} & set(value):
        return f'"{value}"'
    if isinstance(value, float) and math.isinf(value):
        return 'float("inf")'
    if isinstance(value, dict):
        return f"{{{', '.join(f'{literal(key)}: {literal(item)}' for key, item in value.items())}}}"
    if isinstance(value, tuple) and value and isinstance(value[0], dict):
        return "[\n" + "".join(f"    {literal(item)},\n" for item in value) + "]"
    return repr(value)


def per_group(values: Sequence[float]) -> str:
    """Return one value per parameter group in Python: a single number where all are the same."""
    return literal(values[0]) if len(set(values)) == 1 else "[" + ", ".join(map(literal, values)) + "]"


def call(function: str, arguments: Iterable[Argument], first: Sequence[str] = ()) -> str:
    """Return a call in Python, one argument per line; `first` are its positional arguments."""
    lines = [f"    {value}," for value in first]
    lines += [textwrap.indent(f"{given.name}={given.value},{given.comment}", "    ") for given in arguments]
    return f"{function}(\n" + "\n".join(lines) + "\n)"


def comment(*paragraphs: str) -> str:
    """Return comments, one wrapped paragraph each; nothing in them ends the line early."""
    return "\n".join(
        textwrap.fill(
            printable(paragraph),
            WIDTH,
            initial_indent="# ",
            subsequent_indent="# ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for paragraph in paragraphs
        if paragraph
    )


def imports(body: str, *lines: str) -> str:
    """Return the imports for code: of the standard library what it uses, then these lines."""
    used = [f"import {name}\n" for name in ("itertools", "math") if f"{name}." in body]
    return join("".join(used), "\n".join(lines), between="\n")


def join(*parts: str, between: str = "\n\n") -> str:
    """Return the parts that are not empty, joined."""
    return between.join(part for part in parts if part)


def is_attribute(name: str) -> bool:
    """Return whether a name may follow a dot in Python."""
    return name.isidentifier() and not iskeyword(name)


# --- Arguments --------------------------------------------------------------------------------------------------------


SHAPE = ("pct_start", "pct_final", "anneal_strategy", "three_phase", "div_factor", "final_div_factor", "final_lr")
TORCH_NAMES = {name: name for name in ("pct_start", "anneal_strategy", "three_phase", "div_factor", "final_div_factor")}


def peak_argument(plan: Plan, name: str) -> Argument:
    """Return the peak, once per group where they differ."""
    return Argument(name, per_group([group.max_lr for group in plan.groups]))


def shape_arguments(plan: Plan, defaults: Defaults, names: Mapping[str, str]) -> list[Argument]:
    """Return the curve's settings that differ from the defaults; `names` maps our names to the framework's."""
    return [
        Argument(names[setting], literal(getattr(plan, setting)))
        for setting in SHAPE
        if setting in names and getattr(plan, setting) != getattr(defaults, setting)
    ]


def length_check(task: Task, steps: str) -> str:
    """Return a check that the run is as long as the plan, for code that contains the plan's numbers."""
    return f"assert {steps} == {task.total}" if task.from_loader else ""
