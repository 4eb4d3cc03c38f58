"""Base files: `_base_` of MMEngine, mmcv, Pointcept and Paddle, `_BASE_` of detectron2 and PaddleDetection.

A file is merged over its base files, mapping by mapping. MMEngine 0.10.7 refuses a key that two bases have; the YAML
loaders of the others merge the bases in their order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from onecycle_cli.config.composition.library import READABLE
from onecycle_cli.config.composition.merging import merged, without_key
from onecycle_cli.config.composition.paths import folder_of, has_folder, join, stem_and_ending
from onecycle_cli.config.files import PYTHON, mentions_one_cycle
from onecycle_cli.config.key_paths import lookup
from onecycle_cli.config.nodes import TOP, MappingNode, ScalarNode, SequenceNode, place_at, seen_from
from onecycle_cli.config.yaml_tree import UnreadableError
from onecycle_cli.findings.config_rules import INCLUDE_CYCLE, MISSING_FILE, NOT_COMBINED, NOT_READ, TOO_MUCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.config.composition.library import Library
    from onecycle_cli.config.files import Source
    from onecycle_cli.config.nodes import Node, Place
    from onecycle_cli.findings import Finding, Rule

MMENGINE, DETECTRON = "_base_", "_BASE_"
KEYS = (MMENGINE, DETECTRON)

MOST_FILES = 200
"""Base files of one config."""

DEEPEST_CHAIN = 30
"""Base files of base files that are followed."""

HIGHEST_PACKAGE = 6
"""Folders above a file in which a package that it imports from is looked for."""

NOT_ALWAYS = (INCLUDE_CYCLE, TOO_MUCH)
"""Rules whose findings depend on the file with which the reading began."""

CHECK = "check the path, or remove it"

_BRACES = re.compile(r"(?<![\"'])\{(\{\s*_base_\.[\w.]+\s*\})\}")
_REFERENCE = re.compile(r"\{\s*_base_\.([\w.]+)\s*\}")
_HAS_BASES = re.compile(r"^_base_\s*=|\bread_base\s*\(", re.MULTILINE)
_LIST = re.compile(r"^_base_\s*=\s*(\[[^\]]*\]|\([^)]*\)|[^\n]*)", re.MULTILINE)
_STRING = re.compile(r"[\"']([^\"'\n]+)[\"']")
_IMPORT = re.compile(r"^\s+from\s+(\.*)([\w.]+)\s+import\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class WithBases:
    """A file's tree over those of its base files, what was found on the way, and the base files by path."""

    root: MappingNode
    findings: tuple[Finding, ...]
    sources: dict[str, Source]


@dataclass(slots=True)
class Bases:
    """Reads a file with its base files, and notes what is found on the way.

    Attributes:
        library: the files.
        source: the file that is read.
        chain: the files whose bases are being read, the outermost first.
        budget: how many base files may still be read, for the whole chain.
        findings: what is wrong.
        sources: the base files that were read, by path.
    """

    library: Library
    source: Source
    chain: tuple[str, ...] = ()
    budget: list[int] = field(default_factory=lambda: [MOST_FILES])
    findings: list[Finding] = field(default_factory=list)
    sources: dict[str, Source] = field(default_factory=dict)

    def tree(self) -> Node | None:
        """Return the tree of the file merged over those of its base files.

        Raises:
            UnreadableError: the file itself cannot be read.
        """
        self.chain = (*self.chain, self.source.path)
        # Quoted, a reference in double braces has the length that it had.
        text = _BRACES.sub(r'"\1"', self.source.text)
        source = self.source if text == self.source.text else replace(self.source, text=text)
        if source.path.endswith(PYTHON):
            from onecycle_cli.config.python_config import parse_python

            return parse_python(source.text, source.path, self)
        root = self.library.tree(source)
        bases = [] if not isinstance(root, MappingNode) else [pair for pair in root.pairs() if pair[0].text in KEYS]
        if not bases or not isinstance(root, MappingNode):
            return root
        key, names = bases[-1]
        is_mmengine = key.text == MMENGINE
        base = self.base(names, is_strict=False)
        own = without_key(root, key.text)
        if source is not self.source:
            own = _mapping(_filled_in(own, base))
        return merged(base, own, has_marks=is_mmengine)

    def base(self, names: Node, *, is_strict: bool = True) -> MappingNode:
        """Return the trees of base files, named in a string or a list, as one; `is_strict` as MMEngine."""
        base = MappingNode(TOP)
        for name in names.items if isinstance(names, SequenceNode) else [names]:
            tree = self._named(name)
            if tree is None:
                continue
            if is_strict:
                self._refuse_duplicates(base, tree, name.place)
            base = merged(base, tree)
        return base

    def module(self, level: int, name: str, place: Place) -> MappingNode | None:
        """Return the tree of the module that `from ..name import` means under `read_base()`; None if it is not here."""
        path = f"{name.replace('.', '/')}.py"
        shown = f"{'.' * level}{name}"
        if level:
            return self._read(join(folder_of(self.source), f"{'../' * (level - 1)}{path}"), shown, place)
        for found in _in_package(self.library, folder_of(self.source), path):
            return self._read(found, shown, place)
        self._not_read(shown, "it is in another package", place)
        return None

    def over(self, base: MappingNode, own: MappingNode) -> MappingNode:
        """Return a Python config merged over its base files, as MMEngine and mmcv do it."""

        def clash(key: ScalarNode, node: Node, before: Node) -> None:
            is_known = not isinstance(before, ScalarNode) or before.tag is None
            if not isinstance(node, MappingNode) or not is_known:
                return
            message = (
                f"{key.text} is a dict here and not in the base file ({before.place.file}:{before.place.line}): "
                "MMEngine raises TypeError"
            )
            hint = "add _delete_=True to it to replace the value of the base file"
            self._note(NOT_COMBINED, message, hint, node.place)

        return merged(base, own, has_marks=True, clash=clash)

    @staticmethod
    def reference(text: str) -> tuple[str, ...] | None:
        """Return the path in the base files that `{{ _base_.a.b }}` means; None for other strings."""
        found = _REFERENCE.fullmatch(text)
        return None if found is None else tuple(found[1].split("."))

    @property
    def variables(self) -> dict[str, str]:
        """The variables that MMEngine fills in where they are in double braces; paths are relative to the file."""
        stem, ending = stem_and_ending(self.source.path)
        return {
            "fileDirname": ".",
            "fileBasename": stem + ending,
            "fileBasenameNoExtension": stem,
            "fileExtname": ending,
        }

    def _named(self, name: Node) -> MappingNode | None:
        if not isinstance(name, ScalarNode) or name.tag is not None:
            shown = name.text if isinstance(name, ScalarNode) else "a name"
            self._not_read(shown, "it is known only when the program runs", name.place)
            return None
        text = name.text
        if not has_folder(self.source):
            hint = "name the file instead of piping it"
            message = f"{text} is not read: standard input has no folder, to which the path is relative"
            self._note(NOT_READ, message, hint, name.place)
        elif "::" in text:
            self._not_read(text, "it is in another package", name.place)
        elif "://" in text:
            self._not_read(text, "it is not a file of this machine", name.place)
        else:
            return self._read(join(folder_of(self.source), text), text, name.place)
        return None

    def _read(self, path: str, shown: str, place: Place) -> MappingNode | None:
        """Return the tree of a base file with its own base files; None, with a finding, if it cannot be read."""
        if path in self.chain:
            names = " → ".join([*self.chain[self.chain.index(path) :], path])
            self._note(INCLUDE_CYCLE, f"the base files include each other without end: {names}", CHECK, place)
            return None
        source = self.library.source(path)
        if source is None:
            self._note_missing(path, shown, place)
        elif self.budget[0] == 0 or len(self.chain) >= DEEPEST_CHAIN:
            message = f"more than {MOST_FILES} base files, or {DEEPEST_CHAIN} inside one another"
            if not any(found.rule is TOO_MUCH for found in self.findings):
                self._note(TOO_MUCH, message, "check that this is the right file", place)
        elif source.finding is not None:
            self.findings.append(replace(source.finding, file=path))
        else:
            self.budget[0] -= 1
            return self._with_bases(source)
        return None

    def _with_bases(self, source: Source) -> MappingNode | None:
        key = ("bases", source.path)
        found = self.library.kept.get(key, lambda: self._compose(source))
        self.sources[source.path] = source
        if not isinstance(found, WithBases):
            self.findings.append(found)
            return None
        if any(each.rule in NOT_ALWAYS for each in found.findings):
            self.library.kept.forget(key)
        self.findings += found.findings
        self.sources |= found.sources
        return found.root

    def _compose(self, source: Source) -> WithBases | Finding:
        inner = Bases(self.library, source, self.chain, self.budget)
        try:
            root = inner.tree()
        except UnreadableError as error:
            return replace(error.finding, file=source.path)
        return WithBases(_mapping(root), tuple(inner.findings), inner.sources)

    def _refuse_duplicates(self, base: MappingNode, tree: MappingNode, place: Place) -> None:
        known = {key.text: key.place for key, _ in base.pairs()}
        for key, _ in tree.pairs():
            if first := known.get(key.text):
                message = (
                    f"two base files have {key.text} ({first.file}:{first.line} and {key.place.file}:"
                    f"{key.place.line}): MMEngine raises KeyError"
                )
                self._note(NOT_COMBINED, message, f"remove {key.text} from one of the two", place)
                return

    def _note_missing(self, path: str, shown: str, place: Place) -> None:
        if not path.lower().endswith(READABLE):
            self._not_read(shown, "it does not end in .py, .yaml, .yml or .json", place)
        else:
            where = "" if shown == path else f": {path}"
            self._note(MISSING_FILE, f"{shown} does not exist, or cannot be read{where}", CHECK, place)

    def _not_read(self, shown: str, why: str, place: Place) -> None:
        hint = "give what the plan needs from it with --set or a flag"
        self._note(NOT_READ, f"{shown} is not read: {why}", hint, place)

    def _note(self, rule: Rule, message: str, hint: str, place: Place) -> None:
        self.findings.append(place_at(rule.finding(message, hint), place))


def _mapping(node: Node | None) -> MappingNode:
    return node if isinstance(node, MappingNode) else MappingNode(TOP)


def includes_one_cycle(library: Library, source: Source) -> bool:
    """Return whether a base file of a Python config names a one-cycle schedule; texts are searched, not parsed."""
    waiting, seen = [source], {source.path}
    while waiting and len(seen) <= MOST_FILES:
        text = (source := waiting.pop()).text
        if ("_base_" not in text and "read_base" not in text) or not _HAS_BASES.search(text):
            continue
        for path in _named_in(library, source):
            base = None if path in seen else library.source(path)
            seen.add(path)
            if base is not None:
                if library.kept.get(("mentions", path), partial(mentions_one_cycle, base.text)):
                    return True
                waiting.append(base)
    return False


def _named_in(library: Library, source: Source) -> Iterator[str]:
    """List the paths of the base files that a text seems to name."""
    folder = folder_of(source)
    for list_ in _LIST.finditer(source.text):
        yield from (join(folder, quoted[1].replace("{{fileDirname}}", ".")) for quoted in _STRING.finditer(list_[1]))
    for imported in _IMPORT.finditer(source.text):
        path = f"{imported[2].replace('.', '/')}.py"
        if imported[1]:
            yield join(folder, "../" * (len(imported[1]) - 1) + path)
        else:
            yield from _in_package(library, folder, path)


def _in_package(library: Library, folder: str, path: str) -> Iterator[str]:
    """Find a module of a package that one of the folders above holds."""
    for _ in range(HIGHEST_PACKAGE):
        if library.source(found := join(folder, path)) is not None:
            yield found
            return
        folder = join(folder, "..")


def _filled_in(node: Node, base: MappingNode) -> Node:
    """Return a tree with the values of base files in place of the references to them."""
    if isinstance(node, MappingNode):
        return MappingNode(node.place, [(key, _filled_in(value, base)) for key, value in node.entries])
    if isinstance(node, SequenceNode):
        return SequenceNode(node.place, [_filled_in(item, base) for item in node.items])
    path = Bases.reference(node.text)
    found = None if path is None else lookup(base, path)
    return node if found is None else seen_from(node.place, found)
