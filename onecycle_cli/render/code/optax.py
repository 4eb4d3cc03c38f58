"""optax, for JAX: a schedule is a function of the count of updates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.policy.conventions import optax, optax_linear
from onecycle_cli.render.code import (
    Argument,
    Task,
    call,
    comment,
    guard,
    join,
    literal,
    peak_argument,
    shape_arguments,
)
from onecycle_cli.render.code.formula import ROWS, Language, formula_of, table
from onecycle_cli.render.code.match import match_scheduler, why_not

if TYPE_CHECKING:
    from onecycle_cli.render.code.formula import Formula

OWN = {
    "cos": (optax.CONVENTION, "optax.cosine_onecycle_schedule"),
    "linear": (optax_linear.CONVENTION, "optax.linear_onecycle_schedule"),
}
NAMES = {
    way: {setting: setting for setting in ("pct_start", *more, "div_factor", "final_div_factor")}
    for way, more in (("cos", ()), ("linear", ("pct_final",)))
}
OPTIMIZERS = frozenset({"sgd", "adam", "adamw", "rmsprop", "adamax", "nadam", "radam", "lion", "lamb", "adagrad"})

FLOATS = "JAX computes in 32 bits unless jax_enable_x64 is set: the values then agree to about 1e-7 of the peak."
COUNTS = "optax takes fractions of its int32 count in 32 bits, also under jax_enable_x64: to about 1e-7 of the peak."

JAX = Language(
    cos="jnp.cos",
    pi="math.pi",
    column="{}[at]",
    one_cycle="""\
def one_cycle(phases):
    last, start, end, edge, span = (jnp.array(column) for column in zip(*phases, strict=True))

    def schedule(count):
        step = jnp.minimum(count, LAST)
        at = jnp.searchsorted(last, step)
        return CURVE

    return schedule""",
    dip="""\
def dip(high, low, half):
    def schedule(count):
        count = jnp.asarray(count, float)
        cycle = count // (2 * half)
        x = jnp.abs((count - 2 * cycle * half) / half - 1)
        return high - (high - low) * (1 - x) * 0.5**cycle

    return schedule""",
)


def snippet(task: Task) -> str:
    """Return the schedule, the optimizer over it, and the loop."""
    convention, name = OWN[task.plan.anneal_strategy]
    match = match_scheduler(task.schedule, convention.name, momentum=False)
    if match is not None and match.close and not task.several and not task.schedule.cycles_momentum:
        plan = match.schedule.plan
        given = [
            Argument("transition_steps", task.steps_of_the_run(), task.planned()),
            peak_argument(plan, "peak_value"),
            *shape_arguments(plan, convention.defaults, NAMES[plan.anneal_strategy]),
        ]
        words, floats = match.remark(name), COUNTS
        imports, schedule = "import jax\nimport optax", f"learning_rate = {call(name, given)}"
    else:
        formula, floats = formula_of(task.schedule), FLOATS
        close = match is not None and match.close
        words = join("" if close else why_not(match, name), formula.remark, between=" ")
        imports, schedule = "import jax\nimport jax.numpy as jnp\nimport optax", _formula(task, formula)
    if "math." in schedule:
        imports = f"import math\n\n{imports}"
    gap = "\n\n\n" if "def " in schedule else "\n\n"
    return join(task.head(words, floats), join(imports, schedule, between=gap), _optimizer(task), _loop(task))


def _formula(task: Task, formula: Formula) -> str:
    rates = [f"one_cycle({table([rows])})" for rows in formula.lr]
    momenta = [f"one_cycle({table([rows])})" for rows in formula.momentum]
    momenta += [f"dip({', '.join(map(literal, dip))})" for dip in formula.dips]
    parts = [f"# {ROWS}", f"learning_rate = {_collected(rates, task)}"]
    if momenta:
        parts.append(f"momentum = {_collected(momenta, task)}")
    check = guard(task, task.steps_of_the_run())
    return join(JAX.functions(formula), join(check, *parts, between="\n"), between="\n\n\n")


def _collected(curves: list[str], task: Task) -> str:
    """Return a curve, or a dictionary of them by group."""
    if not task.several:
        return curves[0]
    entries = [
        f"    {literal(name)}: {code},\n".replace("\n    ", "\n        ")
        for name, code in zip(task.schedule.groups, curves, strict=True)
    ]
    return "{\n" + "".join(entry.replace("\n])", "\n    ])") for entry in entries) + "}"


def _optimizer(task: Task) -> str:
    name = task.optimizer or "sgd"
    make = f"optax.{name}" if name in OPTIMIZERS else "make_optimizer"
    given = "learning_rate=learning_rate"
    if task.schedule.cycles_momentum:
        make = f"optax.inject_hyperparams({make})"
        given += f", {'b1' if task.beta1 else 'momentum'}=momentum"
    if not task.several:
        code = f"optimizer = {make}({given})"
    else:
        of_group = given.replace("=learning_rate", "=learning_rate[group]").replace("=momentum", "=momentum[group]")
        code = (
            "optimizer = optax.multi_transform(\n"
            f"    {{\n        group: {make}({of_group})\n        for group in learning_rate\n    }},\n"
            "    param_labels,  # a tree like params that names the group of each leaf\n)"
        )
    if task.accumulation > 1:
        code += f"\noptimizer = optax.MultiSteps(optimizer, every_k_schedule={task.accumulation})"
        code += "\n" + comment(
            "A last, incomplete accumulation of an epoch is carried into the next: where an epoch's batches are no "
            f"multiple of {task.accumulation}, the run has fewer updates than the plan."
        )
    return code


def _loop(task: Task) -> str:
    indent = "    " if task.from_loader else ""
    lines = (
        "for batch in train_loader:",
        "    grads = jax.grad(compute_loss)(params, batch)",
        "    updates, state = optimizer.update(grads, state, params)  # counts the steps itself",
        "    params = optax.apply_updates(params, updates)",
    )
    loop = "\n".join(indent + line for line in lines)
    epochs = f"for epoch in range({task.plan.epochs}):" if task.from_loader else f"# {task.total} steps in all"
    start = "state = optimizer.init(params)"
    resume = task.resuming("restore `state` from the checkpoint; it holds the count.")
    return join(start, resume, epochs, loop, between="\n")
