"""Where a finding's file lies, as a CI system names it: from the root of the repository, with forward slashes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

STDIN = "<stdin>"
ROOTS = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR", "BUILD_SOURCESDIRECTORY", "WORKSPACE")
"""Where GitHub, GitLab, Azure and Jenkins say that the repository lies."""


def repository_root(environment: Mapping[str, str]) -> str:
    """Give the folder from which a CI system counts paths; the current one where none is named."""
    return next((environment[name] for name in ROOTS if environment.get(name)), os.curdir)


def from_root(path: str, root: str) -> str:
    """Give a path from the repository's root, else from the current folder; a full path if it lies in neither."""
    try:
        for base in (root, os.curdir):
            # The root may be named through a link. A link inside it keeps its own name: that is what a diff shows.
            for resolve in (os.path.abspath, os.path.realpath):
                full = Path(resolve(path))
                if full.is_relative_to(resolve(base)):
                    return full.relative_to(resolve(base)).as_posix()
        return Path(os.path.abspath(path)).as_posix()  # noqa: PTH100 - Path.absolute() leaves `..` standing
    except ValueError:
        return path  # no file can have this name


def uri(place: str) -> str:
    """Give a place of `from_root` as a URI reference: relative where it is, `file:` where it is not."""
    if Path(place).is_absolute():
        return f"file:///{_quoted(place.lstrip('/'), '/:')}"
    return _quoted(place, "/")


def _quoted(text: str, safe: str) -> str:
    try:
        return quote(text, safe, errors="surrogateescape")
    except UnicodeEncodeError:
        return quote(text, safe, errors="replace")
