"""The settings of a one-cycle schedule: one declaration each, from which all else is derived.

Flags, the reading of YAML, the JSON Schema, the template of `onecycle init` and the checks of ranges take a
setting's name, type, description, range and section from here. The names are PyTorch's and R torch's arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic_core import CoreSchema

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


@dataclass(frozen=True, slots=True)
class About:
    """A setting's section, the range its numbers must keep, and the example a template shows."""

    section: Section
    example: str
    above: float | None = None
    at_least: float | None = None
    at_most: float | None = None

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Say the range in the JSON Schema, for a number as for each item of a list."""
        schema = handler(core)
        keywords = {
            "exclusiveMinimum": self.above,
            "minimum": self.at_least,
            "maximum": self.at_most,
        }
        limits = {word: limit for word, limit in keywords.items() if limit is not None}
        for branch in _branches(schema):
            if branch.get("type") == "array":
                branch |= {"minItems": 1, "maxItems": MOST_GROUPS}
                branch |= {"uniqueItems": True} if branch["items"].get("type") == "string" else {}
            if branch.get("type") in ("number", "integer"):
                branch.update(limits)
        return schema


def _branches(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the schema, its alternatives and the items of its lists."""
    found = [schema, *schema.get("anyOf", ())]
    return found + [branch["items"] for branch in found if isinstance(branch.get("items"), dict)]


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


PerGroup = Annotated[float | tuple[float, ...] | None, BeforeValidator(_as_tuple)]
Groups = Annotated[int | tuple[str, ...] | None, BeforeValidator(_as_tuple)]

_RATE, _LENGTH, _SHAPE, _MOMENTUM, _RUN = Section


class Settings(BaseModel):
    """The settings of one schedule as their author gave them; None means the convention's own default."""

    # Its validator is built in the one class that is made, OneCycle; here it would only take time to start.
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", title="One-cycle schedule", defer_build=True)

    max_lr: Annotated[
        float | tuple[float, ...],
        BeforeValidator(_as_tuple),
        About(_RATE, "0.1", above=0),
        Field(description="Peak learning rate: one number, or a list with one a parameter group."),
    ]
    div_factor: Annotated[
        float | None,
        About(_RATE, "25.0", above=0),
        Field(description="The initial learning rate is max_lr / div_factor."),
    ] = None
    final_div_factor: Annotated[
        float | None,
        About(_RATE, "1.0e+4", above=0),
        Field(description="The final learning rate is the initial one / final_div_factor."),
    ] = None
    final_lr: Annotated[
        float | None,
        About(_RATE, "4.0e-7", at_least=0),
        Field(description="The final learning rate itself, in place of final_div_factor."),
    ] = None

    total_steps: Annotated[
        int | None,
        About(_LENGTH, "1000", at_least=1, at_most=MOST_STEPS),
        Field(description="Steps (optimizer updates) in the cycle."),
    ] = None
    epochs: Annotated[
        int | None,
        About(_LENGTH, "10", at_least=1, at_most=MOST_STEPS),
        Field(description="Epochs to train for; with steps_per_epoch or the data settings it gives total_steps."),
    ] = None
    steps_per_epoch: Annotated[
        int | None,
        About(_LENGTH, "100", at_least=1, at_most=MOST_STEPS),
        Field(description="Steps (optimizer updates) in one epoch."),
    ] = None
    dataset_size: Annotated[
        int | None,
        About(_LENGTH, "50000", at_least=1, at_most=MOST_STEPS),
        Field(description="Samples in the training set."),
    ] = None
    batch_size: Annotated[
        int | None,
        About(_LENGTH, "512", at_least=1, at_most=MOST_STEPS),
        Field(description="Samples in one batch of one process."),
    ] = None
    gradient_accumulation: Annotated[
        int | None,
        About(_LENGTH, "1", at_least=1, at_most=MOST_STEPS),
        Field(description="Batches that make one step (default 1)."),
    ] = None
    world_size: Annotated[
        int | None,
        About(_LENGTH, "1", at_least=1, at_most=MOST_STEPS),
        Field(description="Processes that share the data (default 1)."),
    ] = None
    drop_last: Annotated[
        bool | None,
        About(_LENGTH, "false"),
        Field(description="Whether the loader drops an incomplete last batch (default false)."),
    ] = None

    pct_start: Annotated[
        float | None,
        About(_SHAPE, "0.3", at_least=0, at_most=1),
        Field(description="Fraction of the cycle spent raising the learning rate."),
    ] = None
    anneal_strategy: Annotated[
        Literal["cos", "linear"] | None,
        About(_SHAPE, "cos"),
        Field(description="How the learning rate moves within a phase."),
    ] = None
    three_phase: Annotated[
        bool | None,
        About(_SHAPE, "false"),
        Field(description="Mirror the warm-up, then annihilate the learning rate in a third phase."),
    ] = None

    pct_final: Annotated[
        float | None,
        About(_SHAPE, "0.85", at_least=0, at_most=1),
        Field(description="optax-linear: the fraction of the cycle at which the initial rate is back."),
    ] = None
    stepsize: Annotated[
        int | None,
        About(_SHAPE, "450", at_least=1, at_most=MOST_STEPS),
        Field(description="smith: half the cycle in steps; the rest of the run stays at the final rate."),
    ] = None

    cycle_momentum: Annotated[
        bool | None,
        About(_MOMENTUM, "true"),
        Field(description="Cycle momentum (beta1 for Adam) inversely to the learning rate."),
    ] = None
    base_momentum: Annotated[
        PerGroup,
        About(_MOMENTUM, "0.85", at_least=0),
        Field(description="Momentum at the peak: one number, or a list with one a parameter group."),
    ] = None
    max_momentum: Annotated[
        PerGroup,
        About(_MOMENTUM, "0.95", at_least=0),
        Field(description="Momentum at start and end: one number, or a list with one a parameter group."),
    ] = None

    final_momentum: Annotated[
        PerGroup,
        About(_MOMENTUM, "0.95", at_least=0),
        Field(description="fastai: the momentum that the end aims at, where it is not max_momentum."),
    ] = None

    convention: Annotated[
        Literal["torch", "r-torch", "fastai", "optax", "optax-linear", "paddle", "mmengine", "openpcdet", "smith"]
        | None,
        About(_RUN, "torch"),
        Field(description="Whose arithmetic and defaults hold (default torch)."),
    ] = None
    optimizer: Annotated[
        str | None,
        About(_RUN, "sgd"),
        Field(description="The optimizer's name: whether momentum can be cycled, and as what."),
    ] = None
    groups: Annotated[
        Groups,
        About(_RUN, "[backbone, head]", at_least=1, at_most=MOST_GROUPS),
        Field(description="Parameter groups: their number, or a list of their names."),
    ] = None
    last_epoch: Annotated[
        int | None,
        About(_RUN, "-1", at_least=-1, at_most=MOST_STEPS),
        Field(description="Resume: the last step already done, as in the checkpoint (-1: none, start anew)."),
    ] = None
    name: Annotated[
        str | None,
        About(_RUN, "my run"),
        Field(description="What tables and legends call the plan (default: the file's name)."),
    ] = None
    verbose: Annotated[
        bool | None,
        About(_RUN, "false"),
        Field(description="Say on standard error how each setting came about."),
    ] = None


@cache
def about(setting: str) -> About:
    """Give the section, range and example of a setting."""
    metadata = Settings.model_fields[setting].metadata
    return next(entry for entry in metadata if isinstance(entry, About))


@dataclass(frozen=True, slots=True)
class Kind:
    """The Python types a setting takes: `single` alone, `item` in a list (None: no list), `choices` if only some."""

    single: type
    item: type | None
    choices: tuple[str, ...]


@cache
def kind(setting: str) -> Kind:
    """Give the kind of a setting's values, as its declaration says."""
    single: type = str
    item: type | None = None
    choices: tuple[str, ...] = ()
    for alternative in get_args(Settings.model_fields[setting].annotation):
        if get_origin(alternative) is tuple:
            item = get_args(alternative)[0]
        elif get_origin(alternative) is Literal:
            choices = get_args(alternative)
        elif alternative is not type(None):
            single = alternative
    return Kind(single, item, choices)
