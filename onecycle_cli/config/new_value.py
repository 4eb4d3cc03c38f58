"""Another peak for a config: its one number is replaced, and every other character stays."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from onecycle_cli.config.block_choice import choose
from onecycle_cli.config.files import JSON, NOTEBOOK, PYTHON, read_source
from onecycle_cli.config.fix import with_word, word_at
from onecycle_cli.config.reader import read
from onecycle_cli.errors import OnecycleError
from onecycle_cli.findings import Fix
from onecycle_cli.findings.config_rules import DUPLICATE_KEY
from onecycle_cli.formatting import join_words, shorten, yaml_number

if TYPE_CHECKING:
    from onecycle_cli.config.files import Source
    from onecycle_cli.config.raw_plan import RawPlan

PEAK = "max_lr"

_NUMBER = re.compile(r"[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_BEHIND = re.compile(r"[\s,)#]")


def with_peak(path: str, number: str, block: str | None) -> tuple[Source, str, str]:
    """Return a config's file, its text with another peak, and the number that it replaces.

    Args:
        path: the file.
        number: the peak, as Python writes it.
        block: the path of the block to change, where the file has several.

    Raises:
        OnecycleError: the file cannot be read, or the peak is not one number that is written in it.
    """
    source = read_source(path)
    if source.finding is not None:
        raise OnecycleError(f"{path}: {source.finding.message}", source.finding.hint)
    if path.lower().endswith(NOTEBOOK):
        raise _refusal(path, "it is a notebook", "change the cell there")
    plan = choose(read(source), block)
    old = _written(plan, source)
    new = number if path.lower().endswith((PYTHON, JSON)) else yaml_number(number)
    text = with_word(source.text, plan.places[PEAK, None], Fix(old, new), python=_is_python(path))
    again = choose(read(replace(source, text=text)), block)
    if again.values != {**plan.values, PEAK: float(number)}:
        raise _refusal(path, f"{PEAK} would not be read as {number}, or another setting would change", _BY_HAND)
    return source, text, old


_BY_HAND = "change it by hand"


def _written(plan: RawPlan, source: Source) -> str:
    """Return the peak's number as it is written in the file.

    Raises:
        OnecycleError: the peak is not one number that is written there.
    """
    path = source.path
    if not plan.readable:
        first = next(iter(plan.findings), None)
        raise _refusal(path, first.message if first else "it has no settings", first.hint if first else "")
    twice = next((found for found in plan.findings if found.rule is DUPLICATE_KEY), None)
    if twice is not None:
        raise _refusal(path, twice.message, twice.hint)
    place, value = plan.places.get((PEAK, None)), plan.values.get(PEAK)
    if PEAK in plan.open:
        raise _refusal(path, f"{PEAK} is {shorten(plan.open[PEAK].written, 60)}", "change it where that is written")
    if place is None:
        raise _refusal(path, f"it has no {PEAK}", f"add {PEAK} to it first")
    if isinstance(value, list | tuple):
        listed = join_words([str(each) for each in value[:4]]) + (" …" if len(value) > 4 else "")
        raise _refusal(path, f"{PEAK} is one number per parameter group, {listed}", _BY_HAND)
    if place.file not in (None, path):
        raise _refusal(
            path, f"{PEAK} is written in {place.file}:{place.line}", f"name that file: --set-in {place.file}"
        )
    word = word_at(source.text, place, python=_is_python(path))
    if not _NUMBER.fullmatch(word) or not isinstance(value, int | float) or float(word) != value:
        rest = source.text.splitlines()[place.line - 1][place.column - 1 :]
        shown = shorten(_BEHIND.split(rest, maxsplit=1)[0], 60)
        raise _refusal(path, f"{PEAK} is {shown or 'not a plain number'}", "change it where that is written")
    return word


def _is_python(path: str) -> bool:
    return path.lower().endswith(PYTHON)


def _refusal(path: str, why: str, hint: str) -> OnecycleError:
    return OnecycleError(f"cannot set {PEAK} in {path}: {why}", hint)
