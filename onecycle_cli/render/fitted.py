"""Settings recovered from a log, written as a config: what is known as keys, what is not as comments."""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING

from onecycle_cli.formatting import yaml_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH = 88

_PLAIN = re.compile(r"[A-Za-z][A-Za-z_]*")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "nan", "inf", "y", "n"})


def to_config(
    settings: Mapping[str, object], source: str, told: Sequence[str] = (), undetermined: Sequence[str] = ()
) -> str:
    """Give the text of a config that YAML 1.1 and 1.2 read alike.

    Args:
        settings: settings and their values, in the order to write them.
        source: the log that they were recovered from.
        told: what to say of the fit, a comment each.
        undetermined: what the log does not tell, a comment each.
    """
    head = [f"A one-cycle schedule, recovered from the learning rates in {' '.join(source.split())}.", *told]
    lines = [comment for each in head for comment in _comments(each)]
    lines += ["# cannot be told, or only guessed:"] if undetermined else []
    lines += [comment for each in undetermined for comment in _comments(f"- {each}")]
    lines += [f"{name}: {_written(value)}" for name, value in settings.items() if value is not None]
    return "\n".join(lines) + "\n"


def _comments(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="#   ", break_long_words=False)


def _written(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return yaml_number(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_written, value))}]"
    return _text(value) if isinstance(value, str) else str(value)


def _text(value: str) -> str:
    """Quote a text unless it is plain words that YAML takes for nothing else; a convention's name has a dash."""
    plain = all(_PLAIN.fullmatch(word) for word in value.split("-"))
    return value if plain and value.lower() not in _WORDS else json.dumps(value, ensure_ascii=False)
