"""Reading a Python config: its text to a tree, or the reason why not."""

from __future__ import annotations

import ast
import re
import warnings
from itertools import islice
from typing import TYPE_CHECKING

from onecycle_cli.config.nodes import Mapping, Place, Scalar, Sequence, place_at
from onecycle_cli.config.python.module import Module
from onecycle_cli.config.python.text import BREAK, Text, too_much
from onecycle_cli.config.tree import DEEPEST, MOST_NODES, UnreadableError
from onecycle_cli.findings.documents import NOT_PYTHON

if TYPE_CHECKING:
    from onecycle_cli.config.nodes import Node

_TOKEN = re.compile(r"\w+|[^\w\s]")


def parse_python(text: str) -> Mapping:
    """Build the tree of a Python config: one entry for each name that the module assigns.

    Raises:
        UnreadableError: the text breaks Python's grammar, or is larger or nested deeper than any config.
    """
    # Parsing takes microseconds and a kilobyte a token: what cannot be a config is refused before.
    if excess := next(islice(_TOKEN.finditer(text), 2 * MOST_NODES, None), None):
        lines = BREAK.split(text[: excess.start()])
        raise too_much(f"more than {2 * MOST_NODES:,} words", Place(len(lines), len(lines[-1]) + 1))
    tree = _parse(text)
    module = Module(Text(text))
    for statement in tree.body:
        module.follow(statement)
    root = Mapping(Place(1, 1), list(module.names.values()))
    _measure(root, 0, {})
    return root


def _parse(text: str) -> ast.Module:
    if "\0" in text:
        lines = BREAK.split(text[: text.index("\0")])
        message, hint = "the character U+0000 may not stand in Python", "check that this is the file meant"
        raise _broken(message, hint, Place(len(lines), len(lines[-1]) + 1))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text)
    except SyntaxError as error:
        message = error.msg.partition(";")[0]
        place = Place(max(error.lineno or 1, 1), max(error.offset or 1, 1))
        raise _broken(message, _hint(error), place) from None
    except (RecursionError, MemoryError):
        raise too_much("nested deeper than Python's own parser goes", Place(1, 1)) from None
    except ValueError:
        raise _broken("a character that no encoding has", "save the file as UTF-8", Place(1, 1)) from None


def _broken(message: str, hint: str, place: Place) -> UnreadableError:
    return UnreadableError(place_at(NOT_PYTHON.finding(f"not Python: {message}", hint), place))


def _hint(error: SyntaxError) -> str:
    if isinstance(error, IndentationError):
        return "indent with spaces, like the neighbouring lines"
    if "too many" in error.msg:
        return "check that this is the file meant"
    if "Missing parentheses in call" in error.msg or "leading zeros" in error.msg:
        return "write it in Python 3"
    return "close the bracket or quote, or put the comma that is missing"


def _measure(node: Node, depth: int, known: dict[int, tuple[int, int]]) -> tuple[int, int]:
    """Tell levels and nodes below a node, as many as a reader meets who follows every name; refuse too many."""
    if isinstance(node, Scalar):
        return 0, 1
    content = node.items if isinstance(node, Sequence) else node.entries
    levels, size = known.get(id(content), (0, 0))
    if depth + max(levels, 1) > DEEPEST:
        raise too_much(f"nested deeper than {DEEPEST} levels", node.place)
    if not levels:
        nodes = node.items if isinstance(node, Sequence) else [each for entry in node.entries for each in entry]
        below = [_measure(each, depth + 1, known) for each in nodes]
        levels = 1 + max((each for each, _ in below), default=0)
        size = 1 + sum(each for _, each in below)
        known[id(content)] = levels, size
    if size > MOST_NODES:
        raise too_much(f"more than {MOST_NODES:,} values", node.place)
    return levels, size
