"""Training scripts: the calls that make a one-cycle schedule, found through `ast` and never run.

Each call becomes a tree like that of a training config: its arguments by name, the optimizer beside it, the epochs of
the loop around it, and how often the scheduler is stepped.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from onecycle_cli.config.indexes import position
from onecycle_cli.config.nodes import TOP, MappingNode, ScalarNode, SequenceNode
from onecycle_cli.config.python_text import Lines, dotted_name, parse_module, refuse_too_many_words
from onecycle_cli.config.scripts.calls import FASTAI, NOT_SETTINGS, TORCH, Finder
from onecycle_cli.config.scripts.definitions import keyword_of
from onecycle_cli.config.scripts.length import Length
from onecycle_cli.config.scripts.notebook import NotebookLines, read_notebook
from onecycle_cli.config.scripts.outline import Outline
from onecycle_cli.config.scripts.stepping import Stepping
from onecycle_cli.config.scripts.values import Values
from onecycle_cli.config.training.blocks import Block
from onecycle_cli.formatting import join_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onecycle_cli.config.key_paths import Assignment, KeyPath
    from onecycle_cli.config.nodes import Node
    from onecycle_cli.config.scripts.calls import ScheduleCall
    from onecycle_cli.config.scripts.definitions import CallSite, Path, Spot

_CALL = re.compile(r"OneCycleLR|one_cycle|onecycle_schedule")
"""The mark of scripts that may call a schedule."""

LENGTHS = ("total_steps", "transition_steps")
TRAINER = "trainer"
TARGET = "_target_"
MOST_NAMED = 4
DEFAULT_LR = "0.001"
"""fastai's, for a learner that is made without `lr`."""


@dataclass(frozen=True, slots=True)
class CallTree:
    """A call as the tree of a training config, the path of its block, and what is to be said about its values."""

    root: MappingNode
    path: KeyPath
    note: str


@dataclass(frozen=True, slots=True)
class Script:
    """The calls of a script, and the flags of `--set` that gave values of its names."""

    trees: list[CallTree]
    used: frozenset[str]


def read_script(text: str, given: Sequence[Assignment] = (), *, is_notebook: bool = False) -> Script | None:
    """Return the calls of a script, or of a notebook's code; None if it has none.

    Raises:
        UnreadableError: the text breaks Python's grammar, or is too large.
    """
    if not _CALL.search(text):
        return None
    notebook = read_notebook(text) if is_notebook else None
    code = text if notebook is None else notebook.code
    lines = Lines(text, None) if notebook is None else NotebookLines(notebook)
    refuse_too_many_words(code)
    builder = _Builder(Outline(parse_module(code)), lines, {each.path: each.node for each in given})
    trees = list(builder.trees())
    return Script(trees, frozenset(builder.values.used)) if trees else None


def block_at(root: MappingNode, path: KeyPath) -> Block | None:
    """Return the block of a call in its tree, which `--set` may have changed."""
    node: Node = root
    ancestors: list[tuple[KeyPath, MappingNode | SequenceNode]] = []
    for depth, part in enumerate(path):
        at = position(node, part) if isinstance(node, MappingNode) else None
        if not isinstance(node, MappingNode) or at is None:
            return None
        ancestors.append((path[:depth], node))
        node = node.entries[at][1]
    target = position(node, TARGET) if isinstance(node, MappingNode) else None
    name = node.entries[target][1] if isinstance(node, MappingNode) and target is not None else None
    if not isinstance(node, MappingNode) or not isinstance(name, ScalarNode):
        return None
    return Block(path, name.text, name.place, "target", node, node, path, is_flat=False, ancestors=tuple(ancestors))


class _Builder:
    def __init__(self, outline: Outline, lines: Lines, given: dict[Path, Node]) -> None:
        self.outline = outline
        self.lines = lines
        self.values = Values(outline, lines, given)
        self.stepping = Stepping(outline, self.values)
        self.length = Length(outline, self.values)
        self._is_whole = True
        """Whether all keywords of the last call are known."""

    def trees(self) -> Iterator[CallTree]:
        """Yield each call as a tree."""
        names: set[KeyPath] = set()
        trainers = self.outline.trainers()
        for call in Finder(self.outline, self.values).calls():
            site = call.site
            place = self.lines.place(site.node)
            name = self._name(call)
            if (*site.scope.path, name) in names:
                name = f"{name}_{place.line}"
            path = (*site.scope.path, name)
            names.add(path)
            self.values.sources.defaults = {}
            self._is_whole = not any(isinstance(argument, ast.Starred) for argument in site.node.args)
            block = self._block(call)
            note = self._note()
            parent = MappingNode(place, [(self._key(site.node, name), block), *self._beside(call)])
            for part in reversed(site.scope.path):
                parent = MappingNode(place, [(self._key(site.node, part), parent)])
            if len(trainers) == 1:
                key = self._key(trainers[0].node, TRAINER)
                parent.entries.append((key, self._keywords(trainers[0])))
            yield CallTree(MappingNode(TOP, parent.entries), path, note)

    def _name(self, call: ScheduleCall) -> str:
        """Return the name of a call's block: what its result is assigned to, or what is called."""
        method = call.site.scope.method()
        for path in call.site.paths:
            return "_".join(path[1:] if method is not None and path[0] == method.self_name and path[1:] else path)
        return call.callee.name.rpartition(".")[2]

    def _key(self, node: ast.expr | ast.stmt | ast.keyword, name: str) -> ScalarNode:
        return ScalarNode(self.lines.place(node), name, plain=False)

    def _keywords(self, site: CallSite) -> MappingNode:
        words = [word for word in site.node.keywords if word.arg is not None]
        pairs: list[tuple[Node, Node]] = [
            (self._key(word, str(word.arg)), self.values.evaluate(word.value, site.spot)) for word in words
        ]
        return MappingNode(self.lines.place(site.node), pairs)

    # --- A call ---------------------------------------------------------------------------------------------------

    def _block(self, call: ScheduleCall) -> MappingNode:
        """Return a call's arguments by name."""
        site, callee = call.site, call.callee
        place = self.lines.place(site.node)
        entries: list[tuple[Node, Node]] = [
            (self._key(site.node, TARGET), ScalarNode(place, callee.name, plain=False)),
        ]
        if callee.convention:
            entries.append((self._key(site.node, "convention"), ScalarNode(place, callee.convention, plain=False)))
        for word in site.node.keywords:
            if word.arg is None:
                merged = self.values.evaluate(word.value, site.spot)
                entries += merged.entries if isinstance(merged, MappingNode) else []
                self._is_whole &= isinstance(merged, MappingNode)
        for name, expr in call.given().items():
            if name not in NOT_SETTINGS:
                entries += self._argument(call, callee.renamed.get(name, name), expr, site.spot)
        if callee.name == FASTAI.name and "max_lr" not in {callee.renamed.get(name, name) for name in call.given()}:
            entries += self._default_peak(call)
        entries += self._stepped(call)
        return MappingNode(place, entries)

    def _argument(self, call: ScheduleCall, name: str, expr: ast.expr, spot: Spot) -> list[tuple[Node, Node]]:
        if name in LENGTHS and (length := self.length.factored(expr, spot)):
            return [(self._key(each, setting), node) for setting, each, node in length]
        made = self.values.sources.made(expr, spot) if call.callee.name == FASTAI.name and name == "max_lr" else None
        if made is not None and isinstance(made[0], ast.Call) and dotted_name(made[0].func) == "slice":
            expr, spot = (made[0].args[-1], made[1]) if made[0].args else (expr, spot)
        node = self.values.evaluate(expr, spot)
        if name == "last_epoch" and isinstance(node, ScalarNode) and node.tag is not None:
            return []  # of a run that is resumed; one that is not starts at -1
        return [(self._key(expr, name), node)]

    def _default_peak(self, call: ScheduleCall) -> list[tuple[Node, Node]]:
        """Return the peak of a call of fit_one_cycle without one: the learner's learning rate, or fastai's."""
        node, spot = call.site.node, call.site.spot
        place = self.lines.place(node)
        if call.callee.default_peak:
            return [(self._key(node, "max_lr"), ScalarNode(place, call.callee.default_peak, plain=True))]
        made = self.values.sources.made(node.func.value, spot) if isinstance(node.func, ast.Attribute) else None
        if made is None or not isinstance(made[0], ast.Call) or "earner" not in dotted_name(made[0].func):
            return []
        if (given := keyword_of(made[0], "lr")) is not None:
            return self._argument(call, "max_lr", given, made[1])
        return [(self._key(node, "max_lr"), ScalarNode(place, DEFAULT_LR, plain=True))]

    def _stepped(self, call: ScheduleCall) -> Iterator[tuple[Node, Node]]:
        """Yield how often the schedule is stepped, where that is certain."""
        stepped = self.stepping.of(call.site) if call.callee is TORCH else None
        if stepped is not None:
            name = "step()" if isinstance(stepped.where, ast.Call) else "interval"
            place = self.lines.place(stepped.where)
            yield self._key(stepped.where, name), ScalarNode(place, stepped.often, plain=False)
        elif self.stepping.is_manual(call.site):
            node = call.site.node
            yield self._key(node, "interval"), ScalarNode(self.lines.place(node), "manual", plain=False)

    def _note(self) -> str:
        """Return what is to be said about the values of the last call."""
        notes = [] if self._is_whole else ["the call has more arguments, which are known only at run time"]
        if defaults := [*self.values.sources.defaults]:
            more = [f"{len(defaults) - MOST_NAMED} more"] if len(defaults) > MOST_NAMED else []
            words = join_words([*defaults[:MOST_NAMED], *more])
            has = "has its default" if len(defaults) == 1 else "have their defaults"
            name = ".".join(self.values.sources.defaults[defaults[0]])
            notes.append(f"{words} {has}; use --set {name}=VALUE or a flag for another run")
        return "; ".join(notes)

    # --- What is beside it ----------------------------------------------------------------------------------------

    def _beside(self, call: ScheduleCall) -> Iterator[tuple[Node, Node]]:
        """Yield the optimizer of a call, and the epochs of its run."""
        site = call.site
        given = call.given().get("optimizer") if "optimizer" in call.callee.arguments else None
        made = None if given is None else self.values.sources.made(given, site.spot)
        if made is not None and isinstance(made[0], ast.Call) and _is_class(made[0].func):
            node = self._optimizer(made[0], made[1])
            yield ScalarNode(node.place, "optimizer", plain=False), node
        epochs = self.stepping.epochs(self.stepping.of(site)) if call.callee is TORCH else None
        if epochs is not None:
            count = self.values.evaluate(*epochs)
            if isinstance(count, ScalarNode) and count.tag is None:
                yield ScalarNode(count.place, "num_epochs", plain=False), count

    def _optimizer(self, call: ast.Call, spot: Spot) -> MappingNode:
        place, name = self.lines.place(call), self.outline.full_name(call.func)
        entries: list[tuple[Node, Node]] = [(self._key(call, TARGET), ScalarNode(place, name, plain=False))]
        given = dict(zip(_arguments_of(name), call.args, strict=False))
        given |= {word.arg: word.value for word in call.keywords if word.arg is not None}
        for key, expr in given.items():
            node = self.values.evaluate(expr, spot)
            if key != "params":
                entries.append((self._key(expr, key), node))
            elif isinstance(node, SequenceNode) and not self.outline.methods_called.get("add_param_group"):
                lr = self.values.evaluate(given["lr"], spot) if "lr" in given else None
                entries.append((self._key(expr, key), _with_rates(node, lr)))
        return MappingNode(place, entries)


def _arguments_of(optimizer: str) -> tuple[str, ...]:
    """Return an optimizer's first arguments."""
    name = optimizer.rpartition(".")[2]
    third = "momentum" if name == "SGD" else "betas" if "Adam" in name else ""
    return ("params", "lr", third) if third else ("params", "lr")


def _with_rates(groups: SequenceNode, lr: Node | None) -> SequenceNode:
    """Return parameter groups with the optimizer's learning rate where they have none of their own."""
    items: list[Node] = []
    for group in groups.items:
        if isinstance(group, MappingNode) and lr is not None and position(group, "lr") is None:
            key = ScalarNode(lr.place, "lr", plain=False)
            group = MappingNode(group.place, [*group.entries, (key, lr)])
        items.append(group)
    return SequenceNode(groups.place, items)


def _is_class(function: ast.expr) -> bool:
    """Return whether what is called is named like a class; a function may return any optimizer."""
    return dotted_name(function).rpartition(".")[2][:1].isupper()
