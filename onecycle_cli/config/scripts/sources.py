"""Names of a script, followed to the expressions that give them their values.

A name has the value of the definition that is in effect where it is used, if that is certain. A parameter has the
value that the script passes for it, or its default; an option of the command line has its default.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from onecycle_cli.config.python_config import CONFIG_CLASSES, COPIES
from onecycle_cli.config.python_text import dotted_name
from onecycle_cli.config.scripts.definitions import Spot, begin_of, keyword_of, path_of
from onecycle_cli.config.scripts.outline import UNCHANGING
from onecycle_cli.config.scripts.reaching import UnclearError, definitions, in_effect, only

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onecycle_cli.config.scripts.definitions import CallSite, Definition, Path, Position, Scope
    from onecycle_cli.config.scripts.outline import Outline

Source = tuple[ast.expr, Spot]
"""An expression, and where it is."""

ARGUMENTS = frozenset({"args", "opt", "opts", "hparams", "flags", "FLAGS", "params", "config", "cfg", "conf", "hp"})
"""Usual names of what a command line gives."""

PARSED = ("parse_args", "parse_known_args", "parse_intermixed_args")
CLASS_PARSERS = frozenset({"cli", "parse", "wrap"})
"""Functions of tyro, pyrallis, draccus and simple-parsing that return an instance of the class they are given."""

NAMESPACES = CONFIG_CLASSES | {"dict", "SimpleNamespace"}

FURTHEST = 40
"""Names that are followed from one to the next."""

MOST_WALKED = 500_000
"""Definitions of attributes that are looked through."""


class Sources:
    """Follows the names of a script."""

    def __init__(self, outline: Outline) -> None:
        """Take a script's outline."""
        self.outline = outline
        self.defaults: dict[str, Path] = {}
        """What has its default, options of the command line and parameters that the script passes no value for, and
        the name by which the value is used."""
        self._hops = 0
        self._walked = 0
        self._asked: tuple[Path, Spot] = (), Spot(outline.module)
        """The path whose source is looked for, and where it is used."""

    def made(self, expr: ast.expr, spot: Spot) -> Source | None:
        """Follow names, functions of the script and wrappers to the expression that makes a value."""
        found = self.origin(expr, spot)
        return None if found is None or path_of(found[0]) else found

    def origin(self, expr: ast.expr, spot: Spot) -> Source | None:
        """Return the expression that makes a value, or the last name that can be followed, such as an imported one."""
        for _ in range(FURTHEST):
            if path := path_of(expr):
                try:
                    found = self.source(path, spot, begin_of(expr))
                except LookupError:
                    return None
                if found is None:
                    return expr, spot
                expr, spot = found
            elif isinstance(expr, ast.Call) and (returned := self.returned(expr)) is not None:
                expr, spot = returned
            elif isinstance(expr, ast.Call) and last_name(expr) in UNCHANGING and len(expr.args) == 1:
                expr = expr.args[0]
            else:
                return expr, spot
        return None

    def returned(self, call: ast.Call) -> Source | None:
        """Return what a function of the script returns, if it has one `return`."""
        scope = self.outline.functions.get(dotted_name(call.func))
        returns = self.outline.returns.get(scope, []) if scope is not None else []
        if scope is None or len(returns) != 1 or returns[0][0].value is None:
            return None
        if getattr(scope.node, "decorator_list", ()):
            return None
        return returns[0][0].value, returns[0][1]

    # --- Names ----------------------------------------------------------------------------------------------------

    def source(self, path: Path, spot: Spot, at: Position) -> Source | None:
        """Return the expression that gives a path its value where it is used; None if there is none to follow.

        Raises:
            LookupError: it is not certain which one does.
        """
        if not self._hops:
            self._asked = path, spot
        self._hops += 1
        try:
            if self._hops > FURTHEST:
                raise LookupError
            method = spot.scope.method()
            if method is not None and path[0] == method.self_name and len(path) > 1:
                return self._of_object(path[1:], spot, at)
            return self._of_name(path, spot, at)
        finally:
            self._hops -= 1

    def _of_name(self, path: Path, spot: Spot, at: Position) -> Source | None:
        scope: Scope | None = spot.scope
        while scope is not None:
            is_here = scope is spot.scope
            if is_here or not isinstance(scope.node, ast.ClassDef):
                found = definitions(scope, path)
                chosen = in_effect(found, spot if is_here else None, at) if found else None
                if chosen is not None:
                    return self._behind(chosen, path[len(chosen.path) :])
            scope = scope.above
        return None

    def _behind(self, chosen: Definition, rest: Path) -> Source | None:
        """Return the expression behind a definition, or that of one of its attributes or keys."""
        value, spot = self._argument(chosen) if chosen.is_parameter else (chosen.value, chosen.spot)
        if value is None:
            name = chosen.path[-1]
            if rest and chosen.is_parameter:
                of_type = self.outline.classes.get(_type_name(chosen.annotation))
                if of_type is not None:
                    found = self._of_class(of_type, rest)
                    if found is not None:
                        self.defaults[f"{rest[-1]} of {of_type.path[-1]}"] = self._asked[0]
                    return found
                return self._option(rest[0]) if name in ARGUMENTS and len(rest) == 1 else None
            made = self.outline.classes.get(name) if len(chosen.path) == 1 else None
            is_class = made is not None and getattr(made.node, "lineno", 0) == chosen.line
            return self._of_class(made, rest) if rest and made is not None and is_class else None
        if rest and dotted_name(value).rpartition(".")[2] == "FLAGS":  # absl's
            return self._option(rest[0]) if len(rest) == 1 else None
        return self._member(value, spot, rest) if rest else (value, spot)

    def _member(self, value: ast.expr, spot: Spot, rest: Path) -> Source | None:
        """Return the expression of an attribute or key of what another expression makes."""
        if path := path_of(value):
            return self.source((*path, *rest), spot, begin_of(value))
        found = None
        if isinstance(value, ast.Dict) and None not in value.keys:
            pairs = [(key.value, each) for key, each in zip(value.keys, value.values, strict=True)
                     if isinstance(key, ast.Constant)]  # fmt: skip
            found = next(((each, spot) for key, each in reversed(pairs) if key == rest[0]), None)
        elif isinstance(value, ast.Call):
            found = self._of_made(value, spot, rest[0])
        if found is None or len(rest) == 1:
            return found
        return self._member(*found, rest[1:])

    def _of_made(self, call: ast.Call, spot: Spot, key: str) -> Source | None:
        """Return the expression of an attribute or key of what a call returns."""
        name = last_name(call)
        if name in PARSED:
            with_words = call.args and not (isinstance(call.args[0], ast.List) and not call.args[0].elts)
            return None if with_words else self._option(key)
        if name in self.outline.classes:
            return self._of_instance(call, spot, self.outline.classes[name], key)
        if name in CLASS_PARSERS:
            given = keyword_of(call, "config_class") or next(iter(call.args), None)
            made = None if given is None else self.outline.classes.get(dotted_name(given))
            return None if made is None else self._of_class(made, (key,))
        if name in NAMESPACES or name in COPIES or name == "vars":
            if (value := keyword_of(call, key)) is not None:
                return value, spot
            if len(call.args) == 1 and all(word.arg is not None for word in call.keywords):
                return self._member(call.args[0], spot, (key,))
        return None

    def _of_instance(self, call: ast.Call, spot: Spot, made: Scope, key: str) -> Source | None:
        if (key,) in made.defined and f"{made.path[-1]}.__init__" not in self.outline.functions:  # a data class
            if any(word.arg is None for word in call.keywords) or any(isinstance(a, ast.Starred) for a in call.args):
                raise LookupError
            names = [path[0] for path, found in made.defined.items() if len(path) == 1 and _is_field(found)]
            fields = dict(zip(names, call.args, strict=False)) | {str(word.arg): word.value for word in call.keywords}
            if key in fields:
                return fields[key], spot
        return self._of_class(made, (key,))

    def _of_class(self, made: Scope, path: Path) -> Source | None:
        """Return the expression of an attribute of a class's instances."""
        for scope in self._with_bases(made):
            if found := self._all(scope, path):
                self._refuse_changes(path[-1], {each.at.scope for each in found})
                chosen = only(found, scope)
                return self._behind(chosen, path[len(chosen.path) :])
        return None

    def _all(self, scope: Scope, path: Path) -> list[Definition]:
        """Return the definitions of an attribute in a class and its methods, in their order."""
        found = [each for some in definitions(scope, path) for each in some]
        self._walked += len(found)
        if self._walked > MOST_WALKED:
            raise LookupError
        return found

    def _of_object(self, path: Path, spot: Spot, at: Position) -> Source | None:
        """Return the expression of an attribute of a method's own object."""
        method, owner = spot.scope.method(), spot.scope.owner()
        for scope in self._with_bases(owner) if owner is not None else ():
            found = self._all(scope, path)
            mine = [each for each in found if each.at.scope is method]
            chosen = (
                in_effect([sorted(mine, key=lambda each: each.after)], spot if spot.scope is method else None, at)
                if mine
                else None
            )
            if chosen is None and len(mine) < len(found):
                chosen = only([each for each in found if each not in mine], scope)
            if chosen is not None:
                return self._behind(chosen, path[len(chosen.path) :])
        if owner is None or len(path) != 2:
            return None
        if path[0] == "trainer":
            return self._of_trainer(path[1])
        return self._saved_parameter(owner, path[1]) if path[0] == "hparams" else None

    def _saved_parameter(self, owner: Scope, key: str) -> Source | None:
        """Return the parameter of a constructor that Lightning saves under `self.hparams`."""
        made = self.outline.functions.get(f"{owner.path[-1]}.__init__")
        if made is not None and (key,) in made.defined:
            [first, *_] = made.defined[key,]
            return self._behind(first, ())
        return self._option(key)

    def _of_trainer(self, key: str) -> Source | None:
        trainers = self.outline.trainers()
        value = keyword_of(trainers[0].node, key) if len(trainers) == 1 else None
        return None if value is None else (value, trainers[0].spot)

    def _with_bases(self, scope: Scope) -> Iterator[Scope]:
        """Yield a class and those of its bases that the script defines."""
        stack: list[Scope] = [scope]
        seen: set[Scope] = set()
        while stack:
            scope = stack.pop()
            if scope in seen or not isinstance(scope.node, ast.ClassDef):
                continue
            seen.add(scope)
            yield scope
            names = [dotted_name(base) for base in scope.node.bases]
            stack += [self.outline.classes[name] for name in reversed(names) if name in self.outline.classes]

    def _option(self, key: str) -> Source | None:
        """Return the default of an option of the command line."""
        found = self.outline.command_line.options.get(key, ())
        if not found:
            return None
        self._refuse_changes(key, set())
        if len(found) > 1:
            raise UnclearError("defined", found)
        if found[0].value is None:
            return None
        self.defaults[found[0].flag] = self._asked[0]
        return found[0].value, found[0].spot

    def _refuse_changes(self, key: str, known: set[Scope]) -> None:
        """Refuse an attribute that is assigned in a function to which the place of its use does not belong."""
        path, spot = self._asked
        around: Scope | None = spot.scope
        while around is not None:
            known = {*known, around}
            around = around.above
        for name in {*path[-2:-1], *ARGUMENTS, *self.outline.classes}:
            if not self.outline.written.get((name, key), set()) <= known:
                raise UnclearError(f"and {key} is assigned elsewhere, too")

    # --- Parameters -----------------------------------------------------------------------------------------------

    def _argument(self, parameter: Definition) -> tuple[ast.expr | None, Spot]:
        """Return what the script passes for a parameter, or the default."""
        scope, name = parameter.at.scope, parameter.path[0]
        calls = [site for site in self._calls_of(scope, name) if not _passes_on(site, name, scope)]
        if not calls or isinstance(scope.node, ast.Lambda):
            if parameter.value is not None:
                self.defaults[parameter.flag or f"{name} of {'.'.join(scope.path).removesuffix('.__init__')}()"] = (
                    self._asked[0]
                )
            return parameter.value, parameter.spot
        passed = [(self._passed(site, name, scope), site) for site in calls]
        first = passed[0][0]
        same = {None if value is None else ast.dump(value[0]) for value, _ in passed}
        if len(same) > 1 or (len(passed) > 1 and first is not None and not isinstance(first[0], ast.Constant)):
            raise UnclearError("passed", [site.node for _, site in passed])
        if first is not None:
            return first
        if parameter.flag:
            self.defaults[parameter.flag] = self._asked[0]
        return parameter.value, parameter.spot

    def _calls_of(self, scope: Scope, name: str) -> Iterator[CallSite]:
        """Yield the calls of a function; of a method those on its own objects, or with the parameter's name."""
        outline, owner = self.outline, scope.owner() if scope.self_name else None
        if owner is None:
            yield from outline.called.get(scope.path[-1] if scope.path else "", ())
            return
        if scope.path[-1] == "__init__":
            yield from outline.called.get(owner.path[-1], ())
            return
        for site in outline.methods_called.get(scope.path[-1], ()):
            on = site.node.func.value if isinstance(site.node.func, ast.Attribute) else site.node.func
            method = site.scope.method()
            if method is not None and path_of(on) == (method.self_name,):
                if site.scope.owner() is owner:
                    yield site
                continue
            made = self.made(on, site.spot)
            maker = last_name(made[0]) if made is not None and isinstance(made[0], ast.Call) else ""
            may_be_one = maker not in self.outline.classes and keyword_of(site.node, name) is not None
            if maker == owner.path[-1] or may_be_one:
                yield site

    def _passed(self, site: CallSite, name: str, scope: Scope) -> Source | None:
        """Return what a call passes for a parameter; None if it leaves it to the default."""
        call = site.node
        if (value := keyword_of(call, name)) is not None:
            return value, site.spot
        index = scope.parameters.index(name) if name in scope.parameters else len(call.args)
        if any(isinstance(argument, ast.Starred) for argument in call.args[: index + 1]):
            raise LookupError
        if index < len(call.args):
            return call.args[index], site.spot
        for word in call.keywords:
            if word.arg is None:
                found = self._member(word.value, site.spot, (name,))
                if found is not None:
                    return found
                if not self._is_literal(word.value, site.spot):
                    raise LookupError
        return None

    def _is_literal(self, expr: ast.expr, spot: Spot) -> bool:
        """Return whether an expression is a mapping whose keys are all written in the script."""
        made = self.made(expr, spot)
        match made and made[0]:
            case ast.Dict(keys=keys):
                return all(isinstance(key, ast.Constant) for key in keys)
            case ast.Call(func=ast.Name(id="dict"), args=[], keywords=words):
                return all(word.arg is not None for word in words)
        return False


def _passes_on(site: CallSite, name: str, scope: Scope) -> bool:
    """Return whether a function calls itself with its own parameter."""
    inside: Scope | None = site.scope
    while inside is not None and inside is not scope:
        inside = inside.above
    given = keyword_of(site.node, name) or next(iter(site.node.args), None)
    return inside is scope and given is not None and path_of(given) == (name,)


def _is_field(found: Sequence[Definition]) -> bool:
    return any(each.value is not None for each in found)


def last_name(call: ast.Call) -> str:
    """Return the last part of the name of what is called."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else dotted_name(call.func)


def _type_name(annotation: ast.expr | None) -> str:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value
    return "" if annotation is None else dotted_name(annotation)
