"""Logs of runs that follow a plan, as trainers write them, with values as damaged runs log them."""

from __future__ import annotations

import math
from random import Random

from onecycle_cli import OneCycle, PlanError

STRANGE = (math.nan, math.inf, -math.inf, 0.0, -0.0, -0.1, 1e308, -1e308, 1e-320, 1e-45, 1.0, 2.0, 1e16)

Plan = dict[str, object]
Rows = list[tuple[float, float]]


def plan(draw: Random) -> Plan:
    """Return settings of a short cycle."""
    found: Plan = {
        "max_lr": float(f"{10 ** draw.uniform(-5, 1):.2g}"),
        "total_steps": draw.choice((1, 2, 3, 5, 10, 20, 40, 100)),
        "pct_start": draw.choice((0.0, 0.1, 0.25, 0.3, 0.5, 0.9)),
        "anneal_strategy": draw.choice(("cos", "linear")),
        "div_factor": draw.choice((1.0, 10.0, 25.0, 1e6)),
    }
    if draw.random() < 0.3:
        found["convention"] = draw.choice(("fastai", "optax", "paddle", "smith", "r-torch"))
    return found


def log(draw: Random, settings: Plan) -> bytes:
    """Return the log of a run with these settings, sometimes with another peak or another pace."""
    run = dict(settings)
    if draw.random() < 0.3:
        run[draw.choice(("max_lr", "div_factor"))] = draw.choice((0.01, 0.2, 3.0))
    rows = _damaged(draw, _rows(run, draw.choice((1, 1, 1, 2, 7)), draw.choice((0, 0, 1))))
    form = draw.choice((repr, repr, "{:.4g}".format, "{:.3e}".format, "{:f}".format))
    return draw.choice((_csv, _tsv, _lines, _state, _text))([(str(step), form(rate)) for step, rate in rows]).encode()


def range_test(draw: Random) -> bytes:
    """Return the log of a range test: rates that rise, with losses that fall and then rise."""
    size = draw.choice((1, 3, 12, 60))
    low, high = sorted(10 ** draw.uniform(-8, 2) for _ in range(2))
    rates: Rows = [(step, low * (high / low) ** (step / size)) for step in range(size)]
    losses: Rows = [(step, 2.0 - step / size + math.exp(min(9 * step / size - 6, 700.0))) for step in range(size)]
    rows = zip(_damaged(draw, rates), _damaged(draw, losses), strict=False)
    form = draw.choice(("{},{!r},{!r}\n", "{},{:.4g},{:.4g}\n"))
    return ("step,lr,loss\n" + "".join(form.format(step, rate, loss) for (step, rate), (_, loss) in rows)).encode()


def _rows(run: Plan, every: int, first: int) -> Rows:
    try:
        schedule = OneCycle.from_values(run).schedule()
    except PlanError:  # a phase is empty
        return [(float(step), 0.1 / (step + 1)) for step in range(10)]
    return [(step + first, schedule.lr(step)) for step in range(0, schedule.total_steps, every)]


def _damaged(draw: Random, rows: Rows) -> Rows:
    for _ in range(draw.choice((0, 0, 1, 2, 5))):
        at = draw.randrange(len(rows)) if rows else 0
        match draw.randrange(7):
            case 0:
                rows[at : at + 1] = [(step, draw.choice(STRANGE)) for step, _ in rows[at : at + 1]]
            case 1:
                rows[at : at + 1] = [(draw.choice((*STRANGE, 2**53, 1e18, 3.5)), rate) for _, rate in rows[at : at + 1]]
            case 2:
                rows[at:at] = rows[:at]
            case 3:
                del rows[at : at + draw.randint(1, 5)]
            case 4:
                factor = draw.choice((0.0, 10.0, 1e300, 1e-300, -1.0))
                rows[at:] = [(step, rate * factor) for step, rate in rows[at:]]
            case 5:
                rows[at:] = [(step, (-1) ** number * 1e308) for number, (step, _) in enumerate(rows[at:])]
            case 6:
                draw.shuffle(rows)
    return rows


def _csv(rows: list[tuple[str, str]]) -> str:
    return "step,lr\n" + "".join(f"{step},{rate}\n" for step, rate in rows)


def _tsv(rows: list[tuple[str, str]]) -> str:
    return "epoch\tlr\tloss\n" + "".join(f"{step}\t{rate}\t1.0\n" for step, rate in rows)


def _lines(rows: list[tuple[str, str]]) -> str:
    return "".join(f'{{"step": {step}, "lr": {rate}, "momentum": 0.9}}\n' for step, rate in rows)


def _state(rows: list[tuple[str, str]]) -> str:
    entries = ", ".join(f'{{"learning_rate": {rate}, "step": {step}}}' for step, rate in rows)
    return f'{{"log_history": [{entries}]}}'


def _text(rows: list[tuple[str, str]]) -> str:
    return "".join(f"12:00 step {step} loss 0.5 lr {rate}\n" for step, rate in rows)
