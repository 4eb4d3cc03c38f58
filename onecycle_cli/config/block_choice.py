"""Which of a file's blocks is meant: the paths by which `--block` finds them, and the choice."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING

from onecycle_cli.config.key_paths import split
from onecycle_cli.config.suggestions import nearest
from onecycle_cli.errors import OnecycleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.config.raw_plan import RawPlan

MOST_LISTED = 10


def choose(plans: Sequence[RawPlan], block: str | None) -> RawPlan:
    """Return the one plan that is meant. Aliases of one block that give the same plan are one.

    Raises:
        OnecycleError: the file has no plan, or several of which `block` names none, or not the block named.
    """
    first = plans[0]
    if first.is_empty:
        raise no_block(first)
    if block is not None and first.block is None:
        message = f"{first.path} is one plan without blocks, and --block {shlex.quote(block)} names one"
        raise OnecycleError(message, "leave --block out")
    paths = block_paths(plans)
    chosen = list(plans)
    if block is not None:
        asked = split(block)
        chosen = [plan for plan, path in zip(plans, paths, strict=True) if path == block] or [
            plan for plan in plans if asked in (split(plan.block or ""), split(plan.arguments))
        ]
        if not chosen and asked:  # the end of a path will do where it is the end of one
            chosen = [plan for plan in plans if split(plan.block or "")[-len(asked) :] == asked]
    listed = ", ".join(f"{path} ({_where(plan)})" for plan, path in zip(plans[:MOST_LISTED], paths, strict=False))
    listed += f" and {len(plans) - MOST_LISTED:,} more" if len(plans) > MOST_LISTED else ""
    if not chosen:
        near = nearest(block or "", paths)
        hint = f"did you mean --block {shlex.quote(near)}? its blocks: {listed}" if near else f"its blocks: {listed}"
        raise OnecycleError(f"{first.path} has no one-cycle block {block}", hint)
    if any((plan.begin, plan.values) != (chosen[0].begin, chosen[0].values) for plan in chosen):
        message = f"{first.path} has {len(chosen):,} one-cycle blocks: {listed}"
        path = paths[next(at for at, plan in enumerate(plans) if plan is chosen[0])]
        raise OnecycleError(message, f"name one: --block {shlex.quote(path)}")
    return chosen[0]


def block_paths(plans: Sequence[RawPlan]) -> list[str]:
    """Return a path for each plan by which `--block` finds it alone; `.` is the root.

    Blocks of one mapping have the paths of their arguments. Where keys contain dots, two blocks may still have one
    dotted path: their lines, and columns, tell them apart.
    """
    times = Counter(plan.block for plan in plans)
    paths = [(plan.block if times[plan.block] == 1 else "") or plan.arguments or "." for plan in plans]
    for part in ("line", "column"):
        times = Counter(paths)
        paths = [
            path if times[path] == 1 else f"{path}:{getattr(plan.begin, part)}"
            for path, plan in zip(paths, plans, strict=True)
        ]
    return paths


def no_block(plan: RawPlan) -> OnecycleError:
    """Return the error for a file without a one-cycle schedule; it may be in a file that was not read."""
    if plan.findings:
        first = plan.findings[0]
        return OnecycleError(f"no one-cycle schedule in {plan.path}: {first.message}", first.hint)
    hint = (
        "name OneCycleLR in a mapping (`_target_`, `class_path`, `type`, `name`) or as a key, or write settings such "
        "as `max_lr`"
    )
    return OnecycleError(f"no one-cycle schedule in {plan.path}", hint)


def _where(plan: RawPlan) -> str:
    file = plan.begin.file
    return f"line {plan.begin.line}" if file in (None, plan.path) else f"{file}:{plan.begin.line}"
