"""Schedules that are taken for one-cycle schedules, and are others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.config.nodes import Mapping, Scalar, Sequence, place_at
from onecycle_cli.config.training.blocks import plain_keys
from onecycle_cli.config.training.names import plain
from onecycle_cli.config.tree import MOST_NODES
from onecycle_cli.config.values import number_of
from onecycle_cli.findings.training import ANOTHER_SCHEDULE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.config.nodes import Node
    from onecycle_cli.config.training.blocks import Block
    from onecycle_cli.findings import Finding

DEEPSPEED = frozenset({"cycleminlr", "cyclemaxlr", "cyclefirststepsize"})


def refuse_block(block: Block) -> Finding | None:
    """Refuse DeepSpeed's OneCycle; None for other blocks."""
    if DEEPSPEED.isdisjoint(plain_keys(block.arguments)):
        return None
    message = (
        "DeepSpeed's OneCycle is another schedule: straight lines of cycle_first_step_size steps up and "
        "cycle_second_step_size down, then a decay without end; it has no total_steps and no pct_start"
    )
    hint = "plan PyTorch's OneCycleLR instead, or leave this file out"
    return place_at(ANOTHER_SCHEDULE.finding(message, hint), block.place)


def refuse_file(root: Mapping) -> Finding | None:
    """Refuse Ultralytics' lr0 and lrf, at any depth; None where they are not there."""
    for mapping in _mappings(root):
        keys = {plain(key.text): (key, node) for key, node in mapping.entries if isinstance(key, Scalar)}
        if "lrf" in keys and not {"lr0", "coslr", "warmupbiaslr"}.isdisjoint(keys):
            return _ultralytics(keys)
    return None


def _ultralytics(keys: dict[str, tuple[Scalar, Node]]) -> Finding:
    key, _ = keys["lrf"]
    first, last = (number_of(keys[name][1], name)[0] if name in keys else None for name in ("lr0", "lrf"))
    shape = "a cosine" if "coslr" in keys and _is_true(keys["coslr"][1]) else "a straight line (cos_lr: a cosine)"
    numbers = "" if first is None or last is None else f", here {first:g} to {float(f'{first * last:.12g}')!r}"
    message = (
        f"no one-cycle schedule: Ultralytics' lrf ends {shape} that falls from lr0 to lr0 × lrf{numbers}, after a "
        "warm-up of its own; the comment that names OneCycleLR is mistaken"
    )
    return place_at(ANOTHER_SCHEDULE.finding(message, "there is nothing to plan here; leave this file out"), key.place)


def _is_true(node: Node) -> bool:
    return isinstance(node, Scalar) and node.text.lower() == "true"


def _mappings(root: Mapping) -> Iterator[Mapping]:
    stack: list[Node] = [root]
    for _ in range(MOST_NODES):
        if not stack:
            return
        node = stack.pop()
        if isinstance(node, Mapping):
            yield node
        below = node.items if isinstance(node, Sequence) else [child for _, child in getattr(node, "entries", ())]
        stack += [child for child in below if not isinstance(child, Scalar)]
