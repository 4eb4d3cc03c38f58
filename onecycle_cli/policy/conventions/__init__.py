"""Conventions: whose arithmetic a schedule follows. One module per framework, its docstring the manual page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.policy.conventions import (
    deepspeed,
    fastai,
    mmengine,
    openpcdet,
    optax,
    optax_linear,
    paddle,
    r_torch,
    smith,
    tinygrad,
    torch,
)

if TYPE_CHECKING:
    from onecycle_cli.policy.conventions.base import Convention
    from onecycle_cli.policy.settings import Settings

CONVENTIONS: dict[str, Convention] = {
    module.CONVENTION.name: module.CONVENTION
    for module in (torch, r_torch, fastai, optax, optax_linear, paddle, mmengine, openpcdet, smith, tinygrad, deepspeed)
}
"""Every convention, by its name: the choices of the setting `convention`, in the order in which they are shown."""

DEFAULT = torch.CONVENTION.name
"""The convention of settings that name none."""


def convention_of(settings: Settings) -> Convention:
    """Return the convention that the settings ask for, or the default one."""
    return CONVENTIONS[settings.convention or DEFAULT]
