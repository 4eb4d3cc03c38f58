"""Settings written into a config: each value in its place, and every other character as it was."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import yaml

from onecycle_cli.config.block_choice import choose
from onecycle_cli.config.files import PYTHON
from onecycle_cli.config.reader import read
from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import join_words, yaml_value
from onecycle_cli.policy.conventions import CONVENTIONS, DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onecycle_cli.config import LoadedPlan
    from onecycle_cli.config.files import Source
    from onecycle_cli.config.raw_plan import RawPlan

    Edit = tuple[int, int, str]
    """Begin and end of the text to replace, and the text to write there."""

JSON = ".json"


@dataclass(slots=True)
class Span:
    """Where a node is in the text: the character it begins at, the one after its end, and its line and column from 1.

    Of a mapping, `entries` are its keys and values, and `flow` says whether it is in braces.
    """

    begin: int
    end: int
    line: int
    column: int
    flow: bool = False
    entries: list[tuple[Span, Span]] = field(default_factory=list)


def with_settings(source: Source, settings: Mapping[str, object], block: str | None = None) -> str:
    """Return a config's text with other values of settings; those that it does not have are added beside the others.

    Args:
        source: the file, in YAML or JSON.
        settings: the new values, by setting; None for one that is to be as if it were not given.
        block: the path of the block to change, if the config has several.

    Raises:
        OnecycleError: the file cannot be read, or a value cannot be written into it so that it is read back.
    """
    if source.path.endswith((*PYTHON, ".ipynb")):
        raise OnecycleError(f"cannot change {source.path}: it is Python", "change the script by hand")
    plan = choose(read(source), block)
    if not plan.readable or source.finding is not None:
        raise OnecycleError(f"cannot change {source.path}: it has errors", f"see `onecycle validate {source.path}`")
    spans, mappings = _spans(source.text)
    edits: list[Edit] = []
    added: dict[str, object] = {}
    for setting, value in settings.items():
        place = plan.places.get((setting, None))
        here = None if place is None or place.flag or place.file not in (None, source.path) else place
        span = spans.get((here.line, here.column)) if here is not None else None
        if span is None:
            added[setting] = value
        else:
            edits.append((span.begin, span.end, _written(source, value)))
    if added:
        edits += _additions(source, plan, mappings, added)
    text = source.text
    for begin, end, new in sorted(edits, reverse=True):
        text = text[:begin] + new + text[end:]
    _check(source, plan, settings, text, block)
    return text


def changes_of(loaded: LoadedPlan, *, scaled: bool = False) -> dict[str, object]:
    """Return the settings to write so that the file of a plan becomes the plan: those of flags, and what they replace.

    lr_decay becomes the peaks that it makes. `scaled` says that the peak is no longer the file's or a flag's.
    """
    given = {} if loaded.settings is None else loaded.settings.given
    # What a flag took the place of, such as total_steps where --epochs is given.
    changes: dict[str, object] = {setting: None for setting in loaded.in_file if setting not in given}
    changes |= {setting: given.get(setting) for setting in loaded.flags}
    if scaled or "lr_decay" in {*loaded.in_file, *loaded.flags}:
        changes["max_lr"] = given["max_lr"]
    return changes


def _check(source: Source, plan: RawPlan, settings: Mapping[str, object], text: str, block: str | None) -> None:
    """Check that the changed text is read as the same plan with the new values."""
    wanted = _given({**plan.values, **settings})
    try:
        found = _given(choose(read(replace(source, text=text)), block).values)
    except OnecycleError:
        found = {}
    if found != wanted:
        wrong = [setting for setting in settings if found.get(setting) != wanted.get(setting)] or list(settings)
        values = ", ".join(f"{setting}: {_written(source, settings[setting])}" for setting in wrong)
        raise OnecycleError(f"cannot write {join_words(wrong)} into {source.path}", f"change it by hand: {values}")


def _given(values: Mapping[str, object]) -> dict[str, object]:
    """Return the values that are given, so that those that mean the same are equal: lists and tuples are."""
    return {
        setting: tuple(value) if isinstance(value, list) else value
        for setting, value in values.items()
        if value is not None
    }


def _written(source: Source, value: object) -> str:
    if value is None:
        return "null"
    return json.dumps(value) if source.path.endswith(JSON) else yaml_value(value)


def _additions(source: Source, plan: RawPlan, mappings: list[Span], added: Mapping[str, object]) -> Iterator[Edit]:
    """Find where to add settings: below the plan's last one, in the same mapping."""
    places = {
        (place.line, place.column)
        for (_, index), place in plan.places.items()
        if index is None and not place.flag and place.file in (None, source.path)
    }
    beside = [
        (mapping, key, value)
        for mapping in mappings
        for key, value in mapping.entries
        if (value.line, value.column) in places
    ]
    if not beside:
        return
    mapping, key, value = max(beside, key=lambda entry: entry[2].begin)
    names = CONVENTIONS[str(plan.values.get("convention", DEFAULT))].aliases if plan.block is not None else {}
    written = {names.get(setting, setting): _written(source, value) for setting, value in added.items()}
    if source.path.endswith(JSON):
        written = {json.dumps(name): value for name, value in written.items()}
    if mapping.flow:
        yield value.end, value.end, "".join(f", {name}: {text}" for name, text in written.items())
        return
    line_end = source.text.find("\n", value.end)
    at = len(source.text) if line_end < 0 else line_end
    margin = " " * (key.column - 1)
    carriage = source.text[at - 1 : at] if source.text[at - 1 : at] == "\r" else ""
    at -= len(carriage)
    yield at, at, "".join(f"{carriage}\n{margin}{name}: {text}" for name, text in written.items())


def _spans(text: str) -> tuple[dict[tuple[int, int], Span], list[Span]]:
    """Return where every node of the first document is, by line and column, and its mappings."""
    found: dict[tuple[int, int], Span] = {}
    mappings: list[Span] = []
    open_ones: list[tuple[Span, list[Span]]] = []
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.NodeEvent):
            begin, end = _marks(event)
            span = Span(begin.index, end.index, begin.line + 1, begin.column + 1)
            found.setdefault((span.line, span.column), span)
            if open_ones:
                open_ones[-1][1].append(span)
            if isinstance(event, yaml.CollectionStartEvent):
                span.flow = bool(event.flow_style)
                open_ones.append((span, []))
                if isinstance(event, yaml.MappingStartEvent):
                    mappings.append(span)
        elif isinstance(event, yaml.CollectionEndEvent):
            span, items = open_ones.pop()
            # A collection without brackets ends where its last item does; the parser's mark is at the next token.
            span.end = _marks(event)[1].index if span.flow or not items else items[-1].end
            span.entries = list(zip(items[::2], items[1::2], strict=False))
        elif isinstance(event, yaml.DocumentEndEvent):
            break
    return found, mappings


def _marks(event: yaml.Event) -> tuple[Any, Any]:
    """Return where an event begins and ends."""
    return event.start_mark, event.end_mark
