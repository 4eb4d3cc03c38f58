"""Numbers and texts that Python would work out from others, and how they are written for the tree."""

from __future__ import annotations

import ast
import math
import operator
from typing import TYPE_CHECKING, Any

from onecycle_cli.config.nodes import Scalar
from onecycle_cli.config.scalars import MOST_DIGITS, read_plain, same_to_both

if TYPE_CHECKING:
    from collections.abc import Callable

    from onecycle_cli.config.nodes import Node
    from onecycle_cli.config.scalars import Plain

MOST_BITS = 1400
_TOO_LONG = 10**MOST_DIGITS

FUNCTIONS: dict[str, Callable[..., object]] = {"int": int, "float": float, "max": max, "min": min, "round": round}
_OPERATORS: dict[type[ast.AST], Callable[[Any, Any], object]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
SIGNS: dict[type[ast.AST], Callable[[Any], object]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}
REFUSALS = (ArithmeticError, LookupError, TypeError, ValueError)
"""What Python raises where an expression has no value, and we where it is not worked out: it is then unknown."""


def plain(node: Node) -> Plain:
    """Give what a scalar says; what is no known scalar has no such value."""
    if not isinstance(node, Scalar) or node.tag is not None:
        raise TypeError
    return read_plain(node.text) if node.plain else node.text


def number(node: Node) -> int | float:
    """Give the number that a node is."""
    value = plain(node)
    if not isinstance(value, int | float):
        raise TypeError
    return value


def index(key: Node) -> int:
    """Give the whole number that a node is."""
    value = number(key)
    if not isinstance(value, int):
        raise TypeError
    return value


def identity(key: Node) -> tuple[Plain, bool]:
    """Tell keys apart; what is no text or number is like no other."""
    return (key.text, key.plain) if isinstance(key, Scalar) and key.tag is None else (None, False)


def calculate(kind: ast.operator, left: float, right: float) -> object:
    """Apply an operator to two numbers, unless the result could be huge."""
    whole = isinstance(left, int) and isinstance(right, int)
    if whole and isinstance(kind, ast.Pow) and abs(left) > 1 and math.log2(abs(left)) * right > MOST_BITS:
        raise OverflowError
    return _OPERATORS[type(kind)](left, right)


def written(value: object) -> str:
    """Write a value so that both versions of YAML read it alike."""
    if value is None:
        return "null"
    if not isinstance(value, int | float) or (isinstance(value, int) and abs(value) >= _TOO_LONG):
        raise TypeError
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    return same_to_both(repr(value), value)
