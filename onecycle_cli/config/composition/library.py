"""The files of one run, each read and parsed once, and what its folders contain."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from onecycle_cli.config.composition.paths import is_file, yaml_names, yaml_paths_below
from onecycle_cli.config.files import JSON, PYTHON, YAML, read_source
from onecycle_cli.config.yaml_tree import UnreadableError, parse
from onecycle_cli.errors import OnecycleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from onecycle_cli.config.files import Source
    from onecycle_cli.config.nodes import Node

READABLE = (*YAML, PYTHON, JSON)
"""Endings of files that a config may include."""

MOST_KEPT = 500
"""Files and compositions that are kept in memory, the ones used last."""

T = TypeVar("T")


class Kept:
    """The results that were used last, by their key."""

    def __init__(self) -> None:
        """Begin empty."""
        self._results: OrderedDict[object, object] = OrderedDict()

    def get(self, key: object, make: Callable[[], T]) -> T:
        """Return the result for a key, made at most once as long as it is kept."""
        if key in self._results:
            self._results.move_to_end(key)
            return self._results[key]  # type: ignore[return-value]
        result = self._results[key] = make()
        if len(self._results) > MOST_KEPT:
            self._results.popitem(last=False)
        return result

    def forget(self, key: object) -> None:
        """Make the result for a key again when it is next asked for."""
        self._results.pop(key, None)


class Library:
    """Reads the files that configs include: regular files only, with the endings of configs.

    `given` are sources to use in place of the files of their paths.
    """

    def __init__(self, given: Iterable[Source] = ()) -> None:
        """Begin with nothing read but what is given."""
        self._given = {source.path: source for source in given}
        self._main: Source | None = None
        self._main_tree: Node | UnreadableError | None = None
        self.kept = Kept()

    def give(self, source: Source) -> None:
        """Use a source that was read already, until the next one is given.

        Its tree is kept no longer: most files are not included by others, and trees in memory slow down Python.
        """
        if source.path not in self._given:
            self._main, self._main_tree = source, None

    def source(self, path: str) -> Source | None:
        """Return the file at a path; None if there is none that may be read."""
        if self._main is not None and path == self._main.path:
            return self._main
        return self._given.get(path) or self.kept.get(("source", path), lambda: self._read(path))

    def tree(self, source: Source) -> Node | None:
        """Return the tree of a YAML or JSON file.

        Raises:
            UnreadableError: it is not one.
        """
        if source is self._main:
            found = self._main_tree = self._main_tree or _parse(source)
        else:
            found = self.kept.get(("tree", source.path, source.text), lambda: _parse(source))
        if isinstance(found, UnreadableError):
            raise found
        return found

    def names(self, folder: str) -> tuple[str, ...]:
        """Return the names of the YAML files in a folder, sorted; without hidden ones."""
        return self.kept.get(("names", folder), lambda: yaml_names(folder))

    def paths_below(self, folder: str) -> tuple[str, ...]:
        """Return the paths of the YAML files in a folder and in those below it, sorted by folder."""
        return self.kept.get(("below", folder), lambda: yaml_paths_below(folder))

    def _read(self, path: str) -> Source | None:
        if not path.lower().endswith(READABLE) or not is_file(path):
            return None
        try:
            return read_source(path, named=False)
        except OnecycleError:
            return None


def _parse(source: Source) -> Node | UnreadableError | None:
    try:
        return parse(source.text, source.path)
    except UnreadableError as error:
        error.finding = replace(error.finding, file=source.path)
        return error
