"""The primary configs that a file of a Hydra application belongs to, if it is not one itself."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from onecycle_cli.config.composition.composed import Composition
from onecycle_cli.config.composition.defaults_list import (
    DEFAULTS,
    GLOBAL,
    HYDRA,
    DefaultsError,
    header_of,
    items_of,
)
from onecycle_cli.config.composition.hydra import Application, Composed
from onecycle_cli.config.composition.paths import folders_upwards, inside, join, stem_and_ending
from onecycle_cli.config.yaml_tree import UnreadableError
from onecycle_cli.findings.config_rules import NOT_COMBINED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.config.composition.defaults_list import Item
    from onecycle_cli.config.composition.library import Library
    from onecycle_cli.config.files import Source
    from onecycle_cli.config.nodes import Node

    Use = tuple[str, str | None]
    """A primary config, and the group file that is chosen with it."""

HIGHEST = 5
"""Folders above a file in which its primary configs are looked for."""

MOST_PRIMARIES = 60
"""Primary configs of a folder, and files that may select a file, that are composed to find it."""

MOST_LISTED = 300
"""Files of a folder among which its primary configs are looked for."""

MOST_CONTEXTS = 8
"""Ways in which a file may be used that are compared."""

_HAS_LIST = re.compile(rf"^{DEFAULTS}\s*:", re.MULTILINE)
_NOT_TRAINING = re.compile(r"eval|test|pred|infer|sampl|generat|export|valid|bench", re.IGNORECASE)


class GroupMember:
    """A file that may belong to a Hydra application, and the ways in which that uses it."""

    def __init__(self, library: Library, source: Source, tree: Node | None) -> None:
        """Take a file with its tree."""
        self._library, self._source = library, source
        self._items = _items(tree)
        self._header = header_of(source.text)
        self._stem = stem_and_ending(source.path)[0]

    @property
    def has_list(self) -> bool:
        """Whether the file has a defaults list."""
        return bool(self._items)

    @property
    def is_experiment(self) -> bool:
        """Whether the file changes what the primary config selects."""
        return any(item.override and HYDRA not in (item.group or "").split("/") for item in self._items)

    def alone(self) -> Composed:
        """Return the file composed as a primary config; from a folder above its own, if more of its list is there."""
        best: Composed | None = None
        for folder, path in self._roots():
            found = Application(self._library, folder).compose(path)
            if best is None or found.missing < best.missing:
                best = found
            if not best.missing:
                break
        return best  # type: ignore[return-value]

    @property
    def changes_primary(self) -> bool:
        """Whether the file is meant to change a primary config: an experiment, or any global file if it is named."""
        return self.is_experiment or (self._source.named and self._header == GLOBAL)

    def contexts(self, *, only_certain: bool) -> list[Composition]:
        """Return the ways in which primary configs in the folders above use the file; none if it is one itself.

        With `only_certain`, only primary configs count that select the file, themselves or through another file. A
        folder further up wins: inside a group, files select each other without being primary configs.
        """
        alone = self.alone() if self.has_list else None
        own = {self._source.path} if alone is None else {each.path for each in alone.sources.values()}
        is_primary = alone is not None and not (alone.missing or self._header or self.is_experiment)
        chosen = [] if only_certain or is_primary else [self._choosable, self._addable]
        certain = [self._selected] if self.changes_primary else [self._selected, self._selected_by_others]
        roots = [(folder, path, self._primaries(folder, path)) for folder, path in self._roots()]
        places = [(Application(self._library, folder), path, names) for folder, path, names in roots if names]
        for find in [*certain, *chosen]:
            for application, path, primaries in reversed(places):
                uses = find(application, primaries, path)
                uses = [use for use in uses if not _NOT_TRAINING.search(use[0])] or uses
                if uses:
                    is_certain = find in certain or self.changes_primary
                    found = [self._composition(application, use, path, own) for use in uses[:MOST_CONTEXTS]]
                    return [replace(each, is_certain=is_certain) for each in found]
        return []

    def _roots(self) -> Iterator[tuple[str, str]]:
        """List the folders that may hold the application's configs, with the file's path in each, the nearest first."""
        return folders_upwards(self._source, HIGHEST)

    def _primaries(self, folder: str, path: str) -> list[str]:
        """List the primary configs of a folder; none beside a file with a list of its own, which is one itself."""
        if self.has_list and "/" not in path:
            return []
        found = self._library.kept.get(("primaries", folder), lambda: self._with_lists(folder))
        return [name for name in found if name != path]

    def _with_lists(self, folder: str) -> list[str]:
        """List the files of a folder that have a defaults list."""
        names = [name for name in self._library.names(folder) if name.endswith(".yaml")]
        sources = [self._library.source(join(folder, name)) for name in names[:MOST_LISTED]]
        with_list = [source for source in sources if source is not None and has_list(source)]
        return [inside(folder, source.path) for source in with_list][:MOST_PRIMARIES]

    def _selected(self, application: Application, primaries: list[str], path: str) -> list[Use]:
        """Return the primary configs that select the file."""
        uses: list[Use] = [(name, None) for name in primaries]
        return self._using(application, uses, path)

    def _selected_by_others(self, application: Application, primaries: list[str], path: str) -> list[Use]:
        """Return the primary configs that select the file if another group file, such as an experiment, is chosen."""
        others = [other for other in self._mentions(application.folder).get(self._stem, ()) if other != path]
        uses: list[Use] = [(name, other) for other in others for name in primaries]
        return self._using(application, uses[:MOST_PRIMARIES], path)

    def _choosable(self, application: Application, primaries: list[str], path: str) -> list[Use]:
        """Return the primary configs with a group that the file is an option of."""
        uses: list[Use] = [(name, path) for name in primaries if not application.choice(name, path)[0].startswith("+")]
        return self._working(application, uses)

    def _addable(self, application: Application, primaries: list[str], path: str) -> list[Use]:
        """Return the primary configs to which the file can be added."""
        return self._working(application, [(name, path) for name in primaries] if "/" in path else [])

    @staticmethod
    def _using(application: Application, uses: list[Use], path: str) -> list[Use]:
        """Return the uses that lead to a file, if Hydra accepts them."""
        found = ((use, application.compose(*use)) for use in uses)
        return [use for use, composed in found if composed.error is None and path in composed.sources]

    @staticmethod
    def _working(application: Application, uses: list[Use]) -> list[Use]:
        """Return the uses that Hydra accepts; if it refuses all, the first one, which says why."""
        return [use for use in uses if application.compose(*use).error is None] or uses[:1]

    def _mentions(self, folder: str) -> dict[str, list[str]]:
        """Return the files of an application that select others, by the names that their lists mention."""

        def collect() -> dict[str, list[str]]:
            found: dict[str, list[str]] = {}
            for path in self._library.paths_below(folder):
                source = self._library.source(path)
                if source is None or not has_list(source):
                    continue
                try:
                    tree = self._library.tree(source)
                except UnreadableError:
                    continue
                config_path = inside(folder, path)
                for item in _items(tree) if "/" in config_path else ():
                    for name in item.options or (item.value,):
                        if name is not None:
                            found.setdefault(name.rpartition("/")[2], []).append(config_path)
            return found

        return self._library.kept.get(("mentions", folder), collect)

    def _composition(self, application: Application, use: Use, path: str, own: set[str]) -> Composition:
        found, (name, choice) = application.compose(*use), use
        primary = join(application.folder, f"{name}.yaml")
        if choice is not None:
            primary += " with " + "=".join(application.choice(name, choice))
        whole = composition(self._source, found)
        # What else is missing from the primary config is reported with that.
        findings = [each for each in whole.findings if each.file in own or each.rule is NOT_COMBINED]
        return replace(
            whole,
            findings=tuple(findings),
            own=None if self.changes_primary else frozenset(own),
            package=found.packages.get(path, ""),
            primary=primary,
        )


def has_list(source: Source) -> bool:
    """Return whether a file seems to have a defaults list."""
    return DEFAULTS in source.text and _HAS_LIST.search(source.text) is not None


def composition(source: Source, found: Composed) -> Composition:
    """Return a composed config as that of a file."""
    others = {each.path: each for each in found.sources.values() if each.path != source.path}
    findings = (*found.findings, *([found.error] if found.error else []))
    return Composition(found.root, findings, others, is_hydra=True)


def _items(tree: Node | None) -> tuple[Item, ...]:
    try:
        return items_of(tree)
    except DefaultsError:
        return ()
