"""The outline of a Python script: its scopes, what each of them defines, and its calls."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from onecycle_cli.config.python_text import dotted_name
from onecycle_cli.config.scripts.command_line import CommandLine, flags_of, option_names
from onecycle_cli.config.scripts.definitions import (
    Branch,
    CallSite,
    Definition,
    Scope,
    Spot,
    end_of,
    keyword_of,
    path_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onecycle_cli.config.scripts.definitions import Path

    Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

BRANCHING = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.TryStar, ast.ExceptHandler, ast.match_case)
PARTS = ("body", "orelse", "handlers")
LOOPS = (ast.For, ast.AsyncFor, ast.While)

CHANGING = frozenset({"update", "clear", "pop", "popitem", "append", "extend", "insert", "merge_from_file",
                      "merge_from_list", "merge_with", "merge_with_dotlist", "setdefault", "freeze_to"})  # fmt: skip
"""Methods that change what is in a mapping, a list or a config."""

UNCHANGING = frozenset({"prepare", "initialize", "setup", "DataParallel", "DistributedDataParallel", "compile", "to"})
"""Functions of Accelerate, Apex, Fabric and PyTorch that return what they are given, wrapped."""


class Outline:
    """The scopes, definitions, calls, imports and command-line options of a script."""

    def __init__(self, module: ast.Module) -> None:
        """Take a script's syntax."""
        self.module = Scope(module, ())
        self.calls: list[CallSite] = []
        self.calls_in: dict[Scope, list[CallSite]] = {}
        self.called: dict[str, list[CallSite]] = {}
        """Calls by the dotted name of what is called."""
        self.methods_called: dict[str, list[CallSite]] = {}
        """Calls by the last part of that name, where it has several."""
        self.functions: dict[str, Scope] = {}
        """Functions by name, and methods by `Class.name`."""
        self.classes: dict[str, Scope] = {}
        self.lambdas: list[Scope] = []
        self.returns: dict[Scope, list[tuple[ast.Return, Spot]]] = {}
        self.imported: dict[str, str] = {}
        """Full names by what the script calls them."""
        self.star_imports: list[str] = []
        self.loops: dict[ast.AST, Spot] = {}
        """Where the loops are."""
        self.command_line = CommandLine()
        self.written: dict[Path, set[Scope]] = {}
        """By the last name of an object and of its attribute or key that is assigned: in which scopes."""
        self._scopes = [self.module]
        self._walk(module)
        for scope in self._scopes:
            for definitions in scope.defined.values():
                definitions.sort(key=lambda each: each.after)

    def defines(self, name: str) -> bool:
        """Return whether the script has a function or class of a name."""
        return name in self.functions or name in self.classes

    def full_name(self, expr: ast.expr) -> str:
        """Return the dotted name that an expression is, with the module it is imported from; empty for others."""
        first, dot, rest = dotted_name(expr).partition(".")
        return f"{self.imported.get(first, first)}{dot}{rest}"

    def packages(self) -> set[str]:
        """Return the packages that the script imports from."""
        return {name.partition(".")[0] for name in (*self.imported.values(), *self.star_imports)}

    def trainers(self) -> list[CallSite]:
        """Return the calls that make a trainer."""
        return [*self.called.get("Trainer", ()), *self.methods_called.get("Trainer", ())]

    # --- The walk -----------------------------------------------------------------------------------------------

    def _walk(self, module: ast.Module) -> None:
        stack: list[tuple[ast.AST, Spot]] = [(module, Spot(self.module))]
        targets: dict[int, tuple[ast.expr, ...]] = {}
        while stack:
            node, spot = stack.pop()
            if isinstance(node, ast.Call):
                self._note_call(CallSite(node, spot, targets.get(id(node), ())))
            elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                given = tuple(node.targets) if isinstance(node, ast.Assign) else (node.target,)
                targets[id(node.value)] = given
                for target in given:
                    self._note_target(target, node.value, spot, node)
            elif isinstance(node, ast.Return):
                self.returns.setdefault(spot.scope, []).append((node, spot))
            else:
                self._note_statement(node, spot)
            stack += reversed(list(self._children(node, spot)))

    def _children(self, node: ast.AST, spot: Spot) -> Iterator[tuple[ast.AST, Spot]]:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            inside = Spot(self._scope(node, spot))
        elif isinstance(node, BRANCHING):
            inside = spot
        else:
            yield from ((child, spot) for child in ast.iter_child_nodes(node))
            return
        for name, value in ast.iter_fields(node):
            here = inside if name == "body" else spot
            if isinstance(node, BRANCHING) and name in PARTS:
                depth = 0 if spot.branch is None else spot.branch.depth + 1
                here = Spot(spot.scope, Branch(node, name, spot.branch, depth))
                if isinstance(node, ast.For | ast.AsyncFor) and name == "body":
                    self.loops[node] = spot
                    for variable in _stored(node.target):
                        self._define(here, (variable,), None, node, is_entry=True)
            for child in value if isinstance(value, list) else (value,):
                if isinstance(child, ast.AST):
                    yield child, here

    def _scope(self, node: Function | ast.ClassDef, spot: Spot) -> Scope:
        above, name = spot.scope, getattr(node, "name", "")
        scope = Scope(node, (*above.path, name) if name else above.path, above)
        self._scopes.append(scope)
        if name:
            self._define(spot, (name,), None, node)
        if isinstance(node, ast.ClassDef):
            self.classes.setdefault(name, scope)
            return scope
        self._note_parameters(node, scope, spot)
        if isinstance(node, ast.Lambda):
            self.lambdas.append(scope)
        elif isinstance(above.node, ast.ClassDef):
            self.functions[f"{above.path[-1]}.{name}"] = scope
        else:
            self.functions[name] = scope
        return scope

    def _define(
        self, spot: Spot, path: Path, value: ast.expr | None, statement: ast.AST, *, is_entry: bool = False
    ) -> None:
        """Note a definition; it takes effect at the end of its statement, or where a loop or handler is entered."""
        scope, first = spot.scope, path[0]
        after = (getattr(statement, "lineno", 0), getattr(statement, "col_offset", 0))
        after = after if is_entry else end_of(statement)
        line = getattr(statement, "lineno", 0)
        if first in scope.outer:  # it may take effect at any time
            value, outer = None, scope.above
            while outer is not None:
                outer.defined.setdefault(path, []).append(Definition(path, None, spot, spot, after, line))
                outer = outer.above
        elif first == scope.self_name and len(path) > 1 and scope.above is not None:
            scope, path = scope.above, path[1:]
        elif len(path) > 1:
            self.written.setdefault(path[-2:], set()).add(scope)
        found = Definition(path, value, spot, spot, after, line)
        scope.defined.setdefault(path, []).append(found)
        for length in range(1, len(path)):
            scope.inner.setdefault(path[:length], set()).add(path)

    def _note_target(self, target: ast.expr, value: ast.expr | None, spot: Spot, statement: ast.stmt) -> None:
        path = path_of(target)
        if path:
            self._define(spot, path, value, statement)
        elif isinstance(target, ast.Tuple | ast.List):
            parts: Sequence[ast.expr | None] = [None] * len(target.elts)
            if isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts):
                parts = value.elts
            elif isinstance(value, ast.Call) and dotted_name(value.func).endswith(".parse_known_args"):
                parts = [value, *parts[1:]]
            kept = _passed_through(value) if isinstance(value, ast.Call) else ()
            for at, (each, part) in enumerate(zip(target.elts, parts, strict=True)):
                if at >= len(kept) or path_of(each) != kept[at]:
                    self._note_target(each.value if isinstance(each, ast.Starred) else each, part, spot, statement)
        elif isinstance(target, ast.Subscript | ast.Attribute) and (path := path_of(target.value)):
            self._define(spot, path, None, statement)  # an item that is not followed

    def _note_statement(self, node: ast.AST, spot: Spot) -> None:
        """Note what a statement other than an assignment defines."""
        match node:
            case ast.AugAssign():
                changed = ast.BinOp(_as_loaded(node.target), node.op, node.value)
                self._note_target(node.target, ast.copy_location(changed, node), spot, node)
            case ast.NamedExpr():
                self._define(spot, (node.target.id,), node.value, node)
            case ast.withitem(optional_vars=ast.expr() as target):
                for name in _stored(target):
                    self._define(spot, (name,), None, target)
            case ast.ExceptHandler(name=str(name)):
                self._define(spot, (name,), None, node, is_entry=True)
            case ast.Delete():
                for target in node.targets:
                    self._note_target(target, None, spot, node)
            case ast.Global() | ast.Nonlocal():
                spot.scope.outer |= {*node.names}
            case ast.Import() | ast.ImportFrom():
                self._note_import(node, spot)

    def _note_import(self, node: ast.Import | ast.ImportFrom, spot: Spot) -> None:
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                module = f"{'.' * node.level}{node.module or ''}"
                if alias.name == "*":
                    self.star_imports.append(module)
                    continue
                name, full = alias.asname or alias.name, f"{module}.{alias.name}"
            else:
                first = alias.name.partition(".")[0]
                name, full = (alias.asname, alias.name) if alias.asname else (first, first)
            self.imported[name] = full
            self._define(spot, (name,), None, node)

    def _note_parameters(self, node: Function, scope: Scope, spot: Spot) -> None:
        given = node.args
        positional = [*given.posonlyargs, *given.args]
        names = [parameter.arg for parameter in positional]
        static = any(
            dotted_name(each) == "staticmethod" for each in getattr(node, "decorator_list", ())
        )  # a method without its own object
        if isinstance(spot.scope.node, ast.ClassDef) and names and not static and not isinstance(node, ast.Lambda):
            scope.self_name, names = names[0], names[1:]
        scope.parameters = tuple(names)
        defaults: list[ast.expr | None] = [*[None] * (len(positional) - len(given.defaults)), *given.defaults]
        for parameter, default in zip([*positional, *given.kwonlyargs], [*defaults, *given.kw_defaults], strict=True):
            self._define_parameter(scope, spot, parameter, default)
        for extra in (given.vararg, given.kwarg):
            if extra is not None:
                self._define_parameter(scope, spot, extra, None)
        for decorator in getattr(node, "decorator_list", ()):  # click
            if isinstance(decorator, ast.Call) and dotted_name(decorator.func).endswith("option"):
                for name in option_names(decorator):
                    if name in names or any(each.arg == name for each in given.kwonlyargs):
                        found = self.command_line.define(decorator, name, spot)
                        scope.defined[name,] = [_as_parameter(found, scope)]

    def _define_parameter(self, scope: Scope, spot: Spot, parameter: ast.arg, default: ast.expr | None) -> None:
        flag = ""
        if isinstance(default, ast.Call) and dotted_name(default.func).endswith(("Option", "Argument")):  # Typer
            flag = next(flags_of(default), f"--{parameter.arg.replace('_', '-')}")
            default = default.args[0] if default.args else keyword_of(default, "default")
        path, at = (parameter.arg,), (parameter.lineno, parameter.col_offset)
        scope.defined.setdefault(path, []).append(
            Definition(
                path, default, spot, Spot(scope), at, parameter.lineno, is_parameter=True,
                annotation=parameter.annotation, flag=flag,
            )
        )  # fmt: skip

    def _note_call(self, site: CallSite) -> None:
        self.calls.append(site)
        self.calls_in.setdefault(site.scope, []).append(site)
        call, spot = site.node, site.spot
        name = dotted_name(call.func)
        self.called.setdefault(name, []).append(site)
        attribute = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if attribute:
            self.methods_called.setdefault(attribute, []).append(site)
        self.command_line.note(call, spot)
        if attribute in CHANGING and isinstance(call.func, ast.Attribute):
            self._note_change(call.func.value, site)
        elif name == "setattr" and len(call.args) > 2 and (path := path_of(call.args[0])):
            key = call.args[1]
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                self._define(spot, (*path, key.value), call.args[2], call)
            else:
                self._define(spot, path, None, call)

    def _note_change(self, changed: ast.expr, site: CallSite) -> None:
        """Note that a method changes a mapping: `config.update(...)`, `vars(args).update(...)`, `args.__dict__…`."""
        if isinstance(changed, ast.Call) and dotted_name(changed.func) == "vars" and changed.args:
            changed = changed.args[0]
        if isinstance(changed, ast.Attribute) and changed.attr == "__dict__":
            changed = changed.value
        if path := path_of(changed):
            self._define(site.spot, path, None, site.node)


def _as_parameter(option: Definition, scope: Scope) -> Definition:
    at = Spot(scope)
    return Definition(
        option.path, option.value, option.spot, at, (0, 0), option.line, is_parameter=True, flag=option.flag
    )


def _as_loaded(target: ast.expr) -> ast.expr:
    """Return what a target is before it is assigned."""
    match target:
        case ast.Name():
            loaded: ast.expr = ast.Name(target.id, ast.Load())
        case ast.Attribute():
            loaded = ast.Attribute(target.value, target.attr, ast.Load())
        case ast.Subscript():
            loaded = ast.Subscript(target.value, target.slice, ast.Load())
        case _:
            return target
    return ast.copy_location(loaded, target)


def _stored(target: ast.expr) -> Iterator[str]:
    for node in ast.walk(target):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _passed_through(call: ast.Call) -> list[Path]:
    """Return what a call returns unchanged, but for a wrapper: `model, optimizer = prepare(model, optimizer)`."""
    name = dotted_name(call.func).rpartition(".")[2]
    return [path_of(argument) for argument in call.args] if name in UNCHANGING else []
