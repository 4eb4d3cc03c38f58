"""`onecycle code`: every snippet parses; PyTorch's, Lightning's, transformers' and optax's train with the plan."""

from __future__ import annotations

import functools
import importlib
import math
import re
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from onecycle_cli import OneCycle
from onecycle_cli.cli import main
from onecycle_cli.policy.ramps import CosineRamp, LinearRamp, Ramp
from onecycle_cli.policy.schedule import Schedule
from onecycle_cli.render.code import Framework, code

FRAMEWORKS: tuple[Framework, ...] = get_args(Framework)
NAMED: dict[str, Any] = {"groups": ("backbone", "head"), "max_lr": (0.01, 0.1)}

PLANS: dict[str, dict[str, Any]] = {
    "torch": {"max_lr": 0.1, "epochs": 3, "steps_per_epoch": 7},
    "steps": {"max_lr": 0.3, "total_steps": 23, "pct_start": 0.4, "div_factor": 10.0, "optimizer": "adamw"},
    "phases": {"max_lr": 0.1, "total_steps": 20, "three_phase": True, "anneal_strategy": "linear", "optimizer": "sgd"},
    "groups": {**NAMED, "total_steps": 20, "base_momentum": (0.8, 0.85), "max_momentum": 0.9, "optimizer": "sgd"},
    "accumulated": {"max_lr": 0.1, "epochs": 2, "dataset_size": 26, "batch_size": 2, "gradient_accumulation": 2},
    "still": {"max_lr": 0.1, "total_steps": 20, "cycle_momentum": False, "final_div_factor": 7.3e3},
    "zero": {"max_lr": 0.1, "total_steps": 20, "final_lr": 0.0},
    "rising": {"max_lr": 0.1, "total_steps": 20, "pct_start": 1.0},
    "r-torch": {"max_lr": 0.1, "total_steps": 22, "convention": "r-torch"},
    "mmengine": {"max_lr": 0.1, "total_steps": 20, "convention": "mmengine"},
    "paddle": {"max_lr": 0.1, "total_steps": 20, "convention": "paddle"},
    "paddle-groups": {**NAMED, "total_steps": 20, "convention": "paddle"},
    "optax": {"max_lr": 0.1, "epochs": 4, "steps_per_epoch": 5, "convention": "optax"},
    "optax-linear": {"max_lr": 0.1, "total_steps": 20, "convention": "optax-linear"},
    "openpcdet": {**NAMED, "total_steps": 20, "convention": "openpcdet", "optimizer": "adam"},
    "smith": {"max_lr": 0.1, "total_steps": 40, "stepsize": 10, "convention": "smith", "optimizer": "sgd"},
    "fastai": {"max_lr": 0.1, "epochs": 4, "steps_per_epoch": 5, "convention": "fastai"},
}
WITHIN = {"r-torch": 1e-12, "fastai": 1e-6}
"""Where the snippet says that it differs by rounding: of the peak, by how much. All else is equal in every bit."""

OWN_OF_OPTAX = {"optax": True, "optax-linear": True, "paddle": False, "mmengine": False, "still": False}
"""By plan without momentum: whether optax's own schedule follows it."""

Rows = list[list[tuple[float, float | None]]]


def snippet(plan: str, framework: Framework) -> str:
    settings = OneCycle(**PLANS[plan])
    return code(framework, plan, settings, settings.schedule())


def planned(plan: str) -> Rows:
    schedule = OneCycle(**PLANS[plan]).schedule()
    groups = range(len(schedule.groups))
    return [
        [(schedule.lr(step, g), schedule.momentum(step, g)) for g in groups] for step in range(schedule.total_steps)
    ]


def assert_followed(plan: str, seen: Rows) -> None:
    wanted = planned(plan)
    if wanted[0][0][1] is None:
        seen = [[(lr, None) for lr, _ in row] for row in seen]
    if plan not in WITHIN:
        assert seen == wanted
        return
    assert len(seen) == len(wanted)
    flat = [number for row in seen for group in row for number in group]
    assert flat == pytest.approx([number for row in wanted for group in row for number in group], abs=WITHIN[plan])


def batches_of(plan: str) -> int:
    """Give the batches of an epoch as the real loader has them; the whole run's where no epochs are known."""
    settings = OneCycle(**PLANS[plan])
    if settings.dataset_size:
        return math.ceil(settings.dataset_size / (settings.batch_size or 1))
    return settings.schedule().steps_per_epoch or settings.schedule().total_steps


@pytest.mark.parametrize("framework", [each for each in FRAMEWORKS if each != "r-torch"])
@pytest.mark.parametrize("plan", PLANS)
def test_python_compiles_and_is_short(plan: str, framework: Framework) -> None:
    text = snippet(plan, framework)
    compile(text, f"{framework}.py", "exec")
    assert max(map(len, text.splitlines())) <= 130
    assert len(text.splitlines()) <= 80
    assert text.endswith("\n")
    assert "\n\n\n\n" not in text


@pytest.mark.parametrize("plan", PLANS)
def test_r_is_balanced(plan: str) -> None:
    text = snippet(plan, "r-torch")
    bare = re.sub(r'"[^"\n]*"|#.*', "", text)
    assert '"' not in bare
    for opening, closing in ("()", "{}", "[]"):
        assert bare.count(opening) == bare.count(closing)
    assert not re.search(r",\s*\)", bare)
    assert not re.search(r"\b(True|False|None|math)\b", bare)


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not installed; its brackets are checked only")
@pytest.mark.parametrize("plan", PLANS)
def test_r_parses(plan: str, tmp_path: Path) -> None:
    path = tmp_path / "snippet.R"
    path.write_text(snippet(plan, "r-torch"))
    subprocess.run(
        ["Rscript", "-e", "invisible(parse(commandArgs(TRUE)))", str(path)],
        check=True,
        capture_output=True,
        timeout=120,
    )


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


@pytest.mark.parametrize("plan", PLANS)
def test_torch_trains_with_the_plan(plan: str) -> None:
    torch: Any = pytest.importorskip("torch")
    model = network(torch, torch.nn.Module)
    loader = [torch.ones(1, 1)] * batches_of(plan)
    given = {"model": model, "train_loader": loader, "compute_loss": lambda model, batch: model(batch)["loss"]}
    with recorded() as seen:
        exec(snippet(plan, "torch"), given)
    assert_followed(plan, seen)


@pytest.mark.parametrize("plan", ["torch", "groups", "accumulated", "optax", "smith"])
@pytest.mark.filterwarnings("ignore")
def test_lightning_trains_with_the_plan(plan: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    torch: Any = pytest.importorskip("torch")
    lightning: Any = pytest.importorskip("lightning")
    monkeypatch.chdir(tmp_path)
    off = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    quiet = functools.partial(lightning.Trainer, accelerator="cpu", **dict.fromkeys(off, False))
    monkeypatch.setattr(lightning, "Trainer", quiet)
    given: dict[str, Any] = {}
    exec(snippet(plan, "lightning"), given)
    model = network(
        torch, type("Base", (lightning.LightningModule,), {"configure_optimizers": given["configure_optimizers"]})
    )
    loader = torch.utils.data.DataLoader(torch.ones(batches_of(plan), 1), batch_size=1)
    with recorded() as seen:
        given["trainer"].fit(model, loader)
    assert_followed(plan, seen)


@pytest.mark.parametrize("plan", ["torch", "steps", "accumulated", "openpcdet", "optax"])
@pytest.mark.filterwarnings("ignore")
def test_transformers_trains_with_the_plan(plan: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    torch: Any = pytest.importorskip("torch")
    transformers: Any = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    monkeypatch.chdir(tmp_path)
    batch = PLANS[plan].get("batch_size", 1)
    more = {} if "batch_size" in PLANS[plan] else {"per_device_train_batch_size": batch}
    quiet = functools.partial(
        transformers.TrainingArguments,
        use_cpu=True, report_to="none", disable_tqdm=True, save_strategy="no", logging_strategy="no", **more,
    )  # fmt: skip
    monkeypatch.setattr(transformers, "TrainingArguments", quiet)
    rows = [{"x": torch.ones(1)}] * (batches_of(plan) * batch)
    given = {"model": network(torch, torch.nn.Module), "train_dataset": rows}
    exec(snippet(plan, "transformers"), given)
    trainer: Any = given["trainer"]
    with recorded() as seen:
        trainer.train()
    assert_followed(plan, [row[: len(planned(plan)[0])] for row in seen])


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


@pytest.mark.parametrize("plan", ["torch", "phases", "groups", "optax", "optax-linear", "paddle", "smith", "still"])
def test_optax_trains_with_the_plan(plan: str, jax64: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    optax = importlib.import_module("optax")

    schedule = OneCycle(**PLANS[plan]).schedule()
    injected: dict[int, list[tuple[float, float]]] = {}
    updates: list[list[float]] = []
    inject, apply = optax.inject_hyperparams, optax.apply_updates

    def injecting(factory: Any) -> Any:
        def made(**given: Any) -> Any:
            inner = inject(factory)(**given)
            seen = injected.setdefault(len(injected), [])

            def update(*arguments: Any) -> Any:
                out, state = inner.update(*arguments)
                seen.append((float(state.hyperparams["learning_rate"]), float(state.hyperparams["momentum"])))
                return out, state

            return optax.GradientTransformation(inner.init, update)

        return made

    def applying(params: Any, changes: Any) -> Any:
        updates.append([-float(each) for each in changes.values()])
        return apply(params, changes)

    monkeypatch.setattr(optax, "inject_hyperparams", injecting)
    monkeypatch.setattr(optax, "apply_updates", applying)
    names = schedule.groups
    given = {
        "params": {name: jax64.numpy.zeros(()) for name in names},
        "param_labels": {name: name for name in names},
        "train_loader": [None] * batches_of(plan),
        "compute_loss": lambda params, batch: sum(params.values()),
    }
    exec(snippet(plan, "optax"), given)
    if schedule.cycles_momentum:
        assert [list(row) for row in zip(*injected.values(), strict=True)] == planned(plan)
    else:
        rates: Any = given["learning_rate"]
        curves = list(rates.values()) if isinstance(rates, dict) else [rates]
        steps = range(schedule.total_steps)
        assert [[(float(curve(step)), None) for curve in curves] for step in steps] == planned(plan)
        # What trains is optax's own function of an int32 count, whose fractions JAX takes in 32 bits.
        exact = [[lr for lr, _ in row] for row in planned(plan)]
        assert updates == ([pytest.approx(row, abs=1e-7 * 0.1) for row in exact] if OWN_OF_OPTAX[plan] else exact)


@pytest.mark.parametrize(
    ("plan", "framework", "words"),
    [
        ("optax", "torch", "the last learning rate is 4e-07 there, 0.001254 in the plan"),
        ("optax", "mmengine", "the last learning rate is 4e-07 here, 0.001254 in the plan"),
        ("torch", "optax", "optax.cosine_onecycle_schedule is not used"),
        ("torch", "fastai", "fit_one_cycle is not used"),
        ("torch", "paddle", "Paddle's optimizers keep theirs"),
        ("torch", "mmengine", "schedules the learning rate alone"),
        ("accumulated", "mmengine", "MMEngine steps the schedule with every batch"),
        ("accumulated", "optax", "fewer updates than the plan"),
        ("groups", "paddle", "the first one's times a constant"),
        ("rising", "torch", "divides by zero"),
        ("phases", "r-torch", "lr_one_cycle is not used"),
        ("r-torch", "torch", "OneCycleLR differs from the plan by"),
        ("fastai", "torch", "fastai counts its position in float32"),
    ],
)
def test_what_cannot_be_followed_is_said(plan: str, framework: Framework, words: str) -> None:
    comments = " ".join(re.sub(r"^# ", "", line) for line in snippet(plan, framework).splitlines() if line[:1] == "#")
    assert words in comments


class Squared(Ramp):
    """A ramp that no framework has."""

    __slots__ = ()

    def at(self, step: Any, cos: Any) -> Any:
        return self.start + (self.end - self.start) * self.progress(step) ** 2


@pytest.mark.parametrize("total_steps", [7, 30, 1000])
@pytest.mark.parametrize("ramps", [(Squared, Squared), (LinearRamp, CosineRamp)])
def test_curves_without_a_formula_are_straight_pieces(ramps: tuple[type[Ramp], type[Ramp]], total_steps: int) -> None:
    settings = OneCycle(max_lr=0.1, total_steps=total_steps, pct_start=0.5)
    schedule = settings.schedule()

    def made(kind: type[Ramp], ramps: tuple[Ramp, ...]) -> tuple[Ramp, ...]:
        return tuple(kind(ramp.start, ramp.end, ramp.edge, ramp.span) for ramp in ramps)

    own = Schedule(
        schedule.plan,
        [
            replace(phase, lr=made(kind, phase.lr), momentum=made(kind, phase.momentum))
            for kind, phase in zip(ramps, schedule.phases, strict=True)
        ],
    )
    text = code("torch", "own", settings, own)
    compile(text, "own.py", "exec")
    assert "straight pieces" in text
    given: dict[str, Any] = {"math": math}
    exec(text[text.index("LR = ") : text.index("class OneCycle")], given)
    for step in range(total_steps):
        assert given["one_cycle"](step, given["LR"]) == pytest.approx(own.lr(step), abs=1e-5)
        assert given["one_cycle"](step, given["MOMENTUM"]) == pytest.approx(own.momentum(step), abs=1e-5)


@pytest.mark.parametrize(
    ("plan", "framework", "lines"),
    [
        ("torch", "torch", ["steps_per_epoch=len(train_loader),  # planned: 7"]),
        ("torch", "torch", ["scheduler.step()  # after every batch"]),
        ("accumulated", "torch", ["steps_per_epoch=math.ceil(len(train_loader) / 2),  # planned: 7"]),
        ("torch", "lightning", ['"interval": "step"', "=self.trainer.estimated_stepping_batches,  # planned: 21"]),
        ("torch", "transformers", ["total_steps=num_training_steps,  # planned: 21", "num_train_epochs=3"]),
        ("steps", "transformers", ["total_steps=23", "max_steps=23"]),
        ("optax", "optax", ["transition_steps=4 * len(train_loader),  # planned: 20"]),
        ("paddle", "paddle", ["paddle.optimizer.lr.OneCycleLR(\n    max_learning_rate=0.1,\n    total_steps=20,\n)"]),
        ("torch", "paddle", ["total_steps=3 * len(train_loader),  # planned: 21", "end_learning_rate=4e-07"]),
        ("fastai", "fastai", ["learn.fit_one_cycle(\n    n_epoch=4,\n    lr_max=0.1,\n)"]),
        ("torch", "mmengine", ["end=3,", "convert_to_iter_based=True"]),
        ("torch", "r-torch", ["steps_per_epoch = length(train_dl)  # planned: 7\n)", "scheduler$step()  # after"]),
        ("groups", "r-torch", ["max_momentum = list(0.9, 0.9)"]),
        ("zero", "torch", ['final_div_factor=float("inf")']),
    ],
)  # fmt: skip
def test_what_is_written(plan: str, framework: Framework, lines: list[str]) -> None:
    text = snippet(plan, framework)
    for line in lines:
        assert line in text


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_resuming_is_explained(framework: Framework) -> None:
    settings = OneCycle(max_lr=0.1, total_steps=20, last_epoch=9)
    text = code(framework, "resumed", settings, settings.schedule())
    assert "# To resume at step 10: " in text


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_names_stay_in_their_comment(framework: Framework) -> None:
    settings = OneCycle(max_lr=(0.1, 0.2), groups=("a b", "class"), total_steps=20, optimizer="x\nimport os")
    text = code(framework, "a\nimport os", settings, settings.schedule())
    assert not re.search(r"^\s*import os", text, re.MULTILINE)
    if framework != "r-torch":
        compile(text, f"{framework}.py", "exec")


def test_the_command_prints_or_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = ["--max-lr", "0.1", "--total-steps", "100"]
    assert main(["code", *plan, "--framework", "torch"]) == 0
    printed = capsys.readouterr().out
    assert "OneCycleLR(" in printed
    target = tmp_path / "scheduler.py"
    assert main(["code", *plan, "--framework", "torch", "-o", str(target)]) == 0
    assert capsys.readouterr().out == ""
    assert target.read_text() == printed
    target.write_text("mine\n")
    assert main(["code", *plan, "--framework", "torch", "-o", str(target)]) == 2
    assert "--force" in capsys.readouterr().err
    assert target.read_text() == "mine\n"
    assert main(["code", *plan, "--framework", "torch", "-o", str(target), "--force"]) == 0
    assert target.read_text() == printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--framework", "caffe"], "caffe"),
        ([], "--framework"),
        (["--framework", "torch", "a.yaml", "b.yaml"], "one plan"),
    ],
)
def test_what_cannot_be_done_is_said(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert main(["code", "--max-lr", "0.1", "--total-steps", "100", *arguments]) == 2
    assert words in capsys.readouterr().err
