"""Paths of included files, as strings that look like the path that was typed: a `Path` forgets a leading `./`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from onecycle_cli.config.files import STDIN_NAME, YAML

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from onecycle_cli.config.files import Source

MOST_LISTED = 2000
"""Files of a folder, and of all folders below it, that are looked at."""

DEEPEST_FOLDER = 6


def join(folder: str, path: str) -> str:
    """Return the path of a file that another one names, seen from the folder of that one, without needless `..`."""
    path = os.path.expanduser(path)
    if os.path.isabs(path):
        return path
    found = folder
    for part in path.replace("\\", "/").split("/"):
        if part in ("", os.curdir):
            continue
        above, last = os.path.split(found)
        if part == os.pardir and last not in ("", os.curdir, os.pardir) and not _test(os.path.islink, found):
            found = above
        else:
            found = os.path.join(found, part)
    return found


def has_folder(source: Source) -> bool:
    """Return whether a source has files beside it: standard input has none."""
    return source.path != STDIN_NAME


def folder_of(source: Source) -> str:
    """Return the folder of a file, empty for the current one."""
    return os.path.dirname(source.path)


def stem_and_ending(path: str) -> tuple[str, str]:
    """Return the name of a file without its ending, and the ending."""
    return os.path.splitext(os.path.basename(path))


def folders_upwards(source: Source, most: int) -> Iterator[tuple[str, str]]:
    """List the folders above a file, the nearest first, with the file's path in each, without its ending.

    The list ends at the current folder and at the root of a repository.
    """
    folder, path = folder_of(source), stem_and_ending(source.path)[0]
    for _ in range(most):
        yield folder, path
        above, name = os.path.split(folder)
        if name in ("", os.curdir, os.pardir) or _test(os.path.exists, os.path.join(folder, ".git")):
            return
        folder, path = above, f"{name}/{path}"


def inside(folder: str, path: str) -> str:
    """Return the path that a file below a folder has in it, with slashes and without its ending."""
    return os.path.splitext(path.removeprefix(folder).lstrip("/" + os.sep))[0].replace(os.sep, "/")


def is_file(path: str) -> bool:
    """Return whether a path leads to a regular file."""
    return _test(os.path.isfile, path)


def yaml_names(folder: str) -> tuple[str, ...]:
    """Return the names of the YAML files in a folder, sorted; without hidden ones."""
    try:
        with os.scandir(folder or os.curdir) as entries:
            names = [entry.name for entry in entries if _is_yaml(entry.name)]
    except (OSError, ValueError):
        return ()
    return tuple(sorted(names)[:MOST_LISTED])


def yaml_paths_below(folder: str) -> tuple[str, ...]:
    """Return the paths of the YAML files in a folder and in those below it, sorted by folder."""
    found: list[str] = []
    waiting = [(folder, 0)]
    while waiting and len(found) < MOST_LISTED:
        folder, depth = waiting.pop()
        try:
            with os.scandir(folder or os.curdir) as scanned:
                entries = sorted(scanned, key=lambda entry: entry.name)
        except (OSError, ValueError):
            continue
        found += (os.path.join(folder, entry.name) for entry in entries if _is_yaml(entry.name))
        if depth < DEEPEST_FOLDER:
            folders = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
            waiting += [(os.path.join(folder, name), depth + 1) for name in folders if not name.startswith(".")]
    return tuple(found[:MOST_LISTED])


def _is_yaml(name: str) -> bool:
    return name.lower().endswith(YAML) and not name.startswith(".")


def _test(test: Callable[[str], bool], path: str) -> bool:
    try:
        return test(path)
    except ValueError:  # a name that no file can have
        return False
