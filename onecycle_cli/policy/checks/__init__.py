"""Judgement: every rule held against a plan's settings. What the words of a finding mean, `findings` explains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.findings.length import NO_LENGTH, WARMUP_OF_ONE
from onecycle_cli.findings.rule import Severity
from onecycle_cli.findings.values import GROUP_NAMES, LACKS, LIST_LENGTHS
from onecycle_cli.policy.checks.groups import check_groups
from onecycle_cli.policy.checks.lacks import check_lacks
from onecycle_cli.policy.checks.lengths import check_length
from onecycle_cli.policy.checks.momentum import check_momentum
from onecycle_cli.policy.checks.numbers import check_numbers
from onecycle_cli.policy.checks.shape import check_shape, check_steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.settings import Settings

UNCOMPUTABLE = frozenset({NO_LENGTH, LIST_LENGTHS, GROUP_NAMES, WARMUP_OF_ONE, LACKS})
"""Rules without which no schedule can be computed; where others object, the frameworks compute all the same."""


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Hold every rule against the settings."""
    found = [
        *check_numbers(settings),
        *check_groups(settings),
        *check_length(settings),
        *check_momentum(settings),
        *check_lacks(settings),
        *check_shape(settings),
    ]
    yield from found
    if not any(each.severity is Severity.ERROR for each in found):
        yield from check_steps(settings)
