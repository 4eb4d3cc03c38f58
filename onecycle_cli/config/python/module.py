"""Following the statements of a Python config: what each name stands for in the end."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from onecycle_cli.config.nodes import Mapping, Scalar, Sequence
from onecycle_cli.config.python.folding import REFUSALS, identity, index
from onecycle_cli.config.python.names import changed, imported_names, root_name, stored
from onecycle_cli.config.python.text import UNKNOWN
from onecycle_cli.config.python.values import Values, container_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onecycle_cli.config.nodes import Node
    from onecycle_cli.config.python.values import Entry


class Module(Values):
    """Follows a module's statements one by one."""

    def follow(self, statement: ast.stmt) -> None:
        """Take in what a statement assigns or changes."""
        if isinstance(statement, ast.Assign):
            based = any(isinstance(each, ast.Name) and each.id == "_base_" for each in statement.targets)
            node = self.text.unknown(statement.value) if based else self.value(statement.value)
            for target in statement.targets:
                self._assign(target, node)
        elif isinstance(statement, ast.AnnAssign):
            if statement.value:
                self._assign(statement.target, self.value(statement.value))
        elif isinstance(statement, ast.AugAssign):
            self._augment(statement)
        elif isinstance(statement, ast.Expr):
            self._call_alone(statement.value)
        elif isinstance(statement, ast.Delete):
            for target in statement.targets:
                self._delete(target)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self._meet([statement.name])
            self._pass_over(statement, {name for name in changed(ast.walk(statement)) if name in self.names})
        else:
            self._pass_over(statement, {*stored(statement), *changed(ast.walk(statement))})

    def _meet(self, names: Iterable[str]) -> None:
        for name in names:
            self.names.pop(name, None)
            self.foreign.add(name)

    def _pass_over(self, statement: ast.stmt, changed: set[str]) -> None:
        imported = list(imported_names(statement))
        self._meet(imported)
        for name in sorted(changed):
            self.spoil(name, self.text.unknown(statement))
        if isinstance(statement, ast.With):  # MMEngine's `with read_base():` imports values
            for name in imported:
                unknown = self.text.unknown(statement.body[0])
                self.names[name] = Scalar(unknown.place, name, plain=False), unknown

    def _assign(self, target: ast.expr, node: Node) -> None:
        if isinstance(target, ast.Name):
            self.names.pop(target.id, None)
            self.foreign.discard(target.id)
            self.names[target.id] = Scalar(self.text.place(target), target.id, plain=False), node
        elif isinstance(target, ast.Tuple | ast.List):
            parts = node.items if isinstance(node, Sequence) else []
            fits = len(parts) == len(target.elts) and not any(isinstance(each, ast.Starred) for each in target.elts)
            for at, each in enumerate(target.elts):
                self._assign(each, parts[at] if fits else self.text.unknown(each))
        elif isinstance(target, ast.Starred):
            self._assign(target.value, node)
        else:
            self._put(target, node)

    def _put(self, target: ast.expr, node: Node) -> None:
        """Set an item in place, so that other names of the same list or mapping see it too."""
        try:
            if not isinstance(target, ast.Subscript):
                raise TypeError
            container, key = self.value(target.value), self.value(target.slice)
            if isinstance(container, Sequence):
                container.items[index(key)] = node
                return
            entries = container_of(container, Mapping).entries
            entries[:] = [*self._others(entries, key, target), (key, node)]
        except REFUSALS:
            self.spoil(root_name(target), self.text.unknown(target))

    def _others(self, entries: list[Entry], key: Node, target: ast.expr) -> list[Entry]:
        name = identity(key)
        if name[0] is None:
            raise TypeError
        self.spend(len(entries), target)
        return [entry for entry in entries if identity(entry[0]) != name]

    def _augment(self, statement: ast.AugAssign) -> None:
        old = self.value(statement.target)
        whole = ast.copy_location(ast.BinOp(statement.target, statement.op, statement.value), statement.value)
        new = self.value(whole)
        if isinstance(old, Sequence) and isinstance(new, Sequence):
            old.items[:] = new.items
        elif isinstance(new, Scalar) and new.tag == UNKNOWN:
            self.spoil(root_name(statement.target), new)
        else:
            self._assign(statement.target, new)

    def _call_alone(self, expr: ast.expr) -> None:
        """Follow `.update(...)`; any other expression has no value, but may change a name's."""
        func = expr.func if isinstance(expr, ast.Call) else None
        if not isinstance(expr, ast.Call) or not isinstance(func, ast.Attribute) or func.attr != "update":
            self.value(expr)
            return
        try:
            container = container_of(self.value(func.value), Mapping)
            if len(expr.args) > 1:
                raise TypeError
            container.entries[:] = self.build(expr, [(None, func.value), *self.parts(expr)]).entries
        except REFUSALS:
            self.spoil(root_name(func), self.text.unknown(expr))

    def _delete(self, target: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.names.pop(target.id, None)
            return
        try:
            if not isinstance(target, ast.Subscript):
                raise TypeError
            entries = container_of(self.value(target.value), Mapping).entries
            entries[:] = self._others(entries, self.value(target.slice), target)
        except REFUSALS:
            self.spoil(root_name(target), self.text.unknown(target))
