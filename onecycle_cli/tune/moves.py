"""How the arrow keys move a setting's value: numbers to the next round one, shares by a hundredth, choices in turn."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from onecycle_cli.policy.settings import SETTINGS

if TYPE_CHECKING:
    from onecycle_cli.policy.settings import Setting

FINE = (1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.3, 8.0)
COARSE = (1.0, 2.0, 5.0)
"""The numbers that one key press moves to, within each power of ten: ten (ISO 3's R10), or three."""

SHARE = (0.01, 0.05)
"""How far a share, or a momentum, moves: finely and coarsely."""

NEARLY = 1e-9
"""How much nearer than the next round number, relative to it, a value counts as that number."""


def moved(setting: str, value: Any, *, up: bool, coarse: bool = False) -> Any:
    """Return the next value of a setting; the same one where there is no next."""
    what = SETTINGS[setting]
    if isinstance(value, list | tuple):
        return tuple(moved(setting, item, up=up, coarse=coarse) for item in value)
    if what.single is bool:
        return not value
    if what.choices:
        choices = list(what.choices)
        return choices[(choices.index(value) + (1 if up else -1)) % len(choices)]
    if what.single is int:
        return _moved_count(what, value, up=up, coarse=coarse, by_one=setting == "epochs")
    if what.at_most == 1 or setting.endswith("momentum"):
        distance = SHARE[coarse] if up else -SHARE[coarse]
        return round(_limited(what, value + distance, 1.0), 10)
    return _next_round(value, COARSE if coarse else FINE, up=up)


def _moved_count(what: Setting, value: int, *, up: bool, coarse: bool, by_one: bool) -> int:
    """Return the next number of steps, samples and the like; of epochs one or ten more."""
    if by_one:
        distance = 10 if coarse else 1
        return int(_limited(what, value + (distance if up else -distance), math.inf))
    found = round(_next_round(float(max(value, 1)), COARSE if coarse else FINE, up=up))
    if found == value:  # between small whole numbers there are no round ones
        found += 1 if up else -1
    return int(_limited(what, found, math.inf))


def _limited(what: Setting, value: float, most: float) -> float:
    """Return a value within the range of its setting."""
    least = what.at_least if what.at_least is not None else SHARE[0]
    return min(max(value, least), what.at_most if what.at_most is not None else most)


def _next_round(value: float, mantissas: tuple[float, ...], *, up: bool) -> float:
    """Return the next larger or smaller number of the series; the value itself where floats end."""
    if not 1e-300 < value < 1e300:
        return value
    power = math.floor(math.log10(value))
    series = [float(f"{mantissa}e{at}") for at in (power - 1, power, power + 1) for mantissa in mantissas]
    if up:
        return min(number for number in series if number > value * (1 + NEARLY))
    return max(number for number in series if number < value * (1 - NEARLY))
