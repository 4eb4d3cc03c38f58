"""Settings written into a config: each value in its place, and every other character as it was."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from onecycle_cli.config import load_text
from onecycle_cli.config.block_choice import choose
from onecycle_cli.config.files import JSON, NOTEBOOK, PYTHON, read_source
from onecycle_cli.config.reader import read
from onecycle_cli.config.spans import layout_of_python, layout_of_yaml
from onecycle_cli.errors import OnecycleError
from onecycle_cli.findings import Severity
from onecycle_cli.findings.config_rules import DUPLICATE_KEY
from onecycle_cli.formatting import join_words, shorten, yaml_value
from onecycle_cli.policy.conventions import CONVENTIONS, DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onecycle_cli.config import LoadedPlan
    from onecycle_cli.config.files import Source
    from onecycle_cli.config.raw_plan import RawPlan
    from onecycle_cli.config.spans import Layout, Span

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
    plan, layout = _plan_of(source, block), _layout(source)
    edits: list[Edit] = []
    added: dict[str, object] = {}
    for setting, value in settings.items():
        if _plain(value) == _plain(plan.values.get(setting)) and setting not in plan.open:
            continue
        found = [*_edits(source, plan, layout, setting, value)]
        edits += found
        if not found and (value is not None or setting in plan.values):
            added[setting] = value
    if added:
        edits += _additions(source, plan, layout, added)
    text = source.text
    for begin, end, new in sorted(edits, reverse=True):
        text = text[:begin] + new + text[end:]
    _check(source, plan, settings, text, block)
    return text


def with_plan(made: LoadedPlan, path: str, block: str | None = None) -> str:
    """Return the text of a plan's file, to be written to a path, with what flags, --set and variations changed.

    Args:
        made: the plan; it has a file.
        path: where the text will be: files that it includes are looked for from there.
        block: the path of the block to change, if the config has several.

    Raises:
        OnecycleError: the file cannot be changed so that it is read as the plan.
    """
    source = made.source
    assert source is not None  # noqa: S101
    before, after = _plan_of(source, block).values, made.values
    changes = {
        setting: after.get(setting)
        for setting in {**before, **after}
        if _plain(before.get(setting)) != _plain(after.get(setting))
    }
    text = with_settings(source, changes, block) if changes else source.text
    try:
        found = load_text(replace(source, path=path, text=text), block)
        why = next((finding.message for finding in found.findings if finding.severity is Severity.ERROR), "")
    except OnecycleError as error:
        found, why = None, error.message
    if found is None or found.settings is None or why:
        raise OnecycleError(f"{source.path} cannot be read as {path}: {why}", "write into the folder that it is in")
    if made.settings is None or found.settings.given != made.settings.given:
        raise _not_written(source, changes)
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


def _layout(source: Source) -> Layout:
    return layout_of_python(source.text) if _is(source, PYTHON) else layout_of_yaml(source.text)


def _is(source: Source, ending: str) -> bool:
    return source.path.lower().endswith(ending)


def _plan_of(source: Source, block: str | None) -> RawPlan:
    """Return the plan of a config to change.

    Raises:
        OnecycleError: the file cannot be read, or has no such plan.
    """
    if _is(source, NOTEBOOK):
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
    span = _layout(source).values.get((place.line, place.column))
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
        wrong = {setting: value for setting, value in settings.items() if found.get(setting) != wanted.get(setting)}
        raise _not_written(source, wrong or settings)


def _not_written(source: Source, settings: Mapping[str, object]) -> OnecycleError:
    if not settings:
        return OnecycleError(f"cannot write this plan into {source.path}", "change the file by hand")
    values = ", ".join(f"{setting}: {yaml_value(value)}" for setting, value in settings.items())
    return OnecycleError(
        f"cannot write {join_words(list(settings))} into {source.path}", f"change it by hand: {values}"
    )


def _given(values: Mapping[str, object]) -> dict[str, object]:
    """Return the values that are given, so that those that mean the same are equal."""
    return {setting: _plain(value) for setting, value in values.items() if value is not None}


def _plain(value: object) -> object:
    """Return a value so that a list and a tuple of the same items are equal."""
    return tuple(value) if isinstance(value, list) else value


def _edits(source: Source, plan: RawPlan, layout: Layout, setting: str, value: object) -> Iterator[Edit]:
    """Find where to replace a setting; nothing if it is not written in the file, or is shared with something else."""
    if (span := _span_of(source, plan, layout, setting, None)) is None:
        return
    before = plan.values.get(setting)
    if isinstance(value, list | tuple) and isinstance(before, list | tuple) and len(value) == len(before):
        items = [_span_of(source, plan, layout, setting, index) for index in range(len(value))]
        if all(items):  # one by one, so that their comments stay
            for item, old, new in zip(items, before, value, strict=True):
                if item is not None and old != new:
                    yield item.begin, item.end, _written(source, new)
            return
    text, key = _written(source, value), span.key
    if span.begin == span.end:  # nothing is written behind the colon
        text = f" {text}"
    elif key is not None and key.place.line < span.place.line and span.place.column <= key.place.column:
        text = f"  {text}"  # a list need not be indented, what takes its place must be
    yield span.begin, span.end, text


def _span_of(source: Source, plan: RawPlan, layout: Layout, setting: str, index: int | None) -> Span | None:
    """Return where a setting, or an item of its list, is written; None where that is not in the file, or is shared."""
    place = plan.places.get((setting, index))
    if place is None or place.flag or place.file not in (None, source.path):
        return None
    span = layout.values.get((place.line, place.column))
    return None if span is None or layout.is_shared(span) else span


def _written(source: Source, value: object) -> str:
    if _is(source, PYTHON):
        return repr(value)
    if value is None:
        return "null"
    return json.dumps(value) if _is(source, JSON) else yaml_value(value)


def _additions(source: Source, plan: RawPlan, layout: Layout, added: Mapping[str, object]) -> Iterator[Edit]:
    """Find where to add settings: below the plan's last one, in the same mapping."""
    convention = CONVENTIONS.get(str(plan.values.get("convention")), CONVENTIONS[DEFAULT])
    if plan.block is not None and not convention.takes_length:
        message = (
            f"cannot write {join_words(list(added))} into {source.path}: {convention.framework} has no such arguments"
        )
        raise OnecycleError(message, "give them as flags")
    spans = [_span_of(source, plan, layout, setting, None) for setting, index in plan.places if index is None]
    beside = [span for span in spans if span is not None and span.key is not None]
    if not beside:
        return
    value = max(beside, key=lambda span: span.begin)
    mapping, key = value.parent, value.key
    assert mapping is not None  # noqa: S101
    assert key is not None  # noqa: S101
    names = convention.aliases if plan.block is not None else {}
    written = {names.get(setting, setting): _written(source, value) for setting, value in added.items()}
    if _is(source, JSON):
        written = {json.dumps(name): text for name, text in written.items()}
    if mapping.flow:
        yield value.end, value.end, "".join(f", {name}: {text}" for name, text in written.items())
        return
    line_end = source.text.find("\n", value.end)
    at = len(source.text) if line_end < 0 else line_end
    margin = " " * (key.place.column - 1)
    carriage = source.text[at - 1 : at] if source.text[at - 1 : at] == "\r" else ""
    at -= len(carriage)
    yield at, at, "".join(f"{carriage}\n{margin}{name}: {text}" for name, text in written.items())
