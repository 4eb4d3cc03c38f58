"""The JSON Schema of config files, from the settings' declaration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from onecycle_cli.policy.settings import MOST_GROUPS, SETTINGS

if TYPE_CHECKING:
    from onecycle_cli.policy.settings import Setting

LENGTHS = (("total_steps",), ("epochs", "steps_per_epoch"), ("epochs", "dataset_size", "batch_size"))
"""The ways to say how long a cycle is."""

TYPES = {float: "number", int: "integer", bool: "boolean", str: ["string", "number", "boolean"]}


def json_schema() -> dict[str, Any]:
    """Give the schema in draft-07, which editors' YAML support reads.

    A setting that is null counts as not given, so every setting but max_lr may be null.
    """
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "One-cycle schedule",
        "description": "Settings of a one-cycle learning-rate schedule, for onecycle-cli.",
        "type": "object",
        "properties": {name: _property(setting) for name, setting in SETTINGS.items()},
        "required": [name for name, setting in SETTINGS.items() if setting.required],
        "anyOf": [_given(*settings) for settings in LENGTHS],
        "additionalProperties": False,
    }


def _given(*settings: str) -> dict[str, Any]:
    """Ask for settings that are there and not null."""
    return {"required": list(settings), "properties": {name: {"not": {"type": "null"}} for name in settings}}


def _property(setting: Setting) -> dict[str, Any]:
    branches = [_value(setting, setting.single)]
    if setting.item is not None:
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
    limits = {"exclusiveMinimum": setting.above, "maximum": setting.at_most, "minimum": setting.at_least}
    given = {word: limit for word, limit in limits.items() if limit is not None} if kind is not str else {}
    return {**given, "type": TYPES[kind]}
