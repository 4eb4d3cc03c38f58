"""Checks of a plan's settings, by themselves and in their training config. `findings` explains what each code means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.findings.plan_rules import (
    GROUP_NAMES,
    LAYER_PEAKS,
    LIST_LENGTHS,
    NO_LENGTH,
    SEGMENT_STEPS,
    UNSUPPORTED,
    WARMUP_OF_ONE,
)
from onecycle_cli.findings.rule import Severity
from onecycle_cli.policy.checks.cycle import check_length, check_peak, check_phases
from onecycle_cli.policy.checks.optimizers import check_momentum, check_optimizer
from onecycle_cli.policy.checks.ranges import check_groups, check_ranges, check_support
from onecycle_cli.policy.checks.trainer import check_interval, check_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.context import TrainingContext
    from onecycle_cli.policy.settings import Settings

UNCOMPUTABLE = frozenset({NO_LENGTH, LIST_LENGTHS, GROUP_NAMES, LAYER_PEAKS, WARMUP_OF_ONE, UNSUPPORTED, SEGMENT_STEPS})
"""Rules that no schedule can be computed against; the frameworks compute in spite of every other finding."""


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Find what is wrong with the settings, or worth knowing about them."""
    found = [
        *check_ranges(settings),
        *check_groups(settings),
        *check_length(settings),
        *check_momentum(settings),
        *check_support(settings),
        *check_phases(settings),
    ]
    if settings.then:
        from onecycle_cli.policy.checks.segments import check_segments

        found += check_segments(settings)
    yield from found
    if not any(finding.severity is Severity.ERROR for finding in found):
        yield from check_peak(settings)


def check_training(settings: Settings, context: TrainingContext, *, knows_peak: bool = True) -> Iterator[Finding]:
    """Find where the optimizer's and the trainer's numbers disagree with the settings, also if those have errors.

    If the peak is not known, the settings have some other one, and no rate is compared or shown.
    """
    if knows_peak:
        yield from check_optimizer(settings, context)
    yield from check_interval(context)
    yield from check_run(settings, context, knows_peak=knows_peak)
