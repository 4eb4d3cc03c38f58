"""Whether there is a momentum to cycle, and whether it is cycled as its author thinks."""

from __future__ import annotations

import math
from difflib import get_close_matches
from typing import TYPE_CHECKING

from onecycle_cli.findings.practice import (
    MOMENTUM_OF_ONE,
    MOMENTUM_UPSIDE_DOWN,
    NO_EFFECT,
    UNKNOWN_OPTIMIZER,
)
from onecycle_cli.findings.values import NO_MOMENTUM
from onecycle_cli.policy.conventions import convention_of
from onecycle_cli.policy.optimizers import KNOWN, WITHOUT, plain_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.settings import Settings

MOMENTA = ("base_momentum", "max_momentum", "final_momentum")


def check_momentum(settings: Settings) -> Iterator[Finding]:
    """Judge the optimizer, then the momenta that it cycles between."""
    default = convention_of(settings).defaults.cycle_momentum
    cycles = default if settings.cycle_momentum is None else settings.cycle_momentum
    if settings.optimizer is not None:
        yield from _judge_optimizer(settings.optimizer, settings.cycle_momentum, cycles=cycles)
    if not cycles:
        for setting in MOMENTA if default else ():
            if getattr(settings, setting) is not None:
                yield NO_EFFECT.finding(
                    f"{setting} acts on nothing: cycle_momentum is false",
                    f"remove {setting}, or set cycle_momentum to true",
                    setting,
                )
        return
    for setting in MOMENTA:
        highest = max(_values(getattr(settings, setting)), default=0.0)
        if highest >= 1:
            yield MOMENTUM_OF_ONE.finding(
                f"{setting} reaches {highest!r}: no gradient is ever forgotten",
                f"set {setting} below 1, such as {'0.85' if setting == 'base_momentum' else '0.95'}",
                setting,
            )
    yield from _judge_order(settings)


def _judge_optimizer(optimizer: str, cycle_momentum: bool | None, *, cycles: bool) -> Iterator[Finding]:
    name = plain_name(optimizer)
    if name in WITHOUT and cycles:
        given = "is true" if cycle_momentum else "is true by default"
        yield NO_MOMENTUM.finding(
            f"optimizer {optimizer} has no momentum and no betas, and cycle_momentum {given}",
            "set cycle_momentum to false",
            "cycle_momentum" if cycle_momentum else "optimizer",
        )
    elif name not in KNOWN and cycles:
        near = get_close_matches(name[:60], sorted(KNOWN), 1)
        yield UNKNOWN_OPTIMIZER.finding(
            f"optimizer {optimizer[:60]!r} is not known; it is taken to have a momentum to cycle",
            f"did you mean {near[0]}?" if near else "set cycle_momentum to false if it has neither momentum nor betas",
            "optimizer",
        )


def _judge_order(settings: Settings) -> Iterator[Finding]:
    defaults = convention_of(settings).defaults
    bases = _values(settings.base_momentum) or (defaults.base_momentum,)
    tops = _values(settings.max_momentum) or (defaults.max_momentum,)
    for at in range(max(len(bases), len(tops))):
        base, top = bases[min(at, len(bases) - 1)], tops[min(at, len(tops) - 1)]
        if 0 <= top < base < math.inf:
            yield _upside_down(settings, base, top)
            return


def _upside_down(settings: Settings, base: float, top: float) -> Finding:
    words = "is above max_momentum {}{}: momentum rises with the learning rate"
    if settings.max_momentum is None:
        message = f"base_momentum {base!r} {words.format(repr(top), ' (default)')}"
        return MOMENTUM_UPSIDE_DOWN.finding(message, f"set base_momentum to {top!r} or less", "base_momentum")
    if settings.base_momentum is None:
        message = f"base_momentum {base!r} (default) {words.format(repr(top), '')}"
        return MOMENTUM_UPSIDE_DOWN.finding(message, f"set base_momentum to {top!r} or less", "max_momentum")
    message = f"base_momentum {base!r} {words.format(repr(top), '')}"
    hint = f"swap them: base_momentum {top!r}, max_momentum {base!r}"
    return MOMENTUM_UPSIDE_DOWN.finding(message, hint, "base_momentum")


def _values(given: float | tuple[float, ...] | None) -> tuple[float, ...]:
    if given is None:
        return ()
    return given if isinstance(given, tuple) else (given,)
