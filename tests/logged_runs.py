"""Runs as they would be logged: the mistakes people make, and the ways their logs are written."""

from __future__ import annotations

import csv
import json
import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onecycle_cli import OneCycle
from onecycle_cli.policy.schedule import Schedule
from onecycle_cli.run.logs.log import Log
from onecycle_cli.run.logs.stream import follow_log

from .conftest import DATA

TRACES = DATA / "traces"
MANIFEST: list[dict[str, Any]] = json.loads((TRACES / "manifest.json").read_text())

Floats = NDArray[np.float64]


def make_log(steps: Any, lr: Any, momentum: Any = None, groups: tuple[str, ...] | None = None, **more: Any) -> Log:
    """Make a log of columns of values; `more` sets other attributes of `Log`."""
    rates = np.asarray(lr, dtype=np.float64)
    rates = rates[:, None] if rates.ndim == 1 else rates
    momenta = [] if momentum is None else [np.asarray(momentum, dtype=np.float64).reshape(rates.shape)]
    names = groups or (("",) if rates.shape[1] == 1 else tuple(f"pg{at + 1}" for at in range(rates.shape[1])))
    whole = np.asarray(steps, dtype=np.int64)
    return Log("run.csv", "csv", whole, np.hstack([rates, *momenta]), names, **more)


RUNS_OF_PAPERS: dict[str, dict[str, Any]] = json.loads((DATA / "golden" / "smith" / "runs.json").read_text())["runs"]
"""What the one-cycle papers' authors published of their runs, by name."""


def plan_of_paper(name: str) -> dict[str, Any]:
    """Return the settings of a paper's run."""
    run = RUNS_OF_PAPERS[name]
    plan = {
        "max_lr": float(run["max_lr"]),
        "div_factor": run["max_lr"] / run["base_lr"],
        "stepsize": run["stepsize"],
        "total_steps": run["max_iter"],
        "convention": "smith",
    }
    if "cyclical_momentum" in run:
        return plan | {"base_momentum": run["cyclical_momentum"][0], "max_momentum": run["momentum"]}
    return plan | {"cycle_momentum": False, "final_div_factor": 1.0}  # the triangle of figure 1a


def log_of_paper(name: str) -> Log:
    """Read what a paper's run logged."""
    with (DATA / "golden" / "smith" / f"{name}.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    momentum = [float(row["momentum"]) for row in rows] if "momentum" in rows[0] else None
    return make_log([int(row["step"]) for row in rows], [float(row["lr"]) for row in rows], momentum)


def read_trace(entry: dict[str, Any]) -> Log:
    """Read a recorded log by what the manifest says of it."""
    text = (TRACES / entry["file"]).read_text()
    if entry["format"] == "hf_trainer_state":
        rows = json.loads(text)["log_history"]
    elif text.startswith("{"):
        rows = [json.loads(line) for line in text.splitlines()]
    else:
        rows = list(csv.DictReader(text.splitlines()))
    columns = [*entry["lr_columns"], *(entry["momentum_columns"] or [])]
    rows = [row for row in rows if any(row.get(column) not in (None, "") for column in columns)]

    def values(names: list[str]) -> Floats:
        return np.array(
            [[float(row[name]) if row.get(name) not in (None, "") else math.nan for name in names] for row in rows]
        )

    names = tuple(column.removeprefix("lr-") for column in entry["lr_columns"])
    steps = [int(row[entry["step_column"]]) for row in rows]
    momentum = values(entry["momentum_columns"]) if entry["momentum_columns"] else None
    return make_log(steps, values(entry["lr_columns"]), momentum, names if len(names) > 1 else ("",))


def at(schedule: Schedule, steps: Any, *, momentum: bool = False) -> Floats:
    """Give what PyTorch's scheduler holds at any steps up to total_steps, the rebound there; held after it."""
    clock = np.minimum(np.asarray(steps, dtype=np.int64), schedule.total_steps)
    curve = schedule.momentum if momentum else schedule.lr
    inside = np.minimum(clock, schedule.total_steps - 1)
    columns = []
    for group in range(len(schedule.groups)):
        values = curve(inside, group)
        assert values is not None
        phase = schedule.phases[-1]
        ramp = (phase.momentum if momentum else phase.lr)[group]
        columns.append(np.where(clock == schedule.total_steps, ramp.at(float(schedule.total_steps), math.cos), values))
    return np.column_stack(columns)


@dataclass(frozen=True)
class Run:
    """What a run trained with: one row per step, and one more, which the scheduler holds after the last."""

    lr: Floats
    momentum: Floats | None

    @property
    def steps(self) -> int:
        return len(self.lr) - 1


def run_of(settings: dict[str, Any], clock: Any) -> Run:
    """Run a schedule whose step number n is clock[n]."""
    schedule = OneCycle(**settings).schedule()
    momentum = at(schedule, clock, momentum=True) if schedule.cycles_momentum else None
    return Run(at(schedule, clock), momentum)


def written(values: Floats | None, form: str) -> Floats | None:
    """Write values as a log would, and read them back."""
    if values is None:
        return None
    if form == "float32":
        return values.astype(np.float32).astype(np.float64)
    if form.startswith("%"):
        return np.array([[float(form % value) for value in row] for row in values.tolist()])
    return values


@dataclass(frozen=True)
class Kind:
    """A way to log: the offset it implies, how values are written, and every how many steps."""

    name: str
    offset: int = 0
    form: str = "exact"
    every: int = 1
    chosen: int | None = None


KINDS = (
    Kind("exact"),
    Kind("float32", form="float32"),
    Kind("digits", form="%.6g"),
    Kind("sparse", every=7),
    Kind("after-step", offset=1),
    Kind("from-1", offset=-1),
    Kind("from-1-sparse", offset=-1, every=5),
)


def log_of(run: Run, kind: Kind) -> Log:
    """Log a run in some way."""
    steps = np.arange(run.steps)
    if kind.offset == -1:
        logged = np.arange(1, run.steps + 1)
        kept = logged % kind.every == 0
    else:
        logged, kept = steps, steps % kind.every == 0
    shown = steps + (1 if kind.offset == 1 else 0)
    momentum = None if run.momentum is None else run.momentum[shown][kept]
    return make_log(logged[kept], written(run.lr[shown][kept], kind.form), written(momentum, kind.form))


def random_plan(seed: int) -> dict[str, Any]:
    """Draw a plan that people might have."""
    draw = random.Random(seed)
    total = draw.choice([draw.randint(30, 120), draw.randint(100, 1000), draw.randint(500, 5000)])
    two = draw.random() < 0.35
    peak = round(draw.uniform(1, 9), draw.choice([0, 1, 2])) * 10.0 ** draw.randint(-4, -1)
    plan: dict[str, Any] = {
        "max_lr": [peak, round(peak * draw.choice([3, 10]), 8)] if two else peak,
        "total_steps": total,
        "pct_start": draw.choice([0.1, 0.2, 0.25, 0.3, 0.4, 0.45, 0.37]),
        "div_factor": draw.choice([10.0, 25.0, 12.5, 4.0]),
        "final_div_factor": draw.choice([1e2, 1e3, 1e4, 50.0]),
        "anneal_strategy": draw.choice(["cos", "cos", "cos", "linear"]),
        "cycle_momentum": draw.random() < 0.6,
    }
    if draw.random() < 0.2:
        plan["three_phase"] = True
    return plan


__all__ = [
    "KINDS",
    "MANIFEST",
    "Kind",
    "Run",
    "at",
    "log_of",
    "make_log",
    "random_plan",
    "read_trace",
    "replace",
    "run_of",
]


@dataclass(frozen=True)
class Mistake:
    """A run gone wrong: what it trained with, and the cause to be found."""

    slug: str
    run: Run


def mistakes(plan: dict[str, Any], seed: int) -> dict[str, Mistake]:
    """Make every mistake that a plan allows."""
    draw = random.Random(seed)
    total: int = plan["total_steps"]
    steps = np.arange(total + 1)
    found: dict[str, Mistake] = {}

    def moved(name: str, slug: str, clock: Any, settings: dict[str, Any] | None = None) -> None:
        found[name] = Mistake(slug, run_of(settings or plan, clock))

    def other(setting: str, value: Any) -> None:
        moved(setting, f"wrong-{setting}", steps, {**plan, setting: value})

    block = draw.randint(2, max(total // 4, 3))
    moved("epoch-stepped", "epoch-stepped", steps // block)
    for times in (2, draw.choice([3, 4, 8])):
        moved(f"stepped-{times}", f"stepped-n-times:{times}", times * steps)
    times = draw.choice([2, 4, 8])
    moved("no-accumulation", "no-accumulation", steps, {**plan, "total_steps": times * total})
    begin = draw.randint(total // 5, total * 4 // 5)
    moved("restarted", f"restarted-at:{begin}", np.where(steps < begin, steps, steps - begin))
    for shift in (1, -1):
        moved(f"shifted{shift:+d}", f"shifted:{shift:+d}", np.where(steps < begin, steps, steps + shift))
    factor = draw.choice([10.0, 0.1, 2.0, 1.5, 1.00001])
    peaks = plan["max_lr"] if isinstance(plan["max_lr"], list) else [plan["max_lr"]]
    changed = [peak * factor for peak in peaks]
    other("max_lr", changed if len(changed) > 1 else changed[0])
    other("pct_start", round(min(plan["pct_start"] * draw.choice([0.5, 1.2, 0.77]), 0.5), 4))
    other("div_factor", plan["div_factor"] * draw.choice([0.5, 2.0, 10.0]))
    other("final_div_factor", plan["final_div_factor"] * draw.choice([0.5, 10.0, 100.0]))
    other("total_steps", total + draw.randint(1, total // 3))
    moved("shorter", "wrong-total_steps", steps, {**plan, "total_steps": total - draw.randint(2, total // 3)})
    lines = "linear" if plan["anneal_strategy"] == "cos" else "cos"
    moved("lines", lines, steps, {**plan, "anneal_strategy": lines})
    moved("constant", "constant", steps * 0)
    moved("overrun", "overrun", np.arange(total + 2))
    if len(peaks) > 1:
        moved("swapped", "swapped-groups", steps, {**plan, "max_lr": peaks[::-1]})
    if plan["cycle_momentum"]:
        right = run_of(plan, steps)
        assert right.momentum is not None
        found["still"] = Mistake("no-momentum-cycle", Run(right.lr, np.full_like(right.lr, 0.9)))
    return found


def follow(
    path: Path, writes: list[Callable[[], object]], columns: Any = None, patterns: Sequence[str] = ()
) -> Iterator[Log]:
    """Follow a file; each time it waits, the next write happens."""
    coming = iter(writes)

    def wait() -> bool:
        write = next(coming, None)
        if write is not None:
            write()
        return write is not None

    return follow_log(str(path), columns or {}, wait, patterns)


def appending(path: Path, text: str) -> Callable[[], object]:
    """Return a function that appends a text to a file."""

    def write() -> None:
        with path.open("a") as stream:
            stream.write(text)

    return write
