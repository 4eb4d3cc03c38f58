"""A smaller case that still does what a case did."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from .case import Case

Item = TypeVar("Item")

LONGEST = 20.0
"""Seconds of CPU time for one reduction."""


def reduced(case: Case, still: Callable[[Case], bool], seconds: float = LONGEST) -> Case:
    """Return a case of which no part can be left out: words, files, then the lines and the bytes of each file."""
    end = time.process_time() + seconds

    def holds(smaller: Case) -> bool:
        return time.process_time() < end and still(smaller)

    first = case.words[:1]
    words = _fewest(case.words[1:], lambda left: holds(replace(case, words=(*first, *left))))
    case = replace(case, words=(*first, *words))
    for part in (case.environment, case.files):
        for name in list(part):
            smaller = _without(case, name)
            case = smaller if holds(smaller) else case
    for name in list(case.files):
        for cut in (_lines, _bytes):
            case = _with(case, name, _fewest(cut(case.files[name]), partial(_holds_with, holds, case, name)))
    return case


def _fewest(items: Sequence[Item], holds: Callable[[Sequence[Item]], bool]) -> Sequence[Item]:
    """Leave out as many items as possible, first half of them at a time, then fewer and fewer."""
    size = max(1, len(items) // 2)
    while items:
        at = 0
        while at < len(items):
            left = [*items[:at], *items[at + size :]]
            if holds(left):
                items = left
            else:
                at += size
        if size == 1:
            break
        size //= 2
    return items


def _lines(data: bytes) -> list[bytes]:
    return data.splitlines(keepends=True)


def _bytes(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def _with(case: Case, name: str, pieces: Sequence[bytes]) -> Case:
    return replace(case, files={**case.files, name: b"".join(pieces)})


def _holds_with(holds: Callable[[Case], bool], case: Case, name: str, pieces: Sequence[bytes]) -> bool:
    return holds(_with(case, name, pieces))


def _without(case: Case, name: str) -> Case:
    """Leave out a file or a variable of the environment."""
    files = {key: data for key, data in case.files.items() if key != name}
    environment = {key: value for key, value in case.environment.items() if key != name}
    return replace(case, files=files, environment=environment)
