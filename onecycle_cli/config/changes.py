"""Settings written into a config: each value in its place, and every other character as it was."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from onecycle_cli.config.block_choice import choose
from onecycle_cli.config.files import JSON, NOTEBOOK, PYTHON, read_source
from onecycle_cli.config.reader import read
from onecycle_cli.config.spans import spans_of_python, spans_of_yaml
from onecycle_cli.errors import OnecycleError
from onecycle_cli.findings.config_rules import DUPLICATE_KEY
from onecycle_cli.formatting import join_words, shorten, yaml_value
from onecycle_cli.policy.conventions import CONVENTIONS, DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onecycle_cli.config import LoadedPlan
    from onecycle_cli.config.files import Source
    from onecycle_cli.config.raw_plan import RawPlan
    from onecycle_cli.config.spans import Position, Span

    Edit = tuple[int, int, str]
    """Begin and end of the text to replace, and the text to write there."""

PEAK = "max_lr"

_NUMBER = re.compile(r"[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def with_settings(source: Source, settings: Mapping[str, object], block: str | None = None) -> str:
    """Return a config's text with other values of settings; those that it does not have are added beside the others.

    Args:
        source: the file: YAML, JSON or Python, in which no settings can be added.
        settings: the new values, by setting; None for one that is to be as if it were not given.
        block: the path of the block to change, if the config has several.

    Raises:
        OnecycleError: the file cannot be read, or a value cannot be written into it so that it is read back.
    """
    plan = _plan_of(source, block)
    spans, mappings = _spans(source)
    edits: list[Edit] = []
    added: dict[str, object] = {}
    for setting, value in settings.items():
        place = plan.places.get((setting, None))
        here = None if place is None or place.flag or place.file not in (None, source.path) else place
        span = spans.get((here.line, here.column)) if here is not None else None
        if span is not None:
            edits.append((span.begin, span.end, _written(source, value)))
        elif value is not None or setting in plan.values:
            added[setting] = value
    if added:
        edits += _additions(source, plan, mappings, added)
    text = source.text
    for begin, end, new in sorted(edits, reverse=True):
        text = text[:begin] + new + text[end:]
    _check(source, plan, settings, text, block)
    return text


def with_peak(path: str, peak: float, block: str | None) -> tuple[Source, str, str]:
    """Return a config's file, its text with another peak, and the number that it replaces.

    Args:
        path: the file.
        peak: the new max_lr.
        block: the path of the block to change, if the config has several.

    Raises:
        OnecycleError: the file cannot be read, or the peak is not one number that is written in it.
    """
    source = read_source(path)
    old = _number(source, _plan_of(source, block), PEAK)
    return source, source.text if float(old) == peak else with_settings(source, {PEAK: peak}, block), old


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


def _spans(source: Source) -> tuple[dict[Position, Span], list[Span]]:
    """Return where every value of a file is, by its line and column, and its mappings, where settings can be added."""
    return (spans_of_python(source.text), []) if source.path.endswith(PYTHON) else spans_of_yaml(source.text)


def _plan_of(source: Source, block: str | None) -> RawPlan:
    """Return the plan of a config to change.

    Raises:
        OnecycleError: the file cannot be read, or has no such plan.
    """
    if source.path.endswith(NOTEBOOK):
        raise OnecycleError(f"cannot change {source.path}: it is a notebook", "change the cell by hand")
    plan = choose(read(source), block)
    if not plan.readable:
        first = next(iter(plan.findings), None)
        message, hint = (first.message, first.hint) if first else ("it has no settings", "")
        raise OnecycleError(f"cannot change {source.path}: {message}", hint)
    return plan


def _number(source: Source, plan: RawPlan, setting: str) -> str:
    """Return the number that a setting is, as it is written in the file.

    Raises:
        OnecycleError: it is not one number that is written there.
    """

    def refusal(why: str, hint: str = "change it by hand") -> OnecycleError:
        return OnecycleError(f"cannot set {setting} in {source.path}: {why}", hint)

    twice = next((found for found in plan.findings if found.rule is DUPLICATE_KEY), None)
    if twice is not None:
        raise refusal(twice.message, twice.hint)
    place, value = plan.places.get((setting, None)), plan.values.get(setting)
    if setting in plan.open:
        raise refusal(f"{setting} is {shorten(plan.open[setting].written, 60)}", "change it where that is written")
    if place is None:
        raise refusal(f"it has no {setting}", f"add {setting} to it first")
    if isinstance(value, list | tuple):
        listed = join_words([str(each) for each in value[:4]]) + (" …" if len(value) > 4 else "")
        raise refusal(f"{setting} is one number per parameter group, {listed}")
    if place.file not in (None, source.path):
        raise refusal(f"{setting} is written in {place.file}:{place.line}", f"name that file: --set-in {place.file}")
    spans, _ = _spans(source)
    span = spans.get((place.line, place.column))
    written = "" if span is None else source.text[span.begin : span.end]
    if not _NUMBER.fullmatch(written) or not isinstance(value, int | float) or float(written) != value:
        raise refusal(f"{setting} is {shorten(written, 60) or 'not a plain number'}", "change it where that is written")
    return written


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
    if source.path.endswith(PYTHON):
        return repr(value)
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
        (mapping, key, value) for mapping in mappings for key, value in mapping.entries if value.position in places
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
    margin = " " * (key.place.column - 1)
    carriage = source.text[at - 1 : at] if source.text[at - 1 : at] == "\r" else ""
    at -= len(carriage)
    yield at, at, "".join(f"{carriage}\n{margin}{name}: {text}" for name, text in written.items())
