"""Schedules of other shapes, to draw and compare a one-cycle with: cosine, linear, constant, and warm-up-stable-decay.

They are references, and not conventions: a plan cannot be one of them. Each is computed as a framework computes it,
bit for bit on the same machine. Sources, read and run:

    transformers 5.24  get_cosine_with_min_lr_schedule_with_warmup, get_linear_schedule_with_warmup,
                       get_polynomial_decay_schedule_with_warmup (linear that ends above 0),
                       get_constant_schedule_with_warmup, get_wsd_schedule
    PyTorch 2.13       SequentialLR of LinearLR (warm-up), ConstantLR, and CosineAnnealingLR or LinearLR
    optax 0.2.8        join_schedules of linear_schedule, constant_schedule and cosine_decay_schedule, as
                       warmup_cosine_decay_schedule joins them; under 64-bit JAX
"""

from __future__ import annotations

import math
import re
from array import array
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from onecycle_cli.errors import OnecycleError
from onecycle_cli.formatting import count, join_words, shorten
from onecycle_cli.policy.plan import Group, Length
from onecycle_cli.policy.ramps import Phase, Ramp
from onecycle_cli.policy.schedule import Schedule
from onecycle_cli.policy.summary import area

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Formula = Callable[[Any, Callable[[Any], Any]], Any]

MOST_ITERATED = 2_000_000
"""Steps that PyTorch's schedulers are followed over: they compute each rate from the one before it."""

SHAPES = {
    "cosine": ("warmup", "final"),
    "linear": ("warmup", "final"),
    "constant": ("warmup",),
    "wsd": ("warmup", "decay", "form", "final"),
}
"""The shapes, and the settings that each has besides those that all have."""

COMMON = ("by", "start", "max_lr", "total_steps", "match")
FORMS = ("cosine", "linear", "1-sqrt")
EXAMPLES = {
    "by": "transformers, torch or optax",
    "start": "0.01, the first rate as a share of the peak",
    "max_lr": "0.1",
    "total_steps": "1000",
    "match": "peak or area",
    "warmup": "0.05 (of the run) or 500 (steps)",
    "decay": "0.2 (of the run) or 500 (steps)",
    "form": "cosine, linear or 1-sqrt",
    "final": "0.1, the final rate as a share of the peak",
}


@dataclass(frozen=True, slots=True)
class Reference:
    """A schedule of another shape, as `--against` describes it.

    Attributes:
        shape: cosine, linear, constant or wsd.
        by: the framework that computes it.
        warmup: the length of the linear warm-up: a share of the run if below 1, else steps.
        decay: of wsd, the length of the decay at the end, in the same way.
        form: of wsd, the curve of the decay.
        start: the first rate as a share of the peak; None for the framework's own.
        final: the final rate as a share of the peak.
        max_lr: the peak; None for the plan's.
        total_steps: the length; None for the plan's.
        match: what it has in common with the plan: the peak, or the area under the curve.
        words: how it was described.
    """

    shape: str
    by: str = "transformers"
    warmup: float = 0.0
    decay: float = 0.2
    form: str = "cosine"
    start: float | None = None
    final: float = 0.0
    max_lr: float | None = None
    total_steps: int | None = None
    match: str = "peak"
    words: str = ""

    @property
    def name(self) -> str:
        """Its shape, with the settings that were given."""
        return re.sub(r"\s*[:,]\s*", ", ", self.words or self.shape).replace("=", " ")

    @property
    def title(self) -> str:
        """Its shape with the framework's version."""
        return f"{self.shape} ({FRAMEWORKS[self.by].title})"

    def beside(self, plan: Schedule) -> Schedule:
        """Return its schedule beside a plan's: with the same groups, and the same peak, length or area.

        Raises:
            OnecycleError: the warm-up and the decay are longer than the run, or the run is too long to follow.
        """
        total = self.total_steps or plan.total_steps
        framework = FRAMEWORKS[self.by]
        if framework.iterates and total > MOST_ITERATED:
            message = (
                f"{self.words}: {framework.title} computes each rate from the one before it: {total:,} are too many"
            )
            raise OnecycleError(message, f"use by=transformers, or up to {MOST_ITERATED:,} steps")
        own = self._schedule(plan, total, 1.0)
        if self.match != "area":
            return own
        return self._schedule(plan, total, area(plan) / area(own))

    def _schedule(self, plan: Schedule, total: int, factor: float) -> Schedule:
        warmup, decay = self._steps(self.warmup, total), self._steps(self.decay, total) if self.shape == "wsd" else 0
        if warmup + decay > total:
            both = join_words([f"a warm-up of {warmup:,}"] + [f"a decay of {decay:,}"] * (self.shape == "wsd"))
            raise OnecycleError(f"{self.words}: {count(total, 'step')} have no room for {both}", "shorten them")
        peaks = [(self.max_lr or group.max_lr) * factor for group in plan.plan.groups]
        parts = [list(FRAMEWORKS[self.by].parts(self, peak, total, warmup, decay)) for peak in peaks]
        phases = tuple(
            Phase(ramps[0].name, ramps[0].first, ramps[0].last, tuple(part.ramp for part in ramps), ())
            for ramps in zip(*parts, strict=True)
        )
        groups = tuple(Group(own.name, peak, 0.0, 0.0, 0.0) for own, peak in zip(plan.plan.groups, peaks, strict=True))
        length = Length(total, plan.steps_per_epoch, "total_steps", "total_steps as given")
        first = min(plan.first_step, total - 1)
        return Schedule(
            replace(plan.plan, groups=groups, length=length, then=(), cycle_momentum=False, first_step=first), phases
        )

    @staticmethod
    def _steps(share: float, total: int) -> int:
        """Return a number of steps, rounded up from a share of the run as transformers' Trainer rounds."""
        return math.ceil(share * total) if share < 1 else int(share)


def read_references(texts: Sequence[str]) -> list[Reference]:
    """Read references, several of them with commas: what has an equals sign and no colon is a setting of the last one.

    Raises:
        OnecycleError: one of them is not a reference.
    """
    words: list[str] = []
    for part in (part for text in texts for part in text.split(",")):
        if words and "=" in part and ":" not in part:
            words[-1] += f",{part}"
        else:
            words.append(part)
    return [read_reference(each) for each in words]


def read_reference(text: str) -> Reference:
    """Read a reference such as `cosine`, `cosine:warmup=0.05,by=torch` or `wsd:warmup=500,decay=0.2`.

    Raises:
        OnecycleError: it is not one.
    """
    shape, _, listed = text.strip().partition(":")
    shape = shape.strip().lower()
    if shape not in SHAPES:
        near = get_close_matches(shape[:40], SHAPES, 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else f"use {join_words(list(SHAPES), 'or')}"
        raise OnecycleError(f"--against {shorten(text, 40)!r} is not a schedule", hint)
    known = (*SHAPES[shape], *COMMON)
    values: dict[str, Any] = {}
    for item in filter(None, (part.strip() for part in listed.split(","))):
        name, equals, written = (part.strip() for part in item.partition("="))
        name = name.replace("-", "_")
        if name not in known or not equals:
            near = get_close_matches(name[:40], known, 1, 0.5)
            hint = f"did you mean {near[0]}={EXAMPLES[near[0]]}?" if near else f"{shape} takes {join_words(known)}"
            raise OnecycleError(f"--against {shape}: {shorten(item, 40)!r} is not a setting of it", hint)
        if name in values:
            raise OnecycleError(f"--against {shape}: {name} is given twice", "remove one")
        values[name] = _read(shape, name, written)
    found = Reference(shape, **values, words=text.strip())
    _check(found)
    return found


def _read(shape: str, name: str, written: str) -> Any:
    """Read the value of a setting of a reference."""
    choices = {"by": tuple(FRAMEWORKS), "form": FORMS, "match": ("peak", "area")}.get(name)
    if choices is not None:
        if written.lower() in choices:
            return written.lower()
    else:
        try:
            value = float(written)
        except ValueError:
            value = math.nan
        is_count = value >= 1 and value.is_integer()
        fits = {
            "warmup": 0 <= value < 1 or is_count,
            "decay": 0 <= value < 1 or is_count,
            "max_lr": 0 < value < math.inf,
            "total_steps": is_count and value < 2**53,
        }.get(name, 0 <= value <= 1)
        if fits:
            return int(value) if name == "total_steps" else value
    raise OnecycleError(f"--against {shape}: invalid {name} {shorten(written, 40)!r}", f"give {EXAMPLES[name]}")


def _check(found: Reference) -> None:
    """Check that the framework has what is asked for."""
    framework = FRAMEWORKS[found.by]
    problem: tuple[str, str] | None = None
    if found.start and not framework.has_start:
        problem = f"the warm-ups of {framework.title} start at 0", "use by=torch or by=optax, or remove start"
    elif found.start == 0 and not framework.starts_at_zero:
        problem = f"the warm-up of {framework.title} cannot start at 0", "give start=0.001 or more"
    elif found.start is not None and not found.warmup:
        problem = "start is the first rate of a warm-up, and there is none", "give warmup=0.05 as well"
    elif found.form not in framework.forms:
        problem = f"{framework.title} has no {found.form} decay", "use by=transformers, or another form"
    elif found.match == "area" and found.max_lr is not None:
        problem = "match=area sets the peak, and max_lr does as well", "remove one"
    if problem is not None:
        raise OnecycleError(f"--against {found.shape}: {problem[0]}", problem[1])


# --- The frameworks' arithmetic ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Part:
    """A phase of one group: its name, its first and last step, and its ramp."""

    name: str
    first: int
    last: int
    ramp: Ramp


@dataclass(frozen=True, slots=True)
class FormulaRamp(Ramp):
    """A ramp with a formula of the steps since its edge."""

    formula: Formula

    def at(self, step: Any, cos: Callable[[Any], Any]) -> Any:
        """Return the value at a step, or at each of an array of steps."""
        return self.formula(step - self.edge, cos)


@dataclass(frozen=True, slots=True)
class TableRamp(Ramp):
    """A ramp whose every value is known, one per step from its edge on."""

    table: array[float]

    def at(self, step: Any, cos: Callable[[Any], Any]) -> Any:  # noqa: ARG002
        """Return the value at a step, or at each of an array of steps."""
        if isinstance(step, int | float):
            return self.table[int(step) - int(self.edge)]
        import numpy as np

        return np.frombuffer(self.table)[step.astype(np.int64) - int(self.edge)]


def _transformers(found: Reference, peak: float, total: int, warmup: int, decay: int) -> Iterator[_Part]:
    """Yield the parts that LambdaLR makes of the peak and a factor.

    Where the framework takes the maximum of a factor and 0, the factor is not below 0 within the run.
    """
    final = found.final
    low = final if found.shape == "wsd" else 0.0

    def rise(steps: Any, _: Any) -> Any:
        factor = steps / warmup
        return peak * (factor * (1.0 - low) + low) if low else peak * factor

    def fall(steps: Any, cos: Any) -> Any:
        form = found.form if found.shape == "wsd" else found.shape
        length = decay if found.shape == "wsd" else total - warmup
        if form == "linear" and found.shape == "linear":
            if not final:
                return peak * ((length - steps) / length)
            end = final * peak
            return peak * (((peak - end) * (1 - steps / length) + end) / peak)
        progress = steps / length
        if form == "cosine":
            factor = 0.5 * (1.0 + cos(math.pi * progress))
        else:
            factor = 1.0 - (progress if form == "linear" else _sqrt(progress))
        return peak * (factor * (1.0 - final) + final)

    yield from _parts(found, (low * peak, peak, final * peak), total, warmup, decay, rise, fall)


def _optax(found: Reference, peak: float, total: int, warmup: int, decay: int) -> Iterator[_Part]:
    """Yield the parts that join_schedules joins."""
    first, end = (found.start or 0.0) * peak, found.final * peak

    def rise(steps: Any, _: Any) -> Any:
        return (first - peak) * (1 - steps / warmup) + peak

    def fall(steps: Any, cos: Any) -> Any:
        length = decay if found.shape == "wsd" else total - warmup
        if "linear" in (found.shape, found.form if found.shape == "wsd" else ""):
            return (peak - end) * (1 - steps / length) + end
        alpha = end / peak
        return peak * ((1 - alpha) * (0.5 * (1 + cos(math.pi * steps / length))) + alpha)

    yield from _parts(found, (first, peak, end), total, warmup, decay, rise, fall)


def _torch(found: Reference, peak: float, total: int, warmup: int, decay: int) -> Iterator[_Part]:
    """Yield the parts of SequentialLR, whose schedulers compute each rate from the one before."""
    start = 1.0 / 3 if found.start is None else found.start
    end = found.final * peak
    stable = 0 if found.shape in ("cosine", "linear") else total - warmup - decay
    is_linear = "linear" in (found.shape, found.form if found.shape == "wsd" else "")
    for name, first, length in _spans(total, warmup, stable):
        if name == "warm-up":
            table = array("d", _linear_lr(peak, start, 1.0, length))
        elif name == "stable":
            table = array("d", [peak]) * length
        elif is_linear:
            table = array("d", _linear_lr(peak, 1.0, found.final, length))
        else:
            table = array("d", _cosine_lr(peak, end, length))
        yield _Part(name, first, first + length - 1, TableRamp(table[0], end, first, length, table))


def _linear_lr(peak: float, start: float, end: float, length: int) -> Iterator[float]:
    """Yield the rates of PyTorch's LinearLR."""
    rate = peak * start
    yield rate
    for step in range(1, length):
        rate *= 1.0 + (end - start) / (length * start + (step - 1) * (end - start))
        yield rate


def _cosine_lr(peak: float, end: float, length: int) -> Iterator[float]:
    """Yield the rates of PyTorch's CosineAnnealingLR."""
    rate = peak
    yield rate
    for step in range(1, length):
        above = (1 + math.cos(math.pi * step / length)) / (1 + math.cos(math.pi * (step - 1) / length))
        rate = above * (rate - end) + end
        yield rate


def _parts(
    found: Reference,
    corners: tuple[float, float, float],
    total: int,
    warmup: int,
    decay: int,
    rise: Formula,
    fall: Formula,
) -> Iterator[_Part]:
    """Yield the warm-up, the stable part and the decay, as far as there are any."""
    first_rate, peak, end = corners
    stable = 0 if found.shape in ("cosine", "linear") else total - warmup - decay

    def hold(steps: Any, _: Any) -> Any:
        return steps * 0.0 + peak

    formulas = {"warm-up": (rise, first_rate, peak), "stable": (hold, peak, peak), "anneal": (fall, peak, end)}
    for name, first, length in _spans(total, warmup, stable):
        formula, begin, finish = formulas[name]
        yield _Part(name, first, first + length - 1, FormulaRamp(begin, finish, float(first), float(length), formula))


def _spans(total: int, warmup: int, stable: int) -> Iterator[tuple[str, int, int]]:
    """Yield the name, the first step and the length of each part that has a step."""
    first = 0
    for name, length in (("warm-up", warmup), ("stable", stable), ("anneal", total - warmup - stable)):
        if length:
            yield name, first, length
        first += length


def _sqrt(value: Any) -> Any:
    """Return the square root, rounded correctly in both paths."""
    if isinstance(value, float):
        return math.sqrt(value)
    import numpy as np

    return np.sqrt(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """How a framework computes the shapes.

    Attributes:
        title: its name and version.
        parts: yields a schedule's phases for one peak.
        has_start: whether the first rate of a warm-up can be set.
        starts_at_zero: whether a warm-up can start at 0.
        iterates: whether it computes each rate from the one before it.
        forms: the curves of a decay that it has.
    """

    title: str
    parts: Callable[[Reference, float, int, int, int], Iterator[_Part]]
    has_start: bool = True
    starts_at_zero: bool = True
    iterates: bool = False
    forms: tuple[str, ...] = FORMS[:2]


FRAMEWORKS = {
    "transformers": Framework(title="transformers 5.24", parts=_transformers, has_start=False, forms=FORMS),
    "torch": Framework(title="PyTorch 2.13", parts=_torch, starts_at_zero=False, iterates=True),
    "optax": Framework(title="optax 0.2.8", parts=_optax),
}
