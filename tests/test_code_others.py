"""The snippets of `onecycle code` train with the plan: fastai's, MMEngine's, Paddle's and Keras'."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onecycle_cli import OneCycle
from tests.snippets import (
    PLANS,
    Loader,
    Rows,
    StopTrainingError,
    batches_before,
    batches_of,
    first_step_of,
    planned,
    settings_of,
    snippet,
)
from tests.test_code_runs import recorded

RESUMED = [plan for plan in PLANS if plan.startswith("resumed")]
# Keras' fit begins with an epoch's first batch, where of the extended plans only this one resumes.
WITH_KERAS = [plan for plan in RESUMED if "then" not in PLANS[plan] or plan == "resumed-hold"]


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("plan", ["torch", "groups", "still", "accumulated", "accumulated-evenly", "fastai", *RESUMED])
def test_fastai_trains_with_the_plan(plan: str) -> None:
    torch: Any = pytest.importorskip("torch")
    learner: Any = pytest.importorskip("fastai.learner")
    from fastai.callback.core import Callback
    from fastai.data.core import DataLoaders

    seen: Rows = []
    size = PLANS[plan].get("batch_size", 1)
    stop = batches_before(plan)

    class Watch(Callback):  # type: ignore[misc]
        order = 90

        def before_step(self) -> None:
            seen.append([(float(hypers["lr"]), float(hypers["mom"])) for hypers in self.learn.opt.hypers])

    class Stop(Callback):  # type: ignore[misc]
        def before_batch(self) -> None:
            if self.training and self.train_iter == stop:
                self.learn.save("checkpoint")
                raise StopTrainingError("for a checkpoint")

    def make(*callbacks: Any) -> Any:
        samples = batches_of(plan) * size
        if not settings_of(plan).epochs:  # the run is one epoch
            samples *= PLANS[plan].get("gradient_accumulation", 1)
        data = torch.utils.data.TensorDataset(*[torch.ones(samples, 1)] * 2)
        loader = torch.utils.data.DataLoader(data, batch_size=size)
        loader.bs = size
        model = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Linear(1, 1))
        splitter = (lambda net: [list(part.parameters()) for part in net]) if plan == "groups" else None
        more = {"splitter": splitter} if splitter else {}
        return learner.Learner(DataLoaders(loader, loader), model, torch.nn.MSELoss(), cbs=callbacks, **more)

    if first_step_of(plan):
        with pytest.raises(StopTrainingError):
            exec(snippet(plan, "fastai", resumed=False), {"learn": make(Stop())})
    text = snippet(plan, "fastai")
    exec(text, {"learn": make(Watch())})
    within = 0.0 if "one_cycle(step, LR)" in text else 1e-7  # fastai itself counts in float32
    cycled = settings_of(plan).schedule().cycles_momentum
    rates, wanted = ([list(zip(*row, strict=True))[: 1 + cycled] for row in rows] for rows in (seen, planned(plan)))
    assert np.array(rates) == pytest.approx(np.array(wanted), rel=0, abs=within)


@pytest.mark.parametrize("plan", ["torch", "steps", "mmengine", "accumulated-evenly", "resumed", "resumed-steps"])
def test_mmengine_trains_with_the_rates_of_the_plan(plan: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch: Any = pytest.importorskip("torch")
    pytest.importorskip("mmengine")
    from mmengine.model import BaseModel
    from mmengine.runner import Runner

    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")  # as the snippet says

    class Model(BaseModel):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)

        def forward(self, batch: Any, mode: str = "loss") -> Any:
            return {"loss": self.layer(batch).mean()}

    rows = torch.utils.data.TensorDataset(torch.ones(batches_of(plan), 1))
    loader = functools.partial(torch.utils.data.DataLoader, rows, batch_size=1)
    each, interval = PLANS[plan].get("gradient_accumulation", 1), 1
    if not settings_of(plan).epochs:
        interval = batches_before(plan) or 10**6

    def train(text: str) -> None:
        config: dict[str, Any] = {}
        exec(text, config)
        config.pop("__builtins__")
        checkpoints = {"type": "CheckpointHook", "interval": interval, "by_epoch": config["train_cfg"]["by_epoch"]}
        runner = Runner(
            Model(), "work_dirs", loader(), default_hooks={"checkpoint": checkpoints}, log_level="ERROR",
            experiment_name=f"{plan}-{'load_from' in config}", **config,
        )  # fmt: skip
        runner.train()

    if first_step_of(plan):
        train(snippet(plan, "mmengine", resumed=False))
    with recorded() as seen:
        train(snippet(plan, "mmengine"))
    settings = settings_of(plan)
    if each == 1:
        assert [row[0][0] for row in seen] == [row[0][0] for row in planned(plan)]
        return
    # The scheduler has moved with every batch when the gradients of a few make an update.
    curve = OneCycle(max_lr=settings.max_lr, total_steps=settings.schedule().total_steps * each).schedule()
    steps = range(first_step_of(plan), settings.schedule().total_steps)
    assert [row[0][0] for row in seen] == [curve.lr(step * each + each - 1) for step in steps]


@pytest.mark.parametrize("plan", ["torch", "steps", "paddle", "optax", "smith", "accumulated", *RESUMED])
def test_paddle_trains_with_the_rates_of_the_plan(plan: str, monkeypatch: pytest.MonkeyPatch) -> None:
    paddle: Any = pytest.importorskip("paddle")
    seen: list[float] = []

    class Momentum(paddle.optimizer.Momentum):  # type: ignore[misc]
        def step(self) -> None:
            seen.append(self.get_lr())
            super().step()

    monkeypatch.setattr(paddle.optimizer, "Momentum", Momentum)
    monkeypatch.setattr(paddle.optimizer, "AdamW", Momentum)
    names = paddle.utils.unique_name.guard  # a new process would use the same names again
    given: dict[str, Any] = {"compute_loss": lambda model, batch: model(batch).mean()}
    if first_step_of(plan):
        given["train_loader"] = Loader(paddle.ones([1, 1]), batches_of(plan), batches_before(plan))
        with names():
            given["model"] = paddle.nn.Linear(1, 1)
            with pytest.raises(StopTrainingError):
                exec(snippet(plan, "paddle", resumed=False), given)
        paddle.save(given["model"].state_dict(), "checkpoint.pdparams")
        paddle.save(given["optimizer"].state_dict(), "checkpoint.pdopt")
        seen.clear()
    given["train_loader"] = [paddle.ones([1, 1])] * batches_of(plan)
    with names():
        given["model"] = paddle.nn.Linear(1, 1)
        exec(snippet(plan, "paddle"), given)
    assert seen == [row[0][0] for row in planned(plan)]


@pytest.mark.parametrize("plan", ["torch", "steps", "optax", "smith", "accumulated-evenly", *WITH_KERAS])
def test_keras_trains_with_the_rates_of_the_plan(plan: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("jax")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    keras: Any = pytest.importorskip("keras")
    if plan == "resumed-inside":
        assert "resume from a checkpoint that was saved at an epoch's end" in snippet(plan, "keras").replace(
            "\n# ", " "
        )
        return
    each = PLANS[plan].get("gradient_accumulation", 1)
    seen: list[float] = []
    fit = keras.Sequential.fit

    class Data(keras.utils.PyDataset):  # type: ignore[misc]
        def __len__(self) -> int:
            return batches_of(plan)

        def __getitem__(self, index: int) -> Any:
            return np.ones((1, 1)), np.ones((1, 1))

    class Watch(keras.callbacks.Callback):  # type: ignore[misc]
        most = batches_before(plan)

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if len(seen) == self.most:
                self.model.save("checkpoint.keras")
                raise StopTrainingError("for a checkpoint")
            seen.append(float(self.model.optimizer.learning_rate))

    def watched(self: Any, *arguments: Any, callbacks: Any = (), **given: Any) -> Any:
        return fit(self, *arguments, callbacks=[*callbacks, watch], verbose=0, **given)

    monkeypatch.setattr(keras.Sequential, "fit", watched)
    watch = Watch()
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    if first_step_of(plan):
        with pytest.raises(StopTrainingError):
            exec(
                snippet(plan, "keras", resumed=False),
                {"model": model, "loss": "mse", "train_loader": Data()},
            )
        seen.clear()
    watch = Watch()
    watch.most = -1
    given: dict[str, Any] = {"model": model, "loss": "mse", "train_loader": Data()}
    exec(snippet(plan, "keras", guarded=True), given)
    assert seen[each - 1 :: each] == [float(np.float32(row[0][0])) for row in planned(plan)]
    if each == 1:
        assert given["guard"].next_step == settings_of(plan).schedule().total_steps
