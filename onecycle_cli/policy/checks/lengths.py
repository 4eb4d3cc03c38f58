"""Whether the cycle has a length, and only one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.findings.length import NO_LENGTH, NOTHING_LEFT
from onecycle_cli.findings.practice import LENGTHS_DISAGREE
from onecycle_cli.findings.values import OUT_OF_RANGE
from onecycle_cli.formatting import count
from onecycle_cli.policy.checks.numbers import show
from onecycle_cli.policy.length import epoch_from_data, find_length
from onecycle_cli.policy.settings import MOST_STEPS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.settings import Settings

COUNTS = ("total_steps", "epochs", "steps_per_epoch", "dataset_size", "batch_size")


def check_length(settings: Settings) -> Iterator[Finding]:
    """Judge how the length is given, and what of it is left."""
    length = find_length(settings)
    if length is None:
        yield from _judge_missing(settings)
        return
    if length.came_from != "total_steps" and length.total_steps > MOST_STEPS:
        yield OUT_OF_RANGE.finding(
            f"the cycle has {length.sum} = {show(length.total_steps)} steps, above {MOST_STEPS:,}",
            "check epochs and steps_per_epoch",
            "epochs",
        )
    yield from _judge_agreement(settings)
    last_epoch = -1 if settings.last_epoch is None else settings.last_epoch
    if last_epoch >= length.total_steps - 1:
        yield NOTHING_LEFT.finding(
            f"last_epoch is {last_epoch:,}: {count(last_epoch + 1, 'step')} of {length.total_steps:,} are behind us, "
            "none is left",
            f"set last_epoch below {length.total_steps - 1:,}, the last step",
            "last_epoch",
        )


def _judge_missing(settings: Settings) -> Iterator[Finding]:
    derived = epoch_from_data(settings)
    if derived is not None and derived.steps == 0 and derived.samples >= 1 and settings.steps_per_epoch is None:
        yield NO_LENGTH.finding(
            f"an epoch has no step: {derived.sum}, and drop_last drops the only batch",
            "set batch_size lower, or drop_last to false",
            "batch_size",
        )
    elif all(getattr(settings, name) is None or getattr(settings, name) >= 1 for name in COUNTS):
        yield _no_length(settings)


def _no_length(settings: Settings) -> Finding:
    if settings.epochs is None:
        given = [
            name for name in ("steps_per_epoch", "dataset_size", "batch_size") if getattr(settings, name) is not None
        ]
        about = f"{', '.join(given)} given, but epochs is not" if given else "neither total_steps nor epochs is given"
        missing = "epochs" if "steps_per_epoch" in given or len(given) == 2 else "total_steps"
        return NO_LENGTH.finding(f"no length: {about}", f"set {missing}", given[0] if given else None)
    given_data = "dataset_size" if settings.dataset_size is not None else "batch_size"
    other = {"dataset_size": "batch_size", "batch_size": "dataset_size"}[given_data]
    if getattr(settings, given_data) is not None:
        return NO_LENGTH.finding(
            f"no length: epochs is {settings.epochs:,} and {given_data} is given, but {other} is not",
            f"set {other}, or steps_per_epoch",
            "epochs",
        )
    return NO_LENGTH.finding(
        f"no length: epochs is {settings.epochs:,}, but how many steps an epoch has is not given",
        "set steps_per_epoch (len(train_loader) / gradient accumulation), or dataset_size and batch_size",
        "epochs",
    )


def _judge_agreement(settings: Settings) -> Iterator[Finding]:
    derived = epoch_from_data(settings)
    by_hand = settings.steps_per_epoch
    if by_hand is not None and derived is not None and derived.steps != by_hand:
        yield LENGTHS_DISAGREE.finding(
            f"steps_per_epoch is {by_hand:,}, but the data settings give {derived.steps:,} ({derived.sum}); "
            f"{by_hand:,} is used",
            f"set steps_per_epoch to {derived.steps}, or remove it",
            "steps_per_epoch",
        )
    per_epoch = by_hand or (derived.steps if derived else None)
    if settings.total_steps is None or settings.epochs is None or per_epoch is None:
        return
    product = settings.epochs * per_epoch
    if product != settings.total_steps:
        yield LENGTHS_DISAGREE.finding(
            f"total_steps is {settings.total_steps:,}, but {count(settings.epochs, 'epoch')} × {per_epoch:,} steps = "
            f"{product:,}; {settings.total_steps:,} is used, as in the frameworks",
            f"set total_steps to {product}, or remove it",
            "total_steps",
        )
