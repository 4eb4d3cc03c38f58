"""Training scripts: the calls that make a schedule, with their values, optimizers and loops."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from onecycle_cli.cli import main
from onecycle_cli.config import Request, load
from onecycle_cli.config.files import Source
from onecycle_cli.config.reader import read

if TYPE_CHECKING:
    from pathlib import Path

    from onecycle_cli.config.raw_plan import RawPlan

TORCH = "from torch.optim.lr_scheduler import OneCycleLR\n"


def plans(text: str) -> list[RawPlan]:
    return read(Source("train.py", named=True, text=textwrap.dedent(text)))


def values(text: str) -> dict[str, Any]:
    [plan] = plans(text)
    return {setting: value for setting, value in plan.values.items() if value is not None and setting != "optimizer"}


def codes(text: str, tmp_path: Path, **flags: object) -> list[str]:
    path = tmp_path / "train.py"
    path.write_text(textwrap.dedent(text))
    found = load(Request((str(path),), flags=flags, every_plan=True)).findings
    return [f"{each.severity.value} {each.code}" for each in found]


# --- Which calls, and their arguments ---------------------------------------------------------------------------

LENGTH = {"max_lr": 0.1, "total_steps": 100}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (TORCH + "s = OneCycleLR(o, 0.1, 100)", LENGTH),
        (
            TORCH + "s = OneCycleLR(o, max_lr=0.1, epochs=3, steps_per_epoch=7)",
            {"max_lr": 0.1, "epochs": 3, "steps_per_epoch": 7},
        ),
        ("import torch\ns = torch.optim.lr_scheduler.OneCycleLR(o, 0.1, total_steps=100)", LENGTH),
        ("from torch import optim\ns = optim.lr_scheduler.OneCycleLR(o, 0.1, 100)", LENGTH),
        ("import torch.optim as to\ns = to.lr_scheduler.OneCycleLR(o, 0.1, 100)", LENGTH),
        ("from torch.optim import lr_scheduler as ls\ns = ls.OneCycleLR(o, 0.1, 100)", LENGTH),
        ("from torch.optim.lr_scheduler import OneCycleLR as One\ns = One(o, 0.1, 100)", LENGTH),
        ("from torch.optim.lr_scheduler import *\ns = OneCycleLR(o, 0.1, 100)", LENGTH),
        (TORCH + "from functools import partial\ns = partial(OneCycleLR, max_lr=0.1, total_steps=100)", LENGTH),
        (TORCH + "kw = dict(max_lr=0.1, total_steps=100)\ns = OneCycleLR(o, **kw)", LENGTH),
        (TORCH + "s = OneCycleLR(o, [0.1, 0.2], 100)", {"max_lr": [0.1, 0.2], "total_steps": 100}),
        ("import oneflow as flow\ns = flow.optim.lr_scheduler.OneCycleLR(o, 0.1, 100)", LENGTH),
        (
            "import tinygrad\nfrom extra.lr_scheduler import OneCycleLR as L\ns = L(o, 0.1, 10.0, 100.0, 100, 0.23)",
            {**LENGTH, "convention": "tinygrad", "div_factor": 10.0, "final_div_factor": 100.0, "pct_start": 0.23},
        ),
        (
            "import paddle\ns = paddle.optimizer.lr.OneCycleLR(0.1, 100, 10.0, 1e-6, 0.2)",
            {**LENGTH, "convention": "paddle", "div_factor": 10.0, "final_lr": 1e-6, "pct_start": 0.2},
        ),
        (
            "import optax\ns = optax.cosine_onecycle_schedule(100, 0.1, 0.25, 10, 1e3)",
            {**LENGTH, "convention": "optax", "pct_start": 0.25, "div_factor": 10, "final_div_factor": 1e3},
        ),
        (
            "from optax import linear_onecycle_schedule as one\ns = one(100, 0.1, 0.2, 0.8)",
            {**LENGTH, "convention": "optax-linear", "pct_start": 0.2, "pct_final": 0.8},
        ),
        (
            "from torchr import lr_one_cycle\ns = lr_one_cycle(o, 0.1, 100, pct_start=0.2)",
            {**LENGTH, "convention": "r-torch", "pct_start": 0.2},
        ),
        (
            "learn.fit_one_cycle(5, 0.1, div=10., pct_start=0.2, moms=(0.9, 0.8, 0.95))",
            {"convention": "fastai", "epochs": 5, "max_lr": 0.1, "div_factor": 10.0, "pct_start": 0.2,
             "max_momentum": 0.9, "base_momentum": 0.8, "final_momentum": 0.95},
        ),
    ],
)  # fmt: skip
def test_a_call_gives_its_settings(text: str, wanted: dict[str, Any]) -> None:
    assert values(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "class OneCycleLR: pass\ns = OneCycleLR(o, 0.1, 100)",
        "from .schedulers import OneCycleLR\ns = OneCycleLR(o, 0.1, 100)",
        "from mylib.schedules import OneCycleLR\ns = OneCycleLR(o, 0.1, 100)",
        TORCH + "s = StepLR(o, 3)",
        "def fit_one_cycle(): pass",
    ],
)
def test_other_classes_are_passed_over(text: str, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(text)
    assert main(["validate", str(tmp_path)]) == 0
    assert not any(plan.is_one_cycle for plan in plans(text))


# --- Names --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "max_lr"),
    [
        ("LR = 0.1\ns = OneCycleLR(o, LR, 100)", 0.1),
        ("LR = 0.01\ndef f():\n    peak = LR * 10\n    return OneCycleLR(o, peak, 100)", 0.1),
        ("def f(lr=0.1):\n    return OneCycleLR(o, lr, 100)", 0.1),
        ("def f(lr=0.5):\n    return OneCycleLR(o, lr, 100)\nf(lr=0.1)", 0.1),
        ("def f(lr):\n    return OneCycleLR(o, lr, 100)\nf(0.1)", 0.1),
        ("def g(lr):\n    f(lr)\ndef f(lr):\n    return OneCycleLR(o, lr, 100)\ng(0.1)", 0.1),
        ("def train(lr):\n    return OneCycleLR(o, lr, 100)\nmodel.train()\ntrain(0.1)", 0.1),
        (("def main():\n    args = p.parse_args()\n    train(args)\ndef train(args):\n"
         "    return OneCycleLR(o, args.lr, 100)\np.add_argument('--lr', default=0.1)"), 0.1),
        ("C = {'lr': 0.1}\ns = OneCycleLR(o, C['lr'], 100)", 0.1),
        ("C = {}\ns = OneCycleLR(o, C.get('lr', 0.1), 100)", 0.1),
        ("p.add_argument('--lr', '-l', default=0.1)\nargs = p.parse_args()\ns = OneCycleLR(o, args.lr, 100)", 0.1),
        ("p.add_argument('--peak-lr', default=0.1)\ndef f(args):\n    s = OneCycleLR(o, args.peak_lr, 100)", 0.1),
        ("p.add_argument('--x', dest='lr', default=0.1)\nopt = p.parse_args()\ns = OneCycleLR(o, opt.lr, 100)", 0.1),
        ("class Config:\n    lr: float = 0.1\ncfg = Config()\ns = OneCycleLR(o, cfg.lr, 100)", 0.1),
        ("class Config:\n    lr: float = 0.5\ncfg = Config(lr=0.1)\ns = OneCycleLR(o, cfg.lr, 100)", 0.1),
        ("class Config:\n    lr = 0.1\ns = OneCycleLR(o, Config.lr, 100)", 0.1),
        (("class M:\n    def __init__(self, lr=0.1):\n        self.lr = lr\n"
         "    def f(self):\n        return OneCycleLR(o, self.lr, 100)"), 0.1),
        (("class M:\n    def __init__(self, lr=0.5):\n        self.lr = lr\n"
         "    def f(self):\n        return OneCycleLR(o, self.lr, 100)\nM(lr=0.1)"), 0.1),
        (("class M:\n    def __init__(self, lr=0.1):\n        self.save_hyperparameters()\n"
         "    def f(self):\n        return OneCycleLR(o, self.hparams.lr, 100)"), 0.1),
        ("import typer\ndef main(lr: float = typer.Option(0.1)):\n    s = OneCycleLR(o, lr, 100)", 0.1),
        ("import click\n@click.option('--lr', default=0.1)\ndef main(lr):\n    s = OneCycleLR(o, lr, 100)", 0.1),
        # Not known: assigned twice, in a loop, by a call, or passed differently by two calls.
        ("lr = 0.1\nif x:\n    lr = 0.2\ns = OneCycleLR(o, lr, 100)", None),
        ("for lr in (0.1, 0.2):\n    s = OneCycleLR(o, lr, 100)", None),
        ("lr = f()\ns = OneCycleLR(o, lr, 100)", None),

        ("def f(lr):\n    return OneCycleLR(o, lr, 100)\nf(0.1)\nf(0.2)", None),
        ("s = OneCycleLR(o, 0.1 if x else 0.2, 100)", None),
        ("s = OneCycleLR(o, lr, 100)", None),
    ],
)  # fmt: skip
def test_a_name_has_the_one_value_that_it_is_given(text: str, max_lr: float | None, tmp_path: Path) -> None:
    text = TORCH + text
    assert values(text) == pytest.approx(
        {"total_steps": 100} if max_lr is None else {"max_lr": max_lr, "total_steps": 100}
    )
    assert codes(text, tmp_path) == (["info OC501"] if max_lr is None else [])


@pytest.mark.parametrize(
    "length",
    [
        "epochs=EPOCHS, steps_per_epoch=len(loader)",
        "total_steps=EPOCHS * len(loader)",
        "total_steps=len(loader) * EPOCHS",
        "total_steps=total",
        "total_steps=EPOCHS * STEPS_PER_EPOCH",
    ],
)
def test_the_length_of_a_loader_is_all_that_is_missing(
    length: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "train.py"
    path.write_text(
        f"{TORCH}EPOCHS = 20\nSTEPS_PER_EPOCH = len(loader) // 4\ntotal = EPOCHS * len(loader)\n"
        f"s = OneCycleLR(o, max_lr=0.1, {length})\n"
    )
    assert main(["validate", "--strict", str(path)]) == 0
    capsys.readouterr()
    assert main(["show", str(path)]) == 2
    assert "--steps-per-epoch" in capsys.readouterr().err
    assert main(["show", str(path), "--steps-per-epoch", "10", "--format", "json"]) == 0
    assert '"total_steps": 200' in capsys.readouterr().out


# --- The optimizer, the loops, and Lightning ----------------------------------------------------------------------

LOOP = """
from torch.optim import SGD
from torch.optim.lr_scheduler import OneCycleLR
optimizer = SGD(model.parameters(), lr={lr}, momentum=0.95)
scheduler = OneCycleLR(optimizer, max_lr=0.1, {length})
for epoch in range(30):
    for x, y in loader:
        optimizer.step()
        {in_batch}
    {in_epoch}
"""


def loop(*, length: str = "epochs=30, steps_per_epoch=500", lr: float = 0.1, batch: bool = True) -> str:
    step = "scheduler.step()"
    return LOOP.format(length=length, lr=lr, in_batch=step if batch else "pass", in_epoch="pass" if batch else step)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (loop(), []),
        (loop(batch=False), ["error OC513"]),
        (loop(batch=False, length="epochs=30, steps_per_epoch=len(loader)"), ["error OC513", "info OC501"]),
        (loop(batch=False, length="total_steps=30"), []),
        (loop(length="total_steps=30"), ["error OC514"]),
        (loop(lr=1.0), ["warning OC511"]),
        (loop(lr=0.01), ["info OC511"]),
    ],
)
def test_the_loop_and_the_optimizer_are_checked(text: str, wanted: list[str], tmp_path: Path) -> None:
    assert sorted(codes(text, tmp_path)) == wanted


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    scheduler.step()", "    if step_per_epoch:\n        scheduler.step()"),
        ("        pass\n", "        train(x, y, scheduler)\n"),
        ("    scheduler.step()", "    while True:\n        scheduler.step()"),
        ("for epoch in range(30):", "for epoch_step, batch in enumerate(batches):"),
        ("for epoch in range(30):", "for run in range(30):"),
    ],
)
def test_how_often_it_steps_is_not_guessed(old: str, new: str, tmp_path: Path) -> None:
    text = loop(batch=False)
    assert old in text
    assert not [code for code in codes(text.replace(old, new), tmp_path) if code.endswith("OC513")]


@pytest.mark.parametrize("variable", ["epoch", "epochs", "ep", "_epoch", "epoch_idx", "cur_epoch", "i_epoch"])
def test_a_loop_over_epochs_is_known_by_its_variable(variable: str, tmp_path: Path) -> None:
    assert codes(loop(batch=False).replace("for epoch", f"for {variable}"), tmp_path) == ["error OC513"]


def test_an_optimizer_that_a_function_makes_is_not_known(tmp_path: Path) -> None:
    text = TORCH + "o = self.make_optimizer(lr=5.0)\ns = OneCycleLR(o, 0.1, 100)\n"
    assert codes(text, tmp_path) == []


def test_a_step_that_is_found_twice_says_nothing(tmp_path: Path) -> None:
    assert codes(loop(batch=False) + "for x in loader:\n    scheduler.step()\n", tmp_path) == []


LIGHTNING = """
import torch, lightning as L
class M(L.LightningModule):
    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.95)
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=5000)
        return {{"optimizer": optimizer, "lr_scheduler": {{"scheduler": scheduler, "interval": "{interval}"}}}}
trainer = L.Trainer({trainer})
"""


@pytest.mark.parametrize(
    ("interval", "trainer", "wanted"),
    [
        ("step", "max_epochs=10", []),
        ("epoch", "max_epochs=10", ["error OC513"]),
        ("step", "max_steps=5000", []),
        ("step", "max_steps=1000", ["warning OC514"]),
    ],
)
def test_lightning_modules_are_checked_with_their_trainer(
    interval: str, trainer: str, wanted: list[str], tmp_path: Path
) -> None:
    assert codes(LIGHTNING.format(interval=interval, trainer=trainer), tmp_path) == wanted


OF_BATCHES = """
import torch, lightning as L
class M(L.LightningModule):
    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.95, **self.options)
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=self.lr, {length})
        {rest}
"""
STEPPING = "total_steps=self.trainer.estimated_stepping_batches"
BATCHES = "epochs=self.trainer.max_epochs, steps_per_epoch=len(self.loader)"


@pytest.mark.parametrize(
    ("length", "rest", "wanted"),
    [
        (STEPPING, "return [optimizer], [scheduler]", ["warning OC513"]),
        (BATCHES, "return [optimizer], [scheduler]", ["warning OC513"]),
        ("epochs=9, steps_per_epoch=self.steps", "return [optimizer], [scheduler]", ["warning OC513"]),
        (STEPPING, "return {'optimizer': optimizer, 'lr_scheduler': {'scheduler': scheduler}}", ["warning OC513"]),
        (STEPPING, "all = []; all.append(scheduler); return [optimizer], all", ["warning OC513"]),
        (STEPPING, "return [optimizer], [{'scheduler': scheduler, 'interval': 'epoch'}]", ["error OC513"]),
        (STEPPING, "often = 'epoch'; return [optimizer], [dict(scheduler=scheduler, interval=often)]", ["error OC513"]),
        (STEPPING, "return [optimizer], [{'scheduler': scheduler, 'interval': 'step'}]", []),
        (STEPPING, "return [optimizer], [dict(scheduler=scheduler, interval='step')]", []),
        (STEPPING, "one = {'scheduler': scheduler}; one['interval'] = 'step'; return [optimizer], [one]", []),
        (STEPPING, "return [optimizer], [LRSchedulerConfig(scheduler, interval='step')]", []),
        (STEPPING, "return [optimizer], [{'scheduler': scheduler, 'interval': self.interval}]", []),
        (STEPPING, "return [optimizer], [{'scheduler': scheduler, **self.more}]", []),
        (STEPPING, "return [optimizer], [dict(scheduler=scheduler, **self.more)]", []),
        (STEPPING, "return self.finish(optimizer, scheduler)", []),
        ("total_steps=self.total", "return [optimizer], [scheduler]", []),
        ("total_steps=self.trainer.max_epochs", "return [optimizer], [scheduler]", []),
    ],
)
def test_the_interval_of_a_lightning_module(length: str, rest: str, wanted: list[str], tmp_path: Path) -> None:
    script = OF_BATCHES.format(length=length, rest=rest)
    assert [found for found in codes(script, tmp_path) if not found.startswith("info")] == wanted


MODULE = """
import torch, lightning as L
class M(L.LightningModule):
    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.95)
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps={total})
        return [optimizer], [scheduler]
{more}
trainer = L.Trainer(max_epochs=10)
"""


@pytest.mark.parametrize(
    ("total", "more", "wanted"),
    [
        (5000, "", ["warning OC513"]),
        (10, "", []),
        (5000, "    def training_step(self, batch, i):\n        self.lr_schedulers().step()", []),
    ],
)
def test_lightning_steps_once_per_epoch_by_default(total: int, more: str, wanted: list[str], tmp_path: Path) -> None:
    assert codes(MODULE.format(total=total, more=more), tmp_path) == wanted


def test_groups_of_the_optimizer_are_counted() -> None:
    [plan] = plans(
        "import torch\no = torch.optim.Adam([{'params': a, 'lr': 0.01}, {'params': b, 'lr': 0.1}])\n"
        "s = torch.optim.lr_scheduler.OneCycleLR(o, [0.01, 0.1], 100)\n"
    )
    assert plan.values["groups"] == 2
    assert plan.context is not None
    assert plan.context.optimizer_lr is not None
    assert plan.context.optimizer_lr.value == (0.01, 0.1)


# --- Several calls, and trouble -----------------------------------------------------------------------------------


def test_of_several_calls_one_is_named_by_its_function_and_target(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "train.py"
    path.write_text(
        f"{TORCH}def gan():\n    sched_g = OneCycleLR(g, 0.1, 100)\n    sched_d = OneCycleLR(d, 0.2, 100)\n"
        "    sched_d = OneCycleLR(d, 0.3, 100)\n"
    )
    assert main(["show", str(path)]) == 2
    said = capsys.readouterr().err
    blocks = ["gan.sched_g", "gan.sched_d", "gan.sched_d_5"]
    assert all(f"{block} (line" in said for block in blocks)
    for block, peak in zip(blocks, ("0.1", "0.2", "0.3"), strict=True):
        assert main(["show", str(path), "--block", block, "--format", "json"]) == 0
        assert f'"peak_lr": {peak}' in capsys.readouterr().out


def test_a_script_that_is_not_python_is_said(tmp_path: Path) -> None:
    assert codes("from torch.optim.lr_scheduler import OneCycleLR\ns = OneCycleLR(o, 0.1, 100", tmp_path) == [
        "error OC006"
    ]


def test_names_that_refer_to_each_other_end(tmp_path: Path) -> None:
    assert codes(TORCH + "a = b\nb = a\ns = OneCycleLR(o, a, 100)", tmp_path) == ["info OC501"]
    chain = "\n".join(f"a{at} = a{at + 1}" for at in range(500))
    assert codes(f"{TORCH}{chain}\ns = OneCycleLR(o, a0, 100)", tmp_path) == ["info OC501"]


def test_the_schedule_of_a_call_is_that_of_pytorch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch = pytest.importorskip("torch")
    call = "OneCycleLR(optimizer, LR * 2, epochs=4, steps_per_epoch=25, pct_start=0.2, three_phase=True)"
    text = f"import torch\nfrom torch.optim.lr_scheduler import OneCycleLR\nLR = 0.05\nscheduler = {call}\n"
    path = tmp_path / "train.py"
    path.write_text(text)
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.1, momentum=0.9)
    names: dict[str, Any] = {"optimizer": optimizer}
    exec(text, names)
    assert main(["export", str(path)]) == 0
    rows = [float(line.split(",")[2]) for line in capsys.readouterr().out.splitlines()[1:]]
    for rate in rows:
        assert rate == pytest.approx(names["scheduler"].get_last_lr()[0], rel=1e-15)
        optimizer.step()
        names["scheduler"].step()


@pytest.mark.parametrize(
    "filled", ["fill(batches)", "other = batches\nother.append(1)", "rows = [batches]\nrows[0] += [1]"]
)
def test_an_empty_list_is_filled_somewhere(filled: str, tmp_path: Path) -> None:
    text = f"{TORCH}batches = []\n{filled}\ns = OneCycleLR(o, 0.1, epochs=3, steps_per_epoch=len(batches))"
    assert codes(text, tmp_path) == ["info OC501"]
