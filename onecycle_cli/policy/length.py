"""How many steps a cycle has, and how that came about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.formatting import count

if TYPE_CHECKING:
    from onecycle_cli.policy.settings import Settings


@dataclass(frozen=True, slots=True)
class Length:
    """A cycle's length in steps (optimizer updates), the settings it came from, and the sum in words."""

    total_steps: int
    steps_per_epoch: int | None
    came_from: str
    sum: str


@dataclass(frozen=True, slots=True)
class DerivedEpoch:
    """Steps in an epoch as they follow from the data settings, with the samples they come from and the sum in words."""

    steps: int
    samples: int
    sum: str


def find_length(settings: Settings) -> Length | None:
    """Resolve the length: total_steps, else epochs × steps_per_epoch, else epochs and the data settings.

    None where the settings do not say it, or say a cycle without steps.
    """
    derived = epoch_from_data(settings)
    per_epoch = settings.steps_per_epoch or (derived.steps if derived else None)
    if settings.total_steps is not None:
        found = Length(settings.total_steps, per_epoch, "total_steps", "total_steps as given")
    elif settings.epochs is None or per_epoch is None:
        return None
    else:
        product = settings.epochs * per_epoch
        by_hand = settings.steps_per_epoch is not None or derived is None
        found = Length(
            product,
            per_epoch,
            "epochs*steps_per_epoch" if by_hand else "epochs*dataset_size",
            f"{count(settings.epochs, 'epoch')} × {per_epoch:,} steps per epoch"
            + ("" if by_hand or derived is None else f" ({derived.sum})"),
        )
    return found if found.total_steps >= 1 else None


def epoch_from_data(settings: Settings) -> DerivedEpoch | None:
    """Derive the steps of an epoch: rank's share, its batches, and the updates they make.

    The last batch counts unless it is dropped, and a last, incomplete accumulation counts as a step.
    """
    if settings.dataset_size is None or settings.batch_size is None:
        return None
    world, accumulation = settings.world_size or 1, settings.gradient_accumulation or 1
    if min(world, accumulation, settings.batch_size) < 1:
        return None
    share = -(-settings.dataset_size // world)
    batches = share // settings.batch_size if settings.drop_last else -(-share // settings.batch_size)
    words = [f"{settings.dataset_size:,} samples"]
    if world > 1:
        words.append(f"/ {world:,} processes = {share:,}")
    rounding = "rounded down" if settings.drop_last else "rounded up"
    words.append(f"/ batches of {settings.batch_size:,} = {batches:,}")
    if share % settings.batch_size:
        words[-1] += f" ({rounding})"
    steps = -(-batches // accumulation)
    if accumulation > 1:
        words.append(f"/ {accumulation:,} accumulated = {steps:,}")
    return DerivedEpoch(steps, settings.dataset_size, " ".join(words))
