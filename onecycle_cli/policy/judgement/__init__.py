"""Judgement: every rule held against a plan's settings. What the words of a finding mean, `findings` explains."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.findings.length import NO_LENGTH, WARMUP_OF_ONE
from onecycle_cli.findings.rule import Severity
from onecycle_cli.findings.values import GROUP_NAMES, LACKS, LIST_LENGTHS
from onecycle_cli.policy.judgement.groups import judge_groups
from onecycle_cli.policy.judgement.lacks import judge_lacks
from onecycle_cli.policy.judgement.lengths import judge_length
from onecycle_cli.policy.judgement.momentum import judge_momentum
from onecycle_cli.policy.judgement.numbers import judge_numbers
from onecycle_cli.policy.judgement.shape import judge_shape, judge_steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.settings import Settings

UNCOMPUTABLE = frozenset({NO_LENGTH, LIST_LENGTHS, GROUP_NAMES, WARMUP_OF_ONE, LACKS})
"""Rules without which no schedule can be computed; where others object, the frameworks compute all the same."""


def judge(settings: Settings) -> Iterator[Finding]:
    """Hold every rule against the settings."""
    found = [
        *judge_numbers(settings),
        *judge_groups(settings),
        *judge_length(settings),
        *judge_momentum(settings),
        *judge_lacks(settings),
        *judge_shape(settings),
    ]
    yield from found
    if not any(each.severity is Severity.ERROR for each in found):
        yield from judge_steps(settings)
