"""The calls that make a one-cycle schedule: their names, and their arguments by position."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from onecycle_cli.config.python_text import dotted_name
from onecycle_cli.config.scripts.definitions import path_of

if TYPE_CHECKING:
    from onecycle_cli.config.scripts.definitions import CallSite
    from onecycle_cli.config.scripts.outline import Outline
    from onecycle_cli.config.scripts.values import Values


@dataclass(frozen=True, slots=True)
class Callee:
    """A class or function that makes a schedule.

    Attributes:
        name: its full name.
        arguments: its arguments in their order.
        renamed: what some of them are called among our settings.
        convention: the convention of its arithmetic, where its name does not say it.
        default_peak: the peak where none is given.
        beside: a package that the script imports too, if other packages may have the same name.
    """

    name: str
    arguments: tuple[str, ...]
    renamed: dict[str, str] = field(default_factory=dict)
    convention: str = ""
    default_peak: str = ""
    beside: str = ""


TORCH = Callee(
    "torch.optim.lr_scheduler.OneCycleLR",
    (
        "optimizer", "max_lr", "total_steps", "epochs", "steps_per_epoch", "pct_start", "anneal_strategy",
        "cycle_momentum", "base_momentum", "max_momentum", "div_factor", "final_div_factor", "three_phase",
        "last_epoch", "verbose",
    ),
)  # fmt: skip
"""PyTorch 2.13, where the last argument was removed in 2.7."""

ONEFLOW = replace(TORCH, name="oneflow.optim.lr_scheduler.OneCycleLR", arguments=TORCH.arguments[:13])
"""OneFlow, whose class computes the same; its last arguments have other names."""

R_TORCH = Callee("lr_one_cycle", tuple(name for name in TORCH.arguments if name != "three_phase"))
PADDLE = Callee(
    "paddle.optimizer.lr.OneCycleLR",
    (
        "max_learning_rate", "total_steps", "divide_factor", "end_learning_rate", "phase_pct", "anneal_strategy",
        "three_phase", "last_epoch", "verbose",
    ),
)  # fmt: skip
"""PaddlePaddle 3.3."""

OPTAX = Callee(
    "optax.cosine_onecycle_schedule", ("transition_steps", "peak_value", "pct_start", "div_factor", "final_div_factor")
)
OPTAX_LINEAR = Callee(
    "optax.linear_onecycle_schedule",
    ("transition_steps", "peak_value", "pct_start", "pct_final", "div_factor", "final_div_factor"),
)
"""optax 0.2.8."""

FASTAI = Callee(
    "fit_one_cycle",
    ("n_epoch", "lr_max", "div", "div_final", "pct_start", "wd", "moms", "cbs", "reset_opt", "start_epoch"),
    {"n_epoch": "epochs", "lr_max": "max_lr", "div": "div_factor", "div_final": "final_div_factor"},
)
"""fastai 2.8; without lr_max the peak is the learner's lr."""

FASTAI_1 = Callee(
    "fit_one_cycle",
    (
        "cyc_len", "max_lr", "moms", "div_factor", "pct_start", "final_div", "wd", "callbacks", "tot_epochs",
        "start_epoch",
    ),
    {"cyc_len": "epochs", "final_div": "final_div_factor"},
    convention="openpcdet",
    default_peak="0.003",
)  # fmt: skip
"""fastai 1.0, whose OneCycleScheduler OpenPCDet took over."""

TINYGRAD = Callee(
    "extra.lr_scheduler.OneCycleLR",
    (
        "optimizer", "max_lr", "div_factor", "final_div_factor", "total_steps", "pct_start", "anneal_strategy",
        "cycle_momentum",
    ),
    convention="tinygrad",
    beside="tinygrad",
)  # fmt: skip
"""Of tinygrad's repository."""

MOST_NAMES = 5
"""Names of a class that are followed from one to the next, or through `partial`."""

CLASSES = (TORCH, ONEFLOW, PADDLE, OPTAX, OPTAX_LINEAR, TINYGRAD)

NOT_SETTINGS = frozenset({"optimizer", "wd", "cbs", "callbacks", "reset_opt", "start_epoch", "tot_epochs"})

WITHOUT_SCHEDULES = frozenset(
    {"torch", "torchvision", "fastai", "fastbook", "math", "numpy", "typing", "tqdm", "pylab"}
)
"""Packages of which `import *` gives no OneCycleLR but PyTorch's."""

USING_FASTAI = frozenset({"fastai", "fastai2", "fastbook", "tsai", "icevision", "fastxtend", "blurr"})
ONLY_FASTAI_1 = frozenset(
    {"fastai", "vision", "text", "tabular", "collab", "basic_train", "basic_data", "callbacks", "train", "widgets"}
)


@dataclass(frozen=True, slots=True)
class ScheduleCall:
    """A call that makes a schedule: what is called, and the call with all its arguments."""

    callee: Callee
    site: CallSite

    def given(self) -> dict[str, ast.expr]:
        """Return the arguments by name, apart from those of a list or mapping."""
        positional: list[ast.expr] = []
        for argument in self.site.node.args:
            if isinstance(argument, ast.Starred):
                break
            positional.append(argument)
        named = {word.arg: word.value for word in self.site.node.keywords if word.arg is not None}
        return dict(zip(self.callee.arguments, positional, strict=False)) | named


class Finder:
    """Finds the calls of a script that make a schedule."""

    def __init__(self, outline: Outline, values: Values) -> None:
        """Take a script's outline, and its values."""
        self.outline = outline
        self.values = values
        self._is_fastai_1 = _uses_fastai_1(outline)

    def calls(self) -> list[ScheduleCall]:
        """Return the calls, in the order of the script."""
        aliases, completed = self._aliases(), set[ast.AST]()
        found = []
        for site in self.outline.calls:
            call = _of_partial(site.node) or site.node
            callee = self._callee(call)
            if callee is None and path_of(call.func)[-1:] and path_of(call.func)[-1] in aliases:
                callee, call = self._through_names(call, site, completed)
            if callee is not None:
                found.append((site.node, ScheduleCall(callee, replace(site, node=call))))
        return [call for node, call in found if node not in completed]

    def _through_names(self, call: ast.Call, site: CallSite, completed: set[ast.AST]) -> tuple[Callee | None, ast.Call]:
        """Follow the name of what is called to a class of schedules, and take the arguments of `partial` on the way."""
        spot = site.spot
        for _ in range(MOST_NAMES):
            found = self.values.sources.origin(call.func, spot)
            if found is None:
                break
            target, spot = found
            if not isinstance(target, ast.Call) or (prepared := _of_partial(target)) is None:
                return self._named(target), call
            completed.add(target)
            call = _merged(call, prepared)
            if (callee := self._named(call.func)) is not None:
                return callee, call
        return None, call

    def _aliases(self) -> frozenset[str]:
        """Return the names and attributes that hold a class of schedules, or a part of its call."""
        given: list[tuple[str, ast.expr]] = []
        scopes = [self.outline.module, *self.outline.functions.values(), *self.outline.classes.values()]
        for scope in scopes:
            for path, definitions in scope.defined.items():
                for value in (each.value for each in definitions if each.value is not None):
                    prepared = _of_partial(value) if isinstance(value, ast.Call) else None
                    name = value if prepared is None else prepared.func
                    if path_of(name):
                        given.append((path[-1], name))
        found = {alias for alias, name in given if self._named(name) is not None}
        return frozenset(found | {alias for alias, name in given if path_of(name)[-1] in found})

    def _callee(self, call: ast.Call) -> Callee | None:
        name = dotted_name(call.func)
        last = call.func.attr if isinstance(call.func, ast.Attribute) else name
        if last == "fit_one_cycle":
            return self._fastai(call)
        return self._named(call.func)

    def _named(self, expr: ast.expr) -> Callee | None:
        """Return the class or function of schedules that an expression names."""
        if isinstance(expr, ast.Call) and dotted_name(expr.func) == "getattr" and len(expr.args) > 1:
            module, attribute = expr.args[:2]
            if isinstance(attribute, ast.Constant) and isinstance(attribute.value, str):
                expr = ast.Attribute(module, attribute.value, ast.Load())
        written = dotted_name(expr)
        first, last = written.partition(".")[0], written.rpartition(".")[2]
        outline = self.outline
        if not written or outline.defines(first):
            return None  # a class of the script itself may compute anything
        if last == R_TORCH.name:
            return R_TORCH
        full = outline.full_name(expr)
        package = full.partition(".")[0]
        for callee in CLASSES:
            home, _, function = callee.name.rpartition(".")
            if full.rpartition(".")[2] != function:
                continue
            if package == home.partition(".")[0] and (not callee.beside or callee.beside in outline.packages()):
                return callee
            if callee is TORCH and full == written and package in (function, "lr_scheduler") and self._may_be_torch():
                return callee
        return None

    def _may_be_torch(self) -> bool:
        """Return whether a name that the script does not import can only be PyTorch's."""
        return all(name.partition(".")[0] in WITHOUT_SCHEDULES for name in self.outline.star_imports)

    def _fastai(self, call: ast.Call) -> Callee | None:
        outline = self.outline
        if "fit_one_cycle" in outline.functions or any(name.endswith(".fit_one_cycle") for name in outline.functions):
            return None
        if outline.packages() and USING_FASTAI.isdisjoint(outline.packages()):
            return None
        words = {word.arg for word in call.keywords}
        if not words.isdisjoint(set(FASTAI_1.arguments) - set(FASTAI.arguments)):
            is_first = True
        else:
            is_first = self._is_fastai_1 and words.isdisjoint(set(FASTAI.arguments) - set(FASTAI_1.arguments))
        callee = FASTAI_1 if is_first else FASTAI
        is_function = isinstance(call.func, ast.Name)
        return replace(callee, arguments=("learn", *callee.arguments)) if is_function else callee


def _uses_fastai_1(outline: Outline) -> bool:
    """Return whether a script imports what only fastai 1 has: its users write `from fastai.vision import *`."""
    modules = [name for name in outline.star_imports if f"{name}.".startswith("fastai.")]
    others = [name for name in outline.imported.values() if name.startswith("fastai.")]
    if any(name.split(".")[-1] == "all" or ".all." in name for name in (*modules, *others)):
        return False
    return any(name.split(".")[-1] in ONLY_FASTAI_1 for name in modules)


def _of_partial(call: ast.Call) -> ast.Call | None:
    """Return the call that `partial` prepares."""
    if dotted_name(call.func).rpartition(".")[2] != "partial" or not call.args:
        return None
    return ast.copy_location(ast.Call(call.args[0], call.args[1:], call.keywords), call)


def _merged(call: ast.Call, prepared: ast.Call) -> ast.Call:
    """Return a call of what `partial` made, with the arguments of both."""
    given = {word.arg for word in call.keywords}
    kept = [word for word in prepared.keywords if word.arg is None or word.arg not in given]
    both = ast.Call(prepared.func, [*prepared.args, *call.args], [*kept, *call.keywords])
    return ast.copy_location(both, call)
