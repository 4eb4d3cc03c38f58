"""The options of a script's command line, and their defaults: argparse, click, absl."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from onecycle_cli.config.python_text import dotted_name
from onecycle_cli.config.scripts.definitions import Definition, end_of, keyword_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.config.scripts.definitions import Spot


class CommandLine:
    """Collects the options that a script defines."""

    def __init__(self) -> None:
        """Start without options."""
        self.options: dict[str, list[Definition]] = {}
        """By the name under which the parsed command line has them."""

    def note(self, call: ast.Call, spot: Spot) -> None:
        """Note the options that a call defines, or the defaults that it changes."""
        name = call.func.attr if isinstance(call.func, ast.Attribute) else dotted_name(call.func)
        if name == "add_argument":
            for option in option_names(call):
                self.define(call, option, spot)
        elif name == "set_defaults":
            for word in call.keywords:
                self._change(word, spot)
        elif name.startswith("DEFINE_") and call.args:  # absl
            first = call.args[0]
            default = call.args[1] if len(call.args) > 1 else keyword_of(call, "default")
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                self._add(first.value, default, f"--{first.value}", call, spot)

    def define(self, call: ast.Call, name: str, spot: Spot) -> Definition:
        """Note an option of argparse or click."""
        default, action = keyword_of(call, "default"), keyword_of(call, "action")
        if default is None and isinstance(action, ast.Constant) and action.value in ("store_true", "store_false"):
            default = ast.copy_location(ast.Constant(action.value == "store_false"), call)
        return self._add(name, default, next(flags_of(call), f"--{name}"), call, spot)

    def _add(self, name: str, default: ast.expr | None, flag: str, call: ast.Call, spot: Spot) -> Definition:
        found = Definition((name,), default, spot, spot, end_of(call), call.lineno, flag=flag)
        self.options.setdefault(name, []).append(found)
        return found

    def _change(self, word: ast.keyword, spot: Spot) -> None:
        """Note that an option has another default, too."""
        for name in [word.arg] if word.arg is not None else list(self.options):
            found = Definition((name,), None, spot, spot, (0, 0), word.value.lineno)
            self.options.setdefault(name, []).append(found)


def flags_of(call: ast.Call) -> Iterator[str]:
    """Return the long flags of an option."""
    words = [word.value for word in call.args if isinstance(word, ast.Constant) and isinstance(word.value, str)]
    return (word.partition("/")[0] for word in words if word.startswith("--"))


def option_names(call: ast.Call) -> Iterator[str]:
    """Yield the attribute under which the parsed command line has an option."""
    if isinstance(dest := keyword_of(call, "dest"), ast.Constant) and isinstance(dest.value, str):
        yield dest.value
        return
    words = [word.value for word in call.args if isinstance(word, ast.Constant) and isinstance(word.value, str)]
    long = next(flags_of(call), None) or next((word for word in words if not word.startswith("-")), None)
    if long is not None:
        yield long.removeprefix("--").replace("-", "_")
