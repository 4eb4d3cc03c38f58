"""The commented config of `onecycle init`, and the JSON Schema of configs, both from the settings' declaration."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from onecycle_cli.policy.settings import MOST_GROUPS, SETTINGS, Section

if TYPE_CHECKING:
    from onecycle_cli.policy.settings import Setting

SET = ("max_lr", "epochs", "steps_per_epoch")
"""What a first config sets; every other setting is commented out, with an example or its default."""

HEAD = """\
# yaml-language-server: $schema=onecycle.schema.json
# With that file beside this one, an editor completes and checks the settings:
#
#   onecycle schema > onecycle.schema.json
#
# A one-cycle learning-rate schedule.
#
#   onecycle show FILE       its length, rates and warm-up
#   onecycle plot FILE       draw it
#   onecycle validate FILE   errors and likely mistakes
"""


def config_template() -> str:
    """Return the text of a config that is valid as it is, and explains every setting."""
    parts = [HEAD]
    for section in Section:
        parts.append(f"\n# --- {section.value} {'-' * (70 - len(section.value))}\n")
        for name, setting in SETTINGS.items():
            if setting.section is section:
                comment = textwrap.fill(setting.description, 76, initial_indent="# ", subsequent_indent="# ")
                parts.append(f"\n{comment}\n{'' if name in SET else '# '}{name}: {setting.example}\n")
    return "".join(parts)


LENGTHS = (
    ("total_steps",),
    ("epochs", "steps_per_epoch"),
    ("epochs", "dataset_size", "batch_size"),
    ("samples", "batch_size"),
    ("tokens", "tokens_per_step"),
)
"""The ways to say how long a cycle is."""

TYPES = {float: "number", int: "integer", bool: "boolean", str: ["string", "number", "boolean"], dict: "object"}


def json_schema() -> dict[str, Any]:
    """Return the schema of configs in draft-07, which editors' YAML support reads.

    A setting that is null counts as not given, so every setting but max_lr may be null.
    """
    not_null = {"not": {"type": "null"}}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "One-cycle schedule",
        "description": "Settings of a one-cycle learning-rate schedule, for onecycle-cli.",
        "type": "object",
        "properties": {name: _property(setting) for name, setting in SETTINGS.items()},
        "required": [name for name, setting in SETTINGS.items() if setting.required],
        "anyOf": [{"required": list(names), "properties": dict.fromkeys(names, not_null)} for names in LENGTHS],
        "additionalProperties": False,
    }


def _property(setting: Setting) -> dict[str, Any]:
    branches = [_value(setting, setting.single)]
    if setting.parts:
        branches.append({"items": branches[0], "type": "array"})
    elif setting.item is not None:
        distinct = {"uniqueItems": True} if setting.item is str else {}
        items = _value(setting, setting.item)
        branches.append({"items": items, "maxItems": MOST_GROUPS, "minItems": 1, "type": "array", **distinct})
    if setting.required:
        return {"anyOf": branches, "description": setting.description}
    return {"anyOf": [*branches, {"type": "null"}], "default": None, "description": setting.description}


def _value(setting: Setting, kind: type) -> dict[str, Any]:
    """Describe one value of a setting; a text may be written without quotes, so `name: 2024` is a number to YAML."""
    if setting.choices:
        return {"enum": list(setting.choices), "type": "string"}
    if setting.parts:
        return {
            "type": TYPES[kind],
            "properties": {name: _property(part) for name, part in setting.parts.items()},
            "required": [name for name, part in setting.parts.items() if part.required],
            "additionalProperties": False,
        }
    limits = {"exclusiveMinimum": setting.above, "maximum": setting.at_most, "minimum": setting.at_least}
    given = {word: limit for word, limit in limits.items() if limit is not None} if kind is not str else {}
    return {**given, "type": TYPES[kind]}
