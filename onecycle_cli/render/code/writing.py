"""How snippets are written: numbers that read back exactly, calls with an argument a line, comments that fit."""

from __future__ import annotations

import math
import textwrap
from dataclasses import dataclass
from keyword import iskeyword
from typing import TYPE_CHECKING

from onecycle_cli.formatting import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIDTH = 96


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a call as it is written, with a remark for the end of its line."""

    name: str
    value: str
    remark: str = ""


def literal(value: object) -> str:
    """Write a value in Python so that it reads back exactly."""
    if isinstance(value, str) and value.isprintable() and not {'"', "\\"} & set(value):
        return f'"{value}"'
    if isinstance(value, float) and math.isinf(value):
        return 'float("inf")'
    return repr(value)


def per_group(values: Sequence[float]) -> str:
    """Write one value a parameter group in Python: a single number where all are the same."""
    return literal(values[0]) if len(set(values)) == 1 else "[" + ", ".join(map(literal, values)) + "]"


def call(function: str, arguments: Iterable[Argument], first: Sequence[str] = ()) -> str:
    """Write a call in Python, an argument a line; `first` are its positional arguments."""
    lines = [f"    {each}," for each in first]
    lines += [f"    {each.name}={each.value},{_remark(each.remark)}" for each in arguments]
    return f"{function}(\n" + "\n".join(lines) + "\n)"


def call_in_r(function: str, arguments: Iterable[Argument], first: Sequence[str] = ()) -> str:
    """Write a call in R, an argument a line; R takes no comma after the last."""
    entries = [(each, "") for each in first]
    entries += [(f"{each.name} = {each.value}", each.remark) for each in arguments]
    last = len(entries) - 1
    lines = [f"  {text}{',' * (at < last)}{_remark(remark)}" for at, (text, remark) in enumerate(entries)]
    return f"{function}(\n" + "\n".join(lines) + "\n)"


def comment(*paragraphs: str) -> str:
    """Write comments, wrapped, a paragraph each; nothing in them ends the line early."""
    return "\n".join(
        textwrap.fill(
            printable(each),
            WIDTH,
            initial_indent="# ",
            subsequent_indent="# ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        for each in paragraphs
        if each
    )


def join(*parts: str, between: str = "\n\n") -> str:
    """Join the parts that are not empty."""
    return between.join(part for part in parts if part)


def is_attribute(name: str) -> bool:
    """Say whether a name may stand after a dot in Python."""
    return name.isidentifier() and not iskeyword(name)


def _remark(text: str) -> str:
    return f"  # {printable(text)}" if text else ""
