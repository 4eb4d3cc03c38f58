"""YAML text as a tree in which every node knows its place.

The tree is built from PyYAML's stream of events with a stack of our own: composing with PyYAML itself recurses, and
crashes the interpreter on deep nesting. Aliases share their node, so an alias bomb costs no memory.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

from onecycle_cli.config.nodes import TOP, MappingNode, Place, ScalarNode, SequenceNode, is_merge, place_at, seen_from
from onecycle_cli.config.scalars import PLAIN_TAGS
from onecycle_cli.findings.config_rules import NOT_YAML, SEVERAL_DOCUMENTS, TOO_MUCH

if TYPE_CHECKING:
    from onecycle_cli.config.nodes import Node
    from onecycle_cli.findings import Rule

DEEPEST = 100
TOO_DEEP = f"nested deeper than {DEEPEST} levels"
MOST_NODES = 200_000

_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ufffd\U00010000-\U0010ffff]")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser of libyaml, where PyYAML has it."""


class UnreadableError(Exception):
    """The text is not one valid document; `finding` says why and where."""

    def __init__(self, rule: Rule, message: str, place: Place, hint: str = "check that this is the right file") -> None:
        """Make the finding, with its place."""
        super().__init__(message)
        self.finding = place_at(rule.finding(message, hint), place)


def parse(text: str, file: str | None = None) -> Node | None:
    """Return the tree of the text's one document, whose places name the file if it is given; None if it is empty.

    Raises:
        UnreadableError: the text breaks the grammar, holds several documents, or is nested too deeply.
    """
    builder = _Builder(file)
    try:
        for event in yaml.parse(text, Loader=LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise _broken(error, text) from None
    except yaml.YAMLError as error:
        raise _unreadable_character(text, error) from None
    return builder.root


class _Builder:
    """Takes events one by one and adds nodes to the tree."""

    def __init__(self, file: str | None) -> None:
        self.root: Node | None = None
        self._file = file
        self._open: list[_Open] = []
        self._anchors: dict[str, Node] = {}
        self._nodes = 0
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            plain = event.tag in PLAIN_TAGS if event.tag else not event.style
            self._add(ScalarNode(place_of(event, self._file), event.value, plain, event.tag), event)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in self._anchors:
                message = f"not YAML: the anchor of *{event.anchor} is not defined"
                hint = f"define it with &{event.anchor} before this line"
                raise UnreadableError(NOT_YAML, message, place_of(event, self._file), hint)
            # The copy of a collection shares its items with the anchor's node; only its place is the alias's own.
            self._add(seen_from(place_of(event, self._file), self._anchors[event.anchor]), event)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._begin(SequenceNode(place_of(event, self._file)), event)
        elif isinstance(event, yaml.MappingStartEvent):
            self._begin(MappingNode(place_of(event, self._file)), event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._close(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                message = "a second document begins here; a file must contain one plan"
                raise UnreadableError(
                    SEVERAL_DOCUMENTS, message, place_of(event, self._file), "move it to a file of its own"
                )

    def _close(self, event: yaml.CollectionEndEvent) -> None:
        closed = self._open.pop().node
        if self._open and (template := _template(closed)):
            self._open[-1].replace_last(template)
        elif isinstance(closed, MappingNode) and (merged := _merged_entries(closed)):
            # Aliases share the list, so what is merged into it is merged for all of them.
            closed.entries[:] = merged
            self._count(len(merged), event)

    def _begin(self, node: SequenceNode | MappingNode, event: yaml.NodeEvent) -> None:
        self._add(node, event)
        if len(self._open) == DEEPEST:
            raise UnreadableError(TOO_MUCH, TOO_DEEP, place_of(event, self._file))
        self._open.append(_Open(node))

    def _add(self, node: Node, event: yaml.NodeEvent) -> None:
        self._count(1, event)
        if event.anchor is not None and not isinstance(event, yaml.AliasEvent):
            self._anchors[event.anchor] = node
        if self._open:
            self._open[-1].add(node)
        else:
            self.root = node

    def _count(self, nodes: int, event: yaml.Event) -> None:
        self._nodes += nodes
        if self._nodes > MOST_NODES:
            raise UnreadableError(TOO_MUCH, f"more than {MOST_NODES:,} values", place_of(event, self._file))


class _Open:
    """A collection that has not ended yet, and the key whose value comes next."""

    def __init__(self, node: SequenceNode | MappingNode) -> None:
        self.node = node
        self._key: Node | None = None

    def add(self, node: Node) -> None:
        if isinstance(self.node, SequenceNode):
            self.node.items.append(node)
        elif self._key is None:
            self._key = node
        else:
            self.node.entries.append((self._key, node))
            self._key = None

    def replace_last(self, node: Node) -> None:
        """Put another node in the place of the one that was added last, unless that is a key."""
        if isinstance(self.node, SequenceNode):
            self.node.items[-1] = node
        elif self._key is None:
            self.node.entries[-1] = (self.node.entries[-1][0], node)


def _template(closed: SequenceNode | MappingNode) -> ScalarNode | None:
    """Return a template without quotes, `{{ lr }}`, as the scalar that it stands for: YAML reads two mappings."""
    match closed:
        case MappingNode(_, [(MappingNode(_, [(ScalarNode() as name, ScalarNode(text="", plain=True))]), value)]):
            is_whole = isinstance(value, ScalarNode) and value.plain and not value.text
            return ScalarNode(closed.place, f"{{{{ {name.text} }}}}", plain=False) if is_whole else None
    return None


def _merged_entries(mapping: MappingNode) -> list[tuple[Node, Node]] | None:
    """Return a mapping's entries followed by those that `<<` merges into it; None if it merges nothing.

    As in YAML's merge keys, the mapping's own entries win, then the mapping named first.
    """
    sources = [node for key, node in mapping.entries if is_merge(key)]
    mappings = [child for node in sources for child in (node.items if isinstance(node, SequenceNode) else [node])]
    if not mappings or not all(isinstance(child, MappingNode) for child in mappings):
        return None
    entries = [(key, node) for key, node in mapping.entries if not is_merge(key)]
    keys = {key.text for key, _ in entries if isinstance(key, ScalarNode)}
    for child in mappings:
        for key, node in child.pairs() if isinstance(child, MappingNode) else ():
            if key.text not in keys:
                keys.add(key.text)
                entries.append((key, node))
    return entries


def place_of(event: yaml.Event, file: str | None = None) -> Place:
    """Return where a value begins: of an anchored word, the word."""
    mark, end = event.start_mark, event.end_mark
    if mark is None or end is None:
        return TOP
    if (
        isinstance(event, yaml.ScalarEvent)
        and event.anchor
        and mark.line == end.line
        and not (event.style or event.tag)
    ):
        column = end.column + 1 - len(event.value)  # the word itself, not its anchor
        return Place(end.line + 1, column, None, file)
    return Place(mark.line + 1, mark.column + 1, None, file)


def _broken(error: yaml.MarkedYAMLError, text: str) -> UnreadableError:
    mark = error.problem_mark or error.context_mark
    place = TOP if mark is None else Place(mark.line + 1, mark.column + 1)
    if "nesting depth" in (error.problem or ""):  # PyYAML from 6.0.4 has a limit of its own
        return UnreadableError(TOO_MUCH, TOO_DEEP, place)
    message = f"not YAML: {error.problem or 'broken'}{_context(error)}"
    return UnreadableError(NOT_YAML, message, place, _hint(error.problem or "", text, place))


def _context(error: yaml.MarkedYAMLError) -> str:
    """Return what was being read, and where that began if it began elsewhere."""
    begin, end = error.context_mark, error.problem_mark
    if not error.context:
        return ""
    elsewhere = begin is not None and end is not None and (begin.line, begin.column) != (end.line, end.column)
    if begin is None or not elsewhere or "next token" in error.context:
        return f" ({error.context})"
    return f" ({error.context} that begins in line {begin.line + 1}, column {begin.column + 1})"


def _hint(problem: str, text: str, place: Place) -> str:
    if "cannot start any token" in problem:
        line = text.splitlines()[place.line - 1 : place.line]
        return "indent with spaces, not tabs" if line and "\t" in line[0][: place.column] else "quote the value"
    if "mapping values are not allowed" in problem:
        return "indent the line like its neighbours, or quote the value if the colon belongs to it"
    if "escape character" in problem:
        return "use single quotes: in double quotes a backslash begins an escape"
    return "close the bracket or quote, or indent the line like its neighbours"


def _unreadable_character(text: str, error: yaml.YAMLError) -> UnreadableError:
    """Find the character that YAML forbids: PyYAML's two readers give its position in different units."""
    forbidden = _FORBIDDEN.search(text)
    at = forbidden.start() if forbidden else 0
    lines = (text[:at] + ".").splitlines()
    place = Place(len(lines), len(lines[-1]))
    name = f"U+{ord(text[at]):04X}" if at < len(text) else str(error)
    message = f"not YAML: the character {name} is not allowed in YAML"
    # UTF-16 without a byte-order mark reads as text with every second character NUL.
    wide = 3 * text[:1000].count("\0") > len(text[:1000])
    hint = "save the file as UTF-8" if wide else "remove it; check that this is the right file"
    return UnreadableError(NOT_YAML, message, place, hint)
