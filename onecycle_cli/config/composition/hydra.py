"""Hydra's configs: a primary config composed with the files that its defaults list selects."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING

from onecycle_cli.config.composition.defaults_list import (
    DEFAULTS,
    HYDRA,
    DefaultsError,
    Expansion,
    GroupFile,
    Item,
    header_of,
    items_of,
)
from onecycle_cli.config.composition.merging import embedded, merged, without_key
from onecycle_cli.config.composition.paths import join
from onecycle_cli.config.key_paths import lookup
from onecycle_cli.config.nodes import TOP, MappingNode, ScalarNode, place_at
from onecycle_cli.config.yaml_tree import UnreadableError
from onecycle_cli.findings import Severity
from onecycle_cli.findings.config_rules import MISSING_FILE, NOT_COMBINED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.config.composition.library import Library
    from onecycle_cli.config.files import Source
    from onecycle_cli.config.nodes import Node
    from onecycle_cli.findings import Finding

YAML_ENDINGS = (".yaml", ".yml")
MOST_OPTIONS = 6
"""Options of a group that a hint names."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A primary config with all that it selects.

    Attributes:
        root: the tree.
        sources: all files in it, by their path from the root of the configs, the primary config first.
        packages: where each file's content is, by the same path.
        selected: the option of each group, by Hydra's key.
        findings: what is missing.
        error: why Hydra refuses the lists.
        missing: how many files are not there.
    """

    root: MappingNode
    sources: dict[str, Source]
    packages: dict[str, str]
    selected: dict[str, str | None]
    findings: tuple[Finding, ...] = ()
    error: Finding | None = None
    missing: int = 0


class Application:
    """The configs of a Hydra application: a folder with primary configs, and a folder in it for each group."""

    def __init__(self, library: Library, folder: str) -> None:
        """Use the files of a folder."""
        self._library = library
        self.folder = folder

    def source(self, config_path: str) -> Source | None:
        """Return the file at a path from the root of the configs."""
        ending = "" if config_path.endswith(YAML_ENDINGS) else YAML_ENDINGS[0]
        return self._library.source(join(self.folder, config_path + ending))

    def compose(self, config_path: str, choice: str | None = None) -> Composed:
        """Return a primary config, composed as it is or with a group file chosen on the command line."""
        key = ("hydra", self.folder, config_path, choice)
        return self._library.kept.get(key, lambda: self._compose(config_path, choice))

    def choice(self, config_path: str, chosen: str) -> tuple[str, str]:
        """Return the group and the option by which a file is chosen: of a group of the primary config if it can be."""
        groups = {key.partition("@")[0]: key for key in self.compose(config_path).selected}
        parts = chosen.split("/")
        for length in range(len(parts) - 1, 0, -1):
            if key := groups.get("/".join(parts[:length])):
                return key, "/".join(parts[length:])
        return f"+{'/'.join(parts[:-1])}", parts[-1]

    def _compose(self, config_path: str, choice: str | None) -> Composed:
        expansion = Expansion(self._group_file)
        if choice is not None:
            key, option = self.choice(config_path, choice)
            if key.startswith("+"):
                expansion.appended = (Item(TOP, f"/{key[1:]}", option, is_added=True),)
            else:
                expansion.choices[key] = option
        error: Finding | None = None
        try:
            parts = [(part.config_path, part.package) for part in expansion.expand(config_path)]
        except DefaultsError as refusal:
            error = place_at(NOT_COMBINED.finding(refusal.message, refusal.hint), refusal.place)
            parts = [(config_path, "")]
        clashes: list[Finding] = []
        root = MappingNode(TOP)
        sources: dict[str, Source] = {}
        packages: dict[str, str] = {}
        for path in [config_path, *expansion.files]:
            if (source := self.source(path)) is not None:
                sources.setdefault(path, source)
        for path, package in parts:
            tree = self._tree(sources[path])
            packages.setdefault(path, package)
            own = embedded(without_key(tree, DEFAULTS), package)
            root = merged(root, own, keeps_missing=True, clash=partial(_clash, clashes))
        findings = [found for source in sources.values() for found in self._broken(source)]
        findings += self._missing(expansion.missing, root)
        error = error or next(iter(clashes), None)
        return Composed(root, sources, packages, expansion.selected, tuple(findings), error, len(expansion.missing))

    def _tree(self, source: Source) -> MappingNode:
        try:
            tree = self._library.tree(source)
        except UnreadableError:
            tree = None
        return tree if isinstance(tree, MappingNode) else MappingNode(TOP)

    def _broken(self, source: Source) -> Iterator[Finding]:
        if source.finding is not None:
            yield replace(source.finding, file=source.path)
            return
        try:
            self._library.tree(source)
        except UnreadableError as error:
            yield error.finding

    def _group_file(self, config_path: str) -> GroupFile | None:
        source = self.source(config_path)
        if source is None:
            return None
        return GroupFile(items_of(self._tree(source)), header_of(source.text))

    def _missing(self, items: list[Item], root: MappingNode) -> Iterator[Finding]:
        """Report files that are missing from folders that are there; others may be part of a package."""
        if lookup(root, (HYDRA, "searchpath")) is not None:
            return
        for item in items:
            folder = join(self.folder, item.group_path)
            names = [name.removesuffix(YAML_ENDINGS[0]) for name in self._library.names(folder)]
            if (
                item.group is None
                or item.group_path.partition("/")[0] == HYDRA
                or not names
                or "${" in item.config_path
            ):
                continue
            near = get_close_matches(item.name or "", names, 1, 0.6)
            listed = ", ".join(names[:MOST_OPTIONS]) + (", …" if len(names) > MOST_OPTIONS else "")
            message = f"{item.config_path}.yaml is missing: {join(folder, f'{item.name}.yaml')} does not exist"
            hint = f"did you mean {near[0]}?" if near else f"the options of {item.group_path}: {listed}"
            found = MISSING_FILE.finding(message, hint, severity=Severity.WARNING)
            yield place_at(found, item.place)


def _clash(clashes: list[Finding], key: ScalarNode, node: Node, before: Node) -> None:
    """Note that a list and a mapping meet, which OmegaConf refuses to merge."""
    if isinstance(before, ScalarNode) or type(before) is type(node):
        return
    kinds = "a mapping here and a list" if isinstance(node, MappingNode) else "a list here and a mapping"
    message = f"{key.text} is {kinds} in {before.place.file}:{before.place.line}: Hydra cannot merge them"
    clashes.append(place_at(NOT_COMBINED.finding(message, f"write {key.text} in one way"), node.place))
