"""The guard beside a training loop: silent while the run follows the plan, exact about the first other step."""

from __future__ import annotations

import pickle
import sys
import warnings
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from onecycle_cli import DivergenceError, DivergenceWarning, OneCycle, PlanError, ScheduleGuard

PLAN = OneCycle(max_lr=0.1, total_steps=100)


def optimizer(**group: Any) -> Any:
    return SimpleNamespace(param_groups=[{"lr": 0.0, **group}])


def run(guard: ScheduleGuard, optimizer: Any, rates: list[float]) -> None:
    guard.optimizer = optimizer
    for rate in rates:
        optimizer.param_groups[0]["lr"] = rate
        guard.step()


def rates(plan: OneCycle, steps: int) -> list[float]:
    schedule = plan.schedule()
    return [schedule.lr(step) for step in range(schedule.first_step, schedule.first_step + steps)]


def test_a_run_that_follows_the_plan_passes() -> None:
    guard = ScheduleGuard(PLAN)
    run(guard, optimizer(), rates(PLAN, 100))
    assert (guard.diverged_at, guard.next_step) == (None, 100)


def test_the_first_wrong_step_is_raised() -> None:
    wrong = rates(PLAN, 30)
    wrong[7] *= 2
    guard = ScheduleGuard(PLAN)
    with pytest.raises(DivergenceError, match=r"^diverges at step 7: lr is .*, planned is ") as error:
        run(guard, optimizer(), wrong)
    assert (error.value.step, guard.diverged_at) == (7, 7)
    assert pickle.loads(pickle.dumps(error.value)).step == 7


def test_a_warning_comes_once_and_training_goes_on() -> None:
    guard = ScheduleGuard(PLAN, on_divergence="warn")
    with pytest.warns(DivergenceWarning, match="diverges at step 0") as caught:
        run(guard, optimizer(), [0.1] * 100)
    assert len(caught) == 1
    assert guard.next_step == 100


def test_a_step_past_the_end_is_said() -> None:
    with pytest.raises(DivergenceError, match=r"diverges at step 100: lr is .*, but the plan ends at step 99"):
        run(ScheduleGuard(PLAN), optimizer(), [*rates(PLAN, 100), 4e-07])


def test_float32_rates_are_as_planned() -> None:
    single = [float(f"{rate:.8g}") for rate in rates(PLAN, 100)]
    run(ScheduleGuard(PLAN), optimizer(), single)
    with pytest.raises(DivergenceError):
        run(ScheduleGuard(PLAN, tolerance=0.0), optimizer(), single)


@pytest.mark.parametrize("name", ["momentum", "betas"])
def test_momentum_is_compared(name: str) -> None:
    schedule = PLAN.schedule()
    group: dict[str, Any] = {"momentum": 0.95} if name == "momentum" else {"betas": (0.95, 0.999)}
    guard = ScheduleGuard(PLAN, optimizer(lr=schedule.lr(0), **group))
    guard.step()
    guard.optimizer.param_groups[0]["lr"] = schedule.lr(1)
    with pytest.raises(DivergenceError, match=r"diverges at step 1: momentum is 0.95, planned is 0.9497"):
        guard.step()


def test_each_group_has_its_own_rate() -> None:
    plan = OneCycle(max_lr=(0.1, 0.01), groups=("body", "head"), total_steps=100, cycle_momentum=False)
    schedule = plan.schedule()
    groups = [{"lr": schedule.lr(0, group)} for group in (0, 1)]
    guard = ScheduleGuard(plan)
    guard.compare(groups)
    with pytest.raises(DivergenceError, match="diverges at step 1: lr_head"):
        guard.compare([{"lr": schedule.lr(1, 0)}, groups[1]])
    with pytest.raises(ValueError, match="the plan has 2 parameter groups, the optimizer 1"):
        ScheduleGuard(plan).compare(groups[:1])


def test_one_planned_group_holds_for_every_group_of_the_optimizer() -> None:
    with pytest.raises(DivergenceError, match=r"step 0: lr is 0.5"):
        ScheduleGuard(PLAN).compare([{"lr": PLAN.schedule().lr(0)}, {"lr": 0.5}])


def test_a_resumed_plan_begins_at_its_first_step() -> None:
    plan = OneCycle(max_lr=0.1, total_steps=100, last_epoch=49)
    guard = ScheduleGuard(plan)
    assert guard.next_step == 50
    run(guard, optimizer(), rates(plan, 50))
    assert guard.next_step == 100


def test_wrong_use_is_refused() -> None:
    with pytest.raises(PlanError):
        ScheduleGuard(OneCycle(max_lr=0.1))
    with pytest.raises(ValueError, match="no optimizer"):
        ScheduleGuard(PLAN).step()
    with pytest.raises(ValueError, match="use 'raise' or 'warn'"):
        ScheduleGuard(PLAN, on_divergence="stop")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="tolerance"):
        ScheduleGuard(PLAN, tolerance=2.0)


# --- With the frameworks themselves -------------------------------------------------------------------------------


@pytest.fixture
def torch() -> Any:
    return pytest.importorskip("torch")


@pytest.mark.parametrize(("every", "diverges"), [(1, None), (10, 1)])
def test_a_pytorch_loop(torch: Any, every: int, diverges: int | None) -> None:
    parameter = torch.zeros(1, requires_grad=True)
    sgd = torch.optim.SGD([parameter], lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(sgd, max_lr=0.1, total_steps=100)
    guard = ScheduleGuard(PLAN, sgd, on_divergence="warn")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)
        for step in range(100):
            parameter.grad = torch.ones(1)
            sgd.step()
            guard.step()
            if step % every == every - 1 and step < 99:
                scheduler.step()
    assert guard.diverged_at == diverges


@pytest.mark.parametrize(("interval", "diverges"), [("step", None), ("epoch", 1)])
def test_a_lightning_run(torch: Any, interval: str, diverges: int | None) -> None:
    lightning = pytest.importorskip("lightning.pytorch")

    class Module(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)

        def training_step(self, batch: Any, _: int) -> Any:
            return self.layer(batch).sum()

        def configure_optimizers(self) -> Any:
            sgd = torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)
            scheduler = torch.optim.lr_scheduler.OneCycleLR(sgd, max_lr=0.1, total_steps=100)
            return {"optimizer": sgd, "lr_scheduler": {"scheduler": scheduler, "interval": interval}}

    guard = ScheduleGuard(PLAN, on_divergence="warn")
    trainer = lightning.Trainer(
        max_epochs=10, logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, accelerator="cpu", callbacks=[guard.for_lightning()],
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(Module(), torch.utils.data.DataLoader(torch.zeros(10, 1), batch_size=1))
    assert (guard.diverged_at, guard.next_step) == (diverges, 100)


@pytest.mark.parametrize(("total", "diverges"), [(50, None), (100, 1)])
def test_a_transformers_run(torch: Any, total: int, diverges: int | None, tmp_path: Any) -> None:
    transformers = pytest.importorskip("transformers")

    class Model(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)

        def forward(self, x: Any) -> Any:
            return {"loss": self.layer(x).sum()}

    model = Model()
    adam = torch.optim.AdamW(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(adam, max_lr=0.1, total_steps=50)
    guard = ScheduleGuard(OneCycle(max_lr=0.1, total_steps=total), on_divergence="warn")
    arguments = transformers.TrainingArguments(
        output_dir=str(tmp_path), max_steps=50, per_device_train_batch_size=1, report_to=[], use_cpu=True,
        save_strategy="no", disable_tqdm=True, logging_strategy="no",
    )  # fmt: skip
    data = [{"x": torch.zeros(1)} for _ in range(50)]
    trainer = transformers.Trainer(
        model, arguments, train_dataset=data, optimizers=(adam, scheduler), callbacks=[guard.for_transformers()]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.train()
    assert (guard.diverged_at, guard.next_step) == (diverges, 50)


@pytest.mark.parametrize(("planned", "diverges"), [(0.1, None), (0.2, 0)])
def test_a_keras_run(planned: float, diverges: int | None) -> None:
    keras = pytest.importorskip("keras")
    numpy = pytest.importorskip("numpy")
    schedule = OneCycle(max_lr=0.1, total_steps=20, cycle_momentum=False).schedule()

    class Setter(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
        step = 0

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            self.model.optimizer.learning_rate = schedule.lr(self.step)
            self.step += 1

    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
    guard = ScheduleGuard(OneCycle(max_lr=planned, total_steps=20, cycle_momentum=False), on_divergence="warn")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(numpy.zeros((10, 1)), numpy.zeros((10, 1)), batch_size=1, epochs=2, verbose=0,
                  callbacks=[Setter(), guard.for_keras()])  # fmt: skip
    assert (guard.diverged_at, guard.next_step) == (diverges, 20)


class Callback:
    """Stands for a framework's base class."""


def installed(monkeypatch: pytest.MonkeyPatch, name: str, **contents: Any) -> None:
    """Put a module in place of a framework."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        monkeypatch.setitem(sys.modules, ".".join(parts[:end]), ModuleType(".".join(parts[:end])))
    for key, value in contents.items():
        monkeypatch.setattr(sys.modules[name], key, value, raising=False)


@pytest.mark.parametrize("name", ["lightning.pytorch", "pytorch_lightning"])
def test_lightning_has_two_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightning", None)
    monkeypatch.setitem(sys.modules, "lightning.pytorch", None)
    installed(monkeypatch, name, Callback=Callback)
    guard = ScheduleGuard(PLAN)
    callback, first, other = guard.for_lightning(), optimizer(), optimizer()
    assert issubclass(type(callback), Callback)
    for rate in rates(PLAN, 3):
        first.param_groups[0]["lr"] = rate
        callback.on_before_optimizer_step(None, None, first)
        callback.on_before_optimizer_step(None, None, other)  # a second optimizer has no plan
    assert (guard.next_step, guard.optimizer) == (3, first)
    with pytest.raises(DivergenceError, match="step 3"):
        callback.on_before_optimizer_step(None, None, first)


def test_the_trainer_passes_its_optimizer_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "transformers", TrainerCallback=Callback)
    guard = ScheduleGuard(PLAN)
    callback, used = guard.for_transformers(), optimizer()
    assert issubclass(type(callback), Callback)
    used.param_groups[0]["lr"] = rates(PLAN, 1)[0]
    callback.on_pre_optimizer_step(None, None, None, optimizer=used, model=None)
    assert guard.next_step == 1


@pytest.mark.parametrize(("setting", "wrong"), [("momentum", 0.8), ("beta_1", 0.8), ("beta_1", None), ("rho", 0.8)])
def test_keras_has_one_group(setting: str, wrong: float | None, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "keras.callbacks", Callback=Callback)
    guard = ScheduleGuard(PLAN)
    callback = guard.for_keras()
    assert issubclass(type(callback), Callback)
    used = SimpleNamespace(learning_rate=rates(PLAN, 1)[0], **{setting: 0.95})
    callback.model = SimpleNamespace(optimizer=used)
    callback.on_train_batch_begin(0, logs=None)
    used.learning_rate = rates(PLAN, 2)[1]
    setattr(used, setting, wrong)
    if setting == "rho" or wrong is None:
        callback.on_train_batch_begin(1)
        assert guard.next_step == 2
    else:
        with pytest.raises(DivergenceError, match=r"momentum is 0\.8"):
            callback.on_train_batch_begin(1)


def test_a_warning_names_the_line_of_the_training_loop() -> None:
    guard = ScheduleGuard(PLAN, optimizer(), on_divergence="warn")
    with pytest.warns(DivergenceWarning) as caught:
        guard.step()
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("factor", "diverges"), [(1 + 9e-7, False), (1 - 9e-7, False), (1 + 1.1e-6, True), (1 - 1.1e-6, True)]
)
def test_a_rate_may_be_off_by_the_tolerance(factor: float, diverges: bool) -> None:
    guard = ScheduleGuard(PLAN, on_divergence="warn")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run(guard, optimizer(), [rates(PLAN, 1)[0] * factor])
    assert (guard.diverged_at == 0) is diverges


@pytest.mark.parametrize("tolerance", [-1e-9, 1, 1.5, float("nan")])
def test_an_invalid_tolerance_is_refused(tolerance: float) -> None:
    with pytest.raises(ValueError, match="tolerance is"):
        ScheduleGuard(PLAN, tolerance=tolerance)
    assert ScheduleGuard(PLAN, tolerance=0).next_step == 0
