"""The settings of a one-cycle schedule: one declaration each, from which everything else is derived.

Flags, YAML reading, the JSON Schema, the template of `onecycle init` and the range checks take a setting's type,
description, range and section from here. The names are PyTorch's and R torch's arguments.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from onecycle_cli.policy.conventions import CONVENTIONS, DEFAULT

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

HUGE_POWER = 1000
"""The power of ten that a file's longer integers are read as: a product of four has fewer than the 4,300 digits that
Python writes."""

MOST_STEPS = 2**53
"""The longest cycle: above it consecutive steps are no longer distinct as float64, in which all frameworks count."""

MOST_GROUPS = 1000


class Section(StrEnum):
    """What a setting is about; templates and help are ordered by it."""

    RATE = "Learning rate"
    LENGTH = "Length of the cycle"
    SHAPE = "Shape"
    MOMENTUM = "Momentum"
    RUN = "The run"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The declaration of one setting.

    Attributes:
        section: the group it belongs to in help and templates.
        description: what it means, in a sentence.
        example: the value that a template shows, as YAML.
        single: the type of a single value.
        item: the type of the items of a list, or None if it takes no list.
        choices: the only values it takes, if there are only some.
        above: the limit that its numbers must be above.
        at_least: the smallest number it takes.
        at_most: the largest number it takes.
        required: whether it must be given.
        parts: the keys of a value that is a mapping; empty for all other values.
    """

    section: Section
    description: str
    example: str
    single: type
    item: type | None = None
    choices: Collection[str] = ()
    above: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    required: bool = False
    parts: Mapping[str, Setting] = field(default_factory=dict)

    @property
    def has_flag(self) -> bool:
        """Whether a flag gives it: a mapping does not fit in one."""
        return not self.parts


def _declare(section: Section, single: type, example: str, description: str, **other: Any) -> Any:
    setting = Setting(section=section, single=single, example=example, description=description, **other)
    default: dict[str, Any] = {} if setting.required else {"default": None}
    # Mappings have no hash, and equal settings have equal hashes without them, too.
    return field(metadata={"setting": setting}, hash=False if setting.parts else None, **default)


def _number(section: Section, example: str, description: str, **other: Any) -> Any:
    return _declare(section, float, example, description, **other)


def _count(section: Section, example: str, description: str, at_least: int = 1) -> Any:
    return _declare(section, int, example, description, at_least=at_least, at_most=MOST_STEPS)


def _flag(section: Section, example: str, description: str) -> Any:
    return _declare(section, bool, example, description)


def _text(section: Section, example: str, description: str, choices: Collection[str] = ()) -> Any:
    return _declare(section, str, example, description, choices=choices)


_RATE, _LENGTH, _SHAPE, _MOMENTUM, _RUN = Section
_ONE_OR_LIST = "one number, or a list with one per parameter group."

SHAPES = {
    "hold": "keep the learning rate of the step before",
    "anneal": "anneal from there to the final learning rate",
    "cycle": "rise to a peak of its own, then anneal",
}
"""The shapes of a segment after the cycle."""

SEGMENT: dict[str, Setting] = {
    "shape": Setting(
        section=_RUN,
        single=str,
        example="anneal",
        description="; ".join(f"{name}: {what}" for name, what in SHAPES.items()) + ".",
        choices=SHAPES,
        required=True,
    ),
    "from": Setting(
        section=_RUN,
        single=int,
        example="1000",
        description="Its first step (default: where what comes before it ends).",
        at_least=1,
        at_most=MOST_STEPS,
    ),
    "total_steps": Setting(
        section=_RUN,
        single=int,
        example="1500",
        description="Steps of the whole run when it ends, counted from the run's first step.",
        at_least=1,
        at_most=MOST_STEPS,
        required=True,
    ),
    "max_lr": Setting(
        section=_RUN,
        single=float,
        item=float,
        example="0.05",
        description=f"Peak of a cycle: {_ONE_OR_LIST}",
        above=0,
    ),
    "pct_start": Setting(
        section=_RUN,
        single=float,
        example="0.3",
        description="Fraction of a cycle spent raising the learning rate (default: the plan's).",
        at_least=0,
        at_most=1,
    ),
    "final_lr": Setting(
        section=_RUN,
        single=float,
        example="4.0e-7",
        description="Learning rate at the end of an anneal or a cycle (default: the plan's final one).",
        at_least=0,
    ),
}
"""The keys of a segment that follows the cycle."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Settings:
    """The settings of one schedule as their author gave them; None means the convention's own default.

    Lists become tuples and integers become floats where a float is wanted; nothing else is converted.
    """

    max_lr: float | tuple[float, ...] = _number(
        _RATE, "0.1", f"Peak learning rate: {_ONE_OR_LIST}", item=float, above=0, required=True
    )
    div_factor: float | None = _number(_RATE, "25.0", "The initial learning rate is max_lr / div_factor.", above=0)
    final_div_factor: float | None = _number(
        _RATE, "1.0e+4", "The final learning rate is the initial one / final_div_factor.", above=0
    )
    final_lr: float | None = _number(
        _RATE, "4.0e-7", "The final learning rate, instead of final_div_factor.", at_least=0
    )
    lr_decay: float | None = _number(
        _RATE,
        "0.8",
        "Peaks per layer: the last of the groups has max_lr, each one before it lr_decay times the next one's.",
        above=0,
        at_most=1,
    )

    total_steps: int | None = _count(_LENGTH, "1000", "Steps (optimizer updates) in the cycle.")
    epochs: int | None = _count(
        _LENGTH, "10", "Epochs to train for; with steps_per_epoch or the data settings it gives total_steps."
    )
    steps_per_epoch: int | None = _count(_LENGTH, "100", "Steps (optimizer updates) in one epoch.")
    dataset_size: int | None = _count(_LENGTH, "50000", "Samples in the training set.")
    batch_size: int | None = _count(_LENGTH, "512", "Samples in one batch of one process.")
    gradient_accumulation: int | None = _count(_LENGTH, "1", "Batches per optimizer step (default 1).")
    world_size: int | None = _count(_LENGTH, "1", "Processes that share the data (default 1).")
    drop_last: bool | None = _flag(
        _LENGTH, "false", "Whether the loader drops an incomplete last batch (default false)."
    )
    samples: int | None = _count(
        _LENGTH, "12800000", "Samples to train on in all, instead of epochs; with batch_size it gives total_steps."
    )
    tokens: int | None = _count(
        _LENGTH, "1000000000", "Tokens to train on in all; with tokens_per_step it gives total_steps."
    )
    tokens_per_step: int | None = _count(
        _LENGTH, "524288", "Tokens in one step, over all sequences, accumulated batches and processes."
    )

    pct_start: float | None = _number(
        _SHAPE, "0.3", "Fraction of the cycle spent raising the learning rate.", at_least=0, at_most=1
    )
    anneal_strategy: str | None = _text(
        _SHAPE, "cos", "How the learning rate moves within a phase.", choices=("cos", "linear")
    )
    three_phase: bool | None = _flag(
        _SHAPE, "false", "Mirror the warm-up, then annihilate the learning rate in a third phase."
    )
    pct_final: float | None = _number(
        _SHAPE,
        "0.85",
        "optax-linear, deepspeed: fraction of the run at which the rate is back at its initial value.",
        at_least=0,
        at_most=1,
    )
    stepsize: int | None = _count(
        _SHAPE, "450", "smith: half the cycle, in steps; the rest of the run stays at the final rate."
    )

    cycle_momentum: bool | None = _flag(
        _MOMENTUM, "true", "Cycle momentum (beta1 for Adam) inversely to the learning rate."
    )
    base_momentum: float | tuple[float, ...] | None = _number(
        _MOMENTUM, "0.85", f"Momentum at the peak: {_ONE_OR_LIST}", item=float, at_least=0
    )
    max_momentum: float | tuple[float, ...] | None = _number(
        _MOMENTUM, "0.95", f"Momentum at start and end: {_ONE_OR_LIST}", item=float, at_least=0
    )
    final_momentum: float | tuple[float, ...] | None = _number(
        _MOMENTUM, "0.95", "fastai: momentum at the end (default: max_momentum).", item=float, at_least=0
    )

    convention: str | None = _text(
        _RUN, DEFAULT, f"Framework whose arithmetic and defaults to use (default {DEFAULT}).", choices=CONVENTIONS
    )
    optimizer: str | None = _text(_RUN, "sgd", "Optimizer name; determines whether momentum or beta1 is cycled.")
    groups: int | tuple[str, ...] | None = _declare(
        _RUN,
        int,
        "[backbone, head]",
        "Parameter groups: their number, or a list of their names.",
        item=str,
        at_least=1,
        at_most=MOST_GROUPS,
    )
    last_epoch: int | None = _count(
        _RUN,
        "-1",
        "Index of the last finished step when resuming: one less than scheduler.last_epoch in a checkpoint.",
        -1,
    )
    then: tuple[Mapping[str, Any], ...] | None = _declare(
        _RUN,
        dict,
        "[{shape: hold, from: 1000, total_steps: 1500}]",
        "What follows the cycle, or cuts it short: one segment, or a list of them. `onecycle extend` writes them.",
        item=dict,
        parts=SEGMENT,
    )
    name: str | None = _text(_RUN, "my run", "Label of the plan in tables and legends (default: the file's name).")
    verbose: bool | None = _flag(_RUN, "false", "Show on standard error where each setting came from.")

    def __post_init__(self) -> None:
        """Store lists as tuples, and integers as floats where the setting is one."""
        for name, value in self.given.items():
            object.__setattr__(self, name, _stored(SETTINGS[name], value))
        if (peaks := self._layer_peaks()) is not None:
            object.__setattr__(self, "max_lr", peaks)
            object.__setattr__(self, "lr_decay", None)

    def __repr__(self) -> str:
        """Show the settings that were given."""
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.given.items())})"

    def _layer_peaks(self) -> tuple[float, ...] | None:
        """Return one peak per group, as lr_decay makes them; None without it, or where `check_groups` rejects it."""
        decay, peak = self.lr_decay, self.max_lr
        number = len(self.groups) if isinstance(self.groups, tuple) else self.groups
        if decay is None or not 0 < decay <= 1 or isinstance(peak, tuple) or number is None:
            return None
        if not 1 <= number <= MOST_GROUPS:
            return None
        peaks = tuple(peak * decay ** (number - 1 - group) for group in range(number))
        return peaks if peaks[0] > 0 or peak <= 0 else None

    @property
    def given(self) -> dict[str, Any]:
        """The settings that were given, by name, in the order of their declaration."""
        return {name: value for name in SETTINGS if (value := getattr(self, name)) is not None}


def _stored(setting: Setting | None, value: Any) -> Any:
    if setting is None or value is None:
        return value
    if setting.parts:
        segments = [value] if isinstance(value, dict) else value
        return tuple({key: _stored(setting.parts.get(key), part) for key, part in each.items()} for each in segments)
    if isinstance(value, list | tuple):
        return tuple(map(float, value) if setting.item is float else value)
    return float(value) if setting.single is float else value


SETTINGS: dict[str, Setting] = {declared.name: declared.metadata["setting"] for declared in fields(Settings)}
"""Every setting's declaration, by its name."""
