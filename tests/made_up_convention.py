"""A convention that no framework has: straight lines that turn at int(p*T) and reach the final rate at T.

Registering it is the one line that adds a convention; run as a program, this module does so and runs commands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.findings.plan_rules import EMPTY_PHASE
from onecycle_cli.policy.conventions import CONVENTIONS
from onecycle_cli.policy.conventions.base import SETTINGS_OF_OTHERS, WITHOUT_MOMENTUM, Convention, Defaults
from onecycle_cli.policy.ramps import LinearRamp, Phase

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onecycle_cli.findings import Finding
    from onecycle_cli.policy.plan import Plan


def phases(plan: Plan) -> tuple[Phase, ...]:
    peak = int(plan.pct_start * plan.total_steps)
    rise, fall = [], []
    for group in plan.groups:
        initial = group.max_lr / plan.div_factor
        rise.append(LinearRamp(initial, group.max_lr, 0.0, peak))
        fall.append(LinearRamp(group.max_lr, initial / plan.final_div_factor, peak, plan.total_steps - peak))
    return (
        Phase("warm-up", 0, peak - 1, tuple(rise), ()),
        Phase("anneal", peak, plan.total_steps - 1, tuple(fall), ()),
    )


def check(plan: Plan) -> Iterator[Finding]:
    if int(plan.pct_start * plan.total_steps) == 0:
        yield EMPTY_PHASE.finding("ridge has no warm-up here", "set pct_start higher", "pct_start")


CONVENTION = Convention(
    name="ridge",
    framework="Ridge",
    version="1.0",
    phases=phases,
    check=check,
    defaults=Defaults(cycle_momentum=False, anneal_strategy="linear", pct_start=0.2),
    unsupported={
        **SETTINGS_OF_OTHERS,
        **WITHOUT_MOMENTUM,
        "three_phase": "ridge has two phases only",
        "anneal_strategy": "ridge has straight lines only",
        "final_lr": "ridge divides by final_div_factor",
    },
    whole_steps=True,
    aliases={"max_lr": "top_rate"},
    classes=("ridge_one_cycle",),
    modules=("ridge",),
)

if __name__ == "__main__":
    import contextlib
    import io
    import json
    import sys

    CONVENTIONS[CONVENTION.name] = CONVENTION

    from onecycle_cli.cli import main

    results = []
    for arguments in json.loads(sys.argv[1]):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(arguments)
        results.append({"code": code, "out": out.getvalue(), "err": err.getvalue()})
    sys.stdout.write(json.dumps(results))
