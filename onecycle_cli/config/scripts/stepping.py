"""How often a script steps a scheduler, and for how many epochs, as far as its loops show it for certain."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.config.nodes import ScalarNode
from onecycle_cli.config.python_text import dotted_name
from onecycle_cli.config.scripts.definitions import begin_of, path_of
from onecycle_cli.config.scripts.reaching import definitions, in_effect
from onecycle_cli.config.training.run_context import CONFIGURES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from onecycle_cli.config.scripts.definitions import CallSite, Path, Scope, Spot
    from onecycle_cli.config.scripts.outline import Outline
    from onecycle_cli.config.scripts.values import Values

EPOCH = re.compile(r"_*(i|cur|current)?_?(ep|epoch)s?_?(i|id|idx|index|num|n|no)?", re.IGNORECASE)
"""The variable of a loop over epochs."""

BATCHES = re.compile(r"loader|batch|data|iter|steps|(^|_)dls?($|_)", re.IGNORECASE)
"""A part of the names that a loop over batches goes through."""

FURTHEST = 5
"""Functions that a scheduler is followed through."""

LIGHTNING = frozenset({"lightning", "pytorch_lightning", "lightning_fabric"})

Around = tuple[ast.AST, ...]
"""The loops and conditions around a call, the innermost last, also those around the calls of its function."""

Step = tuple[ast.Call, Around]


@dataclass(frozen=True, slots=True)
class Stepped:
    """How often a scheduler is stepped, what shows it, and the loop over epochs around it."""

    often: str
    where: ast.expr | ast.stmt
    epochs: ast.For | None = None


class Stepping:
    """Follows a scheduler to where it is stepped."""

    def __init__(self, outline: Outline, values: Values) -> None:
        """Take a script's outline, and its values."""
        self.outline = outline
        self.values = values
        self._passed: dict[tuple[Scope, Path], dict[CallSite, tuple[int, str | None]]] = {}
        """By scope and name: the calls that the name is passed to, and as which argument."""
        for site in outline.calls:
            for at, argument in enumerate(site.node.args):
                self._note_passed(site, at, None, argument)
            for at, word in enumerate(site.node.keywords, len(site.node.args)):
                self._note_passed(site, at, word.arg, word.value)
        self._stepped: dict[Path, list[CallSite]] = {}
        """By name: the calls of its method `step`."""
        for site in outline.methods_called.get("step", ()):
            if isinstance(site.node.func, ast.Attribute) and (on := path_of(site.node.func.value)):
                self._stepped.setdefault(on, []).append(site)
        self._held: dict[tuple[int, Scope], dict[ast.expr | None, list[CallSite]]] = {}
        """By places where a name is used, and the scope of the name: the places by the call whose result it holds."""
        self._mappings: dict[ast.AST, dict[object, dict[str, ast.expr]]] = {}
        """By function: the mappings with a scheduler, by its name, or by the call that makes it."""

    def _note_passed(self, site: CallSite, at: int, name: str | None, argument: ast.expr) -> None:
        if path := path_of(argument):
            self._passed.setdefault((site.scope, path), {})[site] = at, name

    def of(self, schedule: CallSite) -> Stepped | None:
        """Return how often a scheduler is stepped; None where that is not certain."""
        if schedule.scope.path[-1:] == (CONFIGURES,):
            return self._by_lightning(schedule)
        found: list[Step] = []
        is_whole = True
        for path in schedule.paths:
            is_whole &= self._collect(path, schedule, found, FURTHEST)
        if not schedule.paths:
            is_whole = self._returned((), schedule, found, FURTHEST)
        kinds = {self._often(around) for _, around in found}
        if len(kinds) != 1:
            return None
        [often] = kinds
        if not often or (often == "epoch" and not is_whole):
            return None
        step, around = found[0]
        return Stepped(often, step, _epoch_loop(around))

    def epochs(self, stepped: Stepped | None) -> tuple[ast.expr, Spot] | None:
        """Return how many epochs the loop around the steps of a scheduler makes."""
        loop = None if stepped is None else stepped.epochs
        spot = None if loop is None else self.outline.loops.get(loop)
        span = None if loop is None else loop.iter
        while isinstance(span, ast.Call) and dotted_name(span.func) not in RANGES and span.args:
            span = span.args[0]  # a progress bar
        arguments = span.args if isinstance(span, ast.Call) else []
        if spot is None or not 1 <= len(arguments) <= 2:
            return None
        if len(arguments) == 1:
            return arguments[0], spot
        first = self.values.number_of(arguments[0], spot)
        if first == 0:
            return arguments[1], spot
        last = arguments[1]
        if first != 1 or not isinstance(last, ast.BinOp) or not isinstance(last.op, ast.Add):
            return None
        return (last.left, spot) if self.values.number_of(last.right, spot) == 1 else None

    # --- Where it is stepped --------------------------------------------------------------------------------------

    def _collect(self, path: Path, made: CallSite, found: list[Step], depth: int) -> bool:
        """Collect the steps of the scheduler that a name holds; return whether all that may step it was followed."""
        scope = made.scope
        method, owner = scope.method(), scope.owner()
        of_object = method is not None and path[0] == method.self_name and len(path) > 1
        is_whole = True
        for site in self._meant(path, made, self._stepped.get(path, ())):
            if site.scope.owner() is owner if of_object else _sees(site.scope, scope, path[0]):
                is_whole &= self._collect_step(site, scope, found)
        if depth:
            passed = self._passed.get((scope, path), {})
            for site in self._meant(path, made, passed):
                is_whole &= self._through(site, *passed[site], found, depth)
            is_whole &= self._returned(path, made, found, depth)
        return is_whole

    def _meant(self, path: Path, made: CallSite, sites: Collection[CallSite]) -> Iterator[CallSite]:
        """Yield the places where a name may hold the result of a call, and not that of an earlier or a later one."""
        groups = self._held.get((id(sites), made.scope))
        if groups is None:
            groups = self._held[id(sites), made.scope] = {}
            for site in sites:
                groups.setdefault(self._holds(path, site, made.scope), []).append(site)
        yield from groups.get(made.node, ())
        for site in groups.get(None, ()):
            if site.scope is not made.scope or begin_of(site.node) > begin_of(made.node):
                yield site

    def _holds(self, path: Path, site: CallSite, scope: Scope) -> ast.expr | None:
        """Return the call in a scope whose result a name holds at a place, where that is certain."""
        if site.scope is not scope:
            return None
        try:
            chosen = in_effect(definitions(scope, path), site.spot, begin_of(site.node))
        except LookupError:
            return None
        return chosen.value if chosen is not None and isinstance(chosen.value, ast.Call) else None

    def _collect_step(self, site: CallSite, home: Scope, found: list[Step]) -> bool:
        """Collect a step in a function, with the loops around the calls of that function if it has none itself."""
        inner = _around(site.spot)
        calls = [] if site.scope is home else self._calls_of(site.scope)
        found += [(site.node, (*_around(call.spot), *inner)) for call in calls] or [(site.node, inner)]
        return site.scope is home or bool(calls) or self._often(inner) != ""

    def _often(self, around: Around) -> str:
        """Return what the loops and conditions around a step say: step, epoch, or nothing for certain."""
        fors = [at for at, node in enumerate(around) if isinstance(node, ast.For)]
        if not fors:
            return ""
        last, inside = around[fors[-1]], around[fors[-1] + 1 :]
        if not isinstance(last, ast.For) or any(isinstance(node, ast.While) for node in inside):
            return ""
        if _is_over_epochs(last):
            return "" if inside else "epoch"
        return "step" if self._is_over_batches(last) and not any(_is_last_batch(node) for node in inside) else ""

    def _is_over_batches(self, loop: ast.For) -> bool:
        """Return whether a loop goes through the batches of a loader, by the names in it and behind them."""
        spot = self.outline.loops.get(loop)
        for node in ast.walk(loop.iter):
            if not isinstance(node, ast.Name | ast.Attribute):
                continue
            found = None if spot is None else self.values.sources.origin(node, spot)
            names = [*_names(node), *(_names(found[0]) if found is not None else ())]
            if any(BATCHES.search(name) for name in names):
                return True
        return False

    def _calls_of(self, scope: Scope) -> list[CallSite]:
        if scope.self_name:
            named = self.outline.methods_called.get(scope.path[-1], ())
            return [site for site in named if site.scope.owner() is scope.owner()]
        return self.outline.called.get(scope.path[-1], []) if scope.path else []

    def _through(self, site: CallSite, at: int, name: str | None, found: list[Step], depth: int) -> bool:
        """Follow a scheduler that is passed to a function of the script; others may step it, too."""
        function = self._function(site)
        if function is None:
            return dotted_name(site.node.func).rpartition(".")[2] in HARMLESS
        name = name or (function.parameters[at] if at < len(function.parameters) else None)
        if name is None:
            return False
        steps = self._stepped.get((name,), ())
        inside = [(step.node, _around(step.spot)) for step in steps if _sees(step.scope, function, name)]
        is_whole = True
        for call, argument in self._passed.get((function, (name,)), {}).items() if depth else ():
            is_whole &= self._through(call, *argument, inside, depth - 1)
        found += [(step, (*_around(site.spot), *around)) for step, around in inside]
        return self._kept(name, function, found) and is_whole

    def _function(self, site: CallSite) -> Scope | None:
        """Return the function of the script that is called, or the constructor."""
        functions, name = self.outline.functions, dotted_name(site.node.func)
        method, owner = site.scope.method(), site.scope.owner()
        if method is not None and owner is not None and name.startswith(f"{method.self_name}."):
            return functions.get(f"{owner.path[-1]}.{name.partition('.')[2]}")
        return functions.get(name) or functions.get(f"{name}.__init__")

    def _kept(self, name: str, constructor: Scope, found: list[Step]) -> bool:
        """Follow a scheduler that a method keeps as an attribute of its object."""
        owner = constructor.owner() if constructor.self_name else None
        is_whole = True
        for path, given in owner.defined.items() if owner is not None else ():
            if any(each.value is not None and path_of(each.value) == (name,) for each in given):
                for site in self._stepped.get((constructor.self_name, *path), ()):
                    if site.scope.owner() is owner:
                        is_whole &= self._collect_step(site, constructor, found)
        return is_whole

    def _returned(self, path: Path, made: CallSite, found: list[Step], depth: int) -> bool:
        """Follow a scheduler that a function returns to the names that its callers give it."""
        scope = made.scope
        is_whole = True
        for statement, _ in self.outline.returns.get(scope, ()) if depth and not scope.self_name else ():
            value = statement.value
            parts = value.elts if isinstance(value, ast.Tuple) else [value] if value is not None else []
            at = next((at for at, part in enumerate(parts) if part is made.node or path_of(part) == path != ()), None)
            for site in self._calls_of(scope) if at is not None else ():
                for target in site.targets:
                    names = target.elts if isinstance(target, ast.Tuple) else [target]
                    name = path_of(names[at]) if at is not None and len(names) == len(parts) else ()
                    if name:
                        is_whole &= self._collect(name, site, found, depth - 1)
        return is_whole

    # --- Lightning ------------------------------------------------------------------------------------------------

    def _by_lightning(self, schedule: CallSite) -> Stepped | None:
        """Return the interval that Lightning's configure_optimizers gives the scheduler."""
        outline = self.outline
        if LIGHTNING.isdisjoint(outline.packages()):
            return None
        function = schedule.scope.node
        if function not in self._mappings:
            found = [pairs for node in ast.walk(function) if "scheduler" in (pairs := _entries(node))]
            self._mappings[function] = {
                path_of(pairs["scheduler"]) or pairs["scheduler"]: pairs for pairs in reversed(found)
            }
        for key in (schedule.node, *schedule.paths):
            pairs = self._mappings[function].get(key, {})
            if (interval := pairs.get("interval")) is not None:
                value = self.values.evaluate(interval, schedule.spot)
                return Stepped(value.text, interval) if isinstance(value, ScalarNode) and value.tag is None else None
        return None

    def is_manual(self, schedule: CallSite) -> bool:
        """Return whether a Lightning module steps its schedulers itself, or may give the interval in another way."""
        named = self.outline.methods_called
        if schedule.scope.path[-1:] != (CONFIGURES,):
            return False
        is_known = not LIGHTNING.isdisjoint(self.outline.packages())
        own = any(name in named for name in ("lr_schedulers", "manual_backward"))
        given = any(
            "interval" in _words(node) or "**" in _entries(node) or _passes_on(node, schedule)
            for node in ast.walk(schedule.scope.node)
        )
        overridden = any(path[-1] == "lr_scheduler_step" for path in _methods(schedule.scope))
        return not is_known or own or given or overridden


RANGES = frozenset({"range", "trange", "tqdm.trange"})

HARMLESS = frozenset({"prepare", "print", "str", "isinstance", "state_dict", "append", "get_lr", "type", "len", "repr"})
"""Functions that step no scheduler they are given."""


def _entries(node: ast.AST) -> dict[str, ast.expr]:
    """Return the entries of a mapping as it is written; `**` stands for those that are not."""
    if isinstance(node, ast.Dict):
        keys = [key.value if isinstance(key, ast.Constant) else "**" for key in node.keys]
        return {str(key): value for key, value in zip(keys, node.values, strict=True)}
    if isinstance(node, ast.Call) and dotted_name(node.func) == "dict":
        return {word.arg or "**": word.value for word in node.keywords}
    return {}


def _passes_on(node: ast.AST, schedule: CallSite) -> bool:
    """Return whether a function, not a class, is given a scheduler, and may put it into a mapping with an interval."""
    if not isinstance(node, ast.Call) or node is schedule.node:
        return False
    name = dotted_name(node.func).rpartition(".")[2]
    arguments = [*node.args, *(word.value for word in node.keywords)]
    passed = any(each is schedule.node or path_of(each) in schedule.paths for each in arguments)
    return passed and not name[:1].isupper() and name not in {"append", "dict"}


def _words(node: ast.AST) -> tuple[str, ...]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return (node.value,)
    return (node.arg,) if isinstance(node, ast.keyword) and node.arg else ()


def _methods(scope: Scope) -> Iterator[Path]:
    owner = scope.owner()
    return iter(owner.defined) if owner is not None else iter(())


def _sees(inner: Scope, outer: Scope, name: str) -> bool:
    """Return whether a name means the same in a scope as in one around it."""
    scope: Scope | None = inner
    while scope is not None and scope is not outer:
        if (name,) in scope.defined:
            return False
        scope = scope.above
    return scope is outer


def _around(spot: Spot) -> Around:
    return tuple(branch.node for branch in reversed(list(spot.branches())) if branch.part == "body" or _is_if(branch))


def _is_if(branch: object) -> bool:
    return isinstance(getattr(branch, "node", None), ast.If)


def _is_over_epochs(loop: ast.For) -> bool:
    return EPOCH.fullmatch(dotted_name(loop.target)) is not None


def _is_last_batch(node: ast.AST) -> bool:
    """Return whether a condition is met once per epoch: it compares with the length of a loader."""
    test = node.test if isinstance(node, ast.If) else None
    return test is not None and any(
        isinstance(each, ast.Compare) and any(name == "len" for name in _names(each)) for each in ast.walk(test)
    )


def _epoch_loop(around: Around) -> ast.For | None:
    loops = [node for node in around if isinstance(node, ast.For) and _is_over_epochs(node)]
    return loops[0] if len(loops) == 1 else None


def _names(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            yield each.id
        elif isinstance(each, ast.Attribute):
            yield each.attr
