"""Whether each segment after the cycle is complete, follows what comes before it, and moves the way its shape says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from onecycle_cli.findings.plan_rules import (
    LIST_LENGTHS,
    NO_EFFECT,
    PEAK_NEVER_REACHED,
    SEGMENT_MOVES_BACK,
    SEGMENT_STEPS,
)
from onecycle_cli.formatting import count, format_number
from onecycle_cli.policy.checks.ranges import check_range
from onecycle_cli.policy.plan import find_length, group_names
from onecycle_cli.policy.settings import SEGMENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.schedule import Schedule
    from onecycle_cli.policy.settings import Settings

NAME = "then"

IGNORES = {"hold": ("max_lr", "pct_start", "final_lr"), "anneal": ("max_lr", "pct_start")}
"""By shape: the keys that have no effect on it."""


def check_segments(settings: Settings) -> Iterator[Finding]:
    """Check the numbers of each segment, and its steps against those of what comes before it."""
    length = find_length(settings)
    begin, end, what = 0, None if length is None else length.total_steps, "the cycle"
    for index, given in enumerate(settings.then or ()):
        named = f"{NAME}[{index}]"
        found = [finding for key, part in SEGMENT.items() for finding in check_range(key, part, given.get(key))]
        yield from (replace(one, setting=NAME, index=index, message=f"{named}: {one.message}") for one in found)
        peaks, groups = given.get("max_lr"), len(group_names(settings))
        if isinstance(peaks, tuple) and len(peaks) != groups:
            message = f"{named}: max_lr has {count(len(peaks), 'value')}, but the plan has {count(groups, 'group')}"
            yield LIST_LENGTHS.finding(message, f"set max_lr to one value, or to {groups}", NAME, index)
        for key in IGNORES.get(given["shape"], ()):
            if given.get(key) is not None:
                message = f"{named}: {key} has no effect on the shape {given['shape']}"
                yield NO_EFFECT.finding(message, f"remove {key}", NAME, index)
        first = end if given.get("from") is None else given["from"]
        if found or first is None or end is None:
            return
        stop = given["total_steps"]
        if first > end:
            message = f"{named} begins at step {first:,}, but {what} ends after {count(end, 'step')}"
            yield SEGMENT_STEPS.finding(message, f"set from to {end}, or put a hold before it", NAME, index)
        elif first <= begin:
            message = f"{named} begins at step {first:,}, and leaves no step of {what}, which begins at step {begin:,}"
            yield SEGMENT_STEPS.finding(message, f"set from to {begin + 1} or more", NAME, index)
        elif stop <= first:
            message = f"{named} ends at total_steps {stop:,}, and its first step is {first:,}: it has no steps"
            yield SEGMENT_STEPS.finding(message, f"set total_steps to more than {first}", NAME, index)
        else:
            begin, end, what = first, stop, named
            continue
        return


def check_segment_rates(schedule: Schedule) -> Iterator[Finding]:
    """Find segments that move against their name, and one that begins before the cycle reaches its peak."""
    plan = schedule.plan
    for index, segment in enumerate(plan.then):
        named, before = f"{NAME}[{index}]", segment.first_step - 1
        for group in range(len(plan.groups)):
            rate = schedule.lr(before, group)
            if segment.shape == "cycle" and segment.max_lr[group] <= rate:
                what, value, where = "a cycle with max_lr", segment.max_lr[group], "not above"
            elif segment.shape == "anneal" and segment.final_lr is not None and segment.final_lr > rate:
                what, value, where = "an anneal to final_lr", segment.final_lr, "above"
            else:
                continue
            yield SEGMENT_MOVES_BACK.finding(
                f"{named} is {what} {format_number(value)}, {where} the rate {format_number(rate)} of step "
                f"{before:,}, from which it starts",
                f"set {what.split()[-1]} {'above' if segment.shape == 'cycle' else 'below'} {format_number(rate)}",
                NAME,
                index,
            )
            break


def check_cut(schedule: Schedule, cycle: Schedule) -> Iterator[Finding]:
    """Find a first segment that begins before the peak of the cycle."""
    first = schedule.plan.then[0].first_step
    rise = next((phase for phase in cycle.phases if phase.name == "warm-up"), None)
    if rise is not None and first <= rise.last_step:
        message = (
            f"max_lr is never reached: {NAME}[0] begins at step {first:,}, and the warm-up ends at step "
            f"{rise.last_step:,}"
        )
        yield PEAK_NEVER_REACHED.finding(message, "no action needed if this is intended", NAME, 0)
