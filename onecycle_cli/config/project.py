"""The settings of a project: `[tool.onecycle]` in its pyproject.toml, or `.onecycle.toml`, found upwards."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onecycle_cli.errors import OnecycleError
from onecycle_cli.findings import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OWN_FILE, PYPROJECT = ".onecycle.toml", "pyproject.toml"

EVERY_CODE = "ALL"

_TABLE = re.compile(r"^\W*(tool\W+)?onecycle\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Project:
    """A project's settings: codes to report and not to report, files to leave out, and values to set in configs.

    `folder` is where the settings are; the patterns of `exclude` are relative to it.
    """

    folder: str = ""
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    strict: bool = False
    set: tuple[str, ...] = ()


def find_project() -> Project:
    """Return the settings of the nearest file that has some, from the working directory upwards.

    In one folder `.onecycle.toml` comes before `pyproject.toml`.

    Raises:
        OnecycleError: the file is not TOML, or a setting in it is unknown or has the wrong type.
    """
    try:
        here = Path.cwd()
    except OSError:  # the working directory was deleted
        return Project()
    for folder in (here, *here.parents):
        for name in (OWN_FILE, PYPROJECT):
            try:
                text = (folder / name).read_bytes()
            except OSError:  # most folders have neither
                continue
            if (name == OWN_FILE or b"onecycle" in text) and (found := _read(folder / name, text)) is not None:
                return found
    return Project()


def read_codes(words: list[str]) -> tuple[str, ...]:
    """Return codes and their beginnings, such as OC4, in capitals; ALL, with which every code begins, is empty.

    Raises:
        ValueError: a word is not the beginning of a code; the message is what to use.
    """
    codes = tuple(word.strip().upper() for word in words)
    for code in codes:
        if code != EVERY_CODE and (not code or not any(rule.startswith(code) for rule in RULES)):
            near = get_close_matches(code, RULES, 1, 0.5)
            raise ValueError(f"a code or its beginning, such as {near[0] if near else 'OC104'} or OC4")
    return tuple("" if code == EVERY_CODE else code for code in codes)


def is_selected(code: str, select: tuple[str, ...], ignore: tuple[str, ...]) -> bool:
    """Return whether a code is to be reported: the longest beginning that matches decides, and `ignore` if two do."""

    def longest(words: tuple[str, ...]) -> int:
        return max((len(word) for word in words if code.startswith(word)), default=-1)

    return longest(select or ("",)) > longest(ignore)


def _read(path: Path, data: bytes) -> Project | None:
    import tomllib

    try:
        text = data.decode()
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        why = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise OnecycleError(f"{path}: not TOML: {why}", "correct the file, or use --isolated to ignore it") from None
    table = document if path.name == OWN_FILE else _tool(document)
    if table is None:
        return None
    if not isinstance(table, dict):
        raise OnecycleError(f"{path}: tool.onecycle is not a table", "write [tool.onecycle]")
    return Project(str(path.parent), **dict(_values(path, text, table)))


def _tool(document: Mapping[str, Any]) -> object:
    tools = document.get("tool")
    return tools.get("onecycle") if isinstance(tools, dict) else None


def _values(path: Path, text: str, table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    known = ("select", "ignore", "exclude", "strict", "set")
    for name, value in table.items():
        place = f"{path}:{_line(text, name)}"
        if name not in known:
            near = get_close_matches(name, known, 1)
            raise OnecycleError(
                f"{place}: unknown setting {name}", f"did you mean {near[0]}?" if near else f"use {', '.join(known)}"
            )
        if name == "strict":
            if not isinstance(value, bool):
                raise OnecycleError(f"{place}: strict is not true or false", "write strict = true")
            yield name, value
        elif name == "set" and isinstance(value, dict):
            yield name, tuple(_assignments(value))
        elif not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            example = {"exclude": '["old/*.yaml"]', "set": '["trainer.max_steps=5000"]'}.get(name, '["OC104"]')
            raise OnecycleError(f"{place}: {name} is not a list of strings", f"write {name} = {example}")
        elif name in ("select", "ignore"):
            try:
                yield name, read_codes(value)
            except ValueError as error:
                raise OnecycleError(
                    f"{place}: invalid {name}: use {error}", "`onecycle explain` lists the codes"
                ) from None
        else:
            yield name, tuple(value)


def _line(text: str, name: str) -> int:
    """Return the line of a setting; in pyproject.toml other tables, before ours, may have one of the same name."""
    ours = _TABLE.search(text)
    setting = re.compile(rf"^\W*((tool\W+)?onecycle\W+)?{re.escape(name)}(?!\w)", re.MULTILINE)
    found = setting.search(text, ours.start() if ours else 0)
    return text.count("\n", 0, found.end()) + 1 if found else 1


def _assignments(table: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[str]:
    """Write a table, and those in it, as assignments: path=value."""
    import json

    for key, value in table.items():
        if isinstance(value, dict):
            yield from _assignments(value, (*path, key))
        else:
            text = value if isinstance(value, str) else json.dumps(value, default=str)
            yield f"{'.'.join((*path, key))}={text}"
