"""The JSON Schema of config files, from the settings' declaration."""

from __future__ import annotations

from typing import Any

from onecycle_cli.policy.settings import Settings

LENGTHS = (("total_steps",), ("epochs", "steps_per_epoch"), ("epochs", "dataset_size", "batch_size"))
"""The ways to say how long a cycle is."""


def json_schema() -> dict[str, Any]:
    """Give the schema in draft-07, which editors' YAML support reads.

    A setting that is null counts as not given, so every setting but max_lr may be null.
    """
    made = Settings.model_json_schema()
    for setting in made["properties"].values():
        setting.pop("title", None)
        _widen_texts(setting)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": made["title"],
        "description": "Settings of a one-cycle learning-rate schedule, for onecycle-cli.",
        "type": "object",
        "properties": made["properties"],
        "required": made["required"],
        "anyOf": [_given(*settings) for settings in LENGTHS],
        "additionalProperties": False,
    }


def _given(*settings: str) -> dict[str, Any]:
    """Ask for settings that are there and not null."""
    return {"required": list(settings), "properties": {name: {"not": {"type": "null"}} for name in settings}}


def _widen_texts(schema: dict[str, Any]) -> None:
    """Let a text be written as anything without quotes: to a YAML reader `name: 2024` is a number."""
    for branch in (schema, schema.get("items", {}), *schema.get("anyOf", ())):
        if branch.get("type") == "string" and "enum" not in branch:
            branch["type"] = ["string", "number", "boolean"]
        if branch is not schema and "items" in branch:
            _widen_texts(branch)
