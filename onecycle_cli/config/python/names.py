"""The names in a piece of Python: what it is called, and what it may change."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_CHANGING = frozenset(
    ("append", "clear", "extend", "insert", "pop", "popitem", "remove", "reverse", "setdefault", "sort", "update")
)


def dotted_name(expr: ast.expr) -> str:
    """Give the dotted name that an expression is, or nothing."""
    names: list[str] = []
    while isinstance(expr, ast.Attribute):
        names.append(expr.attr)
        expr = expr.value
    return ".".join([expr.id, *reversed(names)]) if isinstance(expr, ast.Name) else ""


def root_name(expr: ast.expr) -> str:
    """Give the name whose value an assignment to an item or attribute changes."""
    while isinstance(expr, ast.Attribute | ast.Subscript):
        expr = expr.value
    return expr.id if isinstance(expr, ast.Name) else ""


def changed(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """List the names whose values this code may change without assigning them at the module's level."""
    for node in nodes:
        if isinstance(node, ast.Global):
            yield from node.names
        elif isinstance(node, ast.NamedExpr):
            yield node.target.id
        elif isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            yield root_name(node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGING:
            yield root_name(node.func)


def stored(tree: ast.AST) -> Iterator[str]:
    """List the names that a statement assigns or deletes, anywhere in it."""
    return (node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load))


def imported_names(tree: ast.AST) -> Iterator[str]:
    """List the names that a statement imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((each.asname or each.name).partition(".")[0] for each in node.names if each.name != "*")
