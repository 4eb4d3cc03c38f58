"""Whether each number is one that can be trained with."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from onecycle_cli.findings.practice import FACTOR_BELOW_ONE, TWO_FINALS
from onecycle_cli.findings.values import OUT_OF_RANGE, PCT_START_RANGE
from onecycle_cli.policy.conventions import convention_of
from onecycle_cli.policy.settings import Settings, about

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.settings import About

ALL = tuple(Settings.model_fields)


def check_numbers(settings: Settings) -> Iterator[Finding]:
    """Judge each number against its own range, then those that are made of two."""
    given = (setting for setting in ALL if setting in settings.model_fields_set)
    found = [finding for setting in given for finding in _judge_range(settings, setting)]
    yield from found
    yield from _judge_factors(settings)
    if not found:
        yield from _judge_ends(settings)


def _judge_range(settings: Settings, setting: str) -> Iterator[Finding]:
    value = getattr(settings, setting)
    listed = isinstance(value, tuple)
    for index, number in enumerate(value if listed else (value,)):
        if isinstance(number, bool) or not isinstance(number, int | float):
            continue
        objection = _objection(number, about(setting))
        if objection is None:
            continue
        if setting == "pct_start":
            yield _judge_pct_start(number)
        else:
            named = f"{setting}[{index}]" if listed else setting
            hint = f"give {setting} a value such as {about(setting).example}"
            yield OUT_OF_RANGE.finding(
                f"{named} is {show(number)}, {objection}", hint, setting, index if listed else None
            )


def _objection(number: float, range_: About) -> str | None:
    if isinstance(number, float) and not math.isfinite(number):
        return "not a finite number"
    if range_.above is not None and number <= range_.above:
        return f"not above {range_.above:g}"
    if range_.at_least is not None and number < range_.at_least:
        return f"below {range_.at_least:g}"
    if range_.at_most is not None and number > range_.at_most:
        return f"above {range_.at_most:,}"
    return None


def _judge_pct_start(value: float) -> Finding:
    hint = "give the fraction of the cycle that warms up, such as 0.3"
    if 1 < value <= 100:
        fraction = max(f"{value / 100:.2f}", f"{value / 100:g}", key=len)
        hint = f"did you mean {fraction}?" if value >= 1.5 else "set pct_start to 1.0 or less"
    return PCT_START_RANGE.finding(
        f"pct_start is {show(value)}, outside 0…1: it is a fraction of the cycle", hint, "pct_start"
    )


def _judge_factors(settings: Settings) -> Iterator[Finding]:
    for setting, consequence in (
        ("div_factor", "the cycle starts above its peak, at max_lr"),
        ("final_div_factor", "the cycle ends above its start, at the initial learning rate"),
    ):
        factor = getattr(settings, setting)
        if factor is not None and 0 < factor < 1:
            turned = 1 / factor
            yield FACTOR_BELOW_ONE.finding(
                f"{setting} is {show(factor)}: {consequence} × {turned:.4g}",
                f"set {setting} to 1 or more"
                if math.isinf(turned)
                else f"{setting} divides; did you mean {turned:.4g}?",
                setting,
            )
    peaks = settings.max_lr if isinstance(settings.max_lr, tuple) else (settings.max_lr,)
    if settings.final_lr is not None and 0 < min(peaks, default=math.inf) < settings.final_lr < math.inf:
        yield FACTOR_BELOW_ONE.finding(
            f"final_lr is {show(settings.final_lr)}, above the peak {show(min(peaks))}: the cycle ends above it",
            "set final_lr below max_lr, such as 4.0e-7",
            "final_lr",
        )
    if settings.final_lr is not None and settings.final_div_factor is not None:
        yield TWO_FINALS.finding(
            f"final_lr {show(settings.final_lr)} and final_div_factor {show(settings.final_div_factor)} are both "
            "given; final_lr wins",
            "remove final_div_factor",
            "final_div_factor",
        )


def _judge_ends(settings: Settings) -> Iterator[Finding]:
    """Find learning rates that float64 cannot hold, though each number they come from is sound."""
    defaults = convention_of(settings).defaults
    div = settings.div_factor or defaults.div_factor
    final_div = settings.final_div_factor or defaults.final_div_factor
    peaks = settings.max_lr if isinstance(settings.max_lr, tuple) else (settings.max_lr,)
    for peak in peaks:
        initial = peak / div
        if not 0 < initial < math.inf:
            yield OUT_OF_RANGE.finding(
                f"max_lr / div_factor = {show(peak)} / {show(div)} is {show(initial)} in float64",
                "give div_factor a value such as 25.0",
                "div_factor" if settings.div_factor is not None else "max_lr",
            )
            return
        if settings.final_lr is None and not math.isfinite(initial / final_div):
            yield OUT_OF_RANGE.finding(
                f"the final learning rate, {show(initial)} / {show(final_div)}, is not finite in float64",
                "give final_div_factor a value such as 1.0e+4",
                "final_div_factor",
            )
            return


def show(number: float) -> str:
    """Write a number as its author would, and exactly."""
    if isinstance(number, int):
        # Python refuses to write very long numbers out, so their length is told from their bits.
        power = round((abs(number).bit_length() - 1) * math.log10(2))
        return f"{number:,}" if abs(number) < 10**18 else f"about {'-' * (number < 0)}10^{power:,}"
    return repr(number)
