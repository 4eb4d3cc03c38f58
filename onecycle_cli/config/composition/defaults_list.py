"""Hydra's defaults lists: the items of one, and the order and packages of all files that a primary config selects.

Follows Hydra 1.3.2 with its default `version_base` of 1.1. Overrides are collected from the outer lists inwards and
from the end of each list, and the first one for a key wins; references such as `${db}` in a list are followed last.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from onecycle_cli.config.loaders import MISSING
from onecycle_cli.config.nodes import TOP, MappingNode, ScalarNode, SequenceNode
from onecycle_cli.config.scalars import read_plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from onecycle_cli.config.nodes import Node, Place

DEFAULTS = "defaults"
SELF = "_self_"
GLOBAL = "_global_"
HYDRA = "hydra"
"""The group of Hydra's own configs, which are part of Hydra."""

DEEPEST_LISTS = 30
"""Files that select one another, one inside the other."""

MOST_FILES = 200
"""Files that make up one config."""

_HEADER = re.compile(r"#\s*@\s*package\s+(\S+)\s*$")
_REFERENCE = re.compile(r"\$\{\s*([^{}:]+?)\s*\}")


class DefaultsError(Exception):
    """Hydra refuses the list."""

    def __init__(self, message: str, hint: str, place: Place) -> None:
        """Note what is wrong, what to do, and where."""
        super().__init__(message)
        self.message, self.hint, self.place = message, hint, place


@dataclass(slots=True)
class Item:
    """One item of a defaults list, and where it stands.

    Attributes:
        place: where the item is written.
        group: the group as written, which may begin with `/`; None for a file named without one.
        value: the option, or the path of a file; None for null.
        options: the options where several are listed.
        package: the package after `@`.
        optional: whether the file may be missing.
        override: whether it changes an item elsewhere.
        is_added: whether it was added on the command line.
        parent_group: the group of the file with the list.
        parent_package: its package.
        header: the package that the item's own file asks for.
    """

    place: Place
    group: str | None
    value: str | None
    options: tuple[str, ...] | None = None
    package: str | None = None
    optional: bool = False
    override: bool = False
    is_added: bool = False
    parent_group: str = ""
    parent_package: str = ""
    header: str | None = None

    @property
    def is_self(self) -> bool:
        """Whether it stands for the content of the file with the list."""
        return self.value == SELF

    @property
    def is_reference(self) -> bool:
        """Whether its value depends on other items."""
        return self.value is not None and "${" in self.value

    @property
    def _group(self) -> str:
        return self.group if self.group is not None else (self.value or "").rpartition("/")[0]

    @property
    def name(self) -> str | None:
        """The name of the file."""
        return self.value if self.group is not None or self.value is None else self.value.rpartition("/")[2]

    @property
    def group_path(self) -> str:
        """The group, from the root of the configs."""
        named = self.group if self.group is not None else self.value or ""
        if named.startswith("/"):
            return self._group.removeprefix("/")
        return "/".join(part for part in (self.parent_group, self._group) if part)

    @property
    def config_path(self) -> str:
        """The file, from the root of the configs, without its ending."""
        return "/".join(part for part in (self.group_path, self.name) if part)

    @property
    def key(self) -> str:
        """By what it can be overridden: the group, and the package if that is not the group's own."""
        group = self.group_path
        package = self.final_package(with_header=False)
        return group if package == group.replace("/", ".") else f"{group}@{package or GLOBAL}"

    def final_package(self, *, with_header: bool = True) -> str:
        """Return where the file's content goes, as a dotted path from the root."""
        package = self.package
        if package is None and with_header:
            package = self.header
        if package is None:
            package = self._group.removeprefix("/").replace("/", ".")
        if self.name is not None and self.options is None:
            package = package.replace("_name_", self.name)
        whole = ".".join(part for part in (self.parent_package, package) if part)
        return whole.rpartition(GLOBAL)[2].removeprefix(".") if GLOBAL in whole else whole

    def below(self, parent: Item) -> Item:
        """Return the item as part of the list of another one's file."""
        item = replace(self, parent_group=parent.group_path, parent_package=parent.final_package())
        if item.package is not None and "_group_" in item.package:
            own = item.package.replace("_group_", item.group_path.replace("/", "."))
            item.package = f"{GLOBAL}.{own}"
        return item

    def with_header(self, header: str | None) -> Item:
        """Return the item with the package that its file asks for."""
        if header is None or header == "_group_":
            return self
        if header != GLOBAL and not header.startswith(f"{GLOBAL}."):
            header = f"{GLOBAL}.{header}"
        return replace(self, header=header.replace("_group_", self.group_path.replace("/", ".")))


@dataclass(frozen=True, slots=True)
class Part:
    """The content of one file, and the package it goes to."""

    config_path: str
    package: str


@dataclass(frozen=True, slots=True)
class GroupFile:
    """What expanding needs of a file: its list, and the package that its header asks for."""

    items: tuple[Item, ...]
    header: str | None


@dataclass(slots=True)
class Expansion:
    """The files that a primary config selects.

    Attributes:
        load: returns a file of the configs by its path; None if it is not there.
        choices: options by key, as given on the command line; after expanding, those of the lists too.
        appended: items added on the command line.
        selected: the option of each key.
        missing: items whose file is not there, with the path of the file whose list has them.
        files: the paths of all files that are there.
    """

    load: Callable[[str], GroupFile | None]
    choices: dict[str, str | tuple[str, ...] | None] = field(default_factory=dict)
    appended: tuple[Item, ...] = ()
    selected: dict[str, str | None] = field(default_factory=dict)
    missing: list[Item] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    _overrides: dict[str, Item] = field(default_factory=dict)
    _used: set[str] = field(default_factory=set)
    _leaves: set[str] = field(default_factory=set)

    def expand(self, config_path: str) -> list[Part]:
        """Return the parts that make up a config, in the order in which they are merged.

        Raises:
            DefaultsError: Hydra refuses one of the lists.
        """
        parts = self._expand(Item(TOP, None, config_path), (), is_root=True)
        for key, item in self._overrides.items():
            if key not in self._used and not self.missing:
                message = f"the override of {key} matches no item: Hydra fails with \"Could not override '{key}'\""
                near = [known for known in self.selected if known.partition("@")[0] == key.partition("@")[0]]
                hint = f"did you mean {near[0]}?" if near else "add the group to the primary config, or leave it out"
                raise DefaultsError(message, hint, item.place)
        return parts

    def _expand(
        self, item: Item, chain: tuple[str, ...], *, is_root: bool = False, is_referenced: bool = False
    ) -> list[Part]:
        path = item.config_path
        found = None if item.name in (None, MISSING) else self.load(path)
        item = item.with_header(found.header if found else None)
        self._select(item)
        if item.name in (None, MISSING):
            return []
        if found is None:
            if not item.optional:
                self.missing.append(item)
            return []
        if path in chain:
            names = " → ".join([*chain[chain.index(path) :], path])
            message = f"the defaults lists select each other without end: {names}"
            raise DefaultsError(message, f"remove {item.value} from the list", item.place)
        if len(chain) == DEEPEST_LISTS or len(self.files) == MOST_FILES:
            message = f"the defaults lists select more than {MOST_FILES} files, or {DEEPEST_LISTS} inside one another"
            raise DefaultsError(message, "check that this is the right file", item.place)
        self.files.append(path)
        items = self._all_items(found, self.appended if is_root else ())
        items = [below if below.is_self else below.below(item) for below in items]
        self._collect(items, is_referenced=is_referenced)
        parts = self._parts(item, items, (*chain, path), is_referenced=is_referenced)
        if parts is not None:
            return parts
        if item.group is not None and item.key in self._leaves:
            message = f"{item.key}: {item.value} is selected twice: Hydra refuses it"
            raise DefaultsError(message, "remove one of the two", item.place)
        self._leaves.add(item.key if item.group is not None else "")
        return [Part(path, item.final_package())]

    @staticmethod
    def _all_items(found: GroupFile, appended: tuple[Item, ...]) -> list[Item]:
        """Return a file's items, with `_self_` at the end where Hydra adds it: if any of them is not an override."""
        has_self = any(item.is_self for item in found.items)
        has_others = any(not item.override for item in found.items)
        is_added = (not has_self and has_others) or (not found.items and bool(appended))
        return [*found.items, *[Item(TOP, None, SELF)] * is_added, *appended]

    def _parts(
        self, item: Item, items: list[Item], chain: tuple[str, ...], *, is_referenced: bool
    ) -> list[Part] | None:
        """Return the parts that a list gives; None if it has nothing but overrides."""
        groups: list[list[Part] | Item] = []
        for below in reversed(items):
            if below.is_self:
                groups.append([Part(item.config_path, item.final_package())])
                continue
            if below.override:
                continue
            if below.group is not None and below.key in self.choices:
                below = self._overridden(below)
            if below.options is not None:
                for option in reversed(below.options):
                    each = replace(below, group=None, value=f"{below.group}/{option}", options=None)
                    groups.append(self._expand(each, chain, is_referenced=is_referenced))
            elif below.is_reference:
                groups.append(below)
            else:
                groups.append(self._expand(below, chain, is_referenced=is_referenced))
        expanded = [self._referred(each, chain) if isinstance(each, Item) else each for each in groups]
        return [part for parts in reversed(expanded) for part in parts] if groups else None

    def _referred(self, item: Item, chain: tuple[str, ...]) -> list[Part]:
        """Return the parts that a reference selects; none if it may refer to a file that is not here."""
        names = _REFERENCE.findall(item.value or "")
        if self.missing and any(self.selected.get(name) is None for name in names):
            self.missing.append(item)
            return []
        return self._expand(self._resolved(item), chain, is_referenced=True)

    def _select(self, item: Item) -> None:
        if item.group is None or item.options is not None:
            return
        if item.key not in self.selected:
            self.selected[item.key] = item.value
            return
        first = self.selected[item.key]
        if first != item.value:
            message = f"{item.key} is selected twice, as {first} and as {item.value}: Hydra refuses it"
            raise DefaultsError(message, f"use `override {item.key}: {item.value}` for the second", item.place)

    def _collect(self, items: list[Item], *, is_referenced: bool) -> None:
        """Note the overrides of a list; those of the lists above it were noted before, and win."""
        if sum(item.is_self for item in items) > 1:
            again = [item for item in items if item.is_self][1]
            raise DefaultsError("_self_ is in the list twice: Hydra refuses it", "remove one of the two", again.place)
        last: Item | None = None
        for item in items:
            if not item.override:
                if last is not None and not (item.is_self or item.is_added):
                    message = f"the override of {last.key} is not at the end of the list: Hydra refuses it"
                    raise DefaultsError(message, "move the overrides to the end", last.place)
                continue
            last = item
            if is_referenced:
                message = f"the override of {item.key} is in a file selected by a reference: Hydra refuses it"
                raise DefaultsError(message, "move it to a file that is selected by its name", item.place)
            if item.key not in self.choices:
                self.choices[item.key] = item.options or item.value
                if item.group_path.partition("/")[0] != HYDRA:
                    self._overrides[item.key] = item

    def _overridden(self, item: Item) -> Item:
        value = self.choices[item.key]
        self._used.add(item.key)
        if isinstance(value, tuple):
            return replace(item, value=None, options=value)
        return replace(item, value=value, options=None)

    def _resolved(self, item: Item) -> Item:
        def value(reference: re.Match[str]) -> str:
            chosen = self.selected.get(reference[1])
            if chosen is None:
                known = ", ".join(self.selected)
                message = f"{reference[0]} is not a group of the defaults list: Hydra refuses it"
                raise DefaultsError(message, f"the groups before it: {known}", item.place)
            return chosen

        return replace(item, value=_REFERENCE.sub(value, item.value or ""))


def header_of(text: str) -> str | None:
    """Return the package of the comment `# @package …` among the first lines of a file."""
    for line in text[:512].splitlines():
        found = _HEADER.match(line.strip())
        if found is not None:
            return found[1]
        if line.strip() and not re.match(r"\s*#\s*@", line):
            return None
    return None


def items_of(tree: Node | None) -> tuple[Item, ...]:
    """Return the items of a file's defaults list, without those that Hydra could not read.

    Raises:
        DefaultsError: an item has another form.
    """
    found = list_of(tree)
    return () if found is None else tuple(map(_item, found.items))


def list_of(tree: Node | None) -> SequenceNode | None:
    """Return the defaults list of a file; None if it has none."""
    pairs = tree.pairs() if isinstance(tree, MappingNode) else ()
    lists = [node for key, node in pairs if key.text == DEFAULTS]
    return lists[-1] if lists and isinstance(lists[-1], SequenceNode) else None


def _item(node: Node) -> Item:
    if isinstance(node, ScalarNode) and _string(node) is not None:
        path, _, package = node.text.partition("@")
        return Item(node.place, None, path, package=_package(package))
    if not isinstance(node, MappingNode):
        raise DefaultsError("an item of the defaults list is neither a file nor a group", _FORMS, node.place)
    pairs = node.pairs()
    optional = False
    if len(pairs) > 1:  # the form of Hydra 1.0, which it reads up to `version_base` 1.1
        optional = any(key.text == "optional" and getattr(value, "text", "") == "true" for key, value in pairs)
        pairs = [(key, value) for key, value in pairs if key.text != "optional"]
    if len(pairs) != 1:
        message = f"an item of the defaults list has {len(pairs)} keys: Hydra refuses it"
        raise DefaultsError(message, "begin each group with a `-` of its own", node.place)
    key, value = pairs[0]
    named, _, package = key.text.partition("@")
    *keywords, group = named.split(" ")
    item = Item(key.place, group, None, package=_package(package))
    item.optional = optional or "optional" in keywords
    item.override = "override" in keywords
    if isinstance(value, SequenceNode):
        options = [_string(option) for option in value.items]
        item.options = tuple(option for option in options if option is not None)
    elif isinstance(value, ScalarNode):
        item.value = _string(value)
    else:
        raise DefaultsError(f"the option of {group} is a mapping: Hydra refuses it", _FORMS, key.place)
    return item


_FORMS = "write `- file`, `- group: option` or `- group: [first, second]`"


def _package(written: str) -> str | None:
    first = written.partition(":")[0]
    return None if not written else "" if first == "_here_" else first


def _string(node: Node) -> str | None:
    """Return the text of a string; None for null."""
    if not isinstance(node, ScalarNode) or (node.plain and read_plain(node.text) is None):
        return None
    return node.text
