"""A length in steps that a script works out of its epochs and its loader, as the two settings that it comes from."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from onecycle_cli.config.nodes import ScalarNode
from onecycle_cli.config.python_config import number
from onecycle_cli.config.python_text import dotted_name
from onecycle_cli.config.scripts.definitions import keyword_of, path_of

if TYPE_CHECKING:
    from onecycle_cli.config.nodes import Node
    from onecycle_cli.config.scripts.definitions import Spot
    from onecycle_cli.config.scripts.outline import Outline
    from onecycle_cli.config.scripts.values import Values

Part = tuple[str, ast.expr, "Node"]
"""A setting, the expression that gives it, and its value."""

ROUNDING = frozenset({"int", "round", "float", "ceil", "floor", "math.ceil", "math.floor"})
_EPOCHS = re.compile(r"epoch", re.IGNORECASE)
_BATCHES = re.compile(r"per_?epoch|batches|iters|steps|len(gth)?(_|$)|loader", re.IGNORECASE)
STEPPING_BATCHES = "estimated_stepping_batches"
"""Lightning's number of steps of the run."""

MOST_FACTORS = 8


class Length:
    """Takes lengths apart."""

    def __init__(self, outline: Outline, values: Values) -> None:
        """Take a script's outline, and its values."""
        self.outline = outline
        self.values = values

    def factored(self, expr: ast.expr, spot: Spot) -> list[Part]:
        """Return a length as epochs and steps per epoch, if it is their product and not known itself."""
        if _is_known(self.values.evaluate(expr, spot)):
            return []
        if path_of(expr)[-1:] == (STEPPING_BATCHES,):
            return self._of_trainer(expr, spot)
        factors = self._factors(expr, spot)
        nodes = [(each, self.values.evaluate(each, at), at) for each, at in factors]
        unknown = [pair for pair in nodes if not _is_known(pair[1])]
        known = [pair for pair in nodes if _is_known(pair[1])]
        if len(unknown) == 1 and len(known) == 1 and _is_whole(known[0][1]):
            (epochs, count, _), (steps, rest, at) = known[0], unknown[0]
            if self._counts_batches(steps, at) or _EPOCHS.search(_name(epochs)):
                if _EPOCHS.search(_name(steps)) and not self._counts_batches(steps, at):
                    epochs, count, steps, rest = steps, rest, epochs, count
                return [("epochs", epochs, count), ("steps_per_epoch", steps, rest)]
        if len(unknown) == 2 and not known:
            batches = [pair for pair in unknown if self._counts_batches(pair[0], pair[2])]
            others = [pair for pair in unknown if pair not in batches]
            if len(batches) == 1 and _EPOCHS.search(_name(others[0][0])):
                return [("epochs", *others[0][:2]), ("steps_per_epoch", *batches[0][:2])]
        return []

    def _factors(self, expr: ast.expr, spot: Spot) -> list[tuple[ast.expr, Spot]]:
        """Return the factors of a product, behind names and roundings."""
        found = self.values.sources.made(expr, spot) if path_of(expr) else (expr, spot)
        if found is None:
            return []
        whole, spot = found
        while isinstance(whole, ast.Call) and dotted_name(whole.func) in ROUNDING and len(whole.args) == 1:
            whole = whole.args[0]
        factors: list[tuple[ast.expr, Spot]] = []
        stack = [whole]
        while stack and len(factors) < MOST_FACTORS:
            part = stack.pop()
            if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Mult):
                stack += [part.right, part.left]
            else:
                factors.append((part, spot))
        return factors if len(factors) > 1 and not stack else []

    def _counts_batches(self, expr: ast.expr, spot: Spot) -> bool:
        """Return whether an expression is about the length of a loader, or is named like one."""
        made = self.values.sources.made(expr, spot) if path_of(expr) else None
        parts = [*ast.walk(expr), *(ast.walk(made[0]) if made is not None else ())]
        is_length = any(isinstance(part, ast.Call) and dotted_name(part.func) == "len" for part in parts)
        return is_length or _BATCHES.search(_name(expr)) is not None

    def _of_trainer(self, expr: ast.expr, spot: Spot) -> list[Part]:
        """Return the steps that Lightning's trainer makes, if the script makes one trainer."""
        trainers = self.outline.trainers()
        if len(trainers) != 1:
            return []
        given = {name: keyword_of(trainers[0].node, name) for name in ("max_steps", "max_epochs")}
        found = {name: (value, self.values.evaluate(value, trainers[0].spot)) for name, value in given.items() if value}
        if "max_epochs" in found and "max_steps" not in found:
            return [("epochs", *found["max_epochs"]), ("steps_per_epoch", expr, self.values.evaluate(expr, spot))]
        if "max_steps" in found and "max_epochs" not in found:
            return [("total_steps", *found["max_steps"])]
        return []


def _is_known(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag is None


def _is_whole(node: Node) -> bool:
    """Return whether a value may be a number of epochs or steps; a part of an epoch is not one."""
    try:
        value = number(node)
    except TypeError:
        return False
    return isinstance(value, int) or value.is_integer()


def _name(expr: ast.expr) -> str:
    """Return the last name in a path; empty for other expressions."""
    return next(iter(path_of(expr)[-1:]), "")
