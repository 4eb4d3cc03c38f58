"""The nearest path to one that a user mistyped: of a value for `--set`, or of a block for `--block`."""

from __future__ import annotations

from difflib import SequenceMatcher, get_close_matches
from typing import TYPE_CHECKING

from onecycle_cli.config.indexes import plain
from onecycle_cli.config.key_paths import REFERENCE, dotted, split
from onecycle_cli.config.nodes import MappingNode, SequenceNode
from onecycle_cli.errors import OnecycleError
from onecycle_cli.policy.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from onecycle_cli.config.key_paths import KeyPath
    from onecycle_cli.config.nodes import Node
    from onecycle_cli.config.raw_plan import RawPlan

DEEPEST = 8
MOST_PATHS = 2000
"""Levels, and paths of one level, among which the nearest is looked for."""

LONGEST_PATH = 100
USUAL = ("max_epochs", "max_steps")
"""Keys of a run's sections that are read also where the file does not have them."""


def no_effect(plan: RawPlan, path: str) -> OnecycleError:
    """Return the error for a path given by `--set` that nothing uses, with the nearest one that would be used."""
    near = nearest(path, dict.fromkeys(_usable(plan)))
    hint = f"did you mean {near}?" if near else "use the path of a key of the file, or of a setting of its schedule"
    return OnecycleError(f"--set {path} has no effect: {plan.path} has no such key", hint)


def nearest(path: str, known: Iterable[str]) -> str | None:
    """Return the known path that is most like another: it ends alike, has few other letters, or has its last key."""
    paths = [each for each in known if len(each) <= LONGEST_PATH]
    path = path[:LONGEST_PATH]
    ends = min((each for each in paths if each.endswith(f".{path}")), key=len, default=None)
    if ends is not None:
        return ends
    if close := get_close_matches(path, paths, 1, 0.6):
        return close[0]
    last = split(path)[-1:]
    alike = [each for each in paths if split(each)[-1:] == last]
    return max(alike, key=lambda each: SequenceMatcher(None, path, each).ratio(), default=None)


def _usable(plan: RawPlan) -> Iterator[str]:
    """List the paths that `--set` can use: of the file, of its references, of the schedule's settings and the run."""
    begin = f"{plan.arguments}." if plan.arguments else ""
    yield from (f"{begin}{setting}" for setting in SETTINGS)
    for text in (plan.text, *(source.text for source in plan.others.values())):
        yield from (dotted(split(name)) for dots, name in REFERENCE.findall(text) if not dots)
    if plan.root is None:
        return
    yield from _paths(plan.root)
    if plan.context is not None:
        from onecycle_cli.config.training.run_context import SECTION

        sections = (key.text for key, node in plan.root.pairs() if isinstance(node, MappingNode))
        yield from (f"{section}.{key}" for section in sections if SECTION.fullmatch(plain(section)) for key in USUAL)


def _paths(root: MappingNode) -> Iterator[str]:
    """List the dotted paths of a tree, the upper ones first, as far as they are worth suggesting."""
    level: list[tuple[KeyPath, Node]] = [((), root)]
    for _ in range(DEEPEST):
        below: list[tuple[KeyPath, Node]] = []
        for path, node in level:
            if isinstance(node, MappingNode):
                below += (((*path, key.text), child) for key, child in node.pairs())
            elif isinstance(node, SequenceNode):
                below += (((*path, str(at)), child) for at, child in enumerate(node.items))
        level = below[:MOST_PATHS]
        yield from (dotted(path) for path, _ in level)
