"""Training scripts: the calls that make a one-cycle schedule, found through `ast` and never run.

Each call becomes a mapping like those of training configs: its arguments by name, the optimizer beside it, the epochs
of the loop around it, and how often the scheduler is stepped. A name has a value if its scope assigns it once; an
argument of the command line or of a function has its default.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.config.indexes import position
from onecycle_cli.config.nodes import TOP, MappingNode, ScalarNode, SequenceNode
from onecycle_cli.config.python_text import dotted_name, parse_module
from onecycle_cli.config.scopes import Scope, Scopes, keyword_of
from onecycle_cli.config.training.run_context import CONFIGURES

if TYPE_CHECKING:
    from onecycle_cli.config.nodes import Node, Place
    from onecycle_cli.config.scopes import Loops

TORCH = (
    "optimizer", "max_lr", "total_steps", "epochs", "steps_per_epoch", "pct_start", "anneal_strategy", "cycle_momentum",
    "base_momentum", "max_momentum", "div_factor", "final_div_factor", "three_phase", "last_epoch", "verbose",
)  # fmt: skip
R_TORCH = tuple(name for name in TORCH if name != "three_phase")
PADDLE = (
    "max_learning_rate", "total_steps", "divide_factor", "end_learning_rate", "phase_pct", "anneal_strategy",
    "three_phase", "last_epoch", "verbose",
)  # fmt: skip
FASTAI = ("n_epoch", "lr_max", "div", "div_final", "pct_start", "wd", "moms", "cbs", "reset_opt", "start_epoch")
OPTAX = ("transition_steps", "peak_value", "pct_start", "div_factor", "final_div_factor")
OPTAX_LINEAR = ("transition_steps", "peak_value", "pct_start", "pct_final", "div_factor", "final_div_factor")

CALLS = {
    "torch.optim.lr_scheduler.OneCycleLR": TORCH,
    "paddle.optimizer.lr.OneCycleLR": PADDLE,
    "optax.cosine_onecycle_schedule": OPTAX,
    "optax.linear_onecycle_schedule": OPTAX_LINEAR,
    "fit_one_cycle": FASTAI,
    "lr_one_cycle": R_TORCH,
}
"""By full name: the arguments in their order (PyTorch 2.13, whose last was removed in 2.7;
PaddlePaddle 3.3; optax 0.2.8; fastai 2.8)."""

_EPOCH = re.compile(r"_*(i|cur|current)?_?(ep|epoch)s?_?(i|id|idx|index|num|n|no)?", re.IGNORECASE)

UNSURE = "unknown"
"""The interval of a Lightning module that may have one."""

NOT_SETTINGS = frozenset({"optimizer", "wd", "cbs", "reset_opt", "start_epoch"})

RENAMED = {"n_epoch": "epochs", "lr_max": "max_lr", "div": "div_factor", "div_final": "final_div_factor"}
"""Arguments of fit_one_cycle under the names of our settings."""

_CALL = re.compile(r"(OneCycleLR|one_cycle|onecycle_schedule)\s*[(,]|import[^\n]*(OneCycleLR|onecycle_schedule)")
"""The mark of scripts that may call a schedule or pass it on."""


@dataclass(slots=True)
class Call:
    """A call that makes a schedule."""

    node: ast.Call
    target: str
    scope: Scope
    names: list[str]
    loops: Loops


def find_calls(text: str) -> MappingNode | None:
    """Return the calls of a script as the tree of a training config; None if it has none.

    Raises:
        UnreadableError: the text breaks Python's grammar, or is too large.
    """
    if not _CALL.search(text):
        return None
    script = _Script(text)
    script.walk(parse_module(text))
    return script.tree() if script.calls else None


class _Script(Scopes):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.calls: list[Call] = []
        self.steps_itself = False
        """Whether a Lightning module steps its schedulers in its own code."""
        self._trainers: list[tuple[ast.Call, Scope]] = []
        self._steps: dict[str, list[tuple[ast.Call, Scope, Loops]]] = {}

    def note_call(self, call: ast.Call, scope: Scope, loops: Loops, names: tuple[str, ...]) -> None:
        """Note a call that makes a schedule, steps one, or makes a trainer."""
        super().note_call(call, scope, loops, names)
        name = dotted_name(call.func)
        attribute = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        self.steps_itself |= attribute in ("lr_schedulers", "manual_backward")
        if attribute == "step" and name:
            self._steps.setdefault(name.removesuffix(".step"), []).append((call, scope, loops))
        elif name.rpartition(".")[2] == "Trainer":
            self._trainers.append((call, scope))
        if name.rpartition(".")[2] == "partial" and call.args:  # the arguments that it is called with come later
            partial = ast.Call(call.args[0], [ast.Constant(value=None), *call.args[1:]], call.keywords)
            call = ast.copy_location(partial, call)
            name = dotted_name(call.func)
        target = self._schedule(name, attribute)
        if target is not None:
            self.calls.append(Call(call, target, scope, list(names), loops))

    def _schedule(self, name: str, attribute: str) -> str | None:
        """Return the full name of the schedule that a call makes; None for other calls."""
        first, dot, rest = name.partition(".")
        if (known := name.rpartition(".")[2] or attribute) in ("fit_one_cycle", "lr_one_cycle"):
            return None if first in self._defined else known
        full = f"{self._imported.get(first, first)}{dot}{rest}"
        last = full.rpartition(".")[2]
        package = full.partition(".")[0]
        for known in CALLS:
            module, _, function = known.rpartition(".")
            # A class of the script itself, or of another package, may compute anything.
            packages = {module.partition(".")[0]} | ({last, "lr_scheduler"} if known.startswith("torch.") else set())
            if last == function and first not in self._defined and package in packages:
                return known
        return None

    # --- The tree of a training config ---------------------------------------------------------------------------

    def tree(self) -> MappingNode:
        """Return the calls as mappings, at the paths of their functions and targets."""
        root = MappingNode(TOP)
        for call in self.calls:
            place = self._lines.place(call.node)
            parent = root
            for part in call.scope.path:
                parent = _child(parent, part, place)
            name = call.names[0].removeprefix("self.") if call.names else call.target.rpartition(".")[2]
            name = name.replace(".", "_")
            if position(parent, name) is not None:
                name = f"{name}_{place.line}"
            parent.entries.append((ScalarNode(place, name, plain=False), self._block(call)))
            self._beside(call, parent)
        for trainer, scope in self._trainers if len(self._trainers) == 1 else ():
            entries = self._keywords(trainer, scope)
            root.entries.append((ScalarNode(self._lines.place(trainer), "trainer", plain=False), entries))
        return root

    def _keywords(self, call: ast.Call, scope: Scope) -> MappingNode:
        pairs = [(word.arg, word) for word in call.keywords if word.arg is not None]
        return MappingNode(
            self._lines.place(call),
            [
                (ScalarNode(self._lines.place(word), name, plain=False), self.evaluate(word.value, scope))
                for name, word in pairs
            ],
        )

    def _block(self, call: Call) -> MappingNode:
        """Return a call's arguments by name."""
        place = self._lines.place(call.node)
        given = dict(zip(CALLS[call.target], call.node.args, strict=False))
        given |= {word.arg: word.value for word in call.node.keywords if word.arg is not None}
        entries: list[tuple[Node, Node]] = [
            (ScalarNode(place, "_target_", plain=False), ScalarNode(place, call.target, plain=False))
        ]
        for word in call.node.keywords:
            if word.arg is None:
                merged = self.evaluate(word.value, call.scope)
                entries += merged.entries if isinstance(merged, MappingNode) else []
        for name, expr in given.items():
            if name in NOT_SETTINGS:
                continue
            key = ScalarNode(self._lines.place(expr), RENAMED.get(name, name), plain=False)
            if name == "total_steps" and (length := self._factored(expr, call.scope)):
                entries += length
            else:
                entries.append((key, self.evaluate(expr, call.scope)))
        if (stepped := self._stepped(call)) is not None:
            entries.append(stepped)
        return MappingNode(place, entries)

    def _factored(self, expr: ast.expr, scope: Scope) -> list[tuple[Node, Node]]:
        """Return a length that is epochs × steps per epoch, where only one factor is known, as the two settings."""
        found = self._definition(expr, scope) if isinstance(expr, ast.Name | ast.Attribute) else None
        expr, scope = found or (expr, scope)
        if not isinstance(expr, ast.BinOp) or not isinstance(expr.op, ast.Mult):
            return []
        sides = [(side, self.evaluate(side, scope)) for side in (expr.left, expr.right)]
        known = [pair for pair in sides if isinstance(pair[1], ScalarNode) and pair[1].tag is None]
        unknown = [pair for pair in sides if pair not in known]
        if len(known) != 1 or not self._counts_batches(unknown[0][0], scope):
            return []
        return [
            (ScalarNode(self._lines.place(side), name, plain=False), node)
            for name, (side, node) in (("epochs", known[0]), ("steps_per_epoch", unknown[0]))
        ]

    def _counts_batches(self, expr: ast.expr, scope: Scope) -> bool:
        """Return whether an expression is about the length of a loader, or is called the steps of an epoch."""
        found = self._definition(expr, scope) if isinstance(expr, ast.Name | ast.Attribute) else None
        parts = [*ast.walk(expr), *(ast.walk(found[0]) if found is not None else ())]
        is_length = any(isinstance(part, ast.Call) and dotted_name(part.func) == "len" for part in parts)
        return is_length or "per_epoch" in dotted_name(expr)

    def _stepped(self, call: Call) -> tuple[Node, Node] | None:
        """Return how often the schedule is stepped, where the script's loops or its Lightning module show it."""
        function = call.scope.node
        if call.scope.path[-1:] == (CONFIGURES,) and isinstance(function, ast.FunctionDef):
            return self._interval(call, function)
        found = set()
        steps = [(name, *step) for name in call.names for step in self._steps.get(name, ())]
        for target, step, scope, loops in steps:
            same = scope is call.scope or (target.startswith("self.") and scope.owner() is call.scope.owner())
            # A function that the scheduler is passed to may step it as well.
            if same and _is_over_epochs(loops) and target not in call.scope.passed:
                found.add(("epoch", step))
            elif same:
                found.add(("step" if _is_over_batches(loops) else "", step))
        if len(found) != 1:
            return None
        [(often, step)] = found
        place = self._lines.place(step)
        return (ScalarNode(place, "step()", plain=False), ScalarNode(place, often, plain=False)) if often else None

    def _interval(self, call: Call, function: ast.FunctionDef) -> tuple[Node, Node] | None:
        """Return the interval that Lightning's configure_optimizers gives; None where it certainly gives none."""
        parts = list(ast.walk(function))
        given = next(filter(None, map(_interval_in, parts)), None)
        own = {id(part) for part in ast.walk(call.node)}
        if given is None and not (
            self.steps_itself or any(_may_add(part, call) for part in parts if id(part) not in own)
        ):
            return None
        place = self._lines.place(given or function)
        value = None if given is None else self.evaluate(given, call.scope)
        if not isinstance(value, ScalarNode) or value.tag is not None:
            value = ScalarNode(place, UNSURE, plain=False)
        return ScalarNode(place, "interval", plain=False), value

    def _beside(self, call: Call, parent: MappingNode) -> None:
        """Add the optimizer of a call and the epochs of its run beside it."""
        first = call.node.args[0] if call.node.args else keyword_of(call.node, "optimizer")
        if "optimizer" in CALLS[call.target] and first is not None:
            found = self._definition(first, call.scope) or (first, call.scope)
            if isinstance(found[0], ast.Call) and _is_class(found[0].func):
                _put(parent, "optimizer", self._optimizer(found[0], found[1]))
        epochs = [loop for loop in self._epoch_loops(call) if isinstance(loop.iter, ast.Call)]
        if len(epochs) == 1 and isinstance(epochs[0].iter, ast.Call) and epochs[0].iter.args:
            count = self.evaluate(epochs[0].iter.args[-1], call.scope)
            if len(epochs[0].iter.args) == 1 and isinstance(count, ScalarNode) and count.tag is None:
                _put(parent, "num_epochs", count)

    def _optimizer(self, call: ast.Call, scope: Scope) -> MappingNode:
        made = self._keywords(call, scope)
        place = self._lines.place(call)
        first, dot, rest = dotted_name(call.func).partition(".")
        name = f"{self._imported.get(first, first)}{dot}{rest}"
        made.entries.insert(0, (ScalarNode(place, "_target_", plain=False), ScalarNode(place, name, plain=False)))
        for key, expr in zip(("params", "lr"), call.args, strict=False):
            node = self.evaluate(expr, scope)
            if key == "lr" or (isinstance(node, SequenceNode) and len(node.items) > 1):
                made.entries.append((ScalarNode(self._lines.place(expr), key, plain=False), node))
        return made

    def _epoch_loops(self, call: Call) -> list[ast.For]:
        return [loop for loop in call.scope.loops if _is_over_epochs((loop,)) and _is_range(loop)]


def _interval_in(node: ast.AST) -> ast.expr | None:
    """Return the value that a part of a script gives as `interval`: in a dict, an assignment to its item, or a call."""
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return next((value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "interval"), None)
    if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Subscript):
        named = isinstance(target.slice, ast.Constant) and target.slice.value == "interval"
        return node.value if named else None
    keywords = node.keywords if isinstance(node, ast.Call) else ()
    return next((word.value for word in keywords if word.arg == "interval"), None)


def _may_add(part: ast.AST, call: Call) -> bool:
    """Return whether a part of a function may give the scheduler of a call an interval that it does not show."""
    if isinstance(part, ast.Dict):
        return None in part.keys
    if not isinstance(part, ast.Call) or dotted_name(part.func).endswith(".append"):
        return False
    if None in [word.arg for word in part.keywords]:
        return dotted_name(part.func) == "dict" or not _is_class(part.func)
    below = ast.walk(part)
    takes_it = any(
        node is call.node or (isinstance(node, ast.expr) and dotted_name(node) in call.names) for node in below
    )
    return takes_it and dotted_name(part.func) != "dict"


def _is_class(function: ast.expr) -> bool:
    """Return whether what is called is named like a class; a function may return any optimizer."""
    return dotted_name(function).rpartition(".")[2][:1].isupper()


def _is_range(loop: ast.For) -> bool:
    return isinstance(loop.iter, ast.Call) and dotted_name(loop.iter.func) == "range"


def _is_over_epochs(loops: Loops) -> bool:
    """Return whether the innermost loop is over epochs, by its variable, with no condition in it."""
    last = loops[-1] if loops else None
    return isinstance(last, ast.For) and _EPOCH.fullmatch(dotted_name(last.target)) is not None


def _is_over_batches(loops: Loops) -> bool:
    """Return whether the innermost loop is over the batches of a loader: inside a loop over epochs, or by its name."""
    fors = tuple(loop for loop in loops if isinstance(loop, ast.For))
    if not fors or _is_over_epochs(fors):
        return False
    words = ast.unparse(fors[-1].iter).lower()
    return _is_over_epochs(fors[:-1]) or "loader" in words or "batch" in words


def _child(parent: MappingNode, name: str, place: Place) -> MappingNode:
    at = position(parent, name)
    found = None if at is None else parent.entries[at][1]
    if isinstance(found, MappingNode):
        return found
    child = MappingNode(place)
    _put(parent, name, child)
    return child


def _put(parent: MappingNode, name: str, node: Node) -> None:
    if position(parent, name) is None:
        parent.entries.append((ScalarNode(node.place, name, plain=False), node))
