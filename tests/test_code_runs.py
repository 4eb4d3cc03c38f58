"""The snippets of `onecycle code` train with the plan: PyTorch's, Lightning's, transformers' and optax's."""

from __future__ import annotations

import functools
import importlib
import os
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onecycle_cli.run.guard import DivergenceError
from tests.snippets import (
    PLANS,
    Rows,
    StopTrainingError,
    assert_followed,
    batches_before,
    batches_of,
    first_step_of,
    is_over,
    planned,
    run_until_checkpoint,
    settings_of,
    snippet,
)

OWN_OF_OPTAX = {"optax": True, "optax-linear": True, "paddle": False, "mmengine": False, "still": False}
OWN_OF_OPTAX |= {"resumed-still": False}
"""By plan without momentum: whether optax's own schedule follows it."""

RESUMED = [plan for plan in PLANS if plan.startswith("resumed")]
EXTENDED = ["resumed-anneal", "resumed-hold", "resumed-apart"]
WITH_OPTAX = ["torch", "phases", "groups", "optax", "optax-linear", "paddle", "smith", "still", "accumulated"]
WITH_OPTAX += [plan for plan in RESUMED if plan != "resumed-optax"]


@contextmanager
def recorded() -> Iterator[Rows]:
    """Record the rate and momentum of each group at every step of every optimizer."""
    seen: Rows = []

    def record(optimizer: Any, *_: object) -> None:
        groups = optimizer.param_groups
        seen.append([(g["lr"], g["betas"][0] if "betas" in g else g.get("momentum")) for g in groups])

    handle = importlib.import_module("torch.optim.optimizer").register_optimizer_step_pre_hook(record)
    try:
        yield seen
    finally:
        handle.remove()


def network(torch: Any, base: type) -> Any:
    """Make a network of two parts that is its own loss."""

    class Network(base):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.backbone = torch.nn.Linear(1, 1, bias=False)
            self.head = torch.nn.Linear(1, 1, bias=False)

        def forward(self, x: Any) -> dict[str, Any]:
            return {"loss": self.head(self.backbone(x)).mean()}

        def training_step(self, batch: Any, _: int) -> Any:
            return self(batch)["loss"]

    return Network()


ALONE = [plan for plan in PLANS if not PLANS[plan].get("world_size")]
"""The plans of a single process."""


@pytest.mark.parametrize("plan", ALONE)
def test_torch_trains_with_the_plan(plan: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    torch: Any = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    given: dict[str, Any] = {"compute_loss": lambda model, batch: model(batch)["loss"]}
    if first_step_of(plan):
        given["model"] = network(torch, torch.nn.Module)
        run_until_checkpoint(plan, "torch", given, torch.ones(1, 1))
        parts = ("model", "optimizer", "scheduler")
        torch.save({part: given[part].state_dict() for part in parts}, "checkpoint.pt")
    given["model"] = network(torch, torch.nn.Module)
    given["train_loader"] = [torch.ones(1, 1)] * batches_of(plan)
    with recorded() as seen:
        exec(snippet(plan, "torch"), given)
    assert_followed(plan, seen)


@pytest.mark.parametrize(
    "plan",
    [
        *("torch", "steps", "groups", "accumulated", "optax", "smith"),
        *("resumed", "resumed-inside", "resumed-smith", *EXTENDED),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_lightning_trains_with_the_plan(plan: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    torch: Any = pytest.importorskip("torch")
    lightning: Any = pytest.importorskip("lightning")
    monkeypatch.chdir(tmp_path)
    off = ("logger", "enable_progress_bar", "enable_model_summary")
    quiet = functools.partial(lightning.Trainer, accelerator="cpu", **dict.fromkeys(off, False))
    given: dict[str, Any] = {}

    class Base(lightning.LightningModule):  # type: ignore[misc]
        def configure_optimizers(self) -> Any:
            return given["configure_optimizers"](self)

    given["train_loader"] = torch.utils.data.DataLoader(torch.ones(batches_of(plan), 1), batch_size=1)
    given["model"] = network(torch, Base)
    if first := first_step_of(plan):
        checkpoint = importlib.import_module("lightning.pytorch.callbacks").ModelCheckpoint(
            dirpath=tmp_path, filename="{step}", every_n_train_steps=first, save_top_k=-1
        )
        monkeypatch.setattr(lightning, "Trainer", functools.partial(quiet, callbacks=[checkpoint]))
        exec(snippet(plan, "lightning", resumed=False), given)
        (tmp_path / f"step={first}.ckpt").rename("checkpoint.ckpt")
        given["model"] = network(torch, Base)
    monkeypatch.setattr(lightning, "Trainer", functools.partial(quiet, enable_checkpointing=False))
    with recorded() as seen:
        exec(snippet(plan, "lightning"), given)
    assert_followed(plan, seen)


@pytest.mark.parametrize(
    "plan",
    ["torch", "steps", "accumulated", "openpcdet", "optax", "resumed", "resumed-inside", "resumed-smith", *EXTENDED],
)
@pytest.mark.filterwarnings("ignore")
def test_transformers_trains_with_the_plan(plan: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    torch: Any = pytest.importorskip("torch")
    assert pytest.importorskip("transformers").Trainer  # loading it puts another module in the place of the first one
    transformers: Any = sys.modules["transformers"]
    pytest.importorskip("accelerate")
    monkeypatch.chdir(tmp_path)
    batch = PLANS[plan].get("batch_size", 1)
    quiet = functools.partial(
        transformers.TrainingArguments, use_cpu=True, report_to="none", disable_tqdm=True, logging_strategy="no"
    )
    more = {} if "batch_size" in PLANS[plan] else {"per_device_train_batch_size": batch}
    given: dict[str, Any] = {"train_dataset": [{"x": torch.ones(1)}] * (batches_of(plan) * batch)}
    given["model"] = network(torch, torch.nn.Module)
    if first := first_step_of(plan):
        saving = functools.partial(quiet, save_strategy="steps", save_steps=first, **more)
        monkeypatch.setattr(transformers, "TrainingArguments", saving)
        exec(snippet(plan, "transformers", resumed=False), given)
        given["model"] = network(torch, torch.nn.Module)
    monkeypatch.setattr(transformers, "TrainingArguments", functools.partial(quiet, save_strategy="no", **more))
    with recorded() as seen:
        exec(snippet(plan, "transformers"), given)
    assert_followed(plan, [row[: len(planned(plan)[0])] for row in seen])


@pytest.mark.parametrize("plan", ["torch", "groups", "accumulated", "r-torch", "fastai", "resumed", "resumed-optax"])
def test_the_guard_follows_the_run(plan: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    torch: Any = pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    model = network(torch, torch.nn.Module)
    given: dict[str, Any] = {"compute_loss": lambda model, batch: model(batch)["loss"], "model": model}
    if first_step_of(plan):
        run_until_checkpoint(plan, "torch", given, torch.ones(1, 1))
        torch.save({part: given[part].state_dict() for part in ("model", "optimizer", "scheduler")}, "checkpoint.pt")
    given["train_loader"] = [torch.ones(1, 1)] * batches_of(plan)
    text = snippet(plan, "torch", guarded=True)
    exec(text, given)
    assert given["guard"].next_step == settings_of(plan).schedule().total_steps
    wrong = text.replace("scheduler.step()", "scheduler.step(); scheduler.step()")
    with pytest.raises(DivergenceError, match=f"diverges at step {first_step_of(plan) + 1}:"):
        exec(wrong, given)


@pytest.mark.filterwarnings("ignore")
def test_the_guard_follows_lightnings_trainer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    torch: Any = pytest.importorskip("torch")
    lightning: Any = pytest.importorskip("lightning")
    monkeypatch.chdir(tmp_path)
    off = ("logger", "enable_progress_bar", "enable_model_summary", "enable_checkpointing")
    quiet = functools.partial(lightning.Trainer, accelerator="cpu", **dict.fromkeys(off, False))
    monkeypatch.setattr(lightning, "Trainer", quiet)

    class Base(lightning.LightningModule):  # type: ignore[misc]
        def configure_optimizers(self) -> Any:
            return given["configure_optimizers"](self)

    loader = torch.utils.data.DataLoader(torch.ones(batches_of("torch"), 1), batch_size=1)
    given: dict[str, Any] = {"model": network(torch, Base), "train_loader": loader}
    exec(snippet("torch", "lightning", guarded=True), given)
    assert given["guard"].next_step == settings_of("torch").schedule().total_steps
    with pytest.raises(DivergenceError, match="diverges at step 1:"):
        exec(snippet("torch", "lightning", guarded=True).replace(', "interval": "step"', ""), given)


@pytest.mark.filterwarnings("ignore")
def test_the_guard_follows_the_trainer_of_transformers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    torch: Any = pytest.importorskip("torch")
    transformers: Any = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    monkeypatch.chdir(tmp_path)
    quiet = functools.partial(
        transformers.TrainingArguments, use_cpu=True, report_to="none", disable_tqdm=True, logging_strategy="no",
        save_strategy="no", per_device_train_batch_size=1,
    )  # fmt: skip
    monkeypatch.setattr(transformers, "TrainingArguments", quiet)
    rows = [{"x": torch.ones(1)}] * batches_of("torch")
    given: dict[str, Any] = {"model": network(torch, torch.nn.Module), "train_dataset": rows}
    text = snippet("torch", "transformers", guarded=True)
    exec(text, given)
    assert given["guard"].next_step == settings_of("torch").schedule().total_steps
    with pytest.raises(DivergenceError, match="diverges at step 0:"):
        exec(text.replace("max_lr=0.1,\n            total", "max_lr=0.2,\n            total"), given)


@pytest.mark.parametrize("plan", ["torch", "steps", "accumulated", "groups", "optax", *RESUMED])
@pytest.mark.filterwarnings("ignore")
def test_accelerate_trains_with_the_plan(plan: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    torch: Any = pytest.importorskip("torch")
    accelerate: Any = pytest.importorskip("accelerate")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(accelerate, "Accelerator", functools.partial(accelerate.Accelerator, cpu=True))
    rows = torch.utils.data.DataLoader(torch.ones(batches_of(plan), 1))
    given: dict[str, Any] = {"compute_loss": lambda model, batch: model(batch)["loss"]}
    if first_step_of(plan):
        left = iter([True] * batches_before(plan))

        def stopping(model: Any, batch: Any) -> Any:
            if not next(left, False):
                raise StopTrainingError("for a checkpoint")
            return model(batch)["loss"]

        before = {"compute_loss": stopping, "train_loader": rows, "model": network(torch, torch.nn.Module)}
        with nullcontext() if is_over(plan) else pytest.raises(StopTrainingError):
            exec(snippet(plan, "accelerate", resumed=False), before)
        accelerator: Any = before["accelerator"]
        accelerator.register_for_checkpointing(before["scheduler"])
        accelerator.save_state("checkpoint")
        importlib.import_module("accelerate.state").GradientState._reset_state()  # as in a process of its own
    given |= {"train_loader": rows, "model": network(torch, torch.nn.Module)}
    with recorded() as seen:
        exec(snippet(plan, "accelerate", guarded=True), given)
    assert_followed(plan, seen)
    assert given["guard"].next_step == settings_of(plan).schedule().total_steps


PROCESSES = r"""
import os, sys, torch
from tests.snippets import settings_of
seen = []
def record(optimizer, *_):
    seen.append(optimizer.param_groups[0]["lr"])
from torch.optim.optimizer import register_optimizer_step_pre_hook
register_optimizer_step_pre_hook(record)
SETUP
exec(sys.argv[1], globals())
assert seen == [settings_of("processes").schedule().lr(step) for step in range(len(seen))]
os.write(1, f"steps {len(seen)}\n".encode())
"""
SETUPS = {
    "torch": """
model = torch.nn.Linear(1, 1)
train_dataset = torch.ones(29, 1)
compute_loss = lambda model, batch: model(batch).mean()
""",
    "lightning": """
import functools, lightning
class Model(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
    def training_step(self, batch, _):
        return self.layer(batch).mean()
    def configure_optimizers(self):
        return configure_optimizers(self)
off = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
lightning.Trainer = functools.partial(lightning.Trainer, accelerator="cpu", **dict.fromkeys(off, False))
model, train_loader = Model(), torch.utils.data.DataLoader(torch.ones(29, 1), batch_size=2)
""",
    "accelerate": """
import accelerate, functools
accelerate.Accelerator = functools.partial(accelerate.Accelerator, cpu=True)
model, train_loader = torch.nn.Linear(1, 1), torch.utils.data.DataLoader(torch.ones(29, 1), batch_size=2)
compute_loss = lambda model, batch: model(batch).mean()
""",
    "transformers": """
import functools, transformers
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(1, 1)
    def forward(self, x):
        return {"loss": self.layer(x).mean()}
transformers.TrainingArguments = functools.partial(
    transformers.TrainingArguments, use_cpu=True, report_to="none", disable_tqdm=True, save_strategy="no"
)
model, train_dataset = Model(), [{"x": torch.ones(1)}] * 29
""",
}


@pytest.mark.parametrize("framework", SETUPS)
def test_two_processes_train_with_the_plan(framework: Any, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip(framework)
    script = tmp_path / "train.py"
    script.write_text(PROCESSES.replace("SETUP", SETUPS[framework]))
    launcher = ["-m", "torch.distributed.run", "--nproc-per-node=2", f"--master-port={free_port()}"]
    if framework == "lightning":  # starts the second one itself
        launcher = []
    ran = subprocess.run(
        [sys.executable, *launcher, str(script), snippet("processes", framework)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert ran.stdout.count(f"steps {settings_of('processes').schedule().total_steps}\n") == 2


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture
def jax64() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        jax: Any = pytest.importorskip("jax")
        pytest.importorskip("optax")
        before = jax.config.jax_enable_x64
        jax.config.update("jax_enable_x64", True)  # noqa: FBT003
        yield jax
        jax.config.update("jax_enable_x64", before)


@pytest.mark.parametrize("plan", WITH_OPTAX)
def test_optax_trains_with_the_plan(plan: str, jax64: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    optax = importlib.import_module("optax")
    schedule, wanted = settings_of(plan).schedule(), planned(plan)
    injected: Rows = []
    updates: list[list[float]] = []
    apply = optax.apply_updates

    def applying(params: Any, changes: Any) -> Any:
        if getattr(given["state"], "mini_step", 0) == 0:  # an update, not a batch whose gradients are kept
            found = optax.tree_utils.tree_get_all_with_path(given["state"], "hyperparams")
            values = [hyperparams for _, hyperparams in found]
            pairs = ((each["learning_rate"], each["b1" if "b1" in each else "momentum"]) for each in values)
            injected.append([(float(rate), float(momentum)) for rate, momentum in pairs])
            updates.append([-float(each) for each in changes.values()])
        return apply(params, changes)

    names = schedule.groups
    given: dict[str, Any] = {
        "params": {name: jax64.numpy.zeros(()) for name in names},
        "param_labels": {name: name for name in names},
        "compute_loss": lambda params, batch: sum(params.values()),
    }
    if first_step_of(plan):
        run_until_checkpoint(plan, "optax", given, None)
        checkpoint = given.pop("params"), given.pop("state")
        given["restore_checkpoint"] = lambda: checkpoint
    monkeypatch.setattr(optax, "apply_updates", applying)
    given["train_loader"] = [None] * batches_of(plan)
    exec(snippet(plan, "optax"), given)
    if schedule.cycles_momentum:
        # MultiSteps compiles what it wraps, and XLA's cosine rounds otherwise.
        few = 4 * 2.0**-52 if PLANS[plan].get("gradient_accumulation") else 0.0
        assert np.array(injected) == pytest.approx(np.array(wanted), rel=few, abs=0)
    else:
        rates: Any = given["learning_rate"]
        curves = list(rates.values()) if isinstance(rates, dict) else [rates]
        steps = range(schedule.first_step, schedule.total_steps)
        assert [[(float(curve(step)), None) for curve in curves] for step in steps] == wanted
        # What trains is optax's own function of an int32 count, whose fractions JAX takes in 32 bits.
        exact = [[lr for lr, _ in row] for row in wanted]
        assert updates == ([pytest.approx(row, abs=1e-7 * 0.1) for row in exact] if OWN_OF_OPTAX[plan] else exact)
