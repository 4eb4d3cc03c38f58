"""A plan as code to paste: a short module a framework, each with one plain function `snippet`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Literal

from onecycle_cli.render.code.snippet import Task

if TYPE_CHECKING:
    from onecycle_cli.policy.onecycle import OneCycle
    from onecycle_cli.policy.schedule import Schedule

Framework = Literal["torch", "lightning", "transformers", "fastai", "optax", "paddle", "mmengine", "r-torch"]


def code(framework: Framework, name: str, settings: OneCycle, schedule: Schedule) -> str:
    """Return a plan as a snippet for a framework; `name` stands in its first comment."""
    module = import_module(f"onecycle_cli.render.code.{framework.replace('-', '_')}")
    text: str = module.snippet(Task(name, settings, schedule))
    return text + "\n"
