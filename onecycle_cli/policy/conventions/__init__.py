"""Conventions: whose arithmetic a schedule follows. One module a framework, its docstring the manual page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.policy.conventions import (
    fastai,
    mmengine,
    openpcdet,
    optax,
    optax_linear,
    paddle,
    r_torch,
    smith,
    torch,
)

if TYPE_CHECKING:
    from onecycle_cli.policy.conventions.convention import Convention
    from onecycle_cli.policy.settings import Settings

CONVENTIONS: dict[str, Convention] = {
    each.NAME: each for each in (torch, r_torch, fastai, optax, optax_linear, paddle, mmengine, openpcdet, smith)
}
"""Every convention, by its name."""


def convention_of(settings: Settings) -> Convention:
    """Give the convention that the settings ask for; torch where they name none."""
    return CONVENTIONS[settings.convention or torch.NAME]
