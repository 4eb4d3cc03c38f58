"""Python configs, in MMEngine's and MMCV's style, as the tree that YAML gives: read through `ast`, never run.

Assignments of literals, names, `dict(...)`, items such as `optimizer["lr"]` and arithmetic are followed, and those to
the attributes of config objects such as yacs' `CfgNode` (`cfg.trainer.lr = 0.1`), copies and `update`. Everything else
becomes a scalar with the tag UNKNOWN. So does what such code may change: the names that it assigns, and the lists
and mappings that it mentions.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from onecycle_cli.config.composition.merging import merged
from onecycle_cli.config.key_paths import lookup
from onecycle_cli.config.nodes import MappingNode, Place, ScalarNode, SequenceNode, seen_from
from onecycle_cli.config.python_text import Lines, dotted_name, parse_module, refuse_too_many_words
from onecycle_cli.config.scalars import MOST_DIGITS, portable, read_plain
from onecycle_cli.config.yaml_tree import DEEPEST, MOST_NODES, TOO_DEEP, UnreadableError
from onecycle_cli.findings.config_rules import TOO_MUCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from onecycle_cli.config.nodes import Node

BASE = "_base_"
"""The name that gives a config's base files, and then means their values."""

MOST_BITS = 1400
"""The largest power that is computed, a little more than any float64."""

WALKED_PER_NODE = 20
"""How many nodes of syntax may be looked through at the cost of one value."""

CONFIG_CLASSES = frozenset(
    {
        "CN",
        "CfgNode",
        "ConfigDict",
        "Config",
        "DictConfig",
        "EasyDict",
        "edict",
        "AttrDict",
        "Munch",
        "Box",
        "Namespace",
    }
)
"""Classes of configs, by their usual names: mappings whose keys are attributes too."""

COPIES = frozenset({"deepcopy", "copy", "clone"})
"""Functions and methods that copy a config."""

_OPERATORS: dict[type[ast.AST], Callable[[Any, Any], object]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_SIGNS: dict[type[ast.AST], Callable[[Any], object]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
NO_VALUE = (ArithmeticError, LookupError, TypeError, ValueError)
"""What Python raises where an expression has no value, and this module where it does not follow one."""

_USES_BASE = re.compile(r"_base_(?![\w/\"']|\s*=)")
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


class Includes(Protocol):
    """The files that a Python config includes, and MMEngine's ways to refer to them."""

    @property
    def variables(self) -> dict[str, str]:
        """By name: what MMEngine puts in place of `{{ fileDirname }}` and others."""

    def base(self, names: Node) -> MappingNode:
        """Return the tree of the files that `_base_` names."""

    def module(self, level: int, name: str, place: Place) -> MappingNode | None:
        """Return the tree of a module that is imported under `read_base()`."""

    def over(self, base: MappingNode, own: MappingNode) -> MappingNode:
        """Return a config merged over its base files."""

    def reference(self, text: str) -> tuple[str, ...] | None:
        """Return the path in the base files that a string refers to."""


def parse_python(text: str, file: str | None = None, includes: Includes | None = None) -> MappingNode:
    """Return the tree of a Python config: one entry for each name that the module assigns.

    Places name the file if it is given; `includes` reads the files that the config includes.

    Raises:
        UnreadableError: the text breaks Python's grammar, or is larger or nested deeper than any config.
    """
    refuse_too_many_words(text)
    module = Evaluator(text, file, includes)
    body = parse_module(text).body
    base = module.read_base_files(body, is_used=_USES_BASE.search(text) is not None)
    for statement in body:
        module.follow(statement)
    own = MappingNode(Place(1, 1, None, file), [entry for name, entry in module.names.items() if name != BASE])
    return own if base is None or includes is None else includes.over(base, own)


class Evaluator:
    """Follows a module's statements, and works out expressions from the names that are known so far."""

    def __init__(self, text: str, file: str | None = None, includes: Includes | None = None) -> None:
        """Take a module's text, of which places and unknown expressions are shown, its file, and its includes."""
        self.names: dict[str, tuple[ScalarNode, Node]] = {}
        """By name: where it was assigned last, as a key, and its value."""
        self._indexes: dict[int, tuple[list[tuple[Node, Node]], dict[object, int]]] = {}
        """By the id of a mapping's entries: the entries, and where each key is."""
        self._foreign: set[str] = set()
        """Names of classes, functions and modules."""
        self._lines = Lines(text, file)
        self._includes = includes
        self._depth = 0
        self._nodes = 0

    def read_base_files(self, body: list[ast.stmt], *, is_used: bool) -> MappingNode | None:
        """Read the files that the first assignment to `_base_` names, to which `_base_` then refers if it is used."""
        named = [statement for statement in body if isinstance(statement, ast.Assign) and _is_base(statement.targets)]
        if self._includes is None or not named:
            return None
        base = self._includes.base(self._value(named[0].value))
        if not is_used:
            return base
        copied = self._copied(base, named[0].value)  # statements may change it, but not the tree of the base files
        self.names[BASE] = ScalarNode(self._lines.place(named[0]), BASE, plain=False), copied
        return copied if isinstance(copied, MappingNode) else None

    def follow(self, statement: ast.stmt) -> None:
        """Take in what a statement assigns or may change."""
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            if statement.value is not None:
                targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                self._assign(list(targets), statement.value)
        elif isinstance(statement, ast.Expr):
            if not self._update(statement.value):
                self._value(statement.value)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self._import([statement.name])
            self._forget(statement, self._lines.unknown(statement), is_scope=True)
        else:
            self._forget(statement, self._lines.unknown(statement))
            imports = [node for node in ast.walk(statement) if isinstance(node, ast.Import | ast.ImportFrom)]
            aliases = [alias for node in imports for alias in node.names if alias.name != "*"]
            imported = [(alias.asname or alias.name).partition(".")[0] for alias in aliases]
            self._import(imported)
            if isinstance(statement, ast.With):  # MMEngine's `with read_base():` imports values
                for name in imported:
                    self._spoil(name, self._lines.unknown(statement.body[0]))
                for node in imports:
                    self._import_values(node)

    def _import_values(self, statement: ast.Import | ast.ImportFrom) -> None:
        """Take over the values of a config that is imported under `read_base()`."""
        if self._includes is None or not isinstance(statement, ast.ImportFrom) or not statement.module:
            return
        place = self._lines.place(statement)
        module = self._includes.module(statement.level, statement.module, place)
        copied = None if module is None else self._copied(module, statement)
        if not isinstance(copied, MappingNode):
            return
        values = {key.text: (key, value) for key, value in copied.pairs()}
        for alias in statement.names:
            taken = values if alias.name == "*" else {}
            if alias.name in values:
                key, value = values[alias.name]
                taken = {alias.asname or alias.name: (replace(key, text=alias.asname or alias.name), value)}
            self._foreign -= taken.keys()
            self.names.update(taken)

    def _assign(self, targets: list[ast.expr], expr: ast.expr) -> None:
        if _is_base(targets):
            return
        node = self._value(expr)
        for target in targets:
            if isinstance(target, ast.Name):
                self.names.pop(target.id, None)
                self._foreign.discard(target.id)
                self.names[target.id] = ScalarNode(self._lines.place(target), target.id, plain=False), node
            elif not self._set(target, node):
                self._forget(target, self._lines.unknown(target))

    def _set(self, target: ast.expr, node: Node) -> bool:
        """Set an attribute or an item of a mapping, under all its names; return whether it is followed."""
        if isinstance(target, ast.Attribute):
            key: Node = ScalarNode(self._lines.place(target), target.attr, plain=False)
        elif isinstance(target, ast.Subscript):
            key = self._value(target.slice)
        else:
            return False
        container = self._value(target.value)
        if not isinstance(container, MappingNode) or not isinstance(key, ScalarNode) or key.tag is not None:
            return False
        if not isinstance(node, ScalarNode) and self._holds(node, container, target):
            return False
        at = self._index(container.entries).setdefault(_identity(key), len(container.entries))
        container.entries[at : at + 1] = [(key, node)]
        return True

    def _index(self, entries: list[tuple[Node, Node]]) -> dict[object, int]:
        """Return where each key of a mapping is; of equal keys, keep only the last value."""
        found = self._indexes.get(id(entries))
        if found is None or len(found[1]) != len(entries):
            entries[:] = {_identity(key): (key, value) for key, value in entries}.values()
            index = {_identity(key): at for at, (key, _) in enumerate(entries)}
            found = self._indexes[id(entries)] = entries, index  # the list is kept, so that its id stays its own
        return found[1]

    def _update(self, expr: ast.expr) -> bool:
        """Follow `config.update(...)`, and `merge` of MMEngine's included configs; return whether it is one."""
        if not isinstance(expr, ast.Call) or not isinstance(expr.func, ast.Attribute):
            return False
        method = expr.func.attr
        if method not in ("update", "merge"):
            return False
        container = self._value(expr.func.value)
        is_included = self._is_included(expr.func.value)
        if method == "merge" and not is_included:
            return False
        try:
            given = self._mapping(expr, self._arguments(expr))
        except NO_VALUE:
            return False
        if not isinstance(container, MappingNode) or self._holds(given, container, expr):
            return False
        self._count(len(container.entries) + len(given.entries), expr)
        if is_included:  # MMEngine updates mappings inside mappings, too
            container.entries[:] = merged(container, given, has_marks=method == "merge").entries
            return True
        entries = {_identity(key): (key, value) for key, value in [*container.entries, *given.entries]}
        container.entries[:] = entries.values()
        return True

    def _is_included(self, expr: ast.expr) -> bool:
        """Return whether an expression leads to a value that another file gives."""
        while isinstance(expr, ast.Attribute | ast.Subscript):
            expr = expr.value
        found = self.names.get(expr.id) if isinstance(expr, ast.Name) else None
        return found is not None and found[1].place.file != self._lines.file

    def _holds(self, tree: Node, container: MappingNode, where: ast.expr) -> bool:
        """Return whether a mapping is in a tree: it cannot hold itself."""
        stack = [tree]
        while stack:
            node = stack.pop()
            self._count(1, where)
            if isinstance(node, MappingNode):
                if node.entries is container.entries:
                    return True
                stack += [value for _, value in node.entries if not isinstance(value, ScalarNode)]
            elif isinstance(node, SequenceNode):
                stack += [item for item in node.items if not isinstance(item, ScalarNode)]
        return False

    def _copied(self, node: Node, where: ast.expr | ast.stmt) -> Node:
        self._count(1, where)
        if isinstance(node, MappingNode):
            return MappingNode(node.place, [(key, self._copied(value, where)) for key, value in node.entries])
        if isinstance(node, SequenceNode):
            return SequenceNode(node.place, [self._copied(item, where) for item in node.items])
        return node

    def _arguments(self, call: ast.Call) -> list[tuple[Node | None, ast.expr]]:
        """Return the keys and values that a call like that of `dict` gives."""
        given: list[tuple[Node | None, ast.expr]] = [(None, argument) for argument in call.args[:1]]
        for word in call.keywords:
            key = word.arg and ScalarNode(self._lines.place(word), word.arg, plain=False)
            given.append((key or None, word.value))
        return given

    def _import(self, names: Iterable[str]) -> None:
        for name in names:
            self.names.pop(name, None)
            self._foreign.add(name)

    def _forget(self, tree: ast.expr | ast.stmt, unknown: ScalarNode, *, is_scope: bool = False) -> None:
        """Make unknown what code may change; in a scope of its own, an assignment changes no name outside."""
        nodes = list(ast.walk(tree))
        self._count(len(nodes) // WALKED_PER_NODE, tree)
        copied = {id(node.value) for node in nodes if isinstance(node, ast.Attribute) and node.attr in COPIES}
        for node in nodes:
            if isinstance(node, ast.Global):
                for name in node.names:
                    self._spoil(name, unknown)
            elif isinstance(node, ast.NamedExpr):
                self._spoil(node.target.id, unknown)
            elif isinstance(node, ast.Name):
                is_assigned = not is_scope and not isinstance(node.ctx, ast.Load)
                is_known = isinstance(self.names.get(node.id, (None, unknown))[1], ScalarNode)
                if is_assigned or not (is_known or id(node) in copied):
                    self._spoil(node.id, unknown)

    def _spoil(self, name: str, unknown: ScalarNode) -> None:
        """Make a name unknown, and all that is in its list or mapping, also under its other names."""
        key, node = self.names.get(name, (ScalarNode(unknown.place, name, plain=False), unknown))
        self.names[name] = key, unknown
        stack: list[Node] = [node]
        while stack:
            node = stack.pop()
            if isinstance(node, SequenceNode):
                stack += node.items
                node.items[:] = [unknown]
            elif isinstance(node, MappingNode):
                stack += [value for _, value in node.entries]
                node.entries[:] = [(unknown, unknown)]
                self._indexes.pop(id(node.entries), None)

    def _value(self, expr: ast.expr) -> Node:
        """Return the value of an expression; an unknown scalar if it is not followed."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise UnreadableError(TOO_MUCH, TOO_DEEP, self._lines.place(expr))
        self._count(1, expr)
        try:
            node = self._work_out(expr)
        except NO_VALUE:
            node = self._lines.unknown(expr)
            if not isinstance(expr, ast.Constant | ast.Name):
                self._forget(expr, node, is_scope=True)
        self._depth -= 1
        return node

    def _work_out(self, expr: ast.expr) -> Node:
        match expr:
            case ast.Constant():
                return self._referred(expr) or self._scalar(expr, expr.value)
            case ast.Name():
                return seen_from(self._lines.place(expr), self.names[expr.id][1])
            case ast.Subscript():
                item = _item(self._value(expr.value), self._value(expr.slice))
                return seen_from(self._lines.place(expr), item)
            case ast.List() | ast.Tuple():
                return self._sequence(expr)
            case ast.Dict():
                keys = [None if key is None else self._value(key) for key in expr.keys]
                return self._mapping(expr, zip(keys, expr.values, strict=True))
            case ast.Call():
                return self._call(expr)
            case ast.Attribute():
                attribute = ScalarNode(self._lines.place(expr), expr.attr, plain=False)
                return seen_from(self._lines.place(expr), _item(self._value(expr.value), attribute))
            case ast.UnaryOp():
                return self._scalar(expr, _SIGNS[type(expr.op)](number(self._value(expr.operand))))
            case ast.BinOp():
                return self._operation(expr, self._value(expr.left), self._value(expr.right))
        raise LookupError

    def _call(self, call: ast.Call) -> Node:
        """Return what `dict(...)`, a config's class or a copy of a config returns."""
        name = dotted_name(call.func).rpartition(".")[2] or getattr(call.func, "attr", "")
        is_free = name not in self.names
        if isinstance(call.func, ast.Name) and name == "dict" and is_free and name not in self._foreign:
            return self._mapping(call, self._arguments(call))
        if name in CONFIG_CLASSES and is_free:
            return self._copied(self._mapping(call, self._arguments(call)), call)
        if name in COPIES and len(call.args) == 1 and is_free:
            return self._copied(self._value(call.args[0]), call)
        if name in COPIES and not call.args and isinstance(call.func, ast.Attribute):
            return self._copied(self._value(call.func.value), call)
        raise LookupError

    def _referred(self, expr: ast.Constant) -> Node | None:
        """Return the value in the base files that a string of MMEngine's refers to; None for other constants."""
        if self._includes is None or not isinstance(expr.value, str) or BASE not in expr.value:
            return None
        path = self._includes.reference(expr.value)
        if path is None:
            return None
        found = lookup(self.names[BASE][1], path)
        if found is None:
            raise LookupError
        return seen_from(self._lines.place(expr), found)

    def _scalar(self, expr: ast.expr, value: object) -> ScalarNode:
        place = self._lines.place(expr)
        if not isinstance(value, str):
            return ScalarNode(place, _written(value), plain=True)
        # MMEngine puts other values there before Python reads the file.
        if "{{" in value:
            variables = self._includes.variables if self._includes is not None else {}
            value = _VARIABLE.sub(lambda found: variables.get(found[1], found[0]), value)
            if "{{" in value:
                raise ValueError
        return ScalarNode(place, value, plain=False)

    def _sequence(self, expr: ast.List | ast.Tuple) -> SequenceNode:
        items: list[Node] = []
        for item in expr.elts:
            if not isinstance(item, ast.Starred):
                items.append(self._value(item))
                continue
            unpacked = self._value(item.value)
            if not isinstance(unpacked, SequenceNode):
                raise TypeError
            self._count(len(unpacked.items), expr)
            items += unpacked.items
        return SequenceNode(self._lines.place(expr), items)

    def _mapping(self, expr: ast.expr, parts: Iterable[tuple[Node | None, ast.expr]]) -> MappingNode:
        """Return a mapping of keys and values; a value without a key is a mapping to merge in."""
        entries: list[tuple[Node, Node]] = []
        is_merged = False
        for key, value in parts:
            if key is not None:
                entries.append((key, self._of_key(key, value)))
                continue
            merged = self._value(value)
            if not isinstance(merged, MappingNode):
                raise TypeError
            self._count(len(merged.entries), expr)
            entries += merged.entries
            is_merged = True
        if is_merged:  # the last value of a key counts; without a merge, a duplicate key stays, for a finding
            entries = list({_identity(key): (key, value) for key, value in entries}.values())
        return MappingNode(self._lines.place(expr), entries)

    def _of_key(self, key: Node, expr: ast.expr) -> Node:
        """Return an entry's value; a class under the key `type` is its name."""
        is_type = isinstance(key, ScalarNode) and key.text == "type" and key.tag is None
        name = dotted_name(expr) if is_type else ""
        if name and name.partition(".")[0] not in self.names:
            return ScalarNode(self._lines.place(expr), name, plain=False)
        return self._value(expr)

    def _operation(self, expr: ast.BinOp, left: Node, right: Node) -> Node:
        if isinstance(expr.op, ast.Add) and isinstance(left, SequenceNode) and isinstance(right, SequenceNode):
            self._count(len(left.items) + len(right.items), expr)
            return SequenceNode(self._lines.place(expr), [*left.items, *right.items])
        first, second = number(left), number(right)
        is_whole = isinstance(first, int) and isinstance(second, int)
        if isinstance(expr.op, ast.Pow) and is_whole and math.log2(max(abs(first), 1)) * second > MOST_BITS:
            raise OverflowError
        return self._scalar(expr, _OPERATORS[type(expr.op)](first, second))

    def _count(self, nodes: int, where: ast.expr | ast.stmt) -> None:
        """Bound the number of values, so that neither memory nor time can run out."""
        self._nodes += nodes
        if self._nodes > MOST_NODES:
            message = f"more than {MOST_NODES:,} values, or as much to work out"
            raise UnreadableError(TOO_MUCH, message, self._lines.place(where))


def _is_base(targets: list[ast.expr]) -> bool:
    return isinstance(targets[0], ast.Name) and targets[0].id == BASE


def _identity(key: Node) -> object:
    """Return what two equal keys have in common; an unknown key is like no other."""
    return (key.text, key.plain) if isinstance(key, ScalarNode) and key.tag is None else id(key)


def _item(container: Node, key: Node) -> Node:
    """Return the item of a list or mapping, as in `optimizer["lr"]`."""
    if isinstance(container, SequenceNode):
        return container.items[operator.index(number(key))]  # type: ignore[arg-type]
    if not isinstance(container, MappingNode):
        raise TypeError
    return {_identity(name): value for name, value in container.entries}[_identity(key)]


def number(node: Node) -> int | float:
    """Return the number that a node is; raises TypeError for others."""
    value = read_plain(node.text) if isinstance(node, ScalarNode) and node.plain and node.tag is None else None
    if not isinstance(value, int | float):
        raise TypeError
    return value


def _written(value: object) -> str:
    """Write a value so that both versions of YAML read it alike."""
    if value is None:
        return "null"
    if not isinstance(value, int | float) or (isinstance(value, int) and abs(value) >= 10**MOST_DIGITS):
        raise TypeError
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    return portable(repr(value), value)
