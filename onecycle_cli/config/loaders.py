"""The programs that load training configs, how to recognize which of them loads a file, and what it reads there."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from onecycle_cli.config.files import JSON, PYTHON
from onecycle_cli.config.indexes import position
from onecycle_cli.config.nodes import MappingNode, ScalarNode, SequenceNode
from onecycle_cli.config.scalars import read_by_pyyaml, read_plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from onecycle_cli.config.nodes import Node
    from onecycle_cli.config.scalars import Plain


@dataclass(frozen=True, slots=True)
class Loader:
    """A program that loads configs.

    Attributes:
        name: the name that findings use.
        read: what it makes of a plain scalar.
        converts: whether it also makes numbers of quoted texts, where a setting is one.
        is_ours: whether a file of ours is read, so that readers of YAML 1.1 and of YAML 1.2 must agree on it.
    """

    name: str
    read: Callable[[str], Plain]
    converts: bool = False
    is_ours: bool = False


_EXPONENT = re.compile(r"[-+]?([0-9]+(_[0-9]+)*(\.[0-9_]*)?)[eE][-+]?[0-9]+")
_TYPED = re.compile(r"-?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_PYTHON_FLOAT = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")


def _with_exponents(text: str) -> Plain:
    """Read as PyYAML does, and 1e-3 as a number."""
    found = read_by_pyyaml(text)
    return float(text) if isinstance(found, str) and _EXPONENT.fullmatch(text) else found


def _typed(text: str) -> Plain:
    """Read a text that becomes the number that its setting is: `'0.1'`, `.5e3` and `08`, too."""
    found = _with_exponents(text)
    if not isinstance(found, str) or not _TYPED.fullmatch(text):
        return found
    return read_plain(text)


def _literal(text: str) -> Plain:
    """Read a text that Python evaluates as a literal, if it is one."""
    found = read_by_pyyaml(text)
    if not isinstance(found, str):
        return found
    if text == "None":
        return None
    is_whole = text.lstrip("+-").isdecimal()  # Python refuses 08
    return float(text) if _PYTHON_FLOAT.fullmatch(text) and not is_whole else found


OURS = Loader("PyYAML (YAML 1.1)", read_by_pyyaml, is_ours=True)
EXACT = Loader("", read_plain)
"""What reads JSON and Python, where a number is written in one way."""

PYYAML = Loader("PyYAML", read_by_pyyaml)
OMEGACONF = Loader("OmegaConf", _with_exponents)  # 2.3.1
JSONARGPARSE = Loader("jsonargparse", _typed, converts=True)  # 4.53.0
YACS = Loader("yacs", _literal, converts=True)  # 0.1.8

HYDRA_KEYS = frozenset({"_target_", "_partial_", "_recursive_", "_convert_"})
MISSING = "???"
"""OmegaConf's mark for a value that must be set at run time."""

_SIGNS = re.compile(
    r"_(target|partial|recursive|convert)_|\?\?\?|\$\{|defaults|hydra|class_path|init_args|seed_e|SOLVER"
)
_PACKAGE = re.compile(r"^#\s*@package\s", re.MULTILINE)
_INTERPOLATION = re.compile(r"\$\{\s*(?:(\.*)([A-Za-z_][\w.\[\]-]*)\s*\}|[A-Za-z_][\w.]*\s*:(?![-=?+]))")
"""A reference of OmegaConf or a call of one of its resolvers; `${LR:-0.1}` is a shell's."""


def loader_of(path: str, text: str, root: MappingNode) -> Loader:
    """Return what loads a file, by what only one program understands in it; PyYAML where nothing shows it."""
    if path.lower().endswith((JSON, PYTHON)):
        return EXACT
    if not _SIGNS.search(text):
        return OMEGACONF if _PACKAGE.search(text) else PYYAML
    found = {*_signs(root), *([OMEGACONF] if _PACKAGE.search(text) else [])}
    if JSONARGPARSE in found and not any(key in text for key in HYDRA_KEYS):
        return JSONARGPARSE
    return next((loader for loader in (OMEGACONF, JSONARGPARSE, YACS) if loader in found), PYYAML)


def untyped(loader: Loader) -> Loader:
    """Return how a loader reads values whose types it does not know."""
    return replace(loader, read=_with_exponents, converts=False) if loader is JSONARGPARSE else loader


def _signs(root: MappingNode) -> Iterator[Loader]:
    """Find the keys and values that only one program understands."""
    keys = {key.text: node for key, node in root.pairs()}
    if isinstance(keys.get("defaults"), SequenceNode) or isinstance(keys.get("hydra"), MappingNode):
        yield OMEGACONF
    if "seed_everything" in keys and isinstance(keys.get("trainer"), MappingNode):
        yield JSONARGPARSE
    if isinstance(keys.get("SOLVER"), MappingNode):
        yield YACS
    for node in _nodes(root):
        if isinstance(node, MappingNode):
            names = {key.text for key, _ in node.pairs()}
            if not HYDRA_KEYS.isdisjoint(names):
                yield OMEGACONF
            if "init_args" in names or "class_path" in names:
                yield JSONARGPARSE
        elif isinstance(node, ScalarNode) and (node.text == MISSING or _is_interpolation(node.text, root)):
            yield OMEGACONF


def _nodes(root: MappingNode) -> Iterator[Node]:
    """List all nodes of a tree, those behind aliases once."""
    stack: list[Node] = [root]
    seen: set[int] = set()
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, ScalarNode):
            continue
        shared = id(node.entries if isinstance(node, MappingNode) else node.items)
        if shared not in seen:  # aliases share their entries or items
            seen.add(shared)
            stack += (child for _, child in node.entries) if isinstance(node, MappingNode) else node.items


def _is_interpolation(text: str, root: MappingNode) -> bool:
    """Return whether a text has a reference or a call of OmegaConf's, and not just a variable such as `${LR}`."""
    for found in _INTERPOLATION.finditer(text) if "${" in text else ():
        dots, name = found.groups()
        is_variable = name is not None and not dots and name.isupper() and "." not in name
        if not is_variable or position(root, name) is not None:
            return True
    return False
