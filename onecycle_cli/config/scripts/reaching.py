"""Which definition of a name is in effect at a place of a script."""

from __future__ import annotations

import ast
from bisect import bisect_right
from itertools import islice
from typing import TYPE_CHECKING

from onecycle_cli.config.scripts.definitions import end_of
from onecycle_cli.config.scripts.outline import LOOPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onecycle_cli.config.scripts.definitions import Branch, Definition, Path, Position, Scope, Spot


MOST_SHOWN = 5
"""Definitions that are named of those that may be in effect."""


class UnclearError(LookupError):
    """A name that may have one of several values: how it gets them, and the lines at which it does."""

    def __init__(self, how: str, found: Sequence[Definition | ast.Call] = ()) -> None:
        """Take how it gets its values, and what gives them."""
        super().__init__(how)
        self.how = how
        self.lines = sorted({each.lineno if isinstance(each, ast.Call) else each.line for each in found})


def definitions(scope: Scope, path: Path) -> list[Sequence[Definition]]:
    """Return the definitions in a scope of a path, and of each of what it is an attribute of; each in their order."""
    lengths = range(1, len(path) + 1)
    return [scope.defined[path[:length]] for length in lengths if path[:length] in scope.defined]


def in_effect(found: Sequence[Sequence[Definition]], spot: Spot | None, at: Position) -> Definition | None:
    """Return the definition that is in effect at a place; None if there is none yet.

    In another scope than theirs, which may run at any time, that is certain only of a single one.

    Raises:
        UnclearError: it may be one of several.
    """
    if spot is None:
        if sum(map(len, found)) > 1:
            raise UnclearError("assigned", [each for some in found for each in some[:MOST_SHOWN]])
        return found[0][0]
    before: list[Definition] = []
    for some in found:
        earlier = range(bisect_right(some, at, key=_after) - 1, -1, -1)
        possible = (some[index] for index in earlier if not _is_excluded(some[index].at, spot))
        before += islice(possible, 2)
    if not before:
        return None
    last = max(before, key=_after)
    later = _later_in_loop(found, spot, at)
    if later is not None or (len(before) > 1 and not _is_around(last.at.branch, spot)):
        shown = [each for some in found for each in some[:MOST_SHOWN] if not _is_excluded(each.at, spot)]
        raise UnclearError("assigned", [*shown[:MOST_SHOWN], *([later] if later is not None else [])])
    return last


def _after(definition: Definition) -> Position:
    return definition.after


def _later_in_loop(found: Sequence[Sequence[Definition]], spot: Spot, at: Position) -> Definition | None:
    """Return a definition further down in a loop around a place, which is in effect there the next time."""
    loops = [branch for branch in spot.branches() if isinstance(branch.node, LOOPS)]
    if not loops:
        return None
    end = end_of(loops[-1].node)
    for some in found:
        for index in range(bisect_right(some, at, key=_after), len(some)):
            each = some[index]
            if each.after > end:
                break
            if any(branch in loops for branch in each.at.branches()) and not _is_excluded(each.at, spot):
                return each
    return None


def only(found: Sequence[Definition], owner: Scope) -> Definition:
    """Return the one definition of an object's attribute, apart from its class's, and from None before it is known."""
    own = [each for each in found if each.at.scope is not owner] or list(found)
    known = [each for each in own if not (isinstance(each.value, ast.Constant) and each.value.value is None)] or own
    if len(known) > 1:
        raise UnclearError("assigned", known)
    return known[0]


def _is_around(branch: Branch | None, spot: Spot) -> bool:
    """Return whether a branch is one of those around a place, so that it runs if that place is reached."""
    return branch is None or any(each is branch for each in spot.branches())


def _is_excluded(other: Spot, spot: Spot) -> bool:
    """Return whether a place is in the other half of a condition around this one, outside of any loop."""
    halves: dict[ast.AST, str] = {
        branch.node: branch.part for branch in spot.branches() if isinstance(branch.node, ast.If)
    }
    for branch in other.branches():
        if halves.get(branch.node, branch.part) != branch.part:
            return branch.outer is None or not any(isinstance(each.node, LOOPS) for each in branch.outer.outwards())
    return False
