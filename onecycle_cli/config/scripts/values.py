"""The values of expressions in a script, worked out without running it."""

from __future__ import annotations

import ast
import math
from collections import Counter
from typing import TYPE_CHECKING

from onecycle_cli.config.nodes import MappingNode, ScalarNode, SequenceNode, seen_from
from onecycle_cli.config.python_config import NO_VALUE, Evaluator, number
from onecycle_cli.config.python_text import UNKNOWN, dotted_name
from onecycle_cli.config.scalars import read_plain
from onecycle_cli.config.scripts.definitions import Spot, begin_of, keyword_of, path_of
from onecycle_cli.config.scripts.reaching import UnclearError
from onecycle_cli.config.scripts.sources import FURTHEST, Sources, last_name
from onecycle_cli.formatting import join_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from onecycle_cli.config.nodes import Node
    from onecycle_cli.config.python_text import Lines
    from onecycle_cli.config.scalars import Plain
    from onecycle_cli.config.scripts.definitions import Path, Position, Scope
    from onecycle_cli.config.scripts.outline import Outline

FIELDS = frozenset({"field", "Field", "ib", "attrib"})
"""Functions that make a field of a data class."""

FUNCTIONS: dict[str, Callable[..., float]] = {
    "int": int, "float": float, "round": round, "abs": abs, "max": max, "min": min, "math.ceil": math.ceil,
    "math.floor": math.floor, "ceil": math.ceil, "floor": math.floor, "math.sqrt": math.sqrt,
    "np.ceil": lambda x: float(math.ceil(x)), "np.floor": lambda x: float(math.floor(x)),
}  # fmt: skip

MOST_LINES = 4
"""Lines that are named of those at which a name gets its values."""

MOST_WORK = 200_000
"""Expressions of a script that are worked out."""


class Values(Evaluator):
    """Works out expressions of a script."""

    def __init__(self, outline: Outline, lines: Lines, given: Mapping[Path, Node]) -> None:
        """Take a script's outline, its lines, and values that replace those of its names."""
        super().__init__("")
        self._lines = lines
        self.outline = outline
        self.sources = Sources(outline)
        self.used: set[str] = set()
        """The flags that gave values."""
        self._given = given
        self._spot = Spot(outline.module)
        self._known: dict[int, tuple[ast.expr, Node, dict[str, Path]]] = {}
        self._open: set[int] = set()
        self._work = 0

    def evaluate(self, expr: ast.expr, spot: Spot) -> Node:
        """Return the value of an expression; an unknown scalar if it is not certain."""
        if id(expr) in self._known:
            _, node, defaults = self._known[id(expr)]
            self.sources.defaults |= defaults
            return node
        if id(expr) in self._open or len(self._open) >= FURTHEST or self._work >= MOST_WORK:
            return self._lines.unknown(expr)
        self._work += 1
        outside, around = self._spot, self.sources.defaults
        self._spot, self.sources.defaults = spot, {}
        self._open.add(id(expr))
        try:
            node = self._work_out(expr)
        except UnclearError as unclear:
            unknown = self._lines.unknown(expr)
            node = ScalarNode(unknown.place, f"{unknown.text}, {self._why(unclear)}", plain=True, tag=UNKNOWN)
        except NO_VALUE:
            node = self._lines.unknown(expr)
        finally:
            self._open.discard(id(expr))
            self._known[id(expr)] = expr, node, self.sources.defaults
            self._spot, self.sources.defaults = outside, around | self.sources.defaults
        return node

    def _why(self, unclear: UnclearError) -> str:
        """Return how a name gets several values, with the first lines at which it does."""
        if not unclear.lines:
            return unclear.how
        more = ["others"] if len(unclear.lines) > MOST_LINES else []
        shown = [*(str(self._lines.number(line)) for line in unclear.lines[:MOST_LINES]), *more]
        return f"{unclear.how} at line{'s' if len(unclear.lines) > 1 else ''} {join_words(shown)}"

    def number_of(self, expr: ast.expr, spot: Spot) -> float | None:
        """Return the number that an expression is; None if it is not known."""
        try:
            return number(self.evaluate(expr, spot))
        except TypeError:
            return None

    # --- Expressions ----------------------------------------------------------------------------------------------

    def _value(self, expr: ast.expr) -> Node:
        return self.evaluate(expr, self._spot)

    def _count(self, nodes: int, where: object) -> None:  # noqa: ARG002
        self._work += nodes
        if self._work > MOST_WORK:
            raise LookupError

    def _work_out(self, expr: ast.expr) -> Node:
        if path := path_of(expr):
            return self._of_path(expr, path)
        match expr:
            case ast.Call():
                return self._of_call(expr)
            case ast.BoolOp(op=ast.Or(), values=[first, second]):
                value = self._value(first)
                return self._value(second) if not _truth(value) else value
            case ast.UnaryOp(op=ast.Not()):
                return self._scalar(expr, self._holds_true(expr))
            case ast.IfExp():
                return self._value(expr.body if self._holds_true(expr.test) else expr.orelse)
            case ast.NamedExpr():
                return self._value(expr.value)
        return super()._work_out(expr)

    def _holds_true(self, test: ast.expr) -> bool:
        """Return whether a condition is met, if all in it is known."""
        match test:
            case ast.UnaryOp(op=ast.Not(), operand=inner):
                return not self._holds_true(inner)
            case ast.Compare(left=left, ops=[ast.Is() | ast.IsNot() as how], comparators=[ast.Constant(value=None)]):
                return (_plain(self._value(left)) is None) == isinstance(how, ast.Is)
            case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq() as how], comparators=[right]):
                return (_plain(self._value(left)) == _plain(self._value(right))) == isinstance(how, ast.Eq)
        return _truth(self._value(test))

    def _of_path(self, expr: ast.expr, path: Path) -> Node:
        if path in self._given:
            node = self._given[path]
            self.used.add(node.place.flag or "")
            return node
        source = self.sources.source(path, self._spot, begin_of(expr))
        if source is None:
            if len(path) == 1:
                raise LookupError
            return super()._work_out(expr)
        node = self._with_changes(self.evaluate(*source), path, begin_of(expr))
        return node if node.place.flag is not None else seen_from(self._lines.place(expr), node)

    def _of_call(self, call: ast.Call) -> Node:
        name = dotted_name(call.func)
        match call:
            case ast.Call(func=ast.Attribute(attr="get", value=container), args=[key, *default]):
                return self._item_or(call, container, key, default)
            case ast.Call(func=ast.Name(id="getattr"), args=[of, ast.Constant(value=str(key)), *_]):
                return self._work_out(ast.copy_location(ast.Attribute(of, key, ast.Load()), call))
            case ast.Call(func=ast.Name(id="len"), args=[inner]):
                found = self._value(inner)
                if not isinstance(found, SequenceNode) or not found.items:
                    raise TypeError  # an empty list is filled elsewhere, by a function or under another name
                return self._scalar(call, len(found.items))
        if name in FUNCTIONS and call.args and not call.keywords and not self.outline.defines(name):
            return self._scalar(call, FUNCTIONS[name](*(number(self._value(argument)) for argument in call.args)))
        if last_name(call) in FIELDS and (default_value := keyword_of(call, "default") or next(iter(call.args), None)):
            return self._value(default_value)
        if (returned := self.sources.returned(call)) is not None:
            return self.evaluate(*returned)
        return super()._work_out(call)

    def _item_or(self, call: ast.Call, container: ast.expr, key: ast.expr, default: list[ast.expr]) -> Node:
        """Return the item that `get` returns: the mapping's, or the default if the mapping is known and has none."""
        try:
            return self._work_out(ast.copy_location(ast.Subscript(container, key, ast.Load()), call))
        except NO_VALUE:
            if not default or not isinstance(self._value(container), MappingNode):
                raise
            return self._value(default[0])

    def _with_changes(self, node: Node, path: Path, at: Position) -> Node:
        """Return a mapping with the keys that were set in it after it was made."""
        scope: Scope | None = self._spot.scope
        while scope is not None and path[:1] not in scope.defined:
            scope = scope.above
        if scope is None or not isinstance(node, MappingNode):
            return node
        changed = [
            found
            for key in sorted(scope.inner.get(path, ()))
            for found in scope.defined[key]
            if scope is not self._spot.scope or found.after <= at
        ]
        self._count(len(changed), path)
        entries = {key.text: (key, value) for key, value in node.pairs()}
        times = Counter(found.path for found in changed)
        for found in changed:
            name = found.path[len(path)]
            is_own = len(found.path) == len(path) + 1 and found.at.branch is None and times[found.path] == 1
            value = self.evaluate(found.value, found.spot) if is_own and found.value is not None else None
            entries[name] = (
                ScalarNode(node.place, name, plain=False),
                value or ScalarNode(node.place, name, plain=True, tag=UNKNOWN),
            )
        return MappingNode(node.place, list(entries.values())) if changed else node


def _plain(node: Node) -> Plain:
    """Return the value of a scalar. Raises TypeError if it is none, or not known."""
    if not isinstance(node, ScalarNode) or node.tag is not None:
        raise TypeError
    return read_plain(node.text) if node.plain else node.text


def _truth(node: Node) -> bool:
    return bool(_plain(node))
