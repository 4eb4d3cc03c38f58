"""The names of a Python script: what each scope assigns, and the value of an expression in it, without running it.

A name has a value if its scope assigns it once. A parameter has the value that the script passes for it,
or its default; an option of the command line has its default.
"""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from onecycle_cli.config.nodes import MappingNode, SequenceNode, seen_from
from onecycle_cli.config.python_config import NO_VALUE, Evaluator, number
from onecycle_cli.config.python_text import dotted_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from onecycle_cli.config.nodes import Node

    Function = ast.FunctionDef | ast.AsyncFunctionDef
    Loops = tuple[ast.For | ast.AsyncFor | ast.If | ast.While, ...]
    """The loops and conditions around a statement, the innermost last."""

ARGUMENTS = frozenset({"args", "opt", "opts", "hparams", "flags", "FLAGS", "params", "config", "cfg", "conf"})
"""Usual names of what a command line gives."""

ROUNDED: dict[str, Callable[[float], float]] = {"int": int, "float": float, "ceil": math.ceil, "floor": math.floor}

DEEPEST_CALL = 40
"""Names that are followed from one to the next."""


@dataclass(slots=True)
class Scope:
    """A module, a class or a function: what it assigns, and its place among the others."""

    node: ast.AST
    path: tuple[str, ...]
    above: Scope | None = None
    assigned: dict[str, list[ast.expr | None]] = field(default_factory=dict)
    """By name, the values that it is given; None for one that is not followed."""
    loops: list[ast.For] = field(default_factory=list)
    passed: set[str] = field(default_factory=set)
    """Names that are passed to functions, which may do anything with them."""
    parameters: tuple[str, ...] = ()
    """A function's parameters in their order, without `self`."""

    def owner(self) -> Scope | None:
        """Return the class that a method belongs to."""
        above = self.above
        return above if above is not None and isinstance(above.node, ast.ClassDef) else None


class Scopes(Evaluator):
    """The scopes of a script, and the values in them."""

    def __init__(self, text: str) -> None:
        """Take a script's text."""
        super().__init__(text)
        self._imported: dict[str, str] = {}
        self._defined: dict[str, Scope] = {}
        self._options: dict[str, list[tuple[ast.expr, Scope]]] = {}
        self._constructors: list[Scope] = []
        """The constructors of classes, whose parameters Lightning saves."""
        self._called: dict[str, list[tuple[ast.Call, Scope]]] = {}
        self._scope = Scope(ast.Module([], []), ())
        self._at: dict[int, Scope] = {}
        """By the identity of a value assigned to an attribute of `self`: the method that assigns it."""
        self._following = 0

    # --- What the script contains -------------------------------------------------------------------------------

    def walk(self, module: ast.Module) -> None:
        """Note the scopes of a module, what they assign, and its calls."""
        stack: list[tuple[ast.AST, Scope, Loops, tuple[str, ...]]] = [(module, Scope(module, ()), (), ())]
        while stack:
            node, scope, loops, names = stack.pop()
            if isinstance(node, ast.expr | ast.stmt):
                self._count(1, node)
            assigned: tuple[str, ...] = ()
            if isinstance(node, ast.Call):
                self.note_call(node, scope, loops, names)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                scope, loops = self._note_scope(node, scope), ()
            elif isinstance(node, ast.If | ast.While | ast.AsyncFor):
                loops = (*loops, node)
            elif isinstance(node, ast.For):
                loops = (*loops, node)
                scope.loops.append(node)
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = list(node.targets) if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    self._note_target(target, node.value, scope)
                assigned = tuple(name for target in targets if (name := dotted_name(target)))
            else:
                self._note_names(node, scope)
            stack += [(child, scope, loops, assigned) for child in reversed(list(ast.iter_child_nodes(node)))]

    def _note_scope(self, node: Function | ast.ClassDef, above: Scope) -> Scope:
        above.assigned.setdefault(node.name, []).append(None)
        scope = Scope(node, (*above.path, node.name), above)
        self._defined.setdefault(node.name, scope)
        if not isinstance(node, ast.ClassDef):
            self._note_parameters(node, scope)
        if node.name == "__init__":
            self._constructors.append(scope)
        return scope

    def _note_names(self, node: ast.AST, scope: Scope) -> None:
        """Note the names that a statement other than an assignment gives a value, which is not followed."""
        match node:
            case ast.Import() | ast.ImportFrom():
                self._note_import(node)
            case ast.AugAssign() | ast.NamedExpr() | ast.For() | ast.AsyncFor():
                self._note_unknown(node.target, scope)
            case ast.Delete():
                for target in node.targets:
                    self._note_unknown(target, scope)
            case ast.withitem(optional_vars=target) if target is not None:
                self._note_unknown(target, scope)

    def _note_target(self, target: ast.expr, value: ast.expr, scope: Scope) -> None:
        name = dotted_name(target)
        owner = scope.owner()
        if name.startswith("self.") and owner is not None:
            owner.assigned.setdefault(name.removeprefix("self."), []).append(value)
            self._at.setdefault(id(value), scope)
        elif name:
            scope.assigned.setdefault(name, []).append(value)
        elif isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
            if len(target.elts) == len(value.elts):
                for each, given in zip(target.elts, value.elts, strict=True):
                    self._note_target(each, given, scope)
        else:
            self._note_unknown(target, scope)

    def _note_unknown(self, node: ast.AST, scope: Scope) -> None:
        for each in ast.walk(node):
            if isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Load):
                scope.assigned.setdefault(each.id, []).append(None)

    def _note_parameters(self, function: Function, scope: Scope) -> None:
        given = function.args
        positional = [*given.posonlyargs, *given.args]
        names = [parameter.arg for parameter in positional]
        scope.parameters = tuple(names[1:] if scope.owner() is not None else names)
        defaults: list[ast.expr | None] = [*[None] * (len(positional) - len(given.defaults)), *given.defaults]
        for parameter, default in zip([*positional, *given.kwonlyargs], [*defaults, *given.kw_defaults], strict=True):
            value = default
            if isinstance(default, ast.Call) and dotted_name(default.func).endswith(("Option", "Argument")):
                value = default.args[0] if default.args else keyword_of(default, "default")  # Typer
            scope.assigned.setdefault(parameter.arg, []).append(value)
        for decorator in function.decorator_list:  # click
            if isinstance(decorator, ast.Call) and dotted_name(decorator.func).endswith("option"):
                self._note_option(decorator, scope)
                for name in _option_names(decorator):
                    if (value := keyword_of(decorator, "default")) is not None:
                        scope.assigned[name] = [value]

    def _note_import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                self._imported[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
            else:
                self._imported[alias.asname or alias.name] = f"{'.' * node.level}{node.module or ''}.{alias.name}"

    def _note_option(self, call: ast.Call, scope: Scope) -> None:
        default = keyword_of(call, "default")
        for name in _option_names(call):
            self._options.setdefault(name, []).append((default or call, scope))

    def note_call(self, call: ast.Call, scope: Scope, loops: Loops, names: tuple[str, ...]) -> None:  # noqa: ARG002
        """Note a call: which option it adds, and which function of the script it calls."""
        name = dotted_name(call.func)
        if name.endswith(".add_argument"):
            self._note_option(call, scope)
        self._called.setdefault(name, []).append((call, scope))
        scope.passed |= {argument.id for argument in call.args if isinstance(argument, ast.Name)}

    # --- Values -------------------------------------------------------------------------------------------------

    def evaluate(self, expr: ast.expr, scope: Scope) -> Node:
        """Return the value of an expression in a scope; an unknown scalar if it is not followed."""
        before, self._scope = self._scope, scope
        self._following += 1
        try:
            node = self._work_out(expr) if self._following <= DEEPEST_CALL else self._lines.unknown(expr)
        except NO_VALUE:
            node = self._lines.unknown(expr)
        finally:
            self._scope = before
            self._following -= 1
        return node

    def _value(self, expr: ast.expr) -> Node:
        self._count(1, expr)
        return self.evaluate(expr, self._scope)

    def _work_out(self, expr: ast.expr) -> Node:
        match expr:
            case ast.Name() | ast.Attribute():
                found = self._definition(expr, self._scope)
                if found is not None:
                    return seen_from(self._lines.place(expr), self.evaluate(*found))
                if isinstance(expr, ast.Attribute):
                    return super()._work_out(expr)
                raise LookupError
            case ast.Call(func=ast.Attribute(attr="get", value=container), args=[key, *default]):
                try:
                    return self._work_out(ast.copy_location(ast.Subscript(container, key, ast.Load()), expr))
                except NO_VALUE:
                    if not default or not isinstance(self._value(container), MappingNode):
                        raise
                    return self._value(default[0])
            case ast.Call(func=function, args=[inner]) if dotted_name(function).rpartition(".")[2] in ROUNDED:
                rounded = ROUNDED[dotted_name(function).rpartition(".")[2]]
                return self._scalar(expr, rounded(number(self._value(inner))))
            case ast.Call(func=ast.Name(id="len"), args=[inner]):
                found_list = self._value(inner)
                if not isinstance(found_list, SequenceNode):
                    raise TypeError
                return self._scalar(expr, len(found_list.items))
        return super()._work_out(expr)

    def _definition(self, expr: ast.expr, scope: Scope) -> tuple[ast.expr, Scope] | None:
        """Return the one value that a name or an attribute is assigned, and its scope; None if there is not one."""
        name = dotted_name(expr)
        if not name:
            return None
        if name.startswith("self."):
            return self._of_object(name.removeprefix("self."), scope)
        above: Scope | None = scope
        while above is not None:
            if name in above.assigned and (above is scope or not isinstance(above.node, ast.ClassDef)):
                return self._once(name, above)
            above = above.above
        first, _, rest = name.partition(".")
        return self._of_instance(first, rest, scope) if rest and "." not in rest else None

    def _once(self, name: str, scope: Scope) -> tuple[ast.expr, Scope] | None:
        values = scope.assigned[name]
        if len(values) != 1:
            return None
        if name in scope.parameters and (calls := self._calls_of(scope)):
            passed = [(self._passed(call, name, scope), at) for call, at in calls]
            if len(passed) == 1 and passed[0][0] is not None:
                return passed[0][0], passed[0][1]
            if any(value is not None for value, _ in passed):
                return None  # several calls pass several values
        if values[0] is None:
            return None
        return values[0], self._at.get(id(values[0]), scope)

    def _calls_of(self, scope: Scope) -> list[tuple[ast.Call, Scope]]:
        """Return the calls of a function in the script; those of its class for a constructor."""
        owner, name = scope.owner(), scope.path[-1]
        if owner is not None:
            name = owner.path[-1] if name == "__init__" else f"self.{name}"
        return self._called.get(name, [])

    @staticmethod
    def _passed(call: ast.Call, name: str, scope: Scope) -> ast.expr | None:
        """Return what a call passes for a parameter."""
        at = scope.parameters.index(name)
        positional = call.args[at] if at < len(call.args) else None
        return keyword_of(call, name) or positional

    def _of_object(self, name: str, scope: Scope) -> tuple[ast.expr, Scope] | None:
        """Return what a method's own object has under a name: `self.lr`, or Lightning's `self.hparams.lr`."""
        owner = scope.owner()
        if owner is None:
            return None
        if name in owner.assigned:
            return self._once(name, owner)
        if name.startswith("hparams."):
            method = next((found for found in self._constructors if found.above is owner), None)
            key = name.removeprefix("hparams.")
            return None if method is None or key not in method.assigned else self._once(key, method)
        return None

    def _of_instance(self, name: str, attribute: str, scope: Scope) -> tuple[ast.expr, Scope] | None:
        """Return an attribute of a class of the script, of its instance, or of the parsed command line."""
        found = None
        made: ast.expr = ast.Name(name, ast.Load())
        for _ in range(DEEPEST_CALL):  # a parameter is passed on from function to function
            if (further := self._definition(made, scope)) is None:
                break
            found = made, scope = further
        if isinstance(made, ast.Call) and (value := keyword_of(made, attribute)) is not None and found is not None:
            return value, found[1]
        of = dotted_name(made.func if isinstance(made, ast.Call) else made)
        if of in self._defined and isinstance(self._defined[of].node, ast.ClassDef):
            return self._once(attribute, self._defined[of]) if attribute in self._defined[of].assigned else None
        if of.endswith(("parse_args", "parse_known_args")) or of in ARGUMENTS:
            options = self._options.get(attribute, ())
            return options[0] if len(options) == 1 else None
        return None


def _option_names(call: ast.Call) -> Iterator[str]:
    """Yield the attribute under which the parsed command line has an option."""
    if isinstance(dest := keyword_of(call, "dest"), ast.Constant) and isinstance(dest.value, str):
        yield dest.value
        return
    words = [word.value for word in call.args if isinstance(word, ast.Constant) and isinstance(word.value, str)]
    if long := next((word for word in words if word.startswith("--")), None):
        yield long.removeprefix("--").replace("-", "_")


def keyword_of(call: ast.Call, name: str) -> ast.expr | None:
    """Return the value of a call's keyword; None if it has no such keyword."""
    return next((word.value for word in call.keywords if word.arg == name), None)
