"""How often a training script steps its scheduler: followed through its loops, functions and objects, or not said."""

from __future__ import annotations

import math
import textwrap

import pytest

from onecycle_cli.config.files import Source
from onecycle_cli.config.reader import read

IMPORTS = "from torch import optim\nfrom torch.optim.lr_scheduler import OneCycleLR\n"
MADE = "s = OneCycleLR(o, 0.1, 100)\n"


def stepped(text: str) -> list[tuple[str | None, int | None]]:
    """Return for each schedule how often it is stepped, and the epochs of the loop around that."""
    found = []
    for plan in read(Source("train.py", named=True, text=IMPORTS + textwrap.dedent(text))):
        assert plan.context is not None
        interval, epochs = plan.context.interval, plan.context.epochs
        found.append((None if interval is None else interval.value, None if epochs is None else epochs.value))
    return found


FOR = MADE + "for epoch in range(3):\n"
INNER = "    for batch in loader:\n"


@pytest.mark.parametrize(
    ("text", "often", "epochs"),
    [
        (FOR + INNER + "        s.step()", "step", 3),
        (FOR + INNER + "        pass\n    s.step()", "epoch", 3),
        (MADE + "for epoch in range(1, 4):\n" + INNER + "        s.step()", "step", None),
        (MADE + "E = 3\nfor epoch in range(1, E + 1):\n" + INNER + "        s.step()", "step", 3),
        (MADE + "for epoch in range(0, 3):\n" + INNER + "        s.step()", "step", 3),
        (MADE + "for epoch in range(start, 3):\n" + INNER + "        s.step()", "step", None),
        (MADE + "for epoch in tqdm(range(3)):\n    bar = tqdm(loader)\n    for x in bar:\n        s.step()", "step", 3),
        (MADE + "while going:\n    for i, x in enumerate(train_loader):\n        s.step()", "step", None),
        (FOR + "    for i in range(num_batches):\n        s.step()", "step", 3),
        (FOR + INNER + "        if (i + 1) % 4 == 0:\n            s.step()", "step", 3),
        # Not for certain.
        (FOR + INNER + "        if i == len(loader) - 1:\n            s.step()", None, None),
        (FOR + "    for phase in ('train', 'val'):\n        s.step()", None, None),
        (FOR + "    for x in things:\n        s.step()", None, None),
        (FOR + "    if each_epoch:\n        s.step()", None, None),
        (FOR + INNER + "        if each:\n            s.step()\n    if not each:\n        s.step()", None, None),
        (MADE + "for step in range(100):\n    s.step()", None, None),
        (MADE + "s.step()", None, None),
    ],
)
def test_loops_show_it(text: str, often: str | None, epochs: int | None) -> None:
    assert stepped(text) == [(often, epochs)]


STEP_IN_BATCH = "def train(m, dl, s):\n    for x in dl:\n        s.step()\n"
STEP_AT_END = "def train(m, dl, s):\n    for x in dl:\n        pass\n    s.step()\n"


@pytest.mark.parametrize(
    ("text", "often", "epochs"),
    [
        (STEP_IN_BATCH + FOR + "    train(m, loader, s)", "step", 3),
        (STEP_IN_BATCH + FOR + "    train(m, s=s, dl=loader)", "step", 3),
        (STEP_AT_END + FOR + "    train(m, loader, s)", "epoch", 3),
        (MADE + "def train(epoch):\n    for x in loader:\n        s.step()\nfor epoch in range(3):\n    train(epoch)",
         "step", 3),
        (("def make(o):\n    s = OneCycleLR(o, 0.1, 100)\n    return o, s\no, t = make(o)\nfor epoch in range(3):\n"
         "    for x in loader:\n        t.step()"), "step", 3),
        ("def make(o):\n    return OneCycleLR(o, 0.1, 100)\nt = make(o)\nfor epoch in range(3):\n    t.step()",
         "epoch", 3),
        (("class T:\n    def __init__(self):\n        self.s = OneCycleLR(o, 0.1, 100)\n    def one(self):\n"
         "        for x in self.loader:\n            self.s.step()\n    def fit(self):\n"
         "        for epoch in range(3):\n"
         "            self.one()"), "step", 3),
        ("class T:\n    def __init__(self, s):\n        self.sched = s\n    def fit(self):\n"
         "        for epoch in range(3):\n            self.sched.step()\n" + MADE + "T(s).fit()", "epoch", 3),
        # A function of another file may step it, too.
        (FOR + "    train(m, loader, s)\n    s.step()", None, None),
        (FOR + "    train(m, loader, s)", None, None),
        (FOR + "    log(s.get_last_lr())\n    s.step()", "epoch", 3),
    ],
)  # fmt: skip
def test_functions_and_objects_are_followed(text: str, often: str | None, epochs: int | None) -> None:
    assert stepped(text) == [(often, epochs)]


def test_a_name_that_is_used_twice_is_not_mixed_up() -> None:
    text = FOR + "    s.step()\n" + "s = OneCycleLR(o, 0.1, 100)\nfor epoch in range(4):\n" + INNER + "        s.step()"
    assert stepped(text) == [("epoch", 3), ("step", 4)]


MODULE = """
import lightning as L
class M(L.LightningModule):
    def configure_optimizers(self):
        {body}
{more}
"""


@pytest.mark.parametrize(
    ("body", "often"),
    [
        ("s = OneCycleLR(o, 0.1, 100); return {'optimizer': o, 'lr_scheduler': {'scheduler': s, 'interval': 'step'}}",
         "step"),
        ("s = OneCycleLR(o, 0.1, 100); return [o], [dict(scheduler=s, interval='step')]", "step"),
        ("s = {'scheduler': OneCycleLR(o, 0.1, 100), 'interval': 'step'}; return [o], [s]", "step"),
        (("s = OneCycleLR(o, 0.1, 100); t = StepLR(o, 3); return [o, p], [{'scheduler': s, 'interval': 'step'}, "
         "{'scheduler': t, 'interval': 'epoch'}]"), "step"),
        ("s = OneCycleLR(o, 0.1, 100); return [o], [s]", None),
    ],
)  # fmt: skip
def test_lightning_is_told_with_each_scheduler(body: str, often: str | None) -> None:
    assert stepped(MODULE.format(body=body, more="")) == [(often, None)]


def stepping(text: str) -> str | None:
    [plan] = read(Source("train.py", named=True, text=IMPORTS + text))
    assert plan.context is not None
    return plan.context.unit


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        (MODULE.format(body="return [o], [OneCycleLR(o, 0.1, 100)]", more=""), "epoch"),
        (MODULE.format(body="s = {'scheduler': OneCycleLR(o, 0.1, 100)}; s['interval'] = 'step'; return [o], [s]",
                       more=""), None),
        (MODULE.format(body="return [o], [OneCycleLR(o, 0.1, 100)]",
                       more="    def training_step(self, b, i):\n        self.lr_schedulers().step()"), None),
        (MODULE.format(body="return [o], [OneCycleLR(o, 0.1, 100)]",
                       more="    def lr_scheduler_step(self, s, m):\n        pass"), None),
        (MODULE.format(body="return [o], [OneCycleLR(o, 0.1, 100)]", more="").replace("import lightning", "import x"),
         None),
    ],
)  # fmt: skip
def test_lightnings_default_holds_where_nothing_overrides_it(text: str, unit: str | None) -> None:
    assert stepping(text) == unit


# --- The optimizer ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rates"),
    [
        ("o = optim.SGD(m.parameters(), 0.3)\n", (0.3,)),
        ("def make(m):\n    return optim.AdamW(m.parameters(), lr=0.3)\no = make(m)\n", (0.3,)),
        ("o = optim.SGD(m.parameters(), lr=0.3)\nm, o = accelerator.prepare(m, o)\n", (0.3,)),
        ("o = optim.SGD(m.parameters(), lr=0.3)\no = accelerator.prepare(o)\n", (0.3,)),
        ("o = optim.SGD([{'params': a, 'lr': 1.0}, {'params': b}], lr=0.3)\n", (1.0, 0.3)),
        (
            "o = optim.SGD([{'params': a, 'lr': 1.0}, {'params': b}], lr=0.3)\no.add_param_group({'params': c})\n",
            (0.3,),
        ),
        ("o = optim.SGD(m.parameters(), lr=0.3) if x else optim.Adam(m.parameters(), lr=0.4)\n", None),
        ("if x:\n    o = optim.SGD(m.parameters(), lr=0.3)\nelse:\n    o = optim.Adam(m.parameters(), lr=0.4)\n", None),
    ],
)
def test_the_optimizer_of_the_call_is_found(text: str, rates: tuple[float, ...] | None) -> None:
    [plan] = read(Source("train.py", named=True, text=IMPORTS + text + MADE))
    assert plan.context is not None
    assert (plan.context.optimizer_lr and plan.context.optimizer_lr.value) == rates


def test_each_of_several_schedules_has_its_optimizer() -> None:
    text = (
        "def gan():\n    opt_g = optim.Adam(g, lr=0.01)\n    opt_d = optim.Adam(d, lr=0.02)\n"
        "    sched_g = OneCycleLR(opt_g, 0.1, 100)\n    sched_d = OneCycleLR(opt_d, 0.2, 100)\n"
    )
    found = read(Source("train.py", named=True, text=IMPORTS + text))
    rates = [plan.context and plan.context.optimizer_lr and plan.context.optimizer_lr.value for plan in found]
    assert rates == [(0.01,), (0.02,)]


# --- Against PyTorch ----------------------------------------------------------------------------------------------

SCRIPTS = (
    """
    EPOCHS, STEPS = 4, 25
    config = {"lr": 0.05, "factors": {"div": 10}}
    config["lr"] *= 2
    optimizer = optim.SGD([weight], lr=config["lr"] / 10, momentum=0.9)
    scheduler = OneCycleLR(optimizer, config["lr"], EPOCHS * STEPS, div_factor=config["factors"]["div"])
    """,
    """
    class Config:
        peak: float = 0.2
        share = 5 / 20
        epochs: int = 3

    def make(optimizer, config, *, three_phase=False):
        kwargs = dict(max_lr=[config.peak, config.peak / 10], pct_start=config.share)
        kwargs["final_div_factor"] = 1e2
        return OneCycleLR(optimizer, epochs=config.epochs, steps_per_epoch=11, three_phase=three_phase, **kwargs)

    optimizer = optim.AdamW([{"params": [weight], "lr": 0.1}, {"params": [other]}], lr=0.01)
    scheduler = make(optimizer, Config(), three_phase=True)
    """,
    """
    from functools import partial
    import math
    steps = math.ceil(1000 / 64) * 5
    kind = torch.optim.lr_scheduler.OneCycleLR
    make = partial(kind, anneal_strategy="linear", max_lr=1e-3)
    optimizer = optim.RMSprop([weight], 1e-4, momentum=0.5)
    scheduler = make(optimizer, total_steps=steps, base_momentum=0.5, max_momentum=0.6)
    """,
    """
    import argparse
    parser = argparse.ArgumentParser()
    parser.add_argument("--learning-rate", "-l", type=float, default=0.3)
    parser.add_argument("--steps", type=int, default=90)
    parser.add_argument("--no-momentum", dest="cycle", action="store_false")
    args = parser.parse_args([])
    if args.steps > 1000:
        raise SystemExit
    optimizer = optim.SGD([weight], args.learning_rate)
    scheduler = OneCycleLR(optimizer, args.learning_rate, args.steps + 10, cycle_momentum=not args.cycle)
    """,
)


@pytest.mark.parametrize("text", SCRIPTS, ids=["items", "dataclass", "partial", "options"])
def test_the_plan_of_a_script_is_what_it_runs(text: str) -> None:
    """Run a script with the real PyTorch, and compare each learning rate of each group with the plan of its text."""
    torch = pytest.importorskip("torch")
    text = "import torch\n" + IMPORTS + textwrap.dedent(text)
    weight, other = torch.zeros(1), torch.zeros(1)
    names: dict[str, object] = {"weight": weight, "other": other}
    exec(text, names)
    [plan] = read(Source("train.py", named=True, text=text))
    assert not plan.findings
    from onecycle_cli.policy.validation import validate_settings

    settings = validate_settings(plan.values, plan.context).settings
    assert settings is not None
    schedule = settings.schedule()
    optimizer, scheduler = names["optimizer"], names["scheduler"]
    assert schedule.total_steps == scheduler.total_steps  # type: ignore[attr-defined]
    for step in range(schedule.total_steps):
        for group, rate in enumerate(scheduler.get_last_lr()):  # type: ignore[attr-defined]
            assert math.isclose(schedule.lr(step, group), rate, rel_tol=1e-14)
        optimizer.step()  # type: ignore[attr-defined]
        if step + 1 < schedule.total_steps:
            scheduler.step()  # type: ignore[attr-defined]
