"""Working out the expressions of a Python config, from the names that are known so far."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from onecycle_cli.config.nodes import Mapping, Place, Scalar, Sequence
from onecycle_cli.config.python.folding import (
    FUNCTIONS,
    REFUSALS,
    SIGNS,
    calculate,
    identity,
    index,
    number,
    plain,
    written,
)
from onecycle_cli.config.python.names import changed, dotted_name
from onecycle_cli.config.python.text import too_much
from onecycle_cli.config.scalars import MOST_DIGITS
from onecycle_cli.config.tree import DEEPEST, MOST_NODES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from onecycle_cli.config.nodes import Node
    from onecycle_cli.config.python.text import Text
    from onecycle_cli.config.scalars import Plain

    Entry = tuple[Node, Node]
    Part = tuple[Node | None, ast.expr]
    """A key and its value; without a key, a mapping whose entries go here."""

LONGEST_TEXT = 1000
COST_OF_A_NODE = 20  # in entries looked through
MOST_COST = MOST_NODES * COST_OF_A_NODE

_Kind = TypeVar("_Kind", Mapping, Sequence)
_TYPE = Scalar(Place(1, 1), "type", plain=False)


class Values:
    """Works out expressions, from the names that are known so far."""

    def __init__(self, text: Text) -> None:
        """Begin with no names."""
        self.names: dict[str, tuple[Scalar, Node]] = {}
        """By name: the place where it was assigned last, as a key, and its value."""
        self.foreign: set[str] = set()
        """Names of classes, functions and modules."""
        self.text = text
        self._depth = 0
        self._cost = 0
        self._kinds: dict[type[ast.expr], Callable[[Any], Node]] = {
            ast.Constant: lambda expr: self._scalar(expr, expr.value),
            ast.Name: lambda expr: self._through_a_name(expr, self.names[expr.id][1]),
            ast.List: self._sequence,
            ast.Tuple: self._sequence,
            ast.Dict: self._display,
            ast.Call: self._call,
            ast.BinOp: self._operation,
            ast.UnaryOp: lambda expr: self._scalar(expr, SIGNS[type(expr.op)](number(self.value(expr.operand)))),
            ast.Subscript: self._item,
        }

    def value(self, expr: ast.expr) -> Node:
        """Work out an expression; an unknown scalar where that cannot be done."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise too_much(f"nested deeper than {DEEPEST} levels", self.text.place(expr))
        self.spend(COST_OF_A_NODE, expr)
        try:
            node = self._kinds[type(expr)](expr)
        except REFUSALS:
            node = self.text.unknown(expr)
            nodes = list(ast.walk(expr))
            self.spend(len(nodes) * COST_OF_A_NODE // 2, expr)
            for name in changed(nodes):
                self.spoil(name, node)
        self._depth -= 1
        return node

    def spend(self, cost: int, expr: ast.expr) -> None:
        """Bound the work, whatever the names multiply."""
        self._cost += cost
        if self._cost > MOST_COST:
            raise too_much(f"more than {MOST_NODES:,} values, or as much to work out", self.text.place(expr))

    def spoil(self, name: str, unknown: Scalar) -> None:
        """Forget what a name stands for, also where the same list or mapping has other names."""
        if name in self.foreign:
            return
        key, node = self.names.get(name, (Scalar(unknown.place, name, plain=False), None))
        if isinstance(node, Sequence):
            node.items[:] = [unknown]
        elif isinstance(node, Mapping):
            node.entries[:] = [(unknown, unknown)]
        self.names[name] = key, unknown

    def build(self, expr: ast.expr, parts: Iterable[Part]) -> Mapping:
        """Make a mapping: later keys override those of a mapping merged in, but what is written twice stays."""
        entries: list[tuple[Node, Node, bool]] = []
        for key, each in parts:
            if key is not None:
                entries.append((key, self._of_key(key, each), False))
                continue
            merged = container_of(self.value(each), Mapping)
            self.spend(len(merged.entries), expr)
            entries += [(*entry, True) for entry in merged.entries]
        return Mapping(self.text.place(expr), _without_overridden(entries))

    def parts(self, call: ast.Call) -> list[Part]:
        """Take apart what stands in `dict(...)` or `.update(...)`."""
        given: list[Part] = [(None, each) for each in call.args]
        for keyword in call.keywords:
            key = keyword.arg and Scalar(self.text.place(keyword), keyword.arg, plain=False)
            given.append((key or None, keyword.value))
        return given

    def combine(self, expr: ast.BinOp, left: Node, right: Node) -> Node:
        """Work out one operator."""
        if isinstance(expr.op, ast.Add):
            if isinstance(left, Sequence) and isinstance(right, Sequence):
                self.spend(len(left.items) + len(right.items), expr)
                return Sequence(self.text.place(expr), [*left.items, *right.items])
            if isinstance(head := plain(left), str) and isinstance(tail := plain(right), str):
                if len(head) + len(tail) > LONGEST_TEXT:
                    raise ValueError
                return self._scalar(expr, head + tail)
        return self._scalar(expr, calculate(expr.op, number(left), number(right)))

    def _scalar(self, expr: ast.expr, value: object) -> Scalar:
        place = self.text.place(expr)
        if isinstance(value, str):
            if "{{" in value:  # MMEngine puts other values there before Python reads the file
                raise ValueError
            return Scalar(place, value, plain=False)
        return Scalar(place, written(value), plain=True)

    def _through_a_name(self, expr: ast.expr, node: Node) -> Node:
        if isinstance(node, Scalar):
            return replace(node, place=self.text.place(expr), origin=node.origin or node.place)
        return replace(node, place=self.text.place(expr))

    def _sequence(self, expr: ast.List | ast.Tuple) -> Sequence:
        items: list[Node] = []
        for each in expr.elts:
            if isinstance(each, ast.Starred):
                unpacked = container_of(self.value(each.value), Sequence).items
                self.spend(len(unpacked), expr)
                items += unpacked
            else:
                items.append(self.value(each))
        return Sequence(self.text.place(expr), items)

    def _display(self, expr: ast.Dict) -> Mapping:
        keys = [None if key is None else self.value(key) for key in expr.keys]
        return self.build(expr, zip(keys, expr.values, strict=True))

    def _of_key(self, key: Node, expr: ast.expr) -> Node:
        """Read an entry's value; a class that is named as the type is told by its name."""
        dotted = dotted_name(expr)
        root = dotted.partition(".")[0]
        if dotted and key == replace(_TYPE, place=key.place) and (root in self.foreign or root not in self.names):
            return Scalar(self.text.place(expr), dotted, plain=False)
        return self.value(expr)

    def _call(self, expr: ast.Call) -> Node:
        name = expr.func.id if isinstance(expr.func, ast.Name) else ""
        if name in self.foreign or name in self.names:
            raise LookupError
        if name == "dict" and len(expr.args) <= 1:
            return self.build(expr, self.parts(expr))
        if expr.keywords:
            raise TypeError
        if name == "len":
            (container,) = (container_of(self.value(each), Sequence) for each in expr.args)
            return self._scalar(expr, len(container.items))
        function = FUNCTIONS[name]
        given = [self.value(each) for each in expr.args]
        if len(given) == 1 and isinstance(given[0], Sequence) and name in ("max", "min"):
            given = given[0].items
            self.spend(len(given), expr)
        values = [plain(each) for each in given]
        if name == "round" and len(values) > 1 and abs(number(given[1])) > MOST_DIGITS:
            raise OverflowError
        return self._scalar(expr, function(*values))

    def _operation(self, expr: ast.BinOp) -> Node:
        chain = [expr]  # a long sum leans to the left: no recursion there
        while isinstance(left := chain[-1].left, ast.BinOp):
            chain.append(left)
        node = self.value(left)
        for each in reversed(chain):
            node = self.combine(each, node, self.value(each.right))
        return node

    def _item(self, expr: ast.Subscript) -> Node:
        container, key = self.value(expr.value), self.value(expr.slice)
        if isinstance(container, Sequence):
            return self._through_a_name(expr, container.items[index(key)])
        entries = container_of(container, Mapping).entries
        self.spend(len(entries), expr)
        name = identity(key)
        found = [node for each, node in entries if identity(each) == name and name[0] is not None]
        return self._through_a_name(expr, found[-1])


def container_of(node: Node, kind: type[_Kind]) -> _Kind:
    """Hold a node to be a collection of this kind."""
    if not isinstance(node, kind):
        raise TypeError
    return node


def _without_overridden(entries: list[tuple[Node, Node, bool]]) -> list[Entry]:
    """Drop what a later entry overrides, where one of the two was merged in."""
    kept: list[Entry] = []
    later: dict[tuple[Plain, bool], bool] = {}
    for key, node, merged in reversed(entries):
        name = identity(key)
        if name[0] is None or name not in later or not (merged or later[name]):
            kept.append((key, node))
        later[name] = merged or later.get(name, False)
    return kept[::-1]
