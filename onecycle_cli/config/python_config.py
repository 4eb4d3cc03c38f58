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
import warnings
from array import array
from bisect import bisect_left
from itertools import islice
from typing import TYPE_CHECKING, Any

from onecycle_cli.config.nodes import TOP, MappingNode, Place, ScalarNode, SequenceNode, seen_from
from onecycle_cli.config.scalars import MOST_DIGITS, portable, read_plain
from onecycle_cli.config.yaml_tree import DEEPEST, MOST_NODES, TOO_DEEP, UnreadableError
from onecycle_cli.findings.config_rules import NOT_PYTHON, TOO_MUCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from onecycle_cli.config.nodes import Node

UNKNOWN = "!unknown"
"""The tag of what the file alone does not give; the scalar's text is the expression, shortened."""

LONGEST_SHOWN = 60
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

_BREAK = re.compile(r"\r\n|\r|\n")
_TOKEN = re.compile(r"\w+|[^\w\s]")
_INNER_BYTE = re.compile(rb"[\x80-\xbf]")


def parse_python(text: str) -> MappingNode:
    """Return the tree of a Python config: one entry for each name that the module assigns.

    Raises:
        UnreadableError: the text breaks Python's grammar, or is larger or nested deeper than any config.
    """
    # Parsing takes microseconds and a kilobyte per token: refuse what cannot be a config before it.
    if excess := next(islice(_TOKEN.finditer(text), 2 * MOST_NODES, None), None):
        raise UnreadableError(TOO_MUCH, f"more than {2 * MOST_NODES:,} words", _place_of(text, excess.start()))
    module = Evaluator(text)
    for statement in parse_module(text).body:
        module.follow(statement)
    return MappingNode(TOP, list(module.names.values()))


class Lines:
    """The lines as Python counts them, with columns in characters: `ast` counts bytes of UTF-8."""

    def __init__(self, text: str) -> None:
        """Take a module's text."""
        self._lines = _BREAK.split(text)
        self._inner: dict[int, array[int]] = {}

    def place(self, node: ast.expr | ast.stmt | ast.keyword) -> Place:
        """Return where a node of the syntax begins."""
        return Place(node.lineno, self._column(node.lineno, node.col_offset))

    def unknown(self, node: ast.expr | ast.stmt) -> ScalarNode:
        """Return the scalar for a node whose value is unknown."""
        begin, line = self.place(node), self._lines[node.lineno - 1]
        whole = node.end_lineno == node.lineno
        end = self._column(node.lineno, node.end_col_offset or 0) - 1 if whole else len(line)
        shown = line[begin.column - 1 : end]
        if len(shown) > LONGEST_SHOWN or not whole:
            shown = shown[: LONGEST_SHOWN - 1].rstrip() + "…"
        return ScalarNode(begin, shown, plain=True, tag=UNKNOWN)

    def _column(self, line: int, offset: int) -> int:
        text = self._lines[line - 1]
        if text.isascii():
            return offset + 1
        if line not in self._inner:
            self._inner[line] = array("I", (byte.start() for byte in _INNER_BYTE.finditer(text.encode())))
        return offset - bisect_left(self._inner[line], offset) + 1


class Evaluator:
    """Follows a module's statements, and works out expressions from the names that are known so far."""

    def __init__(self, text: str) -> None:
        """Take a module's text, of which places and unknown expressions are shown."""
        self.names: dict[str, tuple[ScalarNode, Node]] = {}
        """By name: where it was assigned last, as a key, and its value."""
        self._foreign: set[str] = set()
        """Names of classes, functions and modules."""
        self._lines = Lines(text)
        self._depth = 0
        self._nodes = 0

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

    def _assign(self, targets: list[ast.expr], expr: ast.expr) -> None:
        node = self._value(expr)
        for target in targets:
            if isinstance(target, ast.Name):
                self.names.pop(target.id, None)
                self._foreign.discard(target.id)
                value = node if target.id != "_base_" else self._lines.unknown(expr)
                self.names[target.id] = ScalarNode(self._lines.place(target), target.id, plain=False), value
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
        entries = {_identity(name): (name, value) for name, value in container.entries}
        entries[_identity(key)] = key, node
        container.entries[:] = entries.values()
        self._count(len(entries) // WALKED_PER_NODE, target)
        return True

    def _update(self, expr: ast.expr) -> bool:
        """Follow `config.update(...)`; return whether it is one."""
        if not isinstance(expr, ast.Call) or not isinstance(expr.func, ast.Attribute) or expr.func.attr != "update":
            return False
        container = self._value(expr.func.value)
        try:
            given = self._mapping(expr, self._arguments(expr))
        except NO_VALUE:
            return False
        if not isinstance(container, MappingNode) or self._holds(given, container, expr):
            return False
        merged = {_identity(key): (key, value) for key, value in [*container.entries, *given.entries]}
        self._count(len(merged), expr)
        container.entries[:] = merged.values()
        return True

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

    def _copied(self, node: Node, where: ast.expr) -> Node:
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
                return self._scalar(expr, expr.value)
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

    def _scalar(self, expr: ast.expr, value: object) -> ScalarNode:
        place = self._lines.place(expr)
        if isinstance(value, str):
            if "{{" in value:  # MMEngine puts other values there before Python reads the file
                raise ValueError
            return ScalarNode(place, value, plain=False)
        return ScalarNode(place, _written(value), plain=True)

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


def dotted_name(expr: ast.expr) -> str:
    """Return the dotted name that an expression is; empty for others."""
    parts: list[str] = []
    while isinstance(expr, ast.Attribute):
        parts.append(expr.attr)
        expr = expr.value
    return ".".join([expr.id, *reversed(parts)]) if isinstance(expr, ast.Name) else ""


def parse_module(text: str) -> ast.Module:
    """Return a module's syntax.

    Raises:
        UnreadableError: the text is not Python, or nested too deep.
    """
    if "\0" in text:
        message = "not Python: the character U+0000 is not allowed in Python"
        raise UnreadableError(NOT_PYTHON, message, _place_of(text, text.index("\0")))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        place = Place(max(error.lineno or 1, 1), max(error.offset or 1, 1))
        message = f"not Python: {error.msg.partition(';')[0]}"
        raise UnreadableError(NOT_PYTHON, message, place, _hint(error)) from None
    except (RecursionError, MemoryError):
        raise UnreadableError(TOO_MUCH, "nested deeper than Python's own parser allows", TOP) from None
    except ValueError:
        message = "not Python: a character that cannot be encoded"
        raise UnreadableError(NOT_PYTHON, message, TOP, "save the file as UTF-8") from None


def _hint(error: SyntaxError) -> str:
    if isinstance(error, IndentationError):
        return "indent with spaces, like the neighbouring lines"
    if "Missing parentheses in call" in error.msg or "leading zeros" in error.msg:
        return "write it in Python 3"
    return "close the bracket or quote, or add the missing comma"


def _place_of(text: str, at: int) -> Place:
    lines = _BREAK.split(text[:at])
    return Place(len(lines), len(lines[-1]) + 1)
