"""What a script's outline is made of: scopes, definitions and calls, each with its place among the others.

A definition knows where it takes effect and under which conditions, so that of several the one in effect can be found.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str, ...]
"""A name with its attributes and constant keys: `args.lr` and `args["lr"]` are both ("args", "lr")."""

Position = tuple[int, int]


@dataclass(frozen=True, eq=False, slots=True)
class Branch:
    """A part of a loop, a condition or a `try` statement, which may run or not, or several times."""

    node: ast.AST
    part: str
    outer: Branch | None
    depth: int

    def outwards(self) -> Iterator[Branch]:
        """Yield this branch and those around it, the innermost first."""
        branch: Branch | None = self
        while branch is not None:
            yield branch
            branch = branch.outer


@dataclass(eq=False, slots=True)
class Scope:
    """A module, a class, a function or a lambda: what it defines, and its place among the others."""

    node: ast.AST
    path: Path
    above: Scope | None = None
    defined: dict[Path, list[Definition]] = field(default_factory=dict)
    parameters: Path = ()
    """A function's parameters in their order, without a method's own object."""
    self_name: str = ""
    """What a method calls its own object."""
    inner: dict[Path, set[Path]] = field(default_factory=dict)
    """By path: those of its attributes and keys that are defined."""
    outer: set[str] = field(default_factory=set)
    """Names that are `global` or `nonlocal`."""

    def method(self) -> Scope | None:
        """Return the method that this scope is, or is inside of."""
        scope: Scope | None = self
        while scope is not None and not scope.self_name:
            scope = scope.above
        return scope

    def owner(self) -> Scope | None:
        """Return the class of the method that this scope is in."""
        method = self.method()
        return None if method is None else method.above


@dataclass(frozen=True, eq=False, slots=True)
class Spot:
    """Where an expression is: its scope, and the innermost branch of it."""

    scope: Scope
    branch: Branch | None = None

    def branches(self) -> Iterator[Branch]:
        """Yield the branches around it, the innermost first."""
        return iter(()) if self.branch is None else self.branch.outwards()


@dataclass(frozen=True, eq=False, slots=True)
class Definition:
    """A value that is given to a name, an attribute or a key.

    Attributes:
        path: what it is given to.
        value: the expression; None for one that is not followed.
        spot: where the value is worked out.
        at: where the definition is.
        after: the position from which it is in effect.
        line: the line, as it is shown.
        is_parameter: whether it is a function's parameter, with its default.
        annotation: the type of a parameter.
        flag: the option of the command line whose default it is.
    """

    path: Path
    value: ast.expr | None
    spot: Spot
    at: Spot
    after: Position
    line: int
    is_parameter: bool = False
    annotation: ast.expr | None = None
    flag: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class CallSite:
    """A call, where it is, and what its result is assigned to."""

    node: ast.Call
    spot: Spot
    targets: tuple[ast.expr, ...] = ()

    @property
    def scope(self) -> Scope:
        """The scope of the call."""
        return self.spot.scope

    @property
    def paths(self) -> list[Path]:
        """The names that the result is assigned to."""
        return [path for target in self.targets if (path := path_of(target))]


def path_of(expr: ast.expr) -> Path:
    """Return the path that an expression is; empty for others."""
    parts: list[str] = []
    while isinstance(expr, ast.Attribute | ast.Subscript):
        if isinstance(expr, ast.Attribute):
            parts.append(expr.attr)
        elif isinstance(expr.slice, ast.Constant) and isinstance(expr.slice.value, str):
            parts.append(expr.slice.value)
        else:
            return ()
        expr = expr.value
    return (expr.id, *reversed(parts)) if isinstance(expr, ast.Name) else ()


def begin_of(node: ast.expr | ast.stmt) -> Position:
    """Return where a node begins."""
    return node.lineno, node.col_offset


def end_of(node: ast.AST) -> Position:
    """Return where a node ends."""
    return getattr(node, "end_lineno", 0) or 0, getattr(node, "end_col_offset", 0) or 0


def keyword_of(call: ast.Call, name: str) -> ast.expr | None:
    """Return the value of a call's keyword; None if it has no such keyword."""
    return next((word.value for word in call.keywords if word.arg == name), None)
