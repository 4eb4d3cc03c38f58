"""optax, for JAX: a schedule is a function of the count of updates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onecycle_cli.policy.conventions import optax, optax_linear
from onecycle_cli.render.code import (
    Argument,
    Task,
    call,
    imports,
    join,
    length_check,
    literal,
    peak_argument,
    shape_arguments,
)
from onecycle_cli.render.code.formula import ROWS, Language, formula_of, table
from onecycle_cli.render.code.loop import batch_loop
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
        schedule = f"learning_rate = {call(name, given)}"
    else:
        formula, floats = formula_of(task.schedule), FLOATS
        close = match is not None and match.close
        words = join("" if close else why_not(match, name, task.schedule), formula.remark, between=" ")
        schedule = _formula(task, formula)
    body = join(schedule, _optimizer(task), _loop(task))
    lines = ["import jax", *(["import jax.numpy as jnp"] if "jnp." in body else []), "import optax"]
    gap = "\n\n\n" if "def " in schedule else "\n\n"
    return join(task.head(words, floats, _processes(task)), join(imports(body, *lines), body, between=gap))


def _processes(task: Task) -> str:
    """Return how several processes share the data, which JAX leaves to the program."""
    if task.world == 1:
        return ""
    size = f" of {task.settings.batch_size} samples" if task.settings.batch_size else ""
    return (
        f"{task.world} processes: each calls jax.distributed.initialize(), and its train_loader has the batches{size} "
        f"of its own share of the data, ceil(samples / {task.world}); gradients are averaged over all of them."
    )


def _formula(task: Task, formula: Formula) -> str:
    rates = [f"one_cycle({table([rows])})" for rows in formula.lr]
    momenta = [f"one_cycle({table([rows])})" for rows in formula.momentum]
    momenta += [f"dip({', '.join(map(literal, dip))})" for dip in formula.dips]
    parts = [f"# {ROWS}", f"learning_rate = {_collected(rates, task)}"]
    if momenta:
        parts.append(f"momentum = {_collected(momenta, task)}")
    check = length_check(task, task.steps_of_the_run())
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
    return join(code, _accumulated(task), between="\n")


def _accumulated(task: Task) -> str:
    """Return the optimizer that collects gradients; as the plan counts, an epoch's last batches are an update too."""
    every = str(task.accumulation)
    if every == "1":
        return ""
    if not task.from_loader:
        return f"optimizer = optax.MultiSteps(optimizer, every_k_schedule={every})"
    return (
        f"updates_per_epoch = {task.steps_of_an_epoch()}  # planned: {task.per_epoch}\n"
        f"last = len(train_loader) - {every} * (updates_per_epoch - 1)  # batches of an epoch's last update\n"
        "optimizer = optax.MultiSteps(\n"
        "    optimizer,\n"
        f"    every_k_schedule=lambda update: jnp.where((update + 1) % updates_per_epoch == 0, last, {every}),\n"
        ")"
    )


def _loop(task: Task) -> str:
    start = "state = optimizer.init(params)"
    if task.first_step:
        start = f"params, state = restore_checkpoint()  # of the first {task.first_step} steps: state has their count"
    train = (
        "grads = jax.grad(compute_loss)(params, batch)",
        "updates, state = optimizer.update(grads, state, params)  # counts the steps itself",
        "params = optax.apply_updates(params, updates)",
    )
    return join(start, batch_loop(task, train), between="\n")
