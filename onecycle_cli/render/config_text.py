"""Settings as the text of a config that YAML 1.1 and 1.2 read alike."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from onecycle_cli.formatting import yaml_value

if TYPE_CHECKING:
    from collections.abc import Mapping

WIDTH = 88
"""Columns of a comment, as ruff and black write code by default."""


def comments(text: str) -> list[str]:
    """Return the lines of a comment."""
    return textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="#   ", break_long_words=False)


def settings_lines(settings: Mapping[str, object]) -> list[str]:
    """Return a line per setting, and one per key of a segment; what is None is not given."""
    lines = []
    for setting, value in settings.items():
        if isinstance(value, list | tuple) and value and isinstance(value[0], dict):
            lines.append(f"{setting}:")
            for segment in value:
                parts = [f"{key}: {yaml_value(part)}" for key, part in segment.items()]
                lines += [f"  - {parts[0]}", *(f"    {part}" for part in parts[1:])]
        elif value is not None:
            lines.append(f"{setting}: {yaml_value(value)}")
    return lines
